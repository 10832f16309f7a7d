"""What a real MCU and its module say to each other, put together from both directions of their line.

Commands come from the `tap`, answers from the module's `wire`, each on the thread that reads it. A command and its answer make a
`Heard`, which is recorded as a response and kept; URCs go to the timeline. Nothing is ever written.

Which answer belongs to which command: an echo says it, else the name in an information line, else the order. The two
lines are read by two threads (and two USB adapters), so that an answer may be seen a moment before its command.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, NoReturn

from pytest_quecfota.at import blocks, ownership
from pytest_quecfota.at.exchange import Exchange
from pytest_quecfota.at.ownership import Asked, Whose
from pytest_quecfota.at.values import Value
from pytest_quecfota.errors import BenchError, HostObserved
from pytest_quecfota.link.frames import Arm, Block, Frame, Line, Prompt
from pytest_quecfota.link.tap import Tap
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.urc import PoweredDown, Ready, Unknown, Urc

_EARLY = 5.0  # real seconds an answer may be seen before its command: the machine may be busy
_STILL_DUE = 5.0  # real seconds after which a command that another one follows was not answered
_KEPT = 20_000
_START = re.compile(r"(?:\+QIOTOTARD: ?|AT\+QIOTOTARD=)(\d+), ?\d+", re.IGNORECASE)
_MOST_PENDING = 8


@dataclass(frozen=True, slots=True)
class Heard:
    """A command of the MCU and its answer. `sent` and `answered` are `time.monotonic`; `final` is "" where none came."""

    command: str
    final: str
    lines: Sequence[str]
    values: Sequence[Value]
    block: bytes | None
    sent: float
    answered: float


class Overhearing:
    """Follows the exchange on `wire` and `tap` until `close`; takes the place of a `Client`, and refuses to send."""

    speed: float = 1.0
    restarted: float = 0.0
    """When the module started last, as far as it was seen (`time.monotonic`)."""

    def __init__(self, wire: Wire, tap: Tap) -> None:
        self.wire = wire
        self._tap = tap
        self._lock = threading.RLock()
        self._pending: deque[tuple[float, Exchange]] = deque()
        self._early: deque[tuple[float, Frame, Urc | None]] = deque(maxlen=64)
        self._heard: deque[Heard] = deque(maxlen=_KEPT)
        self._total = 0
        self._half = b""
        self._last: dict[str, Heard] = {}
        wire.arm(Arm(block=blocks.ANY, repeats=True))
        wire.attach(self)
        tap.attach(_FromHost(self))

    def command(self, text: str, _timeout: object = None, /, **_options: Any) -> NoReturn:
        """Raises `HostObserved`: the line belongs to the MCU."""
        raise HostObserved(
            f"{text} was not sent: a real MCU talks to this module (host: observed), the rig only listens"
        )

    def after(self, number: int) -> tuple[list[Heard], int]:
        """What was heard after the first `number` exchanges (as far as it is kept), and how many there are now."""
        with self._lock:
            fresh = min(self._total - number, len(self._heard))
            return (list(self._heard)[-fresh:] if fresh > 0 else []), self._total

    def last(self, command: str) -> Heard | None:
        """The last time the MCU sent `command`, or one that begins with it and `=`, and was answered OK."""
        with self._lock:
            return self._last.get(command)

    def close(self) -> None:
        """Leave the wire to another consumer."""
        self.wire.arm(None)
        self.wire.attach(None)

    # -- the module's side -------------------------------------------------------------------------

    def claims(self, frame: Frame, unsolicited: Urc | None) -> bool:
        """See `link.wire.Consumer`."""
        if isinstance(frame, Line) and frame.text.strip() == b">":
            return True
        with self._lock:
            if not self._pending:
                return self._keep_early(frame, unsolicited)
            self._catch_up(frame, unsolicited)
            return self._take(frame, unsolicited)

    def passed(self, unsolicited: Urc) -> None:
        """See `link.wire.Consumer`: what a restart has left unanswered stays so."""
        if isinstance(unsolicited, (Ready, PoweredDown)):
            with self._lock:
                self.restarted = monotonic()
                while self._pending:
                    self._give_up_oldest()

    def lost(self, error: BenchError) -> None:
        """See `link.wire.Consumer`: the wire has told the timeline."""

    def _keep_early(self, frame: Frame, unsolicited: Urc | None) -> bool:
        if unsolicited is not None or (isinstance(frame, Block) and frame.announced):
            return False
        self._early.append((monotonic(), frame, unsolicited))
        return True

    def _take(self, frame: Frame, unsolicited: Urc | None) -> bool:
        sent, exchange = self._pending[0]
        taken = exchange.take(frame, unsolicited)
        if exchange.done:
            self._pending.popleft()
            self._finish(sent, exchange)
        return taken

    def _catch_up(self, frame: Frame, unsolicited: Urc | None) -> None:
        """Give up the commands before the one that `frame` certainly answers."""
        if isinstance(frame, Prompt) or len(self._pending) < 2:
            return
        raw = frame.text if isinstance(frame, Line) else frame.header
        text = raw.decode("utf-8", "backslashreplace").strip()
        typed = unsolicited is not None and not isinstance(unsolicited, Unknown)
        spent = self._pending[0][1]
        again = spent.block is not None if isinstance(frame, Block) else text == spent.command.text and _begun(spent)
        due = list(enumerate(exchange for _, exchange in self._pending))[again:]
        found = (number for number, exchange in due if _answers(text, exchange.command, typed))
        for _ in range(next(found, 0)):
            self._give_up_oldest()

    # -- the host's side ---------------------------------------------------------------------------

    def said(self, frame: Frame) -> None:
        """The MCU said `frame`. On the thread that reads the tap."""
        if isinstance(frame, Block):
            self._tap.timeline.sent(frame.payload, command=False)
            return
        assert isinstance(frame, Line)
        raw, self._half = self._half + frame.text, b""
        text = raw.decode("utf-8", "backslashreplace").strip()
        is_command = not frame.cut and text[:2].upper() == "AT" and text.isprintable()
        self._tap.timeline.sent(frame.text, command=is_command)
        if frame.cut:
            self._half = raw[-4096:]
        elif is_command:
            self._begin(text)

    def _begin(self, text: str) -> None:
        now, raw = monotonic(), text.encode("utf-8", "replace")
        with self._lock:
            while self._pending and (now - self._pending[0][0] > _STILL_DUE or len(self._pending) >= _MOST_PENDING):
                self._give_up_oldest()
            self._pending.append((now, Exchange(ownership.asked(text), lambda _exchange: None)))
            echoes = [
                n
                for n, (_, frame, _) in enumerate(self._early)
                if isinstance(frame, Line) and frame.text.strip() == raw
            ]
            for _ in range(echoes[0] if echoes else 0):
                self._early.popleft()  # whatever came before the echo is not of this command
            while self._early and self._pending:  # what is left is of the next command
                since, frame, unsolicited = self._early.popleft()
                if now - since <= _EARLY:
                    self._take(frame, unsolicited)

    # -- both --------------------------------------------------------------------------------------

    def _give_up_oldest(self) -> None:
        sent, exchange = self._pending.popleft()
        self._finish(sent, exchange)

    def _finish(self, sent: float, exchange: Exchange) -> None:
        final = exchange.final
        answered = final.at if final is not None else monotonic()
        heard = Heard(
            exchange.command.text,
            final.text if final is not None else "",
            final.lines if final is not None else exchange.lines,
            final.values if final is not None else (),
            None if exchange.block is None else exchange.block.payload,
            sent,
            answered,
        )
        if heard.final != "OK":
            self._tap.framer.no_data()
        else:
            self._last[heard.command] = self._last[heard.command.partition("=")[0]] = heard
        self._heard.append(heard)
        self._total += 1
        self.wire.timeline.response(heard.command, heard.lines, heard.final, max(0.0, answered - sent))


class _FromHost:
    """The consumer of the tap: everything there is the MCU's."""

    def __init__(self, overhearing: Overhearing) -> None:
        self._overhearing = overhearing

    def claims(self, frame: Frame, unsolicited: Urc | None) -> bool:
        """See `link.wire.Consumer`."""
        del unsolicited  # what looks like a URC was typed by the MCU
        self._overhearing.said(frame)
        return True

    def passed(self, unsolicited: Urc) -> None:
        """See `link.wire.Consumer`: never."""

    def lost(self, error: BenchError) -> None:
        """See `link.wire.Consumer`: the wire has told the timeline."""


def _begun(exchange: Exchange) -> bool:
    """Something of its answer has come: an echo of its command is that of the next one."""
    return exchange.echoed or exchange.block is not None or bool(exchange.lines)


def _answers(text: str, command: Asked, typed: bool) -> bool:
    """Whether a line is surely of this command: its echo, or an answer that bears its name; of a read, one from its offset."""
    if text == command.text:
        return True
    if ownership.whose(text, command, typed) is not Whose.NAMED_ANSWER:
        return False
    header, asked = _START.fullmatch(text), _START.search(command.text)
    return header is None or asked is None or header[1] == asked[1]
