"""What the wire and the AT client tell the record of a test. `timeline.Timeline` is it; tests bring their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pytest_quecfota.urc import Urc


class Recorder(Protocol):
    """Times are seconds since the start of the record unless said otherwise."""

    def stamp(self, monotonic: float) -> float:
        """A value of `time.monotonic` as a time of the record."""

    def received(self, data: bytes, t: float) -> None:
        """Bytes came, as they were read."""

    def sent(self, data: bytes, *, command: bool = True) -> None:
        """Bytes are about to be written; a `command` is where expectations count from."""

    def urc(self, u: Urc) -> None:
        """A URC came. Called on the thread that reads the port."""

    def response(self, command: str, lines: Sequence[str], final: str, duration: float) -> None:
        """A command was answered with `final` after `duration` real seconds."""

    def record(self, kind: str, /, **fields: object) -> float:
        """Something else happened."""

    def fault(self, error: BaseException) -> None:
        """The bench failed: whoever waits on the record is woken and raises `error`."""
