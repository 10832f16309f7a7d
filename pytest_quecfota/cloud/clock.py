"""Platform time: the service's own clock, or the one a virtual bench publishes in a file.

Wall time is in Unix seconds. A bench's file holds `<Qdddd`: sequence (odd while it is being written), CLOCK_MONOTONIC
and module seconds of one moment, speed, and the Unix time of module second 0.
"""

from __future__ import annotations

import math
import mmap
import struct
import time
from pathlib import Path
from typing import Protocol

_RECORD = struct.Struct("<Qdddd")


class Clock(Protocol):
    """A clock that may run faster than the world and may be stepped."""

    settable: bool

    def now(self) -> float:
        """Platform wall time in Unix seconds."""

    def speed(self) -> float:
        """Platform seconds per real second."""

    def set(self, speed: float | None, step: float | None) -> None:
        """Changes speed or steps forward by seconds."""

    def close(self) -> None:
        """Frees what the clock holds."""


class OwnClock:
    """The service's own clock; it starts at the real time and speed 1."""

    settable = True

    def __init__(self) -> None:
        self._speed = 1.0
        self._base = time.time()
        self._real = time.monotonic()

    def now(self) -> float:
        return self._base + (time.monotonic() - self._real) * self._speed

    def speed(self) -> float:
        return self._speed

    def set(self, speed: float | None, step: float | None) -> None:
        now = self.now()
        self._base, self._real = now + (step or 0.0), time.monotonic()
        if speed is not None:
            self._speed = speed

    def close(self) -> None:
        """Nothing to free."""


class MappedClock:
    """The clock of a virtual bench, read from its file at every call."""

    settable = False

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), _RECORD.size, access=mmap.ACCESS_READ)

    def _read(self) -> tuple[float, float, float, float]:
        while True:
            before, real, module, speed, wall = _RECORD.unpack(self._map[: _RECORD.size])
            (after,) = struct.unpack_from("<Q", self._map)
            if before == after and not before & 1:
                return real, module, speed, wall

    def now(self) -> float:
        real, module, speed, wall = self._read()
        elapsed = (time.monotonic() - real) * speed if math.isfinite(speed) else 0.0
        return wall + module + elapsed

    def speed(self) -> float:
        return self._read()[2]

    def set(self, speed: float | None, step: float | None) -> None:  # noqa: ARG002
        raise RuntimeError("the bench owns this clock")

    def close(self) -> None:
        self._map.close()
