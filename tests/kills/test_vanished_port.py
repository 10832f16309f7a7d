"""The module's port goes in the middle of an upgrade, as an adapter that is unplugged: never the module's fault."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from kills.adapter import Adapter
from kills.conftest import NEXT, QUICK, SAFE, Outside, count, readable

from pytest_quecfota.rig import load
from pytest_quecfota.rig.lease import hold

FULL = count("QUECFOTA_KILLS", 4) > 4

#: What the tests of a project need besides: the adapter's switch, and to wait until its work is seen.
SWITCH = """
import socket, threading

@pytest.fixture
def switch():
    def order(word):
        with socket.create_connection(("127.0.0.1", {switch}), timeout=5) as link:
            link.sendall(word.encode())
            assert link.recv(4) == b"done"
    return order

@pytest.fixture
def noted(timeline):
    def wait(text):
        seen = threading.Event()
        stop = timeline.listen(lambda record: record.get("text") == text and seen.set())
        if not any(record["text"] == text for record in timeline.records("note")):
            assert seen.wait(10), text
        stop()
    return wait
"""
BETWEEN_TWO_WORDS = """
from pytest_quecfota import repeated, sequence, urc

def test_upgrade(module, events, fota_plan, supply, switch, noted):
    plan = fota_plan()
    supply.set(voltage=3.0)
    module.connect(mode=2)
    module.request_upgrade()
    switch("out")
    noted("port vanished")
    switch("in")
    noted("port returned")
    module.confirm_upgrade()
    wanted = sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, repeated(urc.Updating), urc.Updated)
    events.expect(wanted, within="15 min")
    assert module.firmware_version() == plan.target_version
"""
UNPLUGGED = """
import pytest
from pytest_quecfota import urc

def test_upgrade(module, events, supply, fota_plan, upgrade, switch, noted):
    supply.set(voltage=3.0)
    def unplug(_urc):
        switch("out")
        {then}
    events.on({moment}, unplug)
    upgrade(fota_plan())

def test_after_it(module, fota_plan, upgrade):
    assert upgrade(fota_plan()).outcome == "upgraded"
"""


@pytest.fixture
def adapter(outside: Outside) -> Iterator[Adapter]:
    """The project's rig hangs on an adapter that can be unplugged."""
    with Adapter(outside.bench.ready["at"], outside.path / "ttyADAPTER") as made:
        outside.describe(at=made.path)
        (outside.path / "conftest.py").write_text(QUICK + SWITCH.format(switch=made.switch))
        yield made


def verdicts(outside: Outside) -> dict[str, tuple[str, str]]:
    run = json.loads((outside.project.evidence / "run.json").read_text())
    return {test["nodeid"].rpartition("::")[2]: (test["outcome"], test.get("reason", "")) for test in run["tests"]}


def nothing_is_lost(outside: Outside, last_urc: str) -> None:
    """Timeline readable up to the loss, lease free, supply in its safe state."""
    (timeline,) = (path for path in outside.timelines() if path.parent.name == "test_upgrade")
    records = readable(timeline)
    assert [record for record in records if record["kind"] == "urc" and record["name"] == last_urc]
    assert [record for record in records if record.get("text") == "port vanished"]
    hold(load(outside.rig)).release()  # raises where somebody holds the rig
    assert outside.supply.state() == SAFE


@pytest.mark.timeout(90)
def test_a_port_that_is_away_while_nothing_is_said_harms_nothing(outside, adapter):
    """The upgrade goes on where it was."""
    result = outside.project.run("--rig", "outside", tests=BETWEEN_TWO_WORDS)
    assert verdicts(outside) == {"test_upgrade": ("passed", "")}, result.stdout.str()
    nothing_is_lost(outside, "Updated")


@pytest.mark.timeout(90)
@pytest.mark.parametrize("moment", ["urc.Updating", *(["urc.DownloadStarted"] if FULL else [])])
def test_what_was_said_while_the_port_was_away_is_not_held_against_the_module(outside, adapter, moment):
    """What is missing then is a bench fault; with the port back the next test of the same run is green."""
    then = 'noted("port vanished"); events.pause("20 s"); switch("in")'
    result = outside.project.run("--rig", "outside", tests=UNPLUGGED.format(moment=moment, then=then))
    found = verdicts(outside)
    assert found["test_upgrade"] == ("broken", "port lost"), result.stdout.str()
    assert found["test_after_it"] == ("passed", ""), result.stdout.str()
    assert result.ret == 8
    nothing_is_lost(outside, moment.removeprefix("urc."))


@pytest.mark.timeout(90)
@pytest.mark.parametrize("moment", ["urc.Downloading", *(["urc.Updating"] if FULL else [])])
def test_a_port_that_does_not_come_back_is_a_bench_fault_within_its_limit(outside, adapter, moment):
    """Nothing is held against the module, nothing is lost, and the run after the adapter was plugged in again is green."""
    result = outside.project.run("--rig", "outside", tests=UNPLUGGED.format(moment=moment, then=""))
    assert set(verdicts(outside).values()) == {("broken", "port lost")}, result.stdout.str()
    assert result.ret == 8
    assert result.duration < 25
    nothing_is_lost(outside, moment.removeprefix("urc."))

    adapter.order("in")
    outside.project.run("--rig", "outside", tests=NEXT).assert_outcomes(passed=1)
    assert outside.supply.state() == SAFE
