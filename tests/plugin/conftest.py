"""A complete little project for each test of the plugin: a rig file, some tests, run in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

VIRTUAL = """\
name: virtual
module: {model: BC25}
supply: {profile: keysight-e36300, channel: 1, nominal: {voltage: 3.3, current_limit: 1.0}, limits: {min: 2.1, max: 3.6}}
allow: [cuts]
mcu: [{component: STM32, version: "1_0_0"}]
developer_center: {kind: embedded}
virtual: {speed: 60}
"""


class Project:
    """A folder with tests and a virtual rig."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        (self.path / "rigs").mkdir()
        (self.path / "rigs" / "virtual.yaml").write_text(VIRTUAL)

    def run(self, *arguments: str, tests: str = "") -> pytest.RunResult:
        """Run pytest; `tests` is the text of its one test file."""
        if tests:
            self.pytester.makepyfile(test_it=tests)
        return self.pytester.runpytest_subprocess("--junitxml=junit.xml", *arguments, timeout=120)

    @property
    def evidence(self) -> Path:
        """The evidence of the last run."""
        return self.path / "evidence" / "latest"

    def allure(self) -> dict[str, dict[str, Any]]:
        """The Allure results by test name."""
        results = [json.loads(p.read_text()) for p in (self.evidence / "allure-results").glob("*-result.json")]
        return {result["name"]: result for result in results}

    def junit(self) -> dict[str, list[str]]:
        """What JUnit XML says of each test: the names of the elements in it (failure, error, skipped)."""
        tree = ElementTree.parse(self.path / "junit.xml")
        kept = {"failure", "error", "skipped"}
        found: dict[str, list[str]] = {}
        for case in tree.iter("testcase"):
            found.setdefault(case.attrib["name"], []).extend(child.tag for child in case if child.tag in kept)
        return found


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """An empty project with a virtual rig."""
    return Project(pytester)
