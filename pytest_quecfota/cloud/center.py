"""The Developer Center as one object: what all its rooms share, opened from a data directory and closed again."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from . import tables
from .clock import Clock
from .domain.model import Plan
from .domain.states import PlanEvent, plan_after
from .held import Held
from .live import Sessions, Subscribers, Turns
from .packages import PackageFiles
from .planbook import PlanBook
from .store import Store, Transaction


def digest(token: str) -> str:
    """How a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


class Center:
    """Store, files, clock and what is open; one per process.

    `patience`: real seconds that a slow client has.
    """

    patience = 20.0

    def __init__(self, directory: Path, clock: Clock, token: str | None = None) -> None:
        """`token` is the one for people; without it a new one is made (`self.token`), and earlier ones end."""
        directory.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        self._held = Held(directory)
        try:
            self.store = Store(directory / "center.sqlite")
        except BaseException:
            self._held.close()
            raise
        self.files = PackageFiles(directory)
        self.sessions = Sessions()
        self.subscribers = Subscribers()
        self.plans = PlanBook()
        self.turns = Turns()
        self.stopping = asyncio.Event()
        self.ticking = asyncio.Event()
        self.nothing_ends_before = 0.0
        self.begun: dict[int, float] = {}
        self.token = token or secrets.token_urlsafe(24)
        self._start()

    def _start(self) -> None:
        with self.transaction() as tx:
            tx.execute(sa.delete(tables.tokens))
            tx.insert_many(tables.tokens, [{"digest": digest(self.token), "created": self.clock.now()}])
            rows = tx.rows(sa.select(tables.packages.c.files))
        self.files.clean({file["sha256"] for row in rows for file in row["files"]})
        self._digests = {digest(self.token)}

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything in it is stored, or nothing is."""
        try:
            with self.store.transaction() as tx:
                yield tx
        except BaseException:
            self.plans.forget()
            raise

    def admits(self, token: str) -> bool:
        """Whether this is a token for people."""
        return digest(token) in self._digests

    def move_plan(self, tx: Transaction, plan: Plan, event: PlanEvent, **values: float) -> None:
        """Moves a plan to its next state, together with other columns of its row; raises `NotAllowed`."""
        status = plan_after(plan.status, event)
        tx.execute(sa.update(tables.plans).where(tables.plans.c.id == plan.id).values(status=status.value, **values))
        self.plans.forget()
        tx.after(lambda: self.subscribers.tell(plan.id))

    def stop(self) -> None:
        """Ends waiting polls and streams."""
        self.stopping.set()
        self.ticking.set()
        self.subscribers.wake()
        for session in self.sessions:
            session.wake()

    def close(self) -> None:
        """Frees everything; the object is of no use afterwards."""
        self.store.close()
        self.clock.close()
        self._held.close()
