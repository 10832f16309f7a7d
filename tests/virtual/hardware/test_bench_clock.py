"""The clock of the bench: order, exactness, speeds, and who may wait for whom."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from pytest_quecfota.virtual import clockfile, loop
from pytest_quecfota.virtual.clock import Clock

T = TypeVar("T")


def run(body: Callable[[Clock], Coroutine[Any, Any, T]], speed: Any = "max") -> T:
    clock = Clock(speed)
    try:
        return loop.run(body(clock), clock)
    finally:
        clock.close()


@pytest.mark.parametrize("speed", [1000, "max"])
def test_sleeps_end_exactly_when_they_should(speed: Any) -> None:
    async def body(clock: Clock) -> list[float]:
        start = clock.now()
        ends = []
        for _ in range(5):
            await clock.sleep(0.5)
            ends.append(clock.now() - start)
        return ends

    assert run(body, speed) == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.5], abs=1e-9)


def test_time_stands_still_while_callbacks_run() -> None:
    async def body(clock: Clock) -> bool:
        before = clock.now()
        deadline = time.monotonic() + 0.01
        while time.monotonic() < deadline:
            pass
        return clock.now() == before

    assert run(body, 1000)


def test_max_jumps_over_an_hour_at_once() -> None:
    async def body(clock: Clock) -> tuple[float, float]:
        real = time.monotonic()
        await clock.sleep(3600)
        return clock.now(), time.monotonic() - real

    module, real = run(body)
    assert module == pytest.approx(3600, abs=0.1)
    assert real < 0.5


def test_a_speed_divides_real_waits() -> None:
    async def body(clock: Clock) -> float:
        real = time.monotonic()
        await clock.sleep(20)
        return time.monotonic() - real

    assert run(body, 200) == pytest.approx(0.1, abs=0.05)


def test_step_runs_chained_sleeps_in_order() -> None:
    async def body(clock: Clock) -> tuple[list[tuple[str, float]], float]:
        start = clock.now()
        seen: list[tuple[str, float]] = []

        async def chain(name: str, seconds: float, times: int) -> None:
            for _ in range(times):
                await clock.sleep(seconds)
                seen.append((name, round(clock.now() - start, 6)))

        tasks = [asyncio.ensure_future(chain("a", 300, 3)), asyncio.ensure_future(chain("b", 500, 2))]
        await asyncio.sleep(0)
        await clock.step(2000)
        await asyncio.gather(*tasks)
        return seen, clock.now() - start

    seen, now = run(body, 1)
    assert [name for name, _ in seen] == ["a", "b", "a", "a", "b"]
    assert [when for _, when in seen] == pytest.approx([300, 500, 600, 900, 1000], abs=0.01)
    assert now == pytest.approx(2000, abs=0.5)


def test_step_backwards_is_refused() -> None:
    async def body(clock: Clock) -> None:
        await clock.step(-1)

    with pytest.raises(ValueError, match="forwards"):
        run(body)


@pytest.mark.parametrize("speed", [1000, "max"])
def test_waiting_for_the_other_side_lasts_its_real_time(speed: Any) -> None:
    async def body(clock: Clock) -> tuple[float, float]:
        real, module = time.monotonic(), clock.now()
        with pytest.raises(asyncio.TimeoutError):
            await clock.wait_for(asyncio.get_running_loop().create_future(), 60, real_floor=0.15)
        return time.monotonic() - real, clock.now() - module

    real, module = run(body, speed)
    assert 0.14 < real < 1.0
    assert module >= 60


def test_max_runs_work_timers_while_it_waits_for_the_other_side() -> None:
    async def body(clock: Clock) -> list[float]:
        ticks: list[float] = []

        async def work() -> None:
            for _ in range(10):
                await clock.sleep(10)
                ticks.append(clock.now())

        task = asyncio.ensure_future(work())
        with pytest.raises(asyncio.TimeoutError):
            await clock.wait_for(asyncio.get_running_loop().create_future(), 60, real_floor=0.1)
        await task
        return ticks

    ticks = run(body)
    assert ticks == sorted(ticks)
    assert len(ticks) == 10


def test_a_step_expires_what_waits_for_the_other_side() -> None:
    async def body(clock: Clock) -> float:
        real = time.monotonic()
        waiting = asyncio.ensure_future(clock.wait_for(asyncio.get_running_loop().create_future(), 60))
        await asyncio.sleep(0)
        await clock.step(59)
        assert not waiting.done()
        await clock.step(2)
        with pytest.raises(asyncio.TimeoutError):
            await waiting
        return time.monotonic() - real

    assert run(body, 1) < 1.0


def test_wait_for_returns_what_comes_in_time_and_passes_errors_on() -> None:
    async def body(clock: Clock) -> str:
        async def answer() -> str:
            await clock.sleep(0.1)
            return "here"

        async def fail() -> None:
            raise KeyError("no")

        with pytest.raises(KeyError):
            await clock.wait_for(fail(), 5)
        return await clock.wait_for(answer(), 5)

    assert run(body) == "here"


def test_wait_for_cancels_what_it_waits_for_when_it_is_cancelled() -> None:
    async def body(clock: Clock) -> bool:
        inner = asyncio.get_running_loop().create_future()
        outer = asyncio.ensure_future(clock.wait_for(inner, 60))
        await asyncio.sleep(0)
        outer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outer
        return inner.cancelled()

    assert run(body)


def test_max_does_not_jump_while_real_io_is_under_way() -> None:
    async def body(clock: Clock) -> tuple[bool, bool]:
        timer = asyncio.ensure_future(clock.sleep(60))
        real = asyncio.Event()
        with clock.outside():
            clock.call_later_waiting(0, real.set, real_floor=0.05)
            await real.wait()
            early = timer.done()
        await timer
        return early, timer.done()

    assert run(body) == (False, True)


def test_grace_gives_the_other_side_time_to_react() -> None:
    async def body(clock: Clock) -> float:
        real = time.monotonic()
        clock.grace(0.05)
        await clock.sleep(60)
        return time.monotonic() - real

    assert 0.045 < run(body) < 0.5


def test_background_timers_do_not_race_an_idle_bench() -> None:
    async def body(clock: Clock) -> tuple[int, float]:
        calls: list[float] = []

        def again() -> None:
            calls.append(clock.now())
            clock.call_later_background(60, again)

        clock.call_later_background(60, again)
        idle = asyncio.Event()
        clock.call_later_waiting(0, idle.set, real_floor=0.05)
        await idle.wait()
        during_idle = len(calls)
        start = clock.now()
        await clock.sleep(150)
        return during_idle, len(calls) + (calls[0] - start)

    idle, busy = run(body)
    assert idle == 0
    assert busy == pytest.approx(2 + 60, abs=1)


def test_a_speed_change_keeps_pending_timers() -> None:
    async def body(clock: Clock) -> tuple[float, float]:
        start, real = clock.now(), time.monotonic()
        waiting = asyncio.ensure_future(clock.sleep(100))
        await clock.sleep(0.01)
        clock.set_speed(1000)
        await waiting
        return clock.now() - start, time.monotonic() - real

    module, real = run(body, 1)
    assert module == pytest.approx(100, abs=1e-6)
    assert real < 1.0


@pytest.mark.parametrize("speed", [1, "max"])
@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_a_step_ends_where_time_flowed_past_its_end_while_real_io_held_it(speed: Any, seconds: float) -> None:
    async def body(clock: Clock) -> bool:
        loop_ = asyncio.get_running_loop()
        alarm = threading.Timer(2.0, lambda: loop_.call_soon_threadsafe(step.cancel))
        with clock.outside():
            step = asyncio.ensure_future(clock.step(seconds))
            alarm.start()
            over = asyncio.Event()
            clock.call_later_waiting(0, over.set, real_floor=0.1)
            await over.wait()
        try:
            await asyncio.wait({step})
        finally:
            alarm.cancel()
        return not step.cancelled()

    assert run(body, speed)


@pytest.mark.parametrize("speed", [0, -1, "fast", math.nan])
def test_a_speed_that_cannot_be_is_refused(speed: Any) -> None:
    with pytest.raises(ValueError):
        Clock(speed)


def test_input_is_served_before_time_jumps() -> None:
    async def body(clock: Clock) -> list[str]:
        order: list[str] = []
        reader, writer = await _pipe()
        timer = asyncio.ensure_future(clock.sleep(5))
        timer.add_done_callback(lambda _: order.append("timer"))
        writer.write(b"x")
        await reader.read(1)
        order.append("input")
        await timer
        writer.close()
        return order

    async def _pipe() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        import socket

        left, right = socket.socketpair()
        reader, other = await asyncio.open_connection(sock=left)
        writers.append(other)
        _, writer = await asyncio.open_connection(sock=right)
        return reader, writer

    writers: list[asyncio.StreamWriter] = []

    async def whole(clock: Clock) -> list[str]:
        try:
            return await body(clock)
        finally:
            for writer in writers:
                writer.close()
                await writer.wait_closed()

    assert run(whole) == ["input", "timer"]


def test_an_idle_bench_uses_no_processor_time() -> None:
    async def body(clock: Clock) -> float:
        idle = asyncio.Event()
        clock.call_later_waiting(0, idle.set, real_floor=0.3)
        before = time.process_time()
        await idle.wait()
        return time.process_time() - before

    assert run(body) < 0.02


def test_the_clock_file_carries_the_mapping(tmp_path: Any) -> None:
    path = tmp_path / "clock"
    clock = Clock(60, file=path, wall_base=1_000_000.0)

    async def body() -> float:
        await clock.step(500)
        real_base, module_base, speed, wall_base = clockfile.read(path)
        assert (speed, wall_base) == (60, 1_000_000.0)
        clock.set_speed("max")
        assert clockfile.read(path)[2] == 1.0
        return module_base + (time.monotonic() - real_base) * speed - clock.now()

    try:
        assert loop.run(body(), clock) == pytest.approx(0, abs=20)
    finally:
        clock.close()
    assert not path.exists()


def test_the_clock_file_has_the_layout_of_the_contract(tmp_path: Any) -> None:
    path = tmp_path / "clock"
    writer = clockfile.ClockFile(path)
    writer.write(1.5, 2.5, 60.0, 3.5)
    raw = path.read_bytes()
    writer.close()
    assert len(raw) == 40
    assert int.from_bytes(raw[:8], "little") == 2
    assert clockfile.RECORD.unpack(raw)[1:] == (1.5, 2.5, 60.0, 3.5)
