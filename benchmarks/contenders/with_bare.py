"""The floor: a loop of `os.read` and split in the test's own thread. It types nothing and records nothing."""

from __future__ import annotations

import argparse
import os
import tty

import contest


class Bare:
    """Reads a descriptor without anything in between."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._port = os.open(asked.port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._port)

    def send(self, data: bytes) -> None:
        os.write(self._port, data)

    def read_until_last(self, within: float) -> None:  # noqa: ARG002  (it would wait for ever, and be ended)
        rest = b""
        while True:
            lines = (rest + os.read(self._port, 65536)).split(b"\r\n")
            rest = lines.pop()
            if contest.LAST in lines:
                return

    wait_for_event = read_until_last

    def close(self) -> None:
        os.close(self._port)


if __name__ == "__main__":
    contest.run(Bare)
