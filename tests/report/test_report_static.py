"""The static page: all that matters is in it, nothing is loaded from elsewhere, nothing can break it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import made_evidence as made
import pytest
from test_report_markup import Seen, seen

from pytest_quecfota.report import picture, static
from pytest_quecfota.report.comparison import compare
from pytest_quecfota.report.evidence import open_run
from pytest_quecfota.report.verdicts import Verdict


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = made.run(tmp_path_factory.mktemp("evidence"), finish=False)
    picture.draw(found.directory / "tests" / "test_full_package")
    found.finish(1)
    return found.directory


@pytest.fixture(scope="module")
def page(run: Path) -> Seen:
    path = static.build(run)
    assert path == run / "index.html"
    return seen(path.read_text(encoding="utf-8"))


def test_the_verdict_comes_first_and_counts_follow(page: Seen) -> None:
    body = page.text
    assert (
        body.index("FAILED")
        < body.index("bench fault")
        < body.index("Faults of the module")
        < body.index("Faults of the bench")
    )


def test_module_and_bench_faults_are_told_apart(page: Seen) -> None:
    module, bench = page.text.split("Faults of the bench")
    assert "Downloaded (7,10703) did not come" in module.split("Faults of the module")[1]
    assert "gave no answer to '*IDN?'" in bench
    assert "supply timeout" in bench


def test_everything_is_in_the_one_file(page: Seen) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "iframe", "object")
        assert not any(name.startswith("on") for name in attributes)
        source = attributes.get("src") or ""
        assert source == "" or source.startswith("data:image/svg+xml,")
        target = attributes.get("href") or "#"
        assert not target.startswith(("http", "//"))


def test_every_link_leads_somewhere(page: Seen, run: Path) -> None:
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    for _, attributes in page.tags:
        target = attributes.get("href")
        if target and target.startswith("#"):
            assert unquote(target[1:]) in places
        elif target:
            assert (run / unquote(target)).is_file()


def test_the_picture_in_the_page_is_the_one_in_the_folder(page: Seen, run: Path) -> None:
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(sources) == 1
    image = unquote(str(sources[0]).removeprefix("data:image/svg+xml,"))
    assert image == (run / "tests" / "test_full_package" / "timeline.svg").read_text(encoding="utf-8")


def test_bad_news_are_open_and_good_news_are_folded(page: Seen) -> None:
    found = {
        a["class"]: "open" in a
        for tag, a in page.tags
        if tag == "details" and (a.get("class") or "").startswith("test ")
    }
    assert found == {"test failed": True, "test broken": True, "test passed": False, "test skipped": False}


def test_every_requirement_is_in_the_matrix(page: Seen) -> None:
    places = {attributes.get("id") for tag, attributes in page.tags if tag == "tr"}
    assert {"OTA-01", "PWR-09", "CON-03"} <= places
    assert "no proof for hardware" in page.text


def test_the_failure_text_is_escaped(page: Seen) -> None:
    assert "supply gave no answer <b>& more</b>" in page.text


def test_the_page_says_whether_the_evidence_is_whole(run: Path, tmp_path: Path) -> None:
    assert "Evidence whole" in static.build(run).read_text()
    killed = made.run(tmp_path, finish=False)
    text = static.build(killed.directory).read_text()
    assert "Evidence not whole" in text
    assert "the run did not come to its end" in text


def test_hostile_names_and_texts_add_no_markup(tmp_path: Path) -> None:
    bad = "</pre><script>alert(1)</script>\"'\x00\x1b[31m"
    tests = [(Verdict(f"t.py::test_{bad}", "failed", (bad,), message=bad, title=bad, reason=bad), made.upgrade(), bad)]
    found = made.run(tmp_path, tests=tests)
    text = static.build(found.directory).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "\x00" not in text


def test_on_hardware_only_the_real_thing_is_proof(tmp_path: Path) -> None:
    tests = [
        (Verdict("t.py::test_a", "passed", ("OTA-07",)), [], ""),
        (Verdict("t.py::test_b", "passed", ("OTA-05",)), [], ""),
    ]
    text = seen(static.build(made.run(tmp_path, rig=made.BENCH, tests=tests).directory).read_text()).text
    assert "proven, tool only" in text.split("OTA-05")[1][:200]
    assert "proven, tool only" not in text.split("OTA-07")[1][:160]


def test_a_run_without_a_catalogue_still_has_a_page(tmp_path: Path) -> None:
    found = made.run(tmp_path)
    (found.directory / "requirements.yaml").write_text("nonsense: [")
    assert "OTA-06" in static.build(found.directory).read_text()


def test_a_run_without_tests_has_a_page(tmp_path: Path) -> None:
    assert "NO VERDICT" in static.build(made.run(tmp_path, tests=[]).directory).read_text()


def test_pictures_beyond_the_budget_are_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = made.run(tmp_path)
    picture.draw(found.directory / "tests" / "test_full_package")
    monkeypatch.setattr("pytest_quecfota.report.tests_section.EMBEDDED_BYTES", 10)
    text = static.build(found.directory).read_text()
    assert "data:image" not in text
    assert 'href="tests/test_full_package/timeline.svg"' in text


def test_two_runs_are_compared_by_test(tmp_path: Path) -> None:
    before = made.run(tmp_path)
    changed = [
        (
            replace(verdict, outcome={"failed": "passed", "passed": "failed"}.get(verdict.outcome, verdict.outcome)),
            [],
            "",
        )
        for verdict, _, _ in made.TESTS[:-1]
    ]
    now = made.run(tmp_path, tests=[*changed, (Verdict("t.py::test_new", "passed"), [], "")])
    found = compare(open_run(now.directory), open_run(before.directory))
    assert [(change.kind, change.nodeid.split("::")[1]) for change in found.changes] == [
        ("worse", "test_brownout[cut-500ms]"),
        ("worse", "test_full_package"),
        ("gone", "test_blocks"),
        ("better", "test_step_by_step"),
        ("new", "test_new"),
    ]
    assert found.same == 1
    text = seen(static.build(now.directory, against=before.directory).read_text()).text
    assert "worse than before (2)" in text
    assert f"1 tests ended as in {before.directory.name}" in text


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        static.build(tmp_path)
