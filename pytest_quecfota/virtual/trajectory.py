"""The voltage at the module between two events, in closed form.

A supply feeds the module through a line resistance R; the module is a capacitance C with a constant-current load I. While
neither side changes, the voltage is a chain of `Segment`s, each solved exactly, without time steps:

* regulated: `C dV/dt = (Vs - V)/R - I` with `Vs = Vs0 + slope*t`, an exponential on top of a straight line;
* limited (the supply folds back at its current limit, or sinks what it can) or off: a straight line;
* empty: it stays at 0 V while nothing lifts it.

`trajectory()` computes the chain from one event on, in seconds since that event (so that it is as exact after a month as in
the first second); `Segment.crossing()` finds where it passes a level. `rail` ties both sides and the clock to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

_NEVER = math.inf
_TINY = 1e-9
"""Volts below which the capacitance counts as empty."""
_TOLERANCE = 1e-7
"""Amperes within which the source's current counts as standing at a bound."""
_HORIZON = 1e8
"""Seconds (three years) after which nothing is said any more."""
_MOST_SEGMENTS = 64


@dataclass(frozen=True)
class Feed:
    """What the source side does from second 0 on (volts, amperes).

    Its open voltage goes from `voltage` to `target` at `slope` V/s (infinite: at once); it gives at most `limit`, takes at
    most `sink` back, and while off it only takes `off_sink`.
    """

    on: bool = False
    voltage: float = 0.0
    target: float = 0.0
    slope: float = math.inf
    limit: float = 0.0
    sink: float = 0.0
    off_sink: float = 0.0

    def open_voltage(self, when: float) -> float:
        """The regulated voltage at the source's terminals."""
        if when >= self.ramp_end():
            return self.target
        return self.voltage + math.copysign(self.slope * when, self.target - self.voltage)

    def ramp_end(self) -> float:
        """When the open voltage reaches its target."""
        return abs(self.target - self.voltage) / self.slope


@dataclass(frozen=True)
class Segment:
    """`V(t) = base + slope*x + swing*exp(-x/tau)` with `x = t - start`, until `end`; `mode` says what the source does."""

    start: float
    end: float
    base: float
    slope: float
    swing: float
    tau: float
    mode: str

    def voltage(self, when: float) -> float:
        """Volts at a time inside the segment."""
        x = when - self.start
        fading = self.swing * math.exp(-x / self.tau) if self.swing else 0.0
        return self.base + self.slope * x + fading

    def integral(self, low: float, high: float) -> float:
        """Volt seconds between two times inside the segment."""
        first, last = low - self.start, high - self.start
        fading = (
            self.swing * self.tau * (math.exp(-first / self.tau) - math.exp(-last / self.tau)) if self.swing else 0.0
        )
        return self.base * (last - first) + self.slope * (last * last - first * first) / 2 + fading

    def crossing(self, level: float, *, rising: bool, after: float) -> float:
        """First time at or after `after` at which the voltage reaches `level` from below (`rising`) or above; else inf."""
        begin = max(self.start, after)
        if begin > self.end:
            return _NEVER
        for low, high in self._monotone_pieces(begin):
            if self._beyond(low, level, rising):
                return low
            if self._beyond(high, level, rising):
                return self._bisect(low, high, level, rising)
        return _NEVER

    def _beyond(self, when: float, level: float, rising: bool) -> bool:
        value = self._limit_voltage() if math.isinf(when) else self.voltage(when)
        return value >= level if rising else value <= level

    def _limit_voltage(self) -> float:
        return self.base if not self.slope else math.copysign(math.inf, self.slope)

    def _monotone_pieces(self, begin: float) -> list[tuple[float, float]]:
        """The segment cut at its one possible turning point."""
        if self.swing and self.slope and self.slope / self.swing > 0:
            turn = self.start + self.tau * math.log(self.swing / (self.slope * self.tau))
            if begin < turn < self.end:
                return [(begin, turn), (turn, self.end)]
        return [(begin, self.end)]

    def _bisect(self, low: float, high: float, level: float, rising: bool) -> float:
        if not self.swing:
            return max(low, self.start + (level - self.base) / self.slope)
        if not self.slope:
            ratio = (level - self.base) / self.swing
            return max(low, self.start - self.tau * math.log(ratio)) if ratio > 0 else _settled(self, low)
        high = (
            min(high, low + 60 * self.tau + abs((level - self.voltage(low)) / self.slope)) if math.isinf(high) else high
        )
        for _ in range(80):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            low, high = (low, middle) if self._beyond(middle, level, rising) else (middle, high)
        return high


def _settled(segment: Segment, low: float) -> float:
    """When an exponential may be called settled: a level equal to its limit is reached then."""
    return max(low, segment.start + 40 * segment.tau)


