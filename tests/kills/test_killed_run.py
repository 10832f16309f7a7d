"""`kill -9` of a run at a random moment: nothing that was recorded is lost, the rig is free and safe, the next run is green.

`QUECFOTA_KILLS=20 pytest tests/kills` is the full form, without it 4 runs are killed; `QUECFOTA_KILLS_SEED` chooses the moments.
"""

from __future__ import annotations

import random
import subprocess
import time

import pytest
from kills.conftest import count, kill, readable

from pytest_quecfota.rig import load
from pytest_quecfota.rig.lease import hold

KILLS = count("QUECFOTA_KILLS", 4)
SEED = count("QUECFOTA_KILLS_SEED", 1)
SAFE = (3.3, 1.0, True, "FIX")  # the rig's safe state, nominal
RESTORED = 2.0  # real seconds within which the guardian has put the supply back
LIFE = 4.0  # real seconds of a run in which it may be killed, from its first record on

VICTIM = """
import pytest
from pytest_quecfota import urc

@pytest.mark.timeout(60)
@pytest.mark.parametrize("n", range(20))
def test_upgrade_after_upgrade(module, supply, fota_plan, upgrade, brownout, n):
    supply.set(voltage=2.9)
    with brownout(at=[urc.DownloadStarted, urc.Downloading, urc.Updating][n % 3], after=n % 7, waveform="cut-30s"):
        upgrade(fota_plan())
"""
NEXT = """
def test_next(module, fota_plan, upgrade):
    plan = fota_plan()
    run = upgrade(plan)
    assert run.outcome == "upgraded", run.reason
    assert module.firmware_version() == plan.target_version
"""


def until(met, limit: float) -> bool:
    """Look again and again whether something is met, at most so many real seconds."""
    deadline = time.monotonic() + limit
    while not (found := met()) and time.monotonic() < deadline:
        pass
    return bool(found)


def lives(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Let a run go on for so many real seconds; whether it is still there."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


@pytest.mark.timeout(30 + 30 * KILLS)
def test_a_killed_run_loses_nothing_and_the_next_one_is_green(outside):
    """Timeline readable up to the kill, lease free, supply at nominal within two seconds, and the rig recovers by itself."""
    chance = random.Random(SEED)
    for number in range(KILLS):
        moment = LIFE * (number + chance.random()) / KILLS
        run = outside.launch(VICTIM)
        assert until(outside.timelines, 20), "the run has not begun"
        assert lives(run, moment), "the run has ended by itself"
        kill(run)

        hold(load(outside.rig)).release()  # raises where somebody holds the rig
        assert until(lambda: outside.supply.state() == SAFE, RESTORED), f"{outside.supply.state()} after {moment:.2f} s"
        records = [record for path in outside.timelines() for record in readable(path)]
        assert records, f"nothing was recorded in {moment:.2f} s"

        after = outside.project.run("--rig", "outside", tests=NEXT)
        assert after.ret == 0, f"killed {moment:.2f} s after its first record (seed {SEED}); then:\n{after.stdout}"
        after.assert_outcomes(passed=1)
        assert outside.supply.state() == SAFE
