"""pexpect on the descriptor of an open port (`fdspawn`), what it reads logged to a file.

Asked for the last line by one `expect`, it searches everything that came again with every read. `--each` asks for one URC after
the other, which keeps its buffer short.
"""

from __future__ import annotations

import argparse

import contest
import serial
from pexpect import fdpexpect


class Pexpect:
    """`fdspawn` over a pyserial port."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._each = asked.each
        self._port = serial.Serial(asked.port, 115200, timeout=0)
        self._log = (asked.directory / "uart.log").open("wb")
        self._spawn = fdpexpect.fdspawn(self._port, timeout=contest.LIMIT)
        self._spawn.logfile_read = self._log

    def send(self, data: bytes) -> None:
        self._port.write(data)

    def wait_for_event(self, within: float) -> None:
        self._spawn.expect(contest.LAST_LINE, timeout=within)

    def read_until_last(self, within: float) -> None:
        if not self._each:
            return self.wait_for_event(within)
        while True:
            self._spawn.expect(contest.URC, timeout=within)
            if contest.LAST in self._spawn.after:
                return None

    def close(self) -> None:
        self._port.close()
        self._log.close()


if __name__ == "__main__":
    contest.run(Pexpect)
