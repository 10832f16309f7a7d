"""What `urc.parse` makes of a line."""

from __future__ import annotations

import dataclasses
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urc_lines import TYPED, render

from pytest_quecfota import urc

MD5 = "95cbdeb4faeda4322ad9b65eb731ed2b"
SHA = "2bb534d576fb307f049a149787afab2382ebb8605467acfc2c05a2e67677e094"

LINES = [
    ('+QIOTEVT: 7,10700,"BC25","BC25_FOTA_V1_0","BC25_FOTA_V2_0",30,-113,2563',
     urc.UpgradeOffered("BC25", "BC25_FOTA_V1_0", "BC25_FOTA_V2_0", 30, -113, 2563)),
    ('+QIOTEVT: 7,10700,"STM32","","2_0_0",30,-113,27954', urc.UpgradeOffered("STM32", "", "2_0_0", 30, -113, 27954)),
    ("+QIOTEVT: 7,10701", urc.DownloadStarted()),
    (f'+QIOTEVT: 7,10701,"STM32",27954,"{MD5}"', urc.DownloadStarted("STM32", 27954, MD5)),
    (f'+QIOTEVT: 7,10701,"STM32",27954,"{MD5}",4022793929', urc.DownloadStarted("STM32", 27954, MD5, 4022793929)),
    (f'+QIOTEVT: 7,10701,"STM32",27954,"{MD5}",4022793929,"{SHA}"',
     urc.DownloadStarted("STM32", 27954, MD5, 4022793929, SHA)),
    (f'+QIOTEVT: 7,10701,"STM32",27954,"{MD5}",,"{SHA}"', urc.DownloadStarted("STM32", 27954, MD5, None, SHA)),
    (f'+QIOTEVT: 7,10701,"STM32",27954,"{MD5}","{SHA}"', urc.DownloadStarted("STM32", 27954, MD5, None, SHA)),
    ("+QIOTEVT: 7,10702", urc.Downloading()),
    ("+QIOTEVT: 7,10703", urc.Downloaded()),
    ('+QIOTEVT: 7,10703,"STM32",27954,0,27954', urc.Downloaded("STM32", 27954, 0, 27954)),
    ('+QIOTEVT: 7,10703,"STM32","27954","0","27954"', urc.Downloaded("STM32", 27954, 0, 27954)),
    ("+QIOTEVT: 7,10704", urc.Updating()),
    ("+QIOTEVT: 7,10705", urc.Updated()),
    ("+QIOTEVT: 7,10706", urc.UpdateFailed()),
    ("+QIOTEVT: 7,10707", urc.FirstDeviceResult()),
    ("+QIOTEVT: 7,10707,0", urc.FirstDeviceResult()),
    ('+QIOTEVT: 7,10707,"00000000', urc.FirstDeviceResult()),
    ("+QIOTEVT: 7,10708", urc.SubDeviceTimedOut()),
    ('+QIOTSUBEVT: "pk","dk",7,10708', urc.SubDeviceTimedOut()),
    ("+QIOTEVT: 1,10200", urc.Authenticated()),
    ("+QIOTEVT: 2,10200", urc.Registered()),
    ("+QIOTEVT: 3,10200", urc.Subscribed()),
    ("+QIOTEVT: 6,10200", urc.Deregistered()),
    ("+QIOTEVT: 6,10201", urc.Event(6, 10201, (), "a sub-device left the platform")),
    ("+QIOTEVT:4,10250", urc.Event(4, 10250, (), "the network time arrived: time, zone, Unix time in ms")),
    ('+QIOTEVT: 4,10250,"2023-02-07 10:29:54 2","+08:00","1675736994488"',
     urc.Event(4, 10250, ("2023-02-07 10:29:54 2", "+08:00", "1675736994488"),
               "the network time arrived: time, zone, Unix time in ms")),
    ("+QIOTEVT: 4,10200,17", urc.Event(4, 10200, (17,), "transparent data was sent")),
    ("+QIOTEVT: 5,10211,7,1,2", urc.Event(5, 10211, (7, 1, 2), "the platform reads model data")),
    ('+QIOTEVT: 5,10212,7,10,{"1":true}', urc.Event(5, 10212, (7, 10, '{"1":true}'), "the platform calls a service of the model")),
    ("+QIOTEVT: 30,3,12", urc.Event(30, 3, (12,), "sending failed and is tried again")),
    ("+QIOTEVT: 8,12345", urc.Event(8, 12345, (), "not documented")),
    ('+QIOTSUBEVT: "pk","dk",1,10200,"secret"',
     urc.SubDeviceEvent("pk", "dk", 1, 10200, ("secret",), "the device is authenticated")),
    ("+QIOTSUBEVT: 4,10220", urc.SubDeviceEvent(None, None, 4, 10220, (), "the location was sent")),
    ('+QIND: "FOTA","HTTPSTART"', urc.Dfota("HTTPSTART")),
    ('+QIND: "FOTA","DOWNLOADING",57%', urc.Dfota("DOWNLOADING", 57)),
    ('+QIND: "FOTA","UPDATING",8', urc.Dfota("UPDATING", 8)),
    ('+QIND: "FOTA","HTTPEND",608', urc.Dfota("HTTPEND", 608)),
    ('+QIND: "FOTA","RESTORE",12%', urc.Dfota("RESTORE", 12)),
    ('+QIND: "FOTA","UPDATING",n', urc.Dfota("UPDATING")),
    ('+QIND: "FOTA","Last upgrade was not finished,continue upgrade"',
     urc.Dfota("Last upgrade was not finished,continue upgrade")),
    ("RDY", urc.Ready()),
    ("APP RDY", urc.AppReady()),
    ("+CFUN: 1", urc.Functionality(1)),
    ("+CPIN: READY", urc.SimState("READY")),
    ("+CPIN: NOT INSERTED", urc.SimState("NOT INSERTED")),
    ("+QUSIM: 1", urc.SimState("1")),
    ("+CEREG: 2", urc.NetworkState("+CEREG", (2,))),
    ("+CREG: 0,1", urc.NetworkState("+CREG", (0, 1))),
    ('+CGREG: 5,"1A2B","0123ABCD",7,,,"00001010"',
     urc.NetworkState("+CGREG", (5, "1A2B", "0123ABCD", 7, None, None, "00001010"))),
    ("+QIND: SMS DONE", urc.Indication("SMS DONE")),
    ("+QIND: PB DONE", urc.Indication("PB DONE")),
    ("PB DONE", urc.Indication("PB DONE")),
    ('+QIND: "csq",20,99', urc.Indication("csq", (20, 99))),
    ('+QIND: "vbatt",-2', urc.UnderVoltage("power-down")),
    ('+QIND: "vbatt",-1', urc.UnderVoltage("warning")),
    ('+QIND: "vbatt",0', urc.PoweredDown("normal")),
    ('+QIND: "vbatt",1', urc.OverVoltage("warning")),
    ('+QIND: "vbatt",2', urc.OverVoltage("power-down")),
    ('+QIND: "vbatt",7', urc.Indication("vbatt", (7,))),
    ("UNDER_VOLTAGE WARNING ", urc.UnderVoltage("warning")),
    ("UNDER-VOLTAGE WARNNING", urc.UnderVoltage("warning")),
    ("UNDER_VOLTAGE POWER DOWN", urc.UnderVoltage("power-down")),
    ("OVER_VOLTAGE WARNING", urc.OverVoltage("warning")),
    ("OVER_VOLTAGE POWER DOWN ", urc.OverVoltage("power-down")),
    ("NORMAL POWER DOWN", urc.PoweredDown("normal")),
    ("POWERED DOWN", urc.PoweredDown("powered-down")),
]  # fmt: skip

