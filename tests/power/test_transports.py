"""The same supply over every line it may hang on, with its line ends, its lengths and its gap."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from strict_families import FAMILIES
from strict_lines import HislipLine, SerialLine
from strict_supply import StrictSupply

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power import Supply, load_profile
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.profiles.schema import Serial, Transport
from pytest_quecfota.power.session import Session
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.rig import guardian, parts

LINES = {"SOCKET": None, "HISLIP": HislipLine, "ASRL": SerialLine}
CASES = [
    ("keysight-e36300", "HISLIP"),
    ("keysight-n6705c", "HISLIP"),
    ("rs-ngx", "HISLIP"),
    ("rs-hmp4040", "ASRL"),
    ("rigol-dp800", "ASRL"),
    ("tti-plx", "ASRL"),
    ("korad-ka3005p", "ASRL"),
    ("korad-ka3005p", "SOCKET"),
    ("tti-plx", "SOCKET"),
]


@contextlib.contextmanager
def attached(name: str, kind: str) -> Iterator[tuple[StrictSupply, str]]:
    """A strict instrument of that family behind a line of that kind, and its VISA address."""
    strict = StrictSupply(FAMILIES[name])
    line = LINES[kind](strict) if LINES[kind] is not None else None
    try:
        yield strict, strict.address if line is None else line.address
    finally:
        if line is not None:
            line.close()
        strict.close()
    assert strict.unknown == []
    assert strict.rude == []


def opened(name: str, address: str, *, limit: float = 1.0) -> Supply:
    profile = load_profile(name)
    quick = profile.transport.model_copy(update={"command_gap": 0.01 if profile.transport.command_gap else 0.0})
    instrument = Instrument(address, transport=quick, setup=profile.setup_messages(1), limit=limit)
    return Supply(instrument, profile, channel=1, nominal=Setting(3.3, 1.0), limits=Limits(2.1, 3.6), may_cut=True)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_it_is_set_measured_and_switched_over_that_line(name, kind):
    assert kind in load_profile(name).transport.kinds
    with attached(name, kind) as (strict, address):
        supply = opened(name, address)
        supply.protect()
        supply.restore()
        supply.set(voltage=2.5)
        assert supply.measure().voltage == pytest.approx(2.5, abs=0.01)
        assert supply.setting() == Setting(2.5, 1.0)
        supply.off()
        assert supply.output() is False
        assert strict.outputs[1].on is False
        supply.close()
        supply.on()  # opened again by itself
        assert supply.output() is True
        supply.close()


@pytest.mark.parametrize(("name", "kind"), [("rs-hmp4040", "ASRL"), ("korad-ka3005p", "ASRL"), ("rs-ngx", "HISLIP")])
def test_one_that_falls_silent_on_that_line_is_told_in_time(name, kind):
    with attached(name, kind) as (strict, address):
        supply = opened(name, address, limit=0.3)
        strict.garble = lambda _unit, _answer: b""
        started = time.monotonic()
        with pytest.raises(SupplyError) as caught:
            supply.measure()
        assert caught.value.reason is Reason.SUPPLY_TIMEOUT
        assert time.monotonic() - started < 1.5
        strict.garble = lambda _unit, answer: answer
        supply.restore()
        supply.close()


def test_what_waits_on_a_serial_line_is_never_taken_for_an_answer():
    """The late half of an answer of five bytes would be the beginning of the next."""
    with attached("korad-ka3005p", "ASRL") as (strict, address):
        supply = opened("korad-ka3005p", address, limit=0.3)
        supply.restore()
        strict.garble = lambda unit, answer: answer + b"07.77" if unit == "VSET1?" else answer
        assert supply.setting() == Setting(3.3, 1.0)
        strict.garble = lambda _unit, answer: answer
        assert supply.measure().voltage == pytest.approx(3.3)
        assert strict.units.count("*IDN?") > 1, "the line was opened anew"
        supply.close()


@pytest.mark.parametrize("told", [b"", b"5", b"\xff\xff\xff\xff\xff", b"volts", b"99.99"])
def test_no_answer_of_a_wrong_length_or_kind_becomes_a_reading(told):
    with attached("korad-ka3005p", "SOCKET") as (strict, address):
        supply = opened("korad-ka3005p", address, limit=0.2)
        supply.restore()
        strict.garble = lambda unit, answer: told if unit == "VOUT1?" else answer
        with pytest.raises(SupplyError):
            supply.measure()
        supply.close()


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("state", ["nominal", "off"])
def test_a_guardian_makes_it_safe_over_that_line(name, kind, state):
    """From another process's point of view: a connection of its own, the line ends and the gap of the family, nothing read."""
    with attached(name, kind) as (strict, address):
        supply = opened(name, address)
        supply.set(voltage=2.2)
        supply.close()
        part = SimpleNamespace(visa=address, safe_state=state)
        guardian.restore([parts.safe_order(SimpleNamespace(supply=part), supply)], None)
        supply.dialogue.instrument.reopen()  # is served after what came before
        supply.close()
        output = strict.outputs[1]
        assert output.on is (state == "nominal")
        assert state == "off" or (output.voltage, output.current) == (3.3, 1.0)


