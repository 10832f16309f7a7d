"""Supplies as data: one YAML per family says how it is recognised, commanded and read.

A profile holds message templates and nothing that runs: a supply this package has never seen needs a file, not code.
"""

from __future__ import annotations

import difflib
import functools
import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


Regex = Annotated[str, AfterValidator(_regex)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Transport(_Data):
    """How messages travel; `command_gap` is the least time between two messages, in seconds."""

    recommended: str
    read_termination: str = "\n"
    write_termination: str = "\n"
    command_gap: float = Field(default=0.0, ge=0)


class Commands(_Data):
    """Message templates; `{channel}`, `{voltage}` (V) and `{current}` (A) are filled in."""

    voltage: str
    current: str
    on: str
    off: str
    read_voltage: str
    read_current: str
    read_output: str
    measure_voltage: str
    measure_current: str
    error: str
    acknowledge: str
    clear: str


class ListEngine(_Data):
    """A list engine: how a waveform is loaded, started and taken away; times in seconds.

    `{voltages}` and `{dwells}` are filled in as comma-separated numbers.
    """

    min_dwell: float = Field(gt=0)
    max_steps: int = Field(ge=2)
    load: tuple[str, ...]
    start: str
    disarm: tuple[str, ...]


class Profile(_Data):
    """One family of supplies."""

    name: str
    title: str
    identify: Regex
    channels: int = Field(ge=1)
    transport: Transport
    commands: Commands
    list_engine: ListEngine | None = Field(default=None, alias="list")
    compound: str | None = ";:"
    no_error: Regex = r"^\+?0\b"
    is_on: Regex = r"(?i)^\+?(1|ON)$"
    unconfirmed: tuple[str, ...] = ()

    def message(self, *commands: str, **values: float) -> str:
        """The named commands as one message, filled in: `message("voltage", "on", voltage=3.3, channel=1)`."""
        texts = [getattr(self.commands, name).format(**values) for name in commands]
        if len(texts) > 1 and self.compound is None:
            raise ValueError(f"{self.name} takes one command a message, not {', '.join(commands)} at once")
        return (self.compound or "").join(texts)


def profile_names() -> list[str]:
    """The names of the profiles that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@functools.cache
def load_profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        ValueError: there is none; the text lists those there are.
    """
    path = FOLDER / f"{name}.yaml"
    if name not in profile_names():
        near = difflib.get_close_matches(name, profile_names(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no supply profile {name!r}{hint} There are: {', '.join(profile_names())}")
    return Profile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
