"""A run that names no rig, or one that cannot be had."""

from __future__ import annotations

import pytest

NEEDS_A_RIG = "def test_it(module): pass"


def test_tests_that_need_no_rig_run_as_ever(project):
    result = project.run(tests="def test_plain(): assert True")
    result.assert_outcomes(passed=1)
    assert not (project.path / "evidence").exists()


def test_a_test_that_needs_a_rig_ends_the_run_with_one_message_that_lists_the_rigs(project):
    result = project.run(tests=NEEDS_A_RIG)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: these tests need a rig: give one with --rig. Rigs in rigs/: virtual"])


def test_deselected_tests_need_no_rig(project):
    result = project.run("-k", "plain", tests=f"{NEEDS_A_RIG}\ndef test_plain(): assert True")
    result.assert_outcomes(passed=1, deselected=1)


def test_an_unknown_rig_is_one_message(project):
    result = project.run("--rig", "bench9", tests=NEEDS_A_RIG)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "bench9" in result.stderr.str()
    assert "virtual" in result.stderr.str()


def test_a_wrong_rig_file_is_told_with_file_line_and_column(project):
    (project.path / "rigs" / "odd.yaml").write_text("name: odd\nmodule: {modle: BC25}\n")
    result = project.run("--rig", "odd", tests=NEEDS_A_RIG)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "rigs/odd.yaml:2:10" in result.stderr.str()
    assert "model" in result.stderr.str()


def test_the_environment_variable_stands_for_the_flag(project, monkeypatch):
    monkeypatch.setenv("QUECFOTA_RIG", "bench9")
    assert "bench9" in project.run(tests=NEEDS_A_RIG).stderr.str()


def test_a_text_that_is_no_number_names_where_it_stands(project, monkeypatch):
    monkeypatch.setenv("QUECFOTA_RIG_WAIT", "soon")
    result = project.run("--rig", "virtual", tests=NEEDS_A_RIG)
    assert result.ret != 0
    assert "QUECFOTA_RIG_WAIT" in result.stderr.str() + result.stdout.str()


def test_defects_are_listed(project):
    result = project.run("--defect", "list", tests=NEEDS_A_RIG)
    assert "skip-10703" in result.stdout.str() + result.stderr.str()


def test_a_held_rig_ends_the_run_and_says_who_holds_it(project):
    """A rig that is no virtual one is held for the whole run, from before its first test."""
    from pytest_quecfota.rig import load
    from pytest_quecfota.rig.lease import hold

    path = project.path / "rigs" / "held.yaml"
    path.write_text(
        "name: held\nmodule: {model: BC25, port: {url: 'socket://127.0.0.1:9'}}\ndeveloper_center: {kind: manual, plans: []}\n"
    )
    lease = hold(load(path))
    try:
        result = project.run("--rig", "held", tests=NEEDS_A_RIG)
    finally:
        lease.release()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--rig-wait" in result.stderr.str()
