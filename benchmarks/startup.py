"""CPU that a plugin adds to a pytest run that does not use it: one empty test, with the plugin and with `-p no:NAME`.

All other plugins of the environment are blocked in both runs. Runs alternate; what counts is the median of the differences.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import targets
from benchmarks.peers import OURS, Contender, NotInstalled, interpreter
from benchmarks.runs import NotFinished, median
from benchmarks.table import Row, judged, problems

WHAT = "CPU added to a run that uses no rig"
_LIST = "import json,importlib.metadata as m;print(json.dumps([e.name for e in m.entry_points(group='pytest11')]))"


@dataclass(frozen=True)
class Added:
    """A plugin, or several together, as the difference of two runs."""

    name: str
    python: Path
    plugins: tuple[str, ...]


def environment() -> dict[str, str]:
    """Ours, but Python may keep what it has compiled, as it does for everybody who installs a plugin."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def cpu(python: Path, folder: Path, blocked: Iterable[str]) -> float:
    """CPU seconds of one pytest run, with those plugins blocked."""
    options = [word for name in blocked for word in ("-p", f"no:{name}")]
    command = [
        str(python),
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "empty.ini",
        *options,
        "test_empty.py",
    ]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=folder, stdout=quiet, stderr=quiet, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise NotFinished(f"pytest ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def differences(added: Added, pairs: int) -> list[float]:
    """Milliseconds that the plugins of `added` cost, one figure per pair of runs."""
    with tempfile.TemporaryDirectory(prefix="bench-quecfota-") as name:
        folder = Path(name)
        (folder / "empty.ini").write_text("[pytest]\n")
        (folder / "test_empty.py").write_text("def test_empty():\n    pass\n")
        every = _plugins(added.python, folder)
        others = [name for name in every if name not in added.plugins]
        for blocked in (every, others):  # compiles and caches what it needs
            cpu(added.python, folder, blocked)
        return [1000 * (cpu(added.python, folder, others) - cpu(added.python, folder, every)) for _ in range(pairs)]


def _plugins(python: Path, folder: Path) -> list[str]:
    """The names of all pytest plugins of an environment, asked in an empty folder: Python also looks where it is started."""
    command = [str(python), "-c", _LIST]
    listed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=60)
    return list(json.loads(listed.stdout))


def asked(peers: Sequence[Contender]) -> list[Added]:
    """What is measured: ours, ours with the plugins it depends on, two others of this environment, the peers."""
    here = Path(sys.executable)
    ours = [
        Added("ours", here, (str(OURS.plugin),)),
        Added("ours and its dependencies", here, (str(OURS.plugin), "allure_pytest", "timeout")),
        Added("allure-pytest", here, ("allure_pytest",)),
        Added("pytest-xdist", here, ("xdist", "xdist.looponfail")),
    ]
    return ours + [Added(peer.name, interpreter(peer), (peer.plugin,)) for peer in peers if peer.plugin]


def rows(peers: Sequence[Contender], *, pairs: int = 40) -> list[Row]:
    """Milliseconds of CPU, of everybody."""
    table = []
    why = {}
    for added in asked(_installed(peers, why)):
        print(f"\r  start-up of {added.name:40}", end="", file=sys.stderr, flush=True)
        try:
            took = median(differences(added, pairs if added.name == "ours" else max(3, pairs // 4)))
        except NotFinished as error:
            why[added.name] = str(error)
            continue
        ours = added.name == "ours"
        text = f"{took:.1f} ms"
        table.append(
            judged(WHAT, added.name, text, took, targets.STARTUP_MS, "ms") if ours else Row(WHAT, added.name, text)
        )
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
    return table + problems(WHAT, why)


def _installed(peers: Iterable[Contender], why: dict[str, str]) -> list[Contender]:
    found = []
    for peer in peers:
        try:
            interpreter(peer)
        except NotInstalled as error:
            why[peer.name] = str(error)
        else:
            found.append(peer)
    return found
