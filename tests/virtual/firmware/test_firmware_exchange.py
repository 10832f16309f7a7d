"""Data to and from the platform, the binding code, the device's reset and the platform's time: forms, prompts, buffers, events."""

import base64
import re
from collections.abc import Callable

import pytest
from fake_platform import FakePlatform
from lab import Lab

ERROR = b"\r\nERROR\r\n"
NEWEST = {"sdk": "2.11.0"}


def cellular(make_lab: Callable[..., Lab], **profile: object) -> Lab:
    lab = make_lab("EC200U", profile=profile)
    lab.power(True, 3.8)
    lab.client.until(rb"PB DONE\r\n")
    return lab


FORMS = [
    ("BC25", "AT+QIOTSEND=?", "+QIOTSEND: (0-2,100-102),(1-1024),<data>"),
    ("BC25", "AT+QIOTMODELTD=?", "+QIOTMODELTD: (0-2,100-102),(1-1024),(1-65534)"),
    ("BC25", "AT+QIOTRD=?", "+QIOTRD: (1-1024)"),
    ("BC25", "AT+QIOTMODELRD=?", "+QIOTMODELRD: (1-1024)"),
    ("BC25", "AT+QIOTRD?", "+QIOTRD: 0"),
    ("BC25", "AT+QIOTMODELRD?", "+QIOTMODELRD: 0"),
    ("BC25", "AT+QIOTBINDCODE=?", None),
    ("BC25", "AT+QIOTRST", None),
    ("BC25", "AT+QIOTNTPREQ", None),
    ("BC25", "AT+QIOTSEND=1,5", None),
    ("BC25", "AT+QIOTSEND", None),
    ("BC25", "AT+QIOTSEND?", None),
    ("BC25", "AT+QIOTMODELTD=1,5,1", None),
    ("BC25", "AT+QIOTRD=10", None),
    ("BC25", "AT+QIOTRD=0", None),
    ("BC25", 'AT+QIOTMODELRD="1"', None),
    ("EC200U", "AT+QIOTSEND=?", "+QIOTSEND: (0-2),(1-1024),<data>"),
    ("EC200U", "AT+QIOTBINDCODE=?", "+QIOTBINDCODE: (0-3600),<bind_code>"),
    ("EC200U", "AT+QIOTBINDCODE?", '+QIOTBINDCODE: 0,""'),
    ("EC200U", "AT+QIOTBINDCODE=3601", None),
    ("EC200U", 'AT+QIOTBINDCODE=10,"7F36"', None),
    ("EC200U", 'AT+QIOTBINDCODE=10,"XF369C6E6CE6BC9C"', None),
    ("EC200U", "AT+QIOTRST=1", None),
    ("EC200U", "AT+QIOTNTPREQ", None),
]


@pytest.mark.parametrize("model", ["BC25", "EC200U"])
def test_forms_and_refusals_by_flavour(make_lab: Callable[..., Lab], model: str) -> None:
    lab = cellular(make_lab) if model == "EC200U" else make_lab(model)
    if model == "BC25":
        lab.boot()
    for of, command, information in FORMS:
        if of == model:
            expected = ERROR if information is None else f"\r\n{information}\r\n\r\nOK\r\n".encode()
            assert lab.client.command(command) == expected, command


SINCE = [
    ("+QIOTOTAREQ=?", "2.8.1", "2.8.2"),
    ("+QIOTRST=?", "2.9.2", "2.10.0"),
    ("+QIOTBINDCODE=?", "2.10.2", "2.10.3"),
    ("+QIOTNTPREQ=?", "2.10.5", "2.11.0"),
    ('+QIOTCFG="txid_mode"', "2.9.2", "2.10.0"),
    ('+QIOTCFG="dk_ds"', "2.7.2", "2.8.0"),
]


def test_what_a_version_does_not_have_yet_is_an_error() -> None:
    from pytest_quecfota.virtual.firmware.quecthing import SETTINGS
    from pytest_quecfota.virtual.firmware.tables import commands_of
    from pytest_quecfota.virtual.models import load

    for text, without, having in SINCE:
        for version, there in ((without, False), (having, True)):
            data = load("EC200U", overrides={"sdk": version})
            name, setting = text.split("=")[0], text.partition('"')[2].rstrip('"')
            found = data.offers(SETTINGS[setting].since) if setting else name in commands_of(data)
            assert found is there, (text, version)
    assert "+QIOTNTPREQ" not in commands_of(load("BC25"))


