"""What changed between two runs: tests that fail now and did not, or the other way round, tests come and gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_quecfota.report.evidence import RunRecord
from pytest_quecfota.report.verdicts import OUTCOMES, Verdict, latest

#: Kinds of change in the order in which they matter, and how a person calls them.
KINDS = {
    "worse": "worse than before",
    "gone": "not run any more",
    "better": "better than before",
    "new": "not run before",
}


@dataclass(frozen=True)
class Change:
    """One test whose outcome differs; `before` or `now` is None where it did not run."""

    kind: str
    nodeid: str
    before: Verdict | None
    now: Verdict | None


@dataclass(frozen=True)
class Comparison:
    """This run against another: the changes, and how many tests ended the same."""

    against: RunRecord
    changes: tuple[Change, ...]
    same: int


def compare(now: RunRecord, against: RunRecord) -> Comparison:
    """Changes from `against` to `now`, by test, the worst news first. Rigs may differ; tests are matched by name."""
    old, new = _by_test(against.verdicts), _by_test(now.verdicts)
    changes = []
    for nodeid in sorted(old.keys() | new.keys()):
        change = _change(nodeid, old.get(nodeid), new.get(nodeid))
        if change is not None:
            changes.append(change)
    changes.sort(key=lambda change: list(KINDS).index(change.kind))
    return Comparison(against, tuple(changes), len(old.keys() | new.keys()) - len(changes))


def _by_test(verdicts: Iterable[Verdict]) -> dict[str, Verdict]:
    """The worst verdict of each test over all rigs."""
    found: dict[str, Verdict] = {}
    for verdict in latest(verdicts):
        other = found.get(verdict.nodeid)
        if other is None or OUTCOMES.index(verdict.outcome) < OUTCOMES.index(other.outcome):
            found[verdict.nodeid] = verdict
    return found


def _change(nodeid: str, before: Verdict | None, now: Verdict | None) -> Change | None:
    if before is None or now is None:
        return Change("new" if before is None else "gone", nodeid, before, now)
    if before.outcome == now.outcome:
        return None
    worse = OUTCOMES.index(now.outcome) < OUTCOMES.index(before.outcome)
    return Change("worse" if worse else "better", nodeid, before, now)
