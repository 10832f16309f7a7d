"""The power rail: the supply's output on one side, the module's current on the other, the module's voltage between them.

The supply calls `set_source()`, the module `set_load()`; each call begins a new `trajectory` (closed form, no time steps), in
which the rail looks up when the voltage will pass a detector's level and sets a timer on the bench's clock for exactly
then. The brown-out detector with its hysteresis is the first detector: `on_power_good`, `on_brown_out`.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from .clock import Clock
from .meter import Meter, Stretch
from .trajectory import Feed, Line, Segment, trajectory

Callback = Callable[[], object]
_SETTLED = 20.0
"""Time constants after which an exponential counts as over."""


@dataclass
class Detector:
    """A comparator with hysteresis: calls `falling` when the voltage reaches `fall` from above, `rising` when it reaches
    `rise` from below (volts). `high` is its state."""

    fall: float
    rise: float
    high: bool = False
    falling: list[Callback] = field(default_factory=list)
    rising: list[Callback] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not 0 < self.fall <= self.rise:
            raise ValueError(f"a detector needs 0 < fall <= rise, not {self.fall!r}, {self.rise!r}")

    @property
    def next_level(self) -> float:
        return self.fall if self.high else self.rise


class Rail:
    """The rail of one module.

    `line_resistance_ohm` between supply and module, `capacitance_uf` hold-up at the module, brown-out below `threshold`
    volts, power good again at `threshold + hysteresis` (facts: the hold-up physics of the rig's power path).
    """

    def __init__(
        self,
        clock: Clock,
        *,
        line_resistance_ohm: float = 0.05,
        capacitance_uf: float = 570.0,
        threshold: float = 2.0,
        hysteresis: float = 0.1,
    ) -> None:
        if not (line_resistance_ohm > 0 and capacitance_uf > 0 and hysteresis >= 0):
            raise ValueError("line resistance and capacitance must be above 0, hysteresis not below 0")
        self._clock = clock
        self._line = Line(line_resistance_ohm, capacitance_uf * 1e-6)
        self._brown_out = Detector(threshold, threshold + hysteresis)
        self._detectors = [self._brown_out]
        self._feed = Feed()
        self._load = 0.0
        self._since = clock.now()
        self._chain: list[Segment] = trajectory(self._line, self._feed, 0.0, 0.0)
        self.meter = Meter(self._line)
        self._stretch = Stretch(self._since, self._feed, self._chain)
        self.meter.note(self._stretch)
        self._settled_at = self._since
        self._timer: asyncio.TimerHandle | None = None
        self._changes: list[Callback] = []

    # -- the two sides -------------------------------------------------------------------------------------------

    def set_source(
        self,
        voltage: float,
        on: bool,
        current_limit: float,
        *,
        slew: float = math.inf,
        sink_current: float = 0.0,
        off_sink_current: float = 0.0,
    ) -> None:
        """Set the supply's side: open voltage to go to (V) at `slew` (V/s), output switch, current it gives and takes (A)."""
        if not (voltage >= 0 and current_limit >= 0 and slew > 0 and sink_current >= 0 and off_sink_current >= 0):
            raise ValueError("voltage and currents must not be below 0, slew must be above 0")
        begins = self.terminal_voltage() if not (self._feed.on and on) else self._open_voltage()
        self._settled_at = math.inf
        self._restart(Feed(on, begins, voltage, slew, current_limit, sink_current, off_sink_current), self._load)

    def set_load(self, amperes: float) -> None:
        """Set the module's current draw (A)."""
        if not amperes >= 0:
            raise ValueError(f"the load cannot be {amperes!r} A")
        feed = self._feed
        as_of_now = Feed(feed.on, self._open_voltage(), feed.target, feed.slope, feed.limit, feed.sink, feed.off_sink)
        self._restart(as_of_now, amperes)

    # -- reading -------------------------------------------------------------------------------------------------

    def voltage(self) -> float:
        """Volts at the module now."""
        x = self._elapsed()
        return max(0.0, self._segment(x).voltage(x))

    def current(self) -> float:
        """Amperes out of the supply now (negative: it sinks)."""
        return self._stretch.at(self._line, self._clock.now())[1]

    def terminal_voltage(self) -> float:
        """Volts at the supply's terminals now: before the line resistance."""
        return self._stretch.at(self._line, self._clock.now())[0]

    def reading(self) -> tuple[float, float]:
        """Volts and amperes at the supply's terminals as its meter shows them: averaged over its aperture, but not over the time
        in which the supply itself was changing its output."""
        return self.meter.reading(self._settled_at, self._clock.now())

    @property
    def load(self) -> float:
        """The module's current draw (A)."""
        return self._load

    @property
    def limiting(self) -> bool:
        """Whether the supply folds back at its current limit now (constant-current mode)."""
        return self._segment(self._elapsed()).mode == "limited"

    @property
    def source_voltage(self) -> float:
        """The voltage the supply regulates to now, on its way to the one set; while it is off, what stands at its terminals."""
        return self._open_voltage() if self._feed.on else self.terminal_voltage()

    @property
    def limits_in(self) -> float:
        """Module seconds until the supply folds back if nothing changes: 0 where it does now, infinity where it never will."""
        x = self._elapsed()
        ahead = [segment for segment in self._chain if segment.mode == "limited" and segment.end > x]
        return max(0.0, ahead[0].start - x) if ahead else math.inf

    @property
    def settling(self) -> float:
        """Module seconds until the voltage stands still; 0 where it does, or where it drifts without an end."""
        last = self._chain[-1]
        fading = _SETTLED * last.tau if last.mode == "regulated" else 0.0
        return max(0.0, last.start + fading - self._elapsed())

    @property
    def power_good(self) -> bool:
        """State of the brown-out detector."""
        return self._brown_out.high

    # -- detectors -----------------------------------------------------------------------------------------------

    def on_power_good(self, callback: Callback) -> None:
        """Call when the voltage has risen to threshold + hysteresis."""
        self._brown_out.rising.append(callback)

    def on_brown_out(self, callback: Callback) -> None:
        """Call when the voltage has fallen to the threshold."""
        self._brown_out.falling.append(callback)

    def add_detector(
        self, fall: float, rise: float, *, falling: Callback | None = None, rising: Callback | None = None
    ) -> Detector:
        """Watch two more levels (a low-voltage warning, say). Its state begins as the voltage is now, without a call."""
        detector = Detector(fall, rise, high=self.voltage() >= rise)
        detector.falling += [falling] if falling else []
        detector.rising += [rising] if rising else []
        self._detectors.append(detector)
        self._arm()
        return detector

    def on_change(self, callback: Callback) -> None:
        """Call after every change of either side (the supply watches for its current limit this way)."""
        self._changes.append(callback)

    def close(self) -> None:
        """Cancel the pending timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- inside --------------------------------------------------------------------------------------------------

    def _elapsed(self) -> float:
        return self._clock.now() - self._since

    def _open_voltage(self) -> float:
        return self._feed.open_voltage(self._elapsed())

    def _segment(self, x: float) -> Segment:
        for segment in self._chain:
            if x < segment.end:
                return segment
        return self._chain[-1]

    def _restart(self, feed: Feed, load: float) -> None:
        voltage = self.voltage()
        self._since = self._clock.now()
        self._feed = feed
        self._load = load
        self._chain = trajectory(self._line, feed, load, voltage)
        self._stretch = Stretch(self._since, feed, self._chain)
        self.meter.note(self._stretch)
        if self._since < self._settled_at:
            self._settled_at = self._since + self.settling
        self._arm()
        for callback in self._changes:
            callback()

    def _arm(self) -> None:
        """Set the timer for the next crossing of any detector."""
        self.close()
        if self._clock.attached:
            x, detector = self._next_crossing()
            if detector is not None:
                self._timer = self._clock.call_at(self._since + x, lambda: self._crossed(detector))

    def _next_crossing(self) -> tuple[float, Detector | None]:
        now = self._elapsed()
        best: tuple[float, Detector | None] = (math.inf, None)
        for detector in self._detectors:
            for segment in self._chain:
                x = segment.crossing(detector.next_level, rising=not detector.high, after=now)
                if x < best[0]:
                    best = (x, detector)
                if x < math.inf:
                    break
        return best

    def _crossed(self, detector: Detector) -> None:
        detector.high = not detector.high
        callbacks = detector.rising if detector.high else detector.falling
        self._arm()
        for callback in list(callbacks):
            callback()
