"""One output of the virtual supply: levels, limits, protection, and what is played on it.

The dialects name its properties and methods in their command tables (`supplies/*.yaml`); whatever its value, a property here
is in volts, amperes, module seconds. What the output feeds is an `Outlet`: the module's rail, or nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .clock import Clock
from .outlet import Outlet, Rating
from .scpi import ScpiError
from .transient import ListEngine, Step


class Channel:
    """One output; `number` is what commands call it. `changed()` is called whenever a transient begins or ends.

    The plain settings: delays (module s); levels that a STEP trigger sets; the lists, how often they are played and whether
    their last step stays; where triggers come from; what has tripped.
    """

    rise_delay: float
    fall_delay: float
    ocp_delay: float
    trigger_delay: float
    triggered_voltage: float
    triggered_current: float
    list_voltage: list[float]
    list_current: list[float]
    list_dwell: list[float]
    list_count: float
    list_keeps_last: bool
    trigger_source: str
    ovp_tripped: bool
    ocp_tripped: bool

    def __init__(
        self, number: int, rating: Rating, clock: Clock, outlet: Outlet, changed: Callable[[], object]
    ) -> None:
        self.number = number
        self.rating = rating
        self._clock = clock
        self._outlet = outlet
        self._changed = changed
        self._engine = ListEngine(clock, self._play, self._list_ended)
        self._delayed: asyncio.TimerHandle | None = None
        self._ocp_timer: asyncio.TimerHandle | None = None
        self._on = False
        self._given: tuple[object, ...] = ()
        self.reset()

    # -- levels --------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """The state after *RST."""
        rating = self.rating
        self._engine.stop()
        self._playing: Step | None = None
        self.armed = False
        self._voltage = rating.voltage[0]
        self._current = rating.current[1]
        self._output = False
        self._ovp = rating.ovp[1]
        self._ovp_on = True
        self._ocp_on = False
        self.ocp_delay = 0.05
        self.ovp_tripped = self.ocp_tripped = False
        self.rise_delay = self.fall_delay = 0.0
        self._voltage_mode = self._current_mode = "FIX"
        self.triggered_voltage, self.triggered_current = self._voltage, self._current
        self.list_voltage, self.list_current, self.list_dwell = [self._voltage], [self._current], [0.01]
        self.list_count = 1
        self.list_keeps_last = False
        self.trigger_source = "BUS"
        self.trigger_delay = 0.0
        self._switch(False)

    @property
    def voltage(self) -> float:
        """The immediate voltage setting."""
        return self._voltage

    @voltage.setter
    def voltage(self, volts: float) -> None:
        self._voltage = volts
        self._apply()

    @property
    def current(self) -> float:
        """The immediate current limit."""
        return self._current

    @current.setter
    def current(self, amps: float) -> None:
        self._current = amps
        self._apply()

    @property
    def applied(self) -> tuple[float, float]:
        """Both immediate settings."""
        return self._voltage, self._current

    @applied.setter
    def applied(self, levels: tuple[float, ...]) -> None:
        """Set the voltage, and the current limit where it is given."""
        self._voltage, self._current = (*levels, self._current)[:2]
        self._apply()

    @property
    def output(self) -> bool:
        """The output switch; turning on or off waits for the delay set for it."""
        return self._output

    @output.setter
    def output(self, on: bool) -> None:
        if on and self.tripped:
            raise ScpiError(-221)
        self._output = on
        if self._delayed is not None:
            self._delayed.cancel()
            self._delayed = None
        delay = self.rise_delay if on else self.fall_delay
        if delay > 0 and on != self._on:
            self._delayed = self._clock.call_later(delay, lambda: self._switch(on))
        else:
            self._switch(on)

    # -- protection ----------------------------------------------------------------------------------------------

    @property
    def ovp(self) -> float:
        """Over-voltage level; an output set above it trips."""
        return self._ovp

    @ovp.setter
    def ovp(self, volts: float) -> None:
        self._ovp = volts
        self._apply()

    @property
    def ovp_on(self) -> bool:
        """Whether over-voltage protection is on (where a dialect can switch it)."""
        return self._ovp_on

    @ovp_on.setter
    def ovp_on(self, on: bool) -> None:
        self._ovp_on = on
        self._apply()

    @property
    def ocp_on(self) -> bool:
        """Whether the output trips when it folds back for longer than `ocp_delay`."""
        return self._ocp_on

    @ocp_on.setter
    def ocp_on(self, on: bool) -> None:
        self._ocp_on = on
        self.load_changed()

    @property
    def tripped(self) -> bool:
        """Whether a protection has turned the output off and has not been cleared."""
        return self.ovp_tripped or self.ocp_tripped

    def clear_protection(self) -> None:
        """Forget a trip; the output stays off."""
        self.ovp_tripped = self.ocp_tripped = False

    def load_changed(self) -> None:
        """The outlet's current may have changed: watch for over-current where that is on."""
        if self._ocp_timer is not None:
            self._ocp_timer.cancel()
            self._ocp_timer = None
        if self._ocp_on and self._on and self._clock.attached:
            self._ocp_timer = self._clock.call_later(self.ocp_delay, self._check_over_current)

    @property
    def voltage_points(self) -> int:
        """Length of the voltage list."""
        return len(self.list_voltage)

    @property
    def current_points(self) -> int:
        """Length of the current list."""
        return len(self.list_current)

    @property
    def dwell_points(self) -> int:
        """Length of the list of dwell times."""
        return len(self.list_dwell)

    # -- measuring -----------------------------------------------------------------------------------------------

    @property
    def measured_voltage(self) -> float:
        """Volts at the terminals."""
        return self._outlet.terminal_voltage()

    @property
    def measured_current(self) -> float:
        """Amperes out of the terminals."""
        return self._outlet.current()

    @property
    def measured_power(self) -> float:
        """Watts."""
        return self.measured_voltage * self.measured_current

    @property
    def measured_all(self) -> tuple[float, float, float]:
        """Volts, amperes, watts."""
        return self.measured_voltage, self.measured_current, self.measured_power

    @property
    def settling(self) -> float:
        """Module seconds until the output stands still."""
        return self._outlet.settling

    @property
    def constant_current(self) -> bool:
        """Whether the output folds back at its current limit."""
        return self._outlet.limiting

    @property
    def regulation(self) -> str:
        """`CC`, `CV`, or `OFF`."""
        return "OFF" if not self._on else "CC" if self._outlet.limiting else "CV"

    # -- transients ----------------------------------------------------------------------------------------------

    @property
    def voltage_mode(self) -> str:
        """What a trigger does to the voltage: FIX nothing, STEP the triggered level, LIST the list."""
        return self._voltage_mode

    @voltage_mode.setter
    def voltage_mode(self, mode: str) -> None:
        self._voltage_mode = mode
        self.abort()

    @property
    def current_mode(self) -> str:
        """The same for the current limit."""
        return self._current_mode

    @current_mode.setter
    def current_mode(self, mode: str) -> None:
        self._current_mode = mode
        self.abort()

    @property
    def busy(self) -> bool:
        """Whether a triggered action is not complete."""
        return self._engine.running

    def initiate(self) -> None:
        """Wait for a trigger; with an immediate trigger source, go."""
        if self.armed or self._engine.running:
            raise ScpiError(-213)
        self.steps()
        self.armed = True
        if self.trigger_source == "IMM":
            self.trigger()

    def trigger(self) -> None:
        """Go, if armed. Raises ScpiError (-211) if not."""
        if not self.armed:
            raise ScpiError(-211)
        self.armed = False
        steps = self.steps()
        self._engine.start(steps, self.list_count if self._in_list else 1, self.trigger_delay)
        self._changed()

    def abort(self) -> None:
        """Stop waiting or playing; the immediate settings hold again."""
        self.armed = False
        self._engine.stop()
        self._playing = None
        self._apply()
        self._changed()

    def play_list(self) -> None:
        """Play the list at once (dialects without a trigger system)."""
        self._voltage_mode = self._current_mode = "LIST"
        self._engine.start(self.steps(), self.list_count)
        self._changed()

    def steps(self) -> list[Step]:
        """What a trigger would play. Raises ScpiError where the lists are not of one length."""
        if not self._in_list:
            stepped = "STEP" in (self._voltage_mode, self._current_mode)
            return [Step(0.0, *self._triggered_levels())] if stepped else [Step(0.0)]
        voltages = self.list_voltage if self._voltage_mode == "LIST" else [None]
        currents = self.list_current if self._current_mode == "LIST" else [None]
        columns: list[list[float | None]] = [list(self.list_dwell), list(voltages), list(currents)]
        length = max(len(column) for column in columns)
        if any(len(column) not in (1, length) for column in columns):
            raise ScpiError(-221, "Settings conflict; list lengths are not equivalent")
        rows = zip(*(column * length if len(column) == 1 else column for column in columns), strict=True)
        return [Step(seconds or 0.0, voltage, current) for seconds, voltage, current in rows]

    def limits(self, name: str) -> tuple[float, float] | None:
        """The smallest and largest value a numeric setting takes; None where there is no bound."""
        rating = self.rating
        known = {
            "voltage": rating.voltage,
            "current": rating.current,
            "ovp": rating.ovp,
            "list_dwell": rating.list_dwell,
            "list_count": rating.list_count,
        }
        for prefix in ("list_", "triggered_"):
            known |= {prefix + level: known[level] for level in ("voltage", "current")}
        delays = dict.fromkeys(("rise_delay", "fall_delay", "trigger_delay", "ocp_delay"), (0.0, 3600.0))
        return (known | delays).get(name)

    def close(self) -> None:
        """Cancel every timer."""
        self._engine.stop()
        for timer in (self._delayed, self._ocp_timer):
            if timer is not None:
                timer.cancel()

    # -- inside --------------------------------------------------------------------------------------------------

    @property
    def _in_list(self) -> bool:
        return "LIST" in (self._voltage_mode, self._current_mode)

    def _triggered_levels(self) -> tuple[float | None, float | None]:
        return (
            self.triggered_voltage if self._voltage_mode == "STEP" else None,
            self.triggered_current if self._current_mode == "STEP" else None,
        )

    def _play(self, step: Step) -> None:
        self._playing = step
        self._apply()

    def _list_ended(self) -> None:
        last, self._playing = self._playing, None
        if last is not None and (self.list_keeps_last or not self._in_list):
            self._voltage = self._voltage if last.voltage is None else last.voltage
            self._current = self._current if last.current is None else last.current
        self._apply()
        self._changed()

    def _switch(self, on: bool) -> None:
        self._delayed = None
        self._on = on
        self._apply()

    def _levels(self) -> tuple[float, float]:
        playing = self._playing or Step(0.0)
        voltage = self._voltage if playing.voltage is None else playing.voltage
        current = self._current if playing.current is None else playing.current
        return voltage, current

    def _apply(self) -> None:
        """Give the outlet what holds now; trip first if that is too much."""
        voltage, current = self._levels()
        if self._on and self._ovp_on and voltage > self._ovp:
            self.ovp_tripped = True
            self._output = self._on = False
        given = (voltage, self._on, current)
        if given == self._given:
            return
        self._given = given
        rising = voltage >= self._outlet.terminal_voltage()
        self._outlet.set_source(
            voltage,
            self._on,
            current,
            slew=self.rating.slew_up if rising else self.rating.slew_down,
            sink_current=self.rating.sink,
            off_sink_current=self.rating.off_sink,
        )
        self.load_changed()

    def _check_over_current(self) -> None:
        self._ocp_timer = None
        if self._ocp_on and self._on and self._outlet.limiting:
            self.ocp_tripped = True
            self._output = False
            self._switch(False)
