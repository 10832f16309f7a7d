"""What is open right now and lives in memory only: sessions and polls of devices, subscribers of the monitoring.

A device is online while it polls, or for a minute of real time after its last call. What a device has to be told is kept
as facts (an offer is due, this task is cancelled), not as ready messages: they are made when it polls.
"""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
import time
from collections.abc import Iterator

from .domain.windows import PUSH_EVERY

ONLINE_SECONDS = 60.0
"""Real seconds a device counts as online after its last call."""
ANSWER_SECONDS = 3.0
"""Real seconds a device has to answer an offer before it is pushed again, however fast the platform's clock runs."""
YOUNG_OFFER = PUSH_EVERY / 2
"""Seconds of platform time: rounds are ten minutes apart for all devices together, so that one which has just asked
would hear the same offer again at once; it is left out of that round ("about every ten minutes")."""


@dataclasses.dataclass
class Session:
    """One connection of a device."""

    token: str
    product_key: str
    dk: str
    connection: int
    last_call: float = dataclasses.field(default_factory=time.monotonic)
    polls: int = 0
    poll: object = None
    offer_due: bool = False
    unanswered_since: float | None = None
    offered_at: float | None = None
    cancelled: list[int] = dataclasses.field(default_factory=list)
    cancel_told: bool = False
    dismissed: int | None = None
    news: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def online(self) -> bool:
        """Whether the device can be reached."""
        return self.dismissed is None and (self.polls > 0 or time.monotonic() - self.last_call < ONLINE_SECONDS)

    def answer_due(self) -> float:
        """Real seconds for which the device may still answer its last offer; no push comes in between."""
        if self.unanswered_since is None:
            return 0.0
        return max(self.unanswered_since + ANSWER_SECONDS - time.monotonic(), 0.0)

    def offered(self, now: float) -> None:
        """A plan goes to the device at this moment of platform time: no push is due to it any more."""
        self.offer_due, self.unanswered_since, self.offered_at = False, time.monotonic(), now

    def offered_lately(self, now: float) -> bool:
        """Whether the round of pushes that begins now has to leave the device out: its last offer is too young."""
        return self.offered_at is not None and now - self.offered_at < YOUNG_OFFER

    def wake(self) -> None:
        """Lets the open poll look at what is due."""
        self.news.set()


class Sessions:
    """The sessions of all devices."""

    def __init__(self) -> None:
        self._by_token: dict[str, Session] = {}
        self._by_device: dict[tuple[str, str], Session] = {}

    def open(self, product_key: str, dk: str, connection: int) -> Session:
        """Begins a session; an earlier one of the device is lost."""
        self.close(product_key, dk)
        session = Session(secrets.token_urlsafe(24), product_key, dk, connection)
        self._by_token[session.token] = self._by_device[product_key, dk] = session
        return session

    def by_token(self, token: str) -> Session | None:
        """The session of a token, None where it is lost."""
        return self._by_token.get(token)

    def of(self, product_key: str, dk: str) -> Session | None:
        """The session of a device, None where it has none."""
        return self._by_device.get((product_key, dk))

    def online(self, product_key: str, dk: str) -> bool:
        """Whether the device can be reached."""
        session = self.of(product_key, dk)
        return session is not None and session.online()

    def close(self, product_key: str, dk: str) -> None:
        """Ends the session of a device."""
        session = self._by_device.pop((product_key, dk), None)
        if session is not None:
            self._by_token.pop(session.token, None)
            session.wake()

    def dismiss(self, product_key: str, dk: str, code: int) -> None:
        """Tells a device to go: its poll and its calls answer with the code."""
        session = self.of(product_key, dk)
        if session is not None:
            session.dismissed = code
            session.wake()

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_device.values()))


class Turns:
    """Lets modules in one after another, so that a thousand of them at once do not keep people waiting."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Returns when it is the caller's turn: one per round of the event loop, first come, first served."""
        async with self._lock:
            await asyncio.sleep(0)


class Subscriber:
    """One listener of a plan's monitoring; changes of one device are merged until they are fetched."""

    def __init__(self) -> None:
        self.changed: dict[str, None] = {}
        self.plan_changed = True
        self.news = asyncio.Event()

    def take(self) -> tuple[list[str], bool]:
        """Devices changed since the last call, and whether the plan itself has."""
        changed, plan_changed = list(self.changed), self.plan_changed
        self.changed, self.plan_changed = {}, False
        self.news.clear()
        return changed, plan_changed


class Subscribers:
    """Who listens to which plan."""

    def __init__(self) -> None:
        self._of: dict[int, set[Subscriber]] = {}

    def add(self, plan: int) -> Subscriber:
        """Begins to listen; `remove` ends it."""
        subscriber = Subscriber()
        self._of.setdefault(plan, set()).add(subscriber)
        return subscriber

    def remove(self, plan: int, subscriber: Subscriber) -> None:
        """Ends the listening."""
        listeners = self._of.get(plan, set())
        listeners.discard(subscriber)
        if not listeners:
            self._of.pop(plan, None)

    def tell(self, plan: int, dk: str | None = None) -> None:
        """Something of the plan changed: of one device, or of the plan itself."""
        for subscriber in self._of.get(plan, ()):
            if dk is None:
                subscriber.plan_changed = True
            else:
                subscriber.changed[dk] = None
            subscriber.news.set()

    def wake(self) -> None:
        """Lets every listener look whether the service stops."""
        for listeners in self._of.values():
            for subscriber in listeners:
                subscriber.news.set()
