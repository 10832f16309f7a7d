"""How a family's commands are written down for `strict_supply`: SCPI headers, arguments, and what they do to an output."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from strict_supply import Handler, Output, Refused, StrictSupply

N = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
ON = {"1": True, "ON": True, "0": False, "OFF": False}
Of = Callable[[StrictSupply, re.Match[str]], Output]


def spelt(header: str) -> str:
    """A pattern for a SCPI header written as `[SOURce:]VOLTage:PROTection`: short or long, optional parts, root or not."""
    out = r"(?i::?"
    for part in re.findall(r"\[[^\]]*\]|<n>|[A-Za-z]+|\*|[:?]", header):
        if part.startswith("["):
            out += f"(?:{''.join(_word(p) for p in re.findall(r'[A-Za-z]+|:', part))})?"
        elif part == "<n>":
            out += r"(?P<n>\d)"
        else:
            out += _word(part)
    return out + ")"


def _word(part: str) -> str:
    if not part.isalpha():
        return re.escape(part)
    short = "".join(c for c in part if c.isupper()) or part
    return rf"(?:{part}|{short})"


def _volts(text: str, supply: StrictSupply) -> float:
    value = float(text)
    if not 0 <= value <= supply.family.most_volts:
        raise Refused(-222, "Data out of range")
    return value


def number(of: Of, name: str, style: str, *, volts: bool = False) -> tuple[Handler, Handler]:
    """Setting and query of a number of an output."""

    def put(supply: StrictSupply, found: re.Match[str]) -> None:
        setattr(of(supply, found), name, _volts(found["x"], supply) if volts else float(found["x"]))

    def get(supply: StrictSupply, found: re.Match[str]) -> str:
        return style.format(getattr(of(supply, found), name))

    return put, get


def switch(of: Of, name: str, words: tuple[str, str] = ("0", "1")) -> tuple[Handler, Handler]:
    """Setting and query of a switch of an output."""

    def put(supply: StrictSupply, found: re.Match[str]) -> None:
        setattr(of(supply, found), name, ON[found["x"].upper()])

    def get(supply: StrictSupply, found: re.Match[str]) -> str:
        return words[getattr(of(supply, found), name)]

    return put, get


def do(action: Callable[[StrictSupply, re.Match[str]], Any]) -> Handler:
    """A command without an answer."""

    def handler(supply: StrictSupply, found: re.Match[str]) -> None:
        action(supply, found)

    return handler


def say(answer: Callable[[StrictSupply, re.Match[str]], str | bytes]) -> Handler:
    """A query."""
    return answer


def next_error(style: str, none: str) -> Handler:
    def handler(supply: StrictSupply, _found: re.Match[str]) -> str:
        if not supply.errors:
            return none
        code, text = supply.errors.pop(0)
        return style.format(code, text)

    return handler


class Table:
    """Collects patterns. `suffix` is how this family names a channel behind an argument and behind a query."""

    def __init__(self, of: Of, suffix: tuple[str, str] = ("", "")) -> None:
        self.of = of
        self._put, self._ask = suffix
        self.rows: list[tuple[re.Pattern[str], Handler]] = []

    def command(self, header: str, argument: str, handler: Handler) -> None:
        """`HEADER argument`, the channel behind it."""
        gap = r"\s+" if argument else ""
        tail = self._put if argument else self._ask
        self.rows.append((re.compile(f"{spelt(header)}{gap}{argument}{tail}"), handler))

    def query(self, header: str, handler: Handler) -> None:
        self.rows.append((re.compile(rf"{spelt(header)}\?{self._ask}"), handler))

    def both(self, header: str, argument: str, handlers: tuple[Handler, Handler]) -> None:
        self.command(header, argument, handlers[0])
        self.query(header, handlers[1])

    def whole(self, pattern: str, handler: Handler) -> None:
        """A whole unit, as it is."""
        self.rows.append((re.compile(pattern), handler))

    def common(self, error: Handler | None, header: str = "SYSTem:ERRor", *, opc: bool = True) -> None:
        self.whole(r"\*IDN\?", say(lambda s, _f: s.family.identity))
        if opc:
            self.whole(r"\*OPC\?", say(lambda _s, _f: "1"))
            self.whole(r"\*CLS", do(lambda s, _f: s.errors.clear()))
        if error is not None:
            self.whole(rf"{spelt(header)}\?", error)


X = f"(?P<x>{N})"
SWITCH = r"(?P<x>ON|OFF|0|1)"
MANY = rf"(?P<x>{N}(?:,{N})*)"


def numbers(found: re.Match[str]) -> list[float]:
    return [float(text) for text in found["x"].split(",")]


def select(supply: StrictSupply, found: re.Match[str]) -> None:
    if int(found["x"]) not in supply.outputs:
        raise Refused(-222, "Data out of range")
    supply.selected = int(found["x"])


def clear(output: Output, *what: str) -> None:
    """A trip is cleared: an output that is still told to be on gives its voltage at once."""
    if output.tripped and output.on:
        output.woken.append(output.voltage)
    output.tripped.difference_update(what)


def initiate(output: Output) -> None:
    if not output.volts or len(output.volts) != len(output.dwells):
        raise Refused(-221, "Settings conflict")
    output.ready = True


def start(output: Output) -> None:
    if not output.ready:
        raise Refused(-211, "Trigger ignored")
    output.playing = True


def stop(output: Output) -> None:
    output.playing = output.ready = False
