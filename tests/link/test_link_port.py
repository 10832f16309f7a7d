"""Ports of every kind of URL, and what is said when one cannot be opened."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import pytest
from serial.tools import list_ports

from pytest_quecfota import urc
from pytest_quecfota.errors import PortLost, Reason
from pytest_quecfota.link.port import PortSpec, find, is_there, open_port
from pytest_quecfota.link.wire import Wire


def test_a_missing_device_says_what_to_do():
    with pytest.raises(
        PortLost, match="cannot open /dev/no-such-port: no such device; is the adapter plugged in"
    ) as lost:
        open_port(PortSpec("/dev/no-such-port"))
    assert lost.value.reason is Reason.PORT_LOST
    assert not is_there(PortSpec("/dev/no-such-port"))


@pytest.mark.parametrize("url", ["socket://nowhere", "unknown://x", "rfc2217://127.0.0.1:1"])
def test_a_url_that_cannot_be_opened_is_a_bench_error(url):
    with pytest.raises(PortLost, match="cannot open"):
        open_port(PortSpec(url))


PORTS = [
    SimpleNamespace(device="/dev/ttyUSB7", location="1-1.3:1.2"),
    SimpleNamespace(device="/dev/ttyUSB8", location="1-1.3:1.3"),
    SimpleNamespace(device="/dev/ttyUSB9", location="1-1.4"),
    SimpleNamespace(device="/dev/ttyS0", location=None),
]


def test_a_port_is_found_by_its_place_on_usb(monkeypatch):
    monkeypatch.setattr(list_ports, "comports", lambda: PORTS)
    assert find(PortSpec(usb_path="1-1.3", interface=3)) == "/dev/ttyUSB8"
    assert find(PortSpec(usb_path="1-1.4")) == "/dev/ttyUSB9"
    with pytest.raises(PortLost, match=r"usb 1-2 interface 2: not on USB; there are 1-1.3:1.2 \(/dev/ttyUSB7\)"):
        find(PortSpec(usb_path="1-2", interface=2))


def test_loop_gives_back_what_is_written_and_closes(record):
    with Wire(PortSpec("loop://"), record) as wire:
        wire.write(b"+QIOTEVT: 7,10702\r\n")
        record.wait(lambda record: record.urcs == [urc.Downloading()])


def test_spy_writes_its_file(peer, record, tmp_path):
    with Wire(PortSpec(f"spy://{peer.path}?file={tmp_path / 'spy.txt'}"), record) as wire:
        wire.write(b"AT\r")
        peer.hear(b"\r")
        peer.say(b"RDY\r\n")
        record.wait(lambda record: record.urcs == [urc.Ready()])
    dump = (tmp_path / "spy.txt").read_text()
    assert "TX   0000  41 54 0D" in dump
    assert "RX " in dump


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        yield server


def test_a_socket_is_read_in_large_pieces_and_written_without_delay(server, record):
    with Wire(PortSpec(f"socket://127.0.0.1:{server.getsockname()[1]}"), record) as wire:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"RDY\r\n" + b"n" * 100_000 + b"\r\n+QIOTEVT: 7,10702\r\n")
            record.wait(lambda record: len(record.urcs) == 2)
            assert record.order.count("rx") < 1000
            wire.write(b"AT\r")
            assert connection.recv(10) == b"AT\r"


def test_a_socket_whose_server_restarts_is_connected_again(server, record):
    with Wire(PortSpec(f"socket://127.0.0.1:{server.getsockname()[1]}"), record, reopen_within=5):
        server.accept()[0].close()
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"RDY\r\n")
            record.wait(lambda record: record.urcs == [urc.Ready()])
    assert record.notes() == ["port vanished", "port returned"]


IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240


def speak_rfc2217(connection, stop):
    """Just enough of a server: agrees to everything, answers each setting with its value."""
    connection.settimeout(0.1)
    held = b""
    while not stop.is_set():
        try:
            received = connection.recv(1024)
        except TimeoutError:
            continue
        if not received:
            return
        held += received
        while held:
            if held[0] != IAC:
                if held.startswith(b"AT\r"):
                    connection.sendall(b"OK\r\n+QIOTEVT: 7,10702\r\n")
                held = held[1:]
            elif len(held) < 3:
                break
            elif held[1] == SB:
                end = held.find(bytes([IAC, SE]))
                if end < 0:
                    break
                option, command, value = held[2], held[3], held[4:end]
                connection.sendall(bytes([IAC, SB, option, command + 100]) + value + bytes([IAC, SE]))
                held = held[end + 2 :]
            else:
                answer = {DO: WILL, WILL: DO, DONT: WONT, WONT: DONT}[held[1]]
                connection.sendall(bytes([IAC, answer, held[2]]))
                held = held[3:]


def test_an_rfc2217_server_that_dies_is_a_vanished_port_and_no_traceback(server, record):
    stop, accepted = threading.Event(), []

    def serve():
        connection, _ = server.accept()
        accepted.append(connection)
        speak_rfc2217(connection, stop)

    thread = threading.Thread(target=serve)
    thread.start()
    url = f"rfc2217://127.0.0.1:{server.getsockname()[1]}?ign_set_control"
    try:
        with Wire(PortSpec(url), record, reopen_within=0.05) as wire:
            wire.write(b"AT\r")
            record.wait(lambda record: record.urcs == [urc.Downloading()])
            stop.set()
            thread.join(5)
            accepted[0].close()
            server.close()
            record.wait(lambda record: record.faults, seconds=8)
            assert "vanished" in str(record.faults[0])
    finally:
        stop.set()
        thread.join(5)
