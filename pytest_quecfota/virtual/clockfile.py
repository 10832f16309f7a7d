"""The file through which the bench tells the Developer Center what time it is.

One little-endian record `<Qdddd`: sequence (odd while being written), real base (CLOCK_MONOTONIC, s), module base (module s),
speed, wall base (Unix time at module second 0). The reader maps the file and computes
`module = module base + (monotonic - real base) * speed`, reading again while the sequence is odd or has changed.
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

RECORD = struct.Struct("<Qdddd")
_SEQUENCE = struct.Struct("<Q")
_VALUES = struct.Struct("<dddd")


class ClockFile:
    """Writer of the clock file; owns the mapping and the file, `close()` removes both."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sequence = 0
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(bytes(RECORD.size))
        descriptor = os.open(fresh, os.O_RDWR)
        try:
            self._map = mmap.mmap(descriptor, RECORD.size)
        finally:
            os.close(descriptor)
        fresh.replace(path)

    def write(self, real_base: float, module_base: float, speed: float, wall_base: float) -> None:
        """Publish a mapping; a reader sees the old one or the new one, never a mixture."""
        _SEQUENCE.pack_into(self._map, 0, self._sequence + 1)
        _VALUES.pack_into(self._map, _SEQUENCE.size, real_base, module_base, speed, wall_base)
        self._sequence += 2
        _SEQUENCE.pack_into(self._map, 0, self._sequence)

    def close(self) -> None:
        self._map.close()
        self._path.unlink(missing_ok=True)


def read(path: Path) -> tuple[float, float, float, float]:
    """(real base, module base, speed, wall base) of a clock file, as a reader in another process would take them."""
    while True:
        sequence, *values = RECORD.unpack(path.read_bytes())
        again, *_ = RECORD.unpack(path.read_bytes())
        if sequence == again and sequence % 2 == 0:
            real_base, module_base, speed, wall_base = values
            return real_base, module_base, speed, wall_base
