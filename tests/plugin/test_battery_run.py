"""A run in which a test leaves a battery behind: the next one has its nominal supply, and both have their samples."""

from __future__ import annotations

import csv

TESTS = """
def test_leaves_a_battery(module, events, battery):
    cell = battery(charge=0.1, internal_resistance=0.0)
    assert cell.is_running
    events.pause("20 s")

def test_has_nominal_power(supply, module, events):
    assert abs(supply.measure().voltage - supply.nominal.voltage) < 0.01
    events.pause("60 s")
"""


def test_a_battery_ends_with_its_test_and_samples_are_kept(project):
    project.run("--rig", "virtual", tests=TESTS).assert_outcomes(passed=2)
    folders = project.evidence / "tests"
    for name, low in (("test_leaves_a_battery", True), ("test_has_nominal_power", False)):
        with (folders / name / "power.csv").open(newline="") as file:
            header, *rows = csv.reader(file)
        assert header == ["time_s", "voltage_v", "current_a"]
        times = [float(row[0]) for row in rows]
        assert len(times) >= 3
        assert times == sorted(times)
        assert any(float(row[1]) < 2.9 for row in rows) is low
