"""pytest-timeout: its limit comes from `module_time`, and it ends a test in a way that leaves the rig safe."""

from __future__ import annotations

import pytest

LIMITS = """
import pytest

@pytest.mark.module_time("120 min")
def test_marked(rig, request):
    (marker,) = request.node.iter_markers("timeout")
    assert marker.args == (120 * 60 / 60 + 60,)
    assert marker.kwargs["method"] == "signal"

def test_plain(rig, request):
    (marker,) = request.node.iter_markers("timeout")
    assert marker.args == (30 * 60 / 60 + 60,)

@pytest.mark.timeout(7)
def test_own(rig, request):
    assert [marker.args for marker in request.node.iter_markers("timeout")] == [(7,)]
"""
HANGING = """
import pytest

@pytest.mark.timeout(1, func_only=True)
def test_hangs(events, supply):
    supply.set(voltage=2.5)
    events.pause("60 min")

def test_next(supply):
    assert supply.setting() == supply.nominal
"""


def test_the_limit_comes_from_module_time(project):
    project.run("--rig", "virtual", tests=LIMITS).assert_outcomes(passed=3)


def test_a_test_that_hangs_is_ended_and_the_supply_put_back(project):
    result = project.run("--rig", "virtual", tests=HANGING)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Timeout*"])


@pytest.mark.parametrize("way", ["flag", "ini", "marker"])
def test_the_method_that_skips_teardown_is_refused_on_a_real_rig(project, way):
    """With `thread` pytest-timeout ends the process at once, and the supply stays as it is."""
    rig = "name: real\nmodule: {model: BC25, port: {url: 'socket://127.0.0.1:9'}}\ndeveloper_center: {kind: manual, plans: []}\n"
    (project.path / "rigs" / "real.yaml").write_text(rig)
    flags = {"flag": ["--timeout-method=thread"], "ini": ["-o", "timeout_method=thread"], "marker": []}[way]
    marker = "@pytest.mark.timeout(5, method='thread')\n" if way == "marker" else ""
    result = project.run("--rig", "real", *flags, tests=f"import pytest\n{marker}def test_it(module): pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "signal" in result.stderr.str()
