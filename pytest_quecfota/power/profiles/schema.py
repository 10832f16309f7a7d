"""What a supply profile may say: one family of supplies as message templates, ways to read answers, and limits.

A profile is data and runs nothing: a supply that nobody here has seen needs a file, not code. Everything is checked when it is
read: names that nobody knows, templates with places that nobody fills, numbers out of range. Engines (lists, batteries) stand in
`engines`, protections and forbidden messages in `protection`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from pytest_quecfota.power.profiles.answers import Answer
from pytest_quecfota.power.profiles.data import Data, Message, Regex, Seconds, fill, places
from pytest_quecfota.power.profiles.engines import BatteryEngine, Engine
from pytest_quecfota.power.profiles.protection import Carrier, Protection

PLACES = frozenset({"channel", "voltage", "current", "nominal"})
ASKED = (
    *("read_voltage", "read_current", "read_output", "measure_voltage", "measure_current", "error"),
    "charge",
)
"""Queries whose answers a profile may describe; `charge` is the battery's."""
Kind = Literal["SOCKET", "HISLIP", "VXI11", "ASRL", "USB", "GPIB"]


class Serial(Data):
    """How a serial line is set: baud, bits, parity, stop bits."""

    baudrate: Annotated[int, Field(ge=300, le=4_000_000)] = 9600
    data_bits: Annotated[int, Field(ge=7, le=8)] = 8
    parity: Literal["none", "odd", "even"] = "none"
    stop_bits: Literal[1, 2] = 1


class Transport(Data):
    """How messages travel; `command_gap` is the least time between two messages, in seconds.

    An empty `read_termination` says that answers have no end: their length must then be known (`Answer.length`), or they are
    over when nothing comes for `quiet` seconds.
    """

    recommended: str
    kinds: tuple[Kind, ...] = ("SOCKET",)
    read_termination: str = "\n"
    write_termination: str = "\n"
    command_gap: Annotated[float, Field(ge=0, le=5)] = 0.0
    quiet: Annotated[float, Field(gt=0, le=1)] = 0.1
    serial: Serial | None = None


class Commands(Data):
    """Message templates; `{channel}`, `{voltage}` (V) and `{current}` (A) are filled in.

    What a family lacks is left out: without `error` a setting is proven by reading it back.
    """

    voltage: Message
    current: Message
    on: Message
    off: Message
    read_voltage: Message
    read_current: Message
    read_output: Message | None = None
    measure_voltage: Message
    measure_current: Message
    error: Message | None = None
    acknowledge: Message | None = None
    clear: Message | None = None


class Slew(Data):
    """How fast the output follows: volts per second each way, and the messages that set it where it can be set."""

    rise: Annotated[float, Field(gt=0)] | None = None
    fall: Annotated[float, Field(gt=0)] | None = None
    settle: Seconds | None = None
    set: tuple[Message, ...] = ()


class Sink(Data):
    """The output takes current in, so that a cut pulls the rail down; `current` in amperes where it is known."""

    current: Annotated[float, Field(gt=0)] | None = None


class Resolution(Data):
    """The smallest step of a setting (V, A): within it, what is read back is what was set."""

    voltage: Annotated[float, Field(gt=0)] = 0.001
    current: Annotated[float, Field(gt=0)] = 0.001


