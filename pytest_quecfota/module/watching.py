"""Waiting for what a real MCU and its module do next: woken by every URC and every exchange that is recorded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeVar

from pytest_quecfota.timeline import Timeline

_T = TypeVar("_T")
_KINDS = frozenset({"urc", "response", "fault"})
_LOOK_AGAIN = 1.0  # real seconds: the clock's speed may have changed meanwhile


class Watch:
    """A context in which `until` sees everything that happens on the line."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._changed = threading.Condition()
        self._news = 0
        self._unlisten: Callable[[], None] = lambda: None

    def __enter__(self) -> Watch:
        self._unlisten = self._timeline.listen(self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unlisten()

    def until(self, look: Callable[[], _T | None], within: float, *, quiet: bool = False) -> _T | None:
        """What `look` finds, or None after `within` module seconds; with `quiet` after so many in which nothing happened.

        Raises the bench's error where the bench fails.
        """
        timeline = self._timeline
        began = timeline.now()
        while True:
            with self._changed:
                seen = self._news
            found = look()
            if found is not None:
                return found
            if timeline.broken is not None:
                raise timeline.broken
            left = timeline.clock.deadline(began, within) - timeline.now()
            if left <= 0:
                return None
            with self._changed:
                if self._changed.wait_for(lambda: self._news != seen, min(left, _LOOK_AGAIN)) and quiet:  # noqa: B023
                    began = timeline.now()

    def _take(self, record: Mapping[str, object]) -> None:
        if record["kind"] in _KINDS:
            with self._changed:
                self._news += 1
                self._changed.notify_all()
