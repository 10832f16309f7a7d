"""What a real MCU read of its file, and who is at fault where something is wrong with it."""

from __future__ import annotations

import hashlib
import random
import zlib

import pytest

from pytest_quecfota import models, urc
from pytest_quecfota.at.overheard import Heard
from pytest_quecfota.errors import HostError, ModuleError
from pytest_quecfota.module.reading import Reading

FILE = random.Random(5).randbytes(3000)
BLOCKS = [(0, 2000), (2000, 1000)]


def started(content=FILE):
    digests = hashlib.md5(content).hexdigest(), zlib.crc32(content), hashlib.sha256(content).hexdigest()
    return urc.DownloadStarted("STM32", len(FILE), *digests)


def heard(command, final="OK", lines=(), block=None):
    return Heard(command, final, list(lines), [], block, 0.0, 0.0)


def read(start, length, data=None):
    piece = FILE[start : start + length] if data is None else data
    return heard(f"AT+QIOTOTARD={start},{length}", "OK", [f"+QIOTOTARD: {start},{len(piece)}"], piece)


def told(*happened, target="2_0_0"):
    """A reading that has seen what a good MCU does, with `happened` in place of its reads of the second block."""
    reading = Reading("STM32", target, models.load("BC25"))
    reading.came(started())
    for start, length in BLOCKS:
        reading.came(urc.Downloaded("STM32", len(FILE), start, length))
        pieces = happened if start and happened else [read(at, 500) for at in range(start, start + length, 500)]
        for what in pieces:
            reading.heard(what)
    return reading


def finished(reading, version="2_0_0"):
    reading.heard(heard("AT+QIOTUPDATE=3"))
    reading.heard(heard(f'AT+QIOTMCUVER="STM32","{version}"'))
    return reading


def test_exactly_the_blocks_each_byte_once_is_right():
    reading = finished(told())
    reading.check()
    assert (reading.reads, reading.missing()) == (6, None)


def test_bytes_may_be_read_again_and_out_of_order():
    finished(told(read(2500, 500), read(2000, 700), read(2000, 500))).check()


@pytest.mark.parametrize(
    ("happened", "whose", "words"),
    [
        ([read(2000, 500), read(2600, 400)], HostError, "never read the bytes 2500 to 2599 of the 3000"),
        (
            [read(2000, 1000), heard("AT+QIOTOTARD=0,10", "ERROR")],
            HostError,
            "10 bytes from 0 are not in the block at hand, 2000 to",
        ),
        ([read(2000, 1000), heard("AT+QIOTOTARD=3000,10", "ERROR")], HostError, "not in the block at hand"),
        ([read(2000, 1000), read(0, 10)], ModuleError, "yet they were answered (SOTA-04)"),
        (
            [read(2000, 1000), heard("AT+QIOTOTARD=2000,10", "ERROR")],
            ModuleError,
            "are in the block, yet it answered ERROR",
        ),
        ([read(2000, 1000), read(2000, 10, b"x" * 10)], ModuleError, "other bytes than when they were read before"),
        ([read(2000, 1000), read(2000, 10, b"x" * 9)], ModuleError, "9 bytes came instead of 10"),
        ([read(2000, 1000, bytes(1000))], ModuleError, "the file read is not the file announced: MD5"),
    ],
)
def test_what_is_wrong_is_told_with_who_is_at_fault(happened, whose, words):
    with pytest.raises(whose) as caught:
        finished(told(*happened)).check()
    assert type(caught.value) is whose
    assert words in str(caught.value)


def test_a_read_that_was_not_answered_may_be_repeated():
    finished(told(heard("AT+QIOTOTARD=2000,1000", ""), read(2000, 1000))).check()


def test_without_a_report_or_with_another_version_it_is_the_mcus_fault():
    reading = told()
    reading.heard(heard('AT+QIOTMCUVER="STM32","2_0_0"'))
    with pytest.raises(HostError, match="without reporting"):
        reading.check()
    with pytest.raises(HostError, match="told the version '3'"):
        finished(told(), version="3").check()


@pytest.mark.parametrize(
    ("version", "silent", "whose", "words"),
    [
        (None, 61.0, HostError, "has read nothing for 61 s"),
        (None, 10.0, ModuleError, "10 s after the MCU's last command"),
        ("3", 0.0, HostError, "told the version '3' instead of '2_0_0'"),
    ],
)
def test_a_failure_names_who_let_it_come_to_that(version, silent, whose, words):
    reading = told()
    if version is not None:
        reading.heard(heard(f'AT+QIOTMCUVER="STM32","{version}"'))
    error = reading.why_failed(silent)
    assert type(error) is whose
    assert words in str(error)


def test_a_mcu_that_tells_no_version_for_twenty_minutes_is_at_fault():
    reading = told()
    reading.heard(heard("AT+QIOTUPDATE=3"))
    assert "no new version for 1201 s" in str(reading.why_failed(1201.0))
