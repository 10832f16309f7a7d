"""SCPI as text, without any instrument: a program message cut into units.

A message is units joined by `;`. A header is relative to the path of the unit before it unless it begins with `:`; common
commands (`*…`) leave the path alone (SCPI-99, volume 1, 6.2.4). What the headers mean is looked up in a `scpi_tree`, arguments
are read by `scpi_values`. Whatever is wrong raises `ScpiError` with the standard's number and text; the instrument queues it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ERRORS: dict[int, str] = {
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -111: "Header separator error",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -123: "Exponent too large",
    -124: "Too many digits",
    -131: "Invalid suffix",
    -141: "Invalid character data",
    -151: "Invalid string data",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -350: "Error queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
}
"""Numbers and texts of the standard (SCPI-99, volume 2, 21.8)."""


class ScpiError(Exception):
    """A command the instrument does not take: `code` and `text` are what its error queue will say."""

    def __init__(self, code: int, text: str | None = None) -> None:
        self.code = code
        self.text = text if text is not None else ERRORS[code]
        super().__init__(f"{code},{self.text}")


@dataclass(frozen=True)
class Unit:
    """One unit of a message as it was typed: its words, whether the header began at the root, whether it asks."""

    words: tuple[str, ...]
    rooted: bool
    common: bool
    query: bool
    arguments: tuple[str, ...]


BLANKS = " \t\r"
"""What may stand between the parts of a message."""

_WORD = "[A-Za-z][A-Za-z0-9_]*"
_HEADER = re.compile(rf"(?P<root>:?)(?P<body>{_WORD}(?::{_WORD})*)(?P<query>\??)")
_COMMON = re.compile(r"(?P<root>)(?P<body>\*[A-Za-z]+)(?P<query>\??)")
_FOREIGN = re.compile(r"[^\t\r -~]")
"""What no program message holds outside of a string."""


def split(text: str, separator: str) -> list[str]:
    """Cut a text at a separator, except inside quotes and parentheses."""
    if "(" not in text and '"' not in text and "'" not in text:
        return [part.strip(BLANKS) for part in text.split(separator)]
    parts, start, depth, quote = [], 0, 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "(":
            depth += 1
        elif character == ")":
            depth = max(0, depth - 1)
        elif character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part.strip(BLANKS) for part in [*parts, text[start:]]]


def units(message: str) -> list[Unit | ScpiError]:
    """The units of a message, in order; one that cannot be read stands there as the error it is, and ends the message."""
    found: list[Unit | ScpiError] = []
    for part in split(message, ";"):
        if not part:
            continue
        try:
            found.append(_unit(part))
        except ScpiError as error:
            found.append(error)
            break
    return found


def _unit(part: str) -> Unit:
    header = (_COMMON if part.startswith("*") else _HEADER).match(part)
    if header is None:
        raise ScpiError(-101 if _FOREIGN.search(part) else -102)
    rest = part[header.end() :]
    if rest and rest[0] not in BLANKS:
        raise ScpiError(-101 if _FOREIGN.match(rest) else -111)
    arguments = tuple(split(rest, ",")) if rest else ()
    for argument in arguments:
        _check(argument)
    body = header["body"]
    return Unit(
        words=tuple(body.upper().split(":")),
        rooted=bool(header["root"]),
        common=body.startswith("*"),
        query=bool(header["query"]),
        arguments=arguments,
    )


def _check(argument: str) -> None:
    """A string has to end, once, and only a string may hold any character."""
    if argument[:1] in ("'", '"'):
        quote = argument[0]
        if len(argument) < 2 or not argument.endswith(quote) or argument[1:-1].replace(2 * quote, "").count(quote):
            raise ScpiError(-151)
    elif _FOREIGN.search(argument):
        raise ScpiError(-101)
