"""Voltage and current in a picture: what the supply was told, what was measured, and where it was disturbed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from pytest_quecfota.report.course import Course, Disturbance
from pytest_quecfota.report.decimation import Point, extremes
from pytest_quecfota.report.palette import CURRENT, DISTURBANCE, RULE, SETTING, VOLTAGE
from pytest_quecfota.report.panels import INNER, Panel, View, nice, time_axis


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
            time_axis(axes, view)

    def current(axes: Any) -> None:
        _curve_axes(axes, "mA", CURRENT, max([a for _, a in amperes], default=1.0))
        _curve(axes, amperes, CURRENT, breaks)
        for played in story.disturbances:
            _shade(axes, played, view)
        if closeup:
            time_axis(axes, view)

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
    step = nice(top / 4)
    axes.set_yticks([step * n for n in range(int(top / step) + 1)])
    axes.grid(axis="y", color=RULE, lw=0.7)
    axes.set_axisbelow(True)
    axes.set_xticks([])
    axes.text(
        -46 / INNER, 0.5, unit, transform=axes.transAxes, size=9.5, color=colour, ha="right", va="center", weight="bold"
    )


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
