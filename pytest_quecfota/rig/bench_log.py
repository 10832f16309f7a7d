"""The file with what a bench says beside its ready line; an error shows its end."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

LINES = 15  # how much of it an error shows


class BenchLog:
    """The file with what the bench says; one of our own goes with the bench."""

    def __init__(self, path: Path | None) -> None:
        if path is None:
            descriptor, name = tempfile.mkstemp(prefix="quecfota-bench-", suffix=".log")
            os.close(descriptor)
            self._own: Path | None = Path(name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._own = None
        self.path = self._own or path or Path(os.devnull)
        self.file = self.path.open("ab")

    def tail(self) -> str:
        """Its last lines, or that there are none."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()[-LINES:]
        except OSError as error:
            return f"({error})"
        return "\n  ".join(["", *lines]) if lines else "(empty)"

    def close(self) -> None:
        """Close it; remove it if nobody asked for it."""
        self.file.close()
        if self._own is not None:
            self._own.unlink(missing_ok=True)
