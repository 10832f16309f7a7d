"""The parts of a picture, each as tall as it needs and drawn into axes it is given: stages, power, lanes, a closeup's
marks.

Coordinates across are seconds after the start; heights are pixels. matplotlib objects are only used, never imported
here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pytest_quecfota.report import lanes
from pytest_quecfota.report.course import DISTURBANCE_MARKS, LANES, Course, Disturbance, Event, Span
from pytest_quecfota.report.decimation import Point, extremes
from pytest_quecfota.report.palette import (
    CURRENT,
    DISTURBANCE,
    FAINT,
    INK,
    RULE,
    SETTING,
    STAGE,
    TONE,
    VOLTAGE,
    WASH,
)  # fmt: skip

WIDTH, LEFT, RIGHT = 1000.0, 78.0, 14.0
INNER = WIDTH - LEFT - RIGHT

_LABEL_SIZE, _ROW = 9.0, 13.0
_TICKS, _LANE_PAD = 11.0, 7.0
_ROWS = {"module": 6, "host": 4, "supply": 2, "platform": 2, "test": 2}


@dataclass(frozen=True)
class View:
    """A window of time: from `start` to `end`, labelled from `origin`, beside a clock that runs `speed` times
    faster."""

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

    def draw(axes: Any) -> None:
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.set_xticks([])
        _name(axes, "stage", 18)
        for name, colour in STAGE.items():
            bars = [(span.start, span.end - span.start) for span in story.stages if span.name == name]
            axes.broken_barh(bars, (0, 1), color=colour, lw=0)
        for span in story.stages:
            room = (span.end - span.start) * view.second
            if room > len(span.name) * 5.6:
                at = (span.start + span.end) / 2
                axes.text(at, 0.5, span.name, size=9, color=INK, ha="center", va="center_baseline")

    return [Panel(view, 18, 22, draw)] if story.stages else []


def power_panels(story: Course, view: View, *, closeup: bool = False) -> list[Panel]:
    """Voltage and current over time, with the spans in which the supply was disturbed."""
    if not story.samples and not story.settings:
        return []
    slices = int(260 * view.fineness)
    inside = [s for s in story.samples if view.start - 0.5 <= s[0] <= view.end + 0.5]
    volts = extremes([(t, v) for t, v, _ in inside], slices)
    amperes = extremes([(t, 1000 * a) for t, _, a in inside], slices)
    setting = _setting(story, view)
    breaks = [played.start for played in story.disturbances if played.fired]

    def voltage(axes: Any) -> None:
        _curve_axes(axes, "volts", VOLTAGE, max([v for _, v in (*volts, *setting)], default=1.0))
        if setting:
            axes.step(*zip(*setting, strict=True), where="post", color=SETTING, lw=1.4, ls=(0, (4, 2)))
        _curve(axes, volts, VOLTAGE, breaks)
        for played in story.disturbances:
            _disturbance(axes, played, view, closeup=closeup)
        _power_key(axes, bool(setting), bool(volts))
        if closeup and not amperes:
            _time_axis(axes, view)

    def current(axes: Any) -> None:
        _curve_axes(axes, "mA", CURRENT, max([a for _, a in amperes], default=1.0))
        _curve(axes, amperes, CURRENT, breaks)
        for played in story.disturbances:
            _shade(axes, played, view)
        if closeup:
            _time_axis(axes, view)

    below = view.axis_height if closeup else 10.0
    if not amperes:
        return [Panel(view, 104, 104 + below, voltage)]
    return [Panel(view, 104, 112, voltage), Panel(view, 60, 60 + below, current)]


def _setting(story: Course, view: View) -> list[tuple[float, float]]:
    """What the supply was told, as steps that reach to the end; asked waveforms are part of it."""
    told = list(story.settings)
    for played in story.disturbances:
        told += [(played.start + t, v) for t, v in played.waveform]
    told.sort(key=lambda point: point[0])
    return [*told, (max(view.end, told[-1][0]), told[-1][1])] if told else []


def _curve_axes(axes: Any, unit: str, colour: str, top: float) -> None:
    top = max(top, 1e-3)
    axes.set_ylim(-0.04 * top, 1.22 * top)
    step = _nice(top / 4)
    axes.set_yticks([step * n for n in range(int(top / step) + 1)])
    axes.grid(axis="y", color=RULE, lw=0.7)
    axes.set_axisbelow(True)
    axes.set_xticks([])
    axes.text(
        -46 / INNER, 0.5, unit, transform=axes.transAxes, size=9.5, color=colour, ha="right", va="center", weight="bold"
    )


def _nice(step: float) -> float:
    magnitude = 10 ** math.floor(math.log10(step))
    return float(next(n for n in (1, 2, 5, 10) if n * magnitude >= step * 0.999) * magnitude)


def _curve(axes: Any, points: Sequence[Point], colour: str, breaks: Sequence[float]) -> None:
    """A line through what was measured, open where nothing was measured for long and where a disturbance began."""
    if not points:
        return
    x, y = zip(*_with_gaps(points, breaks), strict=True)
    dots = {"marker": "o", "ms": 2.2} if len(points) <= 80 else {}
    axes.plot(x, y, color=colour, lw=1.3, solid_joinstyle="round", **dots)
    axes.fill_between(x, y, color=colour, alpha=0.07, lw=0)


def _with_gaps(points: Sequence[Point], breaks: Sequence[float]) -> list[Point]:
    """The points, and a NaN where the line must not pretend to know: the sampler rests while a cut is armed."""
    pauses = sorted(b[0] - a[0] for a, b in pairwise(points))
    usual = pauses[len(pauses) // 2] if len(pauses) > 3 else math.inf
    longest = 6 * max(usual, (points[-1][0] - points[0][0]) / 1000)
    found = [points[0]]
    for before, after in pairwise(points):
        if after[0] - before[0] > longest or any(before[0] <= moment < after[0] for moment in breaks):
            found.append((before[0], math.nan))
        found.append(after)
    return found


def _power_key(axes: Any, setting: bool, measured: bool) -> None:
    words = [("measured", VOLTAGE)] * measured + [("set", "#5b6875")] * setting
    for place, (word, colour) in enumerate(reversed(words)):
        right = 1 - place * 62 / INNER
        axes.text(right, 1.0, ("— " if word == "measured" else "- - ") + word, transform=axes.transAxes, size=8.5,
                  color=colour, ha="right", va="top")  # fmt: skip


def _disturbance(axes: Any, played: Disturbance, view: View, *, closeup: bool) -> None:
    """The shaded span, its name, and the arrow from the moment that triggered it."""
    if not played.fired or not view.holds(played.start):
        return
    _shade(axes, played, view)
    top = axes.get_ylim()[1]
    flip = (played.end - view.start) * view.second > INNER - 190
    at, side = (played.start, "right") if flip else (max(played.end, played.start + 3 / view.second), "left")
    shift = -5 / view.second if flip else 5 / view.second
    axes.text(
        at + shift, top * 0.97, f"⚡ {played.name}", size=9.5, weight="bold", color=DISTURBANCE, ha=side, va="top"
    )
    if not closeup:
        axes.annotate("", xy=(played.start, top * 0.80), xytext=(played.start, top), annotation_clip=False,
                      arrowprops={"arrowstyle": "-|>", "color": DISTURBANCE, "lw": 1.4})  # fmt: skip


def _shade(axes: Any, played: Disturbance, view: View) -> None:
    if played.fired and view.holds(played.start):
        end = max(played.end, played.start + 3 / view.second)
        axes.axvspan(played.start, end, color=DISTURBANCE, alpha=0.16, lw=0)


def lane_panels(story: Course, view: View) -> list[Panel]:
    """One panel per lane that has events, then the time axis below the last."""
    by_lane: dict[str, list[Event]] = {lane: [] for lane in LANES}
    for event in story.events:
        by_lane.setdefault(event.lane, []).append(event)
    filled = [(lane, events) for lane, events in by_lane.items() if events]
    if not filled:
        return [Panel(view, 4, 4 + view.axis_height, lambda axes: _bare_axis(axes, view))]
    last = filled[-1][0]
    return [_lane(story, view, lane, events, with_axis=lane == last) for lane, events in filled]


def _lane(story: Course, view: View, lane: str, events: Sequence[Event], *, with_axis: bool) -> Panel:
    groups = lanes.grouped(events)
    rows = max(1, round(_ROWS.get(lane, 2) * min(1.0, view.fineness * 1.5)))
    labels = lanes.placed(groups, start=view.start, end=view.end, width=INNER, size=_LABEL_SIZE, rows=rows)
    used = 1 + max((label.row for label in labels), default=0)
    inner = _TICKS + used * _ROW + _LANE_PAD

    def draw(axes: Any) -> None:
        axes.set_ylim(inner, 0)
        axes.set_yticks([])
        axes.set_facecolor(WASH)
        axes.set_xticks([])
        axes.axhline(_TICKS / 2 + 1, color=RULE, lw=1)
        _name(axes, LANES.get(lane, lane), inner)
        if lane == "test":
            _steps(axes, story.steps)
        _marks(axes, groups, view)
        _labels(axes, labels, view)
        _triggers(axes, story, lane, view)
        if with_axis:
            _time_axis(axes, view)

    room = 4.0 + (view.axis_height if with_axis else 0)
    return Panel(view, inner, inner + room, draw)


def _marks(axes: Any, groups: Sequence[lanes.Group], view: View) -> None:
    """A tick per event (thinned where they touch), a bar under repeats, one collection per tone."""
    by_tone: dict[str, list[float]] = {}
    for group in groups:
        by_tone.setdefault(group.tone, []).extend(group.times)
        if len(group.times) > 1:
            colour = TONE[group.tone]
            axes.plot([group.start, group.times[-1]], [_TICKS / 2 + 1] * 2, color=colour, lw=4, alpha=0.3,
                      solid_capstyle="butt")  # fmt: skip
    for tone, times in by_tone.items():
        kept = lanes.thinned(sorted(times), start=view.start, end=view.end, most=int(INNER / 4 * view.fineness))
        _uprights(axes, [(t, 1, _TICKS) for t in kept], TONE[tone], lw=1.6)


def _uprights(axes: Any, lines: Sequence[tuple[float, float, float]], colour: str, **style: float) -> None:
    """Upright lines (at, from, to) as one path: hundreds cost what one costs."""
    x = [value for at, _, _ in lines for value in (at, at, math.nan)]
    y = [value for _, top, bottom in lines for value in (top, bottom, math.nan)]
    axes.plot(x, y, color=colour, solid_capstyle="butt", **style)


def _steps(axes: Any, steps: Sequence[Span]) -> None:
    """A bar from the begin to the end of each step of the test."""
    for step in steps:
        axes.plot([step.start, step.end], [_TICKS / 2 + 1] * 2, color=FAINT, lw=5, alpha=0.25, solid_capstyle="butt")


def _labels(axes: Any, labels: Sequence[lanes.Label], view: View) -> None:
    """The labels, each with a thin line from its mark down to it."""
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for label in labels:
        colour, start = TONE[label.group.tone], label.group.start
        y = _TICKS + (label.row + 0.85) * _ROW
        lines.setdefault(colour, []).append((start, _TICKS, y - 2))
        shift, side = (-3, "right") if label.before else (3, "left")
        text = lanes.shortened(label.group.label)
        axes.text(start + shift / view.second, y, text, size=_LABEL_SIZE, color=colour, ha=side, va="baseline")
    for colour, found in lines.items():
        _uprights(axes, found, colour, lw=0.6, alpha=0.6)


def _triggers(axes: Any, story: Course, lane: str, view: View) -> None:
    """In the module's lane a ring around the URC that triggered a disturbance, and the way up to the supply."""
    for played in story.disturbances:
        if lane == "module" and played.fired and view.holds(played.trigger):
            axes.plot([played.trigger], [_TICKS / 2 + 1], "o", ms=10, mfc="none", mec=DISTURBANCE, mew=1.6)
            axes.annotate("", xy=(played.trigger, -16), xytext=(played.trigger, 0), annotation_clip=False,
                          arrowprops={"arrowstyle": "-|>", "color": DISTURBANCE, "lw": 1.4})  # fmt: skip


