"""The list engine of the virtual supply: levels that follow one another at exact times of the bench's clock.

Every change is set for an absolute time reckoned from the start, so that it is exact at any speed, `max` included, and no
list drifts however long it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .clock import Clock


@dataclass(frozen=True)
class Step:
    """One step of a list: how long (module s), and the voltage (V) and current limit (A) meanwhile; None leaves them.

    With `ramp` the voltage is reached evenly at the end of the step.
    """

    seconds: float
    voltage: float | None = None
    current: float | None = None
    ramp: bool = False


class ListEngine:
    """Plays one list at a time.

    `play(step)` is called at the beginning of each step, `ended()` at the end of the last one, both at the exact module time.
    """

    def __init__(self, clock: Clock, play: Callable[[Step], object], ended: Callable[[], object]) -> None:
        self._clock = clock
        self._play = play
        self._ended = ended
        self._timer: asyncio.TimerHandle | None = None
        self._steps: Sequence[Step] = ()
        self._left = 0.0
        self._index = 0
        self._next = 0.0

    @property
    def running(self) -> bool:
        """Whether a list is being played, or waits for its start."""
        return self._timer is not None

    @property
    def left(self) -> float:
        """Module seconds until the end of the step being played."""
        return self._next - self._clock.now() if self.running else 0.0

    def start(self, steps: Sequence[Step], count: float = 1, delay: float = 0.0) -> None:
        """Play a list `count` times (infinity: until stopped), beginning `delay` module seconds from now."""
        if not steps or count < 1:
            raise ValueError("a list needs a step and has to be played once at least")
        self.stop()
        self._steps, self._left, self._index = steps, count, -1
        self._next = self._clock.now() + delay
        if delay > 0:
            self._timer = self._clock.call_at(self._next, self._advance)
        else:
            self._advance()

    def stop(self) -> None:
        """Stop where it is; `ended` is not called."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _advance(self) -> None:
        self._index += 1
        if self._index == len(self._steps):
            self._index = 0
            self._left -= 1
        if self._left < 1:
            self._timer = None
            self._ended()
            return
        step = self._steps[self._index]
        self._next += step.seconds
        self._timer = self._clock.call_at(self._next, self._advance)
        self._play(step)
