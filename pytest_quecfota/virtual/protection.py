"""Protection of one output of the virtual supply: it trips on over-voltage at once, on over-current after a delay.

Dialects name what is here as `protection.<name>`. The channel asks `allows()` whenever levels change and calls `load_changed()`
whenever the load does; a trip turns the output off through `turn_off`, and it stays off until the trip is cleared.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from .clock import Clock
from .outlet import Outlet, Rating


class Protection:
    """What watches one output. `is_on()` tells whether the output is on, `turn_off()` turns it off, `changed()` is called when a
    setting has changed, `limit()` is the current limit. Plain settings: `ocp_delay` (module s), `ocp` (A, where a dialect has a
    level of its own: folding back below it is no over-current), and what has tripped."""

    ocp_delay: float
    ocp: float
    ovp_tripped: bool
    ocp_tripped: bool

    def __init__(
        self,
        clock: Clock,
        rating: Rating,
        outlet: Outlet,
        *,
        is_on: Callable[[], bool],
        turn_off: Callable[[], object],
        turn_on: Callable[[], object],
        changed: Callable[[], object],
        limit: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._rating = rating
        self._outlet = outlet
        self._is_on = is_on
        self._turn_off = turn_off
        self._turn_on = turn_on
        self._changed = changed
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0
        self.reset()

    def reset(self) -> None:
        """The state after *RST; nothing is called back."""
        self.close()
        self._ovp = self._rating.ovp[1]
        self._ovp_on = True
        self._ocp_on = False
        self.ocp_delay = 0.05
        self.ocp = 0.0
        self.ovp_tripped = self.ocp_tripped = False

    @property
    def ovp(self) -> float:
        """Over-voltage level; an output set above it trips."""
        return self._ovp

    @ovp.setter
    def ovp(self, volts: float) -> None:
        self._ovp = volts
        self._changed()

    @property
    def ovp_on(self) -> bool:
        """Whether over-voltage protection is on (where a dialect can switch it)."""
        return self._ovp_on

    @ovp_on.setter
    def ovp_on(self, on: bool) -> None:
        self._ovp_on = on
        self._changed()

    @property
    def ocp_on(self) -> bool:
        """Whether the output trips when it folds back for longer than `ocp_delay`."""
        return self._ocp_on

    @ocp_on.setter
    def ocp_on(self, on: bool) -> None:
        self._ocp_on = on
        self.load_changed()

    @property
    def tripped(self) -> bool:
        """Whether a protection has turned the output off and has not been cleared."""
        return self.ovp_tripped or self.ocp_tripped

    def clear(self) -> None:
        """Forget a trip; the output stays off."""
        self.ovp_tripped = self.ocp_tripped = False

    def clear_and_turn_on(self) -> None:
        """Forget a trip and turn the output on again, as some instruments do to people's surprise."""
        self.clear()
        self._turn_on()

    def allows(self, volts: float) -> bool:
        """Whether an output that is on may stand at a voltage; if not, it has tripped."""
        if self._ovp_on and volts > self._ovp:
            self.ovp_tripped = True
        return not self.ovp_tripped

    def load_changed(self) -> None:
        """The outlet's current may have changed: watch for the next time it folds back, where that is to be watched."""
        watched = self._ocp_on and self._limit() >= self.ocp and self._is_on() and self._clock.attached
        begins = self._outlet.limits_in if watched else math.inf
        now = self._clock.now()
        if begins == 0 and self._timer is not None and self._since <= now:
            return  # it has been folding back all the while
        self.close()
        if begins < math.inf:
            self._since = now + begins
            self._timer = self._clock.call_later(begins + self.ocp_delay, self._trip)

    def close(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _trip(self) -> None:
        self._timer = None
        if self._outlet.limiting:
            self.ocp_tripped = True
            self._turn_off()
        else:
            self.load_changed()
