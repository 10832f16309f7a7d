"""Real time that the fixtures of a running rig add to a test that does nothing, without pictures and without the AT health check.

Ours: tests that ask for `events` on the virtual rig, against tests of the same run that ask for nothing. pytest-embedded: tests
that ask for `dut` on a silent pty.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import targets
from benchmarks.peers import Contender, NotInstalled, interpreter
from benchmarks.runs import NotFinished, median
from benchmarks.table import Row, judged, problems

WHAT = "added per test on a rig that is up"
REPOSITORY = Path(__file__).parents[1]

_CONFTEST = """\
import json, pathlib, sys, time
import pytest

sys.modules["matplotlib"] = None  # no pictures
TOOK = {}

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item, nextitem):
    start = time.perf_counter()
    result = yield
    TOOK.setdefault(item.originalname, []).append(time.perf_counter() - start)
    return result

def pytest_sessionfinish():
    pathlib.Path("took.json").write_text(json.dumps(TOOK))
"""
_TESTS = """\
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_nothing(number):
    pass

@pytest.mark.parametrize("number", range({count}))
def test_fixture(number, {fixture}):
    pass
"""


def added(python: Path, fixture: str, options: Sequence[str], count: int) -> float:
    """Milliseconds that `fixture` adds to a test, the first and last left out (they bring up and take down)."""
    with tempfile.TemporaryDirectory(prefix="bench-quecfota-") as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "conftest.py").write_text(_CONFTEST)
        (folder / "test_it.py").write_text(_TESTS.format(count=count, fixture=fixture))
        command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        if done.returncode:
            said = done.stdout.strip().splitlines()
            raise NotFinished(said[-1] if said else f"pytest ended with {done.returncode}")
        took = json.loads((folder / "took.json").read_text())
    return 1000 * (median(took["test_fixture"][1:-1]) - median(took["test_nothing"][1:-1]))


def ours(count: int) -> float:
    """Milliseconds that `events` adds, on the virtual rig."""
    options = ["--rig", "virtual", "--rig-dir", str(REPOSITORY / "rigs"), "--evidence", "evidence"]
    return added(Path(sys.executable), "events", options, count)


def embedded(peer: Contender, count: int) -> float:
    """Milliseconds that pytest-embedded's `dut` adds, on a silent pty."""
    master, slave = os.openpty()
    try:
        options = ["--embedded-services", "serial", "--port", os.ttyname(slave)]
        return added(interpreter(peer), "dut", options, count)
    finally:
        os.close(master)
        os.close(slave)


def rows(peers: Sequence[Contender], *, count: int = 5, tests: int = 100) -> list[Row]:
    """Milliseconds a test, ours and pytest-embedded's."""
    table = []
    why = {}
    try:
        took = median(ours(tests) for _ in range(count))
        table.append(judged(WHAT, "ours", f"{took:.2f} ms", took, targets.PER_TEST_MS, "ms"))
    except NotFinished as error:
        why["ours"] = str(error)
    for peer in peers:
        if peer.name == "pytest-embedded":
            try:
                table.append(Row(WHAT, peer.name, f"{embedded(peer, 10):.0f} ms"))
            except (NotFinished, NotInstalled) as error:
                why[peer.name] = str(error)
    return table + problems(WHAT, why)
