"""Waveforms on a live rig: its own files, what is demanded, and the bracket of a disturbance, whoever plays it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from live_bench import Bench, bench

from pytest_quecfota import urc
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.power.disturbance import Bracket, Disturbance
from pytest_quecfota.power.waveform import Level, Waveform
from pytest_quecfota.rig.live import LiveRig

UPDATING = "+QIOTEVT: 7,10704"
OWN = "w_own:\n  title: t\n  source: s\n  mark: own\n  segments: [{hold: 50 % of min, for: 60 ms}]\n"


@pytest.fixture
def parts(tmp_path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        measured = {"MEAS:VOLT? (@1)": b"3.3\n", "MEAS:CURR? (@1)": b"0.05\n"}
        made.instrument.script = measured.get
        yield made


@pytest.fixture
def live(parts: Bench) -> LiveRig:
    rig = parts.live()
    rig.open_lines()
    _ = rig.module
    return rig


def without_engine(rig: LiveRig) -> None:
    """As if its supply had no list engine."""
    profile = rig.supply.profile.model_copy(update={"list_engine": None, "slew": None})
    rig.supply.profile = rig.supply.dialogue.profile = profile


def fired(rig: LiveRig, parts: Bench, **options) -> tuple[Disturbance, Bracket]:
    """A disturbance that was fired by `Updating` and is over."""
    with rig.disturb(urc.Updating, **options) as disturbance:
        parts.module.say(UPDATING)
        assert disturbance._trigger.wait(2)
        assert disturbance.wait_over(5)
        parts.module.say("RDY")
    assert disturbance.error is None
    return disturbance, disturbance.brackets[0]


# -- names and demands ---------------------------------------------------------------------------------


def test_waveforms_beside_the_rig_file_are_known_to_disturbances_and_to_the_supply(parts, tmp_path):
    (tmp_path / "waveforms").mkdir()
    (tmp_path / "waveforms" / "own.yaml").write_text(OWN)
    rig = parts.live()
    rig.open_lines()
    assert rig.config.waveforms == tmp_path / "waveforms"
    assert rig.disturb(urc.Updating, waveform="w_own").waveform.lowest == pytest.approx(1.05)
    assert rig.supply.play("w_own").waveform == "w_own"
    assert "LIST:VOLT 1.0500,(@1)" in parts.instrument.messages


def test_what_is_wrong_in_them_is_told_with_its_place(parts, tmp_path):
    (tmp_path / "waveforms").mkdir()
    (tmp_path / "waveforms" / "own.yaml").write_text(OWN.replace("hold", "hodl"))
    rig = parts.live()
    with pytest.raises(ValueError, match=r"own.yaml:5: no segment 'hodl'; did you mean 'hold'\?"):
        rig.disturb(urc.Updating, waveform="w_own")
    assert rig.disturb(urc.Updating, waveform="iso16750_reset_12A")


def test_a_demand_that_cannot_be_met_costs_no_disturbance_and_sends_nothing(parts):
    rig = parts.live(parts.load(more="cuts_per_run: 1"))
    rig.open_lines()
    before = len(parts.instrument.messages)
    with pytest.raises(ValueError, match="with a precision of 1 ms"):
        rig.disturb(urc.Updating, precision="1 ms")
    with pytest.raises(ValueError, match="no duration"):
        rig.disturb(urc.Updating, precision="fine")
    assert len(parts.instrument.messages) == before
    assert rig.disturb(urc.Updating, precision="100 ms").demanded.time == 0.1


def test_a_clock_that_runs_faster_is_known_to_the_player(parts):
    rig = parts.live(parts.load(more="speed: 7"))
    rig.open_lines()
    assert rig.supply.player.speed() == 7


# -- brackets ------------------------------------------------------------------------------------------


def test_a_low_that_nobody_could_measure_is_told_by_the_engines_own_time(live, parts):
    """The instrument measures 3.3 V all along: the cut was over before it could be asked."""
    disturbance, bracket = fired(live, parts, waveform="cut-50ms", after=0.1)
    assert disturbance.fired == 1
    assert bracket.low is not None
    assert bracket.lowest is None, "it was not measured"
    assert bracket.low == pytest.approx(bracket.sent + 0.1, abs=0.03)
    assert bracket.seen <= bracket.sent <= bracket.acknowledged
    assert bracket.ended >= bracket.sent + 0.15


def test_a_low_that_was_measured_says_how_low(live, parts):
    parts.instrument.script = {"MEAS:VOLT? (@1)": b"0.1\n", "MEAS:CURR? (@1)": b"0\n"}.get
    _, bracket = fired(live, parts, waveform="cut-200ms")
    assert bracket.lowest == 0.1
    assert bracket.low >= bracket.sent


@pytest.mark.parametrize("after", [0.0, 0.15])
def test_without_a_list_engine_a_cut_comes_when_it_should_delayed_or_not(live, parts, after):
    without_engine(live)
    before = len(parts.instrument.messages)
    mark = live.timeline.events.mark()
    _, bracket = fired(live, parts, waveform="cut-100ms", after=after)
    told = [message.partition(";:")[0] for message in parts.instrument.since(before)]
    switched = [message for message in told if message.startswith(("VOLT ", "OUTP "))]
    delay = ["VOLT 3.3000,(@1)"] if after else []
    assert switched[: len(delay) + 2] == [*delay, "OUTP OFF,(@1)", "VOLT 3.3000,(@1)"]
    assert bracket.low is not None
    assert 0 <= bracket.low - bracket.sent - after < 0.5
    assert bracket.ended >= bracket.sent + after + 0.1
    assert bracket.back is not None, "the module started when its power came back"
    assert live.timeline.events.seen(urc.Ready, since=mark)


def test_the_reader_thread_sends_one_message_and_nothing_else(live, parts):
    """What is sent before the acknowledgement is asked for is the one message that was prepared."""
    for prepare in (lambda: None, lambda: without_engine(live)):
        prepare()
        fired(live, parts, waveform="dip-2.2V-60ms")
    raw = bytes(parts.instrument.raw)
    assert raw.count(b"INIT (@1)\nSYST:ERR?\n*TRG\nSYST:ERR?\n") == 1
    assert raw.count(b"\nVOLT 2.2000,(@1)\nSYST:ERR?\n") == 1


@pytest.mark.parametrize("engine", [True, False])
def test_a_block_that_is_left_early_ends_the_waveform_at_once(live, parts, engine):
    if not engine:
        without_engine(live)
    started = time.monotonic()
    with live.disturb(urc.Updating, waveform="cut-5min") as disturbance:
        parts.module.say(UPDATING)
        assert disturbance._trigger.wait(2)
        assert live.timeline.events.wait(urc.Updating, within=2)
        parts.module.say("RDY")
    assert time.monotonic() - started < 5
    assert parts.instrument.state["output"] == "ON"
    assert not live.supply.armed
    assert [t for t in threading.enumerate() if t.name.startswith(("quecfota-disturbance", "quecfota-waveform"))] == []


# -- restarts ------------------------------------------------------------------------------------------


def test_as_many_restarts_as_a_waveform_causes_are_expected_and_one_after_it_but_no_more(live, parts):
    events = live.timeline.events
    drops = Waveform("drops", (Level(0.0, 0.1), Level(3.3, 0.1)), 3)
    with live.disturb(urc.Updating, waveform=drops) as disturbance:
        mark = events.mark()
        parts.module.say(UPDATING, "RDY", "RDY", "RDY", "+QIOTEVT: 2,10200")
        assert events.expect(urc.Registered, within=2, since=mark)
        assert disturbance.wait_over(5)
        mark = events.mark()
        parts.module.say("RDY", "+QIOTEVT: 2,10200")
    assert events.expect(urc.Registered, within=2, since=mark), "the last one may come late"
    mark = events.mark()
    parts.module.say("RDY", "+QIOTEVT: 2,10200")
    with pytest.raises(ModuleError, match="restarted unannounced"):
        events.expect(urc.Registered, within=2, since=mark)


def test_a_restart_in_a_dip_that_stays_in_the_range_is_the_modules_fault(live, parts):
    events = live.timeline.events
    parts.module.say("RDY", "RDY")  # what was announced before is used up
    assert events.wait(urc.Ready, within=2, guards=False)
    with live.disturb(urc.Registered, waveform="dip-2.4V-100ms"):
        mark = events.mark()
        parts.module.say("+QIOTEVT: 2,10200", "RDY", "+QIOTEVT: 3,10200")
        with pytest.raises(ModuleError, match="restarted unannounced"):
            events.expect(urc.Subscribed, within=2, since=mark)


def test_a_module_that_is_back_before_anybody_looked_was_seen_all_the_same(live, parts, monkeypatch):
    """The thread that follows a disturbance may come late on a busy machine; the record does not."""
    follow, back = Disturbance._follow, threading.Event()
    monkeypatch.setattr(Disturbance, "_follow", lambda self, trigger: (back.wait(5), follow(self, trigger)))
    with live.disturb(urc.Updating, waveform="cut-10ms") as disturbance:
        parts.module.say(UPDATING)
        assert disturbance._trigger.wait(2)
        parts.module.say("RDY")
        assert live.timeline.events.wait(urc.Ready, within=2)
        back.set()
        assert disturbance.wait_over(5)
    assert disturbance.brackets[0].back is not None
