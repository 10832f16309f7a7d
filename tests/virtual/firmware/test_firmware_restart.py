"""What a restart does to an upgrade in each state, and what a loss of power leaves: the table of SDK 2.9.0."""

from collections.abc import Callable
from typing import Any

import pytest
from fake_platform import FakePlatform
from lab import Lab, make

from pytest_quecfota.virtual.firmware.plan import Record, Status, Task

MODULE = Task("t1", "BC25", "module", "", "V2")
CONNECTED = {"pk": "pk", "ps": "ps", "secret": "s", "reg": 2}


def kept(status: int, target: str = "V2", kind: str = "module", **fields: Any) -> dict[str, Any]:
    """NVM with an upgrade in the given state."""
    task = {"task": "t1", "component": "X", "type": kind, "source_version": "", "target_version": target}
    return {**CONNECTED, "ota": {"tasks": [task], "status": status, "sha256": False, "announced": False, **fields}}


@pytest.mark.parametrize(
    ("nvm", "event", "reported"),
    [
        (kept(0), None, []),
        (kept(1), None, []),
        (kept(3), None, []),
        (kept(7), None, []),
        (kept(2), None, [6]),
        (kept(4), None, [6]),
        (kept(5), None, [6]),
        (kept(8), None, [6]),
        (kept(8, target="V1"), 10705, [11]),
        (kept(9, target="V1"), 10705, [11]),
        (kept(9), 10706, [12]),
        (kept(9, target="V1", announced=True), None, [11]),
        (kept(9, announced=True), 10706, [12]),
        (kept(5, kind="mcu"), None, [6]),
        (kept(9, kind="mcu"), 10704, [9]),
    ],
)
def test_each_state_goes_on_as_documented(
    make_lab: Callable[..., Lab], platform: FakePlatform, nvm: dict[str, Any], event: int | None, reported: list[int]
) -> None:
    lab = make_lab(nvm=nvm)
    text = lab.boot(rb"3,10200\r\n")
    expected = f"\r\n+QIOTEVT: 7,{event}\r\n" if event else ""
    rest = b"\r\n+QIOTEVT: 2,10200\r\n\r\n+QIOTEVT: 3,10200\r\n"
    assert text == b"\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n" + expected.encode() + rest
    if reported:
        platform.wait_for("/ota/status", status=reported[-1])
    assert platform.statuses() == reported


def test_what_nvm_cannot_mean_is_no_upgrade(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(nvm={"ota": {"tasks": [], "status": 9, "sha256": False, "announced": False}})
    lab.boot()
    assert lab.truth().ota == "NO_PLAN"


@pytest.mark.parametrize("status", list(Status))
def test_a_record_survives_being_kept(status: Status) -> None:
    record = Record((MODULE,), status, True, False)
    assert Record.from_json(record.to_json()) == record


def start(lab: Lab, platform: FakePlatform, size: int = 100_000) -> None:
    """Connected in mode 2 and offered; time goes at speed 1 from here, but for steps."""
    platform.offer("BC25", "V2", make("V2", size=size))
    lab.boot()
    lab.online(mode=2)
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.on_loop(lambda: lab.clock.set_speed(1))


STAGES = {
    "offered": ([], 0.1, "V1"),
    "waiting for the address": (["AT+QIOTUPDATE=1"], 0.5, "V1"),
    "downloading": (["AT+QIOTUPDATE=1"], 6.0, "V1"),
    "updating": (["AT+QIOTUPDATE=1"], 25.0, None),
    "installing": (["AT+QIOTUPDATE=1"], 28.0, None),
    "restarting": (["AT+QIOTUPDATE=1"], 31.0, None),
    "reporting": (["AT+QIOTUPDATE=1"], 35.0, "V2"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_cut_at_any_stage_leaves_source_or_target_and_the_upgrade_can_be_completed(
    make_lab: Callable[..., Lab], platform: FakePlatform, stage: str
) -> None:
    commands, seconds, version = STAGES[stage]
    lab = make_lab()
    start(lab, platform)
    for command in commands:
        lab.client.ok(command)
    for _ in range(10):
        lab.step(seconds / 10)
    lab.power(False)
    assert not lab.truth().powered
    lab.client.drain()
    lab.on_loop(lambda: lab.clock.set_speed("max"))
    lab.boot(rb"3,10200\r\n")
    running = lab.client.ok("AT+CGMR").decode()
    assert running == version or (version is None and running in ("V1", "V2"))
    if running == "V1":
        lab.step(2)
        lab.client.ok("AT+QIOTOTAREQ=1")
        lab.client.until(rb"7,10700[^\r]*\r\n")
        lab.client.ok("AT+QIOTUPDATE=1")
        lab.client.until(rb"7,10705\r\n")
    platform.wait_for("/ota/status", status=11, module_version="V2")


def test_an_interrupted_download_goes_on_where_it_was(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab()
    start(lab, platform)
    lab.client.ok("AT+QIOTUPDATE=1")
    for _ in range(10):
        lab.step(1.0)
    done = lab.truth().flash_operations
    lab.power(False)
    lab.client.drain()
    lab.on_loop(lambda: lab.clock.set_speed("max"))
    lab.boot(rb"3,10200\r\n")
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.client.until(rb"7,10705\r\n")
    resumed = [body["progress"] for path, body in platform.calls if path == "/ota/status" and body["status"] == 5]
    assert done > 100
    assert 0 in resumed
    assert resumed[resumed.index(max(resumed[:3])) + 1] > 0


def test_power_that_goes_ends_output_in_the_middle_of_a_line_and_input_is_lost(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(speed=0.01)
    lab.power(True)
    for _ in range(30):
        lab.step(0.1)
    lab.client.write(b"ATI\r")
    lab.client.until(rb"ATI\r\r\nQuec")
    lab.power(False)
    rest = lab.client.silence(0.05)
    assert b"OK" not in rest
    lab.client.write(b"AT+CGMR\r")
    assert lab.client.silence(0.05) == b""
    lab.on_loop(lambda: lab.clock.set_speed("max"))
    assert b"CGMR" not in lab.boot()


def test_a_dip_that_stays_above_the_threshold_changes_nothing(lab: Lab) -> None:
    lab.power(True, 2.3)
    lab.step(5)
    lab.power(True, 3.3)
    lab.client.ok("AT")
    assert lab.truth().boots == 1


def test_current_follows_what_the_module_does(lab: Lab) -> None:
    assert lab.on_loop(lambda: lab.rail.load) in (0.012, 0.05)
    lab.client.ok("AT+QPOWD=0")
    lab.client.until(rb"POWERED DOWN\r\n")
    lab.step(1)
    assert lab.on_loop(lambda: lab.rail.load) == 0.000005
