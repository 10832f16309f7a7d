from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.timeline.store import FileStore, MemoryStore, encode, encode_received, is_plain, read

reads = st.lists(
    st.one_of(
        st.binary(max_size=40), st.sampled_from([b"\r\nOK\r\n", b'+QIOTEVT: 7,10700,"BC25"\r\n', b"\\\t\x7f\x80"])
    ),
    max_size=10,
)


@given(data=st.binary(max_size=200), t=st.floats(0, 1e6))
def test_received_bytes_come_back_exactly(data: bytes, t: float) -> None:
    record = json.loads(encode_received(t, data, is_plain(data)))
    assert record["data"].encode("latin-1") == data
    assert record["kind"] == "rx"
    assert record["t"] == pytest.approx(t, abs=1e-6)


@given(st.text('ab\\"/\t\r\n ~'))
def test_the_cheap_way_writes_what_the_encoder_writes(text: str) -> None:
    data = text.encode()
    assert is_plain(data)
    assert json.loads(encode_received(1.0, data, True)) == json.loads(encode_received(1.0, data, False))


@given(reads)
def test_any_cutting_into_reads_gives_the_same_bytes_back(pieces: list[bytes]) -> None:
    store = MemoryStore()
    for number, piece in enumerate(pieces):
        store.append(encode_received(float(number), piece, is_plain(piece)))
    back = "".join(str(record["data"]) for record in store.read())
    assert back.encode("latin-1") == b"".join(pieces)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (math.inf, "inf"),
        (math.nan, "nan"),
        (b"\xff", "ÿ"),
        ({"b", "a"}, ["a", "b"]),
        (Path("x"), "x"),
        ((1, 2), [1, 2]),
    ],
)
def test_what_json_does_not_know_becomes_text(value: object, stored: object) -> None:
    assert json.loads(encode({"kind": "note", "value": value})) == {"kind": "note", "value": stored}


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    path.write_bytes(b'{"t": 1, "kind": "note"}\n{"t": 2, "kind": "no')
    assert list(read(path)) == [{"t": 1, "kind": "note"}]


def test_an_unreadable_line_in_the_middle_becomes_a_note(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    path.write_bytes(b'{"t": 1, "kind": "note"}\n{"t": 2, "ki\n[1]\n{"t": 3, "kind": "rx", "data": ""}\n')
    kinds = [(record["t"], record["kind"]) for record in read(path)]
    assert kinds == [(1, "note"), (1, "note"), (1, "note"), (3, "rx")]


def test_a_store_that_goes_on_after_a_kill_starts_a_new_line(tmp_path: Path) -> None:
    (tmp_path / "timeline.jsonl").write_bytes(b'{"t": 1, "kind": "note"}\n{"t": 2, "ki')
    store = FileStore(tmp_path)
    store.append(encode({"t": 3, "kind": "step"}))
    store.close()
    assert [record["kind"] for record in read(tmp_path / "timeline.jsonl")] == ["note", "note", "step"]


def test_a_position_is_where_the_next_record_begins(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    for number in range(5):
        positions = store.position
        store.append(encode({"t": number, "kind": "note"}))
    assert [record["t"] for record in store.read(positions)] == [4]
    store.close()


def test_a_store_in_memory_keeps_the_newest(tmp_path: Path) -> None:
    store = MemoryStore(limit=1000)
    for number in range(200):
        store.append(encode({"t": number, "kind": "note"}))
    kept = [record["t"] for record in store.read()]
    assert kept == list(range(200 - len(kept), 200))
    assert 10 < len(kept) < 50


def test_closing_twice_does_no_harm(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    store = FileStore(tmp_path)
    store.close()
    store.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


WRITER = """
import sys
from pathlib import Path
from pytest_quecfota import urc
from pytest_quecfota.timeline import Timeline
timeline = Timeline(Path(sys.argv[1]), secrets=["5ecret"])
number = 0
while True:
    timeline.received(b"[%08d] radio link report rsrp=-96 5\\r\\n" % number, timeline.now())
    timeline.urc(urc.parse("+QIOTEVT: 7,10702", timeline.now()))
    number += 1
    if number % 500 == 0:
        print(number, flush=True)
"""


def test_after_kill_9_everything_received_is_there(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        written = [int(writer.stdout.readline()) for _ in range(4)][-1]
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait(10)
    records = list(read(tmp_path / "timeline.jsonl"))
    data = "".join(str(record["data"]) for record in records if record["kind"] == "rx")
    lines = data.splitlines()
    assert len(lines) >= written
    assert all(line.startswith(f"[{number:08d}] radio") for number, line in enumerate(lines))
    assert sum(record["kind"] == "urc" for record in records) >= written
    assert (tmp_path / "uart.log").read_text().count("radio link report") >= written


def test_a_record_that_the_system_takes_in_parts_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, write = FileStore(tmp_path), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    store.append(encode({"t": 1, "kind": "note", "text": "a longer one"}))
    monkeypatch.undo()
    assert [record["text"] for record in store.read()] == ["a longer one"]
    assert store.position == (tmp_path / "timeline.jsonl").stat().st_size
    store.close()
