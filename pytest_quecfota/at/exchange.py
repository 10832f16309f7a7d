"""One command and what comes for it, collected on the reader thread while the caller's thread waits.

`client` makes an `Exchange`, gives it every frame, and waits on its `signal`. While answers of earlier, timed-out
commands may still come (`late`), and where the module is known to echo (a line that doubles may end the next command),
a final result that cannot be this command's is held back; it counts after all if no better one comes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from pytest_quecfota.at import ownership, values
from pytest_quecfota.at.ownership import Asked, Whose
from pytest_quecfota.at.values import Value
from pytest_quecfota.errors import BenchError
from pytest_quecfota.link.frames import Block, Frame, Line, Prompt
from pytest_quecfota.urc import PoweredDown, Ready, Unknown, Urc

MOST_LINES = 10_000
"""Lines of one response that are kept; a flood is in the record all the same."""


class Signal:
    """Wakes one waiting thread; what is signalled before it waits is not lost."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def set(self) -> None:
        """Wake whoever waits now or next."""
        try:
            self._lock.release()
        except RuntimeError:
            return  # it is set already

    def wait(self, seconds: float) -> bool:
        """Wait until it is set, and reset it; False after `seconds`."""
        return self._lock.acquire(timeout=max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class Final:
    """A final result and the lines before it."""

    text: str
    lines: tuple[str, ...]
    values: tuple[Value, ...]
    at: float


class Exchange:
    """Collects the answer to `command`. `echo`: what is known of the module's echo (None: nothing yet)."""

    def __init__(
        self,
        command: Asked,
        answered: Callable[[Exchange], None],
        *,
        data: bytes | None = None,
        restarts: bool = False,
        echo: bool | None = None,
        late: Sequence[Asked] = (),
    ) -> None:
        self.command = command
        self.signal = Signal()
        self.echoed = False
        self.prompted = False
        self.block: Block | None = None
        self.final: Final | None = None
        self.held: Final | None = None
        self.ended_by: Urc | None = None
        self.error: BenchError | None = None
        self._answered = answered
        self._data_echo = data.decode("utf-8", "backslashreplace").strip() if data else None
        self._expects_prompt = data is not None
        self._restarts = restarts
        self._echo = echo
        self._late_names = frozenset(name for other in late for name in other.names) - command.names
        self._late = bool(late)
        self._late_texts = frozenset(other.text for other in late)
        self._lines: list[str] = []
        self._values: list[Value] | None = None

    @property
    def done(self) -> bool:
        """Nothing more will come for this command."""
        return self.final is not None or self.ended_by is not None or self.error is not None

    @property
    def lines(self) -> tuple[str, ...]:
        """The information lines so far."""
        return tuple(self._lines)

    def take(self, frame: Frame, unsolicited: Urc | None) -> bool:
        """Whether `frame` belongs to this exchange; see `link.wire.Consumer.claims`."""
        if self.done:
            return False
        if isinstance(frame, Line):
            return self._take_line(frame.text.decode("utf-8", "backslashreplace").strip(), unsolicited)
        if isinstance(frame, Prompt):
            self.prompted = True
            self.signal.set()
            return True
        if frame.announced:
            return False
        self.block = frame
        return self._take_line(frame.header.decode("utf-8", "backslashreplace").strip(), None)

    def passed(self, unsolicited: Urc) -> None:
        """A URC went by: a restart or a shutdown ends the exchange."""
        if self.done or not isinstance(unsolicited, (Ready, PoweredDown)):
            return
        if self._restarts:
            self._finish(unsolicited.raw)
        else:
            self.ended_by = unsolicited
            self.signal.set()

    def lost(self, error: BenchError) -> None:
        """The wire is lost."""
        self.error = error
        self.signal.set()

    def _take_line(self, text: str, unsolicited: Urc | None) -> bool:
        if not self.echoed and self._is_echo(text):
            self._begin_after_echo()
            text = text[len(self.command.text) :].strip() if text.startswith(self.command.text) else ""
            if not text:
                return True
        if text in self._late_texts:
            return True
        if ownership.is_final(text):
            self._end(text)
            return True
        typed = unsolicited is not None and not isinstance(unsolicited, Unknown)
        whose = ownership.whose(text, self.command, typed)
        if whose is Whose.URC:
            return False
        if whose is Whose.OTHER:
            return text.partition(":")[0].rstrip() in self._late_names
        self._keep(text, whose)
        return True

    def _is_echo(self, text: str) -> bool:
        """The command comes back: behind garbage, with the answer on the same line, or without its first characters (autobaud)."""
        command = self.command.text
        if text.endswith(command) or text.startswith(command):
            return True
        return len(text) > 3 and len(text) >= len(command) - 2 and command.endswith(text)

    def _begin_after_echo(self) -> None:
        self.echoed = True
        if self._late:
            self._lines.clear()
            self._values = None

    def _keep(self, text: str, whose: Whose) -> None:
        if self._expects_prompt and text == "CONNECT" and not self.prompted:
            self.prompted = True
            self.signal.set()
            return
        if self._data_echo is not None and self.prompted and text == self._data_echo:
            self._data_echo = None
            return
        if len(self._lines) < MOST_LINES:
            self._lines.append(text)
        if self._values is None and whose is Whose.NAMED_ANSWER:
            self._values = values.of_line(text, self.command.names)

    def _end(self, text: str) -> None:
        if (self._late or self._echo) and not self._plausible():
            self.held = self._result(text)
            self._lines.clear()
            self._values = None
            return
        self._finish(text)

    def _plausible(self) -> bool:
        """Could this final result be this command's? Asked while late answers are due, and of a module that echoes."""
        if self._echo:
            return self.echoed
        return self._values is not None or not self.command.queries

    def _finish(self, text: str) -> None:
        self.final = self._result(text)
        self._answered(self)
        self.signal.set()

    def _result(self, text: str) -> Final:
        return Final(text, tuple(self._lines), tuple(self._values or ()), monotonic())
