"""After a time-out: what may still come for the command that was given up, and how client and module find each other again.

`Quarantine` remembers the commands whose final result is still due. `Probe` is the plain `AT` that is sent before the
next command: the module is in step again when it has answered and then kept quiet for the time an answer may take, so
that the late answer and the one to `AT` cannot be mistaken for each other. (A module works off its commands in order.)
What comes meanwhile and is no URC is dropped; it is in the record.
"""

from __future__ import annotations

from collections import deque
from time import monotonic

from pytest_quecfota.at import ownership
from pytest_quecfota.at.exchange import Signal
from pytest_quecfota.at.ownership import Asked
from pytest_quecfota.errors import BenchError
from pytest_quecfota.link.frames import Frame, Line
from pytest_quecfota.urc import PoweredDown, Ready, Unknown, Urc

_MOST = 8
_REMEMBERED_SECONDS = 60.0


class Quarantine:
    """The commands that were given up and may still be answered."""

    def __init__(self) -> None:
        self._due: deque[tuple[float, Asked]] = deque(maxlen=_MOST)
        self.out_of_step: Asked | None = None
        """The command since which client and module are out of step."""
        self.in_data: bool = False
        """The module may be waiting for the data of a prompt."""

    def add(self, command: Asked, *, in_data: bool) -> None:
        """`command` was given up."""
        self._due.append((monotonic(), command))
        self.out_of_step = command
        self.in_data = self.in_data or in_data

    def due(self) -> tuple[Asked, ...]:
        """The commands whose answers may still come; they are forgotten after a minute of real time."""
        oldest = monotonic() - _REMEMBERED_SECONDS
        return tuple(command for since, command in list(self._due) if since > oldest)

    def paid(self, finals: int = 1) -> None:
        """So many final results came that belong to these commands."""
        for _ in range(min(finals, len(self._due))):
            self._due.popleft()

    def in_step(self) -> None:
        """The module has answered in step."""
        self.out_of_step, self.in_data = None, False

    def clear(self) -> None:
        """The module restarted: nothing is due any more."""
        self._due.clear()
        self.in_step()

    def take(self, frame: Frame, unsolicited: Urc | None) -> bool:
        """Between commands: whether `frame` is dropped as late."""
        if _is_urc(unsolicited):
            return False
        if isinstance(frame, Line) and ownership.is_final(_text(frame)):
            self.paid()
        return True


class Probe:
    """Waits for the answer to `AT` and for quiet after it."""

    def __init__(self) -> None:
        self.finals = 0
        self.echoed = False
        self.error: BenchError | None = None
        self._heard = Signal()
        self._restarted = False

    def take(self, frame: Frame, unsolicited: Urc | None) -> bool:
        """Everything but URCs is the probe's."""
        if _is_urc(unsolicited):
            return False
        if isinstance(frame, Line):
            text = _text(frame)
            self.finals += ownership.is_final(text)
            self.echoed = self.echoed or text.endswith("AT")
        self._heard.set()
        return True

    def passed(self, unsolicited: Urc) -> None:
        """A restart in between makes the probe void: it is sent again."""
        if isinstance(unsolicited, (Ready, PoweredDown)):
            self._restarted = True
            self._heard.set()

    def lost(self, error: BenchError) -> None:
        """The wire is lost."""
        self.error = error
        self._heard.set()

    def answered(self, within: float, quiet: float) -> bool:
        """Wait `within` real seconds for a final result and then until `quiet` seconds bring nothing more."""
        deadline = monotonic() + within
        while not self.finals:
            if self._restarted or self.error is not None or not self._heard.wait(deadline - monotonic()):
                return False
        latest = monotonic() + max(within, 4 * quiet)
        while self._heard.wait(quiet):
            if self._restarted or self.error is not None:
                return False
            if monotonic() > latest:
                break  # it never keeps quiet: somebody logs on this port
        return True


def _text(frame: Line) -> str:
    return frame.text.decode("utf-8", "backslashreplace").strip()


def _is_urc(unsolicited: Urc | None) -> bool:
    return unsolicited is not None and not isinstance(unsolicited, Unknown)