@dataclass(frozen=True)
class Line:
    """The passive parts: line resistance (ohm) and hold-up capacitance (farad)."""

    resistance: float
    capacitance: float

    @property
    def tau(self) -> float:
        return self.resistance * self.capacitance


def trajectory(line: Line, feed: Feed, load: float, voltage: float) -> list[Segment]:
    """The chain of segments from second 0 on, beginning at `voltage`, for a load of `load` amperes; the last has no end."""
    chain: list[Segment] = []
    start = 0.0
    for _ in range(_MOST_SEGMENTS):
        segment = _next_segment(line, feed, load, start, voltage)
        chain.append(segment)
        if segment.end > _HORIZON:
            if segment.end < _NEVER:
                chain[-1] = replace(segment, end=_NEVER)
            return chain
        start, voltage = segment.end, max(0.0, segment.voltage(segment.end))
    raise RuntimeError(f"the rail does not settle: {feed} {load} A {chain[-2:]}")


def _next_segment(line: Line, feed: Feed, load: float, start: float, voltage: float) -> Segment:
    if not feed.on:
        return _straight(line, start, voltage, -(load + feed.off_sink), _NEVER, "off")
    ramp_end = feed.ramp_end()
    turning = ramp_end > start
    slope = math.copysign(feed.slope, feed.target - feed.voltage) if turning else 0.0
    source = feed.open_voltage(start)
    current = (source - voltage) / line.resistance
    rise = (current - load) / line.capacitance
    change = (slope - (rise if voltage > _TINY else max(0.0, rise))) / line.resistance
    horizon = ramp_end if turning else _NEVER
    for mode, bound in (("limited", feed.limit), ("sinking", -feed.sink)):
        excess = current - bound if mode == "limited" else bound - current
        outward = change if mode == "limited" else -change
        if excess > _TOLERANCE or (excess > -_TOLERANCE and outward > 0):
            return _held(line, start, voltage, bound, load, source, slope, horizon, mode)
    return _regulated(line, feed, load, start, voltage, source, slope, horizon)


def _straight(line: Line, start: float, voltage: float, current: float, end: float, mode: str) -> Segment:
    """Constant current into the capacitance; stops at 0 V."""
    slope = current / line.capacitance
    if slope < 0:
        if voltage <= _TINY:
            return Segment(start, end, 0.0, 0.0, 0.0, 1.0, "empty" if mode == "sinking" else mode)
        empty = start - voltage / slope
        end = min(end, empty)
    return Segment(start, end, voltage, slope, 0.0, 1.0, mode)


def _held(
    line: Line,
    start: float,
    voltage: float,
    bound: float,
    load: float,
    source: float,
    slope: float,
    horizon: float,
    mode: str,
) -> Segment:
    """The source's current stands at a bound until the voltage difference asks for less."""
    straight = _straight(line, start, voltage, bound - load, horizon, mode)
    # How far the voltage across the line is beyond the bound, and how fast it comes back: (source + slope*x - V(x))/R = bound
    outward = 1.0 if mode == "limited" else -1.0
    beyond = max(0.0, outward * (source - straight.base - bound * line.resistance))
    closing = outward * (straight.slope - slope)
    release = start + beyond / closing if closing > 0 else _NEVER
    return replace(straight, end=min(straight.end, release))


def _regulated(
    line: Line, feed: Feed, load: float, start: float, voltage: float, source: float, slope: float, horizon: float
) -> Segment:
    base = source - load * line.resistance - slope * line.tau
    if voltage <= _TINY and source < load * line.resistance:
        lifted = start + (load * line.resistance - source) / slope if slope > 0 else _NEVER
        return Segment(start, min(horizon, max(lifted, start)), 0.0, 0.0, 0.0, 1.0, "empty")
    segment = _until_bound(
        line, feed, load, Segment(start, horizon, base, slope, voltage - base, line.tau, "regulated")
    )
    empty = segment.crossing(0.0, rising=False, after=start) if voltage > _TINY else _NEVER
    return replace(segment, end=empty) if empty < segment.end else segment


def _until_bound(line: Line, feed: Feed, load: float, segment: Segment) -> Segment:
    """End a regulated segment where the source's current reaches its limit or what it can sink.

    The current is `load + C*slope - (swing/R)*exp(-x/tau)`: monotone, so each bound is met at most once.
    """
    steady = load + line.capacitance * segment.slope
    swing = -segment.swing / line.resistance
    end = segment.end
    for bound, outward in ((feed.limit, swing < 0), (-feed.sink, swing > 0)):
        if not outward or not swing:
            continue
        ratio = (bound - steady) / swing
        if 0 < ratio < 1:
            end = min(end, segment.start - segment.tau * math.log(ratio))
    return replace(segment, end=end) if end < segment.end else segment
