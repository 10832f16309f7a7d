"""One thread that waits: what it waits for, how far it came, and how it is woken.

The reader thread steps every wait with each URC, under the timeline's lock, and wakes the waiting thread only when its
wait is decided: a flood of URCs that nobody waits for wakes nobody. Each wait has a raw lock of its own, the cheapest
way to sleep and to be woken in Python.
"""

from __future__ import annotations

import enum
from _thread import allocate_lock
from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_quecfota.timeline import guards
from pytest_quecfota.timeline.clock import ModuleClock
from pytest_quecfota.timeline.history import Entry, Mark
from pytest_quecfota.timeline.nfa import Matcher, Program, Search, Step
from pytest_quecfota.timeline.patterns import Node, Where
from pytest_quecfota.urc import Urc

#: The longest the reader thread waits until a thread it has woken runs, in real seconds.
HAND_OVER = 0.0003


@dataclass(frozen=True)
class Match:
    """What an expectation found.

    `urcs` in order; `duration` in module seconds from where it looked (by default the last command) to the last URC.
    """

    urcs: tuple[Urc, ...]
    duration: float


class Cause(enum.Enum):
    """Why an expectation was not met."""

    OUT_OF_ORDER = "something else was due before"
    LATE = "came after its deadline"
    TIMED_OUT = "did not come"
    FORBIDDEN = "the test forbids it"
    GUARD = "a guard forbids it"
    UNEXPECTED = "must not come"


@dataclass(frozen=True)
class Miss:
    """A wait that ended badly: the cause, the URC that decided it (None for a time-out), and when."""

    cause: Cause
    urc: Urc | None
    time: float


@dataclass(frozen=True)
class Expected:
    """What a test asked for, as it wrote it."""

    pattern: Node
    program: Program
    limit: float
    spelt: str
    never: tuple[Node, ...] = ()
    guards: bool = True


class Wait:
    """The part all waits share: deciding once, and sleeping until decided or poked."""

    def __init__(self, asked: Expected, mark: Mark, clock: ModuleClock) -> None:
        self.asked = asked
        self.mark = mark
        self.clock = clock
        self.called = float("inf")  # until the wait proper begins, what comes is history
        self.until = float("inf")
        self.outcome: float | Miss | BaseException | None = None  # a real time: met by what came then
        self._asleep = allocate_lock()
        self._asleep.acquire()
        self._running = allocate_lock()
        self._running.acquire()

    def begin(self, now: float) -> None:
        """History has been looked at; the wait begins. Under the timeline's lock."""
        self.called = now
        self.retime()

    def retime(self) -> None:
        """Work out anew when the wait is over: it begins, or the clock's speed changed. Under the timeline's lock."""
        raise NotImplementedError

    def step(self, entry: Entry, claimed: frozenset[int] | set[int]) -> bool:
        """Take one URC; True if that decides, then `wake` is due. Under the timeline's lock.

        What a predicate of the test raises is the outcome.
        """
        try:
            self.outcome = self._judge(entry, entry.number in claimed)
        except Exception as error:  # from a predicate of the test: raised in the thread that waits
            self.outcome = error
        return self.outcome is not None

    def end(self, now: float) -> None:
        """Time is up and nothing decided. Under the timeline's lock."""
        raise NotImplementedError

    def match(self, met: float) -> Match:
        """What was found, where it was met at a real time. Made in the thread that waits, the other is in a hurry."""
        return Match(self.taken, self.clock.between(self.mark.time, met))

    @property
    def taken(self) -> tuple[Urc, ...]:
        """What was found so far."""
        return ()

    def wake(self) -> None:
        """Let the waiting thread look again. Under the timeline's lock."""
        if self._asleep.locked():
            self._asleep.release()

    def hand_over(self) -> None:
        """Wake the thread of a decided wait and let it go first; this one has only records left to write.

        A thread that goes on holds the lock of the interpreter just when the other one needs it: waiting for it here
        takes 40 µs off the way from the wire to the test (of 280 µs, measured on 2 cores).
        """
        self.wake()
        self._running.acquire(timeout=HAND_OVER)

    def sleep(self, seconds: float) -> None:
        """Sleep until woken, at most so many real seconds."""
        self._asleep.acquire(timeout=min(seconds, 1e6))
        if self.outcome is not None and self._running.locked():
            self._running.release()

    def _judge(self, entry: Entry, claimed: bool) -> float | Miss | None:
        raise NotImplementedError


