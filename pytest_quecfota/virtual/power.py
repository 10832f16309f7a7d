"""What the module draws from its supply rail, and what it can tell of its battery.

The firmware says what it is doing (`with load.during("transmit")`); the largest of the currents of all that goes on
is what the rail sees. The currents are data of the model, in amperes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Protocol

ACTIVITIES = ("down", "boot", "sleep", "idle", "receive", "transmit", "flash")


class Rail(Protocol):
    """The part of the supply rail a load needs."""

    def set_load(self, amps: float) -> None:
        """Draw this current from now on."""

    def voltage(self) -> float:
        """Volts at the module's VBAT now."""


class Load:
    """The module's draw: a base state (down, boot, idle, sleep) and the activities on top of it."""

    def __init__(self, rail: Rail, currents: Mapping[str, float]) -> None:
        self._rail = rail
        self._currents = dict(currents)
        self._base = "down"
        self._on_top: list[str] = []

    def rest(self, state: str) -> None:
        """Enter the base state `state`; `down` also ends all activities."""
        self._base = state
        if state == "down":
            self._on_top.clear()
        self._apply()

    @contextlib.contextmanager
    def during(self, activity: str) -> Iterator[None]:
        """Draw at least the current of `activity` inside the block."""
        self._on_top.append(activity)
        self._apply()
        try:
            yield
        finally:
            if activity in self._on_top:
                self._on_top.remove(activity)
            self._apply()

    def _apply(self) -> None:
        if self._base == "down":
            amps = self._currents["down"]
        else:
            going_on = [self._base, *self._on_top]
            amps = max(self._currents[name] for name in going_on)
        self._rail.set_load(amps)


class Battery:
    """Charge in per cent as the module tells it: a fixed value, or derived from the voltage on its rail."""

    def __init__(self, rail: Rail, empty: float, full: float, fixed: float | None = None) -> None:
        self._rail = rail
        self._empty, self._full = empty, full
        self.fixed = fixed

    def percent(self) -> int:
        """0–100; linear between the model's empty and full voltages where no value was set."""
        if self.fixed is not None:
            return round(self.fixed)
        share = (self._rail.voltage() - self._empty) / (self._full - self._empty)
        return round(100 * max(0.0, min(1.0, share)))

    def millivolts(self) -> int:
        """What AT+CBC shows as the voltage."""
        return round(self._rail.voltage() * 1000)
