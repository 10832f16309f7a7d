"""The manifest: sha256sum agrees with it, and every kind of tampering is told."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_quecfota.report import manifest

FILE_NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200 and not name.startswith(".MANIFEST"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "tests" / "a b").mkdir(parents=True)
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "tests" / "a b" / "uart.log").write_bytes(b"\x00\xff")
    (tmp_path / "index.html").write_text("made later")
    manifest.write(tmp_path)
    return tmp_path


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_itself_agrees(run: Path) -> None:
    (run / "tests" / "odd\\name\nof a file").write_text("x")
    manifest.write(run)
    command = ["sha256sum", "--strict", "-c", manifest.MANIFEST]
    done = subprocess.run(command, cwd=run, capture_output=True, text=True, timeout=10, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == 3


def test_untouched_evidence_has_no_problems(run: Path) -> None:
    assert manifest.verify(run) == []


def test_a_page_made_later_is_no_problem(run: Path) -> None:
    (run / "index.html").write_text("made again")
    (run / "signoff.json").write_text("{}")
    assert manifest.verify(run) == []


def test_changed_missing_and_added_files_are_each_told(run: Path) -> None:
    (run / "run.json").write_text("{} ")
    (run / "tests" / "a b" / "uart.log").unlink()
    (run / "tests" / "new").write_text("")
    assert manifest.verify(run) == [
        "run.json: changed since the run",
        "tests/a b/uart.log: missing",
        "tests/new: not in the manifest, added after the run",
    ]


def test_a_file_that_became_a_link_is_missing(run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "tests" / "a b" / "uart.log"
    copy = tmp_path / "index.html"
    copy.write_bytes(elsewhere.read_bytes())
    elsewhere.unlink()
    elsewhere.symlink_to(copy)
    assert manifest.verify(run) == ["tests/a b/uart.log: missing"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "MANIFEST.sha256: names no file"),
        ("nonsense\n", "MANIFEST.sha256:1: not a line of sha256sum"),
        (f"{'0' * 64}  ../../etc/passwd\n", "MANIFEST.sha256:1: '../../etc/passwd' lies outside the evidence"),
        (f"{'0' * 64}  /etc/passwd\n", "MANIFEST.sha256:1: '/etc/passwd' lies outside the evidence"),
    ],
)
def test_a_manifest_that_is_none_is_told(run: Path, content: str, problem: str) -> None:
    (run / manifest.MANIFEST).write_text(content)
    assert problem in manifest.verify(run)


def test_no_manifest_and_no_folder_are_told(tmp_path: Path) -> None:
    assert "did not come to its end" in manifest.verify(tmp_path)[0]
    assert "no such folder" in manifest.verify(tmp_path / "nothing")[0]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=st.sets(FILE_NAMES, min_size=1, max_size=4), data=st.binary(max_size=40))
def test_any_file_name_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, found: set[str], data: bytes
) -> None:
    run = tmp_path_factory.mktemp("run")
    for name in found:
        (run / name).write_bytes(data)
    manifest.write(run)
    kept = found - manifest.DERIVED
    assert set(manifest.read(run)[0]) == kept
    assert manifest.verify(run) == ([] if kept else ["MANIFEST.sha256: names no file"])
