"""The text of a command line, cut into requests: name, form and typed values.

`AT+QIOTCFG="buffer",1` becomes one `Request("+QIOTCFG", Form.WRITE, ("buffer", 1))`; `ATE0V1+CSQ;+CBC` becomes four.
Sources: ITU-T V.250 sections 5.3 and 5.4 for the line's grammar; integers must be unquoted and strings quoted
(QuecThing AT-adaptation guide).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

Value = int | str | None
"""One parameter: an integer, a quoted string, or None where it was left empty."""


class Form(enum.Enum):
    """The four ways to write a command."""

    TEST = "=?"
    READ = "?"
    WRITE = "="
    EXECUTE = ""


@dataclass(frozen=True)
class Request:
    """One command of a line. `text` is what followed `=` verbatim."""

    name: str
    form: Form
    values: tuple[Value, ...] = ()
    text: str = ""


class BadCommand(ValueError):
    """The line is not one the module understands; it answers ERROR."""


_BASIC = re.compile(r"(&?[A-Z])(\d*)", re.IGNORECASE)
_REGISTER = re.compile(r"S(\d+)(?:(\?)|=(\d*))", re.IGNORECASE)
_EXTENDED = re.compile(r"([+^%$*][A-Z][A-Z0-9]*)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_VALUE = re.compile(r'\s*(?:"(?P<text>[^"]*)"|(?P<number>[+-]?\d+)|)\s*(?P<end>,|$)')


def parse_line(line: str) -> list[Request]:
    """The requests in a command line, `AT` included.

    Raises:
        BadCommand: no AT at its start, or not the grammar.
    """
    text = line.strip()
    if text[:2].upper() != "AT":
        raise BadCommand(line)
    rest = text[2:].lstrip()
    requests = []
    while rest:
        request, rest = _extended(rest) if _EXTENDED.match(rest) else _basic(rest)
        requests.append(request)
        rest = rest.lstrip()
    return requests


def parse_values(text: str) -> tuple[Value, ...]:
    """The comma-separated values in `text`.

    Raises:
        BadCommand: an unquoted word, an open quote, two values without a comma, control characters in a string.
    """
    values: list[Value] = []
    position = 0
    while True:
        match = _VALUE.match(text, position)
        if match is None:
            raise BadCommand(text)
        number = match["number"]
        if match["text"] and _CONTROL.search(match["text"]):
            raise BadCommand(text)
        values.append(match["text"] if number is None else int(number))
        position = match.end()
        if match["end"] != ",":
            return tuple(values)


def _basic(text: str) -> tuple[Request, str]:
    register = _REGISTER.match(text)
    if register:
        form = Form.READ if register[2] else Form.WRITE
        values = (int(register[1]), *([int(register[3] or 0)] if form is Form.WRITE else []))
        return Request("S", form, values), text[register.end() :]
    match = _BASIC.match(text)
    if match is None:
        raise BadCommand(text)
    values = (int(match[2]),) if match[2] else ()
    return Request(match[1].upper(), Form.EXECUTE, values), text[match.end() :]


def _extended(text: str) -> tuple[Request, str]:
    match = _EXTENDED.match(text)
    assert match is not None
    body, rest = _until_semicolon(text[match.end() :])
    name = match[1].upper()
    for form in (Form.TEST, Form.READ):
        if body == form.value:
            return Request(name, form), rest
    if body.startswith("="):
        return Request(name, Form.WRITE, parse_values(body[1:]), body[1:]), rest
    if body:
        raise BadCommand(text)
    return Request(name, Form.EXECUTE), rest


def _until_semicolon(text: str) -> tuple[str, str]:
    """Cut at the first semicolon outside quotes."""
    quoted = False
    for index, character in enumerate(text):
        quoted ^= character == '"'
        if character == ";" and not quoted:
            return text[:index].strip(), text[index + 1 :]
    return text.strip(), ""
