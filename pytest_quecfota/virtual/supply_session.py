"""One client of the virtual supply: bytes in, messages, commands of the dialect, answers out.

Messages are carried out in order; one that has to wait (`*OPC?` while a list plays, or the instrument's latency) holds the
later ones of this client only. Strict: what is not in the dialect is an error in the queue and gets no answer.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .dialect import Command
from .scpi import ScpiError, Unit, channel_list, number, switch, units, word

if TYPE_CHECKING:
    from .supply import Supply

LONGEST_MESSAGE = 64 * 1024
MEASURING = 0.1
"""Module seconds a measurement takes at most: so long it waits for the output to settle before it answers."""
_BOUNDS = {"MIN": 0, "MINIMUM": 0, "MAX": 1, "MAXIMUM": 1}
_BOUND_OF_KIND = {"volts": "voltage", "amps": "current", "seconds": "list_dwell"}


class Session(asyncio.Protocol):
    """The connection of one client; `siblings` is the set of open sessions it enters and leaves."""

    def __init__(self, supply: Supply, siblings: set[Session]) -> None:
        self.errors: list[ScpiError] = []
        self._supply = supply
        self._siblings = siblings
        self._transport: asyncio.Transport | None = None
        self._input = bytearray()
        self._messages: list[str] = []
        self._worker: asyncio.Task[None] | None = None

    # -- the connection ------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection; answers leave at once."""
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        self._siblings.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a Protocol's
        """The client is gone; what it sent last is not carried out further."""
        self._siblings.discard(self)
        self._transport = None
        if self._worker is not None:
            self._worker.cancel()

    def abort(self) -> None:
        """Drop the client."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Cut the input into messages and carry them out, at once where nothing has to be waited for."""
        self._input += data
        *lines, rest = self._input.split(b"\n")
        self._input = bytearray(rest)
        if len(rest) > LONGEST_MESSAGE:
            self._input.clear()
            self._fail(ScpiError(-363))
        self._messages += [line.decode("latin-1").strip() for line in lines]
        if self._worker is None:
            self._work_on()

    def _work_on(self) -> None:
        """Carry out messages until one has to wait; then a task does, and goes on with the rest."""
        while self._messages:
            message = _Message(self._supply, self, self._messages.pop(0))
            if self._supply.latency <= 0 and message.run():
                self._answer(message)
                continue
            self._worker = asyncio.ensure_future(self._finish(message))
            return

    async def _finish(self, message: _Message) -> None:
        done = False
        if message.waits_for is None:
            await self._supply.clock.sleep(self._supply.latency)
            done = message.run()
        while not done:
            assert message.waits_for is not None
            await message.waits_for
            done = message.run()
        self._worker = None
        self._answer(message)
        self._work_on()

    def _answer(self, message: _Message) -> None:
        if message.answers and self._transport is not None:
            self._transport.write((";".join(message.answers) + "\n").encode("latin-1"))

    def _fail(self, error: ScpiError) -> None:
        self._supply.session = self
        self._supply.report(error)


