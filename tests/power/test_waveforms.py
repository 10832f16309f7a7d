"""Waveforms: volts over module seconds, named by what they do and how long; and what a supply is told to play one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_instrument import ScriptedInstrument

from pytest_quecfota.errors import SupplyError
from pytest_quecfota.power import Supply, load_profile
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.power.waveform import Decay, Level, Ramp, Sine, Waveform
from pytest_quecfota.power.waveform_catalogue import FAMILIES, Catalogue
from pytest_quecfota.power.waveform_scale import Scale


def waveform(name: str | Waveform, *, nominal: float = 3.3) -> Waveform:
    return Catalogue().find(name, Scale(nominal, 0.7 * nominal, 1.1 * nominal))


CUT = waveform("cut-500ms")


# -- shapes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "duration", "lowest", "highest"),
    [
        ("cut-500ms", 0.5, 0, 0),
        ("cut-2s", 2, 0, 0),
        ("CUT-500MS", 0.5, 0, 0),
        ("dip-2.4V-100ms", 0.1, 2.4, 2.4),
        ("ramp-2s", 4, 0, 3.3),
        ("steps-1s", 40, 0, 3.3),
        ("cut-1min", 60, 0, 0),
    ],
)
def test_a_waveform_does_what_its_name_says(name, duration, lowest, highest):
    made = waveform(name)
    assert made.duration == pytest.approx(duration)
    assert made.lowest == pytest.approx(lowest)
    assert made.highest == pytest.approx(highest, abs=0.1)
    assert made.name == name


def test_one_that_is_made_already_stays_as_it_is():
    assert waveform(CUT, nominal=1.0) is CUT


@pytest.mark.parametrize("name", ["", "cut", "wobble-1s", "cut-1", "cut-500us", "dip-100ms", "cut--1s", "cut-1s "])
def test_a_name_that_is_none_is_told_with_how_they_are_named(name):
    with pytest.raises(ValueError, match=r"cut-500ms|its level"):
        waveform(name)


def test_a_name_that_is_nearly_one_is_told_with_the_near_ones():
    with pytest.raises(ValueError, match=r"did you mean .*iso16750_reset_12A"):
        waveform("iso16750_reset_12a2")


@given(nominal=st.floats(1.0, 5.0), family=st.sampled_from(["cut-1s", "ramp-1s", "steps-1s", "dip-0.9V-1s"]))
def test_none_goes_above_the_nominal_voltage_or_below_nothing(nominal, family):
    made = waveform(family, nominal=nominal)
    assert 0 <= made.lowest <= made.highest <= nominal + 0.0001
    assert all(segment.dwell > 0 for segment in made.segments)
    assert family.partition("-")[0] in FAMILIES


@given(after=st.floats(0.001, 100), count=st.integers(1, 5))
def test_delayed_it_begins_once_with_the_nominal_voltage(after, count):
    shape = Waveform("w", CUT.segments, count)
    made = shape.delayed(after, 3.3)
    assert list(made.all_segments()) == [Level(3.3, after), *CUT.segments * count]
    assert made.duration == pytest.approx(shape.duration + after)


@pytest.mark.parametrize(
    ("segments", "told"),
    [((), "no segments"), ((Level(1.0, 0.0),), "lasts 0"), ((Sine(0.5, 1.0, 2, 1),), "below 0 V")],
)
def test_a_waveform_that_cannot_be_is_refused_when_it_is_made(segments, told):
    with pytest.raises(ValueError, match=told):
        Waveform("w", segments)


def test_its_voltage_is_known_at_every_moment():
    shape = Waveform(
        "w", (Ramp(3.0, 1.0, 2.0), Sine(1.0, 0.5, 1.0, 1.0), Decay(1.0, 0.0, 1.0, 1.0)), 2, (Level(3.3, 1),)
    )
    assert [round(shape.voltage_at(t), 3) for t in (0.5, 1, 2, 3.25, 4, 5, 6, 99)] == [
        3.3, 3.0, 2.0, 1.5, 1.0, 3.0, 2.0, 0.368,
    ]  # fmt: skip
    corners = shape.points()
    assert corners[0] == (0.0, 3.3)
    assert corners[-1][0] == pytest.approx(shape.duration)
    assert all(volts == pytest.approx(shape.voltage_at(t + 1e-9), abs=0.01) for t, volts in corners[2:4])


@pytest.mark.parametrize(
    ("name", "falls"), [("cut-1s", 1), ("dip-2.4V-1s", 0), ("dip-1.9V-1s", 1), ("ramp-1s", 1), ("steps-1s", 13)]
)
def test_how_often_a_module_may_restart_is_known(name, falls):
    assert waveform(name).falls(2.1) == falls


# -- on the supply ---------------------------------------------------------------------------------


def test_arming_loads_the_list_and_one_message_starts_it(scripted, supply):
    message = supply.arm(CUT.delayed(0.2, 3.3))
    loaded = scripted.since(1)
    assert "LIST:VOLT 3.3000,0.0000,(@1)" in loaded
    assert "LIST:DWEL 0.2,0.5,(@1)" in loaded
    assert loaded[-1] == "SYST:ERR?"
    before = len(scripted.raw)
    supply.fire(message)
    supply.acknowledge()
    assert bytes(scripted.raw[before:]) == b"*TRG\nSYST:ERR?\n"


def test_rounds_are_left_to_the_list_where_it_counts(scripted, supply):
    supply.arm(Waveform("w", (Level(3.3, 1), Level(0, 0.1)), 7))
    assert {"LIST:VOLT 3.3000,0.0000,(@1)", "LIST:COUN 7,(@1)"} <= set(scripted.since(1))


def test_rounds_behind_a_delay_are_written_out_so_that_it_comes_once(scripted, supply):
    supply.arm(Waveform("w", (Level(2.2, 1), Level(0, 0.1)), 3).delayed(0.5, 3.3))
    assert "LIST:DWEL 0.5,1,0.1,1,0.1,1,0.1,(@1)" in scripted.since(1)
    assert "LIST:COUN 1,(@1)" in scripted.since(1)


def test_a_waveform_the_supply_refuses_is_a_bench_fault(scripted, supply):
    scripted.errors.append('-222,"Data out of range"')
    with pytest.raises(SupplyError, match="-222"):
        supply.arm(CUT)
    assert scripted.messages[-3:] == ["ABOR (@1)", "VOLT:MODE FIX,(@1)", "SYST:ERR?"], "nothing half loaded is left"
    assert not supply.armed


def test_a_start_the_supply_refuses_is_a_bench_fault(scripted, supply):
    message = supply.arm(CUT)
    supply.fire(message)
    scripted.errors.append('-211,"Trigger ignored"')
    with pytest.raises(SupplyError, match="-211"):
        supply.acknowledge()


def test_disarmed_the_output_follows_its_setting_again(scripted, supply):
    supply.arm(CUT)
    before = len(scripted.messages)
    supply.disarm()
    assert any("VOLT:MODE FIX" in message for message in scripted.since(before))
    supply.disarm()
    assert len(scripted.since(before)) == 3, "once is enough"


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (Waveform("high", (Level(3.7, 1),)), r"above this rig's limit of 3\.6 V"),
        (Waveform("quick", (Level(0, 0.001),)), r"0\.01 s at least"),
        (Waveform("quick", (Level(0, 0.001),)), r"stepped by the host"),
    ],
    ids=lambda p: p.name if isinstance(p, Waveform) else "",
)
def test_what_the_rig_or_the_supply_cannot_bear_is_not_even_loaded(scripted, supply, shape, told):
    with pytest.raises(ValueError, match=told):
        supply.arm(shape)
    assert scripted.messages == ["*IDN?"]
    assert not supply.armed


def test_nothing_is_armed_where_the_rig_does_not_allow_cuts(scripted, make_supply):
    with pytest.raises(ValueError, match=r"allow: \[cuts\]"):
        make_supply(may_cut=False).arm(CUT)
    assert scripted.messages == ["*IDN?"]


# -- stepped by the host -----------------------------------------------------------------------------


@pytest.fixture
def plain(scripted: ScriptedInstrument) -> Iterator[Supply]:
    """A supply of the same commands without a list engine."""
    profile = load_profile("keysight-e36300").model_copy(update={"list_engine": None})
    made = Supply(
        Instrument(scripted.address),
        profile,
        channel=1,
        nominal=Setting(3.3, 1.0),
        limits=Limits(2.1, 3.6),
        may_cut=True,
    )
    yield made
    made.close()


def nominal(scripted: ScriptedInstrument) -> bool:
    """Whether it gives what the rig's nominal setting says."""
    return scripted.state.items() >= {"voltage": "3.3000", "current": "1.0000", "output": "ON"}.items()


