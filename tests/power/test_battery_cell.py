"""The cell as a model: what holds for every chemistry, charge, current and however time is cut into steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.power.battery_cell import Cell
from pytest_quecfota.power.battery_curves import curve_names, load_curve

NAMES = st.sampled_from(curve_names())
CHARGES = st.floats(0, 1)
CURRENTS = st.floats(-0.5, 3)
TIMES = st.floats(0, 3600)
OHMS = st.floats(0, 5)
STEPS = st.lists(st.tuples(CURRENTS, TIMES), max_size=20)


def cell(name: str, charge: float, ohms: float = 0.2, capacity: float = 0.1) -> Cell:
    return Cell(load_curve(name), charge=charge, internal_resistance=ohms, capacity=capacity)


@given(NAMES, CHARGES, OHMS, STEPS)
def test_the_charge_never_rises_while_current_flows_out_nor_leaves_its_range(name, charge, ohms, steps):
    it = cell(name, charge, ohms)
    for current, seconds in steps:
        before = it.charge
        it.draw(current, seconds)
        assert 0 <= it.charge <= before
        assert it.charge < before or current * seconds <= 1e-9 or before == 0, "what flows out is missing"


@given(NAMES, CHARGES, OHMS, STEPS)
def test_what_is_drawn_is_what_is_missing(name, charge, ohms, steps):
    it = cell(name, charge, ohms)
    for current, seconds in steps:
        it.draw(current, seconds)
    assert it.drawn == pytest.approx((charge - it.charge) * it.capacity, abs=1e-9)


@given(NAMES, CHARGES, OHMS, STEPS, CURRENTS)
def test_the_voltage_stays_within_the_curve(name, charge, ohms, steps, now):
    """At most what it has at rest, at least what its whole resistance leaves of that."""
    it = cell(name, charge, ohms)
    for current, seconds in steps:
        it.draw(current, seconds)
        volts = it.voltage(now)
        most = max(0.0, now, *(amperes for amperes, _ in steps))
        assert max(0.0, it.at_rest - it.resistance * most) - 1e-9 <= volts <= it.at_rest
        assert it.curve.empty <= it.at_rest <= it.curve.full


@given(NAMES, CHARGES, st.floats(0, 2), TIMES, st.integers(1, 50), st.floats(0, 2))
def test_the_result_does_not_depend_on_how_the_time_is_cut_into_steps(name, charge, current, seconds, parts, before):
    whole, cut = cell(name, charge), cell(name, charge)
    for it in (whole, cut):
        it.draw(before, 7.0)
    whole.draw(current, seconds)
    for _ in range(parts):
        cut.draw(current, seconds / parts)
    assert cut.charge == pytest.approx(whole.charge, abs=1e-9)
    assert cut.voltage(current) == pytest.approx(whole.voltage(current), abs=1e-6)


@pytest.mark.parametrize("name", curve_names())
def test_under_a_lasting_current_the_voltage_is_that_of_the_whole_resistance(name):
    it = cell(name, 0.7, ohms=0.5, capacity=1000.0)
    it.draw(0.4, 3600)
    assert it.voltage(0.4) == pytest.approx(it.at_rest - 0.4 * it.resistance, abs=1e-6)


@pytest.mark.parametrize("name", curve_names())
def test_a_burst_sags_at_once_then_deeper_and_is_recovered_from(name):
    it = cell(name, 0.7, ohms=0.5, capacity=1000.0)
    at_once = it.voltage(1.0)
    it.draw(1.0, 5)
    later = it.voltage(1.0)
    just_after = it.voltage(0.0)
    it.draw(0.0, 300)
    assert later < at_once < just_after < it.voltage(0.0) == pytest.approx(it.at_rest, abs=1e-4)


def test_a_known_discharge():
    """0.1 A for half an hour out of 100 mAh is half of it."""
    it = cell("li-mno2", 1.0, ohms=1.0)
    it.draw(0.1, 1800)
    assert it.charge == pytest.approx(0.5)
    assert it.drawn == pytest.approx(0.05)


@pytest.mark.parametrize("charge", [2.2250738585e-313, 0.3, 1 / 3])
def test_a_cell_of_which_more_is_taken_than_it_holds_is_empty(charge):
    """Exactly: what rounding would leave of it would keep it alive."""
    it = cell("li-ion", charge)
    it.draw(1.0, 3600)
    assert it.is_empty


def test_an_empty_cell_gives_nothing_more():
    it = cell("li-ion", 0.001)
    it.draw(1.0, 3600)
    assert it.is_empty
    assert it.drawn == pytest.approx(0.0001)


def test_another_cell_is_full_and_rested():
    it = cell("li-ion", 0.1)
    it.draw(2.0, 100)
    it.refill(0.8)
    assert it.voltage(0.0) == it.curve.voltage(0.8)


@pytest.mark.parametrize(
    "wrong",
    [
        {"charge": 1.1},
        {"charge": -0.1},
        {"charge": 30},
        {"charge": True},
        {"charge": "0.3"},
        {"charge": float("nan")},
        {"internal_resistance": -1.0},
        {"internal_resistance": float("inf")},
        {"capacity": 0.0},
        {"capacity": float("nan")},
    ],
    ids=str,
)
def test_a_value_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=r"a charge is a share|an internal resistance is|a capacity is"):
        Cell(load_curve("li-ion"), **wrong)
