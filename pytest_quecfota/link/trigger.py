"""Triggers: one prepared action each, fired by the first URC that fits, on the reader thread, before anybody else hears of it.

`power` arms one to send a disturbance's message to the supply; `wire` offers every URC to those that are armed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic

from pytest_quecfota.urc import Urc


class Trigger:
    """Fires once, or is cancelled; which of the two is settled when `cancel` or `wait` returns.

    `fire` runs on the thread that reads the port: it may only send, never wait. What it or `predicate` raises is kept in `error`.
    """

    def __init__(self, predicate: Callable[[Urc], bool], fire: Callable[[], object]) -> None:
        self._predicate = predicate
        self._fire = fire
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self.urc: Urc | None = None
        """The URC that fired it."""
        self.fired: float | None = None
        """When `fire` was called, in seconds of `time.monotonic`; None as long as it was not."""
        self.error: BaseException | None = None

    @property
    def armed(self) -> bool:
        """It can still fire."""
        return not self._settled.is_set()

    def cancel(self) -> bool:
        """Disarm it; True where it will never fire, False where it had fired."""
        with self._lock:
            self._settled.set()
            return self.fired is None

    def wait(self, seconds: float) -> bool:
        """Wait until it fires, at most `seconds` of real time; whether it did."""
        self._settled.wait(seconds)
        with self._lock:
            return self.fired is not None

    def offer(self, urc: Urc) -> bool:
        """Fire if `urc` fits; True where the trigger is used up. Called by the wire."""
        if self._settled.is_set():
            return True
        with self._lock:
            if self._settled.is_set():
                return True
            try:
                if not self._predicate(urc):
                    return False
                self.fired = monotonic()
                self.urc = urc
                self._fire()
            except Exception as error:
                self.error = error
            self._settled.set()
            return True
