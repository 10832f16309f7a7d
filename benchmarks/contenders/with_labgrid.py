"""labgrid's SerialDriver on a RawSerialPort, its console log written as `--lg-log` does.

`--each` asks for one URC after the other, which keeps the buffer of the pexpect inside it short.
"""

from __future__ import annotations

import argparse

import contest
from labgrid import Target
from labgrid.consoleloggingreporter import ConsoleLoggingReporter
from labgrid.driver import SerialDriver
from labgrid.resource import RawSerialPort


class Labgrid:
    """A target with a console."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._each = asked.each
        ConsoleLoggingReporter.start(str(asked.directory))
        self._target = Target("module")
        RawSerialPort(self._target, "port", port=asked.port, speed=115200)
        self._console = SerialDriver(self._target, "console")
        self._target.activate(self._console)

    def send(self, data: bytes) -> None:
        self._console.write(data)

    def wait_for_event(self, within: float) -> None:
        self._console.expect(contest.LAST_LINE.decode(), timeout=within)

    def read_until_last(self, within: float) -> None:
        if not self._each:
            return self.wait_for_event(within)
        while True:
            _, _, _, line = self._console.expect(contest.URC.decode(), timeout=within)
            if contest.LAST in line:
                return None

    def close(self) -> None:
        self._target.cleanup()
        ConsoleLoggingReporter.stop()


if __name__ == "__main__":
    contest.run(Labgrid)
