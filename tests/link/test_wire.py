"""The wire on a real pty: one reader, everything recorded, nothing lost when the port goes and comes back."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from time import monotonic, process_time

import pytest

from pytest_quecfota import urc
from pytest_quecfota.errors import BenchError, PortLost, Reason
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.wire import Wire

DOWNLOADING = b"+QIOTEVT: 7,10702\r\n"


def test_a_urc_is_recorded_raw_then_typed(wire, peer, record):
    peer.say(b"noise\r\n" + DOWNLOADING)
    record.wait(lambda record: record.urcs)
    assert record.urcs == [urc.Downloading()]
    assert record.urcs[0].raw == "+QIOTEVT: 7,10702"
    assert record.urcs[0].time > 0
    assert bytes(record.raw) == b"noise\r\n" + DOWNLOADING
    assert record.order[:1] == ["rx"]


def test_what_the_module_said_before_the_port_was_opened_is_not_lost(peer, record):
    peer.say(b"RDY\r\n")
    with Wire(PortSpec(peer.path), record):
        record.wait(lambda record: record.urcs)
    assert record.urcs == [urc.Ready()]


def test_a_second_reader_is_refused(wire, peer, record):
    with pytest.raises(PortLost) as refused:
        Wire(PortSpec(peer.path), record)
    assert refused.value.reason is Reason.PORT_BUSY


def test_a_trigger_fires_on_the_reader_thread_before_the_timeline_hears(wire, peer, record):
    where = []
    trigger = wire.trigger(
        lambda u: isinstance(u, urc.Updating), lambda: where.append((threading.current_thread().name, len(record.urcs)))
    )
    peer.say(DOWNLOADING + b"+QIOTEVT: 7,10704\r\n+QIOTEVT: 7,10704\r\n")
    assert trigger.wait(5)
    record.wait(lambda record: len(record.urcs) == 3)
    assert where == [(f"quecfota-wire-{peer.path}", 1)]
    assert trigger.urc == urc.Updating()
    assert 0 < monotonic() - trigger.fired < 5
    assert not trigger.armed
    assert not trigger.cancel()


def test_a_cancelled_trigger_never_fires(wire, peer, record):
    fired = []
    trigger = wire.trigger(lambda _: True, lambda: fired.append(1))
    assert trigger.cancel()
    peer.say(DOWNLOADING)
    record.wait(lambda record: record.urcs)
    assert not fired
    assert trigger.fired is None


def test_a_trigger_that_raises_is_a_fault_and_the_wire_goes_on(wire, peer, record):
    trigger = wire.trigger(lambda _: True, lambda: 1 / 0)
    peer.say(DOWNLOADING + DOWNLOADING)
    record.wait(lambda record: len(record.urcs) == 2 and record.faults)
    assert isinstance(trigger.error, ZeroDivisionError)


def test_a_payload_a_urc_announced_is_part_of_it(wire, peer, record):
    peer.say(b"+QIOTEVT: 5,10200,4\r\nOK\r\n\r\n" + DOWNLOADING)
    record.wait(lambda record: len(record.urcs) == 2)
    assert record.urcs[0] == urc.with_payload(urc.parse(b"+QIOTEVT: 5,10200,4"), b"OK\r\n")


def test_a_payload_that_ends_too_early_does_not_swallow_what_follows(wire, peer, record):
    peer.say(b"+QIOTEVT: 5,10200,40\r\nabc")
    record.wait(lambda record: record.notes() == ["payload incomplete"])
    peer.say(b"\r\n" + DOWNLOADING)
    record.wait(lambda record: len(record.urcs) == 2)
    assert [entry[1]["received"] for entry in record.entries if entry[0] == "note"] == [b"abc".hex()]


def test_from_one_test_to_the_next_another_timeline_records(wire, peer, record):
    peer.say(DOWNLOADING)
    record.wait(lambda record: record.urcs)
    other = type(record)()
    wire.record_to(other)
    peer.say(DOWNLOADING)
    other.wait(lambda record: record.urcs)
    assert len(record.urcs) == 1
    assert wire.timeline is other


def test_written_bytes_are_recorded_before_they_can_be_answered(wire, peer, record):
    wire.write(b"AT\r")
    assert peer.hear(b"\r") == b"AT\r"
    wire.write(b"data", command=False)
    assert record.entries == [("tx", b"AT\r", True), ("tx", b"data", False)]


def test_a_read_only_wire_sends_nothing(peer, record):
    with Wire(PortSpec(peer.path), record, read_only=True) as tap, pytest.raises(RuntimeError):
        tap.write(b"AT\r")


def test_a_port_that_takes_nothing_is_a_bench_fault_within_the_limit(wire, peer, record):
    with pytest.raises(PortLost, match="took"):
        wire.write(b"x" * 300_000, within=0.1)


def test_a_port_that_vanishes_is_opened_again(make_peer, record):
    first = make_peer()
    with Wire(PortSpec(first.path), record, reopen_within=5, settle=0.01) as wire:
        first.say(b"RDY\r\n+QIOTEVT: 7,107")
        record.wait(lambda record: len(record.raw) >= 20)
        first.hang_up()
        record.wait(lambda record: record.notes() == ["port vanished"])
        second = make_peer()
        record.wait(lambda record: record.notes() == ["port vanished", "port returned"])
        second.say(b"RDY\r\n")
        record.wait(lambda record: record.urcs == [urc.Ready(), urc.Unknown(), urc.Ready()])
        wire.write(b"AT\r")
        assert second.hear(b"\r") == b"AT\r"
        assert wire.absences == 1


def test_a_write_waits_for_a_port_that_is_away(make_peer, record):
    first = make_peer()
    with Wire(PortSpec(first.path), record, reopen_within=5, settle=0.01) as wire:
        first.hang_up()
        record.wait(lambda record: record.notes() == ["port vanished"])
        with pytest.raises(PortLost, match=r"waited 0\.05 s for it to come back"):
            wire.write(b"AT\r", within=0.05)
        writer = threading.Thread(target=wire.write, args=(b"AT\r",))
        writer.start()
        assert make_peer().hear(b"\r") == b"AT\r"
        writer.join(5)


def test_the_number_of_a_dead_pty_is_not_opened_again_when_a_stranger_gets_it(make_peer, record):
    """The link of a bench that was killed still stands; what it leads to belongs to somebody else now."""
    peer = make_peer()
    number = peer.link.resolve()
    before = peer.link.lstat()
    with Wire(PortSpec(peer.path), record, reopen_within=0.3, settle=0):
        masters = []
        os.close(peer._slave)
        os.close(peer.master)
        peer.master = -1
        try:
            record.wait(lambda record: record.notes() == ["port vanished"])
            while len(masters) < 80 and not number.exists():
                masters.extend(os.openpty())
            record.wait(lambda record: record.faults)
        finally:
            for descriptor in masters:
                os.close(descriptor)
    assert record.notes() == ["port vanished"]
    assert peer.link.lstat().st_ino == before.st_ino


def test_a_port_that_stays_away_is_a_bench_fault_that_wakes_everybody(make_peer, record):
    peer = make_peer()
    with Wire(PortSpec(peer.path), record, reopen_within=0.05, settle=0) as wire:
        peer.hang_up()
        record.wait(lambda record: record.faults)
        error = record.faults[0]
        assert isinstance(error, BenchError)
        assert error.reason is Reason.PORT_LOST
        assert "waited 0.05 s" in str(error)
        assert wire.lost is error
        with pytest.raises(PortLost):
            wire.write(b"AT\r")


def test_it_closes_while_its_port_is_away(make_peer, record):
    peer = make_peer()
    wire = Wire(PortSpec(peer.path), record, reopen_within=60)
    peer.hang_up()
    record.wait(lambda record: record.notes())
    began = monotonic()
    wire.close()
    assert monotonic() - began < 2


def test_it_closes_at_once_and_twice(peer, record):
    before = len(list(Path("/proc/self/fd").iterdir()))
    wire = Wire(PortSpec(peer.path), record)
    began = monotonic()
    wire.close()
    wire.close()
    assert monotonic() - began < 0.5
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with pytest.raises(PortLost, match="closed"):
        wire.write(b"AT\r")


def test_waiting_costs_no_processor_time(wire, record):
    quiet = threading.Event()
    began = process_time()
    quiet.wait(0.5)
    assert process_time() - began < 0.02


def test_a_flood_of_log_lines_is_read_whole(wire, peer, record):
    line = b"[12345.678] D/net a line of a debug log that nobody waits for but that must be kept\r\n"
    chunk = line * 99 + DOWNLOADING
    for _ in range(50):
        peer.say(chunk)
    record.wait(lambda record: len(record.urcs) == 50)
    assert bytes(record.raw) == chunk * 50
