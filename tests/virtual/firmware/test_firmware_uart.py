"""The serial line: the byte rate on the bench's clock, noise, a host that is not there, ports that vanish, the socket."""

import contextlib
import os
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_platform import FakePlatform
from lab import Lab

from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.loop import run
from pytest_quecfota.virtual.ports import UNREAD_LIMIT, PtyPort, SocketPort
from pytest_quecfota.virtual.uart import LineFaults, Uart


class Collected:
    """A port that keeps what leaves, with the time it left."""

    def __init__(self, clock: Clock) -> None:
        self.url = "collected"
        self.sent: list[tuple[float, bytes]] = []
        self._clock = clock

    def open(self, receive: Callable[[bytes], None]) -> None:
        self.receive = receive

    def write(self, data: bytes) -> None:
        self.sent.append((self._clock.now(), data))

    def vanish(self) -> None: ...

    def close(self) -> None: ...


def made(clock: Clock, baudrate: int = 9600) -> tuple[Uart, Collected, LineFaults]:
    port = Collected(clock)
    faults = LineFaults(random.Random(1))
    uart = Uart(clock, port, baudrate, faults)
    uart.open()
    uart.power(True)
    return uart, port, faults


def test_bytes_leave_at_a_tenth_of_the_baud_rate_in_module_seconds() -> None:
    clock = Clock(100)

    async def send() -> tuple[float, int]:
        uart, port, _ = made(clock)
        began = clock.now()
        uart.send(b"x" * 9600)
        uart.send(b"y" * 4800)
        await uart.drained()
        return port.sent[-1][0] - began, sum(len(data) for _, data in port.sent)

    took, count = run(send(), clock)
    assert count == 14400
    assert took == pytest.approx(15.0, rel=0.02)


def test_at_speed_max_everything_leaves_at_once() -> None:
    clock = Clock("max")

    async def send() -> list[tuple[float, bytes]]:
        uart, port, _ = made(clock)
        uart.send(b"x" * 100_000)
        return port.sent

    assert [len(data) for _, data in run(send(), clock)] == [100_000]


def test_losing_power_ends_output_and_returning_power_brings_nothing_back() -> None:
    clock = Clock(10)

    async def send() -> bytes:
        uart, port, _ = made(clock)
        uart.send(b"0123456789" * 100)
        await clock.sleep(0.25)
        uart.power(False)
        uart.send(b"lost")
        await clock.sleep(1)
        uart.power(True)
        uart.send(b"!")
        await uart.drained()
        return b"".join(data for _, data in port.sent)

    text = run(send(), clock)
    assert 230 <= len(text) <= 260
    assert text == (b"0123456789" * 100)[: len(text) - 1] + b"!"


def test_noise_drops_doubles_adds_and_splits() -> None:
    clock = Clock("max")

    async def send() -> tuple[bytes, bytes, bytes, list[int]]:
        outputs = []
        for setting in ({"drop": 0.5}, {"duplicate": 1}, {"garbage": 1}):
            uart, port, faults = made(clock)
            faults.set(**setting)
            uart.send(b"a line of text")
            outputs.append(b"".join(data for _, data in port.sent))
        uart, port, faults = made(clock)
        faults.set(split=4)
        uart.send(b"a line of text")
        await uart.drained()
        return outputs[0], outputs[1], outputs[2], [len(data) for _, data in port.sent]

    dropped, doubled, dirty, pieces = run(send(), clock)
    assert 0 < len(dropped) < 14
    assert doubled == b"a line of text" * 2
    assert dirty.endswith(b"a line of text")
    assert len(dirty) > 14
    assert pieces == [4, 4, 4, 2]


@pytest.mark.parametrize("setting", [{"drop": 1.5}, {"garbage": -1}, {"split": -1}, {"split": 1.5}])
def test_noise_out_of_range_is_refused(setting: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        LineFaults(random.Random(1)).set(**setting)


def test_a_host_that_never_reads_blocks_nothing_and_loses_only_the_oldest(tmp_path: object) -> None:
    clock = Clock("max")

    async def flood() -> tuple[int, bytes]:
        import asyncio

        port = PtyPort(asyncio.get_running_loop(), Path(str(tmp_path)) / "module")
        uart = Uart(clock, port, 115200, LineFaults(random.Random(1)))
        uart.open()
        uart.power(True)
        for number in range(30_000):
            uart.send(b"%059d\n" % number)
        reader = os.open(port.url, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        text = b""
        while not text.endswith(b"%059d\n" % 29_999):
            await asyncio.sleep(0)
            try:
                text += os.read(reader, 65536)
            except BlockingIOError:
                continue
        os.close(reader)
        uart.close()
        return len(text), text[-120:]

    length, end = run(flood(), clock)
    assert UNREAD_LIMIT <= length <= UNREAD_LIMIT + 70_000
    assert end == b"%059d\n%059d\n" % (29_998, 29_999)


def test_a_usb_port_goes_away_with_a_restart_and_comes_back_at_the_same_path(
    make_lab: Callable[..., Lab], platform: FakePlatform
) -> None:
    del platform
    lab = make_lab(profile={"port_vanishes": True})
    lab.boot()
    link = Path(lab.uart.url)
    before = link.readlink()
    lab.client.write(b"AT+QRST=1\r")
    lab.wait(_second_boot(lab))
    with pytest.raises(OSError, match="hung up"):
        lab.client.until(rb"never")
    lab.client.close()
    lab.client = type(lab.client)(lab.uart.url)
    lab.client.ok("AT")
    assert link.readlink().parent == before.parent


async def _second_boot(lab: Lab) -> None:
    """Wait until the module has printed its boot lines again."""
    while lab.truth_now().boots < 2:
        await lab.clock.sleep(0.1)
    await lab.clock.sleep(lab.data.boot.seconds + 1)


def test_the_socket_takes_one_host_at_a_time() -> None:
    clock = Clock("max")

    async def talk() -> tuple[bytes, bytes, bytes]:
        import asyncio

        loop = asyncio.get_running_loop()
        port = SocketPort(loop)
        uart = Uart(clock, port, 115200, LineFaults(random.Random(1)))
        uart.open()
        uart.power(True)
        uart.receive = lambda data: uart.send(data.upper())
        address = ("127.0.0.1", int(port.url.rpartition(":")[2]))
        with socket.create_connection(address) as first, socket.create_connection(address) as second:
            for host in (first, second):
                host.setblocking(False)
            await loop.sock_sendall(first, b"hello")
            heard = await loop.sock_recv(first, 100)
            refused = await loop.sock_recv(second, 100)
        again, until = b"", time.monotonic() + 5
        while not again and time.monotonic() < until:  # refused until the port has seen that the first has gone
            with socket.create_connection(address) as third, contextlib.suppress(OSError):
                third.setblocking(False)
                await loop.sock_sendall(third, b"again")
                again = await loop.sock_recv(third, 100)
        uart.close()
        return heard, refused, again

    assert run(talk(), clock) == (b"HELLO", b"", b"AGAIN")
