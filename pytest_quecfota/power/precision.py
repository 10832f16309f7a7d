"""How exactly a waveform is played: what a test may demand, what a rig can give, and what was reached."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pytest_quecfota.power.waveform_scale import UNITS as VOLTS
from pytest_quecfota.timeline import durations

_VOLTS = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(m?V)\s*")


@dataclass(frozen=True)
class Precision:
    """The worst error in time (module seconds) and in voltage (V); None: not demanded."""

    time: float | None = None
    voltage: float | None = None

    def __str__(self) -> str:
        return ", ".join(_spelt(self)) or "any"

    def missing(self, time: float, voltage: float) -> list[str]:
        """What of it errors of `time` module seconds and `voltage` volts do not keep."""
        late = self.time is not None and time > self.time * (1 + 1e-9)
        off = self.voltage is not None and voltage > self.voltage * (1 + 1e-9)
        return [text for text, wrong in (("time", late), ("voltage", off)) if wrong]


def precision(given: Precision | str | float | None) -> Precision:
    """The precision that is meant: `"2 ms"`, `"25 mV"`, `"2 ms, 25 mV"`, a number of module seconds, or a `Precision`.

    Raises:
        ValueError: it is none.
    """
    if given is None or isinstance(given, Precision):
        return given or Precision()
    if not isinstance(given, str):
        return _positive(Precision(time=durations.seconds(given)), given)
    time: float | None = None
    voltage: float | None = None
    for part in given.split(","):
        volts = _VOLTS.fullmatch(part)
        if volts is not None:
            voltage = float(volts[1]) * VOLTS[volts[2]]
        else:
            time = durations.seconds(part)
    return _positive(Precision(time, voltage), given)


def _positive(made: Precision, given: object) -> Precision:
    if 0 in (made.time, made.voltage):
        raise ValueError(f"nothing is played with a precision of {given!r}: it must be more than nothing")
    return made


def _spelt(made: Precision) -> list[str]:
    spelt = [] if made.time is None else [durations.spell(round(made.time, 6))]
    return spelt if made.voltage is None else [*spelt, f"{1000 * made.voltage:.3g} mV"]


@dataclass(frozen=True)
class Measured:
    """One reading while a waveform was played: module seconds since its start, volts, and what was asked at that moment."""

    t: float
    voltage: float
    asked: float


@dataclass(frozen=True)
class Played:
    """What was asked of a supply, and what it came to. Times are module seconds.

    `mode` is `list` or `arb` where the supply played it by itself, `host` where it was told level by level. `claimed` is what
    the rig could promise beforehand; `time_error` and `voltage_error` are the worst that were seen: lateness of the messages,
    distance of the stairs and of the readings from what was asked.
    """

    waveform: str
    mode: str
    steps: int
    count: int
    asked_duration: float
    duration: float
    claimed: Precision
    time_error: float
    voltage_error: float
    measured: tuple[Measured, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    @property
    def lowest(self) -> float | None:
        """The least voltage that was measured; None without readings."""
        return min((each.voltage for each in self.measured), default=None)
