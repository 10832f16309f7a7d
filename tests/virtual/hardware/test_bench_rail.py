"""The power rail: closed-form voltages, crossings at exact times, fold-back, hysteresis."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.virtual import loop
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.rail import Rail
from pytest_quecfota.virtual.trajectory import Feed, Line, trajectory

UF = 1e-6


def run(body: Callable[[Clock, Rail], Coroutine[Any, Any, Any]], **rail: Any) -> Any:
    clock = Clock("max")
    made = Rail(clock, **{"threshold": 2.1, "hysteresis": 0.1, **rail})
    try:
        return loop.run(body(clock, made), clock)
    finally:
        made.close()


def test_a_rail_settles_at_supply_minus_line_drop() -> None:
    async def body(clock: Clock, rail: Rail) -> tuple[float, float, float]:
        rail.set_source(3.3, True, 1.0)
        rail.set_load(0.2)
        await clock.sleep(1)
        return rail.voltage(), rail.current(), rail.terminal_voltage()

    assert run(body) == pytest.approx((3.29, 0.2, 3.3), abs=1e-9)


def test_with_the_output_off_the_rail_falls_as_charge_over_current() -> None:
    async def body(clock: Clock, rail: Rail) -> float:
        browned: list[float] = []
        rail.set_source(3.3, True, 1.0)
        rail.set_load(0.2)
        await clock.sleep(1)
        rail.on_brown_out(lambda: browned.append(clock.now()))
        cut = clock.now()
        rail.set_source(3.3, False, 1.0)
        await clock.sleep(1)
        return browned[0] - cut

    assert run(body) == pytest.approx(570 * UF * (3.29 - 2.1) / 0.2, rel=1e-9)


def test_power_good_comes_at_threshold_plus_hysteresis_on_a_ramp() -> None:
    async def body(clock: Clock, rail: Rail) -> tuple[float, float]:
        good: list[float] = []
        rail.on_power_good(lambda: good.extend((clock.now(), rail.voltage())))
        start = clock.now()
        rail.set_source(3.3, True, 1.0, slew=1.0)
        await clock.sleep(10)
        return good[0] - start, good[1]

    when, volts = run(body)
    assert volts == pytest.approx(2.2, abs=1e-9)
    assert when == pytest.approx(2.2, abs=1e-3)


def test_beyond_the_current_limit_the_voltage_collapses_and_comes_back() -> None:
    async def body(clock: Clock, rail: Rail) -> tuple[bool, float, float, bool]:
        rail.set_source(3.3, True, 1.0)
        await clock.sleep(0.1)
        rail.set_load(1.5)
        await clock.sleep(0.001)
        limiting, falling = rail.limiting, rail.voltage()
        rail.set_load(0.1)
        await clock.sleep(0.1)
        return limiting, falling, rail.voltage(), rail.limiting

    limiting, falling, after, still = run(body)
    assert limiting
    assert not still
    assert falling == pytest.approx(3.3 - 0.5 * 0.001 / (570 * UF), abs=0.08)
    assert after == pytest.approx(3.295)


def test_an_overload_restarts_the_load_again_and_again_without_hanging() -> None:
    async def body(clock: Clock, rail: Rail) -> int:
        browned: list[float] = []

        def off() -> None:
            browned.append(clock.now())
            rail.set_load(1e-4)

        rail.on_brown_out(off)
        rail.on_power_good(lambda: rail.set_load(1.5))
        rail.set_source(3.3, True, 1.0)
        await clock.sleep(0.05)
        return len(browned)

    assert 3 <= run(body) < 2000


def test_a_detector_of_ones_own_calls_on_its_levels() -> None:
    async def body(clock: Clock, rail: Rail) -> list[str]:
        calls: list[str] = []
        rail.set_source(3.8, True, 1.0)
        rail.set_load(0.01)
        await clock.sleep(0.1)
        rail.add_detector(3.5, 3.6, falling=lambda: calls.append("low"), rising=lambda: calls.append("fine"))
        for volts in (3.55, 3.45, 3.55, 3.8):
            rail.set_source(volts, True, 1.0, sink_current=0.1)
            await clock.sleep(0.1)
        return calls

    assert run(body) == ["low", "fine"]


@pytest.mark.parametrize(
    "wrong", [{"capacitance_uf": 0}, {"line_resistance_ohm": 0}, {"threshold": 0}, {"hysteresis": -0.1}]
)
def test_a_rail_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Rail(Clock("max"), **wrong)


volts = st.integers(0, 6_000_000).map(lambda microvolts: microvolts / 1e6)
amps = st.integers(0, 2_000_000).map(lambda microamps: microamps / 1e6)
feeds = st.builds(
    Feed,
    on=st.booleans(),
    voltage=volts,
    target=volts,
    slope=st.one_of(st.just(math.inf), st.floats(0.001, 10_000)),
    limit=amps,
    sink=amps,
    off_sink=amps,
)


@settings(max_examples=300, deadline=None)
@given(feed=feeds, load=amps, start=volts)
def test_any_trajectory_is_continuous_and_keeps_the_supplys_bounds(feed: Feed, load: float, start: float) -> None:
    line = Line(0.05, 570 * UF)
    chain = trajectory(line, feed, load, start)
    assert chain[0].start == 0
    assert chain[0].voltage(0) == pytest.approx(start, abs=1e-6)
    for before, after in itertools.pairwise(chain):
        assert before.end == after.start
        assert max(0.0, before.voltage(before.end)) == pytest.approx(max(0.0, after.voltage(after.start)), abs=1e-5)
    for segment in chain:
        middle = (segment.start + min(segment.end, segment.start + 1)) / 2
        if feed.on and segment.mode == "regulated":
            current = (feed.open_voltage(middle) - segment.voltage(middle)) / line.resistance
            assert -feed.sink - 1e-4 <= current <= feed.limit + 1e-4 or feed.limit < load


@settings(max_examples=300, deadline=None)
@given(feed=feeds, load=amps, start=st.floats(2.5, 5), level=st.floats(0.1, 2.4))
def test_a_crossing_is_where_the_voltage_is_at_the_level(feed: Feed, load: float, start: float, level: float) -> None:
    for segment in trajectory(Line(0.05, 570 * UF), feed, load, start):
        x = segment.crossing(level, rising=False, after=0)
        if x < math.inf:
            assert segment.start <= x <= segment.end
            assert segment.voltage(x) == pytest.approx(level, abs=1e-5)
            break
        for fraction in (0.0, 0.3, 0.9):
            inside = segment.start + fraction * (min(segment.end, segment.start + 2) - segment.start)
            assert segment.voltage(inside) > level - 1e-9
