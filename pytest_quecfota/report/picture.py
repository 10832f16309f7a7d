"""`timeline.svg`: one test on one time axis, for a stranger: power above, who said what below, the stage on top.

Reads a test's folder (`timeline.jsonl`, `test.json`), draws with matplotlib if that is installed, and leaves one small
SVG whose texts are texts. The same folder gives the same bytes. Where a disturbance was played, a second part shows its
moment enlarged: the URC that triggered it, the fall, the restart.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from pytest_quecfota.report import evidence, lanes, reading, svg, whole
from pytest_quecfota.report.course import Course, Disturbance
from pytest_quecfota.report.lane_panels import lane_panels, mark_panel
from pytest_quecfota.report.palette import FAINT, INK, OUTCOME, PAPER
from pytest_quecfota.report.panels import LEFT, RIGHT, WIDTH, Panel, View, stage_panel
from pytest_quecfota.report.power_panels import power_panels
from pytest_quecfota.report.verdicts import LABELS, OUTCOMES, RigFacts, Verdict

PICTURE = "timeline.svg"
#: What to say where there is no picture because matplotlib is missing.
HINT = "no pictures: matplotlib is not installed (pip install 'pytest-quecfota[plots]')"
#: An SVG larger than this is drawn again, coarser.
LARGEST_BYTES = 200_000

_TITLE, _FOOT, _GAP = 52.0, 8.0, 26.0


@dataclass(frozen=True)
class Heading:
    """What stands above the picture: the test, what became of it, and the factor of the module's clock."""

    verdict: Verdict | None
    name: str
    speed: float = 1.0

    @property
    def outcome(self) -> str:
        """The outcome, or "" while there is none."""
        return self.verdict.outcome if self.verdict is not None else ""


def available() -> bool:
    """Whether pictures can be drawn; does not import matplotlib."""
    return importlib.util.find_spec("matplotlib") is not None


def draw(timeline_dir: Path, verdict: Verdict | None = None) -> Path | None:
    """Draw `timeline.svg` beside the timeline of one test and return its path.

    Test and outcome stand above it as `verdict` says, else as `test.json` does; the speed of the clock is the rig's.
    None where there is nothing to draw, or no matplotlib (say `HINT` then). Raises `OSError` where the file cannot be
    written.
    """
    if not available():
        return None
    story = reading.read(timeline_dir)
    if story.is_empty:
        return None
    heading = _heading(timeline_dir, verdict, story)
    text = render(story, heading)
    if len(text.encode()) > LARGEST_BYTES:
        text = render(story, heading, fineness=0.4)
    target = timeline_dir / PICTURE
    whole.write(target, text)
    return target


def _heading(folder: Path, verdict: Verdict | None, story: Course) -> Heading:
    record = evidence.read_json(folder / evidence.TEST)
    if verdict is None and record.get("outcome") in OUTCOMES:
        verdict = Verdict.from_json(record)
    nodeid = verdict.nodeid if verdict is not None else str(record.get("nodeid", folder.name))
    rig = verdict.rig if verdict is not None else str(record.get("rig", ""))
    rigs = evidence.read_json(folder.parent.parent / evidence.RUN).get("rigs", ())
    speeds = {facts.name: facts.speed for facts in map(RigFacts.from_json, rigs)}
    speed = story.speed if story.speed != 1 else speeds.get(rig, 1.0)
    return Heading(verdict, nodeid.split("::", 1)[-1], speed)


def render(story: Course, heading: Heading, *, fineness: float = 1.0) -> str:
    """The SVG of a course as text; `fineness` below 1 draws fewer points and labels."""
    import matplotlib

    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "quecfota", "text.parse_math": False}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a font without some character of a test's name
        out = StringIO()
        figure = figure_of(story, heading, fineness=fineness)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": "pytest-quecfota"})
    return svg.finished(out.getvalue(), described(story, heading))


