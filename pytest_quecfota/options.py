"""The options of the plugin: each is a flag, an environment variable and an ini option, in this order of weight."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in YES | NO:
        raise ValueError(f"{text!r} is neither yes nor no")
    return word in YES


@dataclass(frozen=True)
class Option:
    """One option. `convert` turns the text of environment and ini into its value; a flag takes no value."""

    flag: str
    help: str
    default: Any
    convert: Callable[[str], Any] = str
    metavar: str | None = None
    repeats: bool = False

    @property
    def dest(self) -> str:
        return "quecfota_" + self.flag.lstrip("-").removeprefix("quecfota-").replace("-", "_")

    @property
    def variable(self) -> str:
        return self.dest.upper()

    @property
    def ini(self) -> str:
        return self.dest


OPTIONS = (
    Option(
        "--rig",
        "the rig to run on: the stem of a file in --rig-dir, or a path; several with commas",
        [],
        _names,
        "NAME|PATH",
    ),
    Option("--rig-dir", "the folder of rig files (default: rigs)", Path("rigs"), Path, "DIR"),
    Option("--rig-wait", "seconds to wait for a rig that another run holds (default: 0)", 0.0, float, "SECONDS"),
    Option("--rig-each", "run every test on every rig given", False, _flag),
    Option("--rig-max-faults", "abort after so many bench faults in a row (default: 4)", 4, int, "N"),
    Option("--full", "also run what is marked nightly on a virtual or sped-up rig", False, _flag),
    Option("--evidence", "the folder for evidence (default: evidence)", Path("evidence"), Path, "DIR"),
    Option("--firmware", "a folder of real firmware files to upgrade to", None, Path, "DIR"),
    Option("--campaign-points", "how many moments a campaign disturbs", None, int, "N"),
    Option("--campaign-resume", "go on with the last campaign", False, _flag),
    Option("--campaign-point", "repeat one disturbed upgrade", None, str, "ID"),
    Option("--replay", "judge the timelines of an evidence folder again", None, Path, "DIR"),
    Option("--defect", "give the virtual module a named fault (`list` names them)", [], _names, "NAME", repeats=True),
    Option("--quecfota-seed", "what random choices start from (default: the rig file's, else 1)", None, int, "N"),
)
BY_FLAG = {option.flag: option for option in OPTIONS}


def add(parser: pytest.Parser) -> None:
    """Declare all options as flags and ini options."""
    group = parser.getgroup("quecfota", "firmware updates over the air on a rig")
    for option in OPTIONS:
        if option.convert is _flag:
            group.addoption(option.flag, dest=option.dest, action="store_true", default=None, help=option.help)
        else:
            action = "append" if option.repeats else "store"
            group.addoption(
                option.flag, dest=option.dest, action=action, default=None, metavar=option.metavar, help=option.help
            )
        parser.addini(option.ini, f"{option.help} [{option.flag}, {option.variable}]", default="")


def get(config: pytest.Config, flag: str) -> Any:
    """The value of an option: flag, else environment, else ini, else its default.

    Raises:
        pytest.UsageError: a text that cannot be converted; names where it stands.
    """
    option = BY_FLAG[flag]
    given = config.getoption(option.dest)
    sources: list[tuple[str, Any]] = [
        (option.flag, given),
        (option.variable, os.environ.get(option.variable)),
        (f"ini option {option.ini}", config.getini(option.ini)),
    ]
    for where, value in sources:
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            return value
        texts = value if isinstance(value, list) else [value]
        try:
            converted = [option.convert(text) for text in texts]
        except ValueError as error:
            raise pytest.UsageError(f"{where}: {error}; {option.help}") from None
        return list(itertools.chain(*converted)) if isinstance(option.default, list) else converted[-1]
    return option.default
