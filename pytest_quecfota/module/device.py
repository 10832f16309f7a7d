"""The module: verbs a person would use, spelt in AT as the model's data says.

A verb knows what it means and when it is done; how it is written on the wire, how its answer is read and how long it may take
comes from `models`. Durations are module seconds.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_quecfota import urc
from pytest_quecfota.at import blocks
from pytest_quecfota.at.response import Response
from pytest_quecfota.at.values import render
from pytest_quecfota.errors import BenchError, ModuleBricked, ModuleError, ModuleSilent, Reason
from pytest_quecfota.link.frames import BlockRule
from pytest_quecfota.models import Model, Pick
from pytest_quecfota.timeline import Match, Timeline, one_of, sequence

REGISTERED = 6  # AT+QIOTSTATE: registered, waiting to subscribe (IOT docs, connection states)
CONNECTED = 8  # subscribed, data may be exchanged
DISCONNECTED = {0, 1, 11}
BLOCKS = {"+QIOTOTARD": blocks.OTA, "+QIOTRD": blocks.PASSTHROUGH, "+QIOTMODELRD": blocks.MODEL}


class Commands(Protocol):
    """What a module needs of an AT client."""

    def command(
        self,
        text: str,
        timeout: float | str | None = None,
        /,
        *,
        block: BlockRule | None = None,
        restarts: bool = False,
    ) -> Response:
        """See `at.client.Client.command`."""


class PowerSwitch(Protocol):
    """What `power_cycle` needs of a supply."""

    def off(self) -> None:
        """Take the power away."""

    def on(self) -> None:
        """Give it back."""


@dataclass(frozen=True)
class Identity:
    """Who the module says it is."""

    manufacturer: str
    product: str
    revision: str
    imei: str

    @property
    def is_virtual(self) -> bool:
        """Whether it says that it is simulated: its revision, or an IMEI of the range for test equipment."""
        return "VIRTUAL" in self.revision.upper() or self.imei.startswith("00")


class Module:
    """The device under test.

    Args:
        client: the AT client on its port.
        model: what is known of it.
        supply: how its power is switched, where the rig may.
        press_reset, press_pwrkey: press the module's RESET_N, its PWRKEY, for so many module seconds; None: nothing can.
        timeline: gives the timeline of the running test.
    """

    def __init__(
        self,
        client: Commands,
        model: Model,
        *,
        timeline: Callable[[], Timeline],
        supply: PowerSwitch | None = None,
        press_reset: Callable[[float], None] | None = None,
        press_pwrkey: Callable[[float], None] | None = None,
    ) -> None:
        self._press_reset = press_reset
        self._press_pwrkey = press_pwrkey
        self.client = client
        self.model = model
        self._timeline = timeline
        self._supply = supply
        self._changed: dict[str, str] = {}

    @property
    def timeline(self) -> Timeline:
        """The timeline of the running test."""
        return self._timeline()

    def at(self, command: str, timeout: float | None = None) -> Response:
        """Send a command and return its response.

        Args:
            timeout: module seconds; the model's own time for a command where none is given.

        Raises:
            CommandError: it answered ERROR or +CME ERROR.
            ModuleSilent: it did not answer in time.
            PortLost: the port is gone.
        """
        return self.client.command(command, timeout or self._response_time(command))

    # -- identity and measurements -----------------------------------------------------------------

    def identity(self) -> Identity:
        """Manufacturer, product, revision line and IMEI."""
        lines = [str(line) for line in self._do("identity")]
        revision = next((line.partition(":")[2].strip() for line in lines if line.startswith("Revision")), "")
        return Identity(str(self._do("manufacturer")), str(self._do("product")), revision, str(self._do("imei")))

    def firmware_version(self) -> str:
        """The version's name that the platform compares."""
        return str(self._do("firmware_version"))

    def signal_dbm(self) -> int | None:
        """Received signal in dBm, None where there is none."""
        return self._whole("signal_dbm")

    def battery_percent(self) -> int | None:
        """Charge in per cent, None where the module does not know."""
        if self.model.options.battery_source == "none":
            return None
        return self._whole("battery_percent")

    def supply_millivolts(self) -> int | None:
        """Its own supply voltage in millivolts, None where the module does not know."""
        if self.model.options.battery_source == "none":
            return None
        return self._whole("supply_millivolts")

    # -- configuration and connection --------------------------------------------------------------

    def configure(self, name: str, *values: str | int) -> None:
        """Write a QuecThing setting (`configure("lifetime", 120)`); what a test changes is put back after it."""
        if name not in self._changed:
            before = self._do("configuration", name=name)
            self._changed[name] = render(*before[1:])
        self._do("configure", name=name, values=render(*values))

    def forget_changes(self) -> None:
        """What has been configured so far is what tests are put back to."""
        self._changed.clear()

    def put_back(self) -> None:
        """Undo what was configured since the last call; the module must be disconnected."""
        for name, values in reversed(list(self._changed.items())):
            self._do("configure", name=name, values=values)
            del self._changed[name]

    def set_mcu_version(self, name: str, version: str) -> None:
        """Tell the module the version of a component of the host."""
        self._do("set_mcu_version", name=name, version=version)

    def state(self) -> int:
        """The connection state, 0 to 12 as AT+QIOTSTATE numbers them; 8 is connected."""
        state = self._whole("state")
        if state is None:
            raise ModuleError(f"{self.model.verb('state').command} answered without a state")
        return state

    def connect(self, mode: int = 2) -> Match | None:
        """Connect to the platform and wait until data may be exchanged; None where it was connected already.

        Args:
            mode: 1 connects once, 2 also after every restart.
        """
        mark = self.timeline.events.mark()
        self._do("connect", mode=mode)
        state = self.state()
        if state == CONNECTED:
            return None
        events = self.timeline.events
        by_itself = state == REGISTERED and not events.seen(urc.Registered, since=mark)
        due = urc.Subscribed if by_itself else sequence(urc.Registered, urc.Subscribed)
        refused = (urc.AuthenticationFailed, urc.RegistrationFailed, urc.SubscriptionFailed)
        return events.expect(due, within=self.model.timings.connect, since=mark, never=refused)

    def wait_connected(self, since: Any = None) -> Match:
        """Wait until the module, by itself, has connected again."""
        return self.timeline.events.expect(
            sequence(urc.Registered, urc.Subscribed), within=self.model.timings.connect, since=since
        )

    def disconnect(self) -> None:
        """Leave the platform and wait until it is done; nothing happens where it is not connected."""
        if self.state() in DISCONNECTED:
            self._do("disconnect")
            return
        mark = self.timeline.events.mark()
        self._do("disconnect")
        if self.state() not in DISCONNECTED:
            self.timeline.events.expect(urc.Deregistered, within=self.model.timings.disconnect, since=mark)

    # -- upgrade -----------------------------------------------------------------------------------

    def request_upgrade(self, sha256: bool = True) -> urc.UpgradeOffered | None:
        """Ask for an upgrade; the offer, or None where none came in the model's time for it."""
        mark = self.timeline.events.mark()
        self._do("request_upgrade", sha256=int(sha256))
        if self.model.options.sha256_request == "then-bare":
            self._do("request_upgrade_bare")
        return self.wait_offer(self.model.timings.offer, since=mark)

    def wait_offer(self, within: float, since: Any = None) -> urc.UpgradeOffered | None:
        """Wait for an offer; None where none came within so many module seconds."""
        found = self.timeline.events.wait(urc.UpgradeOffered, within=within, since=since)
        if found is None:
            return None
        offer = found.urcs[-1]
        assert isinstance(offer, urc.UpgradeOffered)
        return offer

    def confirm_upgrade(self) -> None:
        """Accept the offer."""
        self._do("confirm_upgrade")

    def refuse_upgrade(self) -> None:
        """Refuse the offer."""
        self._do("refuse_upgrade")

    def next_block(self) -> None:
        """Ask for the next block of a host's file."""
        self._do("next_block")

    def report_updating(self) -> None:
        """Say that the host has its file and begins to update itself."""
        self._do("report_updating")

    def read_block(self, start: int, length: int) -> bytes:
        """Bytes of the host's file as the module holds them: at most `length` from offset `start`."""
        block: bytes | None = self._do("read_block", start=start + self.model.options.otard_first_offset, length=length)
        if block is None:
            raise ModuleError(f"{length} bytes at offset {start} were asked for, and answered OK without any (SOTA-03)")
        return block

    def classic_update(self, url: str) -> None:
        """Have the module fetch and install a package by itself (AT+QFOTADL); it restarts meanwhile. ValueError where it cannot."""
        self.timeline.announce_restart("classic update")
        self._do("classic_update", url=url)

    # -- power and restart -------------------------------------------------------------------------

    def wait_ready(self, since: Any = None) -> None:
        """Wait for the start to be printed, then for the first OK.

        Raises:
            ModuleSilent: it does not come up in the model's time.
        """
        started = self.timeline.events.wait(
            one_of(urc.Ready, urc.AppReady), within=self.model.timings.boot, since=since, guards=False
        )
        if started is None and not self.answers():
            raise ModuleSilent(f"no {self.model.boot.first} and no answer to AT within {self.model.timings.boot:g} s")
        if not self.answers():
            raise ModuleSilent(f"no answer to AT within {self.model.timings.ready:g} s after {self.model.boot.first}")

    def answers(self, tries: int = 2) -> bool:
        """Whether the module answers AT in the model's time for a first answer, divided into so many tries."""
        for _ in range(tries):
            with contextlib.suppress(ModuleError):
                self.client.command("AT", self.model.timings.ready / tries)
                return True
        return False

    def reset(self) -> None:
        """Restart the module by its RESET_N where the rig can press it, else by command, and wait until it is up."""
        with self._announced("reset") as mark:
            if self._press_reset is not None:
                self._press_reset(self.model.timings.reset_pulse)
                self.wait_ready(since=mark)
                return
            verb = self.model.verb("reset")
            self.client.command(verb.command, verb.timeout or self._response_time(verb.command), restarts=True)
        self.wait_ready(since=mark)

    def power_cycle(self) -> None:
        """Take the power away for a moment and wait until the module is up again.

        Raises:
            BenchError: the rig has no supply.
            ModuleBricked: powered, port fine, yet silent.
        """
        if self._supply is None:
            raise BenchError("power_cycle() needs a supply; the rig file names none", reason=Reason.CONFIGURATION)
        with self._announced("power cycle") as mark:
            self._supply.off()
            try:
                self.timeline.events.pause(self.model.timings.off)
            finally:
                self._supply.on()
        try:
            self._switch_on(mark)
        except ModuleSilent as silent:
            raise ModuleBricked(f"the module stays silent after a power cycle: {silent}") from silent

    def wake(self) -> bool:
        """Press PWRKEY, where the rig can, and wait until the module is up; False where nothing can be pressed."""
        if self._press_pwrkey is None:
            return False
        with self._announced("PWRKEY") as mark:
            self._switch_on(mark)
        return True

    def _switch_on(self, mark: Any) -> None:
        """Power is there: press PWRKEY, where the rig can, and wait."""
        if self._press_pwrkey is not None:
            self._press_pwrkey(self.model.timings.pwrkey_on)
        self.wait_ready(since=mark)

    # -- how a verb becomes a command --------------------------------------------------------------

    @contextlib.contextmanager
    def _announced(self, reason: str) -> Iterator[Any]:
        timeline = self.timeline
        timeline.announce_restart(reason)
        yield timeline.events.mark()

    def _response_time(self, command: str) -> float:
        timings = self.model.timings
        return timings.response if command.upper().startswith("AT+QIOT") else timings.command

    def _whole(self, name: str) -> int | None:
        """A verb's value as a whole number, None where there is none."""
        value = self._do(name)
        if isinstance(value, str):
            raise ModuleError(f"{self.model.verb(name).command} answered {value!r}, which is no number")
        return None if value is None else round(value)

    def _do(self, name: str, /, **places: Any) -> Any:
        verb = self.model.verb(name)
        command = verb.command.format(**places)
        rule = BLOCKS[verb.pick.prefix] if verb.pick.kind == "block" else None
        response = self.client.command(command, verb.timeout or self._response_time(command), block=rule)
        return picked(verb.pick, response, command)


def picked(pick: Pick, response: Response, command: str) -> Any:
    """The value of a verb's answer, as the model's data says where it stands."""
    if pick.kind == "none":
        return None
    if pick.kind == "block":
        return response.block
    if pick.kind == "lines":
        return list(response.lines)
    if pick.kind == "fields":
        return response.values
    if not response.lines:
        raise ModuleError(f"{command} answered OK without the line that is due")
    if pick.kind == "line":
        return response.lines[0]
    if len(response.values) <= pick.field:
        raise ModuleError(f"{command} answered {response.lines[0]!r}, which has no value {pick.field + 1}")
    value = response.values[pick.field]
    if isinstance(value, str) or value is None:
        return value
    return None if value in pick.absent else pick.factor * value + pick.offset