def described(story: Course, heading: Heading) -> str:
    """The picture in one sentence, for those who cannot see it."""
    stages = " → ".join(span.name for span in story.stages) or "no upgrade"
    played = [disturbance.name for disturbance in story.disturbances if disturbance.fired]
    disturbed = f"; disturbed by {', '.join(played)}" if played else ""
    return f"{heading.name}, {LABELS.get(heading.outcome, 'running')}: {stages}{disturbed}; {story.end:.1f} s"


def figure_of(story: Course, heading: Heading, *, fineness: float = 1.0) -> Any:
    """The matplotlib figure of a course; no pyplot, no state outside it."""
    parts = [_overview(story, heading, fineness)]
    closeups = (_closeup(story, played, heading.speed, fineness) for played in _worth_a_closeup(story))
    parts += [part for part in closeups if part]
    height = _TITLE + sum(panel.height for part in parts for panel in part) + _GAP * (len(parts) - 1) + _FOOT
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor=PAPER)
    FigureCanvasSVG(figure)
    _title(figure, heading, story, height)
    y = _TITLE
    for part in parts:
        for panel in part:
            y = _place(figure, panel, y, height)
        y += _GAP
    return figure


def _place(figure: Any, panel: Panel, y: float, height: float) -> float:
    box = (LEFT / WIDTH, 1 - (y + panel.inner) / height, (WIDTH - LEFT - RIGHT) / WIDTH, panel.inner / height)
    axes = figure.add_axes(box)
    axes.set_autoscale_on(False)
    axes.set_xlim(panel.view.start, panel.view.end)
    axes.set_facecolor(PAPER)
    axes.tick_params(length=0, labelsize=8.5, labelcolor=FAINT, colors=FAINT)
    for spine in axes.spines.values():
        spine.set_visible(False)
    panel.draw(axes)
    return y + panel.height


def _title(figure: Any, heading: Heading, story: Course, height: float) -> None:
    colour = OUTCOME.get(heading.outcome, FAINT)
    figure.text(LEFT / WIDTH, 1 - 20 / height, lanes.shortened(heading.name, 90), size=14, weight="bold", color=INK)
    word = LABELS.get(heading.outcome, "").upper()
    figure.text(1 - RIGHT / WIDTH, 1 - 20 / height, word, size=13, weight="bold", color=colour, ha="right")
    facts = [f"{story.end:.1f} s"]
    if heading.verdict is not None and heading.verdict.rig:
        facts.insert(0, f"rig {heading.verdict.rig}")
    if heading.speed != 1:
        facts.append("clock as fast as it goes" if math.isinf(heading.speed) else f"clock ×{heading.speed:g}")
    figure.text(LEFT / WIDTH, 1 - 37 / height, " · ".join(facts), size=9, color=FAINT)
    if heading.verdict is not None and heading.outcome != "passed":
        text = lanes.shortened(heading.verdict.message, 110)
        figure.text(1 - RIGHT / WIDTH, 1 - 37 / height, text, size=9.5, color=colour, ha="right")


def _overview(story: Course, heading: Heading, fineness: float) -> list[Panel]:
    view = View(0.0, max(story.end, 1e-3) * 1.01, heading.speed, fineness)
    return [*stage_panel(story, view), *power_panels(story, view), *lane_panels(story, view)]


def _worth_a_closeup(story: Course) -> list[Disturbance]:
    return [played for played in story.disturbances if played.fired][:2]


def _closeup(story: Course, played: Disturbance, speed: float, fineness: float) -> list[Panel]:
    """The moment of a disturbance, from just before its trigger until the module is back; [] where nothing is known."""
    start = played.trigger
    back = next((e.t for e in story.events if e.text == "Ready" and e.t > played.start), played.last)
    length = max(played.last, back) - start
    if length > 0.6 * story.end:
        length = played.last - start
    if length <= 0:
        return []
    view = View(start - 0.15 * length, start + 1.35 * length, speed, fineness, origin=start)
    return [mark_panel(story, played, view), *power_panels(story, view, closeup=True)]
