"""A platform clock for tests inside one process."""

from __future__ import annotations


class HandClock:
    """A clock that only the test moves."""

    settable = True

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time

    def speed(self) -> float:
        return 0.0

    def set(self, speed: float | None, step: float | None) -> None:
        self.time += step or 0.0

    def close(self) -> None:
        """Nothing to free."""
