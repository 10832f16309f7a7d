"""The evidence of a run: true after every test, also when the run is killed."""

from __future__ import annotations

import json
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import made_evidence as made
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_quecfota.report import evidence, manifest
from pytest_quecfota.report.evidence import Run, open_run
from pytest_quecfota.report.verdicts import OUTCOMES, RigFacts, Verdict


def test_a_run_is_named_by_time_and_rig_and_latest_points_to_it(tmp_path: Path) -> None:
    run = Run(tmp_path / "evidence", ["virtual"], made.STARTED)
    local = made.STARTED.astimezone()
    assert run.directory.name == f"{local:%Y%m%d-%H%M%S}-virtual"
    assert (tmp_path / "evidence" / "latest").resolve() == run.directory


def test_runs_of_the_same_second_do_not_share_a_folder(tmp_path: Path) -> None:
    runs = [Run(tmp_path, ["virtual"], made.STARTED) for _ in range(3)]
    assert len({run.directory for run in runs}) == 3
    assert (tmp_path / "latest").resolve() == runs[-1].directory


def test_a_real_folder_called_latest_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "mine").write_text("x")
    Run(tmp_path, ["virtual"], made.STARTED)
    assert (tmp_path / "latest" / "mine").read_text() == "x"


def test_run_json_is_there_from_the_start_and_says_running(tmp_path: Path) -> None:
    run = Run(tmp_path, [made.RIG], made.STARTED, command=["pytest", "--token", "x"])
    head = json.loads((run.directory / "run.json").read_text())
    assert (head["state"], head["ended"], head["tests"]) == ("running", None, [])
    assert head["command"] == ["pytest", "--token", "***"]
    assert head["rigs"][0]["speed"] == 60
    assert head["started"] == made.STARTED.astimezone().isoformat(timespec="seconds")


def test_run_json_is_whole_after_every_test(tmp_path: Path) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED)
    for number, outcome in enumerate(OUTCOMES, start=1):
        run.record(Verdict(f"t.py::test_{number}", outcome, ("OTA-01",), 0.5, message="first\nsecond"))
        head = json.loads((run.directory / "run.json").read_text())
        assert sum(head["counts"].values()) == len(head["tests"]) == number
        assert head["tests"][-1]["message"] == "first"


def test_a_killed_run_names_the_test_that_was_running(tmp_path: Path) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED)
    run.test_directory("t.py::test_done", rig="virtual")
    run.record(Verdict("t.py::test_done", "passed", rig="virtual"))
    run.test_directory("t.py::test_running", rig="virtual")
    found = open_run(tmp_path)
    assert not found.ended
    assert [(v.nodeid, v.outcome) for v in found.verdicts] == [
        ("t.py::test_done", "passed"),
        ("t.py::test_running", "unfinished"),
    ]
    assert manifest.verify(found.directory) != []


def test_a_finished_run_can_be_read_back_and_verified(tmp_path: Path) -> None:
    run = made.run(tmp_path)
    found = open_run(tmp_path)
    assert found.ended
    assert found.directory == run.directory
    assert found.head["exit_status"] == 1
    assert found.rigs == (made.RIG,)
    assert found.verdicts == run.verdicts
    assert evidence.verify(tmp_path / "latest") == []


def test_the_same_test_keeps_its_folder_until_it_ends(tmp_path: Path) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED)
    first = run.test_directory("t.py::test_x")
    assert run.test_directory("t.py::test_x") == first
    run.record(Verdict("t.py::test_x", "failed"))
    again = run.test_directory("t.py::test_x")
    assert again != first
    assert run.record(Verdict("t.py::test_x", "passed")).attempt == 2


def test_the_folder_a_worker_made_is_the_tests_folder(tmp_path: Path) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED)
    folder = evidence.new_test_folder(run.directory, "t.py::test_x", rig="virtual")
    kept = run.record(Verdict("t.py::test_x", "failed", directory="tests/test_x"), "text")
    assert (kept.directory, (folder / "failure.txt").read_text()) == ("tests/test_x", "text")
    assert [path.name for path in (run.directory / "tests").iterdir()] == ["test_x"]


def test_processes_at_the_same_time_get_different_folders(tmp_path: Path) -> None:
    found: list[Path] = []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait(5)
        found.append(evidence.new_test_folder(tmp_path, "t.py::test_x"))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(set(found)) == 8


def test_secrets_are_nowhere_in_the_evidence(tmp_path: Path) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED, command=["pytest", "hunter2"], secrets=["hunter2"])
    run.module({"model": "BC25", "note": "hunter2"})
    run.test_directory("t.py::test_x")
    run.record(Verdict("t.py::test_x", "failed", message="got hunter2"), "hunter2 in the failure")
    run.finish(1)
    assert not [path for path in run.directory.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]


def test_the_revision_of_the_tests_is_kept(tmp_path: Path) -> None:
    def git(*command: str) -> None:
        names = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        subprocess.run(["git", "-C", tmp_path, *names, *command], check=True, capture_output=True, timeout=10)

    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "x")
    clean = evidence.git_revision(tmp_path)
    assert clean is not None
    assert len(clean) == 40
    (tmp_path / "a").write_text("2")
    assert evidence.git_revision(tmp_path) == f"{clean}-dirty"


def test_no_repository_is_no_revision(tmp_path: Path) -> None:
    assert evidence.git_revision(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"tests": [{}]}', '{"tests": 5}', '{"tests": [], "rigs": [{"x": 1}]}']
)
def test_what_is_no_run_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError, match=r"run\.json: not a record of a run"):
        open_run(tmp_path)


def test_a_folder_without_a_run_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not the evidence of a run"):
        open_run(tmp_path)


def test_members_of_a_newer_version_are_left_out(tmp_path: Path) -> None:
    run = made.run(tmp_path)
    path = run.directory / "run.json"
    head = json.loads(path.read_text())
    head["tests"][0]["colour"] = "blue"
    head["rigs"][0]["colour"] = "blue"
    path.write_text(json.dumps(head))
    assert open_run(tmp_path).verdicts == run.verdicts


def test_a_clock_as_fast_as_it_goes_survives_json(tmp_path: Path) -> None:
    Run(tmp_path, [RigFacts("v", virtual=True, speed=float("inf"))], made.STARTED + timedelta(seconds=1))
    assert open_run(tmp_path).rigs[0].speed == float("inf")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nodeid=st.text(max_size=80), message=st.text(max_size=80), text=st.text(max_size=200))
def test_any_text_can_be_recorded_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, nodeid: str, message: str, text: str
) -> None:
    root = tmp_path_factory.mktemp("evidence")
    run = Run(root, ["virtual"], made.STARTED)
    run.test_directory(nodeid)
    kept = run.record(Verdict(nodeid, "failed", message=message), text)
    run.finish(1)
    found = open_run(root).verdicts
    assert len(found) == 1
    assert found[0].directory == kept.directory
    assert evidence.verify(run.directory) == []


def test_a_test_that_was_tried_again_is_counted_once(tmp_path: Path) -> None:
    run = Run(tmp_path, ["virtual"], made.STARTED)
    for outcome in ("failed", "passed"):
        run.record(Verdict("t.py::test_x", outcome))
    head = json.loads((run.directory / "run.json").read_text())
    assert (head["counts"]["failed"], head["counts"]["passed"], len(head["tests"])) == (0, 1, 2)
