"""The closing lines: five, worst news first."""

from __future__ import annotations

from pathlib import Path

import made_evidence as made
import pytest

from pytest_quecfota.report import static, summary
from pytest_quecfota.report.evidence import open_run
from pytest_quecfota.report.overview import seconds
from pytest_quecfota.report.verdicts import Verdict


def lines_of(root: Path, **more: object) -> list[str]:
    made.run(root, **more)
    return summary.lines(open_run(root))


def test_there_are_five_lines_whatever_happened(tmp_path: Path) -> None:
    assert len(lines_of(tmp_path / "a")) == 5
    assert len(lines_of(tmp_path / "b", tests=[])) == 5
    assert len(lines_of(tmp_path / "c", finish=False)) == 5


def test_verdict_and_worst_news_come_first(tmp_path: Path) -> None:
    verdict, worst, module, proven, _ = lines_of(tmp_path)
    assert verdict.startswith("verdict  FAILED: 1 failed, 1 bench fault, 1 skipped, 2 passed in ")
    assert worst == "worst    test_step_by_step: Downloaded (7,10703) did not come (and 1 more)"
    assert module == "module   BC25 BC25_FOTA_V1_0 on rig virtual (virtual)"
    assert proven == "proven   3 of 63 requirements, tool only; refuted: OTA-06; undecided: CON-03"


def test_on_hardware_what_counts_is_counted(tmp_path: Path) -> None:
    assert lines_of(tmp_path, rig=made.BENCH)[3].startswith("proven   3 of 63 requirements; refuted")


def test_good_news_are_told_too(tmp_path: Path) -> None:
    tests = [(Verdict("t.py::test_x", "passed", ("OTA-05",)), [], "")]
    verdict, worst, *_ = lines_of(tmp_path, tests=tests)
    assert verdict.startswith("verdict  PASSED: 1 passed")
    assert worst == "worst    nothing failed"


def test_the_next_command_names_the_latest_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("shutil.which", lambda _: None)
    run = made.run(tmp_path / "evidence")
    last = summary.lines(open_run(run.directory))[-1]
    assert last == f"report   evidence/{run.directory.name}   next: quecfota report evidence/latest"
    static.build(run.directory)
    assert f"evidence/{run.directory.name}/index.html" in summary.lines(open_run(run.directory))[-1]


def test_where_allure_is_installed_its_command_is_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    run = made.run(tmp_path)
    assert "quecfota report" in summary.lines(open_run(run.directory))[-1]
    (run.directory / "allure-results").mkdir()
    last = summary.lines(open_run(run.directory))[-1]
    assert last.endswith(f"allure generate {tmp_path}/latest/allure-results -o {tmp_path}/latest/allure-report --clean")


def test_a_long_message_is_cut(tmp_path: Path) -> None:
    tests = [(Verdict("t.py::test_x", "failed", message="x" * 500), [], "")]
    assert len(lines_of(tmp_path, tests=tests)[1]) < 180


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_read_like_speech(value: float, text: str) -> None:
    assert seconds(value) == text
