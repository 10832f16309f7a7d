"""Named faults the virtual module can be given, to prove that the shipped tests can fail.

The list is `defects.yaml`: name, the requirement it breaks, where it sits, and what it does. The firmware asks
`Defects.active` at the one place where a fault bites; the control API changes the set while the bench runs.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

_TABLE = Path(__file__).with_name("defects.yaml")


@dataclass(frozen=True)
class Defect:
    """One named fault: the requirement it breaks and what the module does wrong."""

    name: str
    requirement: str
    where: str
    text: str


class UnknownDefect(ValueError):
    """No defect has this name; the text lists those there are."""


@functools.lru_cache(maxsize=1)
def known() -> dict[str, Defect]:
    """All defects by name, in the order of the table."""
    rows = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return {row["name"]: Defect(**row) for row in rows}


class Defects:
    """The faults the module has now."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._active: frozenset[str] = frozenset()
        self.replace(names)

    def replace(self, names: Iterable[str]) -> None:
        """Have exactly these faults from now on.

        Raises:
            UnknownDefect: one of the names is not in the table; nothing is changed.
        """
        wanted = frozenset(names)
        unknown = sorted(wanted - known().keys())
        if unknown:
            raise UnknownDefect(f"{unknown[0]}: no such defect; known are {', '.join(known())}")
        self._active = wanted

    def active(self, name: str) -> bool:
        """Whether the module has the fault `name` (a misspelt name is a bug of the bench)."""
        assert name in known(), name
        return name in self._active

    @property
    def names(self) -> tuple[str, ...]:
        """The active faults, sorted."""
        return tuple(sorted(self._active))
