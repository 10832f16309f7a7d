"""The lower part of the static page: every test with its picture, its failure, its steps and its files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from pytest_quecfota.report import reading
from pytest_quecfota.report.evidence import FAILURE, RunRecord
from pytest_quecfota.report.markup import Html, element
from pytest_quecfota.report.overview import anchor, seconds
from pytest_quecfota.report.picture import PICTURE
from pytest_quecfota.report.requirements import OTHER, Catalogue
from pytest_quecfota.report.verdicts import LABELS, OUTCOMES, Verdict, latest

#: Pictures are put into the page up to this many bytes, those of bad news first; the others are linked.
EMBEDDED_BYTES = 24_000_000
#: Lines of `uart.log` shown under a test that did not pass.
LOG_LINES = 40
_FILES = ("uart.log", "timeline.jsonl", "power.csv", PICTURE, FAILURE)


def tests(run: RunRecord, catalogue: Catalogue) -> list[Html]:
    """All tests by group, the worst first in each."""
    found = latest(run.verdicts)
    embedded = _within_budget(run.directory, found)
    groups: dict[str, list[Verdict]] = {}
    for verdict in found:
        groups.setdefault(catalogue.group(verdict.requirements), []).append(verdict)
    known = list(dict.fromkeys([*(r.group for r in catalogue.requirements.values()), *groups, OTHER]))
    sections = [element("h2", "Tests"), element("p", f"{len(found)} tests, by what they are about.", class_="about")]
    for group in known:
        these = sorted(groups.get(group, ()), key=lambda verdict: OUTCOMES.index(verdict.outcome))
        if these:
            sections.append(element("h3", group))
            sections += [_test(run.directory, verdict, verdict in embedded) for verdict in these]
    return [element("section", sections, id="tests")]


def _within_budget(run: Path, found: Iterable[Verdict]) -> set[Verdict]:
    left = EMBEDDED_BYTES
    chosen = set()
    for verdict in sorted(found, key=lambda verdict: OUTCOMES.index(verdict.outcome)):
        path = run / verdict.directory / PICTURE
        size = path.stat().st_size if verdict.directory and path.is_file() else 0
        if 0 < size <= left:
            left -= size
            chosen.add(verdict)
    return chosen


def _test(run: Path, verdict: Verdict, embed: bool) -> Html:
    bad = verdict.outcome not in ("passed", "skipped")
    facts = [
        ", ".join(verdict.requirements),
        f"try {verdict.attempt}" if verdict.attempt > 1 else "",
        seconds(verdict.duration),
    ]
    summary = element(
        "summary",
        element("span", LABELS[verdict.outcome], class_="chip"),
        element("span", verdict.name, class_="name"),
        element("span", verdict.message or verdict.title, class_="why"),
        element("span", " · ".join(filter(None, facts)), class_="end"),
    )
    inside = element("div", _inside(run, verdict, embed), class_="inside")
    return element("details", summary, inside, class_=f"test {verdict.outcome}", id=anchor(verdict), open=bad)


def _inside(run: Path, verdict: Verdict, embed: bool) -> list[Html | None]:
    folder = run / verdict.directory if verdict.directory else None
    about = element("p", verdict.title, class_="about") if verdict.title and verdict.message else None
    parts = [element("p", element("code", verdict.nodeid), class_="about"), about]
    if folder is None or not folder.is_dir():
        return [*parts, element("p", verdict.message) if verdict.message else None]
    failure = _text(folder / FAILURE)
    return [
        *parts,
        element("pre", failure, class_="failure") if failure else None,
        _picture(folder, verdict) if embed else None,
        _steps(folder),
        _tail(folder, verdict),
        _links(run, folder),
    ]


def _picture(folder: Path, verdict: Verdict) -> Html:
    image = "data:image/svg+xml," + quote(_text(folder / PICTURE), safe=" /:;=,?&@!$*()[]{}|~^")
    return element("img", src=image, alt=f"Timeline of {verdict.name}: voltage, current, events and stages over time")


def _steps(folder: Path) -> Html | None:
    steps = reading.read(folder).steps
    rows = [
        element(
            "tr",
            element("td", f"+{step.start:.2f} s"),
            element("td", step.name),
            element("td", seconds(step.end - step.start)),
        )
        for step in steps[:60]
    ]
    return (
        element("details", element("summary", f"{len(steps)} steps"), element("table", rows, class_="steps"))
        if rows
        else None
    )


def _tail(folder: Path, verdict: Verdict) -> Html | None:
    log = folder / "uart.log"
    if verdict.outcome in ("passed", "skipped") or not log.is_file():
        return None
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        lines = file.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:]
    return element(
        "details", element("summary", f"last {len(lines)} lines of uart.log"), element("pre", "\n".join(lines))
    )


def _links(run: Path, folder: Path) -> Html:
    present = [name for name in _FILES if (folder / name).is_file()]
    base = quote(folder.relative_to(run).as_posix())
    return element("p", (element("a", name, href=f"{base}/{quote(name)}") for name in present), class_="links")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
