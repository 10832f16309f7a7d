"""The share of a core that waiting for a silent module takes."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import targets
from benchmarks.peers import BARE, OURS, Contender
from benchmarks.runs import median, rounds, run
from benchmarks.table import Row, judged, problems

WHAT = "CPU while waiting"


def rows(peers: Sequence[Contender], *, count: int = 5, seconds: float = 3.0) -> list[Row]:
    """Per cent of a core, of everybody."""
    found, why = rounds([OURS, BARE, *peers], count, lambda c: run(c, "waiting", seconds=seconds))
    table = []
    for name, results in found.items():
        share = median(100 * result["cpu"] / result["seconds"] for result in results)
        ours = name == "ours"
        text = f"{share:.2f} %"
        table.append(judged(WHAT, name, text, share, targets.WAITING_PERCENT, "%") if ours else Row(WHAT, name, text))
    return table + problems(WHAT, why)