UNTYPED = [
    "", "OK", "ERROR", "> ", "AT+QIOTREG=1", "+QIOTEVT", "+QIOTEVT:", "+QIOTEVT: 410220", "+QIOTEVT: x,10200",
    '+QIOTEVT: 7,10700', '+QIOTEVT: 7,10700,"BC25","a","b",30,-113', '+QIOTEVT: 7,10700,"BC25","a","b",30,-113,2563,1',
    '+QIOTEVT: 7,10700,"BC25","a","b",thirty,-113,2563', '+QIOTEVT: 7,10700,"BC25","a","b",3_0,-113,2563',
    '+QIOTEVT: 7,10700,"BC25","a","b",٣,-113,2563', '+QIOTEVT: 7,10700,"BC25","a","b",30,-113,' + "9" * 5000,
    '+QIOTEVT: 7,10701,', '+QIOTEVT: 7,10701,"STM32"', '+QIOTEVT: 7,10703,"STM32",1,2', "+QIOTEVT: 7,10703,1,2,3,4",
    "+QIOTEVT: 7,10705\x80\x12", "+QIOTEVT: 7,10705+QIOTEVT: 2,10200", "+QIOTEVT: 7,1070517", "+QIOTEVT: 2,10474,\x01",
    '+QIOTEVT: 4,10250,"2023', '+QIOTSUBEVT: "pk",1,10200', '+QIND: "FOTA"', '+QIND: "FOTA","END",zero',
    '+QIND: "FOTA","UPDATING",3x', "+QIND:", "+QIND: 5", '+QIND: ""', "+CFUN: 1,0", "+CFUN: (0,1,4)", "+CEREG: (0-2)", "+CPIN:",
    "RDYX", "rdy", "[RX]+QIOTEVT: 7,10705", "I (123) at: RDY", "UNDER_VOLTAGE", "+CSQ: 16,99", "+QIOTOTARD: 0,1024",
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line[:48] for line, _ in LINES])
def test_a_printed_line_gets_its_type(line: str, expected: urc.Urc) -> None:
    assert urc.parse(line) == expected
    assert type(urc.parse(line)) is type(expected)


