"""The file with what a bench says beside its ready line; an error shows its end."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

LINES = 15  # how much of it an error shows
_BYTES = 8192


class BenchLog:
    """The file at `path`; without one, a nameless file that goes with the run, whatever ends it."""

    def __init__(self, path: Path | None) -> None:
        self.file: IO[bytes]
        if path is None:
            self.file = tempfile.TemporaryFile(prefix="quecfota-bench-")  # noqa: SIM115 (closed by `close`)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.file = path.open("a+b")

    def tail(self) -> str:
        """Its last lines, or that there are none."""
        if self.file.closed:
            return "(closed)"
        size = os.fstat(self.file.fileno()).st_size
        text = os.pread(self.file.fileno(), _BYTES, max(0, size - _BYTES)).decode("utf-8", "replace")
        lines = text.splitlines()[-LINES:]
        return "\n  ".join(["", *lines]) if lines else "(empty)"

    def close(self) -> None:
        """Close it. Harmless when called twice."""
        self.file.close()
