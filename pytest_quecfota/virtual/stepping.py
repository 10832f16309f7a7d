"""The bench's clock, whose step also ends where time has flowed past its end by itself.

That happens when real I/O holds a step back for longer than it was to take (an HTTP request at speed 1, a step of zero): nothing is
left to jump to, and the loop must look once more all the same, or whoever awaits the step waits for the next input.
"""

from __future__ import annotations

import time

from .clock import Clock


class SteppedClock(Clock):
    """`Clock` for benches that are stepped while their module talks to the platform."""

    def real_wait(self) -> float | None:
        """As `Clock.real_wait`; at once where a step's end has passed already."""
        if self._steps and self._steps[0][0] <= self._flow(time.monotonic()):
            return 0.0
        return super().real_wait()
