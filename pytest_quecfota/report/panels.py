"""What the parts of a picture share: the window of time they look at, their room, their time axis; and the stages.

Coordinates across are seconds after the start; heights are pixels. matplotlib objects are used, never imported here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_quecfota.report.course import Course, Span
from pytest_quecfota.report.palette import FAINT, INK, STAGE

WIDTH, LEFT, RIGHT = 1000.0, 78.0, 14.0
INNER = WIDTH - LEFT - RIGHT


@dataclass(frozen=True)
class View:
    """A window of time, from `start` to `end`, labelled from `origin`; the module's clock runs `speed` times faster."""

    start: float
    end: float
    speed: float = 1.0
    fineness: float = 1.0
    origin: float = 0.0

    def holds(self, t: float) -> bool:
        """Whether a moment lies in it."""
        return self.start <= t <= self.end

    @property
    def has_two_clocks(self) -> bool:
        """Whether module seconds differ from real ones by a known factor."""
        return self.speed != 1 and not math.isinf(self.speed)

    @property
    def axis_height(self) -> float:
        """Pixels a time axis takes."""
        return 36.0 if self.has_two_clocks else 24.0

    @property
    def second(self) -> float:
        """Pixels per second."""
        return INNER / (self.end - self.start)


@dataclass(frozen=True)
class Panel:
    """`inner` pixels of drawing and the rest up to `height` of room below it."""

    view: View
    inner: float
    height: float
    draw: Callable[[Any], None]


def stage_panel(story: Course, view: View) -> list[Panel]:
    """The stages of the upgrade as coloured bands."""

    stages = _visible(story.stages, 1 / view.second)

    def draw(axes: Any) -> None:
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.set_xticks([])
        name_lane(axes, "stage", 18, 9)
        for name, colour in STAGE.items():
            bars = [(span.start, span.end - span.start) for span in stages if span.name == name]
            axes.broken_barh(bars, (0, 1), color=colour, lw=0)
        for span in stages:
            room = (span.end - span.start) * view.second
            if room > len(span.name) * 5.6:
                at = (span.start + span.end) / 2
                axes.text(at, 0.5, span.name, size=9, color=INK, ha="center", va="center_baseline")

    return [Panel(view, 18, 22, draw)] if story.stages else []


def _visible(spans: Sequence[Span], shortest: float) -> list[Span]:
    """The spans without those too short to be seen, whose time goes to the one before."""
    kept: list[Span] = []
    for span in spans:
        if kept and (span.end - span.start < shortest or span.name == kept[-1].name):
            kept[-1] = Span(kept[-1].name, kept[-1].start, span.end)
        else:
            kept.append(span)
    return kept


def nice(step: float) -> float:
    """The next of 1, 2, 5 times a power of ten, for ticks."""
    magnitude = 10 ** math.floor(math.log10(step))
    return float(next(n for n in (1, 2, 5, 10) if n * magnitude >= step * 0.999) * magnitude)


def name_lane(axes: Any, text: str, inner: float, down: float) -> None:
    """The name of a lane left of it, `down` pixels below the top of its `inner` pixels."""
    at = (-10 / INNER, 1 - down / inner)
    axes.text(*at, text, transform=axes.transAxes, size=9.5, color=FAINT, ha="right", va="center")


def time_axis(axes: Any, view: View) -> None:
    """Ticks in real seconds (ms in a short closeup), with module seconds below where the clock runs faster."""
    span = view.end - view.start
    step = nice(span / 10)
    factor, unit = (1000.0, "ms") if span < 1.5 and view.origin else (1.0, "s")
    first = math.ceil((view.start - view.origin) / step - 1e-9)
    last = math.floor((view.end - view.origin) / step + 1e-9)
    ticks = [n * step for n in range(first, last + 1)]
    both = view.has_two_clocks
    axes.set_xticks([view.origin + tick for tick in ticks])
    axes.set_xticklabels([f"{tick * factor:g}" + (f"\n{tick * factor * view.speed:g}" * both) for tick in ticks])
    axes.tick_params(axis="x", length=3, width=0.8, colors=FAINT, labelsize=8.5)
    height = axes.get_position().height * axes.figure.get_figheight() * 72
    name = f"{unit}\nmodule {unit}" if both else unit
    axes.text(-10 / INNER, -5.5 / height, name, transform=axes.transAxes, size=8.5, color=FAINT, ha="right", va="top",
              linespacing=1.2)  # fmt: skip
