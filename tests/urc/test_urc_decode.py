"""What `quecfota decode` makes of the marks, prefixes and displays that tools put around an exchange."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urc_lines import TYPED, render

from pytest_quecfota import urc
from pytest_quecfota.urc.transcript import decode, decode_stream

UPDATED = "+QIOTEVT: 7,10705"


def decoded(text: str | bytes) -> list[dict[str, Any]]:
    """What the stream decoder writes for a whole file."""
    out = io.StringIO()
    decode_stream(io.BytesIO(text.encode() if isinstance(text, str) else text), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def found(text: str | bytes) -> list[tuple[int, str]]:
    return [(item["line"], item["name"]) for item in decoded(text)]


def kinds(text: str) -> list[tuple[str, str]]:
    return [(item["kind"], item["raw"]) for item in decode(text.split("\n"), all=True)]


def test_an_offer_comes_out_as_one_object() -> None:
    text = '[RX]\n+QIOTEVT: 7,10700,"BC25","BC25_FOTA_V1_0","BC25_FOTA_V2_0",30,-113,2563 \n'
    assert decoded(text) == [
        {
            "line": 2,
            "raw": '+QIOTEVT: 7,10700,"BC25","BC25_FOTA_V1_0","BC25_FOTA_V2_0",30,-113,2563',
            "name": "UpgradeOffered",
            "fields": {
                "component": "BC25",
                "source_version": "BC25_FOTA_V1_0",
                "target_version": "BC25_FOTA_V2_0",
                "min_battery": 30,
                "min_signal": -113,
                "size": 2563,
            },
        }
    ]


@pytest.mark.parametrize(
    "prefix",
    [
        "", "[RX]", "<RX>", "[rx] ", "RX: ", "RX ", "\t[RX]", "L ", "< ", "[21-07-13 19:42:57.262]<RX>",
        "[2021-07-13 19:42:57.262] [RX] ", "I (123) at: ", "\x1b[0;32mI (4567) modem: ", "12:03:44.118 ", "12:03:44.118 < ",
        "  +43.00  < ", "2024-01-01 12:00:00,123 DEBUG at_client: RX ", "[00:00:01.234,567] <dbg> modem_cellular: ",
        "Jan  5 12:00:01 gateway quec[123]: ", "[10:12:13.234]收←◆", "<<< ", "<-- ", "[Recv] ", "2024-01-01T12:00:00.123Z | ",
        "\x00\x00", "ERROR ", "12.345 s: ", "(RX) ", "#12 RX: ",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_urc_is_found_behind_any_usual_prefix(prefix: str) -> None:
    [item] = decoded(f"{prefix}{UPDATED} \r\n")
    assert (item["name"], item["raw"], item["line"]) == ("Updated", UPDATED, 1)


@pytest.mark.parametrize(
    "prefix", ["[TX]", "<TX>", "[21-07-13 19:42:57.262]<TX>", "TX: ", ">> ", "12:03:44 > ", "发→◇", "[Send]", "> "]
)
def test_what_the_host_sends_is_a_command(prefix: str) -> None:
    assert kinds(f"{prefix}AT+QIOTREG=1") == [("command", "AT+QIOTREG=1")]


def test_a_urc_that_the_host_sent_is_no_urc() -> None:
    assert found(f"[TX]{UPDATED}") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[RX]<CR><LF>+QIOTEVT: 2,10200<CR><LF><CR><LF>+QIOTEVT: 3,10200<CR><LF>", ["Registered", "Subscribed"]),
        ("[CR][LF]RDY[CR][LF]", ["Ready"]),
        ("\\r\\n+QIOTEVT: 2,10200\\r\\n", ["Registered"]),
        ("RX: b'\\r\\n+QIOTEVT: 2,10200\\r\\n\\r\\n+QIOTEVT: 3,10200\\r\\n'", ["Registered", "Subscribed"]),
        ('2024-01-01 rx "\\r\\nRDY\\r\\n"', ["Ready"]),
        ("␍␊RDY␍␊", ["Ready"]),
        ("\\x0d\\x0aRDY\\x0d\\x0a", ["Ready"]),
        ("AT+QIOTREG=1\r\r\nOK\r\n\r\n+QIOTEVT: 2,10200\r\n", ["Registered"]),
    ],
    ids=ascii,
)
def test_visible_control_characters_are_line_ends(text: str, names: list[str]) -> None:
    assert [item["name"] for item in decoded(text)] == names


def test_an_exchange_with_visible_controls_on_one_line_keeps_its_block() -> None:
    text = "[TX]AT+QIOTOTARD=0,5<CR><LF>\n[RX]+QIOTOTARD: 0,5<CR><LF>RDY<CR><LF><CR><LF><CR><LF>OK<CR><LF>RDY<CR><LF>"
    assert found(text) == [(2, "Ready")]


def test_two_urcs_glued_together_come_apart() -> None:
    assert found("+QIOTEVT: 2,10200+QIOTEVT: 3,10200") == [(1, "Registered"), (1, "Subscribed")]


@pytest.mark.parametrize("second", ["[RX]", ""])
@pytest.mark.parametrize(
    ("head", "tail"), [('+QIOTEVT: 7,10700,"BC25","BC25_FO', 'TA_V1_0","V2",30,-113,9'), ("+QIOTEVT:", "2,10200")]
)
def test_a_urc_cut_by_a_read_counts_where_it_starts(second: str, head: str, tail: str) -> None:
    [item] = decoded(f"OK\n[RX]{head}\n{second}{tail}\n")
    assert item["line"] == 2
    assert item["raw"] == head + tail
    assert item["name"] in {"UpgradeOffered", "Registered"}


def test_our_own_uart_log_is_read_with_its_notes_and_continued_lines() -> None:
    text = """\
    0.000000 # note: timeline of 2026-11-23 16:03:27 +0000 started 1795449807.4, speed 60.0
    1.533532 < \\x00\\xffRDY
    1.540220 < +CPIN: READY
    1.600000 > AT+QIOTREG=1
    1.610000 < OK
    1.700000 < +QIOTEVT: 2,10
    1.700001 # supply: 3.3 V
    1.700002 < … 200
