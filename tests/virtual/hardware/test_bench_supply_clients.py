"""Clients that do not behave: streams cut anywhere, garbage, endless lines, hang-ups, answers nobody reads. The supply stays whole.

`QUECFOTA_SCPI_EXAMPLES=5000` asks for the long form of the random ones.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import random
import tracemalloc
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from supply_lab import E36300, NGX, PROFILES, Bench, Client, run

from pytest_quecfota.virtual import dialect, loop
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.rail import Rail
from pytest_quecfota.virtual.supply import Supply
from pytest_quecfota.virtual.supply_session import LONGEST_MESSAGE, MOST_WAITING, Session

EXAMPLES = int(os.environ.get("QUECFOTA_SCPI_EXAMPLES", "60"))
RANDOM = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reading = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self

    def setsockopt(self, *_: Any) -> None:
        """A socket's."""

    def write(self, data: Any) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        """Nothing to close."""


def answers(profile: str, pieces: list[bytes]) -> tuple[bytes, list[int]]:
    """What a fresh supply answers to a stream that comes in these pieces, and the errors it has afterwards."""
    clock = Clock("max")
    rail = Rail(clock, threshold=2.1)
    faults: list[Any] = []

    async def feed() -> tuple[bytes, list[int]]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        supply = Supply(clock, rail, profile)
        supply.power_on(3.3, 1.0)
        session, wire = Session(supply, set()), Wire()
        session.connection_made(wire)
        for piece in pieces:
            session.data_received(piece)
        await clock.sleep(10)
        errors = iter(session._conversation.errors.take, None)
        codes = [error.code for error in errors if error is not None]
        session.connection_lost(None)
        await supply.close()
        rail.close()
        return bytes(wire.written), codes

    result: tuple[bytes, list[int]] = loop.run(feed(), clock)
    assert not faults
    return result


MESSAGES = st.sampled_from(
    [
        b"VOLT?",
        b"VOLT 3.4,(@1);CURR?",
        b"SOUR:VOLT:LEV?;:OUTP? (@1)\r",
        b"MEAS:VOLT? (@1)",
        b"LIST:VOLT 3,2,(@1);DWEL 0.1,(@1);:VOLT:MODE LIST,(@1);:INIT (@1)",
        b"*TRG",
        b"*OPC?",
        b"*ESR?;*STB?",
        b"FOO",
        b"VOLT 99",
        b"DISP:TEXT 'a;b",
        b"\xff\xfe\x00",
        b"",
        b"SYST:ERR?",
        b"X" * (LONGEST_MESSAGE + 1),
    ]
)


@RANDOM
@given(messages=st.lists(MESSAGES, max_size=12), seed=st.integers(0, 2**32))
def test_any_cutting_of_a_stream_into_reads_gives_the_same_answers(messages: list[bytes], seed: int) -> None:
    stream = b"\n".join([*messages, b""])
    cut = random.Random(seed)
    places = sorted(cut.randrange(len(stream) + 1) for _ in range(cut.randrange(20)))
    pieces = [stream[low:high] for low, high in itertools.pairwise([0, *places, len(stream)])]
    whole = answers(E36300, [stream])
    assert answers(E36300, [piece for piece in pieces if piece]) == whole


def test_one_byte_at_a_time_gives_the_same_answers_too() -> None:
    stream = b"VOLT?;CURR?\nMEAS:VOLT? (@1)\nFOO\n*OPC?\n"
    assert answers(E36300, [bytes([byte]) for byte in stream]) == answers(E36300, [stream])


@RANDOM
@given(profile=st.sampled_from(PROFILES), garbage=st.binary(max_size=300))
def test_random_bytes_do_no_harm(profile: str, garbage: bytes) -> None:
    written, codes = answers(profile, [garbage, b"\n*IDN?\n"])
    assert b"VIRTUAL" in written
    assert len(codes) <= 20


@functools.cache
def headers_of(profile: str) -> list[str]:
    return list(yaml.safe_load((dialect.FOLDER / f"{profile}.yaml").read_text(encoding="utf-8"))["commands"])


def sentence(profile: str, pick: random.Random) -> bytes:
    """A message made of the words of the dialect: most are wrong in some interesting way."""
    headers = headers_of(profile)
    arguments = ["1", "3.3", "0", "-1", "1e9", "MIN", "MAX", "DEF", "UP", "ON", "OFF", "INF", "(@1)", "(@1:3)", "(@9)"]
    arguments += ["CH1", "'x'", "#H1", "LIST", "BUS", "IMM", "0.1", "9e999", "", "N"]
    parts = []
    for _ in range(pick.randrange(1, 5)):
        header = pick.choice([*headers, "*RST", "*CLS", "*TRG", "*WAI", "*OPC", "*SAV", "*RCL", "*ESE"])
        word = header.replace("[", "").replace("]", "").replace("<n>", pick.choice(["", "1", "2", "77"]))
        given = ",".join(pick.choice(arguments) for _ in range(pick.randrange(5)))
        parts.append(pick.choice(["", "", ":"]) + word + pick.choice(["", "?"]) + " " + given)
    return ";".join(parts).encode()


@RANDOM
@given(profile=st.sampled_from(PROFILES), seed=st.integers(0, 2**32))
def test_random_messages_of_its_own_words_do_no_harm(profile: str, seed: int) -> None:
    pick = random.Random(seed)
    written, codes = answers(profile, [sentence(profile, pick) + b"\n" for _ in range(20)] + [b"*IDN?\n"])
    assert written.count(b"\n") <= 21
    assert len(codes) <= 20


