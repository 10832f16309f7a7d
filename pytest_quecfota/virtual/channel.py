"""One output of the virtual supply: levels and limits, its switch, what is measured at its terminals.

The dialects name its properties and methods in their command tables (`supplies/*.yaml`); whatever its value, a property here
is in volts, amperes, module seconds. What is played on it is its `program`, what watches it its `protection`. What the output
feeds is an `Outlet`: the module's rail, or nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from .clock import Clock
from .outlet import Outlet, Rating
from .program import Program
from .protection import Protection
from .scpi import ScpiError
from .supply_options import SupplyOptions
from .transient import Step


class Channel:
    """One output; `number` is what commands call it. `changed()` is called whenever a transient begins or ends.

    The plain settings: delays of the switch (module s), steps of UP and DOWN (V, A), whether it senses at the module (which makes
    no difference here).
    """

    rise_delay: float
    fall_delay: float
    voltage_step: float
    current_step: float
    sense: str

    def __init__(
        self,
        number: int,
        rating: Rating,
        clock: Clock,
        outlet: Outlet,
        changed: Callable[[], object],
        options: SupplyOptions | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.number = number
        self._options = options or SupplyOptions()
        self.rating = self._options.applied(rating)
        self._rng = rng or random.Random(number)
        self._clock = clock
        self._outlet = outlet
        self.program = Program(clock, rating, apply=self._apply, end=self._end, changed=changed)
        self.protection = Protection(
            clock,
            rating,
            outlet,
            is_on=lambda: self._on,
            turn_off=self._tripped,
            turn_on=lambda: self.set_output(True),
            changed=lambda: self._apply(),
            limit=lambda: self._current,
        )
        self._delayed: asyncio.TimerHandle | None = None
        self._on = False
        self._gate = True
        self._given: tuple[object, ...] = ()
        self.reset()

    # -- levels --------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """The state after *RST."""
        self.program.reset()
        self.protection.reset()
        self._voltage = self.rating.voltage[0]
        self._current = self.rating.current[1]
        self._output = False
        self.rise_delay = self.fall_delay = 0.0
        self.voltage_step, self.current_step = 1.0, 0.1
        self.sense = "INT"
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
        if on and self.protection.tripped:
            raise ScpiError(-221)
        self._output = on
        self._cancel_delayed()
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

    # -- measuring -----------------------------------------------------------------------------------------------

    @property
    def measured_voltage(self) -> float:
        """Volts at the terminals, as the meter shows them."""
        options = self._options
        return self._shown(self._outlet.reading()[0], options.voltage_noise, options.voltage_resolution)

    @property
    def measured_current(self) -> float:
        """Amperes out of the terminals, as the meter shows them."""
        options = self._options
        return self._shown(self._outlet.reading()[1], options.current_noise, options.current_resolution)

    @property
    def measured_power(self) -> float:
        """Watts."""
        return self.measured_voltage * self.measured_current

    @property
    def measured_all(self) -> tuple[float, float, float]:
        """Volts, amperes, watts."""
        volts, amps = self.measured_voltage, self.measured_current
        return volts, amps, volts * amps

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
        """The smallest and largest value a numeric setting (of a part too) takes; None where there is no bound."""
        rating = self.rating
        known = {"voltage": rating.voltage, "current": rating.current, "ovp": rating.ovp}
        known |= {"list_dwell": rating.list_dwell, "list_count": rating.list_count, "row": rating.list_rows}
        known |= {"voltage_step": (0.0, rating.voltage[1]), "current_step": (0.0, rating.current[1])}
        for prefix in ("list_", "triggered_"):
            known |= {prefix + level: known[level] for level in ("voltage", "current")}
        known |= dict.fromkeys(("rise_delay", "fall_delay", "trigger_delay", "ocp_delay"), (0.0, 3600.0))
        known |= {"row_count": (1, rating.list_steps), "cycles": rating.list_count}
        return known.get(name.rpartition(".")[2])

    def default(self, name: str) -> float | None:
        """What DEF stands for: the value after *RST of a level; None where there is none."""
        rating = self.rating
        known = {"voltage": rating.voltage[0], "current": rating.current[1], "ovp": rating.ovp[1]}
        return known.get(name.rpartition(".")[2])

    def load_changed(self) -> None:
        """The outlet's current may have changed."""
        self.protection.load_changed()

    def close(self) -> None:
        """Cancel every timer."""
        self.program.close()
        self.protection.close()
        self._cancel_delayed()

    # -- inside --------------------------------------------------------------------------------------------------

    def _shown(self, value: float, noise: float, resolution: float) -> float:
        if noise:
            value += self._rng.gauss(0.0, noise)
        return round(value / resolution) * resolution if resolution else value

    def _end(self, state: str, last: Step) -> None:
        """The program is over: its last step becomes the setting, or the output goes off."""
        if state == "LAST":
            self._voltage = self._voltage if last.voltage is None else last.voltage
            self._current = self._current if last.current is None else last.current
        elif state == "OFF":
            self.output = False

    def _cancel_delayed(self) -> None:
        if self._delayed is not None:
            self._delayed.cancel()
            self._delayed = None

    def _tripped(self) -> None:
        self._output = False
        self._cancel_delayed()
        self._switch(False)

    def _switch(self, on: bool) -> None:
        self._delayed = None
        self._on = on
        self._apply()

    def _levels(self) -> tuple[float, float]:
        playing = self.program.playing or Step(0.0)
        voltage = self._voltage if playing.voltage is None else playing.voltage
        current = self._current if playing.current is None else playing.current
        return voltage, min(current, self.rating.most_current)

    def _apply(self) -> None:
        """Give the outlet what holds now; trip first if that is too much."""
        voltage, current = self._levels()
        on = self._on and self._gate
        if on and not self.protection.allows(voltage):
            self._output = self._on = on = False
            self._cancel_delayed()
        given = (voltage, on, current)
        if given == self._given:
            return
        self._given = given
        self._outlet.set_source(
            voltage,
            on,
            current,
            slew=self._slew(voltage),
            sink_current=self.rating.sink,
            off_sink_current=self.rating.off_sink,
        )
        self.load_changed()

    def _slew(self, voltage: float) -> float:
        """How fast the output goes there (V/s): as a step that ramps asks, else as fast as it can."""
        ramp = self.program.ramp_left
        away = abs(voltage - self._outlet.source_voltage)
        if ramp > 0 and away > 0:
            return away / ramp
        return self.rating.slew_up if voltage >= self._outlet.terminal_voltage() else self.rating.slew_down
