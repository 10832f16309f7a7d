"""A bench that lives longer than the runs on it, and runs that are killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from plugin.conftest import OUTSIDE, Project

from pytest_quecfota.rig import load
from pytest_quecfota.rig.bench import Bench, start

ANSWER = 2.0  # real seconds the supply may take to answer
SAFE = (3.3, 1.0, True, "FIX")  # the rig's safe state, nominal
RESTORED = 2.0  # real seconds within which the guardian has put the supply back
#: For a project's conftest.py: no port is waited for half a minute, and what the virtual module needs has some slack (module
#: seconds), so that what does not come is not waited for as long as for a real one.
QUICK = """
import pytest
import pytest_quecfota.rig.live as live

live.REOPEN = 1.5
TIMINGS = dict(download_start=20, download=60, update=30, reboot=30, connect=60)

@pytest.fixture(scope="session", autouse=True)
def quick(rig):
    timings = rig.model.timings.model_copy(update=TIMINGS)
    vars(rig)["model"] = rig.model.model_copy(update=dict(timings=timings))
"""
#: The tests of the run after the one that was hurt: the rig has recovered by itself.
NEXT = """
def test_next(module, fota_plan, upgrade):
    plan = fota_plan()
    run = upgrade(plan)
    assert run.outcome == "upgraded", run.reason
    assert module.firmware_version() == plan.target_version
"""


class Supply:
    """A second hand on the supply: what it is set to, asked past the run."""

    def __init__(self, visa: str) -> None:
        _, host, port, _ = visa.split("::")
        self._address = (host, int(port))

    def state(self) -> tuple[float, float, bool, str]:
        """Volts, amperes, whether the output is on, and the mode its voltage follows (FIX or LIST)."""
        with socket.create_connection(self._address, timeout=ANSWER) as link, link.makefile("rw", newline="\n") as line:
            answers = []
            for question in ("VOLT? (@1)", "CURR? (@1)", "OUTP? (@1)", "VOLT:MODE? (@1)"):
                line.write(f"{question}\n")
                line.flush()
                answers.append(line.readline().strip())
        voltage, current, output, mode = answers
        return float(voltage), float(current), output in {"1", "ON"}, mode[:4].strip()


class Outside:
    """A project whose rig `outside` hangs on a bench that no run starts or ends."""

    def __init__(self, project: Project, bench: Bench) -> None:
        self.project = project
        self.path = project.path
        self.bench = bench
        self.supply = Supply(bench.ready["supply"])
        self.rig = self.path / "rigs" / "outside.yaml"

    def describe(self, **changes: Any) -> None:
        """Write the rig file, with some of the bench's addresses replaced."""
        self.rig.write_text(OUTSIDE.format(**{**self.bench.ready, **changes}))

    def launch(self, text: str) -> subprocess.Popen[bytes]:
        """Begin a run of these tests on the rig, without waiting for it."""
        (self.path / "victim.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-q", "--rig", "outside", "victim.py"]
        own = {**os.environ, "TMPDIR": str(self.path)}  # what a killed run leaves there goes with the project
        own["QUECFOTA_RUN_DIR"] = str(
            Path(tempfile.gettempdir(), f"quecfota-{os.getuid()}")
        )  # but the leases are everybody's
        return subprocess.Popen(command, cwd=self.path, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def newest(self) -> Path | None:
        """The evidence of the newest run, if there is one."""
        latest = self.path / "evidence" / "latest"
        return latest.resolve() if latest.is_symlink() else None

    def timelines(self) -> list[Path]:
        """The timelines of the newest run, if it has any."""
        return sorted((self.path / "evidence" / "latest" / "tests").glob("*/timeline.jsonl"))


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def readable(path: Path) -> list[dict[str, Any]]:
    """The records of a timeline; only its last line may be torn."""
    lines = path.read_bytes().split(b"\n")
    whole = [json.loads(line) for line in lines[:-1]]
    assert all(isinstance(record, dict) and "t" in record and "kind" in record for record in whole)
    return whole


def count(name: str, usual: int) -> int:
    """How often something is done: the environment variable of that name, for the full form."""
    return int(os.environ.get(name, usual))


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """An empty project with a virtual rig."""
    return Project(pytester)


@pytest.fixture
def outside(project: Project) -> Iterator[Outside]:
    """A bench of its own, and the project whose runs use it."""
    with start(load(project.path / "rigs" / "virtual.yaml")) as bench:
        made = Outside(project, bench)
        made.describe()
        yield made
