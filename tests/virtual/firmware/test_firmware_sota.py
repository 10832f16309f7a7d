"""The upgrade of the host through the module: block by block, byte by byte, both flavours."""

import hashlib
import random
import zlib
from collections.abc import Callable

import pytest
from fake_platform import FakePlatform
from lab import Lab

PAYLOAD = random.Random(7).randbytes(9000) + b"OK\r\n+QIOTEVT: 7,10705\r\n> AT\r\n\x00\r\n" + bytes(range(256)) * 3
MD5, CRC = hashlib.md5(PAYLOAD).hexdigest(), zlib.crc32(PAYLOAD)
SHA256 = hashlib.sha256(PAYLOAD).hexdigest()
BLOCK = 4096
PROFILE = {"sota_block": BLOCK}


def read(lab: Lab, start: int, length: int) -> bytes:
    """One AT+QIOTOTARD, by its bytes."""
    command = f"AT+QIOTOTARD={start},{length}".encode()
    lab.client.write(command + b"\r")
    assert lab.client.take(len(command) + 3) == command + b"\r\r\n"
    header = lab.client.until(rb"\r\n")
    count = int(header.split(b",")[1])
    assert header == b"+QIOTOTARD: %d,%d\r\n" % (start, count)
    data = lab.client.take(count)
    assert lab.client.take(8) == b"\r\n\r\nOK\r\n"
    return data


def begin(lab: Lab, *, last: bytes = rb"READY\r\n", volts: float = 3.3) -> None:
    lab.power(True, volts)
    lab.client.until(last)
    lab.client.ok('AT+QIOTMCUVER="STM32","1_0_0"')
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb'7,10700,"STM32","","2_0_0",30,-113,%d\r\n' % len(PAYLOAD))
    lab.client.ok("AT+QIOTUPDATE=1")


def downloaded(lab: Lab, start: int) -> bytes:
    length = min(BLOCK, len(PAYLOAD) - start)
    return lab.client.until(rb'7,10703,"STM32",%d,%d,%d\r\n' % (len(PAYLOAD), start, length))


def read_block(lab: Lab, start: int) -> bytes:
    end = min(start + BLOCK, len(PAYLOAD))
    return b"".join(read(lab, at, min(1024, end - at)) for at in range(start, end, 1024))


def read_all(lab: Lab) -> bytes:
    """All blocks, the next asked for after each."""
    received = b""
    while True:
        downloaded(lab, len(received))
        received += read_block(lab, len(received))
        if len(received) == len(PAYLOAD):
            return received
        lab.client.ok("AT+QIOTUPDATE=2")


@pytest.mark.parametrize(
    ("model", "last", "volts", "around"),
    [("BC25", rb"READY\r\n", 3.3, b""), ("EC200U", rb"PB DONE\r\n", 3.8, b'\r\n+QIND: "FOTA","END",0\r\n')],
)
def test_a_whole_upgrade_in_blocks_byte_for_byte(
    make_lab: Callable[..., Lab], platform: FakePlatform, model: str, last: bytes, volts: float, around: bytes
) -> None:
    lab = make_lab(model, profile=PROFILE)
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    begin(lab, last=last, volts=volts)
    announced = lab.client.until(rb"7,10702\r\n")
    start = f'\r\n+QIOTEVT: 7,10701,"STM32",{len(PAYLOAD)},"{MD5}",{CRC},"{SHA256}"\r\n'.encode()
    assert announced == start + b"\r\n+QIOTEVT: 7,10702\r\n"
    assert read_all(lab) == PAYLOAD
    assert lab.client.seen.count(b"7,10701,") == 1
    assert lab.client.command("AT+QIOTUPDATE=2") == b"\r\nERROR\r\n"
    lab.client.ok("AT+QIOTUPDATE=3")
    assert lab.client.until(rb"7,10704\r\n") == b"\r\n+QIOTEVT: 7,10704\r\n"
    lab.client.ok('AT+QIOTMCUVER="STM32","2_0_0"')
    assert lab.client.until(rb"7,10705\r\n") == around + b"\r\n+QIOTEVT: 7,10705\r\n"
    platform.wait_for("/ota/status", status=11, mcu_versions={"STM32": "2_0_0"})
    assert platform.statuses() == [1, 2, 4, 5, 8, 9, 11]


