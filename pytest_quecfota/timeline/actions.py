"""`events.on`: user code that runs when a pattern comes, in a thread of its own.

The reader thread finds the match and puts it into a queue; the subscription's thread takes it out and calls the action.
So the action may take its time, send commands and wait for events, without holding up the wire.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from pytest_quecfota.timeline.nfa import Search
from pytest_quecfota.timeline.waiting import Match
from pytest_quecfota.urc import Urc

#: Called with the URC, where the pattern is one URC, otherwise with the `Match`.
Action = Callable[[Any], object]


class Subscription:
    """What `events.on` returns: the pattern is watched, each time it comes the action runs, until `cancel`."""

    def __init__(self, name: str, search: Search, action: Action, failed: Callable[[BaseException], None]) -> None:
        self.name = name
        self.count = 0  # matches so far
        self._search = search
        self._action = action
        self._failed = failed
        self._queue: SimpleQueue[Match | Urc | threading.Event | None] = SimpleQueue()
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name=f"quecfota on {name}", daemon=True)
        self._thread.start()

    def step(self, urc: Urc, match: Callable[[tuple[Urc, ...]], Match]) -> None:
        """Take one URC, on the reader thread."""
        if self._cancelled:
            return
        try:
            urcs = self._search.step(urc)
        except Exception as error:  # from a predicate of the test: told to the next expectation
            self.cancel()
            self._failed(error)
            return
        if urcs is not None:
            self.count += 1
            self._queue.put(urcs[0] if self._search.single else match(urcs))

    def cancel(self) -> None:
        """No action starts any more; one that runs goes on to its end."""
        self._cancelled = True
        self._queue.put(None)

    def finish(self, limit: float) -> None:
        """Wait at most `limit` real seconds until the actions of all matches so far have run; not where cancelled."""
        if not self._cancelled and self._thread is not threading.current_thread():
            reached = threading.Event()
            self._queue.put(reached)
            reached.wait(limit)

    def close(self, limit: float) -> bool:
        """Cancel and wait at most `limit` real seconds for a running action; whether the thread has ended."""
        self.cancel()
        if self._thread is not threading.current_thread():
            self._thread.join(limit)
        return not self._thread.is_alive()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def _run(self) -> None:
        while (found := self._queue.get()) is not None:
            try:
                if isinstance(found, threading.Event):
                    found.set()
                elif not self._cancelled:
                    self._action(found)
            except BaseException as error:  # raised by the next expectation, at the latest by the end of the test
                self._failed(error)
