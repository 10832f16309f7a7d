"""The catalogue of requirements, and what a run proves of it."""

from __future__ import annotations

from pathlib import Path

import made_evidence as made
import pytest

from pytest_quecfota.report.requirements import OTHER, Catalogue, Requirement, counts_as_proof, load, matrix
from pytest_quecfota.report.verdicts import RigFacts, Verdict

COUNTS = {"CON": 8, "PKG": 6, "PLAN": 10, "OTA": 15, "SOTA": 9, "MON": 6, "PWR": 9}
REAL = RigFacts("bench2", developer_center="manual")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(made.CATALOGUE)


def test_the_catalogue_we_ship_has_every_requirement(catalogue: Catalogue) -> None:
    expected = [f"{chapter}-{number:02}" for chapter, count in COUNTS.items() for number in range(1, count + 1)]
    assert list(catalogue.requirements) == expected


def test_titles_we_ship_are_short_and_differ(catalogue: Catalogue) -> None:
    titles = [requirement.title for requirement in catalogue.requirements.values()]
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 130


def test_each_chapter_is_one_group(catalogue: Catalogue) -> None:
    found = {(r.id.rpartition("-")[0], r.group) for r in catalogue.requirements.values()}
    assert len(found) == len(COUNTS)
    assert OTHER not in {group for _, group in found}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1", "expected a list"),
        ("- OTA-01", "entry 1: expected a map"),
        ("- {id: OTA-01, title: x, whose: nobody}", "whose must be one of module, platform, host, not 'nobody'"),
        ("- {id: OTA-01, whose: module}", "OTA-01 has no title"),
        ("- {id: ota1, title: x, whose: module}", "id 'ota1' must look like OTA-07"),
        ("- {id: A-1, title: x, whose: module, colour: blue}", "unknown key colour"),
        ("- {id: A-1, title: 5, whose: module}", "title must be text"),
        ("- {id: A-1, title: x, whose: module}\n- {id: A-1, title: y, whose: host}", "entry 2: A-1 is there twice"),
        ("- {", "while parsing"),
    ],
)
def test_a_wrong_catalogue_is_one_clear_error(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "requirements.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=problem) as caught:
        load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([], "open"),
        (["skipped"], "open"),
        (["passed", "skipped"], "proven"),
        (["passed", "failed"], "refuted"),
        (["passed", "broken"], "undecided"),
        (["broken", "failed"], "refuted"),
        (["blocked"], "undecided"),
        (["unfinished"], "undecided"),
    ],
)
def test_the_state_of_a_requirement_follows_from_its_tests(outcomes: list[str], state: str) -> None:
    catalogue = Catalogue({"A-1": Requirement("A-1", "x")})
    verdicts = [Verdict(f"t.py::{n}", outcome, ("A-1",)) for n, outcome in enumerate(outcomes)]
    row = matrix(catalogue, verdicts)[0]
    assert row.state == state
    assert len(row.verdicts) == len(outcomes)


def test_an_id_nobody_knows_has_a_row_of_its_own(catalogue: Catalogue) -> None:
    row = matrix(catalogue, [Verdict("t.py::a", "passed", ("XYZ-99",))])[-1]
    assert (row.requirement.id, row.requirement.group, row.state) == ("XYZ-99", OTHER, "proven")


@pytest.mark.parametrize(
    ("whose", "facts", "counts"),
    [
        ("module", REAL, True),
        ("module", RigFacts("v", virtual=True), False),
        ("module", RigFacts("b", speed=60), False),
        ("platform", REAL, True),
        ("platform", RigFacts("b", developer_center="http"), False),
        ("host", REAL, False),
        ("host", RigFacts("b", host="observed"), True),
        ("module", None, False),
    ],
)
def test_only_what_the_real_thing_did_counts_as_proof(whose: str, facts: RigFacts | None, counts: bool) -> None:
    assert counts_as_proof(Requirement("A-1", "x", whose), facts) is counts


def test_a_pass_on_another_rig_does_not_lend_its_proof() -> None:
    catalogue = Catalogue({"A-1": Requirement("A-1", "x")})
    verdicts = [Verdict("a", "skipped", ("A-1",), rig="bench2"), Verdict("a", "passed", ("A-1",), rig="virtual")]
    row = matrix(catalogue, verdicts, [REAL, RigFacts("virtual", virtual=True)])[0]
    assert (row.state, row.counts) == ("proven", False)
