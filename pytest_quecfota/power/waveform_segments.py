"""The kinds of segments that a waveform file may name, with their keys and units, and how each becomes segments in volts.

| kind | keys |
| --- | --- |
| `hold` | `{hold: 4.5 V, for: 100 ms}` |
| `open` | `{open: 50 ms}`: the output is switched off |
| `ramp` | `{ramp: 8 V, in: 5 ms}`: from where the segment before ended; `from` says otherwise |
| `sine` | `{sine: 2 Hz, amplitude: 1 V, around: 10.5 V, for: 1 s}`; the amplitude is half of peak to peak |
| `decay` | `{decay: 0 V, tau: 0.5 s, for: 2 s}`: a discharge through a resistance |
| `steps` | `{steps: 0 V, from: 95 % of min, by: 5 % of min, for: 5 s}`: level after level; `back`, `rest`, `edge`: between them |
| `interrupt` | `{interrupt: 10 us, to: 100 us, by: 10 us, rest: 10 s}`: output off for longer and longer, nominal between |
| `repeat` | `{repeat: 5, of: [ … ]}` |
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pytest_quecfota.power.waveform_scale import Scale, SourceScale, Volts, level
from pytest_quecfota.power.waveform_shape import Decay, Level, Ramp, Segment, Sine
from pytest_quecfota.timeline import seconds

MOST_STEPS = 1000  # levels that one `steps` may make
FREQUENCIES = {"Hz": 1.0, "kHz": 1e3}


@dataclass
class Context:
    """The rail, and where the voltage stands."""

    scale: Scale
    voltage: float


#: Makes segments in volts, once the rail is known.
Draft = Callable[[Context], list[Segment]]


@dataclass(frozen=True)
class Field:
    """A key of a segment: how its text is read, and whether it must be there; `inner` holds segments."""

    read: Callable[[Any, SourceScale], Any]
    needed: bool = True
    inner: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of segment; `make` gets the values of its keys."""

    keys: Mapping[str, Field]
    make: Callable[[Mapping[str, Any]], Draft]
    example: str


def _duration(given: Any, scale: SourceScale) -> float:  # noqa: ARG001 - a Field's
    if not isinstance(given, str):
        raise ValueError("must be a duration: a number and a unit, such as 500 ms")
    found = seconds(given)
    if found <= 0:
        raise ValueError(f"{given!r}: must be longer than nothing")
    return found


def _frequency(given: Any, scale: SourceScale) -> float:  # noqa: ARG001
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", given) if isinstance(given, str) else None
    if found is None or found[2] not in FREQUENCIES or float(found[1]) <= 0:
        raise ValueError(f"{given!r} is no frequency; write 2 Hz")
    return float(found[1]) * FREQUENCIES[found[2]]


def _times(given: Any, scale: SourceScale) -> int:  # noqa: ARG001
    if not isinstance(given, str) or re.fullmatch(r"[1-9]\d{0,4}", given) is None:
        raise ValueError(f"{given!r}: must be a whole number from 1 on")
    return int(given)


def _as_it_is(given: Any, scale: SourceScale) -> Any:  # noqa: ARG001
    return given


def _hold(values: Mapping[str, Any]) -> Draft:
    def draft(context: Context) -> list[Segment]:
        context.voltage = values["hold"].on(context.scale)
        return [Level(context.voltage, values["for"])]

    return draft


def _open(values: Mapping[str, Any]) -> Draft:
    def draft(context: Context) -> list[Segment]:
        context.voltage = 0.0
        return [Level(0.0, values["open"], open=True)]

    return draft


def _ramp(values: Mapping[str, Any]) -> Draft:
    def draft(context: Context) -> list[Segment]:
        first = values["from"].on(context.scale) if "from" in values else context.voltage
        context.voltage = values["ramp"].on(context.scale)
        return [Ramp(first, context.voltage, values["in"])]

    return draft


def _sine(values: Mapping[str, Any]) -> Draft:
    def draft(context: Context) -> list[Segment]:
        centre, amplitude = values["around"].on(context.scale), values["amplitude"].on(context.scale)
        made = Sine(centre, amplitude, values["sine"], values["for"])
        context.voltage = made.last
        return [made]

    return draft


def _decay(values: Mapping[str, Any]) -> Draft:
    def draft(context: Context) -> list[Segment]:
        made = Decay(context.voltage, values["decay"].on(context.scale), values["tau"], values["for"])
        context.voltage = made.last
        return [made]

    return draft


