"""Waveforms: what a supply does to the module in a disturbance, as volts over module seconds.

A waveform is a row of segments (`waveform_shape`), perhaps played several times; afterwards the supply is back at its nominal
voltage. Where one comes from by its name is the business of `waveform_catalogue`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pytest_quecfota.power.waveform_shape import Decay, Level, Ramp, Segment, Sine

__all__ = ["Decay", "Level", "Ramp", "Segment", "Sine", "Waveform"]

CORNERS_OF_A_CURVE = 24  # points by which a picture follows a sine's period or a decay


@dataclass(frozen=True)
class Waveform:
    """Segments one after another, `count` times; `lead` comes once before the first.

    `step` is the largest step (V) by which an edge or curve of it may be played, where its source says so; as far as can be had.
    `title` says what it is, `source` where its numbers come from, and `mark` whether these were read there (`confirmed`), are
    `remembered`, or are `own`; all are empty for one that is made from its name.
    """

    name: str
    segments: tuple[Segment, ...]
    count: int = 1
    lead: tuple[Segment, ...] = ()
    step: float | None = None
    title: str = ""
    source: str = ""
    mark: str = ""

    def __post_init__(self) -> None:
        if not self.segments:
            raise ValueError(f"waveform {self.name} has no segments")
        if self.count < 1:
            raise ValueError(f"waveform {self.name} is played once at least, not {self.count} times")
        for segment in (*self.lead, *self.segments):
            if not 0 < segment.dwell < float("inf"):
                raise ValueError(f"waveform {self.name}: {segment.text} lasts {segment.dwell} s")
            if segment.lowest < -1e-9:
                raise ValueError(f"waveform {self.name}: {segment.text} goes below 0 V")

    @property
    def duration(self) -> float:
        """Module seconds from the beginning to the end of the last round."""
        return sum(s.dwell for s in self.lead) + self.count * sum(s.dwell for s in self.segments)

    @property
    def lowest(self) -> float:
        """The lowest voltage, in volts."""
        return max(0.0, min(segment.lowest for segment in (*self.lead, *self.segments)))

    @property
    def highest(self) -> float:
        """The highest voltage, in volts."""
        return max(segment.highest for segment in (*self.lead, *self.segments))

    @property
    def switches_off(self) -> bool:
        """Whether the output is switched off in it."""
        return any(isinstance(segment, Level) and segment.open for segment in self.segments)

    def all_segments(self) -> Iterator[Segment]:
        """The segments as they are played, round after round."""
        yield from self.lead
        for _ in range(self.count):
            yield from self.segments

    def delayed(self, after: float, nominal: float) -> Waveform:
        """The same, `after` module seconds later, at `nominal` volts until then."""
        if after <= 0:
            return self
        wait = Level(nominal, after)
        if self.count == 1:
            return replace(self, segments=(wait, *self.segments))
        return replace(self, lead=(wait, *self.lead))

    def voltage_at(self, t: float) -> float:
        """Volts `t` module seconds after the beginning; before and after it the nearest end."""
        lead = sum(s.dwell for s in self.lead)
        once = sum(s.dwell for s in self.segments)
        row = self.lead if t < lead else self.segments
        at = t if t < lead else min(t - lead, self.count * once * (1 - 1e-12)) % once
        for segment in row:
            if at < segment.dwell:
                return segment.voltage_at(max(0.0, at))
            at -= segment.dwell
        return row[-1].last

    def falls(self, below: float) -> int:
        """How often the voltage falls below that many volts: how often a module may restart."""
        count, low = 0, False
        for segment in self.all_segments():
            if not low and segment.lowest < below:
                count += 1
            low = segment.last < below
        return count

    def points(self) -> list[tuple[float, float]]:
        """Corners as (module seconds from the beginning, volts); curves are followed by short straight pieces."""
        return self._points(_corners)

    def course(self, nominal: float, speed: float, after: float = 0.0) -> list[list[float]]:
        """Levels from its start on, `after` module seconds before it begins, in real seconds and volts; nominal around it.

        For pictures that draw steps: edges and curves are stairs.
        """
        corners = [(0.0, nominal), (after, nominal), *((after + t, volts) for t, volts in self._points(_stairs))]
        corners.append((corners[-1][0], nominal))
        return [[round(t / speed, 6), round(volts, 6)] for t, volts in corners]

    def _points(self, moments: Callable[[Segment], list[float]]) -> list[tuple[float, float]]:
        points: list[tuple[float, float]] = []
        at = 0.0
        for segment in self.all_segments():
            points += [(at + t, segment.voltage_at(t)) for t in moments(segment)]
            at += segment.dwell
        return points


def _corners(segment: Segment) -> list[float]:
    """The moments of a segment that a picture needs."""
    if isinstance(segment, (Level, Ramp)):
        return [0.0, segment.dwell]
    return _stairs(segment)


def _stairs(segment: Segment) -> list[float]:
    """The moments of a segment at which a picture made of steps changes."""
    if isinstance(segment, Level):
        return [0.0, segment.dwell]
    periods = segment.frequency * segment.dwell if isinstance(segment, Sine) else 1.0
    pieces = max(4, min(2000, round(periods * CORNERS_OF_A_CURVE)))
    return [segment.dwell * k / pieces for k in range(pieces + 1)]