def _name(axes: Any, text: str, inner: float) -> None:
    up = 1 - (_TICKS / 2 + 1) / inner if inner > 18 else 0.5
    axes.text(-10 / INNER, up, text, transform=axes.transAxes, size=9.5, color=FAINT, ha="right", va="center")


def _bare_axis(axes: Any, view: View) -> None:
    axes.set_yticks([])
    _time_axis(axes, view)


def _time_axis(axes: Any, view: View) -> None:
    """Ticks in real seconds (ms in a short closeup), with module seconds below where the clock runs faster."""
    span = view.end - view.start
    step = _nice(span / 10)
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


def _bracket(played: Disturbance) -> str:
    """What followed the trigger, and how soon."""
    after = [
        (DISTURBANCE_MARKS[name], 1000 * (t - played.trigger))
        for name, t in played.marks.items()
        if name in DISTURBANCE_MARKS and name not in ("armed", "seen")
    ]
    return " · ".join(f"{word} +{delay:.1f} ms" for word, delay in after if delay >= 0)


def mark_panel(story: Course, played: Disturbance, view: View) -> Panel:
    """Above a closeup: what was seen of the disturbance and what the module said, each at its moment."""
    marks = [
        Event(t, "supply", DISTURBANCE_MARKS.get(name, name), "power")
        for name, t in played.marks.items()
        if name != "armed"
    ]
    said = [event for event in story.events if event.lane == "module" and view.holds(event.t)]
    groups = [*lanes.grouped(said), *lanes.grouped(marks)]
    groups = [group for group in groups if view.holds(group.start)]
    labels = lanes.placed(groups, start=view.start, end=view.end, width=INNER, size=_LABEL_SIZE, rows=5)
    used = 1 + max((label.row for label in labels), default=0)
    inner = 18 + _TICKS + used * _ROW + _LANE_PAD

    def draw(axes: Any) -> None:
        axes.set_ylim(inner - 18, -18)
        axes.set_yticks([])
        axes.set_xticks([])
        axes.text(0, 1.0, f"The moment of {played.name}, enlarged", transform=axes.transAxes, size=11, weight="bold",
                  color=INK, va="top")  # fmt: skip
        axes.text(1, 1.0, _bracket(played), transform=axes.transAxes, size=9, color=FAINT, ha="right", va="top")
        _marks(axes, groups, view)
        _labels(axes, labels, view)

    return Panel(view, inner, inner + 2, draw)
