"""One run: a source, a contender, a temporary folder, and what both said. Everything it starts it ends."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import peers

PATIENCE = 60.0
"""Real seconds beyond a run's cap after which it counts as not finished."""

Result = dict[str, Any]


class NotFinished(Exception):
    """A contender failed or did not come to the end; the text says what it said last."""


def run(contender: peers.Contender, task: str, *, cap: float = 10.0, **options: object) -> Result:
    """What source and contender measured, together. `options`: of the source, and `count` also of the contender.

    Raises `NotFinished`, `peers.NotInstalled`.
    """
    python = peers.interpreter(contender)
    given = [f"--{name}={value}" for name, value in {"cap": cap, **options}.items()]
    command = [sys.executable, str(peers.SCRIPTS.parent / "source.py"), task, *given]
    with (
        tempfile.TemporaryDirectory(prefix="bench-quecfota-") as folder,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as source,
    ):
        assert source.stdin is not None
        assert source.stdout is not None
        try:
            port = json.loads(source.stdout.readline())["port"]
            mine = [*contender.options, *(["--count", str(options["count"])] if "count" in options else [])]
            measured = _contend([str(python), str(peers.SCRIPTS / contender.script), task, *mine], port, folder, cap)
            return {**measured, **json.loads(source.stdout.readline())}
        finally:
            source.stdin.close()


def _contend(command: list[str], port: str, folder: str, cap: float) -> Result:
    result = Path(folder) / "result.json"
    command += ["--port", port, "--directory", folder, "--result", str(result)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=folder) as process:
        try:
            _, said = process.communicate(timeout=cap + PATIENCE)
        except subprocess.TimeoutExpired as error:
            process.kill()
            raise NotFinished(f"not at the end {PATIENCE:g} s after its time") from error
    if process.returncode or not result.exists():
        lines = said.decode(errors="replace").strip().splitlines()
        raise NotFinished(lines[-1] if lines else f"ended with {process.returncode}")
    return dict(json.loads(result.read_text()))


Measure = Callable[[peers.Contender], Result]


def rounds(
    contenders: Iterable[peers.Contender], count: int, measure: Measure
) -> tuple[dict[str, list[Result]], dict[str, str]]:
    """Measure every contender `count` times, taking turns, so that a busy moment of the machine hits all.

    Returns the results by name, and why a contender has none.
    """
    results: dict[str, list[Result]] = {}
    problems: dict[str, str] = {}
    remaining = list(contenders)
    for number in range(count):
        for contender in list(remaining):
            print(f"\r  round {number + 1}/{count}: {contender.name:24}", end="", file=sys.stderr, flush=True)
            try:
                results.setdefault(contender.name, []).append(measure(contender))
            except (NotFinished, peers.NotInstalled) as error:
                problems[contender.name] = str(error)
                remaining.remove(contender)
    print("\r" + " " * 48 + "\r", end="", file=sys.stderr, flush=True)
    return {name: found for name, found in results.items() if found}, problems


def median(values: Iterable[float]) -> float:
    """The median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
