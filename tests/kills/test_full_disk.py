"""The disk that takes the evidence is full: a bench fault that says so; what was recorded before it is readable."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from kills.conftest import readable

TESTS = """
def test_upgrades(module, fota_plan, upgrade):
    for _ in range(20):
        upgrade(fota_plan())
"""
RUN = "mount -t tmpfs -o size={size}k none evidence && {python} -m pytest --rig virtual; code=$?; cp -r evidence kept; exit $code"


def own_mounts() -> bool:
    """Whether a process may mount a small file system of its own here."""
    command = ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


@pytest.fixture
def filled(project):
    """A run whose evidence lies on a file system that soon is full: what it said, how it ended, what it left."""
    if not own_mounts():
        pytest.skip("this machine lets nobody mount a small file system (unshare -Urm)")
    (project.path / "evidence").mkdir()
    (project.path / "test_it.py").write_text(TESTS)
    command = ["unshare", "-Urm", "sh", "-c", RUN.format(size=120, python=sys.executable)]
    return subprocess.run(command, cwd=project.path, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.timeout(120)
def test_what_was_recorded_before_the_disk_was_full_is_readable(project, filled):
    """The run says what is wrong, no test fails for it, and the timeline up to then can be read."""
    assert "No space left on device" in filled.stdout + filled.stderr
    assert "1 failed" not in filled.stdout
    (timeline,) = (project.path / "kept").glob("*-virtual/tests/test_upgrades/timeline.jsonl")
    assert len(readable(timeline)) > 50


@pytest.mark.timeout(120)
@pytest.mark.xfail(
    strict=True, reason="allure-pytest and the files of the run are written without regard to a full disk"
)
def test_a_full_disk_is_a_bench_fault_and_not_the_end_of_the_run(filled):
    """Exit code 8, and no internal error of pytest."""
    assert "INTERNALERROR" not in filled.stdout + filled.stderr
    assert filled.returncode == 8
