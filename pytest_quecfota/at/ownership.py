"""Whose line is it: the answer to the command that waits, or said by the module on its own account?

`exchange` asks here for every line that comes while a command waits. The rules:

* `+NAME: …` answers a command that names `+NAME`, unless it is a URC of that name: after a write (`AT+CFUN=1`) it
  always is; after a read, `+CEREG: 1` is one (the answer has two numbers, `+CEREG: 0,1`; 3GPP TS 27.007, 7.1, 10.1.20
  and 10.1.22).
* Any other line that `urc` can type is a URC. `+QIOTEVT` is never an answer.
* `+OTHER: …` is not the answer to a command that has a name; everything else (`Quectel`, `Revision: …`) is.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from pytest_quecfota.at import values

_NAME = re.compile(r"(?:^AT|;)([+$^%#*][A-Z][A-Z0-9]*)(=\?|\?|=)?")
_LINE_NAME = re.compile(r"([+$^%#*][A-Z][A-Z0-9]*) ?:")
_QUOTED = re.compile(r'"[^"]*"')
_FINAL = re.compile(r"OK|ERROR|ABORTED|\+CM[ES] ERROR: ?.*")
_REGISTRATION = frozenset({"+CREG", "+CGREG", "+CEREG", "+C5GREG"})
_EVENTS = frozenset({"+QIOTEVT", "+QIOTSUBEVT"})


class Whose(enum.Enum):
    """Where a line belongs."""

    ANSWER = "answer"
    NAMED_ANSWER = "answer that bears the command's name"
    URC = "URC"
    OTHER = "neither"


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as its answer is recognised: `names` like `+CSQ`; `queries` where it reads or tests (`?`, `=?`)."""

    text: str
    names: frozenset[str]
    queries: bool


def asked(command: str) -> Asked:
    """`command` as it is typed, checked. Raises `ValueError` for what cannot be one command line."""
    text = command.strip()
    if not text[:2].upper() == "AT":
        raise ValueError(f"{command!r} is no AT command")
    if not text.isprintable():
        raise ValueError(f"{command!r} has control characters; data goes behind a prompt (prompt_data)")
    found = _NAME.findall(_QUOTED.sub('""', text).upper())
    return Asked(text, frozenset(name for name, _ in found), any(form in ("?", "=?") for _, form in found))


def is_final(line: str) -> bool:
    """The line ends a response."""
    return _FINAL.fullmatch(line) is not None


def whose(line: str, command: Asked, typed: bool) -> Whose:
    """Where `line`, which is neither echo nor final, belongs; `typed`: the vocabulary of URCs knows it."""
    match = _LINE_NAME.match(line)
    name = match[1] if match is not None else None
    if name in command.names and name not in _EVENTS:
        return Whose.URC if _unsolicited(line, name, command, typed) else Whose.NAMED_ANSWER
    if typed or name in _EVENTS:
        return Whose.URC
    if name is not None and command.names:
        return Whose.OTHER
    return Whose.ANSWER


def _unsolicited(line: str, name: str | None, command: Asked, typed: bool) -> bool:
    if not command.queries:
        return typed
    if name not in _REGISTRATION:
        return False
    parameters = values.parse(line.partition(":")[2])
    return (
        bool(parameters) and isinstance(parameters[0], int) and not isinstance(parameters[1:2] and parameters[1], int)
    )
