"""What became of a test, and on what rig: the words all reports share.

Verdicts are made by the plugin's hooks, kept in `run.json`, and read back by every report.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pytest_quecfota.errors import BenchError

#: All outcomes of a test, worst first. `unfinished` is a test that began and whose end nobody wrote down.
OUTCOMES = ("failed", "broken", "blocked", "unfinished", "skipped", "passed")

#: How a person calls them.
LABELS = {
    "failed": "failed",
    "broken": "bench fault",
    "blocked": "blocked",
    "unfinished": "unfinished",
    "skipped": "skipped",
    "passed": "passed",
}

#: The verdict of a whole run: (word, sentence), by the worst thing in it.
RUN_VERDICTS = {
    "failed": ("FAILED", "the module, or what was tested with it, does not do what it must"),
    "broken": ("NO VERDICT", "the bench was at fault; nothing is said about the module"),
    "blocked": ("NO VERDICT", "tests were blocked before they could run"),
    "unfinished": ("NO VERDICT", "the run did not come to its end"),
    "passed": ("PASSED", "everything that ran did what it must"),
    "skipped": ("NO VERDICT", "nothing ran"),
}


@dataclass(frozen=True)
class Verdict:
    """What became of one test.

    `outcome` is one of `OUTCOMES`; `message` the first line of why; `duration` in real seconds; `directory` relative to
    the run, "" without one; `phase` where it was decided (setup, call, teardown); `reason` a bench fault's reason;
    `title` what the test shows, in words; `attempt` counts from 1 where a test was run again.
    """

    nodeid: str
    outcome: str
    requirements: tuple[str, ...] = ()
    duration: float = 0.0
    directory: str = ""
    message: str = ""
    rig: str = ""
    phase: str = "call"
    reason: str = ""
    title: str = ""
    attempt: int = 1

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome {self.outcome!r}: must be one of {', '.join(OUTCOMES)}")

    @property
    def name(self) -> str:
        """The test's own name: the node id without its file."""
        return self.nodeid.split("::", 1)[-1]

    def as_json(self) -> dict[str, Any]:
        """What `run.json` keeps: required members always, the others where they say something."""
        always = {"nodeid", "outcome", "requirements", "duration", "directory", "message"}
        kept = {key: value for key, value in asdict(self).items() if key in always or value != _DEFAULTS.get(key)}
        kept["duration"] = round(self.duration, 4)
        return kept

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Verdict:
        """The opposite of `as_json`; members of a newer version are left out."""
        known = {key: record[key] for key in _DEFAULTS if key in record}
        known["requirements"] = tuple(known.get("requirements") or ())
        return cls(**known)


_DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Verdict)}


@dataclass(frozen=True)
class RigFacts:
    """What a report must know of a rig; `developer_center` is embedded, http or manual, `host` played or observed."""

    name: str
    virtual: bool = False
    speed: float = 1.0
    model: str = ""
    developer_center: str = ""
    host: str = "played"

    @property
    def is_hardware(self) -> bool:
        """A clock that runs fast cannot be a real module's, whoever simulates it."""
        return not self.virtual and self.speed == 1

    def as_json(self) -> dict[str, Any]:
        """What `run.json` keeps; a clock as fast as it goes is `max`."""
        return {**asdict(self), "speed": "max" if math.isinf(self.speed) else self.speed}

    @classmethod
    def of(cls, rig: Any) -> RigFacts:
        """From a rig as loaded: any object with the attributes of a rig file."""
        return cls(
            name=rig.name,
            virtual=rig.is_virtual,
            speed=float((getattr(rig, "virtual", None) or rig).speed),
            model=rig.module.model,
            developer_center=str(getattr(getattr(rig, "developer_center", None), "kind", "") or ""),
            host=str(getattr(rig, "host", "") or "played"),
        )

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> RigFacts:
        """From `run.json`; members of a newer version are left out."""
        facts = {field.name: record[field.name] for field in fields(cls) if field.name in record}
        facts["speed"] = speed_of(facts.get("speed", 1.0))
        return cls(**facts)


def speed_of(value: object) -> float:
    """A clock's factor as a number, `inf` for `max`."""
    return math.inf if value == "max" else float(str(value))


def worst_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Sorted by outcome, worst first; the order of the run is kept inside an outcome."""
    return sorted(verdicts, key=lambda verdict: OUTCOMES.index(verdict.outcome))


def latest(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """One verdict per test and rig: that of its last attempt, in the order of first appearance."""
    return list({(verdict.nodeid, verdict.rig): verdict for verdict in verdicts}.values())


def counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many tests ended how, in the order of `OUTCOMES`; outcomes without a test are 0."""
    found = Counter(verdict.outcome for verdict in latest(verdicts))
    return {outcome: found[outcome] for outcome in OUTCOMES}


def run_verdict(numbers: Mapping[str, int], *, ended: bool = True) -> tuple[str, str, str]:
    """(outcome that decides, word, sentence) for a whole run."""
    order = ("failed", "broken", "blocked", "unfinished", "passed", "skipped")
    present = [outcome for outcome in order if numbers.get(outcome)] or ["skipped"]
    decides = present[0]
    if not ended and decides in {"passed", "skipped"}:
        decides = "unfinished"
    return (decides, *RUN_VERDICTS[decides])


def outcome_of(error: BaseException | None) -> str:
    """`passed`, `failed` or `broken` for what a phase raised; a group is as bad as its worst member.

    An `AssertionError` (every `ModuleError` is one) is the module's fault. A `BenchError`, or any other exception that
    says nothing about the module, breaks the test.
    """
    if error is None:
        return "passed"
    members = getattr(error, "exceptions", None)
    if members and not isinstance(error, (AssertionError, BenchError)):
        return min((outcome_of(member) for member in members), key=OUTCOMES.index)
    return "failed" if isinstance(error, AssertionError) else "broken"
