"""The supply as tests see it: volts and amperes, within the limits of the rig.

Every action is one message whose acknowledgement is read before it counts, and becomes a `supply` record.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power.dialogue import Dialogue
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.player import Player
from pytest_quecfota.power.precision import Played, Precision
from pytest_quecfota.power.profiles import Profile
from pytest_quecfota.power.protections import Protections, over_current_level, over_voltage_level
from pytest_quecfota.power.safety import Censor
from pytest_quecfota.power.waveform import Waveform

FINEST = 0.0005  # volts: less is no other setting
BELIEVED = 1.1  # of the upper limit: what the instrument may read at most, its accuracy included
UNSURE = 0.2  # volts or amperes: offset of a reading
PEAK = 1.25  # of the current limit: what may flow before it holds
DEAD = 0.5  # of the setting: below it a protection may have switched the output off

Record = Callable[..., object]


@dataclass(frozen=True)
class Setting:
    """What a supply is told: volts and amperes."""

    voltage: float
    current_limit: float


@dataclass(frozen=True)
class Limits:
    """What the module stands: volts, least and most."""

    min: float
    max: float


@dataclass(frozen=True)
class Reading:
    """What a supply measured at its terminals: volts and amperes."""

    voltage: float
    current: float


def _ignore(_kind: str, **_fields: object) -> None:
    return None


class Supply:
    """A programmable supply that powers the module.

    Args:
        instrument: the open instrument.
        profile: how this family is commanded.
        channel: the output the module hangs on.
        nominal: what `restore` goes back to.
        limits: the least and the most the module may be given; below the least go only waveforms, batteries and `off`.
        may_cut: whether the rig allows `off` and disturbances.

    Raises:
        SupplyError: the instrument is none of this profile's.
    """

    def __init__(
        self,
        instrument: Instrument,
        profile: Profile,
        *,
        channel: int,
        nominal: Setting,
        limits: Limits,
        may_cut: bool = False,
    ) -> None:
        if not re.search(profile.identify, instrument.identity):
            instrument.close()
            raise SupplyError(
                f"{instrument.address} says it is {instrument.identity!r}, which is no {profile.title}: "
                "check supply.profile in the rig file",
                reason=Reason.CONFIGURATION,
            )
        self.instrument = instrument
        self.profile = profile
        self.channel = channel
        self.nominal = nominal
        self.limits = limits
        self.record: Record = _ignore
        self.may_cut = may_cut
        self._setting = nominal
        self._output = True
        self._most_current: float | None = None
        self.armed = False
        """Whether a waveform is loaded or being played: whoever measures in the background then leaves the line alone."""
        self.dialogue = Dialogue(instrument, profile, channel)
        self.protections: Protections | None = None
        instrument.censor = Censor(profile, least=limits.min, most=limits.max, may_go_below=lambda: self.may_cut)
        self.player = Player(self)

    def protect(self, *, over_voltage: float | None = None, over_current: float | None = None) -> None:
        """Set the supply's own protections, a little above what the rig allows; what the family lacks is left out.

        Args:
            over_voltage: volts; without, `limits.max` and 5 %, or the margin of the profile where that is more.
            over_current: amperes, which then also bound `set(current_limit=)`; without, the current limit and 10 %.

        Raises:
            ValueError: a level that is not above what it protects.
            SupplyError: the supply does not take it.
        """
        guards = self.profile.protection
        if over_voltage is not None and over_voltage <= self.limits.max:
            raise ValueError(f"over-voltage at {over_voltage:g} V would trip below this rig's {self.limits.max:g} V")
        if over_current is not None and over_current <= self.nominal.current_limit:
            raise ValueError(f"over-current at {over_current:g} A is not above {self.nominal.current_limit:g} A")
        self._most_current = over_current
        levels = {
            "over_voltage": over_voltage or over_voltage_level(guards.over_voltage, self.limits.max),
            "over_current": over_current or over_current_level(guards.over_current, self.nominal.current_limit),
        }
        self.protections = Protections(self.dialogue, levels)
        self.protections.set_up()
        self.protections.put_back()  # what had tripped before this run is not its business

    def set(self, *, voltage: float | None = None, current_limit: float | None = None) -> None:
        """Set volts and/or amperes, and wait until the supply has taken them.

        Raises:
            ValueError: outside the limits of the rig; nothing was sent.
            SupplyError: the supply is silent or reports an error.
        """
        if voltage is None and current_limit is None:
            raise ValueError("set(voltage=…) in volts, set(current_limit=…) in amperes, or both")
        if voltage is not None and not self.limits.min <= voltage <= self.limits.max:
            raise ValueError(
                f"{voltage} V is outside the limits of this rig, {self.limits.min} to {self.limits.max} V; "
                "below the lower one goes only a waveform, a battery or off()"
            )
        if current_limit is not None and not 0 < current_limit < math.inf:
            raise ValueError(f"a current limit is more than 0 A, not {current_limit}")
        if current_limit is not None and self._most_current is not None and current_limit > self._most_current:
            raise ValueError(f"{current_limit} A is above this rig's over-current level of {self._most_current:g} A")
        wanted = Setting(
            self._setting.voltage if voltage is None else voltage,
            self._setting.current_limit if current_limit is None else current_limit,
        )
        if current_limit is not None and self.protections is not None:
            self.protections.follow(current_limit)
        names = [n for n, v in (("voltage", voltage), ("current", current_limit)) if v is not None]
        self.dialogue.tell(*names, voltage=wanted.voltage, current=wanted.current_limit)
        self._setting = wanted
        self.record("supply", action="set", voltage=wanted.voltage, current_limit=wanted.current_limit)

    def tell(self) -> None:
        """Record what the supply is set to, as it was told last: the beginning of a test's timeline."""
        setting = self._setting
        self.record(
            "supply", action="is", voltage=setting.voltage, current_limit=setting.current_limit, output=self._output
        )

    def on(self) -> None:
        """Switch the output on."""
        self.dialogue.tell("on")
        self._output = True
        self.record("supply", action="on", voltage=self._setting.voltage, output=True)

    def off(self) -> None:
        """Switch the output off: the module loses its power.

        Raises:
            ValueError: the rig does not allow cuts.
        """
        if not self.may_cut:
            raise ValueError("off() cuts the module's power, which this rig does not allow; add `allow: [cuts]` to it")
        self.dialogue.tell("off")
        self._output = False
        self.record("supply", action="off", voltage=0.0, output=False)

    def measure(self) -> Reading:
        """Volts and amperes at the supply's terminals, measured now."""
        with self.instrument.lock if self.armed else self.dialogue.in_step():
            reading = self._read()
            if self._looks_dead(reading):
                reading = self._read()  # it may be on its way up, or its answers out of step: once more
            self._believe(reading)
        self.record("sample", voltage=reading.voltage, current=reading.current)
        return reading

    def measure_between(self) -> Reading | None:
        """As `measure`, for whoever watches in the background: None, and no message, while a disturbance is armed."""
        if self.armed:
            return None  # not even the lock: the thread that reads the module's port may need it now
        with self.instrument.lock:
            return None if self.armed else self.measure()

    def emulate(self, voltage: float) -> bool:
        """Set volts as a battery gives them: below the lower limit too, where the rig allows it, never above the upper one.

        Not recorded: the battery tells what it does. Returns whether anything was sent: what is set already is not sent again.

        Raises:
            ValueError: below the lower limit on a rig that does not allow cuts, or above the upper one.
            SupplyError: the supply is silent or reports an error.
        """
        least = 0.0 if self.may_cut else self.limits.min
        if not least <= voltage <= self.limits.max:
            raise ValueError(f"a battery cannot give {voltage} V on this rig: {least} to {self.limits.max} V")
        if abs(voltage - self._setting.voltage) < FINEST:
            return False
        self.dialogue.tell("voltage", voltage=voltage)
        self._setting = Setting(voltage, self._setting.current_limit)
        return True

    @property
    def gives(self) -> bool:
        """Whether the output was told to be on."""
        return self._output

    def check(self) -> None:
        """Whether the output is there at all, after something has gone wrong with the module.

        Raises:
            SupplyError: a protection has switched it off, or the supply is silent.
        """
        tripped = self.protections.tripped() if self.protections is not None else None
        if tripped is not None:
            raise SupplyError(tripped, reason=Reason.SUPPLY_PROTECTION)

    def setting(self) -> Setting:
        """What the supply says it is set to."""
        with self.dialogue.in_step():
            return Setting(self.dialogue.number("read_voltage"), self.dialogue.number("read_current"))

    def output(self) -> bool:
        """Whether the supply says its output is on."""
        with self.dialogue.in_step():
            return self.dialogue.flag("read_output")

    def restore(self) -> None:
        """Back to the nominal setting, output on, protections as they were set up: what a test leaves.

        Raises:
            SupplyError: a protection had switched the output off; the supply is restored all the same.
        """
        with self.instrument.lock:
            tripped = self.protections.put_back() if self.protections is not None else None
            self.dialogue.tell(
                "voltage", "current", "on", voltage=self.nominal.voltage, current=self.nominal.current_limit
            )
        self._setting = self.nominal
        self._output = True
        self.record(
            "supply",
            action="restore",
            voltage=self.nominal.voltage,
            current_limit=self.nominal.current_limit,
            output=True,
        )
        if tripped is not None:
            raise SupplyError(tripped, reason=Reason.SUPPLY_PROTECTION)

    # -- waveforms: power/player.py plays them ---------------------------------------------------------

    def play(self, waveform: str | Waveform, precision: Precision | str | float | None = None) -> Played:
        """Play a waveform now, wait until it is over, and tell what was asked and what was reached.

        `precision` is the worst error that will do, in time (module seconds), voltage or both: `"2 ms"`, `"25 mV"`,
        `"2 ms, 25 mV"`. The supply's own engine plays where it does best, else the host steps it.

        Raises:
            ValueError: no such waveform, the rig does not allow cuts, it goes above the upper limit, or the rig cannot play it,
                or not as exactly as demanded; nothing was sent.
            SupplyError: the supply is silent or reports an error, or was less exact than demanded.
        """
        return self.player.play(waveform, precision)

    def arm(self, waveform: str | Waveform, precision: Precision | str | float | None = None) -> bytes:
        """Load `waveform` and return the one message that starts it; see `Player.arm`."""
        with self.instrument.lock:
            self.armed = True
            try:
                return self.player.arm(waveform, precision)
            except BaseException:
                self.armed = False
                raise

    def fire(self, message: bytes) -> None:
        """Send what `arm` has prepared, and nothing else: for the thread that reads the module's port."""
        self.player.fire(message)

    def acknowledge(self) -> None:
        """Wait for the supply's word that it took what `fire` sent."""
        self.player.acknowledge()

    def disarm(self) -> None:
        """Take a loaded waveform away; the output goes back to what it was set to."""
        try:
            self.player.disarm()
        finally:
            self.armed = False

    def make_safe(self, state: str) -> None:
        """The rig's safe state at the end of a run: `nominal`, or `off`, which needs no permission to cut."""
        if state != "off":
            self.restore()
            return
        self.dialogue.tell("off")
        self._output = False
        self.record("supply", action="off", voltage=0.0, output=False)

    def safe_messages(self, state: str) -> list[str]:
        """The messages a guardian sends when the run dies, a waveform ended first: `nominal` or `off`."""
        profile, channel = self.profile, self.channel
        messages = profile.list_engine.disarm_messages(channel) if profile.list_engine is not None else []
        messages += [
            text.format(channel=channel) for text in (profile.battery.stop if profile.battery is not None else ())
        ]
        if state == "off":
            off = profile.safe_off or (profile.commands.off,)
            return [*messages, *(text.format(channel=channel) for text in off)]
        values = {"voltage": self.nominal.voltage, "current": self.nominal.current_limit, "channel": channel}
        return [*messages, *(profile.single(name, **values) for name in ("voltage", "current", "on"))]

    def close(self) -> None:
        """Close the session to the instrument."""
        self.instrument.close()

    def _read(self) -> Reading:
        return Reading(self.dialogue.number("measure_voltage"), self.dialogue.number("measure_current"))

    def _looks_dead(self, reading: Reading) -> bool:
        return self._output and not self.armed and reading.voltage < DEAD * self._setting.voltage

    def _believe(self, reading: Reading) -> None:
        """A reading that cannot be is no reading: it may be the answer to another question.

        Raises:
            SupplyError: more volts or amperes than there can be, or no volts because a protection has switched the output off.
        """
        most = self.limits.max * BELIEVED + UNSURE
        if not -UNSURE <= reading.voltage <= most:
            raise SupplyError(
                f"supply measures {reading.voltage:g} V, and this rig allows {self.limits.max:g} V: "
                "its output or its answer is wrong",
                reason=Reason.SUPPLY_LIMIT,
            )
        if reading.current > self._setting.current_limit * PEAK + UNSURE:
            raise SupplyError(
                f"supply measures {reading.current:g} A, and its limit is {self._setting.current_limit:g} A: its answer is wrong",
                reason=Reason.SUPPLY_LIMIT,
            )
        dead = self._looks_dead(reading)
        tripped = self.protections.tripped() if dead and self.protections is not None else None
        if tripped is not None:
            raise SupplyError(tripped, reason=Reason.SUPPLY_PROTECTION)
