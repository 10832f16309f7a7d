"""Whole runs on a rig whose supply trips, is killed, slow or lying in the middle of a test: bench faults within their limits.

By default one run with a trip and a lie; with `QUECFOTA_KILLS` set every way in which a supply goes bad.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import pytest
from lying_line import LyingLine
from plugin.conftest import OUTSIDE, Project

from pytest_quecfota.rig import load
from pytest_quecfota.rig.bench import start

TESTS = """
import socket

def tell(port, text):
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(text)
        link.recv(10)

def test_protection_trips(module, supply):
    tell({supply}, b"VOLT 4.5,(@1)\\n*OPC?\\n")  # somebody turns the voltage up at the front panel
    module.firmware_version()

def test_after_the_trip(module, supply):
    assert 3.2 < supply.measure().voltage < 3.4
    assert module.firmware_version()

def test_supply_goes_bad(module, supply):
    assert 3.2 < supply.measure().voltage < 3.4
    tell({orders}, b"{mode}")
    for _ in range(3):
        supply.set(voltage=3.2)
        supply.measure()

def test_after_it(module, supply):
    supply.measure()
"""
VERDICTS = {
    "test_protection_trips": "broken",
    "test_after_the_trip": "passed",
    "test_supply_goes_bad": "broken",
    "test_after_it": "broken",
}
LONGEST = 60.0  # real seconds a run may take however bad its supply is, also on a busy machine
MODES = LyingLine.MODES[1:] if os.environ.get("QUECFOTA_KILLS") else ("stale",)


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


@pytest.fixture
def line(project: Project) -> Iterator[LyingLine]:
    """A line to the supply of the rig `outside`, whose bench the runs do not start."""
    with start(load(project.path / "rigs" / "virtual.yaml")) as bench:
        _, host, port, _ = bench.ready["supply"].split("::")
        line = LyingLine((host, int(port)))
        try:
            text = OUTSIDE.format(**{**bench.ready, "supply": line.address})
            (project.path / "rigs" / "outside.yaml").write_text(text)
            yield line
        finally:
            line.close()


@pytest.mark.timeout(400)
def test_a_supply_that_goes_bad_is_a_bench_fault_and_never_the_modules(project, line):
    for mode in sorted(MODES, key=lambda mode: mode == "killed"):  # that one is for good
        line.do("honest")
        started = time.monotonic()
        text = TESTS.format(supply=line.supply_port, orders=line.orders, mode=mode)
        result = project.run("--rig", "outside", tests=text)
        took = time.monotonic() - started
        assert result.ret == 8, f"{mode}: {result.stdout.str()}"
        assert took < LONGEST, mode
        assert "the over-voltage protection of output 1 has switched it off" in result.stdout.str()
        assert not [name for name, elements in project.junit().items() if "failure" in elements], mode
        assert {name: allure["status"] for name, allure in project.allure().items()} == VERDICTS, mode
        lines = (project.evidence / "tests" / "test_supply_goes_bad" / "timeline.jsonl").read_text().splitlines()
        records = [json.loads(record) for record in lines]
        samples = [record["voltage"] for record in records if record["kind"] == "sample"]
        assert all(3.0 < volts < 3.6 for volts in samples), (mode, samples)
