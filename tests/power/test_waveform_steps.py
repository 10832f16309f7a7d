"""Levels instead of edges and curves: as fine as there is room for, and the error that is told is the error there is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.power.waveform import Decay, Level, Ramp, Segment, Sine, Waveform
from pytest_quecfota.power.waveform_steps import Grid, Steps, sample

FINE = Grid(0.001, 1000, 0.001, 100_000)
HMP = Grid(0.06, 10, 0.01, 128)

DWELLS = st.floats(0.06, 20)
VOLTS = st.floats(0, 5)
SEGMENTS = st.lists(
    st.builds(Level, VOLTS, st.floats(0.25, 30))
    | st.builds(Ramp, VOLTS, VOLTS, DWELLS)
    | st.builds(Decay, VOLTS, VOLTS, st.floats(0.1, 5), DWELLS)
    | st.builds(Sine, st.just(2.5), st.floats(0.1, 2.5), st.floats(0.2, 3), DWELLS),
    min_size=1,
    max_size=6,
)


def at(steps: Steps, t: float) -> float:
    for level in steps.levels:
        if t < level.dwell:
            return level.voltage
        t -= level.dwell
    return steps.levels[-1].voltage


@given(segments=SEGMENTS, grid=st.sampled_from([FINE, HMP, Grid(0.02, 1e9, 1e-6), Grid(0.01, 3600, 0.001, 100)]))
@settings(max_examples=35, deadline=None)
def test_at_every_moment_the_levels_are_as_near_as_is_told(segments, grid):
    """Within the error in time of a moment something is asked that is within the error in voltage of what is played."""
    steps = sample(segments, grid, finest=0.02)
    shape = Waveform("w", tuple(segments))
    assert abs(steps.duration - shape.duration) <= steps.time_error + 1e-6
    assert len(steps.levels) <= grid.max_steps
    for k in range(25):
        t = shape.duration * (k + 0.37) / 25
        blur = steps.time_error + 1e-6
        near = [shape.voltage_at(min(max(0.0, t + blur * j / 40), shape.duration)) for j in range(-40, 41)]
        low, high = min(near), max(near)
        assert low - steps.voltage_error - 0.02 <= at(steps, t) <= high + steps.voltage_error + 0.02


@given(segments=SEGMENTS)
@settings(max_examples=30, deadline=None)
def test_each_level_is_one_that_the_engine_can_hold(segments):
    for level in sample(segments, HMP).levels:
        assert HMP.min_dwell - 1e-9 <= level.dwell <= HMP.max_dwell + HMP.resolution
        assert abs(level.dwell / HMP.resolution - round(level.dwell / HMP.resolution)) < 1e-6


def test_with_room_enough_a_ramp_is_as_fine_as_it_is_asked():
    steps = sample([Ramp(3, 0, 10)], FINE, finest=0.025)
    assert steps.voltage_error == pytest.approx(0.025)
    assert len(steps.levels) == 60
    assert steps.levels[0].voltage == pytest.approx(3 - 0.025, abs=0.001)


def test_with_less_room_all_curves_get_coarser_together():
    steps = sample([Ramp(3, 0, 10), Level(0, 1), Ramp(0, 3, 10)], Grid(0.01, 3600, 0.001, 21), finest=0.001)
    assert len(steps.levels) == 21
    assert steps.voltage_error == pytest.approx(0.15, rel=0.01)


@pytest.mark.parametrize(
    ("row", "levels", "error"),
    [
        ([Level(3, 1), Ramp(3, 2, 0.01), Level(2, 1)], [(3, 1.005), (2, 1.005)], 0.005),
        ([Ramp(3, 2, 0.01), Level(2, 1)], [(2, 1.01)], 0.01),
        ([Level(3, 1), Ramp(3, 2, 0.01), Sine(2, 0, 1, 1)], [(3, 1.01), (2, 1)], 0.01),
    ],
    ids=["between", "first", "before-a-curve"],
)
def test_an_edge_without_room_for_stairs_is_a_jump_and_its_error_is_told(row: list[Segment], levels, error):
    steps = sample(row, Grid(0.01, 3600, 0.001))
    assert [(round(level.voltage, 3), round(level.dwell, 6)) for level in steps.levels] == levels
    assert steps.time_error == pytest.approx(error)


def test_what_is_held_longer_than_a_step_can_be_takes_several():
    steps = sample([Level(3.3, 25)], HMP)
    assert [level.dwell for level in steps.levels] == pytest.approx([8.33, 8.34, 8.33])


def test_rounded_moments_do_not_add_up():
    steps = sample([Level(1 + k % 2, 0.0614) for k in range(100)], HMP)
    assert abs(steps.duration - 6.14) < 0.005 + 1e-9
    assert steps.time_error <= 0.005 + 1e-9


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ([Level(3, 0.05)], r"0\.06 s at least, and 0\.05 s"),
        ([Level(k % 3, 1) for k in range(129)], r"128 steps, and 129"),
    ],
)
def test_what_does_not_fit_is_refused(row, told):
    with pytest.raises(ValueError, match=told):
        sample(row, HMP)


def test_an_open_output_stays_open():
    assert sample([Level(0, 25, open=True)], HMP).levels[2].open
