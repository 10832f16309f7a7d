"""What the module draws from its supply rail, and what it can tell of its battery.

The firmware says what it is doing (`with load.during("transmit")`); the largest of the currents of all that goes on is what the
rail sees. A transmitter that works in time slots draws a train of bursts, each set on the bench's clock for its exact time. The
currents are data of the model, in amperes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from .clock import Clock

ACTIVITIES = ("down", "boot", "sleep", "idle", "receive", "transmit", "flash")


class Rail(Protocol):
    """The part of the supply rail a load needs."""

    def set_load(self, amps: float) -> None:
        """Draw this current from now on."""

    def voltage(self) -> float:
        """Volts at the module's VBAT now."""


@dataclass(frozen=True)
class Burst:
    """A train of bursts: `peak` amperes for `seconds`, every `period` seconds, and `between` amperes in between."""

    peak: float
    seconds: float
    period: float
    between: float

    def __post_init__(self) -> None:
        if not (0 < self.seconds < self.period and 0 <= self.between <= self.peak):
            raise ValueError(f"no train of bursts: {self}")


class Load:
    """The module's draw: a base state (down, boot, idle, sleep) and the activities on top of it.

    Activities named in `bursts` draw their train of bursts instead of their mean current; that needs the bench's clock.
    """

    def __init__(
        self,
        rail: Rail,
        currents: Mapping[str, float],
        bursts: Mapping[str, Burst] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._rail = rail
        self._currents = dict(currents)
        self._bursts = dict(bursts or {})
        self._clock = clock
        if self._bursts and clock is None:
            raise ValueError("bursts need a clock")
        self._base = "down"
        self._on_top: list[str] = []
        self._steady = 0.0
        self._train: Burst | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._edge = 0.0

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

    def close(self) -> None:
        """Cancel the pending timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _apply(self) -> None:
        going_on = ["down"] if self._base == "down" else [self._base, *self._on_top]
        bursting = [self._bursts[name] for name in going_on if name in self._bursts]
        train = max(bursting, key=lambda burst: burst.peak, default=None)
        steady = [self._currents[name] for name in going_on if name not in self._bursts]
        self._steady = max([*steady, train.between if train else 0.0])
        if train is None:
            self.close()
            self._train = None
            self._rail.set_load(self._steady)
        elif train is not self._train:
            self.close()
            self._train = train
            assert self._clock is not None
            self._edge = self._clock.now()
            self._burst(train)

    def _burst(self, train: Burst) -> None:
        """A burst begins; both its end and the next one are set for times reckoned from the first."""
        assert self._clock is not None
        self._timer = self._clock.call_at(self._edge + train.seconds, lambda: self._pause(train))
        self._edge += train.period
        self._rail.set_load(max(train.peak, self._steady))

    def _pause(self, train: Burst) -> None:
        assert self._clock is not None
        self._timer = self._clock.call_at(self._edge, lambda: self._burst(train))
        self._rail.set_load(self._steady)


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