@pytest.mark.parametrize(("command", "event"), [("+QIOTSEND", 10200), ("+QIOTMODELTD", 10210)])
def test_data_is_sent_after_a_prompt_exactly_as_long_as_announced(
    lab: Lab, platform: FakePlatform, command: str, event: int
) -> None:
    lab.online()
    lab.client.write(f"AT{command}=1,12\r\n".encode())
    assert lab.client.until(rb"> ") == f"AT{command}=1,12\r\r\n> ".encode()
    lab.client.write(b"AB\r\n> \x00OK\r\n\x1a")
    assert lab.client.until(rb"4,%d\r\n" % event) == b"\r\nOK\r\n\r\n+QIOTEVT: 4,%d\r\n" % event
    platform.wait_for("/report")


def test_data_may_stand_in_the_line_where_its_length_fits(lab: Lab) -> None:
    lab.online()
    for refused in ('1,4,"hello"', '3,5,"hello"', '1,0,""', '1,1025,"x"', "1,5,5"):
        assert lab.client.command(f"AT+QIOTSEND={refused}") == ERROR, refused
    assert lab.client.command("AT+QIOTMODELTD=1,5,0") == ERROR
    assert lab.client.command("AT+QIOTMODELTD=1,5,65535") == ERROR
    lab.client.ok('AT+QIOTSEND=1,5,"hello"')
    lab.client.until(rb"\r\n\+QIOTEVT: 4,10200\r\n")


def test_what_does_not_get_through_is_told(lab: Lab, platform: FakePlatform) -> None:
    lab.online()
    platform.refuse["/report"] = (500, 10500)
    lab.client.ok('AT+QIOTSEND=1,5,"hello"')
    lab.client.until(rb"\r\n\+QIOTEVT: 4,10300\r\n")


