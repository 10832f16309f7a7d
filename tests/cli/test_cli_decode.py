"""`quecfota decode`: a transcript from a file or a pipe, one JSON object a URC."""

from __future__ import annotations

import json
import select

OFFER = '+QIOTEVT: 7,10700,"BC25","BC25_FOTA_V1_0","BC25_FOTA_V2_0",30,-113,2563'
TRANSCRIPT = f"""\
[2026-11-23 12:03:44.118] [TX] AT+QIOTOTAREQ=1
[2026-11-23 12:03:44.120] [RX] AT+QIOTOTAREQ=1
[2026-11-23 12:03:44.138] [RX] OK
[2026-11-23 12:03:45.000] [RX] {OFFER}
[2026-11-23 12:03:46.000] [TX] AT+QIOTUPDATE=1
[2026-11-23 12:03:46.010] [RX] OK
[2026-11-23 12:03:47.000] [RX] +QIOTEVT: 7,10701
[2026-11-23 12:03:48.000] [RX] +WHATEVER: 1
"""
NAMES = ["UpgradeOffered", "DownloadStarted", "Unknown"]


def test_a_file_gives_one_object_for_each_urc(quecfota, folder):
    (folder / "said.txt").write_text(TRANSCRIPT)
    said = quecfota("decode", "said.txt")
    objects = [json.loads(line) for line in said.out.splitlines()]
    assert (said.code, said.err) == (0, "")
    assert [(o["line"], o["name"]) for o in objects] == list(zip((4, 7, 8), NAMES, strict=True))
    assert objects[0]["raw"] == OFFER
    assert objects[0]["fields"] == {
        "component": "BC25",
        "source_version": "BC25_FOTA_V1_0",
        "target_version": "BC25_FOTA_V2_0",
        "min_battery": 30,
        "min_signal": -113,
        "size": 2563,
    }
    assert [set(o) for o in objects] == [{"line", "raw", "name", "fields"}] * 3


def test_a_pipe_gives_the_same_as_a_file(quecfota, process, folder):
    (folder / "said.txt").write_text(TRANSCRIPT)
    piped = process("decode", stdin=TRANSCRIPT.encode())
    assert piped.code == 0
    assert piped.out == quecfota("decode", "said.txt").out


def test_what_is_no_text_at_all_is_no_error(process):
    said = process("decode", stdin=bytes(range(256)) * 50 + b"\r\n+QIOTEVT: 7,10703\r\n")
    assert said.code == 0
    assert json.loads(said.out.splitlines()[-1])["name"] == "Downloaded"


def test_nothing_gives_nothing(process):
    assert process("decode", stdin=b"").out == ""


def test_all_shows_also_commands_and_answers(quecfota, folder):
    (folder / "said.txt").write_text(TRANSCRIPT)
    kinds = [json.loads(line)["kind"] for line in quecfota("decode", "--all", "said.txt").out.splitlines()]
    assert kinds == ["command", "echo", "final", "urc", "command", "final", "urc", "urc"]


def test_explain_says_what_each_means(quecfota, folder):
    (folder / "said.txt").write_text(TRANSCRIPT)
    for line in quecfota("decode", "--explain", "said.txt").out.splitlines():
        assert json.loads(line)["explanation"]


def test_a_live_pipe_is_decoded_as_it_comes(start):
    """`cat /dev/ttyUSB0 | quecfota decode` shows a URC when it comes, not when the pipe ends."""
    running = start("decode")
    running.stdin.write(b"+QIOTEVT: 7,10703\r\n+QIOTEVT: 7,10704\r\n+QIOTEVT: 7,10704\r\n")
    running.stdin.flush()
    assert select.select([running.stdout], [], [], 10)[0], "nothing came while the pipe was open"
    assert json.loads(running.stdout.readline())["name"] == "Downloaded"
    running.stdin.close()
    running.stdin = None