class Profile(Data):
    """One family of supplies.

    `setup` is sent once the connection stands (`SYST:REM`). `explain` is asked after an error, for its number. `reads_back`: a
    setting counts when it is read back as it was set, because the family has no error queue or one that says little. `never`:
    messages that are never sent, by regular expression, with the reason. `carriers`: messages of this family that carry a
    voltage, beside the usual ones. `compound` joins commands into one message; null: one command a message.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")]
    title: Annotated[str, Field(min_length=1)]
    identify: Regex
    channels: Annotated[int, Field(ge=1, le=16)]
    transport: Transport
    commands: Commands
    setup: tuple[Message, ...] = ()
    answers: dict[str, Answer] = Field(default_factory=dict)
    explain: tuple[Message, ...] = ()
    list_engine: Engine | None = Field(default=None, alias="list")
    battery: BatteryEngine | None = None
    protection: Protection = Protection()
    slew: Slew | None = None
    sink: Sink | None = None
    resolution: Resolution = Resolution()
    reads_back: bool = False
    safe_off: tuple[Message, ...] = ()
    never: dict[Regex, str] = Field(default_factory=dict)
    carriers: tuple[Carrier, ...] = ()
    compound: str | None = ";:"
    no_error: Regex = r"^\+?0(?![\d.])"
    unconfirmed: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _sound(self) -> Profile:
        for where, texts, known in self._templates():
            for text in texts:
                if unknown := places(text) - known:
                    raise _wrong(where, f"nobody fills in {_braces(unknown)}; there are {_braces(known)}")
                if self.compound is None and ";" in text:
                    raise _wrong(where, "two commands in one message, and `compound: null` says one a message")
                for pattern, why in self.never.items():
                    if re.search(pattern, text):
                        raise _wrong(where, f"`never` forbids it ({pattern}: {why})")
        if strange := sorted(set(self.answers) - set(ASKED)):
            raise _wrong(f"answers.{strange[0]}", f"is asked by nobody; there are {', '.join(ASKED)}")
        if self.commands.error is None and self.commands.read_output is None:
            raise _wrong("commands", "without `error` a supply proves its switch by `read_output`")
        return self

    def message(self, *commands: str, **values: float) -> str:
        """The named commands as one message, filled in: `message("voltage", "on", voltage=3.3, channel=1)`.

        Raises:
            ValueError: this family takes one command a message, or has no such command.
        """
        texts = [self.single(name, **values) for name in commands]
        if len(texts) > 1 and self.compound is None:
            raise ValueError(f"{self.name} takes one command a message, not {', '.join(commands)} at once")
        return (self.compound or "").join(texts)

    def single(self, command: str, **values: float) -> str:
        """One command, filled in. Raises ValueError where the family has none."""
        template = getattr(self.commands, command)
        if template is None:
            raise ValueError(f"{self.title} has no command for {command}")
        return fill(template, **values)

    def answer(self, command: str) -> Answer:
        """How the answer to a query is read."""
        return self.answers.get(command) or Answer()

    def setup_messages(self, channel: int) -> tuple[str, ...]:
        """What is sent once the connection stands."""
        return tuple(fill(text, channel=channel) for text in self.setup)

    def is_clean(self, told: str) -> bool | None:
        """Whether the answer to `error` says that there is none; None where it says nothing of the kind."""
        answer = self.answers.get("error")
        if answer is not None and answer.word is not None:
            raised = answer.flag(told, 0)
            return None if raised is None else not raised
        if re.search(self.no_error, told):
            return True
        return False if re.match(r"[-+]?\d+(?![\d.])", told) else None

    def _templates(self) -> Iterator[tuple[str, tuple[str, ...], frozenset[str]]]:
        commands = self.commands.model_dump(exclude_none=True)
        yield from ((f"commands.{name}", (text,), PLACES) for name, text in commands.items())
        yield "setup", self.setup, frozenset({"channel"})
        yield "explain", self.explain, frozenset({"channel"})
        yield "safe_off", self.safe_off, frozenset({"channel"})
        yield from self.protection.templates()
        if self.slew is not None:
            yield "slew.set", self.slew.set, frozenset({"channel", "rise", "fall"})
        if self.list_engine is not None:
            yield from self.list_engine.templates()
        if self.battery is not None:
            yield from self.battery.templates()


def _wrong(where: str, what: str) -> PydanticCustomError:
    """Something wrong at a dotted place of the profile."""
    return PydanticCustomError("profile", "{where}: {what}", {"where": where, "what": what})


def _braces(names: Any) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))
