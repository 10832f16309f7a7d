"""The tables of the reference, compared with the code: nothing missing, nothing that is not there."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import re
import typing
import urllib.request
from importlib.metadata import metadata
from pathlib import Path

import pytest
from doc_pages import documented, tables

from pytest_quecfota import cli, errors, fixtures, hookspecs, models, options, plugin, urc
from pytest_quecfota.developer_center import Plan
from pytest_quecfota.module import Module, Run, run
from pytest_quecfota.power import Supply, profile_names
from pytest_quecfota.power.battery import Battery
from pytest_quecfota.power.battery_account import Discharge
from pytest_quecfota.report import evidence, verdicts
from pytest_quecfota.rig import CAPABILITIES, controls, json_schema, platforms
from pytest_quecfota.timeline import Events, patterns, record

SCHEMA = json_schema()
SECTIONS = [
    "ModulePart",
    "Port",
    "SupplyPart",
    "PreparedPlan",
    "McuPart",
    "Controls",
    "PlacePart",
    "VirtualPart",
    "Rail",
    "VirtualSupply",
]


def heads(names: list[str]) -> set[str]:
    """The names before parentheses, blanks and brackets: `at(command)` is `at`."""
    return {re.split(r"[( \[]", name)[0] for name in names}


def public_methods(cls: type) -> set[str]:
    """The methods of a class that a test may call."""
    return {name for name, member in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")}


# -- rig files ---------------------------------------------------------------------------------------


def test_rig_file_at_its_top():
    assert documented("Rig") == list(SCHEMA["properties"]) or set(documented("Rig")) == set(SCHEMA["properties"])


@pytest.mark.parametrize("section", SECTIONS)
def test_rig_file_below(section):
    assert set(documented(section)) == set(SCHEMA["$defs"][section]["properties"])


@pytest.mark.parametrize("section", ["Rig", "SupplyPart", "VirtualPart", "PreparedPlan", "Port"])
def test_defaults_of_a_rig_file(section):
    """A plain default of the schema stands in the second column; what must be given says so."""
    schema = SCHEMA if section == "Rig" else SCHEMA["$defs"][section]
    for row in tables(section)[0].rows:
        for key in re.findall(r"`([^`]+)`", row[0]):
            default = schema["properties"][key].get("default")
            if key in schema.get("required", ()) and section != "PreparedPlan":
                assert row[1].startswith("must be given"), key
            elif isinstance(default, (int, float, str)) and not isinstance(default, bool):
                shown = row[1].strip("`").strip('"').replace(",", "")
                assert shown == (f"{default:g}" if isinstance(default, (int, float)) else default), key


def test_models():
    rows = {row[0].strip("`"): row[1:3] for row in tables("models")[0].rows}
    assert rows == {name: (models.load(name).flavour, models.load(name).component) for name in models.names()}


def test_options_of_a_model():
    assert set(documented("Options")) == set(models.Options.model_fields)


def test_supply_profiles():
    assert documented("profiles") == profile_names()


def test_kinds_of_developer_centers():
    kinds = {typing.get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in (
        platforms.Embedded, platforms.Http, platforms.Manual)}  # fmt: skip
    assert set(documented("kinds")) == set(kinds)
    for row in tables("kinds")[0].rows:
        shown = set(re.findall(r"`([^`]+)`", row[1]))
        hidden = {"kind", "url", "token"} if "embedded" in row[0] else {"kind"}
        assert shown == set(kinds[row[0].strip("`")].model_fields) - hidden


def test_kinds_of_switches():
    classes = (controls.SerialLine, controls.GpioLine, controls.Command, controls.ScpiMessages)
    kinds = {kind: cls for cls in classes for kind in typing.get_args(cls.model_fields["kind"].annotation)}
    assert set(documented("switches")) == set(kinds)
    for row in tables("switches")[0].rows:
        kind = re.findall(r"`([^`]+)`", row[0])[0]
        shown = set(re.findall(r"`([^`]+)`", row[1]))
        assert shown == set(kinds[kind].model_fields) - {"kind", "hold", "hold_off"}


# -- pytest ------------------------------------------------------------------------------------------


def test_options():
    rows = {row[0].strip("`"): tuple(cell.strip("`") for cell in row[1:4]) for row in tables("options")[0].rows}
    assert set(rows) == {option.flag for option in options.OPTIONS}
    for option in options.OPTIONS:
        variable, ini, default = rows[option.flag]
        assert (variable, ini) == (option.variable, option.ini)
        plain = {"None": {"", "none"}, "[]": {"none"}, "False": {"off"}, "0.0": {"0"}}
        assert default in plain.get(str(option.default), {str(option.default)}), option.flag


def test_markers():
    assert heads(documented("markers")) == {re.split(r"[(:]", marker)[0] for marker in plugin.MARKERS}


def test_capabilities():
    assert set(documented("capabilities")) == set(CAPABILITIES)


def test_fixtures():
    assert set(documented("fixtures")) == {name for name in fixtures.__all__ if not name.startswith("_")}
    for row in tables("fixtures")[0].rows:
        fixture = getattr(fixtures, row[0].strip("`"))
        marker = getattr(fixture, "_fixture_function_marker", None)
        if marker is not None:
            assert row[1] == marker.scope


def test_exit_codes():
    from pytest_quecfota import session

    assert set(documented("exits")) >= {"0", "1", str(int(pytest.ExitCode.USAGE_ERROR)), str(session.NO_VERDICT)}


def test_extras():
    assert set(documented("extras")) == set(metadata("pytest-quecfota").get_all("Provides-Extra"))


def test_hooks_are_described():
    page = Path(tables("Rig")[0].page).parents[1] / "how-to" / "extend.md"
    hooks = [name for name in vars(hookspecs) if name.startswith("pytest_quecfota_")]
    assert hooks
    assert all(f"`{name}`" in page.read_text() for name in hooks)


# -- objects of tests --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "cls", "inner"),
    [
        ("Module", Module, {"forget_changes", "put_back"}),
        ("Events", Events, {"arrived", "look_again", "close", "check"}),
        (
            "Supply",
            Supply,
            {"tell", "make_safe", "safe_messages", "close", "arm", "fire", "acknowledge", "disarm"}
            | {"measure_between", "emulate"},
        ),
        ("Battery", Battery, {"start"}),
        ("Plan", Plan, set()),
    ],
)
def test_methods(name, cls, inner):
    """All public methods but those for the inside; arguments that are shown are there."""
    shown = [code for code in documented(name) if "(" in code]
    assert heads(shown) == public_methods(cls) - inner
    for code in shown:
        arguments = set(re.findall(r"[(,] ?\*?(\w+)", code))
        assert arguments <= set(inspect.signature(getattr(cls, heads([code]).pop())).parameters), code


def test_what_a_battery_did():
    assert set(documented("Discharge")) == {field.name for field in dataclasses.fields(Discharge)}


def test_run_of_an_upgrade():
    assert set(documented("Run")) == {field.name for field in dataclasses.fields(Run)}
    assert set(documented("run outcomes")) == set(typing.get_args(run.Outcome))


def test_arguments_of_plans():
    from pytest_quecfota.rig.orders import Orders

    page = tables("fixtures")[0].page.read_text()
    signature = re.search(r"^fota_plan\((.*?)\*\*", page, re.DOTALL | re.MULTILINE)
    assert signature is not None
    shown = re.findall(r"(\w+)(?==)", signature[1])
    assert shown == [name for name in inspect.signature(Orders.fota).parameters if name not in {"self", "plan_fields"}]


def test_urc_classes_and_their_fields():
    classes = {
        name: cls for name in urc.__all__
        if isinstance(cls := getattr(urc, name), type) and issubclass(cls, urc.Urc) and cls is not urc.Urc
    }  # fmt: skip
    assert set(documented("urcs")) == set(classes)
    for table in tables("urcs"):
        for row in table.rows:
            for name in re.findall(r"`([^`]+)`", row[0]):
                shown = [code for code in re.findall(r"`(\w[\w-]*)`", row[2]) if code in classes[name].__match_args__]
                assert shown == list(classes[name].__match_args__), name


def test_patterns():
    shown = heads(documented("patterns"))
    assert shown == {"where", "sequence", "repeated", "one_of", "then"}
    assert all(callable(getattr(patterns, name)) for name in shown)


# -- verdicts and evidence ---------------------------------------------------------------------------


def test_outcomes_of_tests():
    assert set(documented("outcomes")) >= set(verdicts.OUTCOMES)
    assert {row[0].strip("`") for row in tables("outcomes")[0].rows} == set(verdicts.OUTCOMES)


def test_errors_and_reasons():
    classes = {name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, BaseException)}
    assert set(documented("errors")) == classes
    rows = {row[0].strip("`"): row[1] for row in tables("reasons")[0].rows}
    assert rows == {reason.name: reason.value for reason in errors.Reason}


def test_kinds_of_records():
    assert set(documented("kinds of records")) == record.KINDS | {"rx", "tx", "urc", "response"}


def test_files_of_evidence(examples):
    """What a run leaves is described, and what is described is left, where there was a reason to."""
    folder = examples["all"].folder / "evidence" / "latest"
    shown = {name.rstrip("/") for name in documented("run files")}
    assert {path.name for path in folder.iterdir()} <= shown | {"tests"}
    assert shown - {path.name for path in folder.iterdir()} <= {"tests/<test>", "guardian.log", evidence.CATALOGUE}
    tests = [test for run in examples.values() for test in (run.folder / "evidence" / "latest" / "tests").iterdir()]
    left = {path.name for test in tests for path in test.iterdir()}
    assert left == set(documented("test files"))


# -- the command, the bench, the platform --------------------------------------------------------------


def test_commands():
    parser = cli._parser()
    (subparsers,) = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    assert heads(documented("commands")) == set(subparsers.choices)
    for code in documented("commands"):
        name = code.split()[0]
        if name not in cli.PASSED_ON:
            flags = {flag for action in subparsers.choices[name]._actions for flag in action.option_strings}
            assert set(re.findall(r"--[\w-]+", code)) <= flags, code


def test_ready_line(bench):
    assert set(documented("ready")) == set(bench.ready)


def test_control_interface(bench):
    def ask(call: str, body: object = None) -> dict:
        method, path = call.split()
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(
            bench.ready["control"] + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer))

    for row in tables("control")[0].rows:
        call = row[0].strip("`")
        answer = ask(call, {"names": []} if "defects" in call else None)
        named = row[2] if "`" in row[2] else row[1]
        assert set(re.findall(r"`(\w+)`", named)) == set(answer), call


def nameless(path: str) -> str:
    """A path whose places have no names."""
    return re.sub(r"{\w+}", "{}", path)


def test_calls_of_the_developer_center(bench):
    with urllib.request.urlopen(bench.ready["developer_center"] + "/openapi.json", timeout=10) as answer:
        description = json.load(answer)
    there = {
        f"{method.upper()} {nameless(path.removeprefix('/api/v1'))}"
        for path, calls in description["paths"].items()
        if path.startswith("/api/v1")
        for method in calls
    }
    shown = {nameless(code) for code in documented("api", 1)}
    assert shown == there
    schema = description["components"]["schemas"]["PlanIn"]
    assert set(documented("plan fields")) == set(schema["properties"])
