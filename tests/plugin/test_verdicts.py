"""Who is to blame: module faults fail in every phase, bench faults are errors in every phase, blocked tests are told apart."""

from __future__ import annotations

PHASES = """
import pytest
from pytest_quecfota.errors import BenchError, ModuleError, Reason

@pytest.fixture
def module_fails_before(rig): raise ModuleError("module before")

@pytest.fixture
def module_fails_after(rig):
    yield
    raise ModuleError("module after")

@pytest.fixture
def bench_fails_before(rig): raise BenchError("bench before", reason=Reason.PORT_LOST)

@pytest.fixture
def bench_fails_after(rig):
    yield
    raise BenchError("bench after", reason=Reason.PORT_LOST)

def test_module_before(module_fails_before): pass
def test_module_during(rig): raise ModuleError("module during")
def test_module_after(module_fails_after): pass
def test_bench_before(bench_fails_before): pass
def test_bench_during(rig): raise BenchError("bench during", reason=Reason.SUPPLY_LOST)
def test_bench_after(bench_fails_after): pass
def test_good(rig): pass

@pytest.mark.needs("attenuator")
def test_needs_what_is_not_there(module): pass

@pytest.mark.nightly
def test_long(module): pass

@pytest.mark.campaign
def test_many(module): pass
"""


def test_faults_of_module_and_bench_are_told_apart_in_terminal_junit_and_allure(project):
    result = project.run("--rig", "virtual", "-rfE", tests=PHASES)
    result.assert_outcomes(failed=3, errors=3, passed=3, skipped=1, deselected=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*BENCH FAULT*test_bench_during*"])

    junit = project.junit()
    assert {name: junit[name] for name in junit if name.startswith("test_module")} == {
        "test_module_before": ["failure"],
        "test_module_during": ["failure"],
        "test_module_after": ["failure"],
    }
    assert all(junit[name] == ["error"] for name in junit if name.startswith("test_bench"))

    allure = project.allure()
    statuses = {name: result["status"] for name, result in allure.items()}
    assert statuses["test_good"] == "passed"
    assert {statuses[f"test_module_{when}"] for when in ("before", "during", "after")} == {"failed"}
    assert {statuses[f"test_bench_{when}"] for when in ("before", "during", "after")} == {"broken"}
    assert statuses["test_needs_what_is_not_there"] == "skipped"


def test_bench_faults_alone_are_no_verdict_and_too_many_in_a_row_abort(project):
    tests = """
import pytest
from pytest_quecfota.errors import BenchError, Reason

@pytest.mark.parametrize("n", range(9))
def test_bench(rig, n): raise BenchError("gone", reason=Reason.SUPPLY_LOST)
"""
    result = project.run("--rig", "virtual", "--rig-max-faults", "3", tests=tests)
    result.assert_outcomes(errors=3)
    assert result.ret == 8, "no verdict: nothing is said about the module"
    assert "3 bench faults in a row" in result.stdout.str()


def test_whatever_a_test_raises_after_its_bench_died_is_the_benchs_fault(project):
    tests = """
import os, signal
from pytest_quecfota import urc

def test_bench_dies(rig, module, events):
    os.kill(rig.bench_process, signal.SIGKILL)
    events.expect(urc.Subscribed, within="60 min")
"""
    result = project.run("--rig", "virtual", tests=tests)
    assert result.ret == 8
    assert project.junit()["test_bench_dies"].count("failure") == 0
    assert project.allure()["test_bench_dies"]["status"] == "broken"


def test_a_dead_supply_is_a_bench_fault(project, outside_bench):
    tests = f"""
import socket

def test_supply_dies(module, supply):
    supply.set(voltage=3.2)
    with socket.create_connection(("127.0.0.1", {outside_bench.fuse})) as fuse:
        fuse.recv(1)  # closed as soon as the line to the supply is cut
    supply.measure()
"""
    result = project.run("--rig", "outside", tests=tests)
    assert result.ret == 8, result.stdout.str()
    assert "SupplyError" in result.stdout.str()
    assert project.junit()["test_supply_dies"].count("failure") == 0
    assert project.allure()["test_supply_dies"]["status"] == "broken"


def test_a_silent_module_fails_as_bricked_and_blocks_what_follows(project):
    tests = """
def test_first(module): pass
def test_second(module): pass
"""
    result = project.run("--rig", "virtual", "--defect", "silent", tests=tests)
    result.assert_outcomes(failed=1, errors=1)
    assert result.ret == 1
    assert project.allure()["test_first"]["status"] == "failed"
    result.stdout.fnmatch_lines(["*blocked: bricked by *test_first*"])
    assert result.duration < 60
