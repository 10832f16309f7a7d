"""Keys and switches beside the supply: PWRKEY, RESET_N, a power switch, a step attenuator.

Each is one of a few kinds: a modem line of the module's own port, a GPIO, a command to run, a message to an instrument.
What it does when pressed is the same for all; times that a rig leaves out are the model's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from pytest_quecfota.rig.quantities import Number, Seconds, Whole
from pytest_quecfota.rig.section import Section, Text, VisaAddress

Words = Annotated[tuple[Text, ...], Field(min_length=1, examples=[["usbrelay", "RELAY_1=1"]])]


class _Key(Section):
    hold: Annotated[Seconds | None, Field(description="how long it is pressed; the model's time if left out")] = None
    hold_off: Annotated[Seconds | None, Field(description="pwrkey only: how long it is pressed to switch off")] = None


class SerialLine(_Key):
    """A modem line of the module's port: pressed means asserted, or the other way round if `inverted`."""

    kind: Literal["dtr", "rts"]
    inverted: bool = False


class GpioLine(_Key):
    """A line of a GPIO chip (Linux character device; needs the extra `gpio`)."""

    kind: Literal["gpio"]
    chip: Annotated[Text, Field(examples=["/dev/gpiochip0"])]
    line: Annotated[Whole, Field(ge=0)]
    active_low: bool = False


class Command(_Key):
    """Programs to run: `press`, and `release` where it does not come back by itself."""

    kind: Literal["command"]
    press: Words
    release: Words | None = None
    timeout: Seconds = 10.0


class ScpiMessages(_Key):
    """Messages to an instrument, such as a relay card."""

    kind: Literal["scpi"]
    visa: VisaAddress
    press: Text
    release: Text | None = None


Switch = Annotated[SerialLine | GpioLine | Command | ScpiMessages, Field(discriminator="kind")]


class _Attenuator(Section):
    min_db: Annotated[Number, Field(ge=0)] = 0.0
    max_db: Annotated[Number, Field(gt=0)] = 60.0


class ScpiAttenuator(_Attenuator):
    """A programmable attenuator on VISA; `set` holds `{db}`."""

    kind: Literal["scpi"]
    visa: VisaAddress
    set: Annotated[Text, Field(examples=[":SETATT={db}"])]

    @field_validator("set")
    @classmethod
    def _has_place(cls, message: str) -> str:
        if "{db}" not in message:
            raise ValueError("must hold {db}")
        return message


class CommandAttenuator(_Attenuator):
    """A program that sets the attenuation; one of its words holds `{db}`."""

    kind: Literal["command"]
    set: Annotated[Words, Field(examples=[["attenuate", "{db}"]])]
    timeout: Seconds = 10.0

    @field_validator("set")
    @classmethod
    def _has_place(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if not any("{db}" in word for word in words):
            raise ValueError("one of the words must hold {db}")
        return words


Attenuator = Annotated[ScpiAttenuator | CommandAttenuator, Field(discriminator="kind")]


class Controls(Section):
    """What else can be pressed or turned on this rig."""

    pwrkey: Switch | None = None
    reset: Switch | None = None
    power: Annotated[Switch | None, Field(description="a switch in the module's supply: pressed is on")] = None
    attenuator: Attenuator | None = None
