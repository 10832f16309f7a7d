"""A rig whose Developer Center is a `quecfota cloud` that runs by itself: a whole run, and what is left of it there.

The module is a virtual one that the plugin does not know as such: the rig file names its port and its supply, as it would
name those of hardware.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SPEED = 60
TOKEN = "the-token-of-the-farm"
RIG = """\
name: farm
module:
  model: BC25
  port: {{url: {at}, baudrate: 115200}}
  product_key: {product_key}
  product_secret: ${{FARM_PS}}
supply:
  visa: {supply}
  profile: keysight-e36300
  nominal: {{voltage: 3.3, current_limit: 1.0}}
  limits: {{min: 2.1, max: 3.6}}
mcu: [{{component: STM32, version: "1_0_0"}}]
developer_center: {{kind: http, url: "{center}", token: "${{FARM_TOKEN}}"}}
speed: {speed}
"""
TESTS = """
import pytest
from pytest_quecfota import urc

def test_upgrade(module, fota_plan, upgrade, developer_center):
    assert developer_center.kind == "http"
    plan = fota_plan()
    assert upgrade(plan).outcome == "upgraded"
    assert plan.wait_status("Upgraded", within=300).status == "Upgraded"
    assert any("consistent" in line.text for line in plan.log())

def test_black_list(module, fota_plan, developer_center):
    fota_plan(blacklist=[developer_center.device_key])
    module.connect(mode=1)
    assert module.request_upgrade() is None

def test_host(sota_plan, upgrade):
    assert upgrade(sota_plan(payload=b"firmware of the host " * 200)).outcome == "upgraded"

def test_that_fails_with_a_plan_in_force(module, fota_plan):
    fota_plan()
    raise AssertionError("on purpose")

def test_nothing_is_left_of_the_test_before(module):
    module.connect(mode=1)
    assert module.request_upgrade() is None
"""


@contextlib.contextmanager
def started(command: list[str], document: Any = None, **env: str) -> Iterator[dict[str, Any]]:
    """A process that says in one line of JSON that it is ready; ended on the way out."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **env},
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps(document).encode())
        process.stdin.close()
        assert select.select([process.stdout], [], [], 30)[0], f"{command} did not start"
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def call(method: str, url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=20) as answer:
        return json.loads(answer.read())


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A Developer Center that nobody's rig has started, and a bench that knows where it is."""
    cloud = ["pytest_quecfota.cloud", "--json", "--data", str(tmp_path / "cloud"), "--token-env", "FARM_TOKEN"]
    with started(cloud, FARM_TOKEN=TOKEN) as center:
        call("POST", f"{center['url']}/control/clock", {"speed": SPEED})
        document = {
            "schema": 1,
            "speed": SPEED,
            "module": {"model": "BC25", "flavour": "nb", "version": "BC25_FOTA_V1_0"},
            "supply": {"profile": "keysight-e36300", "channel": 1, "nominal": {"voltage": 3.3, "current_limit": 1.0}},
            "developer_center": {"kind": "http", "url": center["url"], "token": TOKEN},
        }
        with started(["pytest_quecfota.virtual", "--document", "-"], document) as bench:
            yield {**bench, "center": center["url"]}


@pytest.fixture
def run(farm: dict[str, Any], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs tests on the rig; returns the run's result."""
    monkeypatch.setenv("FARM_PS", farm["product_secret"])
    monkeypatch.setenv("FARM_TOKEN", TOKEN)

    def go(tests: str, *arguments: str, **changes: Any) -> pytest.RunResult:
        (pytester.path / "farm.yaml").write_text(RIG.format(**{**farm, "speed": SPEED, **changes}))
        pytester.makepyfile(test_it=tests)
        return pytester.runpytest_subprocess("--rig", "farm.yaml", "-p", "no:cacheprovider", *arguments, timeout=120)

    return go


@pytest.mark.timeout(150)
def test_a_running_developer_center_carries_a_whole_run_and_no_plan_of_it_stays_in_force(
    run: Any, farm: dict[str, Any], pytester: pytest.Pytester
) -> None:
    result = run(TESTS)
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*on purpose*"])
    plans = call("GET", f"{farm['center']}/api/v1/plans?product_key={farm['product_key']}")["items"]
    assert len(plans) == 4
    assert {plan["status"] for plan in plans} == {"Forced Terminated"}
    assert sorted(plan["success_rate"] for plan in plans if plan["counts"]["upgraded"]) == [1.0, 1.0]
    written = [path for path in (pytester.path / "evidence").rglob("*") if path.is_file()]
    assert written
    for secret in (TOKEN, farm["product_secret"]):
        assert secret not in result.stdout.str() + result.stderr.str()
        assert [path for path in written if secret.encode() in path.read_bytes()] == []


def test_a_developer_center_that_does_not_know_the_token_is_a_fault_of_the_bench(
    run: Any, farm: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FARM_TOKEN", "another-token-altogether")
    result = run("def test_it(fota_plan):\n    fota_plan()\n")
    result.assert_outcomes(errors=1)
    assert result.ret == 8, "no verdict"
    assert "token" in result.stdout.str()
    assert "another-token-altogether" not in result.stdout.str()
