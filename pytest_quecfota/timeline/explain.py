"""Why an expectation was not met, as text for a tired person and as data for programs.

Takes a wait that ended badly, the records since its mark and what is known of the bench; gives the `ModuleError` to
raise. Its text has a summary, what was expected, how far it came, what is missing, the nearest miss, the last records,
a likely reason and the files; the same as data is in its attribute `failure`. Reasons are in `reasons.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_quecfota.errors import ModuleError
from pytest_quecfota.timeline import durations, reasons, story
from pytest_quecfota.timeline.context import Context
from pytest_quecfota.timeline.history import Entry
from pytest_quecfota.timeline.patterns import Where, describe
from pytest_quecfota.timeline.waiting import Cause, Expectation, Miss, Wait
from pytest_quecfota.urc import Ready, Urc


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
    failure = finding.failure
    raised = ModuleError(context.mask(failure.summary), detail=context.mask("\n".join(finding.lines())))
    told = {name: getattr(failure, name) for name in ("expected", "reached", "missing", "why")}
    vars(raised).update(told, failure=failure)
    return raised


class _Finding:
    """Puts one failure together."""

    def __init__(self, wait: Wait, miss: Miss, entries: Sequence[Entry], context: Context) -> None:
        self.mark, self.asked, self.miss, self.context = wait.mark, wait.asked, miss, context
        self.called = wait.mark.time if wait.called == float("inf") else wait.called
        self.entries = entries
        self.wait = wait if isinstance(wait, Expectation) else None  # None: something must not come
        self.reached: tuple[Urc, ...] = self.wait.matcher.urcs if self.wait else ()
        before = self._due_before()
        self.misplaced = miss.cause is Cause.OUT_OF_ORDER and not before
        self.due = before or (self.wait.matcher.due() if self.wait else [])
        self.again = any(type(urc) is type(miss.urc) for urc in self.reached)
        summary, why = self._verdict()
        self.failure = Failure(
            cause=miss.cause,
            summary=summary,
            expected=self._expected(),
            reached=self.reached,
            missing=tuple(leaf.cls.__name__ for leaf in self.due),
            instead=miss.urc,
            why=why,
            waited=max(0.0, context.clock.between(self.called, miss.time)),
            files=context.files,
        )

    def lines(self) -> list[str]:
        """The text below the summary."""
        named = [("expected", self.failure.expected)]
        if self.wait is not None:
            reached = story.stages(self.reached, self._offset) or "nothing of it"
            named += [("reached", reached), ("missing", self._missing()), ("nearest", self._nearest(self.wait))]
        if self.miss.urc is None:
            named += [("waited", self._waited())]
        text = [_line(name, value) for name, value in (*named, ("since", self._since())) if value]
        decided = self.miss.urc if self.miss.urc is not None else self.miss.time
        text += story.table(self.entries, self.mark, self.context.clock, decided, self._remark())
        return [*text, _line("why", self.failure.why), _line("files", "  ".join(self.failure.files))]

    # the verdict

    def _due_before(self) -> list[Where]:
        """What a URC out of order left out; empty where nothing left out would make it right."""
        urc = self.miss.urc
        if self.wait is None or urc is None or self.miss.cause is not Cause.OUT_OF_ORDER:
            return []
        return self.wait.matcher.due_before(urc)

    def _verdict(self) -> tuple[str, str]:
        """The summary and the reason."""
        cause, urc = self.miss.cause, self.miss.urc
        if urc is None:
            why = self._silence() or reasons.why("missing", self.due[0].cls.__name__)
            return f"{reasons.titles(self.due)} did not come within {self._limit()}", why
        name, title = type(urc).__name__, reasons.title(urc)
        if self.misplaced:
            return f"{title} came {'a second time' if self.again else 'out of order'}", reasons.why("misplaced", name)
        if cause is Cause.OUT_OF_ORDER:
            return f"{reasons.titles(self.due)} did not come", reasons.why("skipped", self.due[0].cls.__name__)
        if cause is Cause.GUARD and isinstance(urc, Ready):
            return f"the module restarted unannounced: {title}", reasons.why("guard", name)
        told = {Cause.LATE: "came too late", Cause.UNEXPECTED: "came although it must not"}
        return f"{title} {told.get(cause, 'came')}", reasons.why(cause.name.lower(), name)

    def _silence(self) -> str:
        """The reason where not one byte came."""
        received = self.context.received
        return "" if received and received[0] >= self.mark.time else str(reasons.tables()["silence"])

    def _limit(self) -> str:
        """The time that is over: of the whole, or of an element that has one of its own."""
        matcher = self.wait.matcher if self.wait else None
        element = matcher.waiting() if matcher and matcher.until <= self.miss.time else None
        if element is None:
            return self.asked.spelt
        return f"{element} after {type(self.reached[-1]).__name__}" if self.reached else element

    # the lines

    def _expected(self) -> str:
        if self.wait is None:
            return f"no {describe(self.asked.pattern)}    during {self.asked.spelt}"
        never = f", never {', '.join(map(describe, self.asked.never))}" if self.asked.never else ""
        return f"{describe(self.asked.pattern)}    within {self.asked.spelt}{never}"

    def _missing(self) -> str:
        due, urc = _either(self.due), self.miss.urc
        if urc is not None:
            return f"{due}; instead: {type(urc).__name__} {self._at(urc.time)}"
        rest = self.wait.matcher.rest()[1:] if self.wait else []
        return f"{due}, then {', '.join(map(_either, rest))}" if rest else due

    def _nearest(self, wait: Expectation) -> str:
        """URCs of the right class with other fields than wanted."""
        return "; ".join(
            f"{type(near.urc).__name__} {self._at(near.urc.time)} has {', '.join(near.leaf.differences(near.urc))}"
            for near in wait.near
        )

    def _waited(self) -> str:
        waited = durations.spell(round(self.failure.waited, 2))
        came = [entry.body for entry in self.entries if isinstance(entry.body, Urc) and entry.time <= self.miss.time]
        if came:
            last = came[-1]
            quiet = durations.spell(round(self.context.clock.between(last.time, self.miss.time), 1))
            return f"{waited}; the last URC was {type(last).__name__} {self._at(last.time)}, {quiet} before the end"
        received = self.context.received
        if received is None or received[0] < self.mark.time:
            return f"{waited}; not one byte came"
        return f"{waited}; no URC came, the last bytes were {received[1][-60:]!r} {self._at(received[0])}"

    def _since(self) -> str:
        wall = story.wall_clock(self.context.started + self.mark.time)
        return f"{self._origin()} ({wall})".ljust(50) + "  " + story.bench(self.context.supply, self.context.sample)

    def _origin(self) -> str:
        """What the mark is, in words: the command that follows it, the start, or the command before it."""
        if self.entries and self.entries[0].kind == "tx":
            return story.text_of(self.entries[0])
        if self.mark.number == 0:
            return "the start of the test"
        command = self.context.command
        return f"a mark after {command[1]}" if command and command[0] <= self.mark.time else "a mark"

    def _remark(self) -> str:
        """What stands beside the record that decided."""
        told = {
            Cause.OUT_OF_ORDER: "came a second time" if self.again else "out of order",
            Cause.LATE: "too late",
            Cause.TIMED_OUT: f"time is up, {_either(self.due)} is missing",
            Cause.GUARD: "unannounced" if isinstance(self.miss.urc, Ready) else "must not come while a test waits",
        }
        if self.miss.cause is Cause.OUT_OF_ORDER and not self.misplaced:
            return f"{_either(self.due)} was due before this"
        return told.get(self.miss.cause, "must not come")

    def _offset(self, t: float) -> float:
        return self.context.clock.between(self.mark.time, t)

    def _at(self, t: float) -> str:
        return story.offset(self._offset(t))


def _either(leaves: Iterable[Where]) -> str:
    return " or ".join(map(describe, leaves))


def _line(name: str, value: str) -> str:
    return f"  {name:<8}  {value}".rstrip()
