"""Where something stands in a rig file, and what is wrong there."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, order=True)
class Problem:
    """One line for a person: `rigs/bench2.yaml:7:7: module.prot: unknown key; did you mean 'port'?`."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


@dataclass(frozen=True)
class Place:
    """A file with a line and a column, both counted from 1."""

    path: Path
    line: int
    column: int

    def problem(self, what: str, remedy: str = "") -> Problem:
        """That `what` is wrong here, and what would be right."""
        return Problem(shown(self.path), self.line, self.column, f"{what}; {remedy}" if remedy else what)


def shown(path: Path) -> str:
    """`path` as a person would write it: relative where it is below the working directory."""
    try:
        return os.fspath(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return os.fspath(path)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'port'?`, or the list of what is known where nothing is near."""
    names = sorted(known)
    near = nearest(word, names)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"known: {', '.join(names)}" if names else "nothing may stand here"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that `word` most likely stands for, None where none is near."""
    folded = {name.casefold(): name for name in sorted(known)}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None
