"""`quecfota report`: one page that tells what a run found, for those who have no Allure.

Reads the evidence of a run (and of another to compare with) and writes `index.html` into it: one file, readable without
network and without scripts, in light and dark. Everything it shows comes from files in the evidence, and is escaped.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from pytest_quecfota.report import comparison, evidence, manifest, overview, requirements, tests_section, whole
from pytest_quecfota.report.markup import Html, element, html_of
from pytest_quecfota.report.verdicts import counts, latest, run_verdict

PAGE = "index.html"
#: Where a run keeps the catalogue of requirements it was judged by.
CATALOGUE = evidence.CATALOGUE


def build(evidence_dir: Path, against: Path | None = None) -> Path:
    """Write the page of a run into its evidence and return its path.

    `evidence_dir` is the folder of a run, or one whose `latest` is; `against` another run's, to say what changed. Raises
    `FileNotFoundError` where there is no run, `ValueError` where its record cannot be understood, `OSError` where the
    page cannot be written.
    """
    run = evidence.open_run(evidence_dir)
    other = comparison.compare(run, evidence.open_run(against)) if against is not None else None
    catalogue = catalogue_of(run.directory)
    rows = requirements.matrix(catalogue, latest(run.verdicts), run.rigs)
    problems = manifest.verify(run.directory)
    body = [
        overview.header(run),
        element(
            "main",
            overview.news(run),
            overview.changes(other) if other else None,
            overview.proof(rows, run),
            tests_section.tests(run, catalogue),
            overview.footer(run, problems),
        ),
    ]
    return _write(run.directory / PAGE, _title(run), html_of(body))


def catalogue_of(run: Path) -> requirements.Catalogue:
    """The requirements a run was judged by; none where it kept none, or they cannot be read."""
    try:
        return requirements.load(run / CATALOGUE)
    except (OSError, ValueError):
        return requirements.Catalogue()


def _title(run: evidence.RunRecord) -> str:
    _, word, _ = run_verdict(counts(run.verdicts), ended=run.ended)
    return f"{word}: {run.directory.name}"


def _write(target: Path, title: str, body: Html) -> Path:
    room = files("pytest_quecfota.report")
    page = Template((room / "page.html").read_text(encoding="utf-8"))
    style = (room / "page.css").read_text(encoding="utf-8")
    generator = f"pytest-quecfota {evidence.tool_version()}"
    text = page.substitute(title=html_of(title), style=style, generator=html_of(generator), body=body)
    whole.write(target, text)
    return target
