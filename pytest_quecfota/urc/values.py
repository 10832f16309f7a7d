"""The values between the commas of a printed line, typed: `1,"a",,b` -> (1, "a", None, "b").

Used by `urc.parsing` and `urc.exchange`. Strict where it matters: a digit run with a leading zero is an identifier, not
a number, and a bare value with anything but printable ASCII is line noise, not a value.
"""

from __future__ import annotations

import re

from pytest_quecfota.urc.base import Value

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_ITEM = re.compile(r'[ \t]*(?:"([^"]*)"[ \t]*|([ \t!#-+\--~]*))(,|\Z)')
_BARE_LIST = re.compile(r"[ \t!#-~]*")


def split(text: str) -> tuple[Value, ...] | None:
    """The values in `text`; None where quotes or characters are not those of a module's line."""
    if '"' not in text:
        return tuple(map(_bare, text.split(","))) if _BARE_LIST.fullmatch(text) else None
    found: list[Value] = []
    position = 0
    while True:
        item = _ITEM.match(text, position)
        if item is None:
            return None
        quoted, bare, comma = item.groups()
        found.append(_bare(bare) if quoted is None else quoted)
        if not comma:
            return tuple(found)
        position = item.end()


def _bare(text: str) -> Value:
    """An unquoted value: a number, a text, None if empty."""
    text = text.strip(" \t")
    if _INTEGER.fullmatch(text):
        return int(text)
    return text or None
