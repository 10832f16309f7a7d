"""Real seconds and module seconds.

A record's time is in real (monotonic) seconds since the start of its timeline. Durations a test writes are module
seconds: a virtual bench runs `speed` times faster, and its speed may change while a test runs. `ModuleClock` keeps the
history of speeds and answers two questions: how many module seconds lie between two stamps (for texts and
`Match.duration`), and when a wait is over (for deadlines, with real slack on a sped-up bench).
"""

from __future__ import annotations

import math

#: Real seconds added to every wait on a sped-up bench, where real delays (a busy machine, HTTP) weigh `speed` times.
SLACK = 2.0
#: No wait on a sped-up bench is shorter than this, in real seconds.
SHORTEST_WAIT = 1.0
#: What `speed: max` counts as when a wait is divided by it.
FASTEST = 1000.0


class _Line:
    """A piecewise linear function of real time that never falls: value(t), and its inverse."""

    def __init__(self, rate: float) -> None:
        self._pieces = [(0.0, 0.0, rate)]  # real start, value there, rate from there on

    def turn(self, t: float, rate: float, jump: float = 0.0) -> None:
        self._pieces.append((max(t, self._pieces[-1][0]), self.value(t) + jump, rate))

    def value(self, t: float) -> float:
        start, value, rate = self._piece(0, t)
        return value + (t - start) * rate

    def when(self, value: float) -> float:
        start, at, rate = self._piece(1, value)
        return start + (value - at) / rate

    def _piece(self, axis: int, place: float) -> tuple[float, float, float]:
        """The newest piece that begins at or before a place in real time (axis 0) or of the value (axis 1)."""
        for piece in reversed(self._pieces):
            if piece[axis] <= place:
                return piece
        return self._pieces[0]


class ModuleClock:
    """How fast the module's clock runs against ours. `speed` is > 0; `math.inf` means as fast as the machine goes.

    At infinite speed nobody on this side knows the module's time: stamps then count real seconds.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = _checked(speed)
        self._shown = _Line(_shown_rate(speed))
        self._budget = _Line(min(speed, FASTEST))

    def change(self, t: float, speed: float) -> None:
        """From the real time `t` on, the module's clock runs `speed` times faster than ours."""
        self.speed = _checked(speed)
        self._shown.turn(t, _shown_rate(speed))
        self._budget.turn(t, min(speed, FASTEST))

    def step(self, t: float, seconds: float) -> None:
        """The module's clock jumped by `seconds` at the real time `t`; waits are neither shortened nor prolonged."""
        self._shown.turn(t, _shown_rate(self.speed), jump=seconds)

    def module(self, t: float) -> float:
        """Module seconds since the start at the real time `t`."""
        return self._shown.value(t)

    def between(self, start: float, end: float) -> float:
        """Module seconds from one stamp to another."""
        return self._shown.value(end) - self._shown.value(start)

    def deadline(self, start: float, within: float) -> float:
        """The real time at which a wait of `within` module seconds that began at the real time `start` is over."""
        due = self._budget.when(self._budget.value(start) + within)
        if self.speed <= 1:
            return due
        return max(due + SLACK, start + SHORTEST_WAIT)

    def elapsed(self, start: float, during: float) -> float:
        """The real time at which exactly `during` module seconds have passed since the real time `start`: no slack."""
        return self._budget.when(self._budget.value(start) + during)


def _checked(speed: float) -> float:
    if not isinstance(speed, (int, float)) or isinstance(speed, bool):
        raise TypeError(f"a speed is a number, not {speed!r}")
    if math.isnan(speed) or speed <= 0:
        raise ValueError(f"a speed is greater than 0, not {speed!r}")
    return speed


def _shown_rate(speed: float) -> float:
    return 1.0 if math.isinf(speed) else speed
