"""pytest-embedded's `dut` of its serial service, in a pytest run of its own; it logs to a file by itself."""

from __future__ import annotations

import argparse
import shlex
import sys
from os import environ
from typing import Any

import contest

ASKED = "QUECFOTA_BENCHMARK"


class Embedded:
    """A `dut`: it reads in a thread, through a queue, a second process and a file."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut

    def send(self, data: bytes) -> None:
        self._dut.serial.proc.write(data)

    def wait_for_event(self, within: float) -> None:
        self._dut.expect(contest.LAST_LINE, timeout=within)

    read_until_last = wait_for_event

    def close(self) -> None:
        """The fixture closes it."""


def test_contest(dut: Any) -> None:
    """Called by the run that `main` starts."""
    asked = contest.arguments(shlex.split(environ[ASKED]))
    contest.run(lambda _asked: Embedded(dut), asked)


def main(asked: argparse.Namespace) -> int:
    """Run this file as a test."""
    import pytest

    environ[ASKED] = shlex.join(sys.argv[1:])
    command = [__file__, "-q", "-s", "-p", "no:cacheprovider", "--noconftest", "--rootdir", str(asked.directory)]
    service = ["--embedded-services", "serial", "--port", asked.port, "--root-logdir", str(asked.directory)]
    return int(pytest.main([*command, "-c", "/dev/null", *service]))


if __name__ == "__main__":
    sys.exit(main(contest.arguments()))
