"""What a supply's meter reads: the averages of voltage and current at its terminals over its last aperture.

The rail notes every stretch between two of its events; a stretch is a chain of closed-form segments, so that the averages are
exact, bursts of half a millisecond included, whenever the reading is taken. A bench supply integrates over some mains periods;
with an aperture of 0 a reading is the value of the moment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .trajectory import Feed, Line, Segment


@dataclass(frozen=True)
class Stretch:
    """The rail from one event (`since`, module s) on, until the next stretch begins."""

    since: float
    feed: Feed
    chain: list[Segment]

    def at(self, line: Line, now: float) -> tuple[float, float]:
        """Volts and amperes at the source's terminals at a time."""
        x = now - self.since
        for segment in self.chain:
            if x < segment.end:
                return _terminals(line, self.feed, segment, x)
        return _terminals(line, self.feed, self.chain[-1], x)

    def integrals(self, line: Line, begin: float, end: float) -> tuple[float, float]:
        """Volt seconds and ampere seconds at the source's terminals between two times."""
        volts = amperes = 0.0
        for segment in self.chain:
            low, high = max(begin - self.since, segment.start), min(end - self.since, segment.end)
            if low < high:
                each = _integrals(line, self.feed, segment, low, high)
                volts, amperes = volts + each[0], amperes + each[1]
        return volts, amperes


class Meter:
    """The meter of one rail; `aperture` is the time it averages over (module s)."""

    def __init__(self, line: Line) -> None:
        self.aperture = 0.0
        self._line = line
        self._past: deque[Stretch] = deque()

    def note(self, stretch: Stretch) -> None:
        """A new stretch begins; what is older than any reading can reach is forgotten."""
        self._past.append(stretch)
        while len(self._past) > 1 and self._past[1].since <= stretch.since - self.aperture:
            self._past.popleft()

    def reading(self, since: float, now: float) -> tuple[float, float]:
        """Average volts and amperes from `since` on, or over the aperture where that is shorter."""
        begin = max(since, now - self.aperture)
        if begin >= now - 1e-9:
            return self._past[-1].at(self._line, now)
        volts = amperes = 0.0
        ends = [stretch.since for stretch in self._past][1:]
        for stretch, end in zip(self._past, [*ends, now], strict=True):
            if end > begin:
                each = stretch.integrals(self._line, max(begin, stretch.since), end)
                volts, amperes = volts + each[0], amperes + each[1]
        covered = now - max(begin, self._past[0].since)
        return volts / covered, amperes / covered


def _terminals(line: Line, feed: Feed, segment: Segment, x: float) -> tuple[float, float]:
    voltage = max(0.0, segment.voltage(x))
    if segment.mode == "off":
        return voltage, -feed.off_sink if voltage > 0 else 0.0
    if segment.mode == "regulated":
        amperes = (feed.open_voltage(x) - segment.voltage(x)) / line.resistance
    elif segment.mode == "empty":
        amperes = min(feed.limit, feed.open_voltage(x) / line.resistance)
    else:
        amperes = feed.limit if segment.mode == "limited" else -feed.sink
    return max(0.0, voltage + amperes * line.resistance), amperes


def _integrals(line: Line, feed: Feed, segment: Segment, low: float, high: float) -> tuple[float, float]:
    """As `_terminals`, integrated: the open voltage is a straight line within a segment, its middle is its average."""
    seconds = high - low
    middle = (low + high) / 2
    if segment.mode == "regulated":
        open_voltage = feed.open_voltage(middle)
        charge = (open_voltage * seconds - segment.integral(low, high)) / line.resistance
        return open_voltage * seconds, charge
    volts, amperes = _terminals(line, feed, segment, middle)
    return volts * seconds, amperes * seconds
