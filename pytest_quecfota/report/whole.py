"""Files that are there whole or not at all, and room on the disk that is kept for those which end a run.

Every report writes through `write`: a reader, and whoever kills the run, finds the file as it was or as it is now. `Reserve` holds
a piece of the disk back, so that a run whose disk became full can still say so in its `run.json`.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from pathlib import Path

RESERVE_BYTES = 1 << 18
#: Of what is free at the begin of a run at most this share is kept back.
SHARE = 0.25


def write(path: Path, body: str | bytes, *, errors: str = "replace") -> None:
    """Let `path` hold `body`, with no moment at which it holds a part of it.

    `errors` says what becomes of characters that UTF-8 cannot hold. Raises `OSError` where it cannot be written; then it is as
    it was, and nothing else is left behind.
    """
    data = body.encode("utf-8", errors) if isinstance(body, str) else body
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


class Reserve:
    """Room in the file system of `folder` that nobody else can take, until `release`.

    It is held by a file without a name, so that a killed run leaves nothing. Where the file system cannot do that, or has no room
    at all, nothing is held.
    """

    def __init__(self, folder: Path, size: int = RESERVE_BYTES) -> None:
        self.size = 0
        self._release: weakref.finalize[..., Reserve] | None = None
        path = folder / ".reserve"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError:
            return
        self._release = weakref.finalize(self, os.close, descriptor)
        try:
            path.unlink()
            disk = os.fstatvfs(descriptor)
            size = min(size, int(disk.f_bavail * disk.f_frsize * SHARE))
            os.posix_fallocate(descriptor, 0, size)
        except (OSError, AttributeError):  # a file system, or a system, that cannot keep room
            self.release()
        else:
            self.size = size

    def release(self) -> None:
        """Give the room back. Harmless when called twice."""
        self.size = 0
        if self._release is not None:
            self._release()
