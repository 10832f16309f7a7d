"""Waveforms: what a supply does to the module in a disturbance, as volts over module seconds.

A waveform is a row of levels, each held for a time; ramps are made of small steps. They are named by what they do and how long:

* `cut-500ms`: no voltage for half a second;
* `dip-2.4V-100ms`: down to a level and back;
* `ramp-2s`: evenly down to nothing and up again, each way that long;
* `steps-1s`: from the nominal voltage down in steps of 5 %, each held that long and followed by the nominal voltage as long: a
  reset profile.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pytest_quecfota.timeline import seconds

RAMP_STEPS = 40  # levels of one ramp, each way
RESET_STEPS = 20  # levels of the reset profile: 5 % each

_NAME = re.compile(
    r"(?P<family>[a-z]+)(?:-(?P<level>\d+(?:\.\d+)?)V)?-(?P<time>\d+(?:\.\d+)?(?:ms|s|min))", re.IGNORECASE
)


@dataclass(frozen=True)
class Level:
    """A voltage (V) held for a time (module seconds)."""

    voltage: float
    dwell: float


@dataclass(frozen=True)
class Waveform:
    """Levels one after another; afterwards the supply is back at its nominal voltage."""

    name: str
    levels: tuple[Level, ...]

    @property
    def duration(self) -> float:
        """Module seconds from the first level to the end of the last."""
        return sum(level.dwell for level in self.levels)

    @property
    def lowest(self) -> float:
        """The lowest voltage, in volts."""
        return min(level.voltage for level in self.levels)

    @property
    def highest(self) -> float:
        """The highest voltage, in volts."""
        return max(level.voltage for level in self.levels)

    def delayed(self, after: float, nominal: float) -> Waveform:
        """The same, `after` module seconds later."""
        if after <= 0:
            return self
        return Waveform(self.name, (Level(nominal, after), *self.levels))

    def points(self) -> list[tuple[float, float]]:
        """Corners as (module seconds from the start, volts)."""
        corners: list[tuple[float, float]] = []
        at = 0.0
        for level in self.levels:
            corners += [(at, level.voltage), (at + level.dwell, level.voltage)]
            at += level.dwell
        return corners


def _cut(_nominal: float, _level: float | None, time: float) -> list[Level]:
    return [Level(0.0, time)]


def _dip(_nominal: float, level: float | None, time: float) -> list[Level]:
    if level is None:
        raise ValueError("a dip needs its level: dip-2.4V-100ms")
    return [Level(level, time)]


def _ramp(nominal: float, _level: float | None, time: float) -> list[Level]:
    down = [nominal * (1 - (k + 1) / RAMP_STEPS) for k in range(RAMP_STEPS)]
    return [Level(round(volts, 4), time / RAMP_STEPS) for volts in (*down, *reversed(down))]


def _steps(nominal: float, _level: float | None, time: float) -> list[Level]:
    rows = [
        (Level(round(nominal * (1 - k / RESET_STEPS), 4), time), Level(nominal, time))
        for k in range(1, RESET_STEPS + 1)
    ]
    return [level for row in rows for level in row]


FAMILIES: dict[str, Callable[[float, float | None, float], list[Level]]] = {
    "cut": _cut,
    "dip": _dip,
    "ramp": _ramp,
    "steps": _steps,
}


def waveform(name: str | Waveform, *, nominal: float) -> Waveform:
    """The waveform of that name, for a rail of `nominal` volts.

    Raises:
        ValueError: no such waveform; the text says how they are named.
    """
    if isinstance(name, Waveform):
        return name
    found = _NAME.fullmatch(name)
    family = FAMILIES.get(found["family"].lower()) if found is not None else None
    if found is None or family is None:
        raise ValueError(f"no waveform {name!r}; they are named like cut-500ms, dip-2.4V-100ms, ramp-2s, steps-1s")
    level = float(found["level"]) if found["level"] else None
    spelt = re.sub(r"([\d.]+)", r"\1 ", found["time"].lower()).strip()
    return Waveform(name, tuple(family(nominal, level, seconds(spelt))))