@pytest.mark.parametrize("line", UNTYPED, ids=[ascii(line[:48]) for line in UNTYPED])
def test_what_has_no_type_is_unknown_and_kept(line: str) -> None:
    found = urc.parse(line)
    assert type(found) is urc.Unknown
    assert found.raw == line.strip(" \x00\xff")


@pytest.mark.parametrize("noise", ["{}", "{}\r", "\r\n{}\r\n", "\x00\x00{}", "\xff\xff{}\x00", "  {}\t", "\r\r\n{} "])
def test_noise_and_white_space_around_a_line_do_not_count(noise: str) -> None:
    found = urc.parse(noise.format("+QIOTEVT: 7,10705").encode("latin-1"), 1.5)
    assert found == urc.Updated()
    assert (found.raw, found.time) == ("+QIOTEVT: 7,10705", 1.5)


@pytest.mark.parametrize("type_", range(1, 4))
def test_every_other_code_of_types_1_to_3_is_a_failure_with_its_meaning(type_: int) -> None:
    kinds = [urc.AuthenticationFailed, urc.RegistrationFailed, urc.SubscriptionFailed]
    found = urc.parse(f"+QIOTEVT: {type_},10300")
    assert type(found) is kinds[type_ - 1]
    assert urc.parse(f'+QIOTEVT: {type_},10999,"why"') == kinds[type_ - 1](10999, "not documented")


def test_the_documented_meanings_reach_the_failures() -> None:
    assert urc.parse("+QIOTEVT: 1,10424") == urc.AuthenticationFailed(10424, "the payload cannot be decoded")
    assert urc.parse("+QIOTEVT: 2,10477") == urc.RegistrationFailed(10477, "the device is disabled")


def test_time_and_text_of_a_line_do_not_take_part_in_comparisons() -> None:
    assert urc.parse("+QIOTEVT: 7,10705", 1.0) == urc.parse(" +QIOTEVT:7,10705 ", 2.0)
    assert hash(urc.parse("+QIOTEVT: 7,10705", 1.0)) == hash(urc.Updated())


@given(TYPED)
def test_what_is_printed_is_read_back(found: urc.Urc) -> None:
    line = render(found)
    again = urc.parse(line.encode(), 2.5)
    assert again == found
    assert again.raw == line.strip()
    assert urc.parse(line) == found


@given(TYPED)
def test_every_urc_is_frozen_can_be_copied_and_is_json(found: urc.Urc) -> None:
    assert pickle.loads(pickle.dumps(found)) == found
    assert not hasattr(found, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.raw = "other"  # type: ignore[misc]
    plain = urc.fields(found)
    assert json.loads(json.dumps(plain)) == plain
    assert list(plain) == [field.name for field in dataclasses.fields(found) if field.name not in ("raw", "time")]
    assert urc.explain(found).startswith(type(found).__name__)


@given(st.binary(max_size=80))
def test_parse_takes_any_bytes(line: bytes) -> None:
    assert isinstance(urc.parse(line), urc.Urc)
    assert isinstance(urc.payload_length(line), int | None)


@given(
    st.sampled_from(
        ["+QIOTEVT: 7,10700,", "+QIOTEVT: 7,10701,", "+QIOTEVT: 7,10703,", "+QIOTEVT: ", '+QIND: "FOTA",', "+CEREG: "]
    ),
    st.text(st.sampled_from('0123456789",-" \t%nxé\x00\x80'), max_size=60),
)
def test_parse_takes_any_damage_behind_a_known_word(head: str, tail: str) -> None:
    found = urc.parse(head + tail)
    assert isinstance(found, urc.Urc)
    json.dumps(urc.fields(found))


@pytest.mark.parametrize("filler", [b" ", b'"', b",", b'",', b"1,", b"\\", b"a"])
def test_a_very_long_line_costs_no_time(filler: bytes) -> None:
    for head in (b"+QIOTEVT: 4,10200,", b'+QIND: "FOTA",', b"+CEREG: 1,", b"+CPIN: "):
        for size in (8000, 60_000):
            assert isinstance(urc.parse(head + filler * (size // len(filler)) + b"\x01"), urc.Unknown)


def test_a_line_that_is_too_long_is_unknown() -> None:
    assert isinstance(urc.parse("+CPIN: " + "A" * 9000), urc.Unknown)
