"""A host that sends what no host should: too long, too much, half, binary, out of turn. The module answers and lives."""

import logging
import random
from collections.abc import Iterator

import pytest
from lab import Lab

from pytest_quecfota.virtual.firmware.interpreter import LONGEST_LINE

ERROR = b"\r\nERROR\r\n"


@pytest.fixture(autouse=True)
def nothing_broke(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No task of the firmware ended in an exception."""
    yield
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


def send(lab: Lab, data: bytes) -> None:
    for at in range(0, len(data), 2048):
        lab.client.write(data[at : at + 2048])
        lab.client.silence(0.002)


def lives(lab: Lab) -> None:
    """It answers, and nothing of what came before sticks to the command."""
    send(lab, b"\r")
    lab.client.silence(0.05)
    assert lab.client.ok("AT+CGMR") == b"V1"


@pytest.mark.parametrize("size", [LONGEST_LINE + 1, 65536, 300_000])
def test_a_line_too_long_is_one_error_and_needs_no_more_room_than_the_longest(lab: Lab, size: int) -> None:
    lab.client.ok("ATE0")
    send(lab, b"AT+QIOTCFG=" + b"x" * size)
    assert len(lab.on_loop(lambda: bytes(lab.module.firmware.at._line))) == LONGEST_LINE + 1  # type: ignore[union-attr]
    lab.client.write(b"\r")
    assert lab.client.until(rb"ERROR\r\n") == ERROR
    assert lab.client.silence(0.05) == b""
    lab.client.write(b"AT\r")
    assert lab.client.until(rb"OK\r\n") == b"\r\nOK\r\n"


def test_the_longest_line_is_a_line(lab: Lab) -> None:
    chained = "AT" + ";".join(["+CSQ"] * 400)
    assert len(chained) <= LONGEST_LINE
    assert lab.client.command(chained).count(b"+CSQ: 14,99") == 400


@pytest.mark.parametrize(
    "text",
    [
        b'AT+QIOTMCUVER="\x00","1"',
        b'AT+QIOTMCUVER="a\x1b","1"',
        b'AT+QIOTCFG="productinfo","p\x01","s"',
        b"AT+QIOTREG=\xb2",
        b"AT+QIOTREG=--1",
        b"AT+QIOTREG=1e1",
        b"AT+QIOTREG=0x1",
        b'AT+QIOTCFG="buffer',
        b'AT+QIOTCFG="buffer",1"',
        b'AT+QIOTCFG="buffer" 1',
        b"AT+QIOTCFG=,,,,,,,,",
        b"AT+QIOTOTARD=" + b"9" * 1500 + b",1",
        b"AT+QIOTOTARD=0,-1",
        b"AT+QIOTUPDATE=+99999999999999999999",
        b"AT+",
        b"AT+?",
        b"AT+=",
        b"AT+QIOTREG==1",
        b"AT+QIOTREG??",
        b"AT+QIOTREG?=",
        b"AT ATI AT",
        b"AT+QIOTREG;",
    ],
)
def test_what_is_no_command_is_refused(lab: Lab, text: bytes) -> None:
    lab.client.ok("ATE0")
    lab.client.write(text + b"\r")
    answer = lab.client.until(rb"ERROR[^\r]*\r\n")
    assert answer in (ERROR, b"\r\n+CME ERROR: 3\r\n", b"\r\n+CME ERROR: 50\r\n"), answer
    assert lab.client.silence(0.02) == b""


def test_eight_bit_characters_in_a_string_are_kept_as_they_are(lab: Lab) -> None:
    lab.client.write(b'AT+QIOTMCUVER="M\xe4","1"\r')
    lab.client.until(rb"OK\r\n")
    lab.client.write(b"AT+QIOTMCUVER?\r")
    assert b'+QIOTMCUVER: "M\xe4","1"' in lab.client.until(rb"OK\r\n")
    lives(lab)


def test_half_a_command_waits_for_its_other_half(lab: Lab) -> None:
    lab.client.write(b"AT+CG")
    lab.step(300)
    lab.client.write(b"MR\r")
    assert lab.client.until(rb"OK\r\n").endswith(b"V1\r\n\r\nOK\r\n")


def test_a_power_cycle_forgets_half_a_command(lab: Lab) -> None:
    lab.client.write(b"AT+CG")
    lab.client.silence(0.02)
    lab.power(False)
    lab.client.drain()
    lab.boot()
    lab.client.ok("AT")


def test_a_command_while_another_runs_waits_its_turn(lab: Lab) -> None:
    lab.client.ok('AT+QIOTCFG="productinfo","pk","ps"')
    lab.client.write(b"AT+QIOTREG=1\rAT+QIOTSTATE?\rAT+QPOWD=1\rAT+CGMR\r")
    text = lab.client.until(rb"POWERED DOWN\r\n")
    assert text.count(b"\r\nOK\r\n") >= 3
    assert b"QIOTSTATE: " in text


def test_a_repetition_needs_something_to_repeat(lab: Lab) -> None:
    lab.client.write(b"A/A/")
    assert lab.client.silence(0.05).replace(b"A/", b"") == b""
    lab.client.write(b"AT+CGMR\rA/A/")
    text = lab.client.until(rb"(?s)(V1\r\n\r\nOK\r\n.*){3}")
    assert text.count(b"V1") == 3
    assert text.count(b"A/") == 2


def test_a_chain_ends_at_its_first_error(lab: Lab) -> None:
    answer = lab.client.command("AT+CGMR;+QIOTUPDATE=1;+CSQ")
    assert b"V1" in answer
    assert answer.endswith(ERROR)
    assert b"+CSQ" not in answer


def test_a_prompt_takes_anything_and_only_as_much_as_announced(lab: Lab) -> None:
    lab.online()
    data = b"AT\r\nOK\r\n\x00\x1a\x1b\xff> +QIOTEVT: 7,10705"
    lab.client.write(f"AT+QIOTSEND=1,{len(data)}\r".encode())
    lab.client.until(rb"> ")
    lab.client.write(data + b"AT+CGMR\r")
    text = lab.client.until(rb"V1\r\n\r\nOK\r\n")
    assert text.startswith((b"\r\nOK\r\n", b"AT+CGMR\r"))


def test_noise_of_any_kind_leaves_it_alive(lab: Lab) -> None:
    rng = random.Random(5)
    pieces = [
        b"AT",
        b"+QIOT",
        b"CFG",
        b"=",
        b"?",
        b'"',
        b",",
        b";",
        b"A/",
        b"\r",
        b"\n",
        b"1",
        b"\x00",
        b"\xff",
        b"\x08",
        b"I",
    ]
    for _ in range(60):
        send(lab, b"".join(rng.choices(pieces, k=30)) + rng.randbytes(10).replace(b"E", b"e") + b"\r")
    lab.client.write(b'"\r')
    lab.client.silence(0.1)
    lab.client.write(b"ATE1V1Q0\r")
    lab.client.silence(0.1)
    lives(lab)