def told(scripted: ScriptedInstrument, since: int) -> list[str]:
    """The settings among the messages, without the questions behind them."""
    messages = [message.partition(";:SYST:ERR?")[0] for message in scripted.since(since)]
    return [message for message in messages if message != "SYST:ERR?"]


def test_without_a_list_engine_a_cut_is_switched_off_and_on_again(scripted, plain):
    plain.fire(plain.arm(CUT))
    plain.acknowledge()
    assert scripted.state["output"] == "OFF"
    plain.disarm()
    assert scripted.state["output"] == "ON"


@pytest.mark.parametrize(
    ("shape", "messages"),
    [
        ("cut-50ms", ["OUTP OFF,(@1)", "VOLT 3.3000,(@1);:OUTP ON,(@1)"]),
        ("dip-2.4V-50ms", ["VOLT 2.4000,(@1)", "VOLT 3.3000,(@1)"]),
        (CUT.delayed(0.03, 3.3), ["VOLT 3.3000,(@1)", "OUTP OFF,(@1)"]),
        (
            Waveform("w", (Level(3, 0.03), Level(0, 0.03, open=True), Level(2.5, 0.03))),
            ["VOLT 3.0000,(@1)", "OUTP OFF,(@1)", "VOLT 2.5000,(@1);:OUTP ON,(@1)", "VOLT 3.3000,(@1)"],
        ),
    ],
    ids=["cut", "dip", "delayed-cut", "levels"],
)
def test_without_a_list_engine_the_host_steps_it(scripted, plain, shape, messages):
    shape = waveform(shape)
    message = plain.arm(shape)
    before = len(scripted.messages)
    plain.fire(message)
    plain.acknowledge()
    steps = plain.player.stepping
    assert steps is not None
    assert steps.over.wait(2)
    assert told(scripted, before)[: len(messages)] == messages
    first = steps.sent[0]
    assert first.sent - steps.start >= shape.segments[0].dwell, "a step is never early"
    plain.disarm()
    assert nominal(scripted)


