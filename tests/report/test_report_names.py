"""Folder names: safe, readable, unique; and secrets that stay out of command lines."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.report import names, redaction

SAFE = re.compile(r"[A-Za-z0-9_=+][A-Za-z0-9._=+-]*")


@given(st.text(max_size=400))
def test_every_candidate_is_a_safe_folder_name(nodeid: str) -> None:
    for name in names.candidates(nodeid):
        assert 1 <= len(name) <= names.LONGEST
        assert SAFE.fullmatch(name)
        assert name not in (".", "..")


@given(st.text(max_size=300), st.text(max_size=300))
def test_the_last_candidates_of_two_tests_differ(one: str, other: str) -> None:
    if one != other:
        assert names.candidates(one)[-1] != names.candidates(other)[-1]


@pytest.mark.parametrize(
    ("nodeid", "nice"),
    [
        ("hil_tests/test_upgrade.py::test_full_package", "test_full_package"),
        ("hil_tests/test_power.py::test_cut[BC25-cut-500ms]", "test_cut-BC25-cut-500ms"),
        ("hil_tests/test_power.py::TestCuts::test_cut[../../etc/passwd]", "TestCuts.test_cut-..-..-etc-passwd"),
        ("test_x.py", "test_x.py"),
        ("::", "unnamed"),
    ],
)
def test_the_first_candidate_is_the_tests_own_name(nodeid: str, nice: str) -> None:
    assert names.candidates(nodeid)[0] == nice


def test_the_second_candidate_tells_files_apart() -> None:
    one, other = (names.candidates(f"hil_tests/test_{room}.py::test_works")[1] for room in ("a", "b"))
    assert (one, other) == ("test_a-test_works", "test_b-test_works")


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["pytest", "--rig", "bench2"], ["pytest", "--rig", "bench2"]),
        (["--token", "abc", "-q"], ["--token", "***", "-q"]),
        (["--api-key=abc"], ["--api-key=***"]),
        (["QUEC_PS=abc", "PRODUCT_SECRET=abc", "N=5"], ["QUEC_PS=***", "PRODUCT_SECRET=***", "N=5"]),
        (["--token", "--verbose"], ["--token", "--verbose"]),
        (["http://joe:pw@host/x"], ["http://***@host/x"]),
        (["-k", "s3cret-and-more"], ["-k", "***-and-more"]),
    ],
)
def test_a_command_line_is_kept_without_secrets(arguments: list[str], kept: list[str]) -> None:
    assert redaction.command_line(arguments, ["s3cret", ""]) == kept


@given(st.lists(st.text(min_size=4, max_size=12), min_size=1, max_size=4), st.text(max_size=60), st.integers(0, 60))
def test_no_secret_is_left_in_a_text(secrets: list[str], around: str, at: int) -> None:
    hidden = redaction.text(around[:at] + secrets[0] + around[at:], secrets)
    assert not any(secret in hidden.replace(redaction.HIDDEN, "\0") for secret in secrets)
