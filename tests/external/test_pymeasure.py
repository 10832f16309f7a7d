"""pymeasure's drivers, in an environment of their own, set, switch and read the virtual supplies over pyvisa-py."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import driver_environment
import pytest
from outside_bench import running_bench

SCRIPT = Path(__file__).with_name("with_pymeasure.py")
PROFILES = {"E36312A": "keysight-e36300", "HMP4040": "rs-hmp4040"}

pytestmark = pytest.mark.external


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """What a driver saw, by its name; each is run once."""
    python = driver_environment.interpreter()
    if python is None:
        pytest.skip(f"no pymeasure in {driver_environment.folder()}: python tests/external/driver_environment.py")
    seen: dict[str, Any] = {}

    def drive(name: str) -> Any:
        if name not in seen:
            with running_bench(tmp_path_factory.mktemp(name), profile=PROFILES[name]) as ready:
                command = [str(python), str(SCRIPT), name, ready["supply"]]
                done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, done.stderr
            seen[name] = json.loads(done.stdout.splitlines()[-1])
        return seen[name]

    return drive


@pytest.mark.parametrize("name", PROFILES)
def test_it_says_what_it_is(driven, name):
    assert name in driven(name)["identity"]


def test_the_e36312a_is_set_switched_and_read(driven):
    seen = driven("E36312A")
    assert seen["set"] == [3.1, 0.8]
    assert seen["volts"] == pytest.approx(3.1, abs=0.01)
    assert (seen["on"], seen["off"], seen["complete"]) == (True, False, "1")
    assert seen["current while off"] <= 0
    assert seen["other output"] == [12, False, 0]


def test_the_hmp4040_is_set_switched_and_read(driven):
    seen = driven("HMP4040")
    assert seen["version"] == 1999.0
    assert seen["set"] == [1, 3.1, 0.8]
    assert seen["bounds"] == [0, 32.05, 0, 10.01]
    assert (seen["stepped"], seen["applied"], seen["off"]) == (3.2, [3.3, 1.0], False)
    assert seen["volts"] == pytest.approx(3.3, abs=0.01)


@pytest.mark.parametrize("name", PROFILES)
def test_no_command_of_the_driver_is_an_error_and_nonsense_is(driven, name):
    seen = driven(name)
    assert seen["errors"] == []
    assert [error[0] for error in seen["errors after nonsense"]] == [-113]
