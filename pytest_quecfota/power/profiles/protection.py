"""What keeps the module whole: the supply's own protections, and which messages carry a voltage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator

from pytest_quecfota.power.profiles.answers import Answer
from pytest_quecfota.power.profiles.data import Data, Message, Regex, fill

_LEVEL = frozenset({"channel", "level"})
_CHANNEL = frozenset({"channel"})


class Guard(Data):
    """One protection of an output: `{level}` is in volts or amperes.

    `read` asks for the level, whose answer `level` reads; `tripped` asks whether it has switched the output off, whose answer
    `trip` reads. `margin` is how far above the rig's limit it is set at least (V or A): what the level's own accuracy may eat up.
    """

    set: tuple[Message, ...] = ()
    enable: tuple[Message, ...] = ()
    read: Message | None = None
    level: Answer = Answer()
    tripped: Message | None = None
    trip: Answer = Answer()
    clear: tuple[Message, ...] = ()
    margin: Annotated[float, Field(ge=0)] = 0.1

    def set_messages(self, channel: int, level: float) -> list[str]:
        """What sets the level and switches the protection on."""
        return [fill(text, channel=channel, level=level) for text in (*self.set, *self.enable)]

    def templates(self, name: str) -> Iterator[tuple[str, tuple[str, ...], frozenset[str]]]:
        """Each template with where it stands and what may be filled in."""
        yield f"{name}.set", self.set, _LEVEL
        yield f"{name}.enable", self.enable, _CHANNEL
        yield f"{name}.read", (self.read,) if self.read else (), _CHANNEL
        yield f"{name}.tripped", (self.tripped,) if self.tripped else (), _CHANNEL
        yield f"{name}.clear", self.clear, _CHANNEL


class Protection(Data):
    """The protections a family has; None: it has none."""

    over_voltage: Guard | None = None
    over_current: Guard | None = None

    def templates(self) -> Iterator[tuple[str, tuple[str, ...], frozenset[str]]]:
        """Each template with where it stands and what may be filled in."""
        for name in ("over_voltage", "over_current"):
            guard: Guard | None = getattr(self, name)
            if guard is not None:
                yield from guard.templates(f"protection.{name}")


class Carrier(Data):
    """Messages that carry voltages: `pattern` finds them, its group `volts` holds numbers separated by commas.

    `stride`: every n-th number is a voltage, counted from `offset` (`ARB:DATA` of V,I,t triples: 3, from 0).
    """

    pattern: Regex
    stride: Annotated[int, Field(ge=1, le=8)] = 1
    offset: Annotated[int, Field(ge=0, le=7)] = 0

    @field_validator("pattern")
    @classmethod
    def _has_volts(cls, pattern: str) -> str:
        if "volts" not in re.compile(pattern).groupindex:
            raise ValueError("the pattern needs a group named volts: (?P<volts>…)")
        return pattern
