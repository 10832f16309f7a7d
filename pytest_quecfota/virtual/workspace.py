"""The files of a running bench: a temporary directory that is gone with it, and a state directory that stays.

A bench holds a lock on its temporary directory, so that the next one can tell those that were left by a killed bench
and sweep them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "quecfota-bench-"
_LOCK = "lock"
#: A directory younger than this may be one that is just being made (real seconds).
_SETTLED = 30.0


class Workspace:
    """`folder` is temporary; `state` keeps flash and platform data, in `folder` where none was given."""

    def __init__(self, state: str | None = None) -> None:
        sweep()
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.state = Path(state) if state else self.folder / "state"
        self.state.mkdir(parents=True, exist_ok=True)

    @property
    def port(self) -> Path:
        """The stable path of the module's serial port."""
        return self.folder / "module"

    @property
    def clock(self) -> Path:
        """The file through which the bench's clock is shared."""
        return self.folder / "clock"

    @property
    def flash(self) -> Path:
        """The module's flash."""
        return self.state / "flash.bin"

    @property
    def center(self) -> Path:
        """Database and packages of the Developer Center."""
        return self.state / "developer_center"

    @property
    def keys(self) -> Path:
        """Product key and secret, kept with the state."""
        return self.state / "product.json"

    def close(self) -> None:
        """Remove the temporary directory."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def sweep() -> None:
    """Remove the directories of benches that are no more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if _abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _abandoned(folder: Path) -> bool:
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > _SETTLED
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
