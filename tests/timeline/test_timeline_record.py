from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from speaking import LINES, Module, Task, waits

from pytest_quecfota import urc
from pytest_quecfota.errors import BenchError, PortLost
from pytest_quecfota.timeline import Timeline
from pytest_quecfota.timeline.store import read


def stored(timeline: Timeline) -> list[dict[str, Any]]:
    assert timeline.directory is not None
    return [json.loads(line) for line in (timeline.directory / "timeline.jsonl").read_text().splitlines()]


def log(timeline: Timeline) -> str:
    assert timeline.directory is not None
    return (timeline.directory / "uart.log").read_text()


def test_everything_is_on_disk_in_order_as_soon_as_it_happens(timeline: Timeline, module: Module) -> None:
    timeline.record("supply", voltage=3.3)
    module.command()
    module.says(urc.UpgradeOffered)
    timeline.record("note", text="by hand")
    kinds = [record["kind"] for record in stored(timeline)]
    assert kinds == ["note", "supply", "tx", "response", "rx", "urc", "note"]
    assert all(isinstance(record["t"], float) for record in stored(timeline))


def test_records_say_what_happened(timeline: Timeline, module: Module) -> None:
    timeline.sent(b"AT+CSQ\r\n")
    timeline.response("AT+CSQ", ["+CSQ: 16,99"], "OK", 0.0123456789)
    module.says(urc.UpgradeOffered)
    tx, response, rx, event = stored(timeline)[1:]
    assert tx["data"] == "AT+CSQ\r\n"
    assert response | {"t": 0} == {
        "t": 0,
        "kind": "response",
        "command": "AT+CSQ",
        "lines": ["+CSQ: 16,99"],
        "final": "OK",
        "duration": 0.012346,
    }
    assert rx["data"] == f"\r\n{LINES[urc.UpgradeOffered]}\r\n"
    assert (event["name"], event["raw"]) == ("UpgradeOffered", LINES[urc.UpgradeOffered])
    assert event["fields"]["target_version"] == "BC25_FOTA_V2_0"


def test_the_log_reads_as_a_conversation(timeline: Timeline, module: Module) -> None:
    module.command()
    timeline.received(b"\r\nOK\r\n", timeline.now())
    timeline.record("supply", action="off", output=False)
    timeline.record("sample", voltage=0.0)
    timeline.fault(PortLost("gone"))
    lines = [re.sub(r"^ *\d+\.\d{6} ", "", line) for line in log(timeline).splitlines()]
    assert lines[1:] == [
        "> AT+QIOTUPDATE=1",
        "< OK",
        "# supply: off output False",
        "# fault: gone error PortLost, reason port lost",
    ]


def test_records_are_given_back_from_memory_and_from_disk(new: Callable[..., Timeline]) -> None:
    for window in (3, 20_000):
        module = Module(new(window=window))
        module.command()
        mark = module.timeline.events.mark()
        module.upgrades()
        module.timeline.record("sample", voltage=3.3)
        assert [record["name"] for record in module.timeline.records("urc")] == [
            "DownloadStarted",
            "Downloading",
            "Downloading",
            "Downloaded",
            "Updating",
            "Updated",
        ]
        assert [record["kind"] for record in module.timeline.records({"tx", "sample"})] == ["tx", "sample"]
        assert list(module.timeline.records("urc")) == [r for r in stored(module.timeline) if r["kind"] == "urc"]
        assert [record["kind"] for record in module.timeline.records(since=mark)][:2] == ["rx", "urc"]
        assert list(module.timeline.records()) == stored(module.timeline)


@pytest.mark.parametrize("kind", ["rx", "urc", "tx", "response", "samples", ""])
def test_a_kind_that_is_none_is_refused(timeline: Timeline, kind: str) -> None:
    with pytest.raises(
        ValueError, match="is no kind of record; the kinds are fault, note, platform, sample, step, supply"
    ):
        timeline.record(kind)


def test_a_record_may_bring_its_own_time(timeline: Timeline) -> None:
    assert timeline.record("sample", t=1.25, voltage=3.3) == 1.25
    assert stored(timeline)[-1] == {"t": 1.25, "kind": "sample", "voltage": 3.3}
    assert timeline.record("note", text="now") == pytest.approx(timeline.now(), abs=0.5)


def test_stamps_are_seconds_since_the_start(timeline: Timeline) -> None:
    assert timeline.stamp(time.monotonic()) == pytest.approx(timeline.now(), abs=0.1)


def test_a_change_of_speed_is_recorded(timeline: Timeline) -> None:
    timeline.speed = math.inf
    assert stored(timeline)[-1]["speed"] == "inf"
    timeline.stepped(1200)
    assert stored(timeline)[-1]["step"] == 1200