class _Message:
    """One program message being carried out; `run` goes on until its end (True) or until something is pending."""

    def __init__(self, supply: Supply, session: Session, text: str) -> None:
        self.answers: list[str] = []
        self.waits_for: Awaitable[None] | None = None
        self._settled = False
        self._supply = supply
        self._session = session
        self._units = units(text)
        self._path: tuple[str, ...] = ()

    def run(self) -> bool:
        self._supply.session = self._session
        while self._units:
            unit = self._units[0]
            self.waits_for = self._pending(unit)
            if self.waits_for is not None:
                return False
            self._units.pop(0)
            self._settled = False
            try:
                if isinstance(unit, ScpiError):
                    raise unit
                answer = self._common(unit) if unit.common else self._command(unit)
            except ScpiError as error:
                self._supply.report(error)
                continue
            if answer is not None:
                self.answers.append(answer)
        return True

    def _pending(self, unit: Unit | ScpiError) -> Awaitable[None] | None:
        """What has to be over before this unit can be carried out."""
        if isinstance(unit, ScpiError):
            return None
        if unit.words[0] == "*WAI" or (unit.words[0] == "*OPC" and unit.query):
            return self._supply.when_complete()
        if unit.query and not unit.common and not self._settled and self._measures(unit):
            self._settled = True
            settling = max(channel.settling for channel in self._supply.channels.values())
            if settling > 0:
                return self._supply.clock.sleep(min(settling, MEASURING))
        return None

    def _measures(self, unit: Unit) -> bool:
        found = self._supply.dialect.commands.find(unit.words if unit.rooted else self._path + unit.words)
        return found is not None and found[0].name.startswith("measured_")

    # -- common commands -----------------------------------------------------------------------------------------

    def _common(self, unit: Unit) -> str | None:
        name = unit.words[0] + ("?" if unit.query else "")
        if name not in self._supply.dialect.common:
            raise ScpiError(-113)
        takes = name in ("*ESE", "*SRE")
        if len(unit.arguments) != takes:
            raise ScpiError(-109 if takes else -108)
        if takes:
            value = int(number(unit.arguments[0], "integer"))
            setattr(self._supply, "event_enable" if name == "*ESE" else "request_enable", value & 255)
            return None
        return _COMMON[name](self._supply)

    # -- the dialect's commands ----------------------------------------------------------------------------------

    def _command(self, unit: Unit) -> str | None:
        words = unit.words if unit.rooted else self._path + unit.words
        found = self._supply.dialect.commands.find(words)
        if found is None:
            raise ScpiError(-113)
        self._path = words[:-1]
        command, suffix = found
        arguments, targets = self._targets(command, list(unit.arguments), suffix)
        if unit.query:
            return self._query(command, arguments, targets)
        self._carry_out(command, arguments, targets)
        return None

    def _targets(self, command: Command, arguments: list[str], suffix: int | None) -> tuple[list[str], list[Any]]:
        """What the command is for: the instrument, or outputs named by list, word, header or the selection."""
        dialect = self._supply.dialect
        if not command.of_channel:
            return arguments, [self._supply]
        numbers = [self._supply.selected]
        if suffix is not None:
            numbers = [suffix]
        if arguments and dialect.channel_lists and (listed := channel_list(arguments[-1])) is not None:
            arguments, numbers = arguments[:-1], listed
        elif arguments and arguments[0].upper() in dialect.channel_words:
            numbers = [dialect.channel_words[arguments.pop(0).upper()]]
        try:
            return arguments, [self._supply.channels[number] for number in numbers]
        except KeyError:
            raise ScpiError(-222 if suffix is None else -114) from None

    def _query(self, command: Command, arguments: list[str], targets: list[Any]) -> str:
        if command.way == "call":
            raise ScpiError(-113)
        kind = command.kinds[0] if command.kinds else "text"
        if arguments:
            return ",".join(self._supply.dialect.render(kind, self._bound(command, arguments, it)) for it in targets)
        return ",".join(self._rendered(command, kind, target) for target in targets)

    def _rendered(self, command: Command, kind: str, target: Any) -> str:
        value = _reach(target, command.name)
        if isinstance(command.answer, tuple):
            return command.answer[bool(value)]
        if command.answer is not None:
            values = value if isinstance(value, tuple) else (value,)
            return command.answer.format(*values, channel=target)
        if len(command.kinds) > 1:
            pairs = zip(command.kinds, value, strict=True)
            return ",".join(self._supply.dialect.render(each, item) for each, item in pairs)
        return self._supply.dialect.render(kind, value)

    def _bound(self, command: Command, arguments: list[str], target: Any) -> float:
        """The answer to `VOLT? MAX`."""
        limits: tuple[float, float] | None = target.limits(command.name)
        if len(arguments) != 1 or arguments[0].upper() not in _BOUNDS or limits is None:
            raise ScpiError(-108)
        return limits[_BOUNDS[arguments[0].upper()]]

    def _carry_out(self, command: Command, arguments: list[str], targets: list[Any]) -> None:
        if command.way == "read":
            raise ScpiError(-113)
        values = {id(target): self._values(command, arguments, target) for target in targets}
        for target in targets:
            given = values[id(target)]
            *path, last = command.name.split(".")
            owner = _reach(target, ".".join(path)) if path else target
            if command.way == "call":
                getattr(owner, last)(*given)
            elif command.many:
                setattr(owner, last, given)
            else:
                setattr(owner, last, tuple(given) if len(command.kinds) > 1 else given[0])

    def _values(self, command: Command, arguments: list[str], target: Any) -> list[Any]:
        least, most = len(command.kinds) - command.optional, len(command.kinds)
        if len(arguments) < least:
            raise ScpiError(-109)
        if len(arguments) > most and not command.many:
            raise ScpiError(-108)
        if command.many and len(arguments) > getattr(getattr(target, "rating", None), "list_steps", math.inf):
            raise ScpiError(-223)
        kinds = [*command.kinds, *command.kinds[-1:] * (len(arguments) - most)]
        return [self._value(command, kind, text, target) for kind, text in zip(kinds, arguments, strict=False)]

    def _value(self, command: Command, kind: str, text: str, target: Any) -> Any:
        if kind == "switch":
            return switch(text)
        if kind == "word":
            return word(text, command.words)
        if kind == "text":
            return text.strip("\"'")
        limits = target.limits(command.name if len(command.kinds) == 1 else _BOUND_OF_KIND.get(kind, ""))
        if limits is not None and text.upper() in _BOUNDS:
            return limits[_BOUNDS[text.upper()]]
        if command.infinite and text.upper() in ("INF", "INFINITY"):
            return math.inf
        value = number(text, kind)
        if limits is not None and not limits[0] <= value <= limits[1]:
            raise ScpiError(-222)
        return int(value) if kind == "integer" else value


def _reach(target: Any, name: str) -> Any:
    """What a dialect's dotted name stands for on an output or the instrument."""
    for part in name.split("."):
        target = getattr(target, part)
    return target


_COMMON: dict[str, Callable[[Supply], str | None]] = {
    "*IDN?": lambda supply: supply.dialect.identity,
    "*RST": lambda supply: supply.reset(),
    "*CLS": lambda supply: supply.clear_status(),
    "*ESE?": lambda supply: str(supply.event_enable),
    "*ESR?": lambda supply: str(supply.read_event_status()),
    "*OPC": lambda supply: supply.operation_complete(),
    "*OPC?": lambda _: "1",
    "*SRE?": lambda supply: str(supply.request_enable),
    "*STB?": lambda supply: str(supply.status_byte),
    "*TRG": lambda supply: supply.trigger(),
    "*TST?": lambda _: "0",
    "*WAI": lambda _: None,
    "*SAV": lambda _: None,
    "*RCL": lambda _: None,
}
