"""A TCP line to a supply that can be killed, slow, or lie; also told so from outside, over a port of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

LIMIT = 5.0  # real seconds its threads may take to end
SLOW = 1.2  # real seconds an answer takes when it is slow


class LyingLine:
    """Takes connections and passes them on to `target`; `do` says what becomes of the answers from now on."""

    MODES = ("honest", "killed", "slow", "stale", "partial", "garbage", "wrong")

    def __init__(self, target: tuple[str, int]) -> None:
        self.mode = "honest"
        self.supply_port = target[1]
        self._target = target
        self._over = threading.Event()
        self._last = b""
        self._late = b""  # withheld: the next question will get it
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._control = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)
        self._start(self._take_orders)

    @property
    def address(self) -> str:
        """The VISA address of its near end."""
        return f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"

    @property
    def orders(self) -> int:
        """The port that takes one mode a connection and answers when it holds."""
        return int(self._control.getsockname()[1])

    def do(self, mode: str) -> None:
        """Behave like that from now on."""
        assert mode in self.MODES
        self.mode = mode
        if mode == "killed":
            self._hang_up(self._listener, *self._sockets)

    def close(self) -> None:
        """End it and wait for its threads."""
        self._over.set()
        self._hang_up(self._listener, self._control, *self._sockets)
        for thread in self._threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
        for end in (self._listener, self._control, *self._sockets):
            end.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="lying-line")
        self._threads.append(thread)
        thread.start()

    @staticmethod
    def _hang_up(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._over.is_set():
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
                self._sockets += [near, far]
                self._start(self._pass_on, near, far)
                self._start(self._answer, far, near)

    def _take_orders(self) -> None:
        with contextlib.suppress(OSError):
            while not self._over.is_set():
                link, _ = self._control.accept()
                with link:
                    self.do(link.recv(100).decode())
                    link.sendall(b"done")

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(4096):
                far.sendall(data)
        self._hang_up(far)

    def _answer(self, far: socket.socket, near: socket.socket) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while data := far.recv(4096):
                *lines, held = (held + data).split(b"\n")
                for line in lines:
                    near.sendall(self._told(line + b"\n"))
        self._hang_up(near)

    def _told(self, answer: bytes) -> bytes:
        """What is told instead of `answer`: a stale line is one behind, and catches up when it is honest again."""
        if self.mode == "stale":
            before, self._last, self._late = self._late or self._last, answer, answer
            return before
        late, self._late, self._last = self._late, b"", answer
        if self.mode == "slow":
            self._over.wait(SLOW)
        lies = {"partial": answer[: len(answer) // 2], "garbage": b"\xfe%!?\n", "wrong": b"31.4\n"}
        return late + lies.get(self.mode, answer)
