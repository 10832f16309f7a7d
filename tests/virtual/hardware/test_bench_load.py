"""What the virtual module draws: its states, its bursts in their exact time slots, and what they do to rail and supply."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.virtual import loop, models
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.power import ACTIVITIES, Burst, Load
from pytest_quecfota.virtual.rail import Rail

GSM = Burst(peak=2.0, seconds=577e-6, period=4.615e-3, between=0.12)
CURRENTS = {
    "down": 0.0,
    "boot": 0.1,
    "sleep": 0.001,
    "idle": 0.02,
    "receive": 0.1,
    "transmit": 0.4,
    "flash": 0.15,
}


class Watched(Rail):
    """A rail that notes when which load was set."""

    def __init__(self, clock: Clock, **values: float) -> None:
        super().__init__(clock, **values)
        self.loads: list[tuple[float, float]] = []
        self._watched = clock

    def set_load(self, amperes: float) -> None:
        if not self.loads or self.loads[-1][1] != amperes:
            self.loads.append((self._watched.now(), amperes))
        super().set_load(amperes)


def run(body: Callable[[Clock, Watched, Load], Coroutine[Any, Any, Any]], speed: Any = "max", **rail: float) -> Any:
    """What `body` returns, with a module that has GSM bursts on a rail of 3.8 V, 3 A."""
    clock = Clock(speed)
    made = Watched(clock, **{"threshold": 3.1, "line_resistance_ohm": 0.08, **rail})
    load = Load(made, CURRENTS, {"transmit": GSM}, clock)

    async def whole() -> Any:
        made.set_source(3.8, True, 3.0)
        load.rest("idle")
        await clock.sleep(1)
        made.loads.clear()
        return await body(clock, made, load)

    try:
        return loop.run(whole(), clock)
    finally:
        load.close()
        made.close()


@pytest.mark.parametrize("speed", ["max", 20])
def test_bursts_come_in_their_time_slots_exactly(speed: Any) -> None:
    async def body(clock: Clock, rail: Watched, load: Load) -> tuple[float, list[tuple[float, float]]]:
        start = clock.now()
        with load.during("transmit"):
            await clock.sleep(0.1)
        return start, rail.loads

    start, loads = run(body, speed)
    begins = [when - start for when, amps in loads if amps == 2.0]
    ends = [when - start for when, amps in loads if amps == 0.12]
    assert begins == pytest.approx([4.615e-3 * index for index in range(len(begins))], abs=1e-9)
    assert ends == pytest.approx([4.615e-3 * index + 577e-6 for index in range(len(ends))], abs=1e-9)
    assert len(begins) >= 22
    assert loads[-1][1] == 0.02


def test_the_largest_of_what_goes_on_is_drawn_and_bursts_go_on_on_top_of_it() -> None:
    async def body(clock: Clock, rail: Watched, load: Load) -> list[float]:
        with load.during("flash"), load.during("transmit"), load.during("receive"):
            await clock.sleep(0.01)
        with load.during("flash"):
            with load.during("receive"):
                pass
            await clock.sleep(0.01)
        load.rest("sleep")
        load.rest("down")
        return [amps for _, amps in rail.loads]

    assert run(body) == [0.15, 2.0, 0.15, 2.0, 0.15, 2.0, 0.15, 0.02, 0.15, 0.02, 0.001, 0.0]


def test_a_second_activity_does_not_begin_the_train_anew() -> None:
    async def body(clock: Clock, rail: Watched, load: Load) -> tuple[float, list[float]]:
        start = clock.now()
        with load.during("transmit"):
            await clock.sleep(0.0003)
            with load.during("receive"):
                await clock.sleep(0.005)
        return start, [when for when, amps in rail.loads if amps == 2.0]

    start, begins = run(body)
    assert [when - start for when in begins] == pytest.approx([0, 4.615e-3], abs=1e-9)


def test_no_burst_comes_after_the_power_is_gone() -> None:
    async def body(clock: Clock, rail: Watched, load: Load) -> list[float]:
        with load.during("transmit"):
            await clock.sleep(0.0055)
            load.rest("down")
            rail.loads.clear()
            await clock.sleep(1)
        return [amps for _, amps in rail.loads]

    assert set(run(body)) <= {0.0}


def test_bursts_sag_by_the_line_and_cell_resistance() -> None:
    """577 us are many time constants of 0.08 ohm and 100 uF: the rail reaches its lower end in every burst."""

    async def body(clock: Clock, rail: Watched, load: Load) -> list[float]:
        low: list[float] = []
        with load.during("transmit"):
            for _ in range(3):
                await clock.sleep(570e-6)
                low.append(rail.voltage())
                await clock.sleep(4.615e-3 - 570e-6)
        return low

    assert run(body, capacitance_uf=100.0) == pytest.approx([3.8 - 2.0 * 0.08] * 3, abs=1e-3)


@pytest.mark.parametrize(
    ("limit", "survives"),
    [(3.0, True), (1.0, False)],
)
def test_a_module_in_burst_needs_a_supply_that_gives_it(limit: float, survives: bool) -> None:
    async def body(clock: Clock, rail: Watched, load: Load) -> bool:
        gone: list[float] = []
        rail.on_brown_out(lambda: gone.append(clock.now()))
        rail.set_source(3.8, True, limit)
        await clock.sleep(0.1)
        with load.during("transmit"):
            await clock.sleep(0.1)
        return not gone

    assert run(body, capacitance_uf=300.0) is survives


@pytest.mark.parametrize(
    "wrong", [(2.0, 0.0, 1.0, 0.1), (2.0, 1.0, 1.0, 0.1), (0.1, 0.1, 1.0, 0.2), (1.0, 0.1, 1.0, -1.0)]
)
def test_a_train_that_cannot_be_is_refused(wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="train"):
        Burst(*wrong)


def test_bursts_need_a_clock() -> None:
    clock = Clock("max")
    with pytest.raises(ValueError, match="clock"):
        Load(Rail(clock), CURRENTS, {"transmit": GSM})


@pytest.mark.parametrize("name", models.names())
def test_every_model_says_what_it_draws_and_how_it_transmits(name: str) -> None:
    data = models.load(name)
    amps = data.currents
    assert set(amps) == set(ACTIVITIES)
    assert 0 < amps["down"] <= amps["sleep"] < amps["idle"] < amps["receive"] < amps["transmit"]
    assert amps["idle"] < amps["flash"]
    train = data.bursts["transmit"]
    assert amps["idle"] <= train.between < amps["transmit"] < train.peak
    if data.nb or name == "EC800K":  # no GSM inside
        assert train.peak < 1
    else:
        assert (train.seconds, train.period) == (577e-6, 4.615e-3)
        assert 1.5 < train.peak <= 2


# -- the meter -----------------------------------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), aperture=st.floats(1e-4, 0.05))
def test_a_reading_is_the_mean_of_many_moments(seed: int, aperture: float) -> None:
    """Loads, limits and levels change at random; the exact average agrees with one of two thousand samples."""
    pick = random.Random(seed)
    clock = Clock("max")
    rail = Rail(clock, threshold=2.0, line_resistance_ohm=0.1)
    rail.meter.aperture = aperture

    async def body() -> tuple[float, float, float, float]:
        rail.set_source(3.3, True, pick.uniform(0.5, 3.0), slew=1000, sink_current=0.1)
        await clock.sleep(1)
        changes = sorted(clock.now() + pick.uniform(0, 2 * aperture) for _ in range(6))
        end = clock.now() + 2 * aperture
        samples: list[tuple[float, float]] = []
        count = 2_000
        moments = [(end - aperture + (index + 0.5) * aperture / count, False) for index in range(count)]
        for when, change in sorted([*moments, *[(one, True) for one in changes]]):
            await clock.sleep_until(when)
            if change:
                rail.set_load(pick.choice([0.01, 0.3, 2.0, 3.5]))
            else:
                samples.append((rail.terminal_voltage(), rail.current()))
        await clock.sleep_until(end)
        volts, amps = rail.reading()
        return volts, amps, sum(v for v, _ in samples) / count, sum(a for _, a in samples) / count

    try:
        volts, amps, mean_volts, mean_amps = loop.run(body(), clock)
    finally:
        rail.close()
    assert volts == pytest.approx(mean_volts, abs=5e-3)
    assert amps == pytest.approx(mean_amps, abs=1e-2)


def test_a_long_train_leaves_the_meter_no_larger() -> None:
    async def body(clock: Clock, rail: Watched, load: Load) -> int:
        rail.meter.aperture = 0.02
        with load.during("transmit"):
            await clock.sleep(10)
        return len(rail.meter._past)

    assert run(body) < 15


def test_bursts_do_not_hold_a_clock_that_is_stepped() -> None:
    """A task that is stepped over while a train runs meets every burst of it, in order."""

    async def body(clock: Clock, rail: Watched, load: Load) -> list[float]:
        async def talk() -> None:
            with load.during("transmit"):
                await clock.sleep(0.05)

        talking = asyncio.ensure_future(talk())
        await clock.step(1.0)
        await talking
        return [when for when, amps in rail.loads if amps == 2.0]

    begins = run(body, 1)
    assert [after - before for before, after in itertools.pairwise(begins)] == pytest.approx([4.615e-3] * 10, abs=1e-9)
