"""A disk that is full is a bench fault, wherever it meets the run: what was recorded is readable, the rig is free and safe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from kills.conftest import NEXT, SAFE, Outside, readable

from pytest_quecfota.report import evidence
from pytest_quecfota.rig import load
from pytest_quecfota.rig.lease import hold

UPGRADES = """
def test_upgrades(module, supply, fota_plan, upgrade):
    supply.set(voltage=3.0)
    for _ in range(40):
        upgrade(fota_plan())

def test_after_it(module):
    pass
"""
FILLER = """
import os
import pytest

def test_fills_the_disk(module, evidence):
    with (evidence.parent / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))

def test_without_room(events):
    raise AssertionError("it may not even begin")

def test_clears_the_disk(request):
    for path in (request.config.rootpath / "evidence").rglob("filler"):
        path.unlink()

def test_with_room(module):
    assert module.at("AT+CSQ").values
"""
QUIET = """
def test_quiet(events):
    pass
"""
MOUNTED = """\
mount -t tmpfs -o size={size}k none {where} || exit 99
{before}
{python} -m pytest {arguments}; code=$?
cp -r {where} kept; exit $code
"""


Done = subprocess.CompletedProcess[str]


def own_mounts() -> bool:
    """Whether a process may mount a small file system of its own here."""
    command = ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


class Small:
    """Runs of the project whose folder `where` is a file system of so many KiB; `kept` is what they left there."""

    def __init__(self, outside: Outside) -> None:
        self.path = outside.path
        self.outside = outside
        self.kept = outside.path / "kept"

    def run(
        self, tests: str, size: int, *arguments: str, where: str = "evidence", before: str = "", rig: str = "outside"
    ) -> Done:
        """Run these tests with the disk mounted; no run may end in an internal error, and none says it is the module's fault."""
        (self.path / where).mkdir()
        (self.path / "test_it.py").write_text(tests)
        words = ["-q", "-p", "no:cacheprovider", "--rig", rig, *arguments]
        text = MOUNTED.format(size=size, where=where, python=sys.executable, arguments=" ".join(words), before=before)
        leases = Path(tempfile.gettempdir(), f"quecfota-{os.getuid()}")
        done = subprocess.run(
            ["unshare", "-Urm", "sh", "-c", text],
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
            env={**os.environ, "QUECFOTA_RUN_DIR": str(leases)},
        )
        said = done.stdout + done.stderr
        assert "INTERNALERROR" not in said, said
        assert "Traceback" not in done.stderr, said
        assert done.returncode == 8, said
        assert "No space left on device" in said
        assert "1 failed" not in said
        return done

    def record(self) -> evidence.RunRecord:
        """The run as it was kept."""
        (folder,) = self.kept.glob("*-*")
        return evidence.open_run(folder)

    def outcomes(self) -> dict[str, tuple[str, str]]:
        """Outcome and reason of each test, by name."""
        return {verdict.name: (verdict.outcome, verdict.reason) for verdict in self.record().verdicts}


@pytest.fixture
def small(outside: Outside) -> Small:
    """A way to run with a small disk; the rig file hangs on a bench that outlives the run."""
    if not own_mounts():
        pytest.skip("this machine lets nobody mount a small file system (unshare -Urm)")
    return Small(outside)


BROKEN = ("broken", "evidence cannot be written")


@pytest.mark.timeout(150)
def test_a_disk_that_fills_up_in_an_upgrade_is_a_bench_fault_and_all_before_it_is_kept(small):
    """Timeline readable, run file and manifest complete, lease free, supply safe, and the next run is green."""
    small.run(UPGRADES, 100, "--junitxml=evidence/junit.xml")
    assert small.outcomes() == {"test_upgrades": BROKEN, "test_after_it": BROKEN}
    (timeline,) = small.kept.glob("*-outside/tests/test_upgrades/timeline.jsonl")
    assert len(readable(timeline)) > 50
    record = small.record()
    assert (record.head["state"], record.head["exit_status"]) == ("finished", 8)
    assert any("No space left" in line for line in record.head["lost"])
    assert evidence.verify(record.directory) == []
    assert "<testsuite " in (small.kept / "junit.xml").read_text()
    assert not [path for path in small.kept.rglob("*") if path.name.endswith((".part", ".tmp"))]

    hold(load(small.outside.rig)).release()  # raises where somebody holds the rig
    assert small.outside.supply.state() == SAFE
    shutil.rmtree(small.path / "evidence")
    after = small.outside.project.run("--rig", "outside", tests=NEXT)
    after.assert_outcomes(passed=1)


@pytest.mark.timeout(120)
def test_tests_end_as_bench_faults_while_there_is_no_room_and_go_on_when_there_is(small):
    """A test that finds no room for its timeline does not begin; the one after the disk was cleared passes."""
    small.run(FILLER, 400, rig="virtual")  # whose bench writes its log there as well
    assert small.outcomes() == {
        "test_fills_the_disk": BROKEN,
        "test_without_room": BROKEN,
        "test_with_room": ("passed", ""),
    }
    folders = [path.name for path in (small.record().directory / "tests").iterdir()]
    assert "test_without_room" not in folders
    assert evidence.verify(small.record().directory) == []


@pytest.mark.timeout(120)
def test_allures_results_that_find_no_room_are_a_bench_fault_of_the_run(small):
    """They may lie on another disk than the evidence."""
    done = small.run(QUIET, 4, "--alluredir=results", where="results")
    record = evidence.open_run(small.path / "evidence")
    assert [verdict.outcome for verdict in record.verdicts] == ["broken"]
    assert "lost     " in done.stdout
    whole = [path for path in small.kept.glob("*.json") if json.loads(path.read_text() or "0") == 0]
    assert not whole, "a file of no content"


@pytest.mark.timeout(60)
def test_a_disk_without_any_room_ends_the_run_at_once(small):
    """Before anything on the rig is touched, with one message."""
    done = small.run(QUIET, 16, before="head -c 64k /dev/zero > evidence/filler 2> /dev/null")
    assert "bench fault: the evidence cannot be written" in done.stderr