def test_only_confirmed_messages_are_told_where_the_profile_says_so(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(profile={"send_event": "confirmed"})
    lab.boot()
    lab.online()
    lab.client.ok('AT+QIOTSEND=1,1,"a"')
    lab.client.ok('AT+QIOTSEND=101,1,"b"')
    assert lab.client.until(rb"4,10200\r\n").count(b"4,10200") == 1
    assert lab.client.silence(0.05) == b""


def test_transfers_are_numbered_where_it_was_asked_for(make_lab: Callable[..., Lab]) -> None:
    lab = cellular(make_lab)
    lab.client.ok('AT+QIOTCFG="txid_mode",1')
    lab.online()
    assert lab.client.ok('AT+QIOTSEND=2,1,"a"') == b"+QIOTSEND: 1"
    lab.client.until(rb"\r\n\+QIOTEVT: 4,10200,1\r\n")
    lab.client.write(b"AT+QIOTMODELTD=2,2\r")
    lab.client.until(rb"> ")
    lab.client.write(b"{}")
    lab.client.until(rb"\+QIOTMODELTD: 2\r\n\r\nOK\r\n\r\n\+QIOTEVT: 4,10210,2\r\n")


def test_in_json_mode_what_is_no_object_is_refused_by_event(lab: Lab) -> None:
    lab.client.ok('AT+QIOTCFG="tsl",1')
    lab.online()
    lab.client.write(b"AT+QIOTMODELTD=1,3,7\r")
    lab.client.until(rb"> ")
    lab.client.write(b"[1]")
    lab.client.until(rb"OK\r\n\r\n\+QIOTEVT: 4,10410\r\n")


def push(platform: FakePlatform, channel: str, payload: bytes) -> None:
    platform.push({"type": "data", "channel": channel, "payload": base64.b64encode(payload).decode()})


def test_unbuffered_data_comes_right_behind_its_event(lab: Lab, platform: FakePlatform) -> None:
    lab.online()
    push(platform, "passthrough", b"12\r\n\x00OK")
    assert lab.client.until(rb"OK\r\n") == b"\r\n+QIOTEVT: 5,10200,7\r\n12\r\n\x00OK\r\n"
    push(platform, "model", b'{"6":{"5":2}}')
    assert lab.client.until(rb"}}\r\n") == b'\r\n+QIOTEVT: 5,10210,13\r\n{"6":{"5":2}}\r\n'
    push(platform, "model", bytes(1025))
    lab.client.until(rb"\r\n\+QIOTEVT: 5,10473\r\n")
    platform.push({"type": "model-read", "package": 7, "ids": [1, 2]})
    lab.client.until(rb"\r\n\+QIOTEVT: 5,10211,7,1,2\r\n")


def test_buffered_data_waits_to_be_read_in_pieces(lab: Lab, platform: FakePlatform) -> None:
    lab.client.ok('AT+QIOTCFG="buffer",1')
    lab.online()
    for payload in (b"123456", b"ab\r\nOK\r\n"):
        push(platform, "passthrough", payload)
        assert lab.client.until(rb"5,10200\r\n") == b"\r\n+QIOTEVT: 5,10200\r\n"
    assert lab.client.ok("AT+QIOTRD?") == b"+QIOTRD: 2"
    for length, header, data in ((4, b"4,2,1", b"1234"), (1024, b"2,0,1", b"56"), (1024, b"8,0,0", b"ab\r\nOK\r\n")):
        command = b"AT+QIOTRD=%d\r" % length
        lab.client.write(command)
        due = command + b"\r\n+QIOTRD: " + header + b"\r\n" + data + b"\r\n\r\nOK\r\n"
        assert lab.client.take(len(due)) == due
    assert lab.client.command("AT+QIOTRD=1") == ERROR
    assert lab.client.ok("AT+QIOTMODELRD?") == b"+QIOTMODELRD: 0"


def test_of_more_than_ten_pieces_the_oldest_is_overwritten(lab: Lab, platform: FakePlatform) -> None:
    lab.client.ok('AT+QIOTCFG="buffer",1')
    lab.online()
    for number in range(11):
        push(platform, "model", b"%d" % number)
    text = lab.client.until(re.compile(rb"(5,10210\r\n.*){11}", re.DOTALL))
    assert text.count(b"5,10428") == 1
    assert lab.client.ok("AT+QIOTMODELRD?") == b"+QIOTMODELRD: 10"
    assert lab.client.ok("AT+QIOTMODELRD=9") == b"+QIOTMODELRD: 1,0,9\r\n1"


def test_a_binding_code_runs_out(make_lab: Callable[..., Lab]) -> None:
    lab = cellular(make_lab)
    lab.client.ok('AT+QIOTBINDCODE=105,"7f369C6E6CE6BC9C"')
    assert lab.client.ok("AT+QIOTBINDCODE?") == b'+QIOTBINDCODE: 105,"7F369C6E6CE6BC9C"'
    lab.step(106)
    assert lab.client.ok("AT+QIOTBINDCODE?") == b'+QIOTBINDCODE: 0,""'
    lab.client.ok("AT+QIOTBINDCODE=3600")
    assert re.fullmatch(rb'\+QIOTBINDCODE: 3\d{3},"[0-9A-F]{16}"', lab.client.ok("AT+QIOTBINDCODE?"))


def test_a_reset_device_authenticates_anew(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = cellular(make_lab)
    lab.online()
    assert lab.client.command("AT+QIOTRST") == ERROR
    lab.client.ok("AT+QIOTREG=0")
    lab.client.until(rb"6,10200\r\n")
    lab.client.ok("AT+QIOTRST")
    lab.client.ok("AT+QIOTREG=1")
    lab.client.until(rb"1,10200\r\n")
    lab.client.until(rb"3,10200\r\n")
    assert [path for path, _ in platform.calls].count("/authenticate") == 2


def test_the_platforms_time_is_an_event(make_lab: Callable[..., Lab]) -> None:
    lab = cellular(make_lab, **NEWEST)
    assert lab.client.command("AT+QIOTNTPREQ") == ERROR
    lab.online()
    lab.client.ok("AT+QIOTNTPREQ")
    lab.client.until(rb'\r\n\+QIOTEVT: 4,10250,"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [1-7]","\+00:00","\d{13}"\r\n')