def test_a_line_without_an_end_is_refused_once_and_takes_no_memory() -> None:
    async def body(bench: Bench, client: Client) -> tuple[list[int], str, int]:
        session = next(iter(bench.supply._sessions))
        largest = 0
        for _ in range(64):
            session.data_received(b"A" * 16384)
            largest = max(largest, len(session._input))
        session.data_received(b" 3\nVOLT?\n")
        await client.read()
        return [await client.error(), await client.error()], await client.ask("VOLT?"), largest

    codes, volts, largest = run(body)
    assert codes == [-363, 0]
    assert volts == "+3.30000000E+00"
    assert largest <= LONGEST_MESSAGE + 16384


@pytest.mark.parametrize("length", [LONGEST_MESSAGE - 1, LONGEST_MESSAGE, LONGEST_MESSAGE + 1])
@pytest.mark.parametrize("piece", [1 << 20, 4096])
def test_the_longest_message_is_as_long_however_it_comes(length: int, piece: int) -> None:
    line = b"VOLT 3.2 " + b" " * (length - 9)
    stream = line + b"\nVOLT?\n"
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    written, codes = answers(E36300, pieces)
    taken = length <= LONGEST_MESSAGE
    assert written == (b"+3.20000000E+00\n" if taken else b"+3.30000000E+00\n")
    assert codes == ([] if taken else [-363])


def test_a_client_that_never_reads_is_not_written_to_for_ever() -> None:
    """It asks a hundred thousand things and reads nothing: what waits stays bounded, and others are served meanwhile."""

    async def body(bench: Bench, client: Client) -> tuple[int, str]:
        other = await bench.client()
        session = list(bench.supply._sessions)[-1]
        for _ in range(100):
            other.send_bytes(b"DISP:TEXT '" + b"x" * 900 + b"'\n" + b"DISP:TEXT?\n" * 1000)
            await asyncio.sleep(0)
        alive = await client.ask("VOLT?")
        waiting = max(one._conversation.waiting for one in bench.supply._sessions)
        assert session in bench.supply._sessions
        other._writer.transport.abort()
        bench.clients.remove(other)
        return waiting, alive

    waiting, alive = run(body, speed=1)
    assert alive == "+3.30000000E+00"
    assert waiting < 30_000


def test_a_client_that_sends_while_its_message_waits_is_read_no_further() -> None:
    async def body(bench: Bench, client: Client) -> tuple[bool, bool, int]:
        session, wire = Session(bench.supply, set()), Wire()
        session.connection_made(wire)
        session.data_received(b"LIST:DWEL 5,(@1);:VOLT:MODE LIST,(@1);:INIT (@1);*TRG;*OPC?\n")
        session.data_received(b"VOLT?\n" * (MOST_WAITING + 1))
        paused = not wire.reading
        await bench.clock.sleep(10)
        session.connection_lost(None)
        return paused, wire.reading, wire.written.count(b"\n")

    assert run(body) == (True, True, MOST_WAITING + 2)


def test_a_client_that_says_it_is_done_still_gets_its_answers() -> None:
    async def body(bench: Bench, client: Client) -> tuple[str, str]:
        client.send("VOLT?")
        client._writer.write_eof()
        return await client.read(), await client.read()

    assert run(body, latency=0.5) == ("+3.30000000E+00", "")


def test_clients_that_hang_up_in_the_middle_leave_nothing_behind() -> None:
    async def body(bench: Bench, client: Client) -> tuple[int, int, str]:
        client.send("LIST:DWEL 5,(@1);COUN INF,(@1);:VOLT:MODE LIST,(@1);:INIT (@1);*TRG")
        for message in (b"VOL", b"*OPC?\n", b"*OPC?\nVOLT 3", b"MEAS:VOLT? (@1)\n", b"'", b"\xff" * 5000):
            other = await bench.client()
            other.send_bytes(message)
            await bench.clock.sleep(0.001)
            other._writer.transport.abort()
            bench.clients.remove(other)
        for _ in range(50):
            await bench.clock.sleep(0.001)
        client.send("ABOR (@1)")
        volts = await client.ask("VOLT?")
        return len(bench.supply._sessions), len(bench.supply._waiters), volts

    assert run(body, speed=1) == (1, 0, "+3.30000000E+00")


def test_four_clients_at_once_get_their_own_answers_in_order() -> None:
    async def body(bench: Bench, client: Client) -> list[bool]:
        async def hammer(number: int) -> bool:
            one = await bench.client()
            texts = [f'"{number}-{index}"' for index in range(100)]
            seen = []
            for index in range(100):
                one.send(f"DISP:TEXT '{number}-{index}';:DISP:TEXT?")
            for _ in texts:
                seen.append(await one.read())
            return seen == texts

        return list(await asyncio.gather(*[hammer(number) for number in range(4)]))

    assert run(body) == [True] * 4


def test_long_use_takes_no_memory() -> None:
    """Ten thousand messages, right and wrong ones, lists and triggers: afterwards the supply holds no more than before."""
    pick = random.Random(1)
    stream = [sentence(E36300, pick) + b"\n" for _ in range(500)]

    async def body(bench: Bench, client: Client) -> float:
        session, wire = Session(bench.supply, set()), Wire()
        session.connection_made(wire)

        async def round_() -> None:
            for message in stream:
                session.data_received(message)
            session.data_received(b"ABOR (@1:3);*RST;*CLS\n")
            wire.written.clear()
            await bench.clock.sleep(1)

        await round_()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(4):
            await round_()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        session.connection_lost(None)
        return grown / 1024

    assert run(body) < 200


def test_errors_go_to_who_made_them_or_to_all_as_the_dialect_says() -> None:
    async def body(bench: Bench, client: Client) -> tuple[int, int]:
        other = await bench.client()
        other.send("FOO")
        await other.ask("*OPC?")
        return await client.error(), await other.error()

    assert run(body, profile=E36300) == (0, -113)
    assert run(body, profile=NGX) == (-113, 0)
