"""Why an expectation was not met, as text for a tired person and as data for programs.

Takes a wait that ended badly, the records since its mark and what is known of the bench; gives the `ModuleError` to
raise. Its text has a summary, what was expected, how far it came, what is missing, the nearest miss, the last records,
a likely reason and the files; the same as data is in its attribute `failure`. The reasons are in `reasons.yaml`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources

from pytest_quecfota.errors import ModuleError
from pytest_quecfota.timeline import durations, story
from pytest_quecfota.timeline.clock import ModuleClock
from pytest_quecfota.timeline.history import Entry
from pytest_quecfota.timeline.patterns import Where, describe
from pytest_quecfota.timeline.waiting import Cause, Expectation, Miss, Wait
from pytest_quecfota.urc import Urc


@dataclass(frozen=True)
class Context:
    """What a failure text says about the bench.

    Parameters:
        started: wall clock at the start of the timeline, in Unix seconds.
        clock: real and module seconds.
        supply: the last known setting of the supply: voltage (V), output (bool), disturbance (text).
        sample: the last measurement: voltage (V), current (A).
        command: the last command the test sent, and its real time.
        received: real time and end of the last bytes that came, if any.
        files: where to look further.
        mask: takes the secrets out of a text.
    """

    started: float
    clock: ModuleClock
    supply: dict[str, object]
    sample: dict[str, object]
    command: tuple[float, str] | None
    received: tuple[float, bytes] | None
    files: tuple[str, ...]
    mask: Callable[[str], str] = str


@dataclass(frozen=True)
class Failure:
    """An expectation that was not met, for programs.

    `missing` are the names of what was due, `instead` is the URC that decided (None for a time-out), `waited` is in
    module seconds from the call.
    """

    cause: Cause
    summary: str
    expected: str
    reached: tuple[Urc, ...]
    missing: tuple[str, ...]
    instead: Urc | None
    why: str
    waited: float
    files: tuple[str, ...]


def error(wait: Wait, miss: Miss, entries: Sequence[Entry], context: Context) -> ModuleError:
    """The error to raise. Besides `failure` it has `expected`, `reached`, `missing` and `why` as attributes."""
    finding = _Finding(wait, miss, entries, context)
    failure = finding.failure()
    raised = ModuleError(context.mask(failure.summary), detail=context.mask("\n".join(finding.lines(failure))))
    for name in ("expected", "reached", "missing", "why"):
        setattr(raised, name, getattr(failure, name))
    vars(raised)["failure"] = failure
    return raised


@functools.cache
def _reasons() -> dict[str, dict[str, str]]:
    import yaml  # only a failure needs it

    text = resources.files(__package__).joinpath("reasons.yaml").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, str]] = yaml.safe_load(text)
    return loaded


def title(meant: Where | Urc) -> str:
    """A URC with the code a person finds in the log: `Downloaded (7,10703)`."""
    name = type(meant).__name__ if isinstance(meant, Urc) else meant.cls.__name__
    spelt = name if isinstance(meant, Urc) else describe(meant)
    code = _reasons()["codes"].get(name)
    if isinstance(meant, Urc) and code is None:
        numbers = [str(getattr(meant, part)) for part in ("type", "code") if hasattr(meant, part)]
        code = ",".join(numbers)
    return f"{spelt} ({code})" if code else spelt


@dataclass(frozen=True)
class _Finding:
    """Puts one failure together."""

    wait: Wait
    miss: Miss
    entries: Sequence[Entry]
    context: Context

    def failure(self) -> Failure:
        due = self._due()
        summary, why = self._verdict(due)
        return Failure(
            cause=self.miss.cause,
            summary=summary,
            expected=self._expected(),
            reached=self._reached(),
            missing=tuple(leaf.cls.__name__ for leaf in due),
            instead=self.miss.urc,
            why=why,
            waited=max(0.0, self.context.clock.between(self._called(), self.miss.time)),
            files=self.context.files,
        )

    def lines(self, failure: Failure) -> list[str]:
        """The text below the summary."""
        named = [
            ("expected", failure.expected),
            ("reached", self._reached_text()),
            ("missing", self._missing_text()),
            ("nearest", self._nearest_text()),
            ("waited", self._waited_text(failure)),
            ("since", self._since_text()),
        ]
        text = [_line(name, value) for name, value in named if value]
        text += story.table(self.entries, self.wait.mark, self.context.clock, self.miss.urc, self._remark())
        return [*text, _line("why", failure.why), _line("files", "  ".join(failure.files))]

    # what was due

    def _matcher_wait(self) -> Expectation | None:
        return self.wait if isinstance(self.wait, Expectation) else None

    def _due(self) -> list[Where]:
        """What had to come instead: before the URC out of order, or next on the way to the end."""
        wait = self._matcher_wait()
        if wait is None:
            return []
        before = (
            wait.matcher.due_before(self.miss.urc) if self.miss.cause is Cause.OUT_OF_ORDER and self.miss.urc else []
        )
        return before or wait.matcher.due()

    def _misplaced(self) -> bool:
        """Out of order, and no URC left out would make it right: it came too often or too late."""
        wait, urc = self._matcher_wait(), self.miss.urc
        return bool(wait and urc and self.miss.cause is Cause.OUT_OF_ORDER and not wait.matcher.due_before(urc))

    def _again(self) -> bool:
        return any(type(urc) is type(self.miss.urc) for urc in self._reached())

    def _verdict(self, due: list[Where]) -> tuple[str, str]:
        """The summary and the reason."""
        cause, urc = self.miss.cause, self.miss.urc
        name = type(urc).__name__
        if cause is Cause.OUT_OF_ORDER and self._misplaced():
            assert urc is not None
            times = "came a second time" if self._again() else "came where it has no place"
            return f"{title(urc)} {times}", _why("misplaced", name)
        if cause is Cause.OUT_OF_ORDER:
            return f"{_titles(due)} did not come", _why("skipped", due[0].cls.__name__)
        if cause is Cause.GUARD and name == "Ready":
            assert urc is not None
            return f"the module restarted unannounced: {title(urc)}", _why("guard", name)
        if urc is not None:
            told = {Cause.LATE: "came too late", Cause.UNEXPECTED: "came although it must not"}
            return f"{title(urc)} {told.get(cause, 'came')}", _why(cause.name.lower(), name)
        return f"{_titles(due)} did not come within {self._limit_text()}", self._silence() or _why(
            "missing", due[0].cls.__name__
        )

    def _silence(self) -> str | None:
        received = self.context.received
        silent = received is None or received[0] < self.wait.mark.time
        return str(_reasons()["silence"]) if silent else None

    # the lines

    def _expected(self) -> str:
        asked = self.wait.asked
        never = f", never {', '.join(map(describe, asked.never))}" if asked.never else ""
        if self._matcher_wait() is None:
            return f"no {describe(asked.pattern)}    during {asked.spelt}"
        return f"{describe(asked.pattern)}    within {asked.spelt}{never}"

    def _reached(self) -> tuple[Urc, ...]:
        wait = self._matcher_wait()
        return wait.matcher.urcs if wait else ()

    def _reached_text(self) -> str:
        if self._matcher_wait() is None:
            return ""
        return story.stages(self._reached(), self._since_mark) or "nothing of it"

    def _missing_text(self) -> str:
        wait, urc = self._matcher_wait(), self.miss.urc
        if wait is None:
            return ""
        instead = f"; instead: {type(urc).__name__} {self._at(urc.time)}" if urc else ""
        due = " or ".join(describe(leaf) for leaf in self._due())
        rest = wait.matcher.rest()
        more = (
            f" (and then {', '.join(' or '.join(map(describe, step)) for step in rest[1:])})"
            if rest[1:] and not urc
            else ""
        )
        return due + more + instead

    def _nearest_text(self) -> str:
        wait = self._matcher_wait()
        told = [
            f"{type(near.urc).__name__} {self._at(near.urc.time)} has {', '.join(near.leaf.differences(near.urc))}"
            for near in (wait.near if wait else ())
        ]
        return "; ".join(told)

    def _waited_text(self, failure: Failure) -> str:
        if self.miss.urc is not None:
            return ""
        waited = durations.spell(round(failure.waited, 2))
        last = next((e.body for e in reversed(self.entries) if isinstance(e.body, Urc)), None)
        if last is None:
            return f"{waited}; no URC came{self._bytes_text()}"
        quiet = durations.spell(round(self.context.clock.between(last.time, self.miss.time), 1))
        return f"{waited}; the last URC was {type(last).__name__} {self._at(last.time)}, {quiet} before the end"

    def _bytes_text(self) -> str:
        received = self.context.received
        if received is None or received[0] < self.wait.mark.time:
            return ""
        return f", the last bytes were {received[1][-60:]!r} {self._at(received[0])}"

    def _since_text(self) -> str:
        start, command = self.wait.mark.time, self.context.command
        sent = next((e for e in self.entries[:1] if e.kind == "tx"), None)
        name = story.text_of(sent) if sent else "the mark"
        if sent is None and start == 0:
            name = "the start of the test"
        elif sent is None and command:
            name = f"the mark after {command[1]}" if command[0] <= start else name
        wall = story.wall_clock(self.context.started + start)
        return f"{name} ({wall})".ljust(46) + "  " + story.bench(self.context.supply, self.context.sample)

    def _limit_text(self) -> str:
        wait = self._matcher_wait()
        element = wait.matcher.waiting() if wait and wait.matcher.until <= self.miss.time else None
        if element is None:
            return self.wait.asked.spelt
        before = f" after {type(self._reached()[-1]).__name__}" if self._reached() else ""
        return f"{element}{before}"

    def _remark(self) -> str:
        cause, due = self.miss.cause, self._due()
        if cause is Cause.OUT_OF_ORDER and not self._misplaced():
            return f"{' or '.join(describe(leaf) for leaf in due)} was due before this"
        if cause is Cause.OUT_OF_ORDER:
            return "a second time" if self._again() else "not here"
        return {
            Cause.LATE: "too late",
            Cause.GUARD: "unannounced" if type(self.miss.urc).__name__ == "Ready" else "guarded against",
        }.get(cause, "must not come")

    def _called(self) -> float:
        return self.wait.called if self.wait.called != float("inf") else self.wait.mark.time

    def _since_mark(self, t: float) -> float:
        return self.context.clock.between(self.wait.mark.time, t)

    def _at(self, t: float) -> str:
        return story.offset(self._since_mark(t))


def _titles(leaves: list[Where]) -> str:
    return " or ".join(map(title, leaves)) or "the end"


def _why(cause: str, name: str) -> str:
    reasons = _reasons()[cause]
    return reasons.get(name, reasons["default"])


def _line(name: str, value: str) -> str:
    return f"  {name:<8}  {value}".rstrip()
