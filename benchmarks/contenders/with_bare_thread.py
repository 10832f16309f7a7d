"""The floor of every design whose tests do not read the port themselves: the bare loop in a thread, which wakes the test."""

from __future__ import annotations

import argparse
import os
import threading
import tty

import contest


class BareThread:
    """Reads a descriptor in a thread; the test sleeps on a lock until the last line has come."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._port = os.open(asked.port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._port)
        self._came = threading.Lock()
        self._came.acquire()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        rest = b""
        while True:
            lines = (rest + os.read(self._port, 65536)).split(b"\r\n")
            rest = lines.pop()
            if contest.LAST in lines:
                self._came.release()

    def send(self, data: bytes) -> None:
        os.write(self._port, data)

    def read_until_last(self, within: float) -> None:
        self._came.acquire(timeout=within)

    wait_for_event = read_until_last

    def close(self) -> None:
        """The thread is in its read; the process ends with it."""


if __name__ == "__main__":
    contest.run(BareThread)
