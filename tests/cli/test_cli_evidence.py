"""`quecfota report`, `verify` and `requirements` on the evidence of a run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_quecfota.report.evidence import Run
from pytest_quecfota.report.verdicts import RigFacts, Verdict

CATALOGUE = (
    "- {id: OTA-06, title: stages in order, whose: module}\n- {id: OTA-07, title: right version, whose: module}\n"
)


@pytest.fixture
def evidence(folder: Path) -> Path:
    """A run with one passed and one failed test, at its end."""
    (folder / "hil_tests").mkdir()
    (folder / "hil_tests" / "requirements.yaml").write_text(CATALOGUE)
    run = Run(Path("evidence"), [RigFacts("virtual", virtual=True)], repository=folder)
    for name, outcome, requirement in (("test_good", "passed", "OTA-07"), ("test_bad", "failed", "OTA-06")):
        directory = run.test_directory(f"t.py::{name}")
        (directory / "timeline.jsonl").write_text('{"t": 0, "kind": "note", "text": "hello"}\n')
        (directory / "uart.log").write_text("12:00:00.000 > AT\n")
        run.record(
            Verdict(f"t.py::{name}", outcome, (requirement,), 1.0, message="Downloaded did not come", rig="virtual")
        )
    run.finish(1)
    return run.directory


@pytest.mark.parametrize("where", [None, "evidence", "evidence/latest"])
def test_report_makes_a_page_of_the_latest_run(quecfota, evidence, where):
    said = quecfota("report", *([where] if where else []))
    assert (said.code, said.err) == (0, "")
    page = Path(said.out.strip())
    assert page.resolve().parent == evidence.resolve()
    text = page.read_text()
    assert "test_bad" in text
    assert "Downloaded did not come" in text
    assert not re.search(r'(src|href)="https?://', text), "one file, nothing from elsewhere"


def test_report_against_another_run_says_what_changed(quecfota, evidence):
    assert quecfota("report", evidence, "--against", evidence).code == 0


@pytest.mark.parametrize("command", ["report", "requirements"])
def test_a_folder_without_evidence_is_wrong_use(quecfota, evidence, folder, command):
    (folder / "empty").mkdir()
    said = quecfota(command, "empty")
    assert said.code == 2
    assert "empty" in said.err


@pytest.mark.parametrize("where", [None, "evidence", "evidence/latest"])
def test_untouched_evidence_is_verified(quecfota, evidence, where):
    said = quecfota("verify", *([where] if where else []))
    assert said.code == 0, said.out


@pytest.mark.parametrize(
    ("touch", "told"),
    [
        (lambda path: path.write_text("changed"), "changed since the run"),
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.with_name("more").write_text("x"), "added after the run"),
    ],
    ids=["changed", "removed", "added"],
)
def test_touched_evidence_is_not(quecfota, evidence, touch, told):
    touch(next(evidence.glob("tests/*/uart.log")))
    said = quecfota("verify", evidence)
    assert said.code == 1
    assert told in said.out


def test_evidence_that_is_not_there_is_not_verified(quecfota):
    assert quecfota("verify", "nowhere").code != 0


def test_requirements_are_listed(quecfota, evidence):
    said = quecfota("requirements")
    assert said.code == 0
    assert re.search(r"^OTA-06 +module +stages in order$", said.out, re.MULTILINE)


def test_requirements_of_a_run_say_no_where_one_is_refuted(quecfota, evidence):
    said = quecfota("requirements", evidence)
    assert said.code == 1
    assert re.search(r"^OTA-06 +refuted", said.out, re.MULTILINE)
    assert re.search(r"^OTA-07 +proven", said.out, re.MULTILINE)


def test_a_catalogue_that_is_not_there_is_wrong_use(quecfota):
    assert quecfota("requirements", "--file", "none.yaml").code == 2
