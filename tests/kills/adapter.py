"""A serial adapter between a bench's port and its user that can be unplugged, and plugged in again."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import tty
from pathlib import Path


class Adapter:
    """Passes bytes between the pty behind `far` and the one behind the link `path`; while it is unplugged they are lost.

    It listens on `switch` (a TCP port): `in` plugs it in, `out` unplugs it, and each is answered when it is done, so that a run can
    do it too. Use it as a context manager.
    """

    def __init__(self, far: str, path: Path) -> None:
        self.path = path
        self._far = os.open(far, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._far)
        self._near: tuple[int, int] | None = None
        self._server = socket.create_server(("127.0.0.1", 0))
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def switch(self) -> int:
        """The port that takes orders."""
        return int(self._server.getsockname()[1])

    def order(self, word: str) -> None:
        """Give an order and wait until it is carried out."""
        with socket.create_connection(("127.0.0.1", self.switch), timeout=5) as link:
            link.sendall(word.encode())
            assert link.recv(4) == b"done"

    def __enter__(self) -> Adapter:
        self._plug_in()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._woken)
        self._thread.join(5)
        self._unplug()
        os.close(self._wake)
        os.close(self._far)
        self._server.close()

    def _serve(self) -> None:
        while True:
            watched = [self._far, self._server, self._wake, *([self._near[0]] if self._near else [])]
            ready, _, _ = select.select(watched, [], [])
            if self._wake in ready:
                return
            for source in ready:
                self._obey() if source is self._server else self._pass_on(source)

    def _pass_on(self, source: int) -> None:
        near = self._near[0] if self._near else None
        sink = near if source == self._far else self._far
        with contextlib.suppress(OSError):
            data = os.read(source, 65536)
            if sink is not None:
                os.write(sink, data)

    def _obey(self) -> None:
        link, _ = self._server.accept()
        with link, contextlib.suppress(OSError):
            {"in": self._plug_in, "out": self._unplug}[link.recv(4).decode()]()
            link.sendall(b"done")

    def _plug_in(self) -> None:
        if self._near is None:
            self._near = os.openpty()
            tty.setraw(self._near[1])
            self.path.symlink_to(os.ttyname(self._near[1]))

    def _unplug(self) -> None:
        near, self._near = self._near, None
        if near is not None:
            self.path.unlink()
            for end in near:
                os.close(end)
