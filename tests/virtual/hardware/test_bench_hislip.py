"""The supply's HiSLIP door: pyvisa-py's own client in all it can do, and clients that break the protocol."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from supply_lab import E36300, HMP, NGX

from pytest_quecfota.virtual import hislip, loop
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.rail import Rail
from pytest_quecfota.virtual.supply import Supply
from pytest_quecfota.virtual.supply_options import SupplyOptions

HEAD = struct.Struct("!2sBBIQ")


def run(script: Callable[[str], Any], *, profile: str = E36300, latency: float = 0.0) -> Any:
    """What a script of another thread returns, that is given the address of a supply with HiSLIP at speed 1."""
    clock = Clock(1)
    rail = Rail(clock, threshold=2.1)

    async def whole() -> Any:
        supply = Supply(clock, rail, profile, options=SupplyOptions(transport="hislip", latency=latency))
        await supply.start()
        supply.power_on(3.3, 1.0)
        rail.set_load(0.05)
        try:
            with clock.outside():
                return await asyncio.get_running_loop().run_in_executor(None, script, supply.address)
        finally:
            await supply.close()
            rail.close()

    return loop.run(whole(), clock)


def with_pyvisa(body: Callable[[Any], Any]) -> Callable[[str], Any]:
    def script(address: str) -> Any:
        import pyvisa

        manager = pyvisa.ResourceManager("@py")
        supply = manager.open_resource(address, read_termination="\n", write_termination="\n", timeout=3000)
        try:
            return body(supply)
        finally:
            supply.close()

    return script


@pytest.mark.parametrize("profile", [E36300, NGX])
def test_pyvisa_sets_switches_and_reads_it(profile: str) -> None:
    def body(supply: Any) -> tuple[str, float, float, str]:
        identity = supply.query("*IDN?")
        supply.write("VOLT 3.6,(@1)")
        up = float(supply.query("MEAS:VOLT? (@1)"))
        supply.write("OUTP OFF,(@1);:OUTP:GEN 0" if profile == NGX else "OUTP OFF,(@1)")
        down = float(supply.query("MEAS:VOLT? (@1)"))
        return identity, up, down, supply.query("SYST:ERR?")

    identity, up, down, error = run(with_pyvisa(body), profile=profile)
    assert "VIRTUAL" in identity
    assert (up, error.lstrip("+")) == (pytest.approx(3.6), '0,"No error"')
    assert down < 0.2


def test_the_status_byte_tells_errors_and_answers_that_wait() -> None:
    def body(supply: Any) -> list[bool]:
        def until(byte: int) -> bool:
            """It comes by another connection than the messages, and may be ahead of them."""
            deadline = time.monotonic() + 5
            while supply.read_stb() != byte:
                assert time.monotonic() < deadline
            return True

        seen = [until(0)]
        supply.write("FOO")
        seen.append(until(4))
        supply.write("VOLT?")
        seen.append(until(20))
        supply.read()
        seen.append(supply.read_stb() == 4)
        return seen

    assert run(with_pyvisa(body)) == [True] * 4


def test_a_client_that_does_not_read_its_answer_is_interrupted() -> None:
    def body(supply: Any) -> tuple[float, str]:
        supply.write("VOLT?")
        deadline = time.monotonic() + 5
        while not supply.read_stb() & 16:  # the answer has not been sent yet
            assert time.monotonic() < deadline
        volts = float(supply.query("CURR?"))
        return volts, supply.query("SYST:ERR?")

    volts, error = run(with_pyvisa(body))
    assert volts == 1.0
    assert error.startswith("-410")


def test_a_device_clear_ends_what_is_pending_and_what_comes_late_is_not_taken_for_an_answer() -> None:
    def body(supply: Any) -> tuple[str, str, str]:
        import pyvisa

        supply.write("LIST:DWEL 100,(@1);:VOLT:MODE LIST,(@1);:INIT (@1);*TRG")
        supply.timeout = 300
        with pytest.raises(pyvisa.errors.VisaIOError):
            supply.query("*OPC?")
        supply.clear()
        supply.timeout = 3000
        return supply.query("VOLT?"), supply.query("CURR?"), supply.query("ABOR (@1);*OPC?")

    assert run(with_pyvisa(body)) == ("+3.30000000E+00", "+1.00000000E+00", "1")


def test_a_trigger_of_the_protocol_is_one_of_the_instrument() -> None:
    def body(supply: Any) -> tuple[float, str]:
        supply.write("VOLT:TRIG 2.6,(@1);:VOLT:MODE STEP,(@1);:INIT (@1)")
        supply.visalib.sessions[supply.session].interface.trigger()
        return float(supply.query("VOLT? (@1)")), supply.query("SYST:ERR?")

    assert run(with_pyvisa(body)) == (2.6, '+0,"No error"')


def test_one_client_at_a_time_holds_the_lock() -> None:
    def script(address: str) -> list[bool]:
        import pyvisa

        manager = pyvisa.ResourceManager("@py")
        first, second = (manager.open_resource(address) for _ in range(2))
        try:
            ask = [one.visalib.sessions[one.session].interface.async_lock_request for one in (first, second)]
            held = [ask[0](0.1) == "success", ask[1](0.1) == "success"]
            first.close()
            deadline = time.monotonic() + 5
            while ask[1](0.1) != "success":  # the supply has yet to notice
                assert time.monotonic() < deadline
            return held
        finally:
            second.close()

    assert run(script) == [True, False]


# -- clients that break the protocol ---------------------------------------------------------------------------------------


class Raw:
    """A client that sends what it likes."""

    def __init__(self, address: str) -> None:
        host, device = address.split("::")[1:3]
        self._where = (host, int(device.partition(",")[2]))
        self.connections: list[socket.socket] = []

    def connect(self) -> socket.socket:
        self.connections.append(socket.create_connection(self._where, timeout=3))
        return self.connections[-1]

    def open(self) -> tuple[socket.socket, socket.socket]:
        messages, asides = self.connect(), self.connect()
        messages.sendall(HEAD.pack(b"HS", hislip.INITIALIZE, 0, 0x0100 << 16 | 0x5858, 7) + b"hislip0")
        number = self.read(messages)[2] & 0xFFFF
        asides.sendall(HEAD.pack(b"HS", hislip.ASYNC_INITIALIZE, 0, number, 0))
        assert self.read(asides)[0] == hislip.ASYNC_INITIALIZE_RESPONSE
        return messages, asides

    @staticmethod
    def read(connection: socket.socket) -> tuple[int, int, int, bytes]:
        head = b""
        while len(head) < HEAD.size:
            piece = connection.recv(HEAD.size - len(head))
            if not piece:
                return -1, 0, 0, b""
            head += piece
        _, kind, control, parameter, length = HEAD.unpack(head)
        return kind, control, parameter, connection.recv(length) if length else b""

    def ask(self, connections: tuple[socket.socket, socket.socket], text: bytes, message_id: int) -> bytes:
        connections[0].sendall(HEAD.pack(b"HS", hislip.DATA_END, 1, message_id, len(text)) + text)
        kind, _, answered, payload = self.read(connections[0])
        assert (kind, answered) == (hislip.DATA_END, message_id)
        return payload

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


def with_raw(body: Callable[[Raw], Any]) -> Callable[[str], Any]:
    def script(address: str) -> Any:
        raw = Raw(address)
        try:
            return body(raw)
        finally:
            raw.close()

    return script


def test_a_message_may_come_in_parts_and_its_answer_names_it() -> None:
    def body(raw: Raw) -> bytes:
        messages, asides = raw.open()
        messages.sendall(HEAD.pack(b"HS", hislip.DATA, 1, 0xFFFFFF00, 2) + b"VO")
        return raw.ask((messages, asides), b"LT?\n", 0xFFFFFF02)

    assert run(with_raw(body)) == b"+3.30000000E+00\n"


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"GARBAGE OF SIXTEEN BYTES", (hislip.FATAL_ERROR, hislip.BAD_HEADER)),
        (HEAD.pack(b"HS", hislip.DATA_END, 0, 0, 1 << 40), (hislip.FATAL_ERROR, hislip.BAD_HEADER)),
        (HEAD.pack(b"HS", hislip.DATA_END, 0, 0, 0), (hislip.FATAL_ERROR, hislip.BAD_INITIALIZATION)),
        (HEAD.pack(b"HS", hislip.ASYNC_INITIALIZE, 0, 999, 0), (hislip.FATAL_ERROR, hislip.BAD_INITIALIZATION)),
    ],
)
def test_who_begins_wrongly_is_told_so_and_sent_away(sent: bytes, answered: tuple[int, int]) -> None:
    def body(raw: Raw) -> tuple[tuple[int, int], int, bytes]:
        one = raw.connect()
        one.sendall(sent)
        first, second = raw.read(one), raw.read(one)
        return first[:2], second[0], raw.ask(raw.open(), b"VOLT?\n", 2)

    assert run(with_raw(body)) == (answered, -1, b"+3.30000000E+00\n")


def test_messages_before_the_second_connection_is_there_are_refused() -> None:
    def body(raw: Raw) -> tuple[int, int]:
        one = raw.connect()
        one.sendall(HEAD.pack(b"HS", hislip.INITIALIZE, 0, 0, 0))
        raw.read(one)
        one.sendall(HEAD.pack(b"HS", hislip.DATA_END, 0, 0, 6) + b"VOLT?\n")
        return raw.read(one)[:2]

    assert run(with_raw(body)) == (hislip.FATAL_ERROR, hislip.NO_SECOND_CHANNEL)


def test_a_kind_of_message_nobody_knows_is_an_error_and_no_end() -> None:
    def body(raw: Raw) -> tuple[tuple[int, int], tuple[int, int], bytes]:
        messages, asides = raw.open()
        for connection in (messages, asides):
            connection.sendall(HEAD.pack(b"HS", 200, 0, 0, 3) + b"abc")
        return raw.read(messages)[:2], raw.read(asides)[:2], raw.ask((messages, asides), b"VOLT?\n", 4)

    error = (hislip.ERROR, hislip.UNKNOWN_TYPE)
    assert run(with_raw(body)) == (error, error, b"+3.30000000E+00\n")


def test_a_message_that_is_too_long_is_refused_whole() -> None:
    def body(raw: Raw) -> bytes:
        both = raw.open()
        for _ in range(3):
            both[0].sendall(HEAD.pack(b"HS", hislip.DATA, 1, 2, 32768) + b"A" * 32768)
        both[0].sendall(HEAD.pack(b"HS", hislip.DATA_END, 1, 2, 1) + b"\n")
        return raw.ask(both, b"SYST:ERR?\n", 4)

    assert run(with_raw(body)).startswith(b"-363")


def test_a_client_whose_one_connection_ends_loses_the_other() -> None:
    def body(raw: Raw) -> tuple[int, bytes]:
        messages, asides = raw.open()
        asides.close()
        return raw.read(messages)[0], raw.ask(raw.open(), b"VOLT?\n", 2)

    kind, volts = run(with_raw(body))
    assert (kind, volts) == (-1, b"+3.30000000E+00\n")


@settings(max_examples=30, deadline=None)
@given(garbage=st.lists(st.binary(max_size=80), max_size=6), sane=st.booleans())
def test_random_bytes_do_no_harm(garbage: list[bytes], sane: bool) -> None:
    def body(raw: Raw) -> bytes:
        one = raw.connect()
        if sane:
            one.sendall(HEAD.pack(b"HS", hislip.INITIALIZE, 0, 0, 0))
        for piece in garbage:
            try:
                one.sendall(piece)
            except OSError:
                break
        return raw.ask(raw.open(), b"VOLT?\n", 2)

    assert run(with_raw(body)) == b"+3.30000000E+00\n"


def test_a_supply_that_has_no_hislip_is_not_given_it() -> None:
    clock = Clock("max")
    with pytest.raises(ValueError, match="no HiSLIP"):
        Supply(clock, Rail(clock), HMP, options=SupplyOptions(transport="hislip"))
    with pytest.raises(ValueError, match="socket, hislip"):
        SupplyOptions(transport="gpib")


def test_the_address_says_how_to_come() -> None:
    assert run(lambda address: address.endswith("::INSTR") and "::hislip0," in address)
