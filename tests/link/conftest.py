"""A module's end of the line on a real pty, and a record one can wait on."""

from __future__ import annotations

import os
import select
import threading
import tty
from time import monotonic

import pytest

from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.wire import Wire

LIMIT = 5.0


class Record:
    """What a wire recorded, in order; `wait` blocks until a condition holds of it."""

    def __init__(self):
        self.raw = bytearray()
        self.urcs = []
        self.entries = []
        self.faults = []
        self.responses = []
        self.order = []
        self._changed = threading.Condition()
        self._start = monotonic()

    def _add(self, what, where, item):
        with self._changed:
            where.extend(item) if where is self.raw else where.append(item)
            self.order.append(what)
            self._changed.notify_all()

    def stamp(self, monotonic):
        return monotonic - self._start

    def received(self, data, t):
        self._add("rx", self.raw, data)

    def sent(self, data, *, command=True):
        self._add("tx", self.entries, ("tx", data, command))

    def urc(self, u):
        self._add("urc", self.urcs, u)

    def response(self, command, lines, final, duration):
        self._add("response", self.responses, (command, tuple(lines), final, duration))

    def record(self, kind, /, **fields):
        self._add(kind, self.entries, (kind, fields))
        return 0.0

    def fault(self, error):
        self._add("fault", self.faults, error)

    def notes(self):
        return [entry[1]["text"] for entry in list(self.entries) if entry[0] == "note"]

    def wait(self, holds, seconds=LIMIT):
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self), seconds), (
                self.order,
                self.urcs,
                self.entries,
                self.faults,
            )


class Peer:
    """The module's end of a pty, whose other end is the link `path`. Everything has a time limit."""

    def __init__(self, link):
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        link.symlink_to(os.ttyname(self._slave))
        self.link, self.path = link, str(link)
        self.seen = b""

    def say(self, data):
        deadline = monotonic() + LIMIT
        while data:
            assert select.select([], [self.master], [], max(0, deadline - monotonic()))[1], "nobody reads"
            data = data[os.write(self.master, data[:4096]) :]

    def hear(self, until):
        """Read until `until` has come; returns everything up to it."""
        deadline = monotonic() + LIMIT
        while until not in self.seen:
            assert select.select([self.master], [], [], max(0, deadline - monotonic()))[0], self.seen
            self.seen += os.read(self.master, 4096)
        end = self.seen.index(until) + len(until)
        heard, self.seen = self.seen[:end], self.seen[end:]
        return heard

    def hang_up(self):
        """The line is gone, as when an adapter is unplugged. A second call does nothing."""
        if self.master >= 0:
            self.link.unlink()
            os.close(self.master)
            os.close(self._slave)
            self.master = -1


@pytest.fixture
def record():
    return Record()


@pytest.fixture
def peer(tmp_path):
    peer = Peer(tmp_path / "module")
    yield peer
    peer.hang_up()


@pytest.fixture
def wire(peer, record):
    with Wire(PortSpec(peer.path), record, reopen_within=LIMIT, settle=0.01) as wire:
        yield wire
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("quecfota-wire")]


@pytest.fixture
def make_peer(tmp_path):
    peers = []

    def make(name="module"):
        peers.append(Peer(tmp_path / name))
        return peers[-1]

    yield make
    for peer in peers:
        peer.hang_up()
