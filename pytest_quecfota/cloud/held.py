"""One service at a time in a data directory: a locked file that names its process, free again however that ends.

What a service keeps in memory (plans, sessions, uploads on their way) would be wrong as soon as a second one changed the
rows. One that is just ending is waited for: a bench that was killed may be back before its platform has noticed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
from pathlib import Path

from .store import CannotOpen

ENDING_SECONDS = 3.0
"""Real seconds; a service ends within two."""


class Held:
    """The directory is this process's until `close`; raises `CannotOpen` where it is another's."""

    def __init__(self, directory: Path) -> None:
        self._file = os.open(directory / "in-use", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not self._lock():
                holder = os.pread(self._file, 20, 0).decode(errors="replace").strip()
                if not (self._ended(holder) and self._lock()):
                    raise CannotOpen(f"another service (process {holder or 'unknown'}) is at work in it")
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            self.close()
            raise

    def _lock(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    @staticmethod
    def _ended(holder: str) -> bool:
        """Whether the process is gone, at the latest after the time in which one ends."""
        if not holder.isdecimal() or int(holder) == os.getpid():
            return False
        with contextlib.suppress(ProcessLookupError):
            process = os.pidfd_open(int(holder))
            try:
                return bool(select.select([process], [], [], ENDING_SECONDS)[0])
            finally:
                os.close(process)
        return True

    def close(self) -> None:
        """Lets others in."""
        os.close(self._file)
