"""Verdicts: of exceptions, of tests run twice, of whole runs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.errors import BenchError, CommandError, ModuleError, PortLost, Reason
from pytest_quecfota.report.verdicts import OUTCOMES, RigFacts, Verdict, counts, latest, outcome_of, run_verdict

VERDICTS = st.builds(
    Verdict,
    nodeid=st.text(max_size=20),
    outcome=st.sampled_from(OUTCOMES),
    requirements=st.lists(st.text(max_size=5), max_size=3).map(tuple),
    duration=st.floats(0, 1e6).map(lambda value: round(value, 3)),
    message=st.text(max_size=20),
    rig=st.sampled_from(["", "virtual"]),
    attempt=st.integers(1, 3),
)


class Group(Exception):
    """What ExceptionGroup looks like, also on Python 3.10."""

    def __init__(self, *exceptions: BaseException) -> None:
        super().__init__("several")
        self.exceptions = exceptions


@given(VERDICTS)
def test_a_verdict_survives_json(verdict: Verdict) -> None:
    assert Verdict.from_json(verdict.as_json()) == verdict


@given(st.lists(VERDICTS, max_size=20))
def test_counts_add_up_to_the_tests(verdicts: list[Verdict]) -> None:
    assert sum(counts(verdicts).values()) == len(latest(verdicts))


def test_the_last_attempt_of_a_test_counts() -> None:
    tries = [
        Verdict("a", "failed", rig="v"),
        Verdict("a", "passed", rig="v", attempt=2),
        Verdict("a", "failed", rig="w"),
    ]
    assert [(v.rig, v.outcome) for v in latest(tries)] == [("v", "passed"), ("w", "failed")]


def test_an_outcome_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of"):
        Verdict("a", "meh")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "passed"),
        (ModuleError("x"), "failed"),
        (CommandError("AT", "ERROR"), "failed"),
        (AssertionError(), "failed"),
        (BenchError("x", reason=Reason.PORT_LOST), "broken"),
        (PortLost("x"), "broken"),
        (KeyError(), "broken"),
        (Group(PortLost("x"), KeyError()), "broken"),
        (Group(PortLost("x"), ModuleError("y")), "failed"),
    ],
)
def test_the_fault_follows_from_the_exception(error: BaseException | None, outcome: str) -> None:
    assert outcome_of(error) == outcome


@pytest.mark.parametrize(
    ("outcomes", "ended", "word"),
    [
        (["passed", "skipped"], True, "PASSED"),
        (["passed", "broken"], True, "NO VERDICT"),
        (["failed", "broken"], True, "FAILED"),
        (["failed"], False, "FAILED"),
        (["passed"], False, "NO VERDICT"),
        (["skipped"], True, "NO VERDICT"),
        ([], True, "NO VERDICT"),
        (["passed", "blocked"], True, "NO VERDICT"),
    ],
)
def test_a_run_is_as_good_as_its_worst_news(outcomes: list[str], ended: bool, word: str) -> None:
    numbers = counts(Verdict(str(n), outcome) for n, outcome in enumerate(outcomes))
    assert run_verdict(numbers, ended=ended)[1] == word


def test_facts_are_taken_from_a_rig_as_loaded() -> None:
    rig = SimpleNamespace(
        name="virtual",
        is_virtual=True,
        speed=1.0,
        virtual=SimpleNamespace(speed=60.0),
        module=SimpleNamespace(model="BC25"),
        developer_center=SimpleNamespace(kind="embedded"),
        host="played",
    )
    assert RigFacts.of(rig) == RigFacts("virtual", True, 60.0, "BC25", "embedded", "played")
