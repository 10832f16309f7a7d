"""What a waveform is made of: levels that are held, ramps, sines and discharges, in volts over module seconds.

A segment knows its voltage at any moment of its own time, so that whatever plays it can choose how finely to follow it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Segment(Protocol):
    """A piece of a waveform."""

    @property
    def dwell(self) -> float:
        """How long it lasts, in module seconds."""

    @property
    def first(self) -> float:
        """The voltage at its beginning."""

    @property
    def last(self) -> float:
        """The voltage at its end."""

    @property
    def lowest(self) -> float:
        """The least voltage in it."""

    @property
    def highest(self) -> float:
        """The greatest voltage in it."""

    @property
    def text(self) -> str:
        """What it does, for a person."""

    def voltage_at(self, t: float) -> float:
        """The voltage `t` module seconds after its beginning."""


@dataclass(frozen=True)
class Level:
    """A voltage (V) held for a time (module seconds); `open` asks for the output to be switched off meanwhile."""

    voltage: float
    dwell: float
    open: bool = False

    @property
    def first(self) -> float:
        """The voltage at its beginning."""
        return self.voltage

    last = lowest = highest = first

    @property
    def text(self) -> str:
        """What it does, for a person."""
        return "output off" if self.open else f"hold {self.voltage:.3f} V"

    def voltage_at(self, t: float) -> float:  # noqa: ARG002 - a Segment's
        """The voltage, whenever."""
        return self.voltage


@dataclass(frozen=True)
class Ramp:
    """Evenly from `first` to `last` (V) in `dwell` module seconds."""

    first: float
    last: float
    dwell: float

    @property
    def lowest(self) -> float:
        """The lower end."""
        return min(self.first, self.last)

    @property
    def highest(self) -> float:
        """The upper end."""
        return max(self.first, self.last)

    @property
    def text(self) -> str:
        """What it does, for a person."""
        return f"ramp {self.first:.3f} V to {self.last:.3f} V"

    def voltage_at(self, t: float) -> float:
        """The voltage `t` module seconds after its beginning."""
        share = min(1.0, max(0.0, t / self.dwell))
        return self.first + (self.last - self.first) * share


@dataclass(frozen=True)
class Sine:
    """A sine of `amplitude` (V, half of peak to peak) around `centre`, `frequency` in hertz, beginning upwards."""

    centre: float
    amplitude: float
    frequency: float
    dwell: float

    @property
    def first(self) -> float:
        """The voltage at its beginning."""
        return self.centre

    @property
    def last(self) -> float:
        """The voltage at its end."""
        return self.voltage_at(self.dwell)

    @property
    def lowest(self) -> float:
        """Its trough."""
        return self.centre - self.amplitude

    @property
    def highest(self) -> float:
        """Its peak."""
        return self.centre + self.amplitude

    @property
    def text(self) -> str:
        """What it does, for a person."""
        return f"sine {self.frequency:g} Hz, {2 * self.amplitude:.3f} V peak to peak around {self.centre:.3f} V"

    def voltage_at(self, t: float) -> float:
        """The voltage `t` module seconds after its beginning."""
        return self.centre + self.amplitude * math.sin(2 * math.pi * self.frequency * t)


@dataclass(frozen=True)
class Decay:
    """A discharge from `first` towards `target` (V) with the time constant `tau`, for `dwell` module seconds."""

    first: float
    target: float
    tau: float
    dwell: float

    @property
    def last(self) -> float:
        """The voltage at its end."""
        return self.voltage_at(self.dwell)

    @property
    def lowest(self) -> float:
        """The lower end."""
        return min(self.first, self.last)

    @property
    def highest(self) -> float:
        """The upper end."""
        return max(self.first, self.last)

    @property
    def text(self) -> str:
        """What it does, for a person."""
        return f"decay {self.first:.3f} V to {self.last:.3f} V, time constant {self.tau:g} s"

    def voltage_at(self, t: float) -> float:
        """The voltage `t` module seconds after its beginning."""
        return self.target + (self.first - self.target) * math.exp(-t / self.tau)
