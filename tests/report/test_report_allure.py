"""What Allure gets: labels, statuses, categories and files, tried with allure-pytest itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import made_evidence as made
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.errors import LeaseLost, PortLost, SupplyError
from pytest_quecfota.report import allure, allure_files, requirements
from pytest_quecfota.report.evidence import Run
from pytest_quecfota.report.verdicts import Verdict


def test_labels_say_rig_group_file_and_requirements() -> None:
    catalogue = requirements.load(made.CATALOGUE)
    found = allure.labels(
        "hil_tests/test_upgrade.py::test_x[a]", rig="bench2", ids=("OTA-07", "OTA-05"), catalogue=catalogue
    )
    assert found[:4] == [
        ("parentSuite", "bench2"),
        ("suite", "Upgrade of the module (FOTA)"),
        ("subSuite", "test_upgrade"),
        ("feature", "Upgrade of the module (FOTA)"),
    ]
    assert ("tag", "OTA-07") in found
    assert [value for name, value in found if name == "epic"] == ["The module", "The host"]
    assert found[5][1].startswith("OTA-07 The module restarts by itself")


def test_a_test_without_requirement_has_a_place_too() -> None:
    assert ("suite", requirements.OTHER) in allure.labels("t.py::test_x", rig="virtual")


def test_links_follow_the_users_pattern_else_lead_to_our_page() -> None:
    assert allure.links(["OTA-07"]) == [("../index.html#OTA-07", "OTA-07")]
    assert allure.links(["OTA-07"], pattern="https://req/{}") == [("https://req/OTA-07", "OTA-07")]


@pytest.mark.parametrize(
    ("outcome", "before", "after"),
    [
        ("failed", "passed", "failed"),
        ("failed", "broken", "broken"),
        ("broken", "failed", "broken"),
        ("blocked", "failed", "broken"),
        ("passed", "passed", "passed"),
        ("skipped", "skipped", "skipped"),
    ],
)
def test_the_status_follows_the_verdict(outcome: str, before: str, after: str) -> None:
    assert allure.status_of(Verdict("a", outcome), before) == after


def matching(status: str, message: str) -> list[str]:
    """The categories a result falls into, as Allure decides it."""
    return [
        category["name"]
        for category in allure_files.categories()
        if status in category["matchedStatuses"] and re.fullmatch(category.get("messageRegex", "(?s).*"), message)
    ]


@pytest.mark.parametrize(
    ("status", "message", "name"),
    [
        ("failed", "Downloaded (7,10703) did not come\n  expected …", "Module fault"),
        ("broken", "bench fault (supply timeout): supply gave\nno answer", "Bench fault"),
        ("broken", "pytest_quecfota.errors.PortLost: the port is gone", "Bench fault"),
        ("broken", "blocked: bricked by test_x", "Blocked"),
        ("broken", "pytest_quecfota.session.Blocked: blocked: bricked by test_x", "Blocked"),
        ("broken", "KeyError: 'x'", "Fault of a test or the tool"),
        ("broken", "", "Fault of a test or the tool"),
        ("skipped", "Skipped: needs mcu: the rig has none", "Skipped by need"),
        ("skipped", "needs cuts", "Skipped by need"),
        ("skipped", "Skipped: later", "Skipped"),
    ],
)
def test_every_result_falls_into_exactly_one_category(status: str, message: str, name: str) -> None:
    assert matching(status, message) == [name]


@given(st.text(max_size=60))
def test_no_message_falls_between_categories(message: str) -> None:
    for status in ("failed", "broken", "skipped"):
        assert len(matching(status, message)) == 1


def test_every_bench_error_of_ours_is_a_bench_fault() -> None:
    for kind in (PortLost, SupplyError, LeaseLost):
        assert matching("broken", f"{kind.__module__}.{kind.__name__}: x") == ["Bench fault"]


def parsed(text: str) -> dict[str, str]:
    """A properties file as Java reads it."""
    found = {}
    for line in text.splitlines():
        key, value = re.fullmatch(r"((?:[^\\=]|\\.)*)=(.*)", line).groups()  # type: ignore[union-attr]
        found[unescaped(key)] = unescaped(value)
    return found


def unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        escape = match[1]
        if escape.startswith("u"):
            return chr(int(escape[1:], 16))
        return {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}.get(escape, escape)

    units = re.sub(r"\\(u[0-9a-f]{4}|.)", one, text)
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20), max_size=4))
def test_properties_are_ascii_and_come_back_as_they_were(facts: dict[str, str]) -> None:
    text = allure_files.properties(facts)
    assert text.isascii()
    assert text.count("\n") == len(facts)
    assert parsed(text) == facts


def test_the_environment_names_what_was_tested_with_what(tmp_path: Path) -> None:
    rig = SimpleNamespace(
        name="bench2",
        module=SimpleNamespace(model="BC25", port=SimpleNamespace(url="/dev/ttyUSB0"), product_secret="s3cret"),
        supply=SimpleNamespace(profile="keysight-e36300", visa="TCPIP::192.0.2.50::5025::SOCKET"),
        developer_center=SimpleNamespace(kind="manual", token="s3cret"),
        speed=1.0,
    )
    run = Run(tmp_path, ["bench2"], made.STARTED, command=["pytest", "s3cret"], secrets=["s3cret"])
    run.module({"revision": "BC25_FOTA_V1_0"})
    allure_files.write_run_files(tmp_path / "results", run, [rig])
    written = (tmp_path / "results" / "environment.properties").read_text()
    facts = parsed(written)
    assert facts["Module revision"] == "BC25_FOTA_V1_0"
    assert facts["bench2 port"] == "/dev/ttyUSB0"
    assert facts["Command"] == "pytest ***"
    assert "s3cret" not in written
    assert len(json.loads((tmp_path / "results" / "categories.json").read_text())) == 6


@pytest.mark.parametrize(
    ("environ", "kind", "order"),
    [
        ({}, "local", 20261123120344),
        (
            {"JENKINS_URL": "x", "BUILD_NUMBER": "17", "JOB_NAME": "nightly", "BUILD_URL": "http://joe:pw@ci/17"},
            "jenkins",
            17,
        ),
        ({"GITHUB_ACTIONS": "true", "GITHUB_RUN_NUMBER": "5"}, "github", 5),
        ({"GITLAB_CI": "true", "CI_PIPELINE_IID": "odd"}, "gitlab", 20261123120344),
    ],
)
def test_the_executor_is_the_ci_system_or_this_machine(environ: dict[str, str], kind: str, order: int) -> None:
    found = allure_files.executor({"rigs": [{"name": "v"}]}, "20261123-120344-v", environ)
    assert (found["type"], found["buildOrder"]) == (kind, order)
    assert "pw" not in json.dumps(found)


CONFTEST = """
import pytest
from pathlib import Path
from pytest_quecfota.errors import ModuleError, Reason, SupplyError
from pytest_quecfota.report import allure
from pytest_quecfota.report.evidence import Run
from pytest_quecfota.report.verdicts import Verdict, outcome_of

