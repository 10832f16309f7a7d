"""Who said what in a picture: a lane for each of module, host, test, supply and platform, and a closeup's marks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pytest_quecfota.report import lanes
from pytest_quecfota.report.course import DISTURBANCE_MARKS, LANES, Course, Disturbance, Event, Span
from pytest_quecfota.report.palette import DISTURBANCE, FAINT, INK, RULE, TONE, WASH
from pytest_quecfota.report.panels import INNER, Panel, View, name_lane, time_axis

_LABEL_SIZE, _ROW, _TICKS, _LANE_PAD = 9.0, 13.0, 11.0, 7.0
_ROWS = {"module": 6, "host": 4, "supply": 2, "platform": 2, "test": 2}


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
    pause = math.inf if lane == "module" else (view.end - view.start) / 30
    groups = lanes.grouped(events, pause=pause)
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
        name_lane(axes, LANES.get(lane, lane), inner, _TICKS / 2 + 1)
        if lane == "test":
            _steps(axes, story.steps)
        _marks(axes, groups, view)
        _labels(axes, labels, view)
        _triggers(axes, story, lane, view)
        if with_axis:
            time_axis(axes, view)

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


def _bare_axis(axes: Any, view: View) -> None:
    axes.set_yticks([])
    time_axis(axes, view)


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
    said = [event for event in story.events if event.lane == "module" and view.holds(event.t)]
    trigger = min(said, key=lambda event: abs(event.t - played.trigger), default=None)
    marks = [
        Event(t, "supply", DISTURBANCE_MARKS.get(name, name), "power")
        for name, t in played.marks.items()
        if name not in ("armed", "seen") or (name == "seen" and trigger is None)
    ]
    if trigger is not None:
        said.remove(trigger)
        marks.append(replace(trigger, text=f"{trigger.text}: the trigger", tone="power"))
    groups = [*lanes.grouped(marks), *lanes.grouped(said)]
    groups = [group for group in groups if view.holds(group.start)]
    labels = lanes.placed(groups, start=view.start, end=view.end, width=INNER, size=_LABEL_SIZE, rows=6)
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
        axes.plot([played.trigger], [_TICKS / 2 + 1], "o", ms=10, mfc="none", mec=DISTURBANCE, mew=1.6)

    return Panel(view, inner, inner + 2, draw)
