"""A whole pytest run on a rig with a real MCU: what passes, what is skipped saying why, what fails as whose fault."""

from __future__ import annotations

import json

TESTS = """
import pytest
from pytest_quecfota import urc

@pytest.mark.requirement("OTA-05")
def test_upgrade(fota_plan, upgrade, module, events):
    run = upgrade(fota_plan())
    assert run.outcome == "upgraded"
    assert module.firmware_version() == run.target_version
    assert events.seen(urc.UpgradeOffered)

@pytest.mark.needs("cuts")
def test_cut(fota_plan, upgrade, brownout):
    with brownout(at=urc.Downloading, after=0.5, waveform="cut-500ms"):
        run = upgrade(fota_plan())
    assert run.outcome == "upgraded", run.reason

@pytest.mark.requirement("SOTA-03")
def test_gap(sota_plan, upgrade):
    upgrade(sota_plan(payload=bytes(5000)))

@pytest.mark.needs("played")
def test_played(module):
    module.connect()

def test_writes(module):
    module.at("AT+CSQ")

def test_refuses(module, upgrade, sota_plan):
    upgrade(sota_plan(), confirm=False)
"""


def test_a_run_on_a_rig_with_a_real_mcu(observed, pytester):
    (pytester.path / "rigs").mkdir()
    (pytester.path / "rigs" / "observed.yaml").write_text(observed.rig_file.read_text())
    pytester.makepyfile(test_it=TESTS)
    observed.mcu(leave_out=True, resilient=True)
    try:
        result = pytester.runpytest_subprocess("--rig", "observed", "-rs", timeout=120)
    finally:
        observed.unplug()
    result.assert_outcomes(passed=2, failed=1, skipped=3)
    text = result.stdout.str()
    for told in (
        "HostError: the MCU never read the bytes 1024 to 2047",
        "needs played, which rig observed has not",
        "AT+CSQ was not sent: a real MCU talks to this module",
        "the real MCU decides by itself",
    ):
        assert told in text, told
    run = json.loads((pytester.path / "evidence" / "latest" / "run.json").read_text())
    assert run["rigs"][0]["host"] == "observed"
    log = next((pytester.path / "evidence" / "latest" / "tests").glob("*upgrade*/uart.log")).read_text()
    assert "> AT+QIOTUPDATE=1" in log
