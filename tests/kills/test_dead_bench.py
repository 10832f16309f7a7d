"""The virtual bench or its Developer Center is killed in the middle of an upgrade: the bench is at fault, never the module."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from kills.conftest import NEXT, QUICK, RESTORED, SAFE, count, readable

from pytest_quecfota.report import evidence
from pytest_quecfota.rig import load
from pytest_quecfota.rig.lease import hold

KILLED = """
import os, signal
from pathlib import Path
from pytest_quecfota import urc

def victim(rig):
    bench = {bench} or rig.bench_process
    if not {center}:
        return bench
    started = [p for task in Path(f"/proc/{{bench}}/task").iterdir() for p in (task / "children").read_text().split()]
    return next(int(pid) for pid in started if b"pytest_quecfota.cloud" in Path(f"/proc/{{pid}}/cmdline").read_bytes())

def test_upgrade(rig, module, events, supply, fota_plan, upgrade):
    supply.set(voltage=3.0)
    alive = [victim(rig)]
    events.on({moment}, lambda _urc: alive and os.kill(alive.pop(), signal.SIGKILL))
    upgrade(fota_plan())

def test_after_it(module, fota_plan):
    fota_plan()
"""


@pytest.fixture(autouse=True)
def quick(project):
    """Runs that do not wait for what the dead will not say."""
    (project.path / "conftest.py").write_text(QUICK)


MOMENTS = ["urc.Downloading", *(["urc.UpgradeOffered"] if count("QUECFOTA_KILLS", 4) > 4 else [])]


def see_that_the_bench_is_blamed(project, result, moment: str) -> None:
    """No failure, no verdict, exit code 8; the timeline up to then says what happened."""
    assert result.ret == 8, result.stdout.str()
    assert not [name for name, elements in project.junit().items() if "failure" in elements]
    statuses = {name: allure["status"] for name, allure in project.allure().items()}
    assert statuses["test_upgrade"] == "broken"
    assert statuses["test_after_it"] == "broken"
    records = readable(project.evidence / "tests" / "test_upgrade" / "timeline.jsonl")
    assert [record for record in records if record["kind"] == "urc" and record["name"] == moment.removeprefix("urc.")]
    assert evidence.verify(project.evidence) == []


@pytest.mark.timeout(120)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("center", [False, True], ids=["bench", "developer-center"])
def test_what_dies_beside_the_module_is_never_its_fault(project, center, moment):
    """What the run started is gone with it, the rig is free, and the next run, with a bench of its own, is green."""
    rig = project.path / "rigs" / "virtual.yaml"
    rig.write_text(rig.read_text().replace("speed: 60", "speed: 600"))
    result = project.run("--rig", "virtual", tests=KILLED.format(bench=0, center=center, moment=moment))
    see_that_the_bench_is_blamed(project, result, moment)
    hold(load(rig)).release()  # raises where somebody holds the rig
    assert not [process for process in Path("/proc").glob("[0-9]*") if _works_in(process, project.path)]
    project.run("--rig", "virtual", tests=NEXT).assert_outcomes(passed=1)


@pytest.mark.timeout(120)
def test_the_supply_of_a_rig_whose_developer_center_dies_is_safe(outside):
    """Module and supply live on: the run puts the supply back and lets the rig go."""
    tests = KILLED.format(bench=outside.bench.pid, center=True, moment="urc.Downloading")
    result = outside.project.run("--rig", "outside", tests=tests)
    see_that_the_bench_is_blamed(outside.project, result, "urc.Downloading")
    hold(load(outside.rig)).release()
    assert outside.supply.state() == SAFE


@pytest.mark.timeout(120)
def test_a_bench_that_dies_with_its_supply_does_not_hold_the_run_up(outside):
    """Nobody can make a dead instrument safe: the run says so, ends within its limits, and lets the rig go."""
    tests = KILLED.format(bench=outside.bench.pid, center=False, moment="urc.Downloading")
    began = time.monotonic()
    result = outside.project.run("--rig", "outside", tests=tests)
    see_that_the_bench_is_blamed(outside.project, result, "urc.Downloading")
    assert time.monotonic() - began < 30 + RESTORED
    hold(load(outside.rig)).release()


def _works_in(process: Path, folder: Path) -> bool:
    try:
        return process.name != str(os.getpid()) and (process / "cwd").readlink() == folder
    except OSError:
        return False
