r"""Finding the few URC lines in a flood of foreign log lines, at C speed.

`link.framing` reads chunks of up to 64 KiB in which perhaps one line of a hundred is the module's. It need not cut
foreign lines at all: it asks for the offsets of lines that `urc.parse` could type, and cuts only those.

How to use what is here, fastest first (measured with 80-byte log lines, one URC in a hundred, 2.1 GHz core)::

    for offset in candidates(chunk): ...    # 11 M lines/s; the chunk begins at the start of a line
    NEXT_LINE.finditer(chunk)               # 11 M lines/s; matches from the "\n" before the line on
    CANDIDATE.finditer(chunk)               # 1.3 M lines/s: `^` is tried at every byte
    CANDIDATE.match(line)                   # one line

To look for more in one pass (final results, prompts), compile `rb"\n" + NOISE_CLASS + rb"*(?=[+OE...])(?:OK|ERROR|" +
HEADS + rb")"`: it is the literal `\n` in front, and the set of first characters, that make it fast. All patterns are
free of groups and match a superset of what `parse` types: every line that it types, and a few that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_quecfota.urc.parsing import NAMES, NOISE, WORDS


def _alternatives() -> bytes:
    names = b"|".join(re.escape(name[1:].encode()) for name in sorted(NAMES))
    words = b"|".join(re.escape(word.encode()) for word in sorted(WORDS))
    return rb"\+(?:" + names + rb"):|" + words


NOISE_CLASS = b"[" + b"".join(b"\\x%02x" % byte for byte in NOISE if byte != 0x0A) + b"]"
"""A character class: bytes that may stand before a line without being part of it."""

HEADS = _alternatives()
"""The beginnings of all lines that `parse` types, as alternatives for a larger pattern (put them into a group)."""

FIRST = bytes(sorted({ord("+"), *(ord(word[0]) for word in WORDS)}))
"""The characters such a line may begin with."""

_BODY = NOISE_CLASS + rb"*(?=[" + re.escape(FIRST) + rb"])(?:" + HEADS + rb")"

CANDIDATE: re.Pattern[bytes] = re.compile(rb"(?m:^)" + _BODY)
"""Matches, at the start of a line, everything `parse` can type."""

NEXT_LINE: re.Pattern[bytes] = re.compile(rb"\n" + _BODY)
"""The same from the line feed before the line on: cheap to search for."""


def candidates(chunk: bytes, start: int = 0) -> Iterator[int]:
    """Offsets of the lines in `chunk` that may be URCs, in order; `start` is the beginning of a line.

    An offset may point at noise before the URC; `parse` drops it.
    """
    if CANDIDATE.match(chunk, start):
        yield start
    for match in NEXT_LINE.finditer(chunk, start):
        yield match.start() + 1
