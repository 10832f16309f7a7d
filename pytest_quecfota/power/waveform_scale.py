"""Levels as waveform files write them, and what they come to on a rig's rail.

A level is `4.5 V`, `450 mV`, `min`, `nominal`, `max`, `75 % of min`, `80 % of nominal`, each perhaps with `+ 0.2 V` or
`- 0.4 V` behind it. Where a file says `scale: {6 V: min}`, its volts are those of the source and 6 V of them are the module's
minimum: what stands there can be compared with the source word by word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Anchor = Literal["min", "nominal", "max"]
ANCHORS: dict[str, Anchor] = {"min": "min", "nominal": "nominal", "max": "max"}
UNITS = {"V": 1.0, "mV": 1e-3}
RIGHT = "write 4.5 V, 450 mV, min, nominal, max or 75 % of min, perhaps with - 0.4 V behind it"

_NUMBER = r"\d+(?:\.\d*)?|\.\d+"
_LEVEL = re.compile(
    rf"\s*(?:(?P<volts>{_NUMBER})\s*(?P<unit>[A-Za-z]+)|(?:(?P<percent>{_NUMBER})\s*%\s*of\s+)?(?P<of>[a-z]+))"
    rf"(?:\s*(?P<sign>[-+])\s*(?P<more>{_NUMBER})\s*(?P<more_unit>[A-Za-z]+))?\s*"
)


@dataclass(frozen=True)
class Scale:
    """The volts of one rail: nominal, and the least and the most the module may be given."""

    nominal: float
    min: float
    max: float


@dataclass(frozen=True)
class Volts:
    """A level: `factor` times an anchor of the rail, or of one volt where there is none, plus `more` volts."""

    factor: float
    of: Anchor | None = None
    more: float = 0.0

    def on(self, scale: Scale) -> float:
        """Volts on that rail; never below 0."""
        base = 1.0 if self.of is None else float(getattr(scale, self.of))
        return max(0.0, round(self.factor * base + self.more, 6))

    def __mul__(self, factor: float) -> Volts:
        return Volts(self.factor * factor, self.of, self.more * factor)


@dataclass(frozen=True)
class SourceScale:
    """What the volts of a file are worth: `volts` of them are the anchor `of`; without one they are volts."""

    volts: float = 1.0
    of: Anchor | None = None


PLAIN = SourceScale()


def level(text: object, scale: SourceScale = PLAIN) -> Volts:
    """The level that is written there.

    Raises:
        ValueError: it is none; the text says what would be right.
    """
    found = _LEVEL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is no level; {RIGHT}")
    more = 0.0
    if found["more"] is not None:
        more = float(found["more"]) * _unit(found["more_unit"], text) * (-1 if found["sign"] == "-" else 1)
    if found["volts"] is not None:
        volts = float(found["volts"]) * _unit(found["unit"], text)
        return Volts(volts / scale.volts, scale.of, more)
    if found["of"] not in ANCHORS:
        raise ValueError(f"{text!r} is no level: {found['of']} is unknown; {RIGHT}")
    share = 1.0 if found["percent"] is None else float(found["percent"]) / 100
    return Volts(share, ANCHORS[found["of"]], more)


def source_scale(given: object) -> SourceScale:
    """What `scale: {6 V: min}` says. Raises ValueError."""
    if given is None:
        return PLAIN
    if isinstance(given, dict) and len(given) == 1:
        ((volts, anchor),) = given.items()
        worth = level(volts)
        if worth.of is None and worth.factor > 0 and anchor in ANCHORS:
            return SourceScale(worth.factor, ANCHORS[anchor])
    raise ValueError("scale says what the volts of the source are here: {6 V: min} or {12 V: nominal}")


def _unit(unit: str, text: object) -> float:
    if unit not in UNITS:
        raise ValueError(f"{text!r} has the unknown unit {unit!r}; volts are V or mV. {RIGHT}")
    return UNITS[unit]