"""
    assert found(text) == [(2, "Ready"), (3, "SimState"), (6, "Registered")]
    assert decoded(text)[-1]["raw"] == "+QIOTEVT: 2,10200"


def test_a_damaged_urc_is_unknown_and_the_next_one_is_kept() -> None:
    assert found('+QIOTEVT: 7,10700,"BC25","BC\n+QIOTEVT: 2,10200\n') == [(1, "Unknown"), (2, "Registered")]
    assert found("[TX]AT+QIOTREG=1\n+QIOTEVT: 7,10700,1\nOK\n") == [(2, "Unknown")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("AT+CEREG?\n+CEREG: 0,1\nOK", []),
        ("AT+CEREG?\n+CEREG: 2\n+CEREG: 0,1\nOK", ["NetworkState"]),
        ("AT+CEREG?\n+CEREG: 0,1\nOK\n+CEREG: 2", ["NetworkState"]),
        ("AT+CEREG=?\n+CEREG: (0-2)\nOK", []),
        ("+CEREG: 0,1", []),
        ("+CEREG: 2", ["NetworkState"]),
        ('+CREG: 1,"1A2B","01C8",7', ["NetworkState"]),
        ('AT+CREG?\n+CREG: 2,1,"1A2B","01C8",7\nOK', []),
        ("AT+CSQ;+CEREG?\n+CSQ: 16,99\n\n+CEREG: 0,1\nOK", []),
        ("AT+CFUN?\n+CFUN: 1\nOK\n+CFUN: 1", ["Functionality"]),
        ("AT+CFUN=1,1\nOK\nRDY\n+CFUN: 1\n+CPIN: READY", ["Ready", "Functionality", "SimState"]),
        ("AT+CFUN=?\n+CFUN: (0,1,4),(0,1)\nOK", []),
        ("AT+CPIN?\n+CPIN: READY\nOK", []),
        ("at+cpin?\n+CPIN: READY\nOK", []),
        ("+QIOTREG: 1", []),
        ("+CSQ: 16,99", []),
        ("+QIURC: \"recv\",0", ["Unknown"]),
        ("+CSCON: 1", ["Unknown"]),
        ("AT+QGMR\nEC200UCNAAR02A09M08\n+QIOTEVT: 7,10702\nOK", ["Downloading"]),
        ("something else", ["Unknown"]),
        ("AT+QRST=1\nF1: 0000 0000\nLeaving the BROM\nRDY\nnonsense", ["Ready", "Unknown"]),
    ],
    ids=ascii,
)  # fmt: skip
def test_what_was_asked_decides_between_answer_and_urc(text: str, names: list[str]) -> None:
    assert [item["name"] for item in decoded(text)] == names


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("marks", [("[TX]", "[RX]"), ("", "")])
@pytest.mark.parametrize("blank", ["", "end"])
def test_a_block_of_known_length_is_data_whatever_it_looks_like(end: str, marks: tuple[str, str], blank: str) -> None:
    payload = f"\x01\x02OK{end}{UPDATED}{end}OK{end}{end}\x7f+QIOTEVT: 7,10706"
    gap = end if blank else ""
    text = (
        f"{marks[0]}AT+QIOTOTARD=0,1024{end}{marks[1]}+QIOTOTARD: 0,{len(payload)}{end}{gap}{payload}{end}{end}"
        f"{marks[1]}OK{end}{marks[1]}{UPDATED}{end}"
    )
    assert found(text) == [(text[: text.rindex(UPDATED)].count("\n") + 1, "Updated")]


def test_a_block_of_arbitrary_bytes_is_data() -> None:
    payload = bytes(range(256)) * 4
    text = b"AT+QIOTOTARD=0,1024\r\r\n+QIOTOTARD: 0,1024\r\n" + payload + b"\r\n\r\nOK\r\n" + UPDATED.encode() + b"\r\n"
    assert [item["name"] for item in decoded(text)] == ["Updated"]


def test_a_shortened_block_ends_at_its_final_result() -> None:
    text = (
        f"[TX]AT+QIOTOTARD=0,1024\n[RX]+QIOTOTARD: 0,1024\n\n00000064\n65746e45\n...\n\nOK\n...\n[RX]{UPDATED}\nstray\n"
    )
    assert found(text) == [(10, "Updated"), (11, "Unknown")]


def test_a_payload_behind_its_event_is_data() -> None:
    hidden = f"{UPDATED}"
    assert found(f"+QIOTEVT: 5,10210,{len(hidden)}\n{hidden}\n{UPDATED}\n") == [(1, "Event"), (3, "Updated")]
    assert found(f"[RX]+QIOTEVT: 5,10200,5\n[RX]123456\n[RX]{UPDATED}\n") == [(1, "Event"), (3, "Updated")]
    assert found(f"+QIOTEVT: 5,10210,13\nab\r\n{{}}\r\n\r\nxyz\r\n{UPDATED}\r\n") == [(1, "Event"), (6, "Updated")]
    assert found(f"+QIOTEVT: 5,10210,500\n{UPDATED}\n") == [(1, "Event"), (2, "Updated")]


def test_what_the_host_sends_after_a_prompt_is_data() -> None:
    text = f"[TX]AT+QIOTSEND=1,17\n[RX]> \n[TX]{UPDATED}\n[RX]OK\n[RX]+QIOTEVT: 4,10200\n"
    assert found(text) == [(5, "Event")]
    assert kinds(text)[:4] == [("command", "AT+QIOTSEND=1,17"), ("prompt", ">"), ("data", UPDATED), ("final", "OK")]
    assert kinds("AT+QIOTSEND=1,2\n> \nAT\nOK")[2:] == [("data", "AT"), ("final", "OK")]
    assert kinds("AT+QIOTSEND=1,5\n> hello\nOK")[1:] == [("prompt", ">"), ("data", "hello"), ("final", "OK")]


def test_echo_and_command_are_told_apart() -> None:
    text = "[TX]AT\n[RX]AT\n[RX]OK\nAT+CSQ\n+CSQ: 16,99\n\nOK\n[RX]+CME ERROR: 3"
    assert kinds(text) == [
        ("command", "AT"), ("echo", "AT"), ("final", "OK"), ("command", "AT+CSQ"), ("response", "+CSQ: 16,99"),
        ("final", "OK"), ("final", "+CME ERROR: 3"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["AT last the test began", "Attach the cable", "ATTENTION", "at home"])
def test_prose_is_no_command(text: str) -> None:
    assert found(text) == [(1, "Unknown")]


def test_a_urc_quoted_in_json_or_prose_is_no_urc() -> None:
    assert [item["name"] for item in decoded(f'{{"note": "{UPDATED}"}}')] == ["Unknown"]
    assert [item["name"] for item in decoded(f"it printed {UPDATED} and stopped")] == ["Unknown"]


def test_explanations_come_on_demand_and_kinds_with_all() -> None:
    [command, item] = decode(["AT", UPDATED], all=True, explain=True)
    assert command == {"line": 1, "raw": "AT", "kind": "command", "explanation": "is anybody there?"}
    assert item["kind"] == "urc"
    assert "the upgrade succeeded" in item["explanation"]
    assert "explanation" not in next(decode([UPDATED]))


def test_a_byte_order_mark_and_bad_bytes_do_no_harm() -> None:
    assert found(b"\xef\xbb\xbf+QIOTEVT: 2,10200\n\xff\xfe\xffRDY\n\x80\x81\n") == [
        (1, "Registered"), (2, "Unknown"), (3, "Unknown"),
    ]  # fmt: skip


def test_an_endless_line_is_cut_and_counted_once() -> None:
    assert found(b"x" * 3_000_000 + b"\n+QIOTEVT: 2,10200\n") == [(1, "Unknown"), (2, "Registered")]


@given(TYPED, st.sampled_from(["", "[RX]", "L ", "I (12) at: ", "[12:00:01.5] ", "[21-07-13 19:42:57.262]<RX>"]))
def test_every_typed_urc_comes_out_of_a_transcript(event: urc.Urc, prefix: str) -> None:
    again = urc.parse(render(event))
    answer = isinstance(again, urc.NetworkState) and len(again.fields) > 1 and isinstance(again.fields[1], int)
    if not answer:
        [item] = list(decode([prefix + render(event) + "\r\n"]))
        assert (item["name"], item["raw"]) == (type(event).__name__, render(event).strip())
        assert item["fields"] == urc.fields(event)


FRAGMENTS = st.sampled_from(
    ["[TX]", "[RX]", "AT+QIOTOTARD=0,64", "+QIOTOTARD: 0,64", "+QIOTEVT: 5,10210,20", UPDATED, "OK", "> ", "AT+QIOTSEND=1,5",
     "\n", "\r\n", "\n", "<CR><LF>", "\\r\\n", "b'", "'", '"', "...", "12:00 ", "< ", "AT+CEREG?", "+CEREG: 0,1", "RDY", "\x00",
     "+QIOTMODELRD: 9,0,0", '+QIOTEVT: 7,10700,"a', "\x1b[0m", "x" * 30]
)  # fmt: skip


@given(st.lists(FRAGMENTS | st.text(max_size=5), max_size=40))
def test_any_mixture_of_fragments_is_decoded_in_order(fragments: list[str]) -> None:
    text = "".join(fragments)
    out = io.StringIO()
    decode_stream(io.BytesIO(text.encode("utf-8", "replace")), out, all=True, explain=True)
    items = [json.loads(line) for line in out.getvalue().splitlines()]
    lines = [item["line"] for item in items]
    assert lines == sorted(lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded(data: bytes) -> None:
    for item in decoded(data):
        assert item["raw"]


def test_headers_without_their_blocks_cost_no_time() -> None:
    for header in ("+QIOTOTARD: 0,60000", "+QIOTEVT: 5,10210,60000", "+QIOTMODELRD: 60000,0,0\nOK"):
        assert len(list(decode([f"{header}\n"] * 3000, all=True))) >= 3000
