"""From a line on the wire to the return of what waits for it, on a quiet line."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import targets
from benchmarks.peers import BARE, BARE_THREAD, OURS, Contender
from benchmarks.runs import Result, median, percentile, rounds, run
from benchmarks.table import Row, judged, problems

WHAT = "line on the wire -> expectation returns"


def delays(result: Result) -> list[float]:
    """Milliseconds of every single line of a run."""
    return [1000 * (back - sent) for sent, back in zip(result["sent"], result["returned"], strict=True)]


def measure(peers: Sequence[Contender], count: int, lines: int) -> tuple[dict[str, list[list[float]]], dict[str, str]]:
    """The delays of each run, by contender."""
    found, why = rounds([OURS, BARE, BARE_THREAD, *peers], count, lambda c: run(c, "latency", count=lines))
    return {name: [delays(result) for result in results] for name, results in found.items()}, why


def typical(found: Sequence[Sequence[float]]) -> float:
    """The median of the runs' medians, in milliseconds."""
    return median(median(one) for one in found)


def rows(peers: Sequence[Contender], *, count: int = 5, lines: int = 100) -> list[Row]:
    """Median and p99 of everybody, ours against a bare loop."""
    found, why = measure(peers, count, lines)
    ours = typical(found["ours"])
    table = []
    for name, results in found.items():
        theirs = typical(results)
        worst = median(percentile(one, 0.99) for one in results)
        bare = name == "bare"
        text, ratio = f"{theirs:.3f} ms, p99 {worst:.2f} ms", "" if name == "ours" else f"{ours / theirs:.3g}"
        table.append(
            judged(WHAT, name, text, ours / theirs, targets.LATENCY_OF_BARE, ratio=ratio)
            if bare
            else Row(WHAT, name, text, ratio)
        )
    return table + problems(WHAT, why)
