"""A run on a bench of scripted parts: what fixtures give and put back, which tests run where, and what is wrong use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_bench import Bench, bench
from scripted_module import OK, V2

import pytest_quecfota.session  # noqa: F401  imported here, not by each run inside this process

QUIET = ("-p", "no:hypothesispytest")  # whose summary takes seconds

FIXTURES = """
import pytest
from pytest_quecfota import urc
from pytest_quecfota.developer_center import Unavailable

def test_changes_the_supply(supply, module):
    supply.set(voltage=2.5)
    module.configure("lifetime", 120)

def test_finds_it_put_back(supply, timeline):
    assert supply.setting().voltage == 3.3

def test_has_a_folder_of_its_own(evidence, events, module):
    assert (evidence / "timeline.jsonl").exists()
    module.at("AT+CSQ")
    assert "AT+CSQ" in (evidence / "uart.log").read_text()

def test_upgrades(module, fota_plan, upgrade):
    plan = fota_plan()
    assert upgrade(plan).outcome == "upgraded"
    assert module.firmware_version() == plan.target_version == "BC25_FOTA_V2_0"

def test_has_no_plan_now(fota_plan):
    fota_plan()

def test_cannot_have_a_list(fota_plan):
    fota_plan(whitelist=["866123450000017"])

@pytest.mark.needs("monitoring")
def test_needs_monitoring(module):
    raise AssertionError("cannot run here")
"""


@pytest.fixture
def parts(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A scripted bench whose rig file `bench.yaml` is in the project."""
    monkeypatch.setenv("QUECFOTA_RUN_DIR", str(pytester.path / "leases"))
    with bench(pytester.path) as made:
        yield made


def verdicts(folder: Path) -> dict[str, dict]:
    run = json.loads((folder / "evidence" / "latest" / "run.json").read_text())
    return {test["nodeid"].rpartition("::")[2]: test for test in run["tests"]}


def test_fixtures_give_what_they_say_and_put_it_back(pytester, parts):
    parts.load(more="speed: 60")
    parts.module.replies['AT+QIOTCFG="lifetime"'] = ['+QIOTCFG: "lifetime",86400', OK]
    pytester.makepyfile(test_it=FIXTURES)
    result = pytester.runpytest_subprocess("--rig", "bench.yaml", timeout=60)
    result.assert_outcomes(passed=4, skipped=3)
    assert result.ret == 0
    told = verdicts(pytester.path)
    assert f"while {V2} runs" in told["test_has_no_plan_now"]["message"]
    assert "white list" in told["test_cannot_have_a_list"]["message"]
    assert "needs monitoring" in told["test_needs_monitoring"]["message"]
    assert parts.module.said('AT+QIOTCFG="lifetime",') == ['AT+QIOTCFG="lifetime",120', 'AT+QIOTCFG="lifetime",86400']
    assert parts.instrument.highest <= 3.6
    assert parts.instrument.state == {"voltage": "3.3000", "current": "1.0000", "output": "ON"}
    assert parts.module.state == 1, "left disconnected"


# -- which tests run where ---------------------------------------------------------------------------

RIG = "name: {name}\nmodule: {{model: BC25, port: {{url: /dev/{name}}}}}\ndeveloper_center: {{kind: manual}}\n{more}"
FILES = {
    "test_one": "def test_a(module): pass\ndef test_b(module): pass\ndef test_plain(): pass",
    "test_two": "import pytest\n@pytest.mark.nightly\ndef test_c(module): pass\n@pytest.mark.campaign\ndef test_d(module): pass",
    "test_three": "def test_e(module): pass",
}


@pytest.fixture
def collect(pytester: pytest.Pytester):
    """Collects the tests on rigs `a` and `b` (hardware) and `fast` (a simulated bench of somebody else), and gives their ids."""
    (pytester.path / "rigs").mkdir()
    for name, more in (("a", ""), ("b", ""), ("fast", "speed: 60\n")):
        (pytester.path / "rigs" / f"{name}.yaml").write_text(RIG.format(name=name, more=more))
    pytester.makepyfile(**FILES)

    def run(*arguments: str) -> list[str]:
        result = pytester.runpytest_inprocess(*QUIET, "--collect-only", "-q", *arguments)
        assert result.ret == 0, result.stderr.str()
        return re.findall(r"::(\S+)", result.stdout.str())

    return run


def test_one_rig_leaves_names_as_they_are_and_hardware_runs_nightly_tests(collect):
    assert collect("--rig", "a") == ["test_a", "test_b", "test_plain", "test_e", "test_c"]


def test_a_sped_up_rig_leaves_nightly_tests_out_unless_all_are_wanted(collect):
    assert "test_c" not in collect("--rig", "fast")
    assert "test_c" in collect("--rig", "fast", "--full")
    assert collect("--rig", "fast", "-m", "nightly") == ["test_c"]


def test_campaigns_run_only_when_selected(collect):
    assert "test_d" not in collect("--rig", "a", "--full")
    assert collect("--rig", "a", "-m", "campaign") == ["test_d"]


def test_several_rigs_share_the_files_between_them(collect):
    found = collect("--rig", "a,b")
    assert sorted(found) == ["test_a[a]", "test_b[a]", "test_c[a]", "test_e[b]", "test_plain"]


def test_each_test_runs_on_every_rig_where_that_is_wanted(collect):
    found = collect("--rig", "a,b", "--rig-each")
    assert sorted(found) == sorted([*(f"test_{n}[{r}]" for n in "abce" for r in "ab"), "test_plain"])


# -- wrong use -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rig", "c"], "no rig called 'c'"),
        (["--rig", "a", "--rig-wait", "soon"], "--rig-wait"),
        (["--rig", "a", "--defect", "skip-1070"], "did you mean 'skip-10703'"),
        (["--rig", "a", "-o", "timeout_method=thread"], "timeout_method=signal"),
    ],
    ids=["rig", "number", "defect", "thread"],
)
def test_wrong_use_ends_the_run_before_anything_is_touched(collect, pytester, arguments, told):
    result = pytester.runpytest_inprocess(*QUIET, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str() + result.stdout.str()


def test_a_need_nobody_knows_is_wrong_use_and_the_needs_are_listed(collect, pytester):
    pytester.makepyfile(test_four="import pytest\n@pytest.mark.needs('suply')\ndef test_f(module): pass")
    result = pytester.runpytest_inprocess(*QUIET, "--rig", "a", "--collect-only")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "'suply'" in result.stderr.str()
    assert "monitoring" in result.stderr.str()
