"""The OTA state machine, whole: every state, and what each command, message of the platform, restart and loss does in it.

The rules are those of QuecThing SDK 2.9.0 (states, actions, the table of resets, silent fall-back). Where it says nothing (leaving
the platform in the middle) the table shows our choice.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from fake_platform import FakePlatform
from lab import Lab, make

BIG = 90_000  # bytes: a download of 15 s on this module
FILE = bytes(range(256)) * 20


class State(NamedTuple):
    """How a state is reached, and what each command answers in it: accepted ones, without those that change the state."""

    kind: str
    shown: str
    harmless: tuple[str, ...] = ()


STATES = {
    "no plan": State("module", "NO_PLAN"),
    "offered": State("module", "PLAN_RECEIVED"),
    "confirmed": State("module", "CONFIRMED", ("AT+QIOTUPDATE=1",)),
    "downloading": State("module", "DOWNLOADING"),
    "updating": State("module", "UPDATING"),
    "block at hand": State("mcu", "DOWNLOADED", ("AT+QIOTOTARD=0,10",)),
    "host updating": State("mcu", "UPDATING", ("AT+QIOTUPDATE=3",)),
}
#: Commands that change a state where it takes them.
CHANGING = {
    "offered": ("AT+QIOTUPDATE=0", "AT+QIOTUPDATE=1"),
    "block at hand": ("AT+QIOTUPDATE=3",),
}
COMMANDS = (*(f"AT+QIOTUPDATE={action}" for action in range(5)), "AT+QIOTOTARD=0,10", "AT+QIOTOTARD=0,0")


def bring(lab: Lab, platform: FakePlatform, name: str) -> None:
    """Into the state; time goes at speed 1 from then on, but for steps."""
    state, client = STATES[name], lab.client
    if state.kind == "mcu":
        platform.offer("STM32", "2", FILE, type="mcu")
    elif name != "no plan":
        platform.offer("BC25", "V2", make("V2", size=BIG if name == "downloading" else 20_000))
    lab.boot()
    client.ok('AT+QIOTMCUVER="STM32","1"')
    lab.online(mode=2)
    if name != "no plan":
        client.ok("AT+QIOTOTAREQ=1")
        client.until(rb"7,10700[^\r]*\r\n")
    if name == "confirmed":
        platform.refuse["/ota/status"] = (404, 10404)
    if name not in ("no plan", "offered"):
        if name in ("downloading", "updating"):
            lab.on_loop(lambda: lab.clock.set_speed(1))
        client.ok("AT+QIOTUPDATE=1")
    if name == "downloading":
        lab.step(4)
        client.until(rb"7,10702\r\n")
    if name == "updating":
        lab.step(5)
        client.until(rb"7,10704\r\n")
    if state.kind == "mcu":
        client.until(rb"7,10703[^\r]*\r\n")
    if name == "host updating":
        client.ok("AT+QIOTUPDATE=3")
        client.until(rb"7,10704\r\n")
    lab.on_loop(lambda: lab.clock.set_speed(1))
    lab.step(2 if name == "confirmed" else 0.5)
    client.drain()
    assert lab.truth().ota == state.shown


@pytest.mark.parametrize("name", STATES)
def test_what_a_state_does_not_take_answers_error_and_changes_nothing(lab_of: Callable[[str], Lab], name: str) -> None:
    lab, state = lab_of(name), STATES[name]
    for command in COMMANDS:
        if command in state.harmless:
            assert lab.client.command(command).endswith(b"\r\nOK\r\n"), command
        elif command not in CHANGING.get(name, ()):
            assert lab.client.command(command) == b"\r\nERROR\r\n", command
        assert lab.truth().ota == state.shown, command


@pytest.fixture
def lab_of(make_lab: Callable[..., Lab], platform: FakePlatform) -> Callable[[str], Lab]:
    def prepare(name: str) -> Lab:
        lab = make_lab()
        bring(lab, platform, name)
        return lab

    return prepare


Row = tuple[tuple[int, ...], str, tuple[int, ...]]
#: (state, what happens): the events of type 7 that follow without 10702, the state in the end, the statuses reported after it.
TABLE: dict[tuple[str, str], Row] = {
    **{("no plan", what): ((), "NO_PLAN", ()) for what in ("reset", "cut", "loss", "leave", "cancel", "version")},
    ("no plan", "plan"): ((10700,), "PLAN_RECEIVED", (1,)),
    ("offered", "reset"): ((), "NO_PLAN", ()),
    ("offered", "cut"): ((), "NO_PLAN", ()),
    ("offered", "loss"): ((), "PLAN_RECEIVED", ()),
    ("offered", "leave"): ((), "PLAN_RECEIVED", ()),
    ("offered", "cancel"): ((), "NO_PLAN", (12,)),
    ("offered", "plan"): ((10700,), "PLAN_RECEIVED", (1,)),
    ("offered", "version"): ((), "PLAN_RECEIVED", ()),
    ("offered", "refuse"): ((), "NO_PLAN", (3,)),
    ("confirmed", "reset"): ((), "NO_PLAN", (6,)),
    ("confirmed", "cut"): ((), "NO_PLAN", (6,)),
    ("confirmed", "wait"): ((10706,), "NO_PLAN", (12,)),
    ("confirmed", "cancel"): ((10706,), "NO_PLAN", (12,)),
    ("confirmed", "plan"): ((), "CONFIRMED", ()),
    ("confirmed", "version"): ((), "CONFIRMED", ()),
    ("downloading", "reset"): ((), "NO_PLAN", (6,)),
    ("downloading", "cut"): ((), "NO_PLAN", (6,)),
    ("downloading", "loss"): ((), "NO_PLAN", (6,)),
    ("downloading", "cancel"): ((10706,), "NO_PLAN", (12,)),
    ("downloading", "plan"): ((), "DOWNLOADING", ()),
    ("downloading", "version"): ((), "DOWNLOADING", ()),
    ("updating", "reset"): ((10706,), "NO_PLAN", (12,)),
    ("updating", "cut"): ((10706,), "NO_PLAN", (12,)),
    ("updating", "cancel"): ((), "UPDATING", ()),
    ("updating", "plan"): ((), "UPDATING", ()),
    ("updating", "version"): ((), "UPDATING", ()),
    ("block at hand", "reset"): ((), "NO_PLAN", (6,)),
    ("block at hand", "cut"): ((), "NO_PLAN", (6,)),
    ("block at hand", "wait"): ((10706,), "NO_PLAN", (12,)),
    ("block at hand", "cancel"): ((10706,), "NO_PLAN", (12,)),
    ("block at hand", "plan"): ((), "DOWNLOADED", ()),
    ("block at hand", "version"): ((10705,), "NO_PLAN", (11,)),
    ("block at hand", "wrong version"): ((10706,), "NO_PLAN", (12,)),
    ("block at hand", "report"): ((10704,), "UPDATING", (9,)),
    ("host updating", "reset"): ((10704,), "UPDATING", (9,)),
    ("host updating", "cut"): ((10704,), "UPDATING", (9,)),
    ("host updating", "loss"): ((), "UPDATING", ()),
    ("host updating", "leave"): ((), "UPDATING", ()),
    ("host updating", "cancel"): ((), "UPDATING", ()),
    ("host updating", "plan"): ((), "UPDATING", ()),
    ("host updating", "version"): ((10705,), "NO_PLAN", (11,)),
    ("host updating", "wrong version"): ((10706,), "NO_PLAN", (12,)),
    ("host updating", "long wait"): ((10706,), "NO_PLAN", (12,)),
}
OTHER = {"task": "t9", "component": "OTHER", "type": "mcu", "source_version": "", "target_version": "9"}


def restart(lab: Lab, *, cut: bool) -> None:
    if cut:
        lab.power(False)
        lab.client.drain()
    else:
        lab.client.ok("AT+QRST=1")
    lab.on_loop(lambda: lab.clock.set_speed("max"))
    if cut:
        lab.power(True)
    lab.client.until(rb"(?s)RDY\r\n.*?(?=3,10200\r\n)")


def lose(lab: Lab) -> None:
    lab.on_loop(lambda: lab.radio.set(attached=False))
    for _ in range(12):
        lab.step(5)
    lab.on_loop(lambda: lab.radio.set(attached=True))
    lab.on_loop(lambda: lab.clock.set_speed("max"))
    lab.client.until(rb"(?s).*?(?=3,10200\r\n)")


def leave(lab: Lab) -> None:
    lab.client.ok("AT+QIOTREG=0")
    lab.step(10)


WHAT: dict[str, Callable[[Lab, FakePlatform], object]] = {
    "reset": lambda lab, _: restart(lab, cut=False),
    "cut": lambda lab, _: restart(lab, cut=True),
    "loss": lambda lab, _: lose(lab),
    "leave": lambda lab, _: leave(lab),
    "cancel": lambda _, platform: platform.push({"type": "cancel", "task": "t1"}),
    "plan": lambda _, platform: platform.push({"type": "plan", "tasks": [OTHER]}),
    "version": lambda lab, _: lab.client.ok('AT+QIOTMCUVER="STM32","2"'),
    "wrong version": lambda lab, _: lab.client.ok('AT+QIOTMCUVER="STM32","3"'),
    "refuse": lambda lab, _: lab.client.ok("AT+QIOTUPDATE=0"),
    "report": lambda lab, _: lab.client.ok("AT+QIOTUPDATE=3"),
    "wait": lambda lab, _: lab.step(61),
    "long wait": lambda lab, _: lab.step(1205),
}


#: Rows in which nothing happens: they follow one another on one module.
NOTHING = [
    (name, what) for (name, what), row in TABLE.items() if row == ((), STATES[name].shown, ()) and name != "no plan"
]


@pytest.mark.parametrize(("name", "what"), [row for row in TABLE if row not in NOTHING and row != ("no plan", "loss")])
def test_what_happens_in_a_state(lab_of: Callable[[str], Lab], platform: FakePlatform, name: str, what: str) -> None:
    happens(lab_of(name), platform, name, what)


@pytest.mark.parametrize("name", STATES)
def test_what_does_not_matter_in_a_state(lab_of: Callable[[str], Lab], platform: FakePlatform, name: str) -> None:
    lab = lab_of(name)
    order = ["plan", "version", "cancel", "loss", "leave"]
    for what in sorted((what for of, what in NOTHING if of == name), key=order.index):
        happens(lab, platform, name, what)
        lab.on_loop(lambda: lab.clock.set_speed(1))


def happens(lab: Lab, platform: FakePlatform, name: str, what: str) -> None:
    """One row of the table."""
    events, state, statuses = TABLE[name, what]
    platform.refuse.clear()
    before, seen = len(platform.calls), len(lab.client.seen)
    WHAT[what](lab, platform)
    lab.wait_for_state(state)
    if statuses:
        platform.wait_for("/ota/status", status=statuses[-1])
    lab.client.silence(0.02)
    told = tuple(int(code) for code in re.findall(rb"QIOTEVT: 7,(\d+)", lab.client.seen[seen:]) if code != b"10702")
    assert told == events, what
    assert lab.truth().ota == state, what
    reported = [body["status"] for path, body in platform.calls[before:] if path == "/ota/status"]
    assert tuple(status for status in dict.fromkeys(reported) if status != 5) == statuses, what


def test_the_table_has_every_state_and_every_thing_that_happens() -> None:
    assert {name for name, _ in TABLE} == set(STATES)
    assert {what for _, what in TABLE} == set(WHAT)
    for name in STATES:
        assert {"reset", "cut", "cancel", "plan", "version"} <= {what for of, what in TABLE if of == name}
