"""The supply's own protections: where they are set, that they are read back, told for what they are, and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from strict_families import FAMILIES
from strict_supply import StrictSupply

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power import Supply, load_profile
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.protections import over_current_level, over_voltage_level
from pytest_quecfota.power.supply import Limits, Setting

FAMILY = "rigol-dp800"  # has both, each with a level of its own


@pytest.fixture
def strict() -> Iterator[StrictSupply]:
    strict = StrictSupply(FAMILIES[FAMILY])
    yield strict
    strict.close()


@pytest.fixture
def supply(strict) -> Iterator[Supply]:
    supply = Supply(
        Instrument(strict.address, limit=0.5),
        load_profile(FAMILY),
        channel=1,
        nominal=Setting(3.3, 1.0),
        limits=Limits(2.1, 3.6),
        may_cut=True,
    )
    yield supply
    supply.close()


@pytest.mark.parametrize(
    ("most", "margin", "level"), [(3.6, 0.1, 3.78), (3.63, 0.1, 3.82), (1.0, 0.25, 1.25), (4.2, 0.25, 4.45)]
)
def test_the_level_lies_five_percent_or_the_margin_above_the_limit(most, margin, level):
    guard = load_profile(FAMILY).protection.over_voltage.model_copy(update={"margin": margin})
    assert over_voltage_level(guard, most) == level
    assert over_voltage_level(None, 2.0) == 2.1


def test_the_current_level_lies_ten_percent_above_the_limit():
    guard = load_profile(FAMILY).protection.over_current
    assert over_current_level(guard, 1.0) == 1.1
    assert over_current_level(guard, 0.1) == 0.15


def test_levels_of_the_rig_file_take_their_place(strict, supply):
    supply.protect(over_voltage=3.9, over_current=1.5)
    assert (strict.outputs[1].over_voltage, strict.outputs[1].over_current) == (3.9, 1.5)


@pytest.mark.parametrize(
    ("levels", "told"), [({"over_voltage": 3.6}, "would trip below"), ({"over_current": 1.0}, "is not above")]
)
def test_a_level_below_what_it_protects_is_refused(strict, supply, levels, told):
    with pytest.raises(ValueError, match=told):
        supply.protect(**levels)
    assert strict.outputs[1].over_voltage == 99


def test_a_level_the_supply_does_not_take_is_a_bench_fault(strict, supply):
    strict.garble = lambda unit, answer: b"99.000\n" if "OVP:VAL?" in unit else answer
    with pytest.raises(SupplyError, match=r"was told 3\.78 as its over-voltage level and says 99"):
        supply.protect()


def test_what_had_tripped_before_the_run_is_cleared_and_is_no_fault(strict, supply):
    strict.trip(1, "over_voltage")
    supply.protect()
    assert strict.outputs[1].tripped == set()
    assert not strict.outputs[1].on, "clearing alone powers nothing"
    supply.restore()
    assert strict.outputs[1].on


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("over_voltage", r"over-voltage protection of output 1 has switched it off: more than 3\.78 V stood there"),
        ("over_current", r"over-current protection of output 1 .*: the module or its wiring drew more than 1\.1 A"),
    ],
)
@pytest.mark.parametrize("look", [Supply.check, Supply.measure, Supply.restore], ids=["check", "measure", "restore"])
def test_a_trip_is_told_as_what_it_is_wherever_it_is_met(strict, supply, name, told, look):
    supply.protect()
    supply.restore()
    strict.trip(1, name)
    with pytest.raises(SupplyError, match=told) as caught:
        look(supply)
    assert caught.value.reason is Reason.SUPPLY_PROTECTION


def test_a_trip_that_was_told_already_is_told_again_by_restore_which_then_powers_the_module(strict, supply):
    supply.protect()
    supply.restore()
    strict.trip(1, "over_voltage")
    with pytest.raises(SupplyError):
        supply.measure()
    with pytest.raises(SupplyError, match="over-voltage"):
        supply.restore()
    assert strict.outputs[1].on
    assert strict.outputs[1].tripped == set()
    assert strict.outputs[1].woken == [], "clearing alone powered it"
    supply.restore()
    supply.check()


def test_a_low_voltage_alone_is_no_trip(strict, supply):
    supply.protect()
    supply.restore()
    strict.outputs[1].voltage = 0.3
    assert supply.measure().voltage == pytest.approx(0.3)


def test_the_current_level_follows_a_higher_limit_and_goes_back_after_the_test(strict, supply):
    supply.protect()
    supply.set(current_limit=2.0)
    assert strict.outputs[1].over_current == 2.2
    supply.set(current_limit=0.5)
    assert strict.outputs[1].over_current == 1.1
    supply.set(current_limit=2.0)
    supply.restore()
    assert strict.outputs[1].over_current == 1.1


def test_a_level_of_the_rig_file_bounds_what_a_test_may_set(strict, supply):
    supply.protect(over_current=1.5)
    supply.set(current_limit=1.5)
    before = len(strict.units)
    with pytest.raises(ValueError, match=r"2\.0 A is above this rig's over-current level of 1\.5 A"):
        supply.set(current_limit=2.0)
    assert len(strict.units) == before


def test_never_is_the_command_sent_that_switches_the_output_back_on(strict, supply):
    supply.protect()
    supply.restore()
    strict.trip(1, "over_voltage")
    with pytest.raises(SupplyError):
        supply.restore()
    assert not [unit for unit in strict.units if "PROT" in unit]
    assert strict.unknown == []


def made_on(scripted, **changes: object) -> Callable[[], Supply]:
    def make() -> Supply:
        profile = load_profile("keysight-e36300")
        return Supply(
            Instrument(scripted.address),
            profile,
            channel=1,
            nominal=Setting(3.3, 1.0),
            limits=Limits(2.1, 3.6),
            **changes,
        )

    return make


def test_a_reading_that_cannot_be_is_no_reading(scripted):
    supply = made_on(scripted, may_cut=True)()
    for answers in ({"MEAS:VOLT? (@1)": b"5.2\n"}, {"MEAS:VOLT? (@1)": b"-1\n"}, {"MEAS:CURR? (@1)": b"3.1\n"}):
        scripted.script = lambda query, answers=answers: answers.get(query)
        with pytest.raises(SupplyError, match="is wrong") as caught:
            supply.measure()
        assert caught.value.reason is Reason.SUPPLY_LIMIT
    supply.close()
