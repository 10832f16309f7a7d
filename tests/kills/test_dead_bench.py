"""The virtual bench or its Developer Center is killed in the middle of an upgrade: the bench is at fault, never the module."""

from __future__ import annotations

import json

import pytest

KILLED = """
import os, signal
from pathlib import Path
from pytest_quecfota import urc

def victim(rig):
    if not {center}:
        return rig.bench_process
    started = [p for task in Path(f"/proc/{{rig.bench_process}}/task").iterdir() for p in (task / "children").read_text().split()]
    return next(int(pid) for pid in started if b"pytest_quecfota.cloud" in Path(f"/proc/{{pid}}/cmdline").read_bytes())

def test_upgrade(rig, module, events, fota_plan, upgrade):
    alive = [victim(rig)]
    events.on({moment}, lambda _urc: alive and os.kill(alive.pop(), signal.SIGKILL))
    upgrade(fota_plan())

def test_after_it(module, fota_plan):
    fota_plan()
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("moment", ["urc.UpgradeOffered", "urc.Downloading"])
@pytest.mark.parametrize("center", [False, True], ids=["bench", "developer-center"])
def test_what_dies_beside_the_module_is_never_its_fault(project, center, moment):
    """No failure, no verdict, exit code 8; the timeline up to then says what happened."""
    fast = (
        (project.path / "rigs" / "virtual.yaml")
        .read_text()
        .replace("name: virtual", "name: fast")
        .replace("speed: 60", "speed: 600")
    )
    (project.path / "rigs" / "fast.yaml").write_text(fast)
    result = project.run("--rig", "fast", tests=KILLED.format(center=center, moment=moment))
    assert result.ret == 8, result.stdout.str()
    assert not [name for name, elements in project.junit().items() if "failure" in elements]
    statuses = {name: allure["status"] for name, allure in project.allure().items()}
    assert statuses["test_upgrade"] == "broken"
    assert statuses["test_after_it"] == "broken"
    lines = (project.evidence / "tests" / "test_upgrade" / "timeline.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record for record in records if record["kind"] == "urc" and record["name"] == moment.removeprefix("urc.")]
