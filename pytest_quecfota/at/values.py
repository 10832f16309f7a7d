"""Parameter values of AT lines: text to Python and back.

`1,"a",-3` is `[1, "a", -3]`: what is quoted is text, what looks like a decimal integer is an `int`, what is left out is None, all
else (`READY`, `(0-2)`, `57%`, `0017`) is text as it stands. A comma inside quotes or parentheses separates nothing.
"""

from __future__ import annotations

import re
from collections.abc import Container

Value = int | str | None

_PARAMETER = re.compile(r'((?:"[^"]*"|\((?:[^()"]|"[^"]*")*\)|[^,])*)(,|$)')
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_UNSENDABLE = re.compile(r'["\x00-\x1f\x7f]')


def parse(text: str) -> list[Value]:
    """The values of `text`, the part of an information line behind its colon. Never raises; an empty text has no values."""
    text = text.strip()
    values: list[Value] = []
    if not text:
        return values
    for match in _PARAMETER.finditer(text.replace("\n", " ")):
        values.append(_value(match[1]))
        if not match[2]:
            break
    return values


def render(*values: Value) -> str:
    """The parameters of a command: text quoted, integers bare, None left out.

    Raises `ValueError` for text that cannot stand in quotes (a quote, a control character), `TypeError` for other types.
    """
    return ",".join(_rendered(value) for value in values)


def of_line(line: str, names: Container[str]) -> list[Value] | None:
    """The values of an information line `+NAME: …` whose name (`+NAME`) is one of `names`; None for any other line."""
    name, colon, rest = line.partition(":")
    return parse(rest) if colon and name.strip().upper() in names else None


def _value(text: str) -> Value:
    text = text.strip()
    if not text:
        return None
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1]
    return int(text) if _INTEGER.fullmatch(text) else text


def _rendered(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(int(value))
    if not isinstance(value, str):
        raise TypeError(f"{value!r} cannot be a parameter of a command")
    if _UNSENDABLE.search(value):
        raise ValueError(f"{value!r} cannot be written between quotes")
    return f'"{value}"'
