"""What expectations need of the timeline that owns them. `record.Timeline` is one; tests may bring a smaller one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from pytest_quecfota.timeline.clock import ModuleClock
from pytest_quecfota.timeline.context import Context
from pytest_quecfota.timeline.history import History, Mark


class Recorded(Protocol):
    """A timeline, seen from its expectations."""

    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held whenever records are added; the same thread may take it twice."""

    @property
    def clock(self) -> ModuleClock:
        """Real and module seconds."""

    @property
    def history(self) -> History:
        """The records, in memory and beyond."""

    @property
    def broken(self) -> BaseException | None:
        """The bench fault, if there was one."""

    @property
    def start(self) -> Mark:
        """The place before the first record."""

    @property
    def last_command(self) -> Mark:
        """The place before the last command the test sent, or the start."""

    def now(self) -> float:
        """Real seconds since the start."""

    def explain_context(self) -> Context:
        """What a failure text says about the bench."""
