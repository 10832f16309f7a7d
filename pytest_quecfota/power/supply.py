"""The supply as tests see it: volts and amperes, within the limits of the rig.

Every action is one message whose acknowledgement is read before it counts, and becomes a `supply` record.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.profiles import Profile
from pytest_quecfota.power.waveform import Waveform

NUMBER = re.compile(
    r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*[a-zA-Z]{0,2}"
)  # its unit may stand behind it
NO_NUMBER = 9.9e37  # SCPI 1999, 7.2.1.4: what an instrument answers for "infinite"; "not a number" is a little more

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
        self._may_cut = may_cut
        self._setting = nominal
        self._output = True
        self._armed = False
        self._by_host: Waveform | None = None

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
        wanted = Setting(
            self._setting.voltage if voltage is None else voltage,
            self._setting.current_limit if current_limit is None else current_limit,
        )
        names = [n for n, v in (("voltage", voltage), ("current", current_limit)) if v is not None]
        self._tell(*names, voltage=wanted.voltage, current=wanted.current_limit)
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
        self._tell("on")
        self._output = True
        self.record("supply", action="on", voltage=self._setting.voltage, output=True)

    def off(self) -> None:
        """Switch the output off: the module loses its power.

        Raises:
            ValueError: the rig does not allow cuts.
        """
        if not self._may_cut:
            raise ValueError("off() cuts the module's power, which this rig does not allow; add `allow: [cuts]` to it")
        self._tell("off")
        self._output = False
        self.record("supply", action="off", voltage=0.0, output=False)

    def measure(self) -> Reading:
        """Volts and amperes at the supply's terminals, measured now."""
        with self.instrument.lock:
            voltage = self._number("measure_voltage")
            current = self._number("measure_current")
        self.record("sample", voltage=voltage, current=current)
        return Reading(voltage, current)

    def setting(self) -> Setting:
        """What the supply says it is set to."""
        with self.instrument.lock:
            return Setting(self._number("read_voltage"), self._number("read_current"))

    def output(self) -> bool:
        """Whether the supply says its output is on."""
        answer = self.instrument.query(self.profile.message("read_output", channel=self.channel))
        return re.search(self.profile.is_on, answer) is not None

    def restore(self) -> None:
        """Back to the nominal setting, output on: what a test leaves."""
        self._tell("voltage", "current", "on", voltage=self.nominal.voltage, current=self.nominal.current_limit)
        self._setting = self.nominal
        self._output = True
        self.record(
            "supply",
            action="restore",
            voltage=self.nominal.voltage,
            current_limit=self.nominal.current_limit,
            output=True,
        )

    # -- disturbances ---------------------------------------------------------------------------------

    def arm(self, waveform: Waveform) -> bytes:
        """Load `waveform` and return the one message that starts it.

        Raises:
            ValueError: the rig does not allow cuts, the waveform goes above its limit, or the supply cannot play it.
            SupplyError: the supply does not take it.
        """
        self._check(waveform)
        engine = self.profile.list_engine
        if engine is None:
            self._by_host = waveform
            return self._line(self.profile.message("off", channel=self.channel))
        if len(waveform.levels) > engine.max_steps:
            raise ValueError(
                f"{self.profile.title} plays {engine.max_steps} steps, {waveform.name} has {len(waveform.levels)}"
            )
        short = [level.dwell for level in waveform.levels if level.dwell < engine.min_dwell]
        if short:
            raise ValueError(
                f"{self.profile.title} holds a level {engine.min_dwell} s at least, {waveform.name} {min(short):g} s"
            )
        places = {
            "channel": self.channel,
            "voltages": ",".join(f"{level.voltage:.4f}" for level in waveform.levels),
            "dwells": ",".join(f"{level.dwell:.6g}" for level in waveform.levels),
        }
        self._say(*(text.format(**places) for text in engine.load))
        self._armed = True
        return self._line(engine.start)

    def fire(self, message: bytes) -> None:
        """Send what `arm` has prepared, and nothing else: for the thread that reads the module's port."""
        self.instrument.send_at_once(message)

    def acknowledge(self) -> None:
        """Wait for the supply's word that it took what `fire` sent; what the host plays itself goes on from here."""
        self._check_errors("a disturbance")

    def disarm(self) -> None:
        """Take a loaded waveform away; the output goes back to what it was set to."""
        engine = self.profile.list_engine
        if engine is not None and self._armed:
            self._say(*(text.format(channel=self.channel) for text in engine.disarm))
            self._armed = False
        elif self._by_host is not None:
            self._by_host = None
            self.on()

    def _check(self, waveform: Waveform) -> None:
        if not self._may_cut:
            raise ValueError(
                f"{waveform.name} disturbs the module's power, which this rig does not allow; add `allow: [cuts]`"
            )
        if waveform.highest > self.limits.max:
            raise ValueError(
                f"{waveform.name} reaches {waveform.highest} V, above this rig's limit of {self.limits.max} V"
            )
        plain_cut = len(waveform.levels) == 1 and waveform.highest == 0
        if self.profile.list_engine is None and not plain_cut:
            raise ValueError(
                f"{self.profile.title} has no list engine: it can cut at once, but not later, and not play {waveform.name}"
            )

    def _say(self, *messages: str) -> None:
        """Messages that have no answer, and then the supply's word that all were taken."""
        with self.instrument.lock:
            for message in messages:
                self.instrument.write(message)
            self._check_errors(" ".join(messages))

    def _check_errors(self, what: str) -> None:
        answer = self.instrument.query(self.profile.commands.error)
        if not re.search(self.profile.no_error, answer):
            raise SupplyError(f"supply refused {what}: {answer}", reason=Reason.SUPPLY_SCPI)

    def _line(self, message: str) -> bytes:
        return (message + self.profile.transport.write_termination).encode("ascii")

    def make_safe(self, state: str) -> None:
        """The rig's safe state at the end of a run: `nominal`, or `off`, which needs no permission to cut."""
        if state != "off":
            self.restore()
            return
        self._tell("off")
        self._output = False
        self.record("supply", action="off", voltage=0.0, output=False)

    def safe_messages(self, state: str) -> list[str]:
        """The messages a guardian sends when the run dies, a waveform ended first: `nominal` or `off`."""
        values = {"voltage": self.nominal.voltage, "current": self.nominal.current_limit, "channel": self.channel}
        names = ["off"] if state == "off" else ["voltage", "current", "on"]
        engine = self.profile.list_engine
        disarm = [text.format(channel=self.channel) for text in engine.disarm] if engine is not None else []
        return [*disarm, *(self.profile.message(name, **values) for name in names)]

    def close(self) -> None:
        """Close the session to the instrument."""
        self.instrument.close()

    def _tell(self, *commands: str, **values: float) -> None:
        """One message, and the supply's own word that it was taken."""
        message = self.profile.message(*commands, "error", channel=self.channel, **values)
        with self.instrument.lock:
            answer = self.instrument.query(message)
            if not re.search(self.profile.no_error, answer):
                raise SupplyError(f"supply refused {message!r}: {answer}", reason=Reason.SUPPLY_SCPI)

    def _number(self, command: str) -> float:
        message = self.profile.message(command, channel=self.channel)
        answer = self.instrument.query(message)
        found = NUMBER.fullmatch(answer)
        if found is None or abs(float(found["number"])) >= NO_NUMBER:
            self.instrument.close()
            raise SupplyError(f"supply answered {answer!r} to {message!r}, not a number", reason=Reason.SUPPLY_SCPI)
        return float(found["number"])
