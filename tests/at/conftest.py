"""A module on a real pty that answers as its test tells it, a wire to it, and the real timeline."""

from __future__ import annotations

import os
import select
import threading
import tty
from time import monotonic

import pytest

from pytest_quecfota.at.client import Client
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.timeline import Timeline

LIMIT = 5.0


class FakeModule:
    """Reads commands up to CR and gives each to `answer`, which returns what to say: bytes, or pieces written one by one.

    `heard` has every command. A command without an answer of its own gets `otherwise`.
    """

    def __init__(self, link):
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        link.symlink_to(os.ttyname(self._slave))
        self.link, self.path = link, str(link)
        self.answers = {}
        self.otherwise = b"\r\nOK\r\n"
        self.heard = []
        self._wake_read, self._wake_write = os.pipe()
        self._data_due = 0
        self._thread = threading.Thread(target=self._serve, name="fake-module")
        self._thread.start()

    def say(self, data):
        deadline = monotonic() + LIMIT
        while data:
            assert select.select([], [self.master], [], max(0, deadline - monotonic()))[1], "nobody reads"
            data = data[os.write(self.master, data[:4096]) :]

    def expects_data(self, length):
        """The next `length` bytes are data, not a command."""
        self._data_due = length

    def hang_up(self):
        """The line is gone, as when an adapter is unplugged. Only on the module's own thread, or after that has ended."""
        if self.master >= 0:
            self.link.unlink()
            os.close(self._slave)
            os.close(self.master)
            self.master = -1

    def close(self):
        os.write(self._wake_write, b"x")
        self._thread.join(LIMIT)
        self.hang_up()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _serve(self):
        held = b""
        while True:
            try:
                readable = select.select([self.master, self._wake_read], [], [])[0]
                if self._wake_read in readable:
                    return
                held += os.read(self.master, 4096)
            except (OSError, ValueError):
                return  # hung up
            while (end := self._end(held)) is not None:
                item, held = held[:end], held[end:]
                self._react(item)

    def _end(self, held):
        if self._data_due:
            return self._data_due if len(held) >= self._data_due else None
        return held.index(b"\r") + 1 if b"\r" in held else None

    def _react(self, item):
        self._data_due = 0
        key = item.rstrip(b"\r")
        answer = self.answers.get(key, self.otherwise)
        answer = answer(item) if callable(answer) else answer
        self.heard.append(key)
        for piece in [answer] if isinstance(answer, bytes) else answer or []:
            self.say(piece)


@pytest.fixture
def module(tmp_path):
    module = FakeModule(tmp_path / "module")
    yield module
    module.close()
    assert not module._thread.is_alive()


@pytest.fixture
def timeline():
    timeline = Timeline()
    yield timeline
    timeline.close()


@pytest.fixture
def wire(module, timeline):
    with Wire(PortSpec(module.path), timeline, reopen_within=0.2, settle=0.0) as wire:
        yield wire


@pytest.fixture
def client(wire, monkeypatch):
    """A client that is more impatient than the real one, so that silence does not take a second each time."""
    monkeypatch.setattr("pytest_quecfota.at.client.SHORTEST_WAIT", 0.3)
    client = Client(wire, response_time=0.1)
    yield client
    client.close()


@pytest.fixture
def patient_client(wire):
    client = Client(wire)
    yield client
    client.close()