def _interrupt(values: Mapping[str, Any]) -> Draft:
    count = round((values["to"] - values["interrupt"]) / values["by"])
    if not 0 <= count <= MOST_STEPS:
        raise ValueError(f"interrupt: from its first to its last time by `by` must be 1 to {MOST_STEPS} of them")
    times = [values["interrupt"] + k * values["by"] for k in range(count + 1)]

    def draft(context: Context) -> list[Segment]:
        context.voltage = context.scale.nominal
        rest = Level(context.voltage, values["rest"])
        return [segment for time in times for segment in (Level(0.0, round(time, 9), open=True), rest)]

    return draft


def _repeat(values: Mapping[str, Any]) -> Draft:
    def draft(context: Context) -> list[Segment]:
        return [segment for _ in range(values["repeat"]) for inner in values["of"] for segment in inner(context)]

    return draft


def _steps(values: Mapping[str, Any]) -> Draft:
    def draft(context: Context) -> list[Segment]:
        made: list[Segment] = []
        for volts in _between(values, context.scale):
            made += _edge(context, volts, values.get("edge"))
            made.append(Level(volts, values["for"]))
            if "back" in values:
                back = values["back"].on(context.scale)
                made += _edge(context, back, values.get("edge"))
                made.append(Level(back, values.get("rest", values["for"])))
        return made

    return draft


def _between(values: Mapping[str, Any], scale: Scale) -> Iterator[float]:
    """The levels of `steps`, its first and its last among them."""
    at, last, by = (values[key].on(scale) for key in ("from", "steps", "by"))
    if by <= 0 or abs(last - at) / by > MOST_STEPS:
        raise ValueError(f"steps from {at:g} V to {last:g} V by {by:g} V: must be 1 to {MOST_STEPS} of them")
    count = math.ceil(abs(last - at) / by - 0.01)  # a hundredth of a step is rounding, whatever the rail
    for k in range(count):
        yield round(at - k * by if last < at else at + k * by, 6)
    yield last


def _edge(context: Context, volts: float, dwell: float | None) -> list[Segment]:
    first, context.voltage = context.voltage, volts
    return [Ramp(first, volts, dwell)] if dwell is not None and first != volts else []


_LEVEL, _TIME = Field(level), Field(_duration)
_MAYBE_LEVEL, _MAYBE_TIME = replace(_LEVEL, needed=False), replace(_TIME, needed=False)

KINDS: dict[str, Kind] = {
    "hold": Kind({"hold": _LEVEL, "for": _TIME}, _hold, "{hold: 4.5 V, for: 100 ms}"),
    "open": Kind({"open": _TIME}, _open, "{open: 50 ms}"),
    "ramp": Kind({"ramp": _LEVEL, "in": _TIME, "from": _MAYBE_LEVEL}, _ramp, "{ramp: 8 V, in: 5 ms}"),
    "sine": Kind(
        {"sine": Field(_frequency), "amplitude": _LEVEL, "around": _LEVEL, "for": _TIME},
        _sine,
        "{sine: 2 Hz, amplitude: 1 V, around: 10.5 V, for: 1 s}",
    ),
    "decay": Kind({"decay": _LEVEL, "tau": _TIME, "for": _TIME}, _decay, "{decay: 0 V, tau: 0.5 s, for: 2 s}"),
    "steps": Kind(
        {
            "steps": _LEVEL, "from": _LEVEL, "by": _LEVEL, "for": _TIME,
            "back": _MAYBE_LEVEL, "rest": _MAYBE_TIME, "edge": _MAYBE_TIME,
        },
        _steps,
        "{steps: 0 V, from: 95 % of min, by: 5 % of min, for: 5 s, back: min, rest: 10 s}",
    ),
    "interrupt": Kind(
        {"interrupt": _TIME, "to": _TIME, "by": _TIME, "rest": _TIME},
        _interrupt,
        "{interrupt: 10 us, to: 100 us, by: 10 us, rest: 10 s}",
    ),
    "repeat": Kind(
        {"repeat": Field(_times), "of": Field(_as_it_is, inner=True)},
        _repeat,
        "{repeat: 5, of: [{hold: 0 V, for: 50 ms}, {hold: nominal, for: 50 ms}]}",
    ),
}  # fmt: skip

__all__ = ["KINDS", "Context", "Draft", "Field", "Kind", "Volts"]
