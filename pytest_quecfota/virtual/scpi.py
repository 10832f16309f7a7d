"""SCPI as text, without any instrument: messages cut into units, headers looked up in a tree, arguments typed.

A program message is units joined by `;`. A header is relative to the path of the unit before it unless it begins with `:`;
common commands (`*…`) leave the path alone (SCPI-99, volume 1, 6.2.4). Words match in their short or their long form, in any
case. Whatever is wrong raises `ScpiError` with the standard's number and text; the instrument queues it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar

C = TypeVar("C")

ERRORS: dict[int, str] = {
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -103: "Invalid separator",
    -104: "Data type error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -131: "Invalid suffix",
    -141: "Invalid character data",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -350: "Error queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
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


_HEADER = re.compile(
    r"(?P<root>:?)(?P<body>\*?[A-Za-z][A-Za-z0-9_]*(?::[A-Za-z][A-Za-z0-9_]*)*)(?P<query>\??)(?:\s+|$)"
)


def split(text: str, separator: str) -> list[str]:
    """Cut a text at a separator, except inside quotes and parentheses."""
    if "(" not in text and '"' not in text and "'" not in text:
        return [part.strip() for part in text.split(separator)]
    parts, start, depth, quote = [], 0, 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == separator and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [part.strip() for part in [*parts, text[start:]]]


def units(message: str) -> list[Unit | ScpiError]:
    """The units of a message, in order; one that cannot be read stands there as the error it is."""
    found: list[Unit | ScpiError] = []
    for part in split(message, ";"):
        if not part:
            continue
        header = _HEADER.match(part)
        if header is None:
            found.append(ScpiError(-102))
            break
        body = header["body"]
        rest = part[header.end() :].strip()
        found.append(
            Unit(
                words=tuple(body.upper().split(":")),
                rooted=bool(header["root"]),
                common=body.startswith("*"),
                query=bool(header["query"]),
                arguments=tuple(split(rest, ",")) if rest else (),
            )
        )
    return found


# -- the tree of headers ---------------------------------------------------------------------------------------------

_NODE = re.compile(r"(?P<open>\[)?:?(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<number><n>)?:?(?P<close>\])?")


@dataclass(frozen=True)
class _PatternNode:
    names: tuple[str, ...]
    numbered: bool
    optional: bool


@dataclass
class _TreeNode(Generic[C]):
    children: dict[str, _TreeNode[C]] = field(default_factory=dict)
    numbered: dict[str, _TreeNode[C]] = field(default_factory=dict)
    command: C | None = None


class HeaderTree(Generic[C]):
    """All headers of an instrument: patterns such as `[SOURce<n>:]VOLTage[:LEVel]`, each with what it stands for."""

    def __init__(self) -> None:
        self._root: _TreeNode[C] = _TreeNode()

    def add(self, pattern: str, command: C) -> None:
        """Enter a pattern. Raises ValueError where it cannot be read or means what another one means already."""
        nodes = pattern_nodes(pattern)
        choices = [(True, False) if node.optional else (True,) for node in nodes]
        for present in itertools.product(*choices):
            self._enter([node for node, there in zip(nodes, present, strict=True) if there], command, pattern)

    def find(self, words: Iterable[str]) -> tuple[C, int | None] | None:
        """What typed words stand for, and the number that stood in them; None if they mean nothing here."""
        node, number = self._root, None
        for word in words:
            child = node.children.get(word)
            if child is None:
                name = word.rstrip("0123456789")
                child = node.numbered.get(name)
                number = int(word[len(name) :] or 1)
            if child is None:
                return None
            node = child
        return None if node.command is None else (node.command, number)

    def _enter(self, nodes: list[_PatternNode], command: C, pattern: str) -> None:
        places = [self._root]
        for node in nodes:
            fresh: _TreeNode[C] = _TreeNode()
            following: list[_TreeNode[C]] = []
            for place in places:
                table = place.numbered if node.numbered else place.children
                for name in node.names:
                    following.append(table.setdefault(name, fresh))
            places = list({id(place): place for place in following}.values())
        for place in places:
            if place.command is not None and place.command is not command:
                raise ValueError(f"{pattern} means what another header means already")
            place.command = command


def pattern_nodes(pattern: str) -> list[_PatternNode]:
    """Read a header pattern. Raises ValueError for one that cannot be."""
    nodes: list[_PatternNode] = []
    position = 0
    while position < len(pattern):
        match = _NODE.match(pattern, position)
        if match is None or match.end() == position or bool(match["open"]) != bool(match["close"]):
            raise ValueError(f"{pattern!r} is not a header pattern (at {pattern[position:]!r})")
        name = match["name"]
        nodes.append(_PatternNode(tuple({_short(name), name.upper()}), bool(match["number"]), bool(match["open"])))
        position = match.end()
    if not nodes or all(node.optional for node in nodes):
        raise ValueError(f"{pattern!r} has no word that must be there")
    return nodes


def _short(name: str) -> str:
    """The short form of a word: `VOLTage` -> VOLT, `OUTPut1` -> OUTP1."""
    return "".join(letter for letter in name if not letter.islower())


# -- arguments -------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<unit>[A-Za-z]*)")
_PREFIXES = {"": "", "K": "e3", "M": "e-3", "U": "e-6", "N": "e-9"}
_UNITS = {"volts": "V", "amps": "A", "seconds": "S", "integer": "", "number": ""}
_SWITCH = {"ON": True, "1": True, "OFF": False, "0": False}


def number(text: str, kind: str) -> float:
    """A numeric argument of a kind (`volts`, `amps`, `seconds`, `integer`, `number`), in the kind's unit.

    Raises ScpiError: -104 no number, -131 a unit that does not fit.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ScpiError(-104)
    suffix, unit = match["unit"].upper(), _UNITS[kind]
    if not suffix:
        return float(match["number"])
    if not unit or not suffix.endswith(unit) or suffix[: -len(unit)] not in _PREFIXES:
        raise ScpiError(-131)
    return float(Decimal(match["number"]) * Decimal("1" + _PREFIXES[suffix[: -len(unit)]]))


def switch(text: str) -> bool:
    """ON, OFF, 1 or 0. Raises ScpiError."""
    try:
        return _SWITCH[text.upper()]
    except KeyError:
        raise ScpiError(-224 if _NUMBER.fullmatch(text) else -141) from None


def word(text: str, choices: Iterable[str]) -> str:
    """One of several words in short or long form (`IMMediate`); returns its short form. Raises ScpiError."""
    typed = text.upper()
    for choice in choices:
        short = _short(choice)
        if typed in (short, choice.upper()):
            return short
    raise ScpiError(-224)


_CHANNELS = re.compile(r"\(\s*@\s*(\d+(?::\d+)?(?:\s*,\s*\d+(?::\d+)?)*)\s*\)")


def channel_list(text: str) -> list[int] | None:
    """The channels of `(@1,3:4)`; None where the text is not a channel list."""
    match = _CHANNELS.fullmatch(text)
    if match is None:
        return None
    channels: list[int] = []
    for part in match[1].split(","):
        first, _, last = part.partition(":")
        channels += range(int(first), int(last or first) + 1)
    return channels
