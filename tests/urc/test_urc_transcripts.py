"""Every transcript of a real exchange, or of a document, decodes as it should: all URCs typed, nothing else a URC.

`transcripts/*.txt` are data lines of QuecThing documentation pages, Quectel DFOTA guides, forum threads and screens of
QthTools; the numbers are those of the project's list of facts. `transcripts/expected.jsonl` holds, by hand-checked line,
[transcript, line, class, fields].
"""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from pytest_quecfota.urc.transcript import decode, decode_stream

FOLDER = Path(__file__).parent / "transcripts"
FILES = sorted(FOLDER.glob("*.txt"))
URC_LINE = re.compile(rb"\+(?:QIOTEVT|QIOTSUBEVT|QIND|CPIN|QUSIM|CFUN):|^RDY$")


def expected() -> dict[str, list[list[Any]]]:
    found: dict[str, list[list[Any]]] = defaultdict(list)
    for line in (FOLDER / "expected.jsonl").read_text().splitlines():
        name, *item = json.loads(line)
        found[name].append(item)
    return found


EXPECTED = expected()


def test_all_transcripts_are_here() -> None:
    assert len(FILES) == 25
    assert set(EXPECTED) <= {file.name.partition("_")[0] for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_its_urcs_are_typed_and_nothing_is_unknown(file: Path) -> None:
    out = io.StringIO()
    with file.open("rb") as stream:
        decode_stream(stream, out)
    items = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [[item["line"], item["name"], item["fields"]] for item in items] == EXPECTED[file.name.partition("_")[0]]
    assert "Unknown" not in {item["name"] for item in items}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_exactly_the_lines_that_show_a_urc_give_one(file: Path) -> None:
    lines = file.read_bytes().split(b"\n")
    shown = [number for number, line in enumerate(lines, start=1) if URC_LINE.search(line)]
    items = list(decode(lines))
    assert [item["line"] for item in items] == shown
    assert all(item["raw"].encode() in lines[item["line"] - 1] for item in items)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("form", ["crlf", "stamped", "visible", "unmarked"])
def test_another_display_of_the_same_exchange_gives_the_same_urcs(file: Path, form: str) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")
    if form == "crlf":
        lines = [line + "\r" for line in lines]
    elif form == "stamped":
        lines = [re.sub(r"\[([TR]X)\]", r"[21-07-13 19:42:57.262]<\1>", line) for line in lines]
    elif form == "visible":
        lines = [line + "<CR><LF>" for line in lines]
    else:
        lines = [re.sub(r"^\s*[\[<][TR]X[\]>]", "", re.sub(r"^\[[^\]]*\](?=<)", "", line)) for line in lines]
    again = [[item["line"], item["name"], item["fields"]] for item in decode(lines)]
    assert again == EXPECTED[file.name.partition("_")[0]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_line_is_accounted_for(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")
    told = {item["line"] for item in decode(lines, all=True)}
    silent = [line.strip() for number, line in enumerate(lines, start=1) if number not in told]
    assert set(silent) <= {"", "[RX]", "[21-07-13 19:42:57.269]<RX>"}
