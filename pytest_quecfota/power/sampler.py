"""The sampler: volts and amperes of the supply all through a test, into its timeline and `power.csv`.

One thread for the whole run. It asks through the supply's lock, so often as the rig file says (`supply.sample_rate`) and never more
than a small share of the instrument's time: a slow instrument slows the sampler, not the test. While a disturbance is armed it asks
nothing. What goes wrong is a bench fault, told once; it tries again with the next test.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.timeline import Timeline

TABLE = "power.csv"
HEADER = b"time_s,voltage_v,current_a\n"
SHARE = 0.1  # of the instrument's time that sampling may take
CLOSING = 10.0  # real seconds a sample under way may take at the end


class Sampled(Protocol):
    """What the sampler needs of a supply."""

    def measure_between(self) -> object:
        """Measure and record, or do nothing while a disturbance is armed. Raises SupplyError."""


class Sampler:
    """Measures `supply` up to `rate` times a real second from `resume` to `pause`; `tell` is given what goes wrong."""

    def __init__(self, supply: Sampled, rate: float, tell: Callable[[BenchError], object]) -> None:
        self._supply = supply
        self._period = 1 / rate
        self._tell = tell
        self._turn = threading.Condition()
        self._test = 0
        self._due: float | None = None  # monotonic; None: at rest
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="quecfota-sampler", daemon=True)
        self._thread.start()

    def resume(self) -> None:
        """A test begins: measure at once, then again and again."""
        with self._turn:
            self._test += 1
            self._due = time.monotonic()
            self._turn.notify()

    def pause(self) -> None:
        """The test is over. Does not wait: a sample under way belongs to whatever comes next."""
        with self._turn:
            self._test += 1
            self._due = None

    def close(self) -> None:
        """End the thread; harmless a second time. Raises BenchError where it does not end."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        self._thread.join(CLOSING)
        if self._thread.is_alive():
            raise BenchError(f"the sampler did not end within {CLOSING:g} s", reason=Reason.SUPPLY_TIMEOUT)

    def _run(self) -> None:
        while (test := self._next_turn()) is not None:
            started = time.monotonic()
            fault: BenchError | None = None
            try:
                self._supply.measure_between()
            except BenchError as error:
                fault = error
            ended = time.monotonic()
            with self._turn:
                if test != self._test:
                    continue
                self._due = (
                    ended + max(self._period - (ended - started), (ended - started) / SHARE) if not fault else None
                )
            if fault is not None:
                self._tell(fault)

    def _next_turn(self) -> int | None:
        """Wait until a sample is due: the number of its test; None at the end."""
        with self._turn:
            while not self._closed:
                left = None if self._due is None else self._due - time.monotonic()
                if left is not None and left <= 0:
                    return self._test
                self._turn.wait(left)
            return None


class PowerRecord:
    """What the supply does and measures, into the timeline of the running test; samples also into its `power.csv`.

    The table is appended to as it happens, so that after `kill -9` it holds what was measured; its times never fall.
    """

    def __init__(self, timeline: Callable[[], Timeline]) -> None:
        self._timeline = timeline
        self._lock = threading.Lock()
        self._directory: Path | None = None
        self._table: int | None = None
        self._last = 0.0

    def begin(self, directory: Path | None) -> None:
        """Another test begins, whose samples go into that folder; None: it is over."""
        with self._lock:
            self._close()
            self._directory = directory
            self._last = 0.0

    def record(self, kind: str, **fields: object) -> None:
        """A record as the supply makes it."""
        if kind != "sample":
            self._timeline().record(kind, **fields)
            return
        with self._lock:
            timeline = self._timeline()
            t = timeline.record(kind, **fields)
            if self._directory is not None and timeline.directory == self._directory:
                self._append(timeline, t, fields)

    def _append(self, timeline: Timeline, t: float, fields: Mapping[str, object]) -> None:
        self._last = max(self._last, t)
        row = f"{self._last:.6f},{fields['voltage']:.4f},{fields['current']:.6f}\n".encode("ascii")
        try:
            if self._table is None:
                assert self._directory is not None
                self._table = os.open(
                    self._directory / TABLE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644
                )
                row = HEADER + row if not os.fstat(self._table).st_size else row
            os.write(self._table, row)
        except OSError as error:
            self._directory = None
            timeline.fault(BenchError(f"{TABLE} cannot be written: {error}", reason=Reason.EVIDENCE_UNWRITABLE))

    def _close(self) -> None:
        table, self._table = self._table, None
        if table is not None:
            os.close(table)
