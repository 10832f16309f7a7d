"""The headers of a SCPI instrument as a tree: patterns such as `[SOURce<n>:]VOLTage[:LEVel]`, each with what it stands for.

Words match in their short or their long form; typed words come in capitals (`scpi.units`). A dialect enters its patterns once
when it is loaded, a session looks typed headers up.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

C = TypeVar("C")

_NODE = re.compile(r"(?P<open>\[)?:?(?P<name>[A-Za-z][A-Za-z0-9]*)(?P<number><n>)?:?(?P<close>\])?")
_MOST_DIGITS = 4
"""Digits of a number in a header; what has more means nothing."""


@dataclass(frozen=True)
class PatternNode:
    """One word of a pattern: its forms, whether a number may follow it, whether it may be left out."""

    names: tuple[str, ...]
    numbered: bool
    optional: bool


@dataclass
class _TreeNode(Generic[C]):
    children: dict[str, _TreeNode[C]] = field(default_factory=dict)
    numbered: dict[str, _TreeNode[C]] = field(default_factory=dict)
    command: C | None = None


class HeaderTree(Generic[C]):
    """All headers of an instrument."""

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
                digits = word[len(name) :]
                child = node.numbered.get(name) if len(digits) <= _MOST_DIGITS else None
                number = int(digits or 1) if child is not None else None
            if child is None:
                return None
            node = child
        return None if node.command is None else (node.command, number)

    def _enter(self, nodes: list[PatternNode], command: C, pattern: str) -> None:
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


def pattern_nodes(pattern: str) -> list[PatternNode]:
    """Read a header pattern. Raises ValueError for one that cannot be."""
    nodes: list[PatternNode] = []
    position = 0
    while position < len(pattern):
        match = _NODE.match(pattern, position)
        if match is None or match.end() == position or bool(match["open"]) != bool(match["close"]):
            raise ValueError(f"{pattern!r} is not a header pattern (at {pattern[position:]!r})")
        name = match["name"]
        nodes.append(PatternNode(tuple({short(name), name.upper()}), bool(match["number"]), bool(match["open"])))
        position = match.end()
    if not nodes or all(node.optional for node in nodes):
        raise ValueError(f"{pattern!r} has no word that must be there")
    return nodes


def short(name: str) -> str:
    """The short form of a word: `VOLTage` -> VOLT, `OUTPut1` -> OUTP1."""
    return "".join(letter for letter in name if not letter.islower())
