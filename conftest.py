"""What both test trees share: no test leaves a thread, a process, a port, a lease or a temporary file behind.

The state before a test is compared with the state after it; what the run's session fixtures hold is set up before the first
look, so that only what the test itself forgot is found. Everything is read from /proc: no dependency.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

LIMIT = 3.0  # real seconds in which what a test stopped must be gone
PRIVATE = "QUECFOTA_PRIVATE_TMP"
NOTE = "tests must close what they open; see conftest.py"
HELD = ("socket:", "/dev/pts/", "/dev/ptmx", "pipe:", "anon_inode:[pidfd]")


def _threads() -> dict[str, str]:
    return {f"thread {t.ident}": t.name for t in threading.enumerate() if t.is_alive()}


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            text = (task / "children").read_text()
        except OSError:
            continue
        for child in text.split():
            yield int(child)
            yield from _children(int(child))


def _processes() -> dict[str, str]:
    found = {}
    for pid in _children(os.getpid()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        found[f"process {pid}"] = command or "(ended, not reaped)"
    return found


def _ports() -> dict[str, str]:
    """Open sockets, ptys, pipes and process handles, numbered within their kind: one that was reopened is no leak."""
    kinds: Counter[str] = Counter()
    for fd in Path("/proc/self/fd").iterdir():
        try:
            target = str(fd.readlink())
        except OSError:
            continue
        kinds.update(kind for kind in HELD if target.startswith(kind))
    return {f"descriptor {number} of kind {kind}": kind for kind in kinds for number in range(kinds[kind])}


def _files() -> dict[str, str]:
    """Our temporary files, where the run has a folder for them to itself (`tests/conftest.py`), and held leases."""
    private = os.environ.get(PRIVATE)
    stays = f"quecfota-{os.getuid()}"  # the folder of the leases: a file in it means nothing, its lock does
    files = [str(p) for p in Path(private).glob("quecfota-*") if p.name != stays] if private else []
    me = f" {os.getpid()} "
    leases = [line for line in Path("/proc/locks").read_text().splitlines() if "FLOCK" in line and me in line]
    return {**{f"file {path}": path for path in files}, **{f"lock {n}": line for n, line in enumerate(leases)}}


def _held() -> dict[str, str]:
    return {**_threads(), **_processes(), **_ports(), **_files()}


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread, a process, a port, a lease or a temporary file of ours behind."""
    before = _held()
    yield
    deadline = time.monotonic() + LIMIT
    woken = threading.Event()
    while left := {key: what for key, what in _held().items() if key not in before}:
        gc.collect()
        if time.monotonic() > deadline:
            pytest.fail(f"left behind: {', '.join(f'{k} ({v})' for k, v in left.items())}; {NOTE}")
        woken.wait(0.02)
