from __future__ import annotations

import math

import pytest

from pytest_quecfota.timeline.clock import SLACK, ModuleClock


def test_module_seconds_are_real_seconds_times_speed() -> None:
    assert ModuleClock(60).between(1.0, 2.5) == pytest.approx(90.0)


def test_a_change_of_speed_counts_from_then_on() -> None:
    clock = ModuleClock(60)
    clock.change(2.0, 1)
    assert clock.between(1.0, 5.0) == pytest.approx(63.0)


def test_a_step_is_part_of_the_module_time_but_moves_no_deadline() -> None:
    clock = ModuleClock(1)
    due = clock.deadline(0.0, 100.0)
    clock.step(10.0, 1200.0)
    assert clock.between(0.0, 20.0) == pytest.approx(1220.0)
    assert clock.deadline(0.0, 100.0) == due


def test_at_speed_one_a_deadline_is_exact() -> None:
    assert ModuleClock(1).deadline(3.0, 0.2) == pytest.approx(3.2)


@pytest.mark.parametrize("speed", [2, 60, 1000, math.inf])
def test_no_wait_on_a_sped_up_bench_is_shorter_than_a_real_second(speed: float) -> None:
    clock = ModuleClock(speed)
    assert clock.deadline(3.0, 0.001) >= 4.0
    assert clock.deadline(0.0, 900.0) == pytest.approx(900 / min(speed, 1000) + SLACK)


def test_what_is_judged_exactly_has_no_slack() -> None:
    assert ModuleClock(60).elapsed(1.0, 60.0) == pytest.approx(2.0)


def test_a_wait_goes_on_at_the_new_speed() -> None:
    clock = ModuleClock(1)
    clock.change(10.0, 10)
    assert clock.elapsed(0.0, 110.0) == pytest.approx(20.0)


def test_at_full_speed_stamps_count_real_seconds() -> None:
    assert ModuleClock(math.inf).between(1.0, 1.5) == pytest.approx(0.5)


@pytest.mark.parametrize("speed", [0, -1, math.nan])
def test_a_speed_is_positive(speed: float) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        ModuleClock(speed)


@pytest.mark.parametrize("speed", ["60", None, True])
def test_a_speed_is_a_number(speed: object) -> None:
    with pytest.raises(TypeError, match="a speed is a number"):
        ModuleClock(speed)  # type: ignore[arg-type]
