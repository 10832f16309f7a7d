"""The five lines with which a run ends in the terminal: what it came to, and what to type next.

Reads the record of a run; the plugin prints the lines.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from pytest_quecfota.report.evidence import RunRecord
from pytest_quecfota.report.overview import duration_of, seconds
from pytest_quecfota.report.requirements import Row, matrix
from pytest_quecfota.report.static import PAGE, catalogue_of
from pytest_quecfota.report.verdicts import LABELS, counts, latest, run_verdict, worst_first

_LONGEST = 160


def lines(run: RunRecord, *, allure_results: Path | None = None) -> list[str]:
    """Exactly five lines, worst news first: verdict, worst test, module, requirements, report and next command.

    `allure_results` is where Allure's results are, if not in the evidence.
    """
    return [
        f"verdict  {_verdict(run)}",
        f"worst    {_worst(run)}",
        f"module   {_module(run)}",
        f"proven   {_proven(run)}",
        f"report   {_report(run, allure_results)}",
    ]


def _verdict(run: RunRecord) -> str:
    numbers = counts(run.verdicts)
    _, word, _ = run_verdict(numbers, ended=run.ended)
    told = ", ".join(f"{number} {_plural(LABELS[outcome], number)}" for outcome, number in numbers.items() if number)
    lasted = duration_of(run)
    return f"{word}: {told or 'nothing ran'}" + (f" in {seconds(lasted)}" if lasted is not None else "")


def _plural(word: str, number: int) -> str:
    return f"{word}s" if word == LABELS["broken"] and number != 1 else word


def _worst(run: RunRecord) -> str:
    bad = [v for v in worst_first(latest(run.verdicts)) if v.outcome not in ("passed", "skipped")]
    if not bad:
        return "nothing failed"
    first = bad[0]
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    text = f"{first.name}: {first.message or LABELS[first.outcome]}"
    room = _LONGEST - len(more)
    return (text if len(text) <= room else text[: room - 1] + "…") + more


def _module(run: RunRecord) -> str:
    modules = (run.head.get("modules") or {}).values() or [run.head.get("module") or {}]
    told = dict.fromkeys(" ".join(named(module)) for module in modules)
    names = ", ".join(filter(None, told)) or ", ".join(sorted({r.model for r in run.rigs if r.model})) or "unknown"
    rigs = ", ".join(f"{rig.name} ({'hardware' if rig.is_hardware else 'virtual'})" for rig in run.rigs)
    return f"{names} on rig {rigs}" if rigs else names


def named(module: Mapping[str, object]) -> list[str]:
    """Model, revision and version of a module as `run.json` keeps them, each once."""
    return list(dict.fromkeys(str(module[key]) for key in ("model", "revision", "version") if module.get(key)))


def _proven(run: RunRecord) -> str:
    rows = matrix(catalogue_of(run.directory), latest(run.verdicts), run.rigs)
    if not rows:
        return "no test names a requirement, and there is no hil_tests/requirements.yaml"
    proven = [row for row in rows if row.state == "proven"]
    real = [row for row in proven if row.counts]
    parts = [
        f"{len(real)} of {len(rows)} requirements" if real else f"{len(proven)} of {len(rows)} requirements, tool only"
    ]
    if real and len(real) < len(proven):
        parts.append(f"{len(proven) - len(real)} more for the tool only")
    parts += [_named(rows, state) for state in ("refuted", "undecided")]
    return "; ".join(filter(None, parts))


def _named(rows: list[Row], state: str) -> str:
    ids = [row.requirement.id for row in rows if row.state == state]
    return f"{state}: {' '.join(ids[:6])}{' …' if len(ids) > 6 else ''}" if ids else ""


def _report(run: RunRecord, allure_results: Path | None) -> str:
    latest_link = run.directory.parent / "latest"
    folder = latest_link if latest_link.is_symlink() and latest_link.resolve() == run.directory else run.directory
    results = allure_results or run.directory / "allure-results"
    here = _short(folder)
    command = f"quecfota report {here}"
    if shutil.which("allure") and results.is_dir():
        shown = f"{here}/allure-results" if allure_results is None else str(_short(results))
        command = f"ALLURE_NO_ANALYTICS=true allure generate {shown} -o {here}/allure-report --clean"
    page = run.directory / PAGE
    return f"{_short(page) if page.is_file() else _short(run.directory)}   next: {command}"


def _short(path: Path) -> Path:
    try:
        return path.relative_to(Path.cwd())
    except ValueError:
        return path
