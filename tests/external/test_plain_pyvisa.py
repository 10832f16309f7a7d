"""A script with no code of ours, pyvisa and pyserial only, drives the supply; the module goes and comes with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("plain_pyvisa.py")


@pytest.fixture(scope="module")
def seen(ready):
    """What the script saw, from setting the supply to power on again."""
    command = [sys.executable, str(SCRIPT), ready["supply"], ready["at"]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.external
def test_the_supply_says_what_it_is(seen):
    assert seen["identity"].count(",") == 3, "manufacturer, model, serial number, firmware"
    assert "E3631" in seen["identity"]


@pytest.mark.external
def test_what_is_set_is_read_back_and_measured(seen):
    assert seen["set"] == [3.1, 0.8]
    assert 0 < seen["drawn"] < 0.8
    assert seen["still there"]


@pytest.mark.external
def test_the_module_is_silent_without_power(seen):
    assert seen["output off"] == "0"
    assert seen["said while off"] == ""


@pytest.mark.external
def test_the_module_starts_when_the_power_comes_back(seen):
    assert seen["output on"] == "1"
    assert seen["said after power on"] == "RDY\r\n"


@pytest.mark.external
def test_what_the_supply_does_not_know_is_in_its_error_queue_once(seen):
    assert seen["errors"][0].startswith("-113")
    assert seen["errors"][1].lstrip("+").startswith("0")
