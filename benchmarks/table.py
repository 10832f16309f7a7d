"""Rows: one measured thing of one contender each, set against ours or a target; printed, and written as Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

HEAD = ("what", "contender", "measured", "ratio", "target", "met", "note")


@dataclass(frozen=True)
class Row:
    """`measured` with its unit, as text; `ratio` as ours against this contender; `met` is None where nothing is asked."""

    what: str
    contender: str
    measured: str
    ratio: str = ""
    target: str = ""
    met: bool | None = None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        """The row as texts, in the order of `HEAD`."""
        met = {True: "yes", False: "NO", None: ""}[self.met]
        return (self.what, self.contender, self.measured, self.ratio, self.target, met, self.note)


def judged(
    what: str,
    contender: str,
    measured: str,
    value: float,
    limit: float,
    unit: str = "",
    *,
    at_least: bool = False,
    of: str = "",
    ratio: str = "",
    note: str = "",
) -> Row:
    """A row with a target: `value` may be at most `limit`, or at least that. `of` says which of several figures is meant.

    Where it is missed the note says by how much.
    """
    met = value >= limit if at_least else value <= limit
    target = " ".join(filter(None, [of, "≥" if at_least else "≤", f"{limit:g}", unit]))
    missed = "" if met else missed_by(value, limit)
    return Row(what, contender, measured, ratio, target, met, "; ".join(filter(None, [missed, note])))


def missed_by(value: float, limit: float) -> str:
    """How far a figure is from its target."""
    return (
        f"missed: {value / limit:.3g} times the target"
        if value > 2 * limit
        else f"missed by {abs(value / limit - 1):.0%}"
    )


def text(rows: Sequence[Row]) -> str:
    """A table for a terminal; what is measured stands once for its rows."""
    lines = [HEAD, *_without_repeats(rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    spelt = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([spelt[0], "  ".join("-" * width for width in widths), *spelt[1:]])


def markdown(rows: Sequence[Row]) -> str:
    """The same for a document."""
    lines = [HEAD, tuple("---" for _ in HEAD), *_without_repeats(rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_json(rows: Iterable[Row]) -> list[dict[str, object]]:
    """The same for a program."""
    return [asdict(row) for row in rows]


def problems(what: str, found: dict[str, str]) -> list[Row]:
    """Rows of contenders that have no result, saying why."""
    return [Row(what, name, "not measured", note=why[:60]) for name, why in found.items()]


def _without_repeats(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    spelt = []
    above = ""
    for row in rows:
        cells = row.cells()
        spelt.append(("" if cells[0] == above else cells[0], *cells[1:]))
        above = cells[0]
    return spelt