def test_the_sha_256_is_told_only_where_it_was_asked_for(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab()
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    lab.boot()
    lab.client.ok('AT+QIOTMCUVER="STM32","1_0_0"')
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=0")
    lab.client.until(rb"7,10700")
    lab.client.ok("AT+QIOTUPDATE=1")
    assert lab.client.until(rb"10701,[^\r]*\r\n").endswith(f'"{MD5}",{CRC}\r\n'.encode())


def test_reads_take_any_offset_and_length_inside_the_block_and_none_outside(
    make_lab: Callable[..., Lab], platform: FakePlatform
) -> None:
    lab = make_lab(profile=PROFILE)
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    begin(lab)
    assert lab.client.command("AT+QIOTOTARD=0,1") == b"\r\nERROR\r\n"
    downloaded(lab, 0)
    for start, length in ((0, 1), (1, 1024), (4095, 1), (1234, 77), (4000, 1024)):
        assert read(lab, start, length) == PAYLOAD[start : min(start + length, BLOCK)]
    for text in ("0,0", "4096,1", "-1,1", "0,1025", "100000,1"):
        assert lab.client.command(f"AT+QIOTOTARD={text}") == b"\r\nERROR\r\n", text
    assert lab.client.command("AT+QIOTUPDATE=3") == b"\r\nERROR\r\n"
    lab.client.ok("AT+QIOTUPDATE=2")
    downloaded(lab, BLOCK)
    assert read(lab, BLOCK, 10) == PAYLOAD[BLOCK : BLOCK + 10]
    assert lab.client.command("AT+QIOTOTARD=0,1") == b"\r\nERROR\r\n"


def test_sixty_seconds_without_a_read_end_it_and_a_read_begins_them_anew(
    make_lab: Callable[..., Lab], platform: FakePlatform
) -> None:
    lab = make_lab(profile=PROFILE)
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    begin(lab)
    downloaded(lab, 0)
    lab.step(50)
    read(lab, 0, 1)
    lab.step(50)
    assert lab.client.silence(0.02) == b""
    lab.step(11)
    assert lab.client.until(rb"7,10706\r\n") == b"\r\n+QIOTEVT: 7,10706\r\n"
    platform.wait_for("/ota/status", status=12)


@pytest.mark.parametrize(("stage", "code"), [("downloading", 10706), ("reading", 10706), ("updating", 10706)])
def test_another_version_fails_it_at_any_stage(
    make_lab: Callable[..., Lab], platform: FakePlatform, stage: str, code: int
) -> None:
    lab = make_lab(profile=PROFILE)
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    begin(lab)
    if stage != "downloading":
        downloaded(lab, 0)
    if stage == "updating":
        lab.client.ok("AT+QIOTUPDATE=2")
        downloaded(lab, BLOCK)
        lab.client.ok("AT+QIOTUPDATE=2")
        downloaded(lab, 2 * BLOCK)
        lab.client.ok("AT+QIOTUPDATE=3")
    lab.client.ok('AT+QIOTMCUVER="STM32","3_0_0"')
    lab.client.until(rb"7,%d\r\n" % code)
    assert lab.client.command("AT+QIOTUPDATE=3") == b"\r\nERROR\r\n"


def test_the_version_of_another_component_is_just_stored(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab(profile=PROFILE)
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    begin(lab)
    downloaded(lab, 0)
    lab.client.ok('AT+QIOTMCUVER="OTHER","2_0_0"')
    assert read(lab, 0, 3) == PAYLOAD[:3]


def updating(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    begin(lab)
    lab.client.until(rb"7,10703")
    lab.client.ok("AT+QIOTUPDATE=3")
    lab.client.until(rb"7,10704\r\n")


def test_twenty_minutes_without_a_version_end_it(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab()
    updating(lab, platform)
    lab.client.ok("AT+QIOTUPDATE=3")
    lab.client.until(rb"7,10704\r\n")
    lab.step(1190)
    assert lab.client.silence(0.02) == b""
    lab.step(15)
    lab.client.until(rb"7,10706\r\n")


def test_a_reset_while_updating_tells_it_again_and_can_be_completed(
    make_lab: Callable[..., Lab], platform: FakePlatform
) -> None:
    lab = make_lab()
    updating(lab, platform)
    lab.power(False)
    text = lab.boot() + lab.client.until(rb"7,10704\r\n")
    assert text.endswith(b"READY\r\n\r\n+QIOTEVT: 7,10704\r\n")
    lab.client.ok('AT+QIOTMCUVER="STM32","2_0_0"')
    lab.client.until(rb"7,10705\r\n")
    lab.client.ok("AT+QIOTREG=1")
    platform.wait_for("/ota/status", status=11)


def test_several_components_go_one_after_another_on_one_decision(
    make_lab: Callable[..., Lab], platform: FakePlatform
) -> None:
    lab = make_lab()
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    platform.offer("SENSOR", "5", PAYLOAD[::-1], type="mcu")
    lab.boot()
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb'10700,"STM32"[^\r]*\r\n\r\n\+QIOTEVT: 7,10700,"SENSOR"[^\r]*\r\n')
    lab.client.ok("AT+QIOTUPDATE=1")
    text = lab.client.until(rb'7,10703,"STM32"[^\r]*\r\n')
    assert text.count(b"7,10707") == 1
    lab.client.ok("AT+QIOTUPDATE=3")
    lab.client.ok('AT+QIOTMCUVER="STM32","2_0_0"')
    lab.client.until(rb"7,10705\r\n")
    lab.client.until(rb'7,10703,"SENSOR"[^\r]*\r\n')
    assert read(lab, 0, 1024) == PAYLOAD[::-1][:1024]
    lab.client.ok('AT+QIOTMCUVER="SENSOR","5"')
    lab.client.until(rb"7,10705\r\n")


def test_old_offsets_of_reads_begin_at_one_where_the_profile_says_so_and_blocks_at_zero(
    make_lab: Callable[..., Lab], platform: FakePlatform
) -> None:
    lab = make_lab(profile={**PROFILE, "otard_first_offset": 1})
    platform.offer("STM32", "2_0_0", PAYLOAD, type="mcu")
    begin(lab)
    lab.client.until(rb'7,10703,"STM32",%d,0,%d\r\n' % (len(PAYLOAD), BLOCK))
    assert read(lab, 1, 10) == PAYLOAD[:10]
    assert lab.client.command("AT+QIOTOTARD=0,1") == b"\r\nERROR\r\n"
