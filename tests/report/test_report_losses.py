"""What a full disk keeps from being written: noted, told once, and never the end of a run."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import allure_commons
import made_evidence as made
import pytest
from allure_commons import model2
from allure_commons.logger import AllureFileLogger

from pytest_quecfota.errors import Reason
from pytest_quecfota.report import evidence, losses, whole
from pytest_quecfota.report.allure_guard import Guard, sweep
from pytest_quecfota.report.evidence import Run, open_run
from pytest_quecfota.report.losses import Losses
from pytest_quecfota.report.verdicts import Verdict

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A disk that is full while the list holds True."""
    state = [False]
    write = whole.write

    def perhaps(path: Path, body: str | bytes, **options: str) -> None:
        if state[0]:
            raise FULL
        write(path, body, **options)

    monkeypatch.setattr(whole, "write", perhaps)
    return state


def test_a_loss_is_noted_and_what_follows_goes_on() -> None:
    lost = Losses()
    with lost.noted("the picture"):
        raise FULL
    with lost.noted("the picture"):
        raise FULL
    assert lost
    assert lost.told == ["the picture cannot be written: [Errno 28] No space left on device"]


def test_what_was_lost_is_taken_once() -> None:
    lost = Losses()
    assert lost.take() is None
    lost.add("one", FULL)
    lost.add("two", FULL)
    fault = lost.take()
    assert fault is not None
    assert (fault.reason, "one" in str(fault)) == (Reason.EVIDENCE_UNWRITABLE, True)
    assert lost.take() is None
    assert len(lost.told) == 2


def test_only_a_disk_is_noted() -> None:
    lost = Losses()
    with pytest.raises(ValueError, match="another"), lost.noted("the picture"):
        raise ValueError("another")
    assert not lost


def test_a_full_disk_and_a_spent_quota_are_known() -> None:
    assert losses.is_full(FULL)
    assert losses.is_full(OSError(errno.EDQUOT, "Disk quota exceeded"))
    assert not losses.is_full(OSError(errno.EACCES, "Permission denied"))
    assert not losses.is_full(None)


def test_a_verdict_that_found_no_room_is_written_when_there_is_some(tmp_path: Path, disk: list[bool]) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED)
    folder = run.test_directory("t.py::test_x")
    disk[0] = True
    kept = run.record(Verdict("t.py::test_x", "failed", message="why"), "why, in full")
    with pytest.raises(OSError, match="No space left"):
        run.settled()
    assert run.as_record().verdicts == (kept,)
    assert [verdict.outcome for verdict in open_run(tmp_path).verdicts] == ["unfinished"]
    disk[0] = False
    run.settled()
    assert open_run(tmp_path).verdicts == (kept,)
    assert (folder / "failure.txt").read_text() == "why, in full"
    assert json.loads((folder / "test.json").read_text())["outcome"] == "failed"


def test_the_end_of_a_run_finds_the_room_that_was_held_back(tmp_path: Path, disk: list[bool]) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED)
    disk[0] = True
    run.record(Verdict("t.py::test_x", "broken"))
    disk[0] = False
    run.lost(["the picture cannot be written"])
    run.finish(8)
    found = open_run(tmp_path)
    assert (found.head["exit_status"], found.head["lost"]) == (8, ["the picture cannot be written"])
    assert [verdict.outcome for verdict in found.verdicts] == ["broken"]
    assert evidence.verify(found.directory) == []


def test_a_test_that_finds_no_room_leaves_no_empty_folder(tmp_path: Path, disk: list[bool]) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED)
    disk[0] = True
    with pytest.raises(OSError, match="No space left"):
        run.test_directory("t.py::test_x")
    assert list((run.directory / "tests").iterdir()) == []


def test_allures_results_that_find_no_room_are_noted(tmp_path: Path) -> None:
    lost = Losses()
    writer = AllureFileLogger(str(tmp_path / "results"))
    writer._report_dir = tmp_path / "gone"
    allure_commons.plugin_manager.register(writer)
    guard = Guard(lost).on()
    try:
        allure_commons.plugin_manager.hook.report_result(result=model2.TestResult(uuid="1", name="x"))
        allure_commons.plugin_manager.hook.report_attached_data(body=b"x", file_name="x.txt")
    finally:
        guard.off()
        guard.off()
        allure_commons.plugin_manager.unregister(writer)
    assert [line.partition(" cannot")[0] for line in lost.told] == [
        "Allure's result of a test",
        "an attachment for Allure",
    ]


def test_halves_of_allures_results_are_swept_away(tmp_path: Path) -> None:
    for name in ("1-result.json.tmp", "2-result.json"):
        (tmp_path / name).write_text("{}")
    sweep(tmp_path)
    sweep(tmp_path / "nowhere")
    assert [path.name for path in tmp_path.iterdir()] == ["2-result.json"]
