"""The engine of `quecfota decode`: the URCs of a recorded exchange, one JSON object each.

Data comes as lines of text, from a terminal program, a log or a document (`urc.marks` cleans them, `urc.exchange` tells
URCs from answers and data), and leaves as dictionaries. Nothing here raises on any content; memory is bounded by the
largest block of data (64 KiB) and the longest line kept (1 MiB).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

from pytest_quecfota.urc import command_table, exchange, grammar
from pytest_quecfota.urc.base import fields
from pytest_quecfota.urc.exchange import Exchange, Said
from pytest_quecfota.urc.explain import explain as explained
from pytest_quecfota.urc.marks import Splitter

LONGEST_LINE = 1 << 20
"""In bytes; what is longer is cut, the rest of the line is dropped."""


def decode(text_lines: Iterable[str | bytes], all: bool = False, explain: bool = False) -> Iterator[dict[str, Any]]:
    """The URCs of a transcript, in order.

    Parameters:
        text_lines: the lines, with or without their line ends.
        all: also commands, echoes, responses, final results, prompts and data; then every object has a `kind`
            (`urc`, `command`, `echo`, `response`, `final`, `prompt`, `data`).
        explain: add `explanation`, what the URC means and its likely cause; with `all` also what a command, an answer or a
            line of data is, where that is known.

    Yields:
        `{"line": 1-based line where the URC starts, "raw": the URC alone, "name": its class, "fields": {...}}`;
        for the rest `{"line": …, "raw": …, "kind": …}`.
    """
    for said in Exchange(Splitter().split(map(_text, text_lines))):
        if said.urc is not None or all:
            yield _object(said, all, explain)


def decode_stream(stream: IO[bytes], out: IO[str], all: bool = False, explain: bool = False) -> None:
    """Decode a file or a pipe to JSON lines, each written as soon as it is known.

    Raises:
        OSError: from the two streams only.
    """
    for item in decode(_lines(stream), all, explain):
        out.write(json.dumps(item) + "\n")


def _object(said: Said, with_kind: bool, explain: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"line": said.number, "raw": said.raw}
    if with_kind:
        item["kind"] = said.kind
    if said.urc is not None:
        item["name"] = type(said.urc).__name__
        item["fields"] = fields(said.urc)
        if explain:
            item["explanation"] = explained(said.urc)
    elif explain and (meaning := _meaning(said)):
        item["explanation"] = meaning
    return item


def _meaning(said: Said) -> str:
    if said.kind in (exchange.COMMAND, exchange.ECHO):
        return command_table.of_command(said.raw)
    if said.kind in (exchange.RESPONSE, exchange.FINAL):
        return command_table.of_answer(said.raw)
    if said.kind == exchange.PROMPT:
        return "the module waits for the bytes that were announced"
    return "text of the boot ROM" if grammar.BOOT_ROM.fullmatch(said.raw) else ""


def _text(line: str | bytes) -> str:
    return line if isinstance(line, str) else line.decode("utf-8", "surrogateescape")


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    while line := stream.readline(LONGEST_LINE):
        yield line
        while not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE)):
            pass