def test_on_a_faster_clock_the_host_steps_as_much_faster(scripted, plain):
    plain.player.speed = lambda: 100.0
    plain.fire(plain.arm("cut-5s"))
    plain.acknowledge()
    assert plain.player.stepping.over.wait(1)
    plain.disarm()


def test_stepping_ends_at_once_when_it_is_disarmed(scripted, plain):
    plain.fire(plain.arm("cut-1min"))
    plain.acknowledge()
    thread = next(t for t in threading.enumerate() if t.name == "quecfota-waveform")
    plain.disarm()
    assert not thread.is_alive()
    assert scripted.state["output"] == "ON"


def test_a_level_the_supply_refuses_is_a_bench_fault_and_ends_it_with_the_output_on(scripted, plain):
    plain.fire(plain.arm(Waveform("w", (Level(3.0, 0.05), Level(2.5, 0.05), Level(2.2, 30)))))
    plain.acknowledge()
    scripted.errors.append('-222,"Data out of range"')
    assert plain.player.stepping.over.wait(2)
    with pytest.raises(SupplyError, match="-222"):
        plain.disarm()
    assert nominal(scripted)


def test_when_the_output_went_low_is_told_where_nothing_could_be_measured(scripted, plain, supply):
    for each in (plain, supply):
        shape = Waveform("w", (Level(3.3, 0.05), Level(0, 0.05), Level(3.3, 0.05)))
        message = each.arm(shape)
        assert each.player.low_at(3.0) is None
        each.fire(message)
        each.acknowledge()
        if each.player.stepping is not None:
            assert each.player.stepping.over.wait(2)
        low = each.player.low_at(3.0)
        assert low is not None
        assert 0.049 < low - each.player.fired < 0.5
        each.disarm()


@pytest.mark.parametrize("answer", ["1", "+1", "ON"])
def test_an_output_that_is_on_is_told_in_numbers_or_words(scripted, supply: Callable[..., Supply], answer):
    scripted.script = lambda query: f"{answer}\n".encode() if query == "OUTP? (@1)" else None
    assert supply.output() is True
    scripted.script = lambda query: b"OFF\n" if query == "OUTP? (@1)" else None
    assert supply.output() is False


def test_a_picture_made_of_steps_gets_stairs_for_an_edge_and_corners_for_a_level():
    shape = Waveform("w", (Level(3.0, 1.0), Ramp(3.0, 1.0, 2.0)))
    course = shape.course(3.3, 10.0, after=0.5)
    assert course[:4] == [[0.0, 3.3], [0.05, 3.3], [0.05, 3.0], [0.15, 3.0]]
    assert course[-2:] == [[0.35, 1.0], [0.35, 3.3]]
    assert len(course) > 20
    assert len(shape.points()) == 4