def test_a_serial_line_is_set_as_the_profile_says():
    with attached("rs-hmp4040", "ASRL") as (_strict, address):
        session = Session(address, Transport(recommended="", serial=Serial(baudrate=19200, stop_bits=2)), 0.5)
        line = session._visa
        told = (line.baud_rate, line.data_bits, line.parity.name, line.stop_bits.name)
        session.close()
    assert told == (19200, 8, "none", "two")


def test_a_serial_line_that_does_not_take_its_settings_is_a_bench_fault():
    """A pty has no parity."""
    with attached("rs-hmp4040", "ASRL") as (_strict, address):
        odd = Transport(recommended="", serial=Serial(data_bits=7, parity="odd"))
        with pytest.raises(SupplyError, match="does not take baudrate=9600 data_bits=7") as caught:
            Instrument(address, transport=odd)
        assert caught.value.reason is Reason.SUPPLY_LOST


# -- who may speak when ----------------------------------------------------------------------------

GAP = 0.1


@pytest.fixture
def gapped(scripted) -> Iterator[Instrument]:
    transport = load_profile("keysight-e36300").transport.model_copy(update={"command_gap": GAP})
    instrument = Instrument(scripted.address, transport=transport)
    yield instrument
    instrument.close()


def test_a_trigger_waits_for_the_rest_of_the_gap_and_for_nothing_else(scripted, gapped):
    """Somebody asks many things in a row and holds the instrument: the trigger's message goes out in between."""
    begun, ended = threading.Event(), threading.Event()

    def ask() -> None:
        with gapped.lock:
            for _ in range(8):
                gapped.query("MEAS:VOLT? (@1)")
                begun.set()
        ended.set()

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(5)
    started = time.monotonic()
    gapped.send_at_once(b"OUTP OFF,(@1)\n")
    took = time.monotonic() - started
    assert not ended.is_set(), "it did not wait for the whole row"
    assert took < 2.5 * GAP
    asking.join(5)
    assert gapped.query("OUTP? (@1)") == "0"
    assert 0 < scripted.messages.index("OUTP OFF,(@1)") < 9


def test_without_a_gap_a_trigger_is_sent_at_once(scripted):
    instrument = Instrument(scripted.address)
    times = []
    for _ in range(50):
        started = time.perf_counter()
        instrument.send_at_once(b"VOLT 3.3,(@1)\n")
        times.append(time.perf_counter() - started)
    instrument.close()
    assert sorted(times)[25] < 0.001


def test_another_instrument_at_the_same_address_is_not_taken_for_the_first(scripted):
    """Also an answer to another question, where a serial server hands it to a new connection."""
    instrument = Instrument(scripted.address, limit=0.3)
    scripted.identity = "Keysight Technologies,E36312A,MY99999999,1.0.4"
    with pytest.raises(SupplyError, match=r"MY12345678.*MY99999999") as caught:
        instrument.reopen()
    assert caught.value.reason is Reason.SUPPLY_LOST
    instrument.close()


def test_what_must_be_said_first_is_said_again_on_every_new_connection(scripted):
    instrument = Instrument(scripted.address, setup=("*CLS",))
    instrument.query("*OPC?")
    instrument.reopen()
    instrument.query("*OPC?")
    instrument.close()
    assert scripted.messages == ["*IDN?", "*CLS", "*OPC?"] * 2
