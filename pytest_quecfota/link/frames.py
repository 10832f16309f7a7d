"""What passes between framing, the wire and its clients: frames, and what a waiting command needs framed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple


class Line(NamedTuple):
    """One line without its end. `cut`: the end is missing, because it was too long or because the module died in it."""

    text: bytes
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """The module waits for the data of the armed command."""


@dataclass(frozen=True, slots=True)
class Block:
    """Data delimited by length, and the line that announced it. `announced`: a URC did, not the armed command."""

    header: bytes
    payload: bytes
    announced: bool = False


Frame = Line | Prompt | Block


@dataclass(frozen=True, slots=True)
class BlockRule:
    """How a response announces raw data: `header` matches its line, group `length` of it is the number of bytes.

    A length beyond `limit` is no block: a damaged header must not swallow the rest of the run.
    """

    header: re.Pattern[bytes]
    length: int | str = 1
    limit: int = 1 << 20

    def payload_length(self, line: bytes) -> int | None:
        """The number of bytes that follow `line`, or None where it is no header."""
        match = self.header.fullmatch(line)
        if match is None:
            return None
        length = int(match[self.length])
        return length if length <= self.limit else None


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """What a waiting command needs framed beside lines: a prompt, a block. Each comes at most once.

    `repeats`: blocks as often as they come; for whoever listens to the commands of somebody else.
    """

    prompt: bool = False
    block: BlockRule | None = None
    repeats: bool = False
