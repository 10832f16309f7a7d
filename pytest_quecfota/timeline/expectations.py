"""`events`: what a test expects of the timeline.

A URC comes in through `arrived`, on the thread that reads the port; tests call the rest from theirs, several at once.
There is no cursor: every expectation looks from `since` on, by default from the last command the test sent, first at
what has been recorded, then at what comes. The record behind it (`record.Timeline`) is reached through `recorded.Recorded`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from pytest_quecfota.errors import ModuleError
from pytest_quecfota.timeline import durations, explain
from pytest_quecfota.timeline.actions import Action, Subscription
from pytest_quecfota.timeline.history import Entry, Mark
from pytest_quecfota.timeline.nfa import Program, Search, compile
from pytest_quecfota.timeline.patterns import Pattern, describe, node, where
from pytest_quecfota.timeline.recorded import Recorded
from pytest_quecfota.timeline.waiting import Absence, Cause, Claims, Expectation, Expected, Match, Miss, Wait
from pytest_quecfota.urc import Urc

#: A URC stamped in time may still be on its way from the reader thread when a wait ends: real seconds to let it in.
GRACE = 0.05
#: How long `check` waits for the actions of each subscription, in real seconds; one may wait for what never comes.
FINISHING = 1.0
#: How long the end of a test waits for an action of `events.on` that still runs, in real seconds.
CLOSING = 5.0


_W = TypeVar("_W", bound=Wait)


class Events:
    """Expectations over the URCs of one timeline. All methods may be called from several threads."""

    def __init__(self, record: Recorded) -> None:
        self._record = record
        self._waits: list[Wait] = []
        self._subscriptions: list[Subscription] = []
        self._errors: list[BaseException] = []
        self._claims = Claims()
        self._closed = False

    # what a test calls

    def expect(
        self,
        pattern: Pattern,
        within: float | str,
        since: Mark | None = None,
        never: Pattern | Sequence[Pattern] = (),
        *,
        guards: bool = True,
    ) -> Match:
        """Wait until `pattern` is complete.

        Parameters:
            within: module seconds from the call; what was recorded since `since` counts whenever it came.
            since: a mark; by default the last command the test sent.
            never: patterns that fail the wait at once.
            guards: whether `UpdateFailed` and a restart nobody announced fail it too, unless the pattern means them.

        Raises `ModuleError` at once where a URC of the pattern comes out of order or something forbidden comes, and when
        the time is over; `BenchError` where the bench fails meanwhile; what an action of `on` raised.
        """
        __tracebackhide__ = True  # pytest shows the line of the test, not ours
        asked, forbidden = _asked(pattern, within, never, guards)
        clock = self._record.clock
        searches = [Search(program, clock.deadline) for program in forbidden]
        return self._settle(self._wait(Expectation(asked, searches, self._at(since), clock)))

    def wait(
        self, pattern: Pattern, within: float | str, since: Mark | None = None, *, guards: bool = True
    ) -> Match | None:
        """As `expect`, but None where the time is over: for what may come and need not."""
        asked, _ = _asked(pattern, within, (), guards)
        wait = self._wait(Expectation(asked, (), self._at(since), self._record.clock))
        outcome = wait.outcome
        return None if isinstance(outcome, Miss) and outcome.cause is Cause.TIMED_OUT else self._settle(wait)

    def pause(self, duration: float | str) -> None:
        """Let `duration` module seconds pass; a bench fault ends that at once, as it ends every wait."""
        self.expect_none(where(Urc, raw=lambda _raw: False), duration, self.mark(), guards=False)

    def expect_none(
        self, pattern: Pattern, during: float | str, since: Mark | None = None, *, guards: bool = True
    ) -> None:
        """Wait `during` module seconds and see that `pattern` does not come.

        Counted is what arrived from `since` (by default the last command) until `during` after the call, but not what
        an `expect` has returned. Raises `ModuleError` as soon as it comes, `BenchError` as `expect` does.
        """
        __tracebackhide__ = True
        asked, _ = _asked(pattern, during, (), guards)
        clock = self._record.clock
        self._settle(self._wait(Absence(asked, Search(asked.program, clock.deadline), self._at(since), clock)))

    def seen(self, pattern: Pattern, since: Mark | None = None) -> list[Urc]:
        """The URCs of every match of `pattern` since a mark (by default since the start), without waiting."""
        search = Search(compile(node(pattern)), self._record.clock.deadline)
        found: list[Urc] = []

        def take(entry: Entry) -> bool:
            found.extend(search.step(_urc(entry)) or ())
            return False

        with self._after_history(self._record.start if since is None else _checked(since), take):
            return found

    def mark(self) -> Mark:
        """This place in the timeline, for `since`."""
        with self._record.lock:
            return self._record.history.mark(self._record.now())

    def on(self, pattern: Pattern, action: Action) -> Subscription:
        """Call `action` each time `pattern` comes from now on, in a thread of its own, until the end of the test.

        It gets the URC, or the `Match` where the pattern is made of several. What it raises is raised by the next
        expectation, at the latest at the end of the test. The handle returned can be cancelled, also by `with`.
        """
        if not callable(action):
            raise TypeError(f"an action is something to call, not {action!r}")
        pattern = node(pattern)
        search = Search(compile(pattern), self._record.clock.deadline)
        subscription = Subscription(describe(pattern), search, action, self._failed)
        with self._record.lock:
            self._subscriptions.append(subscription)
        return subscription

    def check(self) -> None:
        """For the end of a test: let the actions of `on` finish, and raise what one raised and no expectation told."""
        with self._record.lock:
            subscriptions = tuple(self._subscriptions)
        for subscription in subscriptions:
            subscription.finish(FINISHING)
        self._raise_error()

    @property
    def waiting(self) -> int:
        """How many expectations wait now."""
        return len(self._waits)

    # what the timeline calls, under its lock

    def arrived(self, entry: Entry) -> Sequence[Wait]:
        """Step everything that waits or watches with a new URC; returns the waits it decided, which are awake."""
        decided = [wait for wait in self._waits if wait.step(entry, self._claims.numbers)]
        for wait in decided:
            self._waits.remove(wait)
            self._claims.of(wait)
            wait.wake()
        if decided:
            decided[0].hand_over()
        if self._subscriptions:
            urc = _urc(entry)
            for subscription in self._subscriptions:
                subscription.step(urc, self._match)
        return decided

    def look_again(self) -> None:
        """The clock's speed changed, or the bench broke: wake everybody who waits."""
        for wait in self._waits:
            wait.retime()
            wait.wake()

    def close(self) -> list[str]:
        """Cut all waits and end all subscriptions, not under the lock.

        Returns the names of the subscriptions whose action did not end in time.
        """
        with self._record.lock:
            self._closed = True
            subscriptions, self._subscriptions = self._subscriptions, []
            for wait in self._waits:
                wait.wake()
        for subscription in subscriptions:
            subscription.cancel()
        return [subscription.name for subscription in subscriptions if not subscription.close(CLOSING)]

    # how a wait goes

    def _wait(self, wait: _W) -> _W:
        self._raise_error()
        with self._after_history(wait.mark, lambda entry: wait.step(entry, self._claims.numbers)):
            self._claims.of(wait)
            if wait.outcome is None:
                self._interrupted(wait, over=False)
                wait.begin(self._record.now())
                self._waits.append(wait)
        try:
            self._sleep(wait)
        finally:
            if wait.outcome is None:  # otherwise it has been let go already
                with self._record.lock:
                    self._waits = [other for other in self._waits if other is not wait]
        return wait

    def _sleep(self, wait: Wait) -> None:
        """Until the wait is decided or over; `outcome` is set afterwards."""
        while wait.outcome is None:
            grace = GRACE if wait.until > wait.called else 0.0
            remaining = wait.until + grace - self._record.now()
            if remaining > 0:
                wait.sleep(remaining)
            if wait.outcome is None:
                with self._record.lock:
                    self._interrupted(wait, over=remaining <= 0)

    def _interrupted(self, wait: Wait, over: bool) -> None:
        if wait.outcome is not None:
            return
        self._raise_error()
        self._raise_broken()
        if self._closed:
            raise RuntimeError("the timeline was closed while a test waited on it")
        if over and self._record.now() >= wait.until:
            wait.end(wait.until)
            self._waits.remove(wait)

    def _settle(self, wait: Wait) -> Match:
        __tracebackhide__ = True
        outcome = wait.outcome
        if isinstance(outcome, float):
            return wait.match(outcome)
        if isinstance(outcome, BaseException):
            raise outcome
        assert outcome is not None
        raise self._explained(wait, outcome)

    def _explained(self, wait: Wait, miss: Miss) -> ModuleError:
        with self._record.lock:
            entries = self._record.history.newest(wait.mark.number)
            context = self._record.explain_context()
        return explain.error(wait, miss, entries, context)

    @contextmanager
    def _after_history(self, mark: Mark, take: Callable[[Entry], bool]) -> Iterator[None]:
        """Show `take` every URC since `mark`, until it returns True; the body runs under the lock, nothing missed."""
        history, number, going = self._record.history, mark.number, True
        while True:
            for entry in history.recall(mark.number, mark.position) if going else ():  # reads the disk: no lock
                if entry.number >= number and going:
                    number, going = entry.number + 1, not (entry.kind == "urc" and take(entry))
            with self._record.lock:
                if going and history.has_gap(number):
                    continue
                for entry in history.newest(number) if going else ():
                    if entry.kind == "urc" and take(entry):
                        break
                yield
                return

    def _match(self, urcs: tuple[Urc, ...]) -> Match:
        return Match(urcs, self._record.clock.between(urcs[0].time, urcs[-1].time))

    def _failed(self, error: BaseException) -> None:
        with self._record.lock:
            if not self._closed:
                self._errors.append(error)
                self.look_again()

    def _raise_error(self) -> None:
        with self._record.lock:
            if self._errors:
                raise self._errors.pop(0)

    def _raise_broken(self) -> None:
        if self._record.broken is not None:
            raise self._record.broken

    def _at(self, since: Mark | None) -> Mark:
        return self._record.last_command if since is None else _checked(since)


def _asked(
    pattern: Pattern, within: float | str, never: Pattern | Sequence[Pattern], guards: bool
) -> tuple[Expected, list[Program]]:
    wanted = node(pattern)
    forbidden = tuple(map(node, never)) if isinstance(never, (tuple, list)) else (node(never),)
    limit, spelt = durations.seconds(within), durations.spell(within)
    return Expected(wanted, compile(wanted), limit, spelt, forbidden, guards), list(map(compile, forbidden))


def _checked(since: object) -> Mark:
    if not isinstance(since, Mark):
        raise TypeError(f"since is what events.mark() returns, not {since!r}")
    return since


def _urc(entry: Entry) -> Urc:
    assert isinstance(entry.body, Urc)
    return entry.body
