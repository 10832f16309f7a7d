"""The main job, from the rig file to the report, and that it can fail."""

from __future__ import annotations

import json
import subprocess

import pytest

FULL = """
import pytest
from pytest_quecfota import repeated, sequence, urc

@pytest.mark.requirement("OTA-07")
def test_full_package(module, fota_plan, upgrade, evidence):
    plan = fota_plan()
    run = upgrade(plan)
    assert run.outcome == "upgraded"
    assert module.firmware_version() == plan.target_version
    (evidence / "mine.txt").write_text("mine")

@pytest.mark.requirement("OTA-06")
def test_step_by_step(module, events, fota_plan):
    fota_plan()
    module.connect(mode=2)
    offer = module.request_upgrade()
    assert (offer.min_battery, offer.min_signal) == (30, -113)
    module.confirm_upgrade()
    events.expect(
        sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, repeated(urc.Updating), urc.Updated),
        within="15 min", never=urc.UpdateFailed,
    )
"""


def test_an_upgrade_leaves_evidence_and_an_allure_report(project):
    result = project.run("--rig", "virtual", tests=FULL)
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["verdict  PASSED*", "report *evidence/*"])

    folder = project.evidence / "tests" / "test_full_package"
    kinds = {json.loads(line)["kind"] for line in (folder / "timeline.jsonl").read_text().splitlines()}
    assert {"rx", "tx", "urc", "response", "supply", "platform", "step", "note"} <= kinds
    assert "+QIOTEVT: 7,10705" in (folder / "uart.log").read_text()
    assert (folder / "timeline.svg").read_text().lstrip().startswith("<?xml")
    run = json.loads((project.evidence / "run.json").read_text())
    assert [test["outcome"] for test in run["tests"]] == ["passed", "passed"]
    checked = subprocess.run(
        ["sha256sum", "-c", "MANIFEST.sha256"], cwd=project.evidence, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stdout

    full = project.allure()["test_full_package"]
    labels = {(label["name"], label["value"]) for label in full["labels"]}
    assert ("parentSuite", "virtual") in labels
    assert any(link["name"] == "OTA-07" for link in full["links"])
    assert any("confirm" in step["name"] for step in full["steps"])
    assert {"image/svg+xml", "text/plain"} <= {attachment["type"] for attachment in full["attachments"]}
    results = project.evidence / "allure-results"
    assert {"environment.properties", "categories.json", "executor.json"} <= {path.name for path in results.iterdir()}


def test_no_secret_is_in_the_evidence(project):
    tests = """
import json, pathlib
def test_secrets(rig, module, fota_plan, upgrade, request):
    upgrade(fota_plan())
    pathlib.Path("secrets.json").write_text(json.dumps(rig.secrets()))
"""
    result = project.run("--rig", "virtual", "-s", "-v", tests=tests)
    result.assert_outcomes(passed=1)
    secrets = json.loads((project.path / "secrets.json").read_text())
    assert len(secrets) >= 3
    written = [path for path in project.evidence.resolve().rglob("*") if path.is_file()]
    assert len(written) > 10
    for secret in secrets:
        assert secret not in result.stdout.str() + result.stderr.str()
        assert not [path for path in written if secret.encode() in path.read_bytes()]


def test_a_module_that_skips_10703_fails_with_a_text_that_says_so(project):
    result = project.run("--rig", "virtual", "--defect", "skip-10703", "-k", "full", tests=FULL)
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "*Downloaded (7,10703) did not come*",
            "*expected *DownloadStarted, Downloading*",
            "*missing *Downloaded; instead: Updating*",
            "*why *OTA-06*",
            "*files *uart.log*",
        ]
    )
    assert project.allure()["test_full_package"]["status"] == "failed"
    assert project.junit()["test_full_package"] == ["failure"]


def test_real_firmware_files_are_upgraded_to(project):
    """Any file can be the content of a package: here one that is full of what could be taken for protocol."""
    folder = project.path / "firmware"
    folder.mkdir()
    (folder / "real_V7_1.bin").write_bytes(b"\r\nOK\r\n+QIOTEVT: 7,10705\r\n\x00\xff" * 3000)
    tests = """
def test_real(module, fota_plan, upgrade):
    plan = fota_plan()
    assert plan.target_version == "real_V7_1"
    assert upgrade(plan).outcome == "upgraded"
    assert module.firmware_version() == "real_V7_1"
    assert upgrade(fota_plan()).outcome == "upgraded"
"""
    result = project.run("--rig", "virtual", "--firmware", str(folder), tests=tests)
    result.assert_outcomes(passed=1)


def test_an_alluredir_of_the_user_wins(project):
    result = project.run("--rig", "virtual", "--alluredir", "mine", "-k", "steps", tests="def test_steps(module): pass")
    result.assert_outcomes(passed=1)
    assert list((project.path / "mine").glob("*-result.json"))
    assert not (project.evidence / "allure-results").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_xdist_gives_each_worker_its_rig(project, workers):
    """One rig: one worker is fine, a second has no rig and the run says so."""
    result = project.run("--rig", "virtual", "-n", workers, tests="def test_it(module): pass")
    if workers == "1":
        result.assert_outcomes(passed=1)
        assert json.loads((project.evidence / "run.json").read_text())["tests"][0]["outcome"] == "passed"
    else:
        assert "worker gw1 has no rig" in result.stdout.str() + result.stderr.str()
