"""One output of the virtual supply: levels, limits, protection, and what is played on it.

The dialects name its properties and methods in their command tables (`supplies/*.yaml`); whatever its value, a property here
is in volts, amperes, module seconds. What the output feeds is an `Outlet`: the module's rail, or nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .clock import Clock
from .outlet import Outlet, Rating
from .program import Program
from .scpi import ScpiError
from .transient import Step


class Channel:
    """One output; `number` is what commands call it. `changed()` is called whenever a transient begins or ends.

    What it plays is its `program`. The plain settings: delays (module s), and what has tripped.
    """

    rise_delay: float
    fall_delay: float
    ocp_delay: float
    ovp_tripped: bool
    ocp_tripped: bool

    def __init__(
        self, number: int, rating: Rating, clock: Clock, outlet: Outlet, changed: Callable[[], object]
    ) -> None:
        self.number = number
        self.rating = rating
        self._clock = clock
        self._outlet = outlet
        self.program = Program(clock, rating, apply=self._apply, end=self._end, changed=changed)
        self._delayed: asyncio.TimerHandle | None = None
        self._ocp_timer: asyncio.TimerHandle | None = None
        self._on = False
        self._gate = True
        self._given: tuple[object, ...] = ()
        self.reset()

    # -- levels --------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """The state after *RST."""
        rating = self.rating
        self.program.reset()
        self._voltage = rating.voltage[0]
        self._current = rating.current[1]
        self._output = False
        self._ovp = rating.ovp[1]
        self._ovp_on = True
        self._ocp_on = False
        self.ocp_delay = 0.05
        self.ovp_tripped = self.ocp_tripped = False
        self.rise_delay = self.fall_delay = 0.0
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

    def set_output(self, on: bool) -> None:
        """Set the output switch (where it cannot be asked)."""
        self.output = on

    def gate(self, is_open: bool) -> None:
        """Turn the output off or back without touching its own switch, as an instrument's master switch does."""
        self._gate = is_open
        self._apply()

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

    def clear_protection_and_turn_on(self) -> None:
        """Forget a trip and turn the output on again, as some instruments do to people's surprise."""
        self.clear_protection()
        self.output = True

    def load_changed(self) -> None:
        """The outlet's current may have changed: watch for over-current where that is on."""
        if self._ocp_timer is not None:
            self._ocp_timer.cancel()
            self._ocp_timer = None
        if self._ocp_on and self._on and self._clock.attached:
            self._ocp_timer = self._clock.call_later(self.ocp_delay, self._check_over_current)

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

    # -- for the instrument and the dialects -------------------------------------------------------------------------

    def limits(self, name: str) -> tuple[float, float] | None:
        """The smallest and largest value a numeric setting (also of the program) takes; None where there is no bound."""
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
        return (known | delays).get(name.removeprefix("program."))

    def close(self) -> None:
        """Cancel every timer."""
        self.program.close()
        for timer in (self._delayed, self._ocp_timer):
            if timer is not None:
                timer.cancel()

    # -- inside --------------------------------------------------------------------------------------------------

    def _end(self, state: str, last: Step) -> None:
        """The program is over: its last step becomes the setting, or the output goes off."""
        if state == "LAST":
            self._voltage = self._voltage if last.voltage is None else last.voltage
            self._current = self._current if last.current is None else last.current
        elif state == "OFF":
            self.output = False

    def _switch(self, on: bool) -> None:
        self._delayed = None
        self._on = on
        self._apply()

    def _levels(self) -> tuple[float, float]:
        playing = self.program.playing or Step(0.0)
        voltage = self._voltage if playing.voltage is None else playing.voltage
        current = self._current if playing.current is None else playing.current
        return voltage, current

    def _apply(self) -> None:
        """Give the outlet what holds now; trip first if that is too much."""
        voltage, current = self._levels()
        on = self._on and self._gate
        if on and self._ovp_on and voltage > self._ovp:
            self.ovp_tripped = True
            self._output = self._on = on = False
        given = (voltage, on, current)
        if given == self._given:
            return
        self._given = given
        rising = voltage >= self._outlet.terminal_voltage()
        self._outlet.set_source(
            voltage,
            on,
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
