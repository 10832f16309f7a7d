"""Runs of pytest and of the bench beside which the examples of the documentation are checked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from doc_pages import ROOT

LIMIT = 120.0  # real seconds for one run of pytest, and for a bench to be ready
FAULT = "skip-10703"  # the fault of the tutorial
FAILING = "test_the_events_of_an_upgrade"  # the test it is shown on


@dataclass
class PytestRun:
    """A run of pytest in a folder of its own."""

    folder: Path
    process: subprocess.Popen[str]

    def finish(self) -> str:
        """Wait for its end and return what it said."""
        try:
            return self.process.communicate(timeout=LIMIT)[0]
        finally:
            self.process.kill()
            self.process.wait()

    def verdicts(self) -> dict[str, str]:
        """By test name: passed, or the kind of the element that JUnit XML has for it."""
        found = {}
        for case in ElementTree.parse(self.folder / "junit.xml").iter("testcase"):
            kinds = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
            found[case.attrib["name"]] = kinds[0] if kinds else "passed"
        return found


def start_pytest(folder: Path, *arguments: str) -> PytestRun:
    """Start pytest on the virtual rig in a folder; modules that lie there can be imported."""
    (folder / "rigs").mkdir(exist_ok=True)
    shutil.copy(ROOT / "rigs" / "virtual.yaml", folder / "rigs")
    (folder / "pytest.ini").write_text(
        "[pytest]\naddopts = --strict-markers -p no:cacheprovider\nfilterwarnings = error\n"
    )
    command = [sys.executable, "-m", "pytest", "--rig", "virtual", "--junitxml=junit.xml", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**clean_environment(), "PYTHONPATH": str(folder)},
    )
    return PytestRun(folder, process)


def clean_environment() -> dict[str, str]:
    """The environment without what a run of pytest or a user's own settings would put into it."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_")) and name not in {"QUECFOTA_RIG", "QUECFOTA_EVIDENCE"}
    }


@dataclass
class RunningBench:
    """A bench that `quecfota bench --json` runs; its ready line is in `ready.json` of `folder`."""

    folder: Path
    ready: dict[str, Any]
