"""From a waveform to the levels that something plays: as fine as asked, as coarse as it must be.

What plays holds each level for some time at least, at most, and to a grid, and takes so many levels (`Grid`). Held levels stay
as they are; edges and curves become stairs, as many as the grid has room for. What that costs is told: the worst error in
voltage at any moment, and in time at any corner. An edge with room for no stairs is played as a jump in its middle: half its time
is the error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pytest_quecfota.power.waveform import Level, Segment

LOOKS = 8  # moments of a step at which a curve is looked at
FINEST = 1e-3  # volts: finer than this no supply is told
STAIRS = 4  # steps that an edge must have room for; a shorter one is played as a jump
MOST = 20_000  # steps of a waveform that has no bound


@dataclass(frozen=True)
class Grid:
    """What holds levels: the least and the longest dwell, their resolution (module seconds), and how many there may be."""

    min_dwell: float
    max_dwell: float
    resolution: float
    max_steps: int = MOST


@dataclass(frozen=True)
class Steps:
    """Levels to be played, with the worst error in time (module seconds) and voltage (V) against what was asked."""

    levels: tuple[Level, ...]
    time_error: float
    voltage_error: float

    @property
    def duration(self) -> float:
        """Module seconds that they take together."""
        return sum(level.dwell for level in self.levels)


def sample(segments: Iterable[Segment], grid: Grid, *, finest: float = FINEST) -> Steps:
    """Levels that follow `segments` within `finest` volts where the grid has room for that, else as closely as it has.

    Raises:
        ValueError: a level is shorter than can be held, or there are more than can be taken.
    """
    row, jumps = _without_short_edges(list(segments), grid.min_dwell)
    short = [s.dwell for s in row if s.dwell < grid.min_dwell * (1 - 1e-9)]
    if short:
        raise ValueError(f"it holds a level {grid.min_dwell:g} s at least, and {min(short):g} s are asked")
    tolerance = _affordable(row, grid, finest)
    levels: list[Level] = []
    worst = 0.0
    for segment in row:
        if isinstance(segment, Level):
            levels += _held(segment, grid)
        else:
            stairs, error = _stairs(segment, _count(segment, grid, tolerance))
            levels += stairs
            worst = max(worst, error)
    rounded, off = _on_grid(levels, grid.resolution)
    return Steps(tuple(rounded), max(jumps, off), worst)


def _without_short_edges(row: list[Segment], least: float) -> tuple[list[Segment], float]:
    """Edges with room for less than `STAIRS` steps become jumps, in their middle where a level is held on both sides.

    Their time goes to these levels. Also returned: the longest time by which a jump is off the edge it stands for.
    """
    kept = list(row)
    longest = 0.0
    for k, segment in enumerate(row):
        if isinstance(segment, Level) or segment.dwell >= STAIRS * least * (1 - 1e-9):
            continue
        beside = [j for j in (k - 1, k + 1) if 0 <= j < len(row) and isinstance(row[j], Level)]
        if not beside:
            continue
        share = segment.dwell / len(beside)
        for j in beside:
            level = kept[j]
            assert isinstance(level, Level)
            kept[j] = replace(level, dwell=level.dwell + share)
        kept[k] = Level(segment.last, 0.0)
        longest = max(longest, share)
    return [segment for segment in kept if segment.dwell > 0], longest


def _count(segment: Segment, grid: Grid, tolerance: float) -> int:
    """How many stairs keep a curve within `tolerance` volts, as far as they can be held."""
    most = max(1, math.floor(segment.dwell / grid.min_dwell + 1e-9))
    least = max(1, math.ceil(segment.dwell / grid.max_dwell - 1e-9))
    steepest = _steepest(segment)
    wanted = math.ceil(steepest * segment.dwell / (2 * tolerance) - 1e-9)
    return max(least, min(most, max(1, wanted), MOST))


def _steepest(segment: Segment) -> float:
    """The greatest slope, in volts per module second."""
    frequency = getattr(segment, "frequency", None)
    if frequency is not None:
        return 2 * math.pi * float(frequency) * (segment.highest - segment.lowest) / 2
    tau = getattr(segment, "tau", segment.dwell)
    return abs(segment.first - getattr(segment, "target", segment.last)) / float(tau)


def _affordable(row: Sequence[Segment], grid: Grid, finest: float) -> float:
    """The finest tolerance whose steps the grid has room for."""

    def needed(tolerance: float) -> int:
        return sum(len(_held(s, grid)) if isinstance(s, Level) else _count(s, grid, tolerance) for s in row)

    if needed(finest) <= grid.max_steps:
        return finest
    low, high = finest, 1e6
    if needed(high) > grid.max_steps:
        raise ValueError(f"it takes {grid.max_steps} steps, and {needed(high)} are needed at least")
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if needed(middle) <= grid.max_steps else (middle, high)
    return high


def _held(level: Level, grid: Grid) -> list[Level]:
    """A level, in pieces where it is held longer than one step may be."""
    pieces = max(1, math.ceil(level.dwell / grid.max_dwell - 1e-9))
    return [replace(level, dwell=level.dwell / pieces)] * pieces


def _stairs(segment: Segment, count: int) -> tuple[list[Level], float]:
    """Stairs through a curve, each in the middle of what it stands for, and the worst distance."""
    width = segment.dwell / count
    levels, worst = [], 0.0
    for k in range(count):
        looked = [segment.voltage_at((k + j / LOOKS) * width) for j in range(LOOKS + 1)]
        low, high = min(looked), max(looked)
        levels.append(Level(max(0.0, (low + high) / 2), width))
        worst = max(worst, (high - low) / 2)
    return levels, worst


def _on_grid(levels: Sequence[Level], resolution: float) -> tuple[list[Level], float]:
    """Every corner at the nearest moment of the grid, so that no error adds up; and the worst of these shifts."""
    rounded, worst, asked, ticks = [], 0.0, 0.0, 0
    for level in levels:
        asked += level.dwell
        until = max(ticks + 1, round(asked / resolution))
        rounded.append(replace(level, dwell=round((until - ticks) * resolution, 9)))
        worst = max(worst, abs(until * resolution - asked))
        ticks = until
    return rounded, 0.0 if worst < 1e-9 else worst