@dataclass
class Near:
    """The nearest miss: a URC of the right class with other fields than wanted."""

    leaf: Where
    urc: Urc


class Expectation(Wait):
    """Waits until a pattern is complete. Fails at once on what is out of order, forbidden or guarded against."""

    def __init__(self, asked: Expected, never: Sequence[Search], mark: Mark, clock: ModuleClock) -> None:
        super().__init__(asked, mark, clock)
        self.matcher = Matcher(asked.program, mark.time, clock.deadline)
        self.numbers: list[int] = []
        self.near: list[Near] = []
        self._never = tuple(never)
        self._whole = float("inf")

    def retime(self) -> None:
        self._whole = self.clock.deadline(self.called, self.asked.limit) if self.asked.limit else self.called
        self._narrow()

    def end(self, now: float) -> None:
        self.outcome = Miss(Cause.TIMED_OUT, None, now)

    @property
    def taken(self) -> tuple[Urc, ...]:
        return self.matcher.urcs

    def _narrow(self) -> None:
        self.until = min(self._whole, self.matcher.until)

    def _judge(self, entry: Entry, claimed: bool) -> float | Miss | None:
        urc = entry.body
        assert isinstance(urc, Urc)
        if self._never and not claimed and any([search.step(urc) is not None for search in self._never]):  # noqa: C419
            return Miss(Cause.FORBIDDEN, urc, entry.time)
        if urc.time > self._whole:
            return Miss(Cause.TIMED_OUT, None, self._whole)
        step = self.matcher.step(urc)
        if step is Step.FOREIGN:
            return self._foreign(urc, entry, claimed)
        if step in (Step.OUT_OF_ORDER, Step.LATE):
            return Miss(Cause.LATE if step is Step.LATE else Cause.OUT_OF_ORDER, urc, entry.time)
        self.numbers.append(entry.number)
        if step is Step.COMPLETE:
            return urc.time
        until = self.until
        self._narrow()
        if self.until < until:
            self.wake()  # it sleeps for longer than it may now
        return None

    def _foreign(self, urc: Urc, entry: Entry, claimed: bool) -> Miss | None:
        for leaf in self.asked.program.alphabet:
            if isinstance(urc, leaf.cls):
                self.near = [near for near in self.near if near.leaf is not leaf] + [Near(leaf, urc)]
        if self.asked.guards and not claimed and guards.forbids(urc, entry.unannounced):
            return Miss(Cause.GUARD, urc, entry.time)
        return None


class Absence(Wait):
    """Waits to see that a pattern does not come. Only a restart nobody announced is guarded against."""

    def __init__(self, asked: Expected, search: Search, mark: Mark, clock: ModuleClock) -> None:
        super().__init__(asked, mark, clock)
        self._search = search

    def retime(self) -> None:
        self.until = self.clock.elapsed(self.called, self.asked.limit)

    def end(self, now: float) -> None:
        self.outcome = now

    def _judge(self, entry: Entry, claimed: bool) -> float | Miss | None:
        urc = entry.body
        assert isinstance(urc, Urc)
        if urc.time > self.until:
            return self.until
        if not claimed and self._search.step(urc) is not None:
            return Miss(Cause.UNEXPECTED, urc, entry.time)
        waiting = self.called != float("inf")
        if self.asked.guards and waiting and entry.unannounced and not self.asked.program.means(urc):
            return Miss(Cause.GUARD, urc, entry.time)
        return None


@dataclass
class Claims:
    """Numbers of the URCs that some `expect` has returned: they are not held against a later expectation."""

    numbers: set[int] = field(default_factory=set)

    def of(self, wait: Wait) -> None:
        """Claim what a met expectation took."""
        if isinstance(wait, Expectation) and isinstance(wait.outcome, float):
            self.numbers.update(wait.numbers)
