"""The top of the static page: the verdict, what went wrong and whose fault it was, what changed, what is proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from pytest_quecfota.report.comparison import KINDS, Comparison
from pytest_quecfota.report.evidence import RunRecord
from pytest_quecfota.report.markup import Html, element
from pytest_quecfota.report.requirements import Row
from pytest_quecfota.report.verdicts import LABELS, OUTCOMES, Verdict, counts, latest, run_verdict

#: What each kind of bad news means: (heading, explanation).
_NEWS = {
    "failed": ("Faults of the module", "What was tested did not do what it must."),
    "broken": (
        "Faults of the bench",
        "Port, supply, Developer Center or the test itself. They say nothing about the module.",
    ),
    "blocked": ("Blocked", "These tests could not begin because of an earlier one. They say nothing by themselves."),
    "unfinished": ("Without an end", "These tests began; the run was killed, or is still going on."),
}
_STATES = ("proven", "refuted", "undecided", "open")


def anchor(verdict: Verdict) -> str:
    """The place of a test in the page."""
    return "t-" + (verdict.directory.removeprefix("tests/") or f"{verdict.nodeid}-{verdict.rig}")


def seconds(value: float) -> str:
    """A duration as a person reads it: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def duration_of(run: RunRecord) -> float | None:
    """Real seconds from the begin of a run to its end; None where that is not known."""
    try:
        return (_time(run.head["ended"]) - _time(run.head["started"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def header(run: RunRecord) -> Html:
    """The verdict, large, then counts and what was tested with what."""
    numbers = counts(run.verdicts)
    decides, word, sentence = run_verdict(numbers, ended=run.ended)
    tiles = [
        element(
            "li", element("b", number), element("span", LABELS[outcome]), class_=f"{outcome}{' none' * (not number)}"
        )
        for outcome, number in numbers.items()
        if number or outcome in ("passed", "failed", "broken", "skipped")
    ]
    rigs = ", ".join(rig.name for rig in run.rigs)
    return element(
        "header",
        element(
            "div",
            element("p", f"Firmware updates on rig {rigs}" if rigs else "Firmware updates", class_="over"),
            element("h1", word, element("small", f"{sentence[0].upper()}{sentence[1:]}."), class_="verdict"),
            element("ul", tiles, class_="tiles"),
            element("dl", (_fact(name, value) for name, value in _facts(run)), class_="facts"),
        ),
        class_=decides,
    )


def _fact(name: str, value: str) -> Html:
    return element("div", element("dt", name), element("dd", value))


def _facts(run: RunRecord) -> list[tuple[str, str]]:
    head = run.head
    modules = list((head.get("modules") or {}).values()) or [head.get("module") or {}]
    lasted = duration_of(run)
    rigs = [f"{rig.name} ({'virtual' if rig.virtual else 'hardware'}{_clock(rig.speed)})" for rig in run.rigs]
    found = [
        ("Module", ", ".join(filter(None, map(_module, modules)))),
        ("IMEI", ", ".join(str(module["imei"]) for module in modules if module.get("imei"))),
        ("Rig", ", ".join(rigs)),
        ("Began", str(head.get("started") or "").replace("T", " ")),
        ("Took", seconds(lasted) if lasted is not None else "not ended"),
        ("Revision of the tests", str(head.get("revision") or "")),
        ("Command", " ".join(head.get("command") or ())),
    ]
    return [(name, value) for name, value in found if value]


def _module(module: Mapping[str, object]) -> str:
    return " · ".join(str(module[key]) for key in ("model", "revision", "version") if module.get(key))


def _clock(speed: float) -> str:
    return "" if speed == 1 else ", clock as fast as it goes" if speed == float("inf") else f", clock ×{speed:g}"


def news(run: RunRecord) -> list[Html]:
    """What went wrong, the module's faults apart from the bench's."""
    found = latest(run.verdicts)
    sections = []
    for outcome, (title, about) in _NEWS.items():
        these = [verdict for verdict in found if verdict.outcome == outcome]
        if these:
            lines = element("ul", map(_bad_news, these), class_=f"list card {outcome}")
            sections.append(element("section", element("h2", title), element("p", about, class_="about"), lines))
    return sections


def _bad_news(verdict: Verdict) -> Html:
    reason = element("span", verdict.reason, class_="chip") if verdict.reason else None
    name = element("a", element("code", verdict.name), href=f"#{anchor(verdict)}")
    return element("li", name, " ", reason, element("p", verdict.message or "no message"))


def changes(found: Comparison) -> Html:
    """This run against another."""
    rows: list[Html] = []
    for kind, words in KINDS.items():
        these = [change for change in found.changes if change.kind == kind]
        if these:
            rows.append(element("tr", element("th", f"{words} ({len(these)})", colspan=3)))
        for change in these:
            before, now = (_chip(verdict) for verdict in (change.before, change.now))
            name = change.nodeid.split("::", 1)[-1]
            why = change.now.message if change.now is not None else ""
            rows.append(
                element(
                    "tr", element("td", before, " → ", now), element("td", element("code", name)), element("td", why)
                )
            )
    same = f"{found.same} tests ended as in {found.against.directory.name}."
    table = element("div", element("table", rows), class_="card") if rows else None
    return element("section", element("h2", "Compared with another run"), element("p", same, class_="about"), table)


def _chip(verdict: Verdict | None) -> Html:
    if verdict is None:
        return element("span", "not run", class_="chip skipped")
    return element("span", LABELS[verdict.outcome], class_=f"chip {verdict.outcome}")


def proof(rows: Sequence[Row], run: RunRecord) -> Html:
    """Which requirement was proven, by what."""
    numbers = {state: sum(row.state == state for row in rows) for state in _STATES}
    bar = element(
        "div", (element("i", class_=state, style=f"flex:{n}") for state, n in numbers.items() if n), class_="bar"
    )
    key = [element("span", element("b", number), f" {state}", class_=state) for state, number in numbers.items()]
    hardware = any(rig.is_hardware for rig in run.rigs)
    about = (
        "What our own platform or our own host took part in proves only the tool, and says so."
        if hardware
        else "No real module took part: this shows that tool and tests work, and is no proof for hardware."
    )
    return element(
        "section",
        element("h2", "Requirements"),
        element("p", about, class_="about"),
        bar,
        element("p", key, class_="key"),
        element("div", _matrix(rows, hardware), class_="card"),
        id="requirements",
    )


def _matrix(rows: Sequence[Row], hardware: bool) -> list[Html]:
    """One part per group; those that no test spoke about are folded."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.requirement.group, []).append(row)
    return [_group(name, found, hardware) for name, found in groups.items()]


def _group(name: str, rows: Sequence[Row], hardware: bool) -> Html:
    numbers = [(state, sum(row.state == state for row in rows)) for state in _STATES]
    chips = [element("span", f"{number} {state}", class_=f"chip {state}") for state, number in numbers if number]
    return element(
        "details",
        element("summary", element("b", name), element("span", chips, class_="end")),
        element("table", (_row(row, hardware) for row in rows)),
        class_="group",
        open=any(row.verdicts for row in rows),
    )


def _row(row: Row, hardware: bool) -> Html:
    tests = [element("a", v.name, class_=v.outcome, href=f"#{anchor(v)}") for v in row.verdicts]
    words = f"{row.state}, tool only" if hardware and row.state == "proven" and not row.counts else row.state
    return element(
        "tr",
        element("td", row.requirement.id),
        element("td", row.requirement.title),
        element("td", element("span", words, class_=f"chip {row.state}"), class_="state"),
        element("td", tests, class_="by"),
        id=row.requirement.id,
    )


def footer(run: RunRecord, problems: Sequence[str]) -> Html:
    """Which tool wrote this, and whether the evidence is whole."""
    whole = "Evidence whole: every file matches MANIFEST.sha256." if not problems else "Evidence not whole: "
    made = (
        f"{run.head.get('tool', 'pytest-quecfota')} · Python {run.head.get('python', '?')} · {run.head.get('host', '')}"
    )
    shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
    return element("footer", element("p", whole, shown), element("p", made), element("p", run.directory.name))


assert set(_NEWS) | {"skipped", "passed"} == set(OUTCOMES)
