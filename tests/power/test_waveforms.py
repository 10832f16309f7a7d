"""Waveforms: volts over module seconds, named by what they do and how long; and what a supply is told to play one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_instrument import ScriptedInstrument

from pytest_quecfota.errors import SupplyError
from pytest_quecfota.power import Supply, load_profile
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.power.waveform import FAMILIES, Level, Waveform, waveform

CUT = waveform("cut-500ms", nominal=3.3)


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
    made = waveform(name, nominal=3.3)
    assert made.duration == pytest.approx(duration)
    assert made.lowest == pytest.approx(lowest)
    assert made.highest == pytest.approx(highest, abs=0.1)
    assert made.name == name


def test_one_that_is_made_already_stays_as_it_is():
    assert waveform(CUT, nominal=1.0) is CUT


@pytest.mark.parametrize("name", ["", "cut", "wobble-1s", "cut-1", "cut-500us", "dip-100ms", "cut--1s", "cut-1s "])
def test_a_name_that_is_none_is_told_with_how_they_are_named(name):
    with pytest.raises(ValueError, match=r"cut-500ms|its level"):
        waveform(name, nominal=3.3)


@given(nominal=st.floats(1.0, 5.0), family=st.sampled_from(["cut-1s", "ramp-1s", "steps-1s", "dip-0.9V-1s"]))
def test_none_goes_above_the_nominal_voltage_or_below_nothing(nominal, family):
    made = waveform(family, nominal=nominal)
    assert 0 <= made.lowest <= made.highest <= nominal + 0.0001
    assert all(level.dwell > 0 for level in made.levels)


@given(after=st.floats(0.001, 100))
def test_delayed_it_begins_with_the_nominal_voltage(after):
    made = CUT.delayed(after, 3.3)
    assert made.levels == (Level(3.3, after), *CUT.levels)
    assert made.duration == pytest.approx(CUT.duration + after)


def test_not_delayed_it_is_the_same():
    assert CUT.delayed(0, 3.3) is CUT


@pytest.mark.parametrize("family", FAMILIES)
def test_corners_are_in_order_of_time(family):
    name = f"{family}-2.4V-1s" if family == "dip" else f"{family}-1s"
    points = waveform(name, nominal=3.3).points()
    assert [t for t, _ in points] == sorted(t for t, _ in points)
    assert points[0][0] == 0


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


def test_a_waveform_the_supply_refuses_is_a_bench_fault(scripted, supply):
    scripted.errors.append('-222,"Data out of range"')
    with pytest.raises(SupplyError, match="-222"):
        supply.arm(CUT)


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
        (Waveform("high", (Level(3.7, 1),)), "above this rig's limit of 3.6 V"),
        (Waveform("long", tuple(Level(0, 1) for _ in range(101))), "100 steps"),
        (Waveform("quick", (Level(0, 0.001),)), "0.01 s at least"),
    ],
    ids=lambda p: p.name if isinstance(p, Waveform) else "",
)
def test_what_the_rig_or_the_supply_cannot_bear_is_not_even_loaded(scripted, supply, shape, told):
    with pytest.raises(ValueError, match=told):
        supply.arm(shape)
    assert scripted.messages == ["*IDN?"]


def test_nothing_is_armed_where_the_rig_does_not_allow_cuts(scripted, make_supply):
    with pytest.raises(ValueError, match=r"allow: \[cuts\]"):
        make_supply(may_cut=False).arm(CUT)
    assert scripted.messages == ["*IDN?"]


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


def test_without_a_list_engine_a_cut_is_switched_off_and_on_again(scripted, plain):
    plain.fire(plain.arm(CUT))
    plain.acknowledge()
    assert scripted.state["output"] == "OFF"
    plain.disarm()
    assert scripted.state["output"] == "ON"


@pytest.mark.parametrize(
    "make", [lambda: waveform("dip-2.4V-1s", nominal=3.3), lambda: waveform("ramp-1s", nominal=3.3)]
)
def test_without_a_list_engine_only_cuts_can_be_played(scripted, plain, make):
    with pytest.raises(ValueError, match="no list engine"):
        plain.arm(make())
    assert scripted.messages == ["*IDN?"]


@pytest.mark.parametrize(
    "shape",
    [waveform("dip-2.4V-1s", nominal=3.3).delayed(0.2, 3.3), waveform("steps-1s", nominal=3.3), CUT.delayed(0.2, 3.3)],
    ids=["delayed-dip", "steps", "delayed-cut"],
)
def test_without_a_list_engine_nothing_else_is_played_as_if_it_were_a_cut(scripted, plain, shape):
    with pytest.raises(ValueError, match="no list engine"):
        plain.arm(shape)


@pytest.mark.parametrize("answer", ["1", "+1", "ON"])
def test_an_output_that_is_on_is_told_in_numbers_or_words(scripted, supply: Callable[..., Supply], answer):
    scripted.script = lambda query: f"{answer}\n".encode() if query == "OUTP? (@1)" else None
    assert supply.output() is True
    scripted.script = lambda query: b"OFF\n" if query == "OUTP? (@1)" else None
    assert supply.output() is False
