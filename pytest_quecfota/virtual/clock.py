"""The clock of the bench: module seconds, at any speed, in order, published for the Developer Center.

Time comes from CLOCK_MONOTONIC through one mapping, `module = base + (monotonic - real base) * speed`; everybody on the
bench's event loop (`loop.BenchLoop`) reads it with `now()`. Three rules make it exact at any speed:

* time stands still while callbacks run and moves only when the loop waits, from timer to timer: whoever runs because of
  a timer reads exactly the time that timer was set for, late or not, and chained sleeps do not drift;
* at speed `max` it jumps to the next work timer as soon as nothing is ready, no input waits and no real I/O is under way
  (`outside()`, `grace()`); between jumps it flows at speed 1;
* timers that wait for the other side (`wait_for`, `call_later_waiting`) have a floor in real time and are never jumped to;
  only `step()` lets them expire before it. Background timers (`call_later_background`) are not jumped to either.

The mapping goes to the clock file (`clockfile.ClockFile`), which the Developer Center maps read-only.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from .clockfile import ClockFile

if TYPE_CHECKING:
    from .loop import BenchLoop

T = TypeVar("T")

MAX = math.inf
"""The speed that is written `max`."""

REAL_FLOOR = 3.0
"""Real seconds that a timer waiting for the other side runs at least (DESIGN section 2, Time)."""

LINGER = 0.05
"""Real seconds after which time flows on although callbacks are ready all the while."""


def speed_number(speed: float | Literal["max"]) -> float:
    """A speed as it stands in a document: a number above 0, or `max` (becomes infinity). Raises ValueError."""
    number = MAX if speed == "max" else float(speed)
    if not number > 0:
        raise ValueError(f"speed must be above 0 or 'max', not {speed!r}")
    return number


class WaitingTimer:
    """A timer that time does not jump to: due at a module time, and not before a real time unless stepped over."""

    __slots__ = ("callback", "cancelled", "due", "real_floor")

    def __init__(self, due: float, real_floor: float, callback: Callable[[], object]) -> None:
        self.due = due
        self.real_floor = real_floor
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Module time of one bench.

    `speed` is a number (module seconds per real second) or "max"; `file` is where the mapping is published; `wall_base`
    is the Unix time of module second 0 (default: now).
    """

    def __init__(
        self,
        speed: float | Literal["max"] = 1.0,
        *,
        file: Path | None = None,
        wall_base: float | None = None,
    ) -> None:
        self._speed = speed_number(speed)
        self._base = 0.0
        self._real_base = time.monotonic()
        self._moved = self._real_base
        self._now = 0.0
        self._wall_base = time.time() if wall_base is None else wall_base
        self._outside = 0
        self._grace_until = 0.0
        self._waiting: list[WaitingTimer] = []
        self._steps: list[tuple[float, int, asyncio.Future[None]]] = []
        self._step_count = 0
        self._step_holds_until = 0.0
        self._stepped_to = 0.0
        self._loop: BenchLoop | None = None
        self._file = ClockFile(file) if file is not None else None
        self._publish()

    # -- reading -------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """Module seconds since the bench started; never goes back."""
        return self._now

    def wall(self) -> float:
        """Unix time of the bench: its start plus the module seconds since."""
        return self._wall_base + self._now

    @property
    def speed(self) -> float:
        """Module seconds per real second; `math.inf` for `max`."""
        return self._speed

    @property
    def attached(self) -> bool:
        """Whether the clock has its event loop, so that timers can be set."""
        return self._loop is not None

    @property
    def is_max(self) -> bool:
        """Whether the clock runs as fast as the machine goes."""
        return self._speed == MAX

    # -- timers --------------------------------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> None:
        """Sleep in module seconds. A work timer: at `max` time jumps to its end."""
        await asyncio.sleep(seconds)

    async def sleep_until(self, when: float) -> None:
        """Sleep until a module time; returns at once where it has passed."""
        if when <= self._now:
            return
        loop = self._attached()
        woken: asyncio.Future[None] = loop.create_future()
        handle = loop.call_at(when, _wake, woken)
        try:
            await woken
        finally:
            handle.cancel()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """Call back after module seconds (a work timer); the handle has `cancel()`."""
        return self._attached().call_at(self._now + seconds, callback)

    def call_at(self, when: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
        """Call back at a module time (a work timer); the handle has `cancel()`."""
        return self._attached().call_at(when, callback)

    def call_later_waiting(
        self, seconds: float, callback: Callable[[], object], *, real_floor: float = REAL_FLOOR
    ) -> WaitingTimer:
        """Call back when the other side has had its time: `seconds` of module time and `real_floor` real seconds.

        At `max` it comes after the real floor alone. A `step()` beyond its module time makes it come in that step.
        """
        timer = WaitingTimer(self._now + seconds, time.monotonic() + real_floor, callback)
        self._waiting.append(timer)
        return timer

    def call_later_background(self, seconds: float, callback: Callable[[], object]) -> WaitingTimer:
        """Call back after module seconds, without being work: at `max` nothing jumps because of it.

        For what comes again and again (keep-alive, housekeeping), which would otherwise race an idle bench through time.
        """
        timer = WaitingTimer(self._now + seconds, -math.inf, callback)
        self._waiting.append(timer)
        return timer

    async def sleep_background(self, seconds: float) -> None:
        """`sleep` with a background timer."""
        woken: asyncio.Future[None] = self._attached().create_future()
        timer = self.call_later_background(seconds, lambda: _wake(woken))
        try:
            await woken
        finally:
            timer.cancel()

    async def wait_for(self, awaitable: Awaitable[T], seconds: float, *, real_floor: float = REAL_FLOOR) -> T:
        """Wait for something the other side does, at most `seconds` of module time (rules of `call_later_waiting`).

        Raises TimeoutError (`asyncio.TimeoutError` on Python 3.10) when it has not come; the awaitable is cancelled.
        """
        task = asyncio.ensure_future(awaitable)
        expired = False

        def expire() -> None:
            nonlocal expired
            if not task.done():
                expired = task.cancel()

        timer = self.call_later_waiting(seconds, expire, real_floor=real_floor)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        finally:
            timer.cancel()
        if expired and task.cancelled():
            raise asyncio.TimeoutError(f"nothing came within {seconds:g} module seconds")
        return task.result()

    # -- real I/O ------------------------------------------------------------------------------------------------

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Real I/O is under way (an HTTP request): at `max` time does not jump meanwhile, it flows at speed 1."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def grace(self, real_seconds: float) -> None:
        """Give the other side real time to react to what was just sent to it: no jump for so long (or until input)."""
        self._grace_until = max(self._grace_until, time.monotonic() + real_seconds)

    # -- steering ------------------------------------------------------------------------------------------------

    def set_speed(self, speed: float | Literal["max"]) -> None:
        """Change the speed from now on; pending timers keep their module times. Raises ValueError."""
        number = speed_number(speed)
        mono = time.monotonic()
        self._rebase(self._flow(mono), mono)
        self._speed = number
        self._publish()

    async def step(self, seconds: float) -> None:
        """Move time on by module seconds at once, through every timer due in between, in order, chained ones included.

        Timers that wait for the other side expire at their module time too. Real I/O under way gets up to `REAL_FLOOR`
        real seconds to end before the step goes on. Returns when the target is reached. Raises ValueError if negative.
        """
        if not seconds >= 0:
            raise ValueError(f"time steps forwards only, not by {seconds!r} s")
        done: asyncio.Future[None] = self._attached().create_future()
        mono = time.monotonic()
        if not self._steps:
            self._step_holds_until = mono + REAL_FLOOR
        self._step_count += 1
        target = self._flow(mono) + seconds
        heapq.heappush(self._steps, (target, self._step_count, done))
        self._stepped_to = max(self._stepped_to, target)
        await done

    def close(self) -> None:
        """Unmap and remove the clock file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # -- between the loop and time (called by loop.PacedSelector only) ----------------------------------------------

    def linger(self) -> None:
        """Callbacks are ready: time stands still, unless they keep the loop from waiting for long."""
        if time.monotonic() - self._moved > LINGER:
            self.advance(jump=False)

    def attach(self, loop: BenchLoop) -> None:
        """Bind the clock to the loop whose timers are its work timers."""
        self._loop = loop

    def real_wait(self) -> float | None:
        """Real seconds until time may move to the next timer; 0 for at once, None for never without input."""
        mono = time.monotonic()
        work = self._attached().next_timer()
        flow = self._flow(mono)
        if self._ceiling(mono, work) > flow or (self._steps and self._steps[0][0] <= flow):
            return 0.0
        moments = [self._real_of(work)] if work < MAX else []
        moments += [self._expiry(timer) for timer in self._live_waiting()]
        if self._jumps_wait(mono) and (work < MAX or self._steps):
            moments.append(self._hold_ends())
        return max(0.0, min(moments) - mono) if moments else None

    def advance(self, *, jump: bool = True) -> bool:
        """Move time as far as it may go: to the next timer or, if there is none before it, to where it has flowed.

        With `jump=False` (callbacks are ready) it only flows. True if a timer is due now.
        """
        mono = self._moved = time.monotonic()
        work = self._attached().next_timer()
        flow = self._flow(mono)
        ceiling = self._ceiling(mono, work) if jump else flow
        due = [timer for timer in self._live_waiting() if timer.real_floor <= mono or timer.due <= self._stepped_to]
        stop = min([work, *(timer.due for timer in due)])
        if stop > ceiling:
            self._move(ceiling, flow, mono)
            return jump and self._finish_steps()
        self._move(stop, flow, mono)
        for timer in due:
            if timer.due <= self._now:
                self._waiting.remove(timer)
                self._attached().call_soon(_fire, timer)
        return True

    # -- inside --------------------------------------------------------------------------------------------------

    def _attached(self) -> BenchLoop:
        if self._loop is None:
            raise RuntimeError("the clock has no event loop yet: make one with loop.new_event_loop(clock)")
        return self._loop

    def _live_waiting(self) -> list[WaitingTimer]:
        if any(timer.cancelled for timer in self._waiting):
            self._waiting = [timer for timer in self._waiting if not timer.cancelled]
        return self._waiting

    def _rate(self) -> float:
        return 1.0 if self.is_max else self._speed

    def _flow(self, mono: float) -> float:
        return max(self._now, self._base + (mono - self._real_base) * self._rate())

    def _real_of(self, when: float) -> float:
        return self._real_base + (when - self._base) / self._rate()

    def _expiry(self, timer: WaitingTimer) -> float:
        """The real time at which a timer that is not jumped to is due if time only flows."""
        if self.is_max and timer.real_floor > 0:
            return timer.real_floor
        return max(timer.real_floor, self._real_of(timer.due))

    def _jumps_wait(self, mono: float) -> bool:
        return self._hold_ends() > mono

    def _hold_ends(self) -> float:
        """Until which real time jumps wait for the other side (infinity: until its I/O is over)."""
        if self._outside:
            return self._step_holds_until if self._steps else MAX
        return self._grace_until

    def _ceiling(self, mono: float, work: float) -> float:
        """The module time up to which time may move now."""
        ceiling = self._flow(mono)
        if self.is_max:
            released = [timer.due for timer in self._live_waiting() if 0 < timer.real_floor <= mono]
            ceiling = max([ceiling, *released])
        if self._jumps_wait(mono):
            return ceiling
        if self._steps:
            ceiling = max(ceiling, self._steps[0][0])
        elif self.is_max and work < MAX:
            ceiling = max(ceiling, work)
        return ceiling

    def _move(self, when: float, flow: float, mono: float) -> None:
        self._now = max(self._now, when)
        if self._now > flow:
            self._rebase(self._now, mono)
            self._publish()

    def _rebase(self, base: float, mono: float) -> None:
        self._base = base
        self._real_base = mono

    def _finish_steps(self) -> bool:
        finished = False
        while self._steps and self._steps[0][0] <= self._now:
            _, _, done = heapq.heappop(self._steps)
            if not done.done():
                done.set_result(None)
            finished = True
        return finished

    def _publish(self) -> None:
        if self._file is not None:
            self._file.write(self._real_base, self._base, self._rate(), self._wall_base)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _fire(timer: WaitingTimer) -> None:
    if not timer.cancelled:
        timer.cancelled = True
        timer.callback()
