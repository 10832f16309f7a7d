"""Who holds a rig: one run at a time, on this machine.

A lease is a set of locked files, one for each thing that two runs must not share: the serial port (by its device,
whatever link names it), the tap, the supply's VISA address. The kernel frees the locks when the process dies, `kill
-9` included; forked children let go of them. Each file says who holds it, since when, and for what. They lie in one
folder per user below the temporary folder: not in XDG_RUNTIME_DIR, which a nightly cron job does not have, so that it
would never meet the person at the shell.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import getpass
import hashlib
import json
import os
import select
import socket
import stat
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from pytest_quecfota.errors import LeaseLost, RigHeld
from pytest_quecfota.rig.schema import Port, Rig

RECHECK = 0.1  # real seconds between two tries while the holder lives

_live: weakref.WeakSet[Lease] = weakref.WeakSet()


class Lease:
    """A rig that is ours until `release`, or until this process ends. Use it as a context manager, or release it."""

    def __init__(self, rig_name: str, locks: Mapping[Path, int]) -> None:
        self.rig_name = rig_name
        self._locks = dict(locks)
        _live.add(self)

    @property
    def held(self) -> bool:
        """Whether it has not been released."""
        return bool(self._locks)

    def check(self) -> None:
        """Raises LeaseLost where somebody removed or replaced the lock files, so that another run may hold the rig."""
        for path, descriptor in self._locks.items():
            if not _is_same_file(path, descriptor):
                raise LeaseLost(f"the lease of rig {self.rig_name!r} is gone: {path} was removed or replaced")

    def release(self) -> None:
        """Let the rig go. Harmless when called twice."""
        while self._locks:
            path, descriptor = self._locks.popitem()
            if _is_same_file(path, descriptor):
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
            os.close(descriptor)

    def _forget(self) -> None:
        """In a forked child: close what is inherited without touching the parent's lock."""
        while self._locks:
            os.close(self._locks.popitem()[1])

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, _kind: object, _error: object, _trace: TracebackType | None) -> None:
        self.release()


def hold(rig: Rig, wait: float = 0.0, directory: Path | None = None) -> Lease:
    """Take the rig, waiting up to `wait` real seconds for another run to let it go.

    Raises:
        RigHeld: another run holds it; the text says who, since when, and how to wait.
        OSError: the folder of the locks cannot be used.
    """
    folder = directory or run_directory()
    deadline = time.monotonic() + wait
    while True:
        locks: dict[Path, int] = {}
        try:
            for key in sorted(keys(rig)):
                path = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.lease"
                locks[path] = _lock(path, key, rig.name)
        except _Busy as busy:
            Lease(rig.name, locks).release()
            left = deadline - time.monotonic()
            if left <= 0:
                raise RigHeld(_told(rig, busy, wait)) from None
            _wait_for(busy.holder, min(left, RECHECK))
        except BaseException:
            Lease(rig.name, locks).release()
            raise
        else:
            return Lease(rig.name, locks)


def keys(rig: Rig) -> frozenset[str]:
    """What of a rig cannot be shared; the same thing under two names gives one key."""
    found = {_port_key(port) for port in (rig.module.port, rig.module.tap) if port is not None}
    if rig.supply is not None and rig.supply.visa is not None:
        found.add(f"visa {rig.supply.visa.upper()}")
    return frozenset(found or {f"rig {rig.name}"})


def run_directory() -> Path:
    """The folder of this user's locks, made if need be, readable by nobody else.

    Raises OSError where somebody else owns it.
    """
    path = Path(os.environ.get("QUECFOTA_RUN_DIR") or Path(tempfile.gettempdir(), f"quecfota-{os.getuid()}"))
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PermissionError(f"{path} must be a folder that only you may write to")
    return path


class _Busy(Exception):
    def __init__(self, key: str, holder: Mapping[str, Any]) -> None:
        super().__init__(key)
        self.key = key
        self.holder = holder


def _lock(path: Path, key: str, rig_name: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            text = os.pread(descriptor, 65536, 0)
            os.close(descriptor)
            raise _Busy(key, _parsed(text)) from None
        except BaseException:
            os.close(descriptor)
            raise
        if _is_same_file(path, descriptor):
            _sign(descriptor, key, rig_name)
            return descriptor
        os.close(descriptor)  # the last holder removed it between our open and our lock


def _sign(descriptor: int, key: str, rig_name: str) -> None:
    words = {
        "rig": rig_name,
        "what": key,
        "pid": os.getpid(),
        "user": _user(),
        "host": socket.gethostname(),
        "command": " ".join(sys.argv),
        "since": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    with contextlib.suppress(OSError):  # a full disk: the lock holds all the same, only nobody can read whose it is
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(words).encode(), 0)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without this uid in its passwd
        return str(os.getuid())


def _parsed(text: bytes) -> Mapping[str, Any]:
    try:
        words = json.loads(text)
    except ValueError:  # locked, not yet signed
        return {}
    return words if isinstance(words, dict) else {}


def _told(rig: Rig, busy: _Busy, wait: float) -> str:
    who = busy.holder
    by = (
        f"pid {who['pid']} ({who['user']}@{who['host']}) since {who['since']}: {who['command']}"
        if who
        else "another run"
    )
    other = f" for rig {who['rig']!r}" if who and who["rig"] != rig.name else ""
    waited = f"; waited {wait:g} s" if wait else ""
    return f"rig {rig.name!r} is held: {busy.key} is in use by {by}{other}{waited}; --rig-wait SECONDS waits for it"


def _wait_for(who: Mapping[str, Any], limit: float) -> None:
    """Until the holder dies, at most `limit` real seconds: it may also let go and live on."""
    watched: list[int] = []
    with contextlib.suppress(OSError, AttributeError, KeyError, TypeError):
        watched.append(os.pidfd_open(int(who["pid"])))
    try:
        select.select(watched, [], [], limit)
    finally:
        for descriptor in watched:
            os.close(descriptor)


def _is_same_file(path: Path, descriptor: int) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


def _port_key(port: Port) -> str:
    if port.url is None:
        return f"usb {port.usb_path}:{port.interface or 0}"
    url = urlsplit(port.url)
    if "://" not in port.url:
        return f"port {os.path.realpath(port.url)}"
    if url.scheme == "spy":
        return f"port {os.path.realpath(url.netloc + url.path)}"
    return f"port {url.netloc}" if url.scheme in ("socket", "rfc2217") else f"port {port.url}"


def _let_go_in_child() -> None:
    for lease in list(_live):
        lease._forget()


os.register_at_fork(after_in_child=_let_go_in_child)
