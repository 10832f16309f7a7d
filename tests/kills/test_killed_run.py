"""`kill -9` of a run at a random moment: nothing that was recorded is lost, the rig is free and safe, the next run is green.

`QUECFOTA_KILLS=20 pytest tests/kills` is the full form, without it 4 runs are killed; `QUECFOTA_KILLS_SEED` chooses the moments.
They are spread evenly over a whole run, from the start of its process until it has written its last report, and random within their
share of it. Moments that are too short to be met by chance are waited for by what is to be seen of them (`SIGHTS`).
"""

from __future__ import annotations

import random
import subprocess
import time

import pytest
from kills.conftest import NEXT, RESTORED, SAFE, Outside, count, kill, readable

from pytest_quecfota.report import evidence
from pytest_quecfota.rig import load
from pytest_quecfota.rig.lease import hold

KILLS = count("QUECFOTA_KILLS", 4)
SEED = count("QUECFOTA_KILLS_SEED", 1)
LONGEST = 60.0  # real seconds that a whole run may take
#: What a run writes at moments that are over in a few milliseconds, as patterns below its evidence.
SIGHTS = {"a test's reports": "tests/*/power.csv", "the run's reports": "MANIFEST.sha256"}

VICTIM = """
import pytest
from pytest_quecfota import urc

@pytest.mark.timeout(60)
def test_upgrade(module, supply, fota_plan, upgrade, brownout):
    supply.set(voltage=2.9)
    with brownout(at=urc.Downloading, after=2, waveform="cut-30s"):
        upgrade(fota_plan())

def test_after_it(module, supply):
    supply.set(voltage=3.0)
"""


def until(met, limit: float) -> bool:
    """Look again and again whether something is met, at most so many real seconds."""
    deadline = time.monotonic() + limit
    while not (found := met()) and time.monotonic() < deadline:
        pass
    return bool(found)


def ends(run: subprocess.Popen[bytes], seconds: float) -> bool:
    """Let a run go on for so many real seconds; whether it has ended by itself."""
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


class Victims:
    """Runs to be killed when a share of them has passed; `length` is how long the last whole one took, in real seconds."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self.length = LONGEST
        self.killed(1.0)

    def killed(self, share: float) -> str | None:
        """Begin a run and kill it when that share of its time is over; says where it was, None where it came to its end."""
        before, began = self._outside.newest(), time.monotonic()
        run = self._outside.launch(VICTIM)
        if ends(run, share * self.length):
            self.length = time.monotonic() - began
            return None
        kill(run)
        return where_it_was(self._outside, before)


def killed_at(outside: Outside, sight: str) -> str:
    """Begin a run and kill it as soon as it has written something."""
    before = outside.newest()
    run = outside.launch(VICTIM)
    assert until(lambda: outside.newest() not in {None, before} and any(outside.newest().glob(sight)), LONGEST), sight
    kill(run)
    return where_it_was(outside, before)


def where_it_was(outside: Outside, before: object) -> str:
    """What a killed run was doing, as its evidence shows."""
    newest = outside.newest()
    if newest is None or newest == before:
        return "start-up"
    run = evidence.open_run(newest)
    if not run.verdicts:
        return "collection"
    unfinished = [verdict for verdict in run.verdicts if verdict.outcome == "unfinished"]
    return "a test" if unfinished else "between tests or at the end"


def see_that_nothing_is_lost(outside: Outside, before: object, killed: float, point: str) -> None:
    """Lease free, supply safe in time, timelines readable, and the next run is green."""
    hold(load(outside.rig)).release()  # raises where somebody holds the rig
    left = killed + RESTORED - time.monotonic()
    assert until(lambda: outside.supply.state() == SAFE, left), f"{outside.supply.state()} {point}"
    if outside.newest() != before:
        assert all(readable(path) for path in outside.timelines()), f"nothing was recorded; {point}"

    after = outside.project.run("--rig", "outside", tests=NEXT)
    assert after.ret == 0, f"{point}; then:\n{after.stdout}"
    after.assert_outcomes(passed=1)
    assert outside.supply.state() == SAFE


@pytest.mark.timeout(60 + 40 * KILLS)
def test_a_killed_run_loses_nothing_and_the_next_one_is_green(outside):
    """Timeline readable up to the kill, lease free, supply at nominal within two seconds, and the rig recovers by itself."""
    chance = random.Random(SEED)
    victims = Victims(outside)
    for number in range(KILLS):
        share = (number + chance.random()) / KILLS
        before = outside.newest()
        where = None
        while where is None:  # a run that was quicker than the one before it is none that was killed
            where = victims.killed(share)
        point = f"killed after {share:.0%} of {victims.length:.2f} s, in {where} (seed {SEED})"
        print(point)
        see_that_nothing_is_lost(outside, before, time.monotonic(), point)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("sight", list(SIGHTS), ids=lambda name: name.replace(" ", "-"))
@pytest.mark.skipif(KILLS <= 4, reason="part of the full form: QUECFOTA_KILLS=20")
def test_a_run_killed_while_it_writes_its_reports_loses_nothing(outside, sight):
    """What was reported before is whole, and the rest can still be made from the timelines."""
    before = outside.newest()
    where = killed_at(outside, SIGHTS[sight])
    see_that_nothing_is_lost(outside, before, time.monotonic(), f"killed while it wrote {sight}, in {where}")