@given(
    secret=st.text("ab", min_size=2, max_size=4),
    pieces=st.lists(st.text("abc\n", max_size=6), max_size=8),
)
def test_no_secret_reaches_the_disk_however_the_stream_is_cut(
    tmp_path_factory: pytest.TempPathFactory, secret: str, pieces: list[str]
) -> None:
    directory = tmp_path_factory.mktemp("timeline")
    timeline = Timeline(directory, secrets=[secret])
    for piece in pieces:
        timeline.received(piece.encode(), 1.0)
        timeline.sent(f"AT+X={piece}\r\n".encode())
        timeline.urc(urc.Indication(piece, (piece,), raw=piece, time=1.0))
        timeline.response(piece, [piece], piece, 0.1)
        timeline.record("note", text=piece, also=[{"deep": piece}])
    timeline.close()
    records = list(read(directory / "timeline.jsonl"))
    received = "".join(str(record["data"]) for record in records if record["kind"] == "rx")
    assert received == "".join(pieces).replace(secret, "***")
    told = [record for record in records if record["kind"] != "rx"]
    texts = [v for r in told for v in (r.get("data"), r.get("raw"), r.get("final"), r.get("text"), str(r.get("also")))]
    assert not any(secret in str(text) for text in texts)
    assert secret not in re.sub(r"^ *\d+\.\d{6} .|# note:|also|deep", "", log(timeline), flags=re.MULTILINE).replace(
        "AT+X=", ""
    ).replace("timeline", "").replace("started", "")


def test_a_secret_cut_by_two_reads_is_masked_and_the_rest_is_written_at_once(new: Callable[..., Timeline]) -> None:
    timeline = new(secrets=["p1Secret"])
    timeline.received(b"\r\n+X: p1Se", 1.0)
    assert stored(timeline)[-1]["data"] == "\r\n+X: "
    timeline.received(b"cret\r\n", 2.0)
    assert stored(timeline)[-1]["data"] == "***\r\n"
    timeline.received(b"p1", 3.0)
    timeline.close()
    assert stored(timeline)[-1]["data"] == "p1"
    assert "p1Secret" not in log(timeline)


def test_listeners_see_every_record(timeline: Timeline, module: Module) -> None:
    seen: list[Any] = []
    unlisten = timeline.listen(seen.append)
    module.command()
    module.says(urc.Downloading)
    timeline.record("sample", voltage=3.3)
    assert [record["kind"] for record in seen] == ["tx", "response", "rx", "urc", "sample"]
    assert seen == stored(timeline)[1:] or [r | {"t": 0} for r in seen] == [r | {"t": 0} for r in stored(timeline)[1:]]
    unlisten()
    module.says(urc.Downloading)
    assert len(seen) == 5


def test_a_listener_that_raises_is_dropped_and_a_note_says_so(timeline: Timeline, module: Module) -> None:
    def fails(_: object) -> None:
        raise ZeroDivisionError

    timeline.listen(fails)
    module.says(urc.Downloading)
    module.says(urc.Downloading)
    notes = [record["text"] for record in timeline.records("note")]
    assert notes[1:] == ["a listener failed and was dropped: ZeroDivisionError()"]


def test_a_fault_is_recorded_with_its_reason(timeline: Timeline) -> None:
    timeline.fault(PortLost("the port vanished"))
    record = stored(timeline)[-1]
    assert record["error"] == "PortLost"
    assert record["reason"] == "port lost"
    assert timeline.broken is not None


def test_a_disk_that_is_full_is_a_bench_fault_and_stops_no_reader(tmp_path: Path) -> None:
    (tmp_path / "timeline.jsonl").symlink_to("/dev/full")
    timeline = Timeline(tmp_path)
    Module(timeline).says(urc.Downloading)
    with pytest.raises(BenchError, match=r"cannot be written.*No space left"):
        timeline.events.expect(urc.Updated, within="1 h")
    timeline.close()


def test_a_disk_that_fills_up_ends_a_wait(tmp_path: Path) -> None:
    (tmp_path / "uart.log").symlink_to("/dev/full")
    timeline = Timeline(tmp_path)
    timeline.broken = None
    task = Task(lambda: timeline.events.expect(urc.Updated, within="1 h"))
    waits(timeline)
    Module(timeline).says(urc.Downloading)
    with pytest.raises(BenchError, match="cannot be written"):
        task.result()
    timeline.close()


def test_after_closing_everything_is_dropped_quietly(new: Callable[..., Timeline]) -> None:
    module = Module(new())
    module.timeline.close()
    before = stored(module.timeline)
    module.command()
    module.upgrades()
    module.timeline.record("note", text="late")
    module.timeline.close()
    assert stored(module.timeline) == before


def test_memory_does_not_grow_with_the_lines(new: Callable[..., Timeline]) -> None:
    def resident() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    module = Module(new(window=2000))
    chunk = b"[00123] modem: radio link report rsrp=-96 rsrq=-11 snr=7 cell=0x12345 earfcn=1\r\n" * 800

    def flood(reads: int) -> None:
        for _ in range(reads):
            module.timeline.received(chunk, module.timeline.now())
            for _ in range(8):
                module.timeline.urc(urc.Downloading(raw="+QIOTEVT: 7,10702", time=module.timeline.now()))

    flood(260)  # the window is full
    before = resident()
    flood(250)
    assert resident() - before < 4.0
    assert len(module.timeline.events.seen(urc.Downloading)) == 510 * 8


def test_a_timeline_without_a_directory_writes_nothing(new: Callable[..., Timeline], tmp_path: Path) -> None:
    module = Module(new(directory=None))
    module.command()
    module.says(urc.Downloading)
    assert list(tmp_path.iterdir()) == []
    assert [record["kind"] for record in module.timeline.records()] == ["note", "tx", "response", "rx", "urc"]
    assert module.timeline.explain_context().files == ()
