"""Lines over a pty until a last match: 1 URC per 100 lines, read, typed and recorded; and what the memory grows by.

A slow contender is stopped by the source after `cap` seconds: its figure is what it did in that time (its note says how many
lines that were), and is not projected further. As the pexpect-based ones slow down the longer they wait, that favours them.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks import targets
from benchmarks.peers import BARE, OURS, VARIANTS, Contender, base
from benchmarks.runs import Result, median, rounds, run
from benchmarks.table import Row, judged, problems

MIB = 1 << 20


def measure(
    peers: Sequence[Contender], lines: int, kind: str, count: int, cap: float
) -> tuple[dict[str, list[Result]], dict[str, str]]:
    """Results by contender, for a flood of `lines` lines."""
    return rounds([OURS, BARE, *peers], count, lambda c: run(c, "flood", cap=cap, lines=lines, kind=kind))


def speed(results: Sequence[Result]) -> float:
    """Lines a second, the median of the runs."""
    return median(result["lines"] / result["seconds"] for result in results)


def with_variants(peers: Sequence[Contender]) -> list[Contender]:
    """The peers, and the other ways to use them."""
    names = {peer.name for peer in peers}
    return [*peers, *(variant for variant in VARIANTS if base(variant) in names)]


def rows(peers: Sequence[Contender], *, count: int = 5, cap: float = 10.0) -> list[Row]:
    """The rows of throughput, linear cost and memory."""
    everyone = with_variants(peers)
    small, why = measure(everyone, 200_000, "log", count, cap)
    table = compare("200,000 lines of 80 bytes", small, why, targets.LINES_200K)
    slow = {name: results for name, results in small.items() if all(result["capped"] for result in results)}
    faster = [peer for peer in everyone if peer.name not in slow]
    big, why = measure(faster, 1_000_000, "log", count, cap)
    big |= slow  # stopped before 200,000 lines of the same stream: measured already
    table += compare("1,000,000 lines of 80 bytes", big, why, targets.LINES_1M)
    short, why = measure(everyone, 1_000_000, "short", count, cap)
    table += compare("1,000,000 lines of 10 bytes", short, why, {})
    return [*table, *linear(count), *memory(big)]


def memory_rows(peers: Sequence[Contender], *, count: int = 5, cap: float = 10.0) -> list[Row]:
    """The rows of memory alone."""
    found, why = measure(peers, 1_000_000, "log", count, cap)
    return memory(found) + problems("memory growth", why)


def compare(what: str, found: dict[str, list[Result]], why: dict[str, str], wanted: dict[str, float]) -> list[Row]:
    """Rows of one flood: everybody's lines a second, ours against each."""
    ours = speed(found["ours"])
    table = []
    for name, results in found.items():
        theirs, least = speed(results), wanted.get(name)
        ratio = "" if name == "ours" else f"{ours / theirs:.2f}"
        text, note = f"{theirs:,.0f} lines/s", _reached(results)
        table.append(
            judged(what, name, text, ours / theirs, least, at_least=True, ratio=ratio, note=note)
            if least
            else Row(what, name, text, ratio, note=note)
        )
    return table + problems(what, why)


def linear(count: int) -> list[Row]:
    """Our cost per line of a million lines against that of a hundred thousand, runs taking turns."""
    pairs = [[run(OURS, "flood", lines=lines, kind="log") for lines in (100_000, 1_000_000)] for _ in range(count)]
    few, many = (speed(results) for results in zip(*pairs, strict=True))
    cost, ratio = f"{1e6 / many:.2f} µs a line", few / many
    what = "cost per line, 1,000,000 vs 100,000"
    return [judged(what, "ours", cost, ratio, targets.COST_GROWTH, ratio=f"{ratio:.2f}")]


def memory(found: dict[str, list[Result]]) -> list[Row]:
    """What the processes grew by, at the highest."""
    table = []
    for name, results in found.items():
        peak = median(result["peak"] for result in results) / MIB
        what, text, note = "memory growth", f"{peak:.1f} MiB", _reached(results)
        table.append(
            judged(what, name, text, peak, targets.MEMORY_MIB, "MiB", note=note)
            if name == "ours"
            else Row(what, name, text, note=note)
        )
    return table


def _reached(results: Sequence[Result]) -> str:
    if median(result["capped"] for result in results) < 1:
        return ""
    return f"stopped after {median(result['lines'] for result in results):,.0f} lines"