class Blocked(Exception):
    pass

def pytest_configure(config):
    config.addinivalue_line("markers", "requirement(id)")
    config.run = Run(Path("evidence"), ["virtual"], requirements=Path({catalogue!r}), secrets=["hunter2"])

@pytest.fixture(autouse=True)
def steps(request):
    follow = allure.follow_steps()
    yield follow

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.excinfo:
        item.error = call.excinfo.value
    if call.when == "teardown":
        error = getattr(item, "error", None)
        outcome = "blocked" if isinstance(error, Blocked) else outcome_of(error)
        folder = item.config.run.test_directory(item.nodeid)
        (folder / "uart.log").write_text("< OK hunter2")
        (folder / "power.csv").write_text("time,voltage,current")
        (folder / "timeline.svg").write_text("<svg/>")
        ids = tuple(mark.args[0] for mark in item.iter_markers("requirement"))
        reason = error.reason.value if isinstance(error, SupplyError) else ""
        verdict = Verdict(item.nodeid, outcome, ids, rig="virtual", reason=reason)
        allure.attach(folder, ["hunter2"])
        allure.complete(verdict, item.config.run.directory, failure=str(error or ""), secrets=["hunter2"])
    return report
"""

TESTS = """
import pytest
from conftest import Blocked
from pytest_quecfota.errors import ModuleError, Reason, SupplyError

