"""Where the module's serial line comes out of the bench: a pty, or a TCP socket where there is no pty.

A `Port` moves raw bytes without blocking and without caring for time; `uart.Uart` on top of it knows baud rate, power
and noise. The pty's own far end is held open here, so that a reader that comes and goes never makes it fail; its path
is a symbolic link that stays the same when the pty behind it is another.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

_READ_SIZE = 65536

#: Bytes kept for a reader that does not read; beyond it the oldest are lost, as on a serial line without flow control.
UNREAD_LIMIT = 1 << 20


class Port(Protocol):
    """The bench's end of the line to the host."""

    url: str
    """What pyserial opens: a path or `socket://host:port`."""

    def open(self, receive: Callable[[bytes], None]) -> None:
        """Appear, and hand everything the host writes to `receive`."""

    def write(self, data: bytes) -> None:
        """Send towards the host; never blocks."""

    def vanish(self) -> None:
        """Go away, as a USB port does while its module restarts; `open` brings it back."""

    def close(self) -> None:
        """Go away for good."""


class _Outbox:
    """Bytes that did not fit into the kernel's buffer, written when it has room."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._fd = -1
        self._kept = bytearray()

    def attach(self, fd: int) -> None:
        self._fd = fd

    def detach(self) -> None:
        if self._kept and self._fd >= 0:
            self._loop.remove_writer(self._fd)
        self._kept.clear()
        self._fd = -1

    def write(self, data: bytes) -> None:
        if self._fd < 0:
            return
        if not self._kept:
            data = data[self._put(data) :]
            if data:
                self._loop.add_writer(self._fd, self._drain)
        self._kept += data
        if len(self._kept) > UNREAD_LIMIT:
            del self._kept[: len(self._kept) - UNREAD_LIMIT]

    def _put(self, data: bytes | bytearray) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)

    def _drain(self) -> None:
        del self._kept[: self._put(self._kept[:_READ_SIZE])]
        if not self._kept:
            self._loop.remove_writer(self._fd)


class PtyPort:
    """A pseudo terminal behind the symbolic link `path`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: Path) -> None:
        self.url = str(path)
        self._loop = loop
        self._path = path
        self._ends: tuple[int, int] | None = None
        self._outbox = _Outbox(loop)

    def open(self, receive: Callable[[bytes], None]) -> None:
        """Make the pty and its link; does nothing where it is there already."""
        if self._ends:
            return
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        self._ends = (ours, theirs)
        self._outbox.attach(ours)
        self._loop.add_reader(ours, self._read, ours, receive)
        fresh = self._path.with_name(f"{self._path.name}.new")
        fresh.symlink_to(os.ttyname(theirs))
        fresh.replace(self._path)

    def write(self, data: bytes) -> None:
        """Send towards the host; what nobody reads is kept up to a limit."""
        self._outbox.write(data)

    def vanish(self) -> None:
        """Remove link and pty; a host that has it open sees a hang-up."""
        if self._ends:
            self._loop.remove_reader(self._ends[0])
            self._outbox.detach()
            self._path.unlink(missing_ok=True)
            for end in self._ends:
                os.close(end)
            self._ends = None

    def close(self) -> None:
        """As `vanish`."""
        self.vanish()

    @staticmethod
    def _read(fd: int, receive: Callable[[bytes], None]) -> None:
        try:
            data = os.read(fd, _READ_SIZE)
        except BlockingIOError:
            return
        receive(data)


class SocketPort:
    """A TCP server on loopback that talks to one host at a time (`socket://` in pyserial)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.setblocking(False)
        self.url = f"socket://127.0.0.1:{self._server.getsockname()[1]}"
        self._host: socket.socket | None = None
        self._outbox = _Outbox(loop)
        self._receive: Callable[[bytes], None] | None = None

    def open(self, receive: Callable[[bytes], None]) -> None:
        """Let a host in."""
        if self._receive is None:
            self._receive = receive
            self._loop.add_reader(self._server.fileno(), self._accept)

    def write(self, data: bytes) -> None:
        """Send to the host, or to nobody."""
        self._outbox.write(data)

    def vanish(self) -> None:
        """Hang up; the next host is let in after `open`."""
        if self._receive is not None:
            self._loop.remove_reader(self._server.fileno())
            self._receive = None
        self._hang_up()

    def close(self) -> None:
        """Hang up and stop listening."""
        self.vanish()
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            host, _ = self._server.accept()
            if self._host is not None:
                host.close()
                return
            host.setblocking(False)
            host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._host = host
            self._outbox.attach(host.fileno())
            self._loop.add_reader(host.fileno(), self._read, host)

    def _read(self, host: socket.socket) -> None:
        try:
            data = host.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
        elif self._receive:
            self._receive(data)

    def _hang_up(self) -> None:
        if self._host is not None:
            self._loop.remove_reader(self._host.fileno())
            self._outbox.detach()
            self._host.close()
            self._host = None
