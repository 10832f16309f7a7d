"""A whole SOTA against the virtual module's port, by a MCU that knows only the documents: byte for byte, in both flavours."""

from __future__ import annotations

import contextlib
import hashlib
import random
import zlib
from pathlib import Path

import pytest
from strict_mcu import Line, Mcu, NotAsDocumented

from pytest_quecfota import rig as rigs
from pytest_quecfota.developer_center import ServiceCenter
from pytest_quecfota.developer_center.plan import PlanOrder
from pytest_quecfota.rig.bench import start

AWKWARD = b"OK\r\n\r\nOK\r\n\r\n+QIOTEVT: 7,10705\r\n\r\nERROR\r\n> AT\r\n\x00\xff\x1a\x1b+QIOTOTARD: 0,9\r\n" + bytes(
    range(256)
)
PAYLOAD = AWKWARD + random.Random("strict").randbytes(9_000) + AWKWARD[::-1] + AWKWARD
BLOCK = 4096
RIG = """\
name: strict
module: {{model: {model}, profile: {{sota_block: 4096, {profile}}}}}
supply: {{profile: keysight-e36300, channel: 1, nominal: {{voltage: {volts}, current_limit: 2.0}}, limits: {{min: 2.1, max: 4.3}}}}
mcu: [{{component: STM32, version: "1_0_0"}}]
developer_center: {{kind: embedded}}
virtual: {{speed: 60}}
"""
NB, CELLULAR = {"model": "BC25", "volts": 3.3}, {"model": "EC200U", "volts": 3.8}
WIRES = {
    "nb, as it comes": (NB, True, True),
    "nb, no CR LF before a line, no echo": (NB, False, False),
    "cellular, no CR LF before a line": (CELLULAR, False, True),
    "cellular, no echo": (CELLULAR, True, False),
}


@pytest.fixture(params=WIRES.values(), ids=WIRES)
def wire(request):
    """Which module, whether CR LF comes before its lines, whether it echoes."""
    return request.param


@pytest.fixture
def bench(wire, tmp_path):
    model, leading_crlf, _ = wire
    path = tmp_path / "strict.yaml"
    path.write_text(RIG.format(**model, profile=f"leading_crlf: {str(leading_crlf).lower()}"))
    with start(rigs.load(path)) as bench:
        yield bench


@pytest.fixture
def line(bench):
    line = Line(bench.ready["at"])
    yield line
    line.close()


@pytest.fixture
def offer(bench):
    """Have PAYLOAD offered to the module's host."""
    ready = bench.ready
    center = ServiceCenter(
        ready["developer_center"],
        ready["token"],
        product_key=ready["product_key"],
        device_key=ready["device_key"],
        run="strict",
    )
    center.open()
    order = PlanOrder("STM32", "mcu", "full", "1_0_0", "2_0_0", [("STM32.bin", PAYLOAD)])
    yield lambda: center.order(order, running="1_0_0")
    center.close()


def test_a_whole_sota_by_the_letter(wire, bench, line, offer):
    _, leading_crlf, echo = wire
    with contextlib.suppress(TimeoutError):  # on a busy machine it may have booted before this line was opened
        line.event(b"RDY", seconds=3)
    line.settle(0.3)
    line.command(f"ATE{int(echo)}")
    mcu = Mcu(line, key=bench.ready["product_key"], secret=bench.ready["product_secret"])
    mcu.connect()
    mcu.tell_version()
    plan = offer()
    offered = mcu.offered(20)
    assert offered is not None
    assert offered[2:] == ["STM32", "", "2_0_0", "30", "-113", str(len(PAYLOAD))]
    mcu.take(offered)
    assert bytes(mcu.content) == PAYLOAD
    assert mcu.blocks == -(-len(PAYLOAD) // BLOCK) > 2
    assert mcu.started[3:] == [
        str(len(PAYLOAD)), hashlib.md5(PAYLOAD).hexdigest(), str(zlib.crc32(PAYLOAD)), hashlib.sha256(PAYLOAD).hexdigest()
    ]  # fmt: skip
    assert mcu.habits["version"] == "2_0_0"
    assert bytes(line.seen).count(b"+QIOTEVT: 7,10701,") == 1
    assert (b"\r\n\r\n+QIOTEVT: 7,10704\r\n" in line.seen) is leading_crlf
    assert (b"AT+QIOTUPDATE=3\r" in line.seen) is echo
    assert line.command("AT+QIOTOTARD=0,10")[1] == b"ERROR"
    assert plan.wait_status("Upgraded", within=60).status == "Upgraded"
    assert line.command("AT")[1] == b"OK"
    assert not line.events or all(event.startswith(b"+Q") for event in line.events)


HEADER = b"AT+QIOTOTARD=0,4\r\r\n+QIOTOTARD: 0,4\r\n"


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (HEADER + b"abcd\r\n\r\nOK\r\n", ""),
        (b"+QIOTOTARD: 0,4\r\nabcd\r\nOK\r\n", ""),
        (HEADER + b"abcdOK\r\n", "no CR LF after the 4 bytes"),
        (HEADER + b"\r\nabcd\r\n\r\nOK\r\n", "no CR LF after the 4 bytes"),
        (b"\r\n+QIOTOTARD:0,4\r\nabcd\r\n\r\nOK\r\n", "no colon and space"),
        (b"\r\nEVT\x00\r\n\r\nOK\r\n", "control characters"),
        (b"\r\nO\nK\r\n\r\nOK\r\n", "control characters"),
    ],
)
def test_the_letter_is_strict(tmp_path: Path, said, wrong):
    """What is not as documented is seen, so that the test above can fail."""
    said_file = tmp_path / "said"
    said_file.write_bytes(said)
    line = Line(str(said_file))
    line._write = lambda _data: None  # nobody listens: all of the answer is there
    try:
        if wrong:
            with pytest.raises(NotAsDocumented, match=wrong):
                line.command("AT+QIOTOTARD=0,4")
        else:
            assert line.command("AT+QIOTOTARD=0,4") == ([b"+QIOTOTARD: 0,4"], b"OK", b"abcd")
    finally:
        line.close()
