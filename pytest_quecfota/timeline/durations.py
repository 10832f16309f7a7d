"""Durations as a person writes them: a number of seconds, or text with a unit.

Every duration in the public API passes through here: `0.2`, `"500 ms"`, `"15 min"`. The unit inside the package is the
second; whether these are module seconds or real ones is said where they are used (see `clock`).
"""

from __future__ import annotations

import math
import re

UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

_TEXT = re.compile(r"\s*(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>[^\W\d_]*)\s*\Z")


def seconds(value: float | str) -> float:
    """The duration in seconds.

    `value` is a number of seconds, or text: a number and one of the units us, ms, s, min, h, d.
    Raises `ValueError` for text that is no duration and for negative or infinite ones, `TypeError` for other types.
    """
    if isinstance(value, str):
        return _parse(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"a duration is a number of seconds or text such as '500 ms', not {value!r}")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"a duration is finite and not negative, not {value!r}")
    return float(value)


def _parse(text: str) -> float:
    match = _TEXT.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; write a number and a unit, such as '500 ms' or '15 min'")
    unit = match["unit"]
    if unit not in UNITS:
        problem = f"has the unknown unit {unit!r}" if unit else "has no unit"
        raise ValueError(f"the duration {text!r} {problem}; the units are {', '.join(UNITS)}")
    value = float(match["number"]) * UNITS[unit]
    if not math.isfinite(value):
        raise ValueError(f"the duration {text!r} is too long")
    return value


def spell(value: float | str) -> str:
    """A duration as short text with a unit: `900.0` gives `15 min`; text is left as it was written."""
    if isinstance(value, str):
        return " ".join(value.split())
    for unit in ("h", "min"):
        if value >= UNITS[unit] and math.isclose(value % UNITS[unit], 0.0, abs_tol=1e-9):
            return f"{_short(value / UNITS[unit])} {unit}"
    return f"{_short(value * 1000)} ms" if 0 < value < 0.1 else f"{_short(value)} s"


def _short(number: float) -> str:
    return f"{number:.3f}".rstrip("0").rstrip(".")
