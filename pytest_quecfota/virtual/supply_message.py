"""One program message being carried out by the virtual supply: its units, one after another, and the answers they give.

A unit that has to wait (`*OPC?` while a list plays, a measurement while the output still moves) stops the message; `run` goes on
from there. Strict: what is not in the dialect is an error in the queue and gets no answer, and nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .dialect import Command
from .scpi import ScpiError, Unit, units
from .scpi_values import channel_list, number, string, switch, word
from .supply_status import ErrorQueue

if TYPE_CHECKING:
    from .supply import Supply

MEASURING = 0.1
"""Module seconds a measurement takes at most: so long it waits for the output to settle before it answers."""
_LIMIT_OF_KIND = {"volts": "voltage", "amps": "current", "seconds": "list_dwell"}


class Message:
    """A message of a client with this error queue; `answers` are complete when `run` has returned True."""

    def __init__(self, supply: Supply, errors: ErrorQueue, text: str) -> None:
        self.answers: list[str] = []
        self.waits_for: Awaitable[None] | None = None
        self._settled = False
        self._supply = supply
        self._dialect = supply.dialect
        self._errors = errors
        self._units = units(text)
        self._path: tuple[str, ...] = ()

    def run(self) -> bool:
        """Carry out units until the end (True), or until one has to wait for `waits_for`."""
        self._supply.status.errors = self._errors
        for position, unit in enumerate(self._units):
            self.waits_for = self._pending(unit)
            if self.waits_for is not None:
                del self._units[:position]
                return False
            self._settled = False
            try:
                if isinstance(unit, ScpiError):
                    raise unit
                answer = self._common(unit) if unit.common else self._command(unit)
            except ScpiError as error:
                self._supply.status.report(error)
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
        found = self._dialect.commands.find(self._full_path(unit))
        return found is not None and found[0].name.startswith("measured_")

    def _full_path(self, unit: Unit) -> tuple[str, ...]:
        return unit.words if unit.rooted else self._path + unit.words

    # -- common commands -----------------------------------------------------------------------------------------

    def _common(self, unit: Unit) -> str | None:
        name = unit.words[0] + ("?" if unit.query else "")
        if name not in self._dialect.common:
            raise ScpiError(-113)
        if name not in _COMMON_WITH_NUMBER:
            if unit.arguments:
                raise ScpiError(-108)
            return _COMMON[name](self._supply)
        if len(unit.arguments) != 1:
            raise ScpiError(-108 if unit.arguments else -109)
        value = number(unit.arguments[0], "integer")
        if not 0 <= value <= 255:
            raise ScpiError(-222)
        _COMMON_WITH_NUMBER[name](self._supply, int(value))
        return None

    # -- the dialect's commands ----------------------------------------------------------------------------------

    def _command(self, unit: Unit) -> str | None:
        words = self._full_path(unit)
        found = self._dialect.commands.find(words)
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
        dialect = self._dialect
        if not command.of_channel:
            return arguments, [self._supply]
        numbers = [self._supply.selected if suffix is None else suffix]
        if arguments and dialect.channel_lists and (listed := channel_list(arguments[-1])) is not None:
            arguments, numbers = arguments[:-1], listed
        elif arguments and suffix is None and dialect.channel_arguments:
            named = dialect.channel_words.get(arguments[0].upper())
            arguments, numbers = (arguments, numbers) if named is None else (arguments[1:], [named])
        try:
            return arguments, [self._supply.channels[number] for number in numbers]
        except KeyError:
            raise ScpiError(-222 if suffix is None else -114) from None

    # -- asking --------------------------------------------------------------------------------------------------

    def _query(self, command: Command, arguments: list[str], targets: list[Any]) -> str:
        if command.asks:
            return ",".join(self._asked(command, arguments, target) for target in targets)
        if command.way == "call":
            raise ScpiError(-113)
        kind = command.kinds[0] if command.kinds else "text"
        if arguments:
            return ",".join(self._dialect.render(kind, self._bound(command, arguments, it)) for it in targets)
        return ",".join(self._rendered(command, kind, target) for target in targets)

    def _asked(self, command: Command, arguments: list[str], target: Any) -> str:
        """The answer of a method that takes a whole number: a row of a table."""
        if len(arguments) != 1:
            raise ScpiError(-108 if arguments else -109)
        values = reach(target, command.asks)(int(number(arguments[0], "integer")))
        return ",".join(
            self._dialect.render(kind, value) for kind, value in zip(command.kinds[1:], values, strict=True)
        )

    def _rendered(self, command: Command, kind: str, target: Any) -> str:
        value = reach(target, command.name)
        if isinstance(command.answer, tuple):
            return command.answer[bool(value)]
        if command.answer is not None:
            values = value if isinstance(value, tuple) else (value,)
            return command.answer.format(*values, channel=target)
        if len(command.kinds) > 1:
            pairs = zip(command.kinds, value, strict=True)
            return ",".join(self._dialect.render(each, item) for each, item in pairs)
        return self._dialect.render(kind, value)

    def _bound(self, command: Command, arguments: list[str], target: Any) -> float:
        """The answer to `VOLT? MAX`."""
        bound = self._named_bound(arguments[0], command.name, target) if len(arguments) == 1 else None
        if bound is None:
            raise ScpiError(-108)
        return bound

    def _named_bound(self, text: str, name: str, target: Any) -> float | None:
        """What MIN, MAX or DEF stands for here; None for another text, or where there are no bounds."""
        limits: tuple[float, float] | None = target.limits(name)
        which = self._dialect.bounds.get(text.upper())
        if limits is None or which is None:
            return None
        return limits[which == "MAX"] if which != "DEF" else target.default(name)

    # -- setting -------------------------------------------------------------------------------------------------

    def _carry_out(self, command: Command, arguments: list[str], targets: list[Any]) -> None:
        if command.way == "read":
            raise ScpiError(-113)
        values = [self._values(command, arguments, target) for target in targets]
        for target, given in zip(targets, values, strict=True):
            path, _, last = command.name.rpartition(".")
            owner = reach(target, path) if path else target
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
        if command.many and len(arguments) > self._most(target):
            raise ScpiError(-223)
        kinds = [*command.kinds, *command.kinds[-1:] * (len(arguments) - most)]
        return [self._value(command, kind, text, target) for kind, text in zip(kinds, arguments, strict=False)]

    def _most(self, target: Any) -> int:
        """How many values a list may have: the steps of an output, the numbers of the sequence memory."""
        steps: int = self._supply.sequence.most if target is self._supply else target.rating.list_steps
        return steps

    def _value(self, command: Command, kind: str, text: str, target: Any) -> Any:
        if kind in _READERS:
            return _READERS[kind](command, text)
        name = command.name if len(command.kinds) == 1 else _LIMIT_OF_KIND.get(kind, "")
        bound = self._named_bound(text, name, target)
        if bound is not None:
            return int(bound) if kind == "integer" else bound
        if command.infinite and text.upper() in ("INF", "INFINITY"):
            return math.inf
        if command.step and text.upper() in _DIRECTIONS:
            value = reach(target, command.name) + _DIRECTIONS[text.upper()] * reach(target, command.step)
        else:
            value = number(text, kind)
        limits = target.limits(name)
        if limits is not None and not limits[0] <= value <= limits[1]:
            raise ScpiError(-222)
        return int(value) if kind == "integer" else value


_DIRECTIONS = {"UP": 1, "DOWN": -1}

_READERS: dict[str, Callable[[Command, str], Any]] = {
    "switch": lambda _, text: switch(text),
    "word": lambda command, text: word(text, command.words),
    "text": lambda _, text: string(text),
    "string": lambda _, text: string(text),
}


def reach(target: Any, name: str) -> Any:
    """What a dialect's dotted name stands for on an output or the instrument."""
    for part in name.split("."):
        target = getattr(target, part)
    return target


_COMMON: dict[str, Callable[[Supply], str | None]] = {
    "*IDN?": lambda supply: supply.dialect.identity,
    "*RST": lambda supply: supply.reset(),
    "*CLS": lambda supply: supply.status.clear(),
    "*ESE?": lambda supply: str(supply.status.event_enable),
    "*ESR?": lambda supply: str(supply.status.read_event()),
    "*OPC": lambda supply: supply.operation_complete(),
    "*OPC?": lambda _: "1",
    "*SRE?": lambda supply: str(supply.status.request_enable),
    "*STB?": lambda supply: str(supply.status.byte),
    "*TRG": lambda supply: supply.trigger(),
    "*TST?": lambda _: "0",
    "*WAI": lambda _: None,
}

_COMMON_WITH_NUMBER: dict[str, Callable[[Supply, int], None]] = {
    "*ESE": lambda supply, value: setattr(supply.status, "event_enable", value),
    "*SRE": lambda supply, value: setattr(supply.status, "request_enable", value),
    "*SAV": lambda supply, value: supply.save_state(value),
    "*RCL": lambda supply, value: supply.recall_state(value),
}
