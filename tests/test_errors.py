"""The error tree: whose fault a thing is can be told from its class, without reading its text."""

from __future__ import annotations

import inspect

import pytest

from pytest_quecfota import errors
from pytest_quecfota.errors import (
    BenchError,
    CommandError,
    DeveloperCenterError,
    LeaseLost,
    ModuleBricked,
    ModuleError,
    ModuleSilent,
    PortLost,
    Reason,
    RigError,
    RigHeld,
    SupplyError,
)

CLASSES = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, Exception) and found.__module__ == errors.__name__
]


def test_a_faulty_module_fails_as_an_assertion_does():
    for kind in (ModuleError, CommandError, ModuleSilent, ModuleBricked):
        assert issubclass(kind, AssertionError)
        assert not issubclass(kind, BenchError)


def test_a_faulty_bench_is_neither_an_assertion_nor_the_callers_fault():
    for kind in (BenchError, PortLost, SupplyError, DeveloperCenterError, LeaseLost):
        assert issubclass(kind, BenchError)
        assert not issubclass(kind, (AssertionError, ValueError, TypeError))


def test_silence_is_also_a_timeout():
    assert issubclass(ModuleSilent, TimeoutError)
    assert issubclass(ModuleBricked, ModuleSilent)


def test_a_wrong_rig_file_is_the_callers_fault():
    assert issubclass(RigError, ValueError)
    assert not issubclass(RigHeld, ValueError)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_says_what_it_means(kind):
    assert kind.__doc__
    assert kind.__doc__ != kind.__base__.__doc__
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize(
    "kind",
    [k for k in CLASSES if issubclass(k, (ModuleError, BenchError)) and k is not ModuleBricked],
    ids=lambda k: k.__name__,
)
def test_every_verdict_has_example_scenarios(kind):
    assert "Example" in kind.__doc__


def test_every_bench_error_carries_a_reason():
    made = [
        PortLost("gone"),
        LeaseLost("gone"),
        DeveloperCenterError("gone"),
        SupplyError("x", reason=Reason.SUPPLY_LOST),
    ]
    assert [error.reason for error in made] == [
        Reason.PORT_LOST,
        Reason.LEASE_LOST,
        Reason.PLATFORM_UNREACHABLE,
        Reason.SUPPLY_LOST,
    ]
    with pytest.raises(TypeError):
        BenchError("why?")  # type: ignore[call-arg]


def test_reasons_are_texts_that_a_report_can_show_and_none_is_there_twice():
    texts = [reason.value for reason in Reason]
    assert len(set(texts)) == len(texts)
    assert all(text == text.strip() and text for text in texts)


def test_a_command_error_names_command_and_answer():
    error = CommandError("AT+QIOTREG=1", "+CME ERROR: 3", ["+QIOTREG: 0"])
    assert str(error) == "AT+QIOTREG=1 answered +CME ERROR: 3"
    assert (error.command, error.final, error.lines) == ("AT+QIOTREG=1", "+CME ERROR: 3", ("+QIOTREG: 0",))


def test_a_module_error_has_one_line_and_the_rest_below_it():
    error = ModuleError("Downloaded did not come", detail="  expected  …")
    assert error.summary == "Downloaded did not come"
    assert str(error) == "Downloaded did not come\n  expected  …"
    assert str(ModuleError("alone")) == "alone"


def test_a_rig_error_keeps_its_problems_apart():
    error = RigError(["rigs/a.yaml:1:1: one", "rigs/a.yaml:2:3: two"])
    assert error.problems == ("rigs/a.yaml:1:1: one", "rigs/a.yaml:2:3: two")
    assert str(error).splitlines() == list(error.problems)


def test_a_developer_center_error_keeps_the_status():
    assert DeveloperCenterError("no", reason=Reason.PLATFORM_REFUSED, status=401).status == 401
