"""What every contender does, whatever it reads with: the tasks, the clock, and one line of JSON. Standard library only.

A contender is a script beside this one. It runs in the environment of what it measures, gives `run` a way to open the port,
and gets called through `Contender`. The result goes to a file, because some contenders own the standard output.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

GO = b"GO\r\n"
LAST = b"+QIOTEVT: 7,10703"
LIMIT = 600.0
"""Real seconds within which anything must have come."""

LAST_LINE = rb"\+QIOTEVT: 7,10703\r\n"
URC = rb"\+(?:QIOTEVT|QIND|CEREG): [^\r\n]*\r\n"
"""What a test that works with patterns would look for: the last line, or any URC."""


class Contender(Protocol):
    """One way to wait for lines of a port."""

    def send(self, data: bytes) -> None:
        """Send `data` to the module."""

    def read_until_last(self, within: float) -> None:
        """Return when `LAST` has come behind whatever else; raise after `within` seconds."""

    def wait_for_event(self, within: float) -> None:
        """Return when `LAST` has come, on a quiet line."""

    def close(self) -> None:
        """Give the port back."""


def memory(field: str) -> int:
    """Bytes of this process's `VmRSS` or `VmHWM`."""
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def flood(contender: Contender, _asked: argparse.Namespace) -> dict[str, object]:
    """Lines until the last one: seconds, CPU seconds, growth of memory in bytes (at the end, and at the highest)."""
    before, cpu, start = memory("VmRSS"), time.process_time(), time.monotonic()
    contender.send(GO)
    contender.read_until_last(LIMIT)
    seconds, cpu = time.monotonic() - start, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu": cpu,
        "growth": memory("VmRSS") - before,
        "peak": memory("VmHWM") - before,
    }


def latency(contender: Contender, asked: argparse.Namespace) -> dict[str, object]:
    """The times at which single events had been waited for."""
    times = []
    for _ in range(asked.count):
        contender.send(GO)
        contender.wait_for_event(LIMIT)
        times.append(time.monotonic())
    return {"returned": times}


def waiting(contender: Contender, _asked: argparse.Namespace) -> dict[str, object]:
    """The share of a core that waiting takes, threads included."""
    start, cpu = time.monotonic(), time.process_time()
    contender.send(GO)
    contender.wait_for_event(LIMIT)
    return {"cpu": time.process_time() - cpu, "seconds": time.monotonic() - start}


TASKS = {"flood": flood, "latency": latency, "waiting": waiting}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """What the benchmark asks of a contender."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=TASKS)
    parser.add_argument("--port", required=True)
    parser.add_argument("--directory", type=Path, required=True, help="a folder for whatever is recorded")
    parser.add_argument("--result", type=Path, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument(
        "--each", action="store_true", help="wait for one URC after the other, where that is the faster way"
    )
    return parser.parse_args(given)


def run(open_port: Callable[[argparse.Namespace], Contender], asked: argparse.Namespace | None = None) -> None:
    """Do the task that the command line names and write its result."""
    asked = asked or arguments()
    contender = open_port(asked)
    try:
        result = TASKS[asked.task](contender, asked)
    finally:
        contender.close()
    asked.result.write_text(json.dumps(result) + "\n")
