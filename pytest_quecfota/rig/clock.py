"""The clock of a virtual rig, as a test moves it: `rig.clock.step("2 min")`, `rig.clock.speed(1)`.

The virtual bench owns the clock; module, platform and supply run on it. This is only the hand on the knob.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

from pytest_quecfota.timeline import durations


class Clocked(Protocol):
    """The part of a running bench that its clock needs."""

    @property
    def initial_speed(self) -> float:
        """The speed it was started with."""

    def control(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Ask the bench's control interface."""


class Clock:
    """The clock of `bench`; where there is none, every call raises ValueError.

    `changed` is told each new speed, so that waits can be divided by it; `stepped` the module seconds of each step.
    """

    def __init__(
        self,
        bench: Clocked | None,
        changed: Callable[[float], None] = lambda _speed: None,
        stepped: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._bench = bench
        self._changed = changed
        self._stepped = stepped
        self._moved = False

    def speed(self, factor: float) -> None:
        """Run `factor` module seconds per real second from now on (`math.inf`: as fast as the machine goes).

        Raises ValueError on a rig that is not virtual, or for a factor that is not above zero.
        """
        if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not factor > 0:
            raise ValueError(f"speed must be a number above 0, not {factor!r}")
        self._control("/clock", {"speed": "max" if math.isinf(factor) else factor})
        self._moved = True
        self._changed(float(factor))

    def step(self, duration: float | str) -> None:
        """Move the clock on by `duration` module seconds at once.

        Raises ValueError on a rig that is not virtual, or for what is no duration.
        """
        seconds = durations.seconds(duration)
        self._control("/clock", {"step": seconds})
        self._stepped(seconds)

    def restore(self) -> None:
        """Back to the speed the bench was started with, where a test changed it."""
        if self._moved and self._bench is not None:
            self.speed(self._bench.initial_speed)
            self._moved = False

    def _control(self, path: str, body: dict[str, Any]) -> None:
        if self._bench is None:
            raise ValueError("this rig has no clock to move: only a virtual rig that this run started has one")
        self._bench.control(path, "POST", body)
