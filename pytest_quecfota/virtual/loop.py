"""The event loop of the bench: asyncio whose time base is the bench's clock.

`loop.time()` is module time, so every asyncio timer made on it runs on module time, at any speed. The selector under the
loop is where time moves (see `clock`): it waits for input in real time, for as long as the next timer is away.

Mind libraries with time-outs of their own: their seconds become module seconds too, and at speed `max` they are jumped to.
Turn them off and use `Clock.wait_for` around them.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from .clock import MAX, Clock

T = TypeVar("T")


class PacedSelector(selectors.DefaultSelector):
    """Waits for input, and meanwhile lets the clock move from timer to timer."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for input or for the next timer. `timeout` (module s) matters only as zero: callbacks are ready."""
        clock = self._clock
        if timeout is not None and timeout <= 0:
            clock.linger()
            return super().select(0)
        while True:
            events = super().select(clock.real_wait())
            if events:
                clock.advance(jump=False)
                return events
            if clock.advance():
                return events


class BenchLoop(asyncio.SelectorEventLoop):
    """asyncio's selector loop on the time of a `Clock`."""

    def __init__(self, clock: Clock) -> None:
        self._bench_clock = clock
        super().__init__(PacedSelector(clock))
        clock.attach(self)

    def time(self) -> float:
        """Module seconds."""
        return self._bench_clock.now()

    def next_timer(self) -> float:
        """Module time of the earliest work timer; infinity if there is none."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return scheduled[0].when() if scheduled else MAX


def new_event_loop(clock: Clock) -> BenchLoop:
    """A fresh loop whose time base is `clock`; the caller closes it."""
    return BenchLoop(clock)


def run(main: Coroutine[Any, Any, T], clock: Clock) -> T:
    """Run a coroutine on a fresh loop of the clock to its end, then cancel what is left and close the loop."""
    loop = new_event_loop(clock)
    try:
        return loop.run_until_complete(main)
    finally:
        try:
            _cancel_all(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