@pytest.mark.requirement("OTA-07")
def test_good(steps):
    steps({"kind": "urc", "name": "Ready"})
    steps({"kind": "step", "name": "upgrade", "phase": "start"})
    steps({"kind": "step", "name": "confirm", "phase": "start"})
    steps({"kind": "step", "name": "confirm", "phase": "end", "error": "refused"})
    steps({"kind": "step", "name": "upgrade", "phase": "end"})

def test_module():
    raise ModuleError("Downloaded did not come hunter2", detail="expected …")

def test_bench():
    raise SupplyError("silent", reason=Reason.SUPPLY_TIMEOUT)

def test_blocked():
    raise Blocked("blocked: bricked by test_x")

@pytest.fixture
def broken_later():
    yield
    raise SupplyError("gone", reason=Reason.SUPPLY_LOST)

def test_teardown(broken_later):
    pass
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("project")
    (folder / "conftest.py").write_text(CONFTEST.replace("{catalogue!r}", repr(str(made.CATALOGUE))))
    (folder / "test_it.py").write_text(dedent(TESTS))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:quecfota",
        "-p",
        "no:cacheprovider",
        "--alluredir=results",
    ]
    environ = {**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(
        [*command, "-p", "allure_pytest"], cwd=folder, env=environ, capture_output=True, timeout=60, check=False
    )
    found = [json.loads(path.read_text()) for path in (folder / "results").glob("*-result.json")]
    assert not [path for path in (folder / "results").iterdir() if b"hunter2" in path.read_bytes()]
    return {result["name"]: {**result, "folder": folder / "results"} for result in found}


def labels_of(result: dict[str, Any], name: str) -> list[str]:
    return [label["value"] for label in result["labels"] if label["name"] == name]


def test_allure_has_one_place_per_test(results: dict[str, dict[str, Any]]) -> None:
    good = results["test_good"]
    assert labels_of(good, "parentSuite") == ["virtual"]
    assert labels_of(good, "suite") == ["Upgrade of the module (FOTA)"]
    assert labels_of(good, "subSuite") == ["test_it"]
    assert good["links"] == [{"type": "requirement", "url": "../index.html#OTA-07", "name": "OTA-07"}]
    assert {"name": "rig", "value": "'virtual'"} in good["parameters"]


def test_allure_has_the_files_with_their_types(results: dict[str, dict[str, Any]]) -> None:
    found = {a["name"]: a for a in results["test_good"]["attachments"]}
    assert {name: a["type"] for name, a in found.items()} == {
        "timeline": "image/svg+xml", "uart.log": "text/plain", "power": "text/csv",
    }  # fmt: skip
    folder: Path = results["test_good"]["folder"]
    assert (folder / found["uart.log"]["source"]).read_text() == "< OK ***"


def test_allure_has_the_steps_as_they_nested(results: dict[str, dict[str, Any]]) -> None:
    (upgrade,) = results["test_good"]["steps"]
    assert (upgrade["name"], upgrade["status"]) == ("upgrade", "passed")
    assert [(step["name"], step["status"]) for step in upgrade["steps"]] == [("confirm", "failed")]


@pytest.mark.parametrize(
    ("name", "status", "category"),
    [
        ("test_module", "failed", "Module fault"),
        ("test_bench", "broken", "Bench fault"),
        ("test_blocked", "broken", "Blocked"),
        ("test_teardown", "broken", "Bench fault"),
    ],
)
def test_allure_tells_whose_fault_it_is(
    results: dict[str, dict[str, Any]], name: str, status: str, category: str
) -> None:
    result = results[name]
    assert result["status"] == status
    assert matching(status, result["statusDetails"]["message"]) == [category]


def test_a_long_log_is_attached_without_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "uart.log"
    log.write_bytes(b"first line\n" + b"x" * 99 + b"\n" + b"y" * allure.LARGEST_BYTES + b"\nlast line\n")
    body, title = allure._body(log, "uart.log", [])
    assert body.endswith(b"last line\n")
    assert len(body) < allure.LARGEST_BYTES
    assert "the end; all of it" in title


def test_without_allure_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import allure_commons

    monkeypatch.setattr(allure_commons.plugin_manager, "get_plugins", list)
    (tmp_path / "uart.log").write_text("x")
    allure.attach(tmp_path)
    allure.complete(Verdict("a", "passed"), tmp_path)
    allure.follow_steps()({"kind": "step", "name": "x", "phase": "start"})
