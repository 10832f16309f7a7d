"""One SCPI instrument: opened, asked, lost, opened again; never an answer that belongs to another question."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from scripted_instrument import IDENTITY, ScriptedInstrument, connected_to

from pytest_quecfota.errors import BenchError, Reason, SupplyError
from pytest_quecfota.power.instrument import Instrument

SHORT = 0.2


@pytest.fixture
def instrument(scripted: ScriptedInstrument) -> Iterator[Instrument]:
    opened = Instrument(scripted.address, limit=SHORT)
    yield opened
    opened.close()


def silent_once(query: str) -> Callable[[str], bytes | None]:
    left = [query]

    def script(asked: str) -> bytes | None:
        if asked in left:
            left.remove(asked)
            return b""
        return None

    return script


def test_it_counts_as_open_only_once_it_has_said_who_it_is(scripted, instrument):
    assert scripted.messages == ["*IDN?"]
    assert instrument.identity == IDENTITY


def test_nagle_is_off_on_the_socket_itself(scripted, instrument):
    with connected_to(scripted.port) as sockets:
        assert len(sockets) == 1
        assert sockets[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_nagle_is_off_again_after_reopening(scripted, instrument):
    instrument.reopen()
    with connected_to(scripted.port) as sockets:
        assert [s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for s in sockets] == [1]


def test_a_second_write_does_not_wait_for_the_first_to_be_acknowledged(scripted, instrument):
    started = time.monotonic()
    for _ in range(20):
        instrument.write("VOLT 3.3,(@1)")
        instrument.write("CURR 1.0,(@1)")
        instrument.query("SYST:ERR?")
    assert (time.monotonic() - started) / 20 < 0.030, "Nagle and delayed acknowledgement cost 40 ms each time"


def test_prepared_bytes_go_out_as_they_are(scripted, instrument):
    instrument.send_at_once(b"OUTP OFF,(@1)\n")
    instrument.query("*OPC?")
    assert bytes(scripted.raw) == b"*IDN?\nOUTP OFF,(@1)\n*OPC?\n"


def test_silence_is_told_with_the_question_and_the_time_waited(scripted, instrument):
    scripted.script = silent_once("MEAS:VOLT? (@1)")
    with pytest.raises(SupplyError, match=r"MEAS:VOLT\? \(@1\).* within 0\.\d s") as caught:
        instrument.query("MEAS:VOLT? (@1)")
    assert caught.value.reason is Reason.SUPPLY_TIMEOUT
    assert scripted.address in str(caught.value)


def test_an_answer_that_comes_late_is_never_taken_for_the_next_one(scripted, instrument):
    scripted.script = silent_once("MEAS:VOLT? (@1)")
    with pytest.raises(SupplyError):
        instrument.query("MEAS:VOLT? (@1)")
    scripted.send(0, b"3.199999\n")
    assert instrument.query("MEAS:CURR? (@1)").startswith("0.50")
    assert instrument.query("VOLT? (@1)") == "3.3000"


def test_a_line_nobody_asked_for_is_never_taken_for_an_answer(scripted, instrument):
    scripted.script = lambda query: b"3.3000\nsurplus\n" if query == "VOLT? (@1)" else None
    assert instrument.query("VOLT? (@1)") == "3.3000"
    assert instrument.query("MEAS:CURR? (@1)").startswith("0.50")


def test_half_an_answer_is_silence(scripted, instrument):
    scripted.script = lambda query: b"3.30" if query == "VOLT? (@1)" else None
    with pytest.raises(SupplyError) as caught:
        instrument.query("VOLT? (@1)")
    assert caught.value.reason is Reason.SUPPLY_TIMEOUT
    assert instrument.query("*OPC?") == "1"


def test_a_connection_closed_by_the_instrument_is_a_bench_fault_then_opened_again(scripted, instrument):
    scripted.hang_up()
    with pytest.raises(SupplyError):
        instrument.query("MEAS:VOLT? (@1)")
    assert instrument.query("MEAS:VOLT? (@1)").startswith("3.10")
    assert scripted.messages.count("*IDN?") == 2


def test_an_instrument_that_is_switched_off_is_refused_from_then_on(scripted, instrument):
    scripted.stop_listening()
    scripted.hang_up()
    with pytest.raises(SupplyError):
        instrument.query("*OPC?")
    with pytest.raises(SupplyError) as caught:
        instrument.query("*OPC?")
    assert caught.value.reason is Reason.SUPPLY_REFUSED


def test_a_refused_port_is_told_at_once(scripted):
    scripted.stop_listening()
    started = time.monotonic()
    with pytest.raises(SupplyError, match="refused") as caught:
        Instrument(scripted.address)
    assert caught.value.reason is Reason.SUPPLY_REFUSED
    assert time.monotonic() - started < 0.5


def test_an_address_that_swallows_connections_is_a_bench_fault():
    """As a supply that is switched off behind a router: nobody answers, nobody refuses."""
    with contextlib.ExitStack() as stack:
        hole = stack.enter_context(socket.socket())
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(3):
            filling = stack.enter_context(socket.socket())
            filling.setblocking(False)
            filling.connect_ex(hole.getsockname())
        with pytest.raises(BenchError, match="could not connect"):
            Instrument(f"TCPIP::127.0.0.1::{hole.getsockname()[1]}::SOCKET", limit=0.1)


@pytest.mark.parametrize("address", ["TCPIP::no.such.host.invalid::5025::SOCKET", "nonsense", "ASRL/dev/none::INSTR"])
def test_an_address_that_leads_nowhere_is_a_bench_fault(address):
    with pytest.raises(SupplyError, match=address.partition("::")[0]):
        Instrument(address, limit=SHORT)


def test_one_that_accepts_and_says_nothing_is_not_open(scripted):
    scripted.script = lambda _query: b""
    with pytest.raises(SupplyError, match=r"\*IDN\?"):
        Instrument(scripted.address, limit=SHORT)
    with connected_to(scripted.port) as sockets:
        assert sockets == []


def test_after_closing_nothing_is_open_and_closing_again_is_harmless(scripted, instrument):
    instrument.close()
    instrument.close()
    with connected_to(scripted.port) as sockets:
        assert sockets == []


def test_threads_take_turns(scripted):
    """Four threads ask different questions; each gets the answer to its own."""
    instrument = Instrument(scripted.address)
    wrong: list[str] = []

    def ask(query: str, begins: str) -> None:
        for _ in range(50):
            answer = instrument.query(query)
            if not answer.startswith(begins):
                wrong.append(f"{query} -> {answer}")

    questions = [("MEAS:VOLT? (@1)", "3.10"), ("MEAS:CURR? (@1)", "0.50"), ("*IDN?", "Keysight"), ("OUTP? (@1)", "1")]
    threads = [threading.Thread(target=ask, args=pair) for pair in questions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    instrument.close()
    assert wrong == []
    assert len(scripted.messages) == 201
