"""What a command is: which forms it has, which parameters it takes, who answers it.

The tables in `identity`, `system`, `modem`, `quecthing` and `updates` list `Command`s; the interpreter looks a
request up, checks its values against the parameters and calls the handler. A handler returns the information lines
and raises `AtError` to refuse.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .syntax import Form, Request, Value

if TYPE_CHECKING:
    from .core import Firmware

Answer = Sequence[str | bytes]
"""Information lines of a response; bytes are sent raw."""

Handler = Callable[..., Awaitable[Answer]]


class AtError(Exception):
    """The command is refused. `code` is what +CME ERROR shows where AT+CMEE asks for it (3GPP TS 27.007 section 9.2)."""

    def __init__(self, code: int = 3) -> None:
        super().__init__(code)
        self.code = code


#: Texts of the +CME ERROR codes used here (3GPP TS 27.007 section 9.2).
CME_TEXT = {3: "operation not allowed", 4: "operation not supported", 50: "incorrect parameters", 58: "unknown"}
INCORRECT = 50

#: With which QuecThing version a flavour got the first AT+QIOT commands (IOT docs, supported versions).
SINCE_FIRST = {"nb": "2.1.2", "cellular": "2.3.3"}


@dataclass(frozen=True)
class Integer:
    """An unquoted integer parameter in low…high."""

    low: int
    high: int
    optional: bool = False

    def takes(self, value: Value) -> bool:
        """Whether `value` is allowed here."""
        return isinstance(value, int) and self.low <= value <= self.high


@dataclass(frozen=True)
class Text:
    """A quoted string parameter of at most `longest` characters."""

    longest: int = 255
    shortest: int = 0
    optional: bool = False

    def takes(self, value: Value) -> bool:
        """Whether `value` is allowed here."""
        return isinstance(value, str) and self.shortest <= len(value) <= self.longest


@dataclass(frozen=True)
class Anything:
    """A parameter whose type depends on the ones before it; the handler checks it."""

    optional: bool = True

    def takes(self, value: Value) -> bool:
        """Always: the handler decides."""
        del value
        return True


Parameter = Integer | Text | Anything


@dataclass(frozen=True)
class Command:
    """One AT command. A form that is None answers ERROR; `test` may be fixed text. `plain_error`: never +CME ERROR.

    `since`: the QuecThing version it came with, by flavour; a flavour that is not named has it not, None: it is no matter.
    `until`: the version it went with.
    """

    name: str
    test: Sequence[str] | Handler | None = None
    read: Handler | None = None
    write: Handler | None = None
    execute: Handler | None = None
    parameters: tuple[Parameter, ...] = ()
    plain_error: bool = False
    since: Mapping[str, str] | None = None
    until: Mapping[str, str] | None = None

    def refuses(self, request: Request) -> bool:
        """Whether number or types of the values of a write do not fit."""
        values: tuple[Any, ...] = request.values
        if len(values) > len(self.parameters):
            return True
        padded = [*values, *([None] * (len(self.parameters) - len(values)))]
        return not all(
            (value is None and parameter.optional) or parameter.takes(value)
            for parameter, value in zip(self.parameters, padded, strict=True)
        )

    async def answer(self, firmware: Firmware, request: Request) -> Answer:
        """Carry the request out.

        Raises:
            AtError: the form does not exist, the values do not fit, or the handler refuses.
        """
        if request.form is Form.TEST:
            if self.test is None:
                raise AtError
            return await self.test(firmware) if callable(self.test) else self.test
        if request.form is Form.READ:
            if self.read is None:
                raise AtError
            return await self.read(firmware)
        handler = self.write if request.form is Form.WRITE else self.execute
        if handler is None:
            raise AtError
        takes_values = self.write is not None and request.form is Form.WRITE
        if takes_values and self.refuses(request):
            raise AtError(INCORRECT)
        return await handler(firmware, *request.values)


def table(*commands: Command) -> dict[str, Command]:
    """Commands by name; a name twice is a bug."""
    found = {command.name: command for command in commands}
    assert len(found) == len(commands)
    return found


def merge(tables: Iterable[dict[str, Command]]) -> dict[str, Command]:
    """One table of all; a name twice is a bug."""
    merged: dict[str, Command] = {}
    for one in tables:
        assert not merged.keys() & one.keys(), merged.keys() & one.keys()
        merged.update(one)
    return merged
