"""Who said what in a recorded exchange: command, echo, response, final result, prompt, data, or URC.

Takes the pieces of `urc.marks` and gives one `Said` for each that is not empty, in order. What a line is depends on what
came before: `+CEREG: 0,1` answers AT+CEREG? but `+CEREG: 2` by itself is a URC, and 1024 bytes behind `+QIOTOTARD: 0,1024`
are data whatever they look like.

A block of known length is taken literally if that works out: exactly so many bytes, then the final result. Where it does
not (documents and screens shorten blocks, or show them in hex), everything up to the final result is data except lines
that are URCs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_quecfota.urc import grammar
from pytest_quecfota.urc.base import Unknown, Urc
from pytest_quecfota.urc.event_table import UNDOCUMENTED
from pytest_quecfota.urc.events import (
    AuthenticationFailed,
    Event,
    RegistrationFailed,
    SubDeviceEvent,
    SubscriptionFailed,
)
from pytest_quecfota.urc.grammar import Command
from pytest_quecfota.urc.marks import HOST, Piece
from pytest_quecfota.urc.parsing import parse
from pytest_quecfota.urc.payload import LONGEST_PAYLOAD, payload_length
from pytest_quecfota.urc.signals import NetworkState, Ready

COMMAND, ECHO, RESPONSE, FINAL, DATA, PROMPT, URC = "command", "echo", "response", "final", "data", "prompt", "urc"

_BLANKS_IN_A_LINE = 3
"""A display may put that many empty lines (or notes) between two halves of a line."""


@dataclass(frozen=True, slots=True)
class Said:
    """One thing somebody said.

    Parameters:
        number: 1-based line where it starts.
        kind: `command`, `echo`, `response`, `final`, `data`, `prompt` or `urc`.
        raw: its text, stripped.
        urc: what it is, if it is a URC (`Unknown` where it has no type).
    """

    number: int
    kind: str
    raw: str
    urc: Urc | None = None


class Exchange:
    """Reads pieces in order and says what each is. Looks ahead only where a block of data has been announced."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._coming = iter(pieces)
        self._ahead: deque[Piece] = deque()
        self._last: Command | None = None
        self._pending = False
        self._awaited: int | None = None
        """Bytes the host still sends after a prompt; None if no prompt came, -1 if nobody knows how many."""
        self._loose = False
        """Inside a block whose length does not work out."""

    def __iter__(self) -> Iterator[Said]:
        while (piece := self._next()) is not None:
            if not piece.text:
                continue
            yield from self._host(piece) if piece.sender == HOST else self._module(piece)

    # -- the host

    def _host(self, piece: Piece) -> Iterator[Said]:
        if self._awaited is None and grammar.COMMAND.fullmatch(piece.text):
            yield self._command(piece)
        else:
            self._consume(piece)
            yield Said(piece.number, DATA, piece.text)

    def _command(self, piece: Piece) -> Said:
        self._last, self._pending, self._loose, self._awaited = Command(piece.text), True, False, None
        return Said(piece.number, COMMAND, piece.text)

    def _consume(self, piece: Piece) -> None:
        if self._awaited is not None:
            left = self._awaited - piece.size - piece.gap[0]
            self._awaited = left if self._awaited > 0 and left > 0 else None

    # -- the module, or nobody knows

    def _module(self, piece: Piece) -> Iterator[Said]:
        text = piece.text
        if piece.sender is None and self._awaited is not None and piece.size <= self._awaited:
            self._consume(piece)
            yield Said(piece.number, DATA, text)
        elif grammar.COMMAND.fullmatch(text):
            yield self._echo(piece)
        elif grammar.FINAL.fullmatch(text):
            self._pending, self._loose, self._awaited = False, False, None
            yield Said(piece.number, FINAL, text)
        elif prompt := grammar.PROMPT.fullmatch(text):
            self._awaited = self._data_length()
            yield Said(piece.number, PROMPT, ">")
            if prompt[1] and prompt[1].strip():
                yield Said(piece.number, DATA, prompt[1].strip())
                self._awaited = None
        else:
            yield from self._line(piece)

    def _data_length(self) -> int:
        length = None if self._last is None else self._last.data_length
        return -1 if length is None else length

    def _echo(self, piece: Piece) -> Said:
        known = self._last is not None and self._pending and self._last.text == piece.text
        if known or piece.sender is not None:
            if not known:
                self._command(piece)
            return Said(piece.number, ECHO, piece.text)
        return self._command(piece)

    def _line(self, piece: Piece) -> Iterator[Said]:
        found = self._typed(piece)
        if found:
            for urc in found:
                yield from self._unsolicited(piece.number, urc)
            return
        kind = self._kind(piece)
        if kind is None:
            yield Said(piece.number, URC, piece.text, Unknown(raw=piece.text))
            return
        yield Said(piece.number, kind, piece.text)
        length = grammar.block_length(piece.text) if kind == RESPONSE and not self._loose else None
        if length is not None:
            block = self._block(length, final_due=True)
            self._loose = block is None
            for part in block or ():
                yield Said(part.number, DATA, part.body.strip())

    def _unsolicited(self, number: int, urc: Urc) -> Iterator[Said]:
        if self._answers(urc):
            yield Said(number, RESPONSE, urc.raw)
            return
        if isinstance(urc, Ready):
            self._pending, self._loose, self._awaited = False, False, None
        yield Said(number, URC, urc.raw, urc)
        length = payload_length(urc.raw.encode("utf-8", "replace"))
        if length is None:
            return
        block = self._block(length, final_due=False) or self._one_line_of_data()
        for part in block:
            yield Said(part.number, DATA, part.body.strip())

    def _typed(self, piece: Piece) -> list[Urc]:
        """The URCs of a piece: one, several glued together, one that goes on in the next line, or none."""
        urc = parse(piece.text)
        if _weak(urc) and (joined := self._joined(piece)) is not None:
            return [joined]
        if not isinstance(urc, Unknown):
            return [urc]
        parts = _unglued(piece.text)
        urcs = [parse(part) for part in parts]
        return urcs if len(urcs) > 1 and not any(isinstance(part, Unknown) for part in urcs) else []

    def _joined(self, piece: Piece) -> Urc | None:
        """The URC of a line that a read cut in two; the second half is taken."""
        if not grammar.begins_like_urc(piece.text):
            return None
        second, blanks = self._next(), 0
        while second is not None and not second.text and blanks < _BLANKS_IN_A_LINE:
            second, blanks = self._next(), blanks + 1
        if second is None:
            return None
        if second.text and second.sender != HOST and not grammar.recognised(second.text):
            urc = parse(piece.text + second.text)
            if not _weak(urc) and not self._answers(urc):
                return urc
        self._ahead.appendleft(second)
        return None

    def _answers(self, urc: Urc) -> bool:
        """Whether a line with the form of a URC is the answer to a query."""
        name = urc.raw.partition(":")[0].removeprefix("+")
        queried = self._pending and self._last is not None and name in self._last.queries
        if isinstance(urc, NetworkState):
            second = urc.fields[1] if len(urc.fields) > 1 else None
            return isinstance(second, int) and (queried or 0 <= second <= 10)
        return queried

    def _kind(self, piece: Piece) -> str | None:
        """What a piece without type is; None if it is an unknown line of the module."""
        text = piece.text
        response = grammar.RESPONSE.fullmatch(text)
        if response is not None:
            name = response[1]
            if (self._last is not None and name in self._last.names) or grammar.is_only_response(name):
                return RESPONSE
            return DATA if self._loose and not grammar.begins_like_urc(text) else None
        if grammar.begins_like_urc(text):
            return None
        if self._loose or grammar.ELISION.fullmatch(text) or grammar.BOOT_ROM.fullmatch(text):
            return DATA
        if self._awaited is not None:
            self._awaited = None
            return DATA
        return RESPONSE if self._pending else None

    # -- blocks of data

    def _block(self, length: int, *, final_due: bool) -> list[Piece] | None:
        """The pieces that make up exactly `length` bytes; None (and nothing is taken) where that does not work out."""
        if length > LONGEST_PAYLOAD:
            return None
        ahead: list[Piece] = []
        taken = None
        for skip_blank in (False, True):
            taken = self._measure(ahead, length, final_due=final_due, skip_blank=skip_blank)
            if taken is not None:
                break
        rest = ahead if taken is None else ahead[taken:]
        self._ahead.extendleft(reversed(rest))
        return None if taken is None else [piece for piece in ahead[:taken] if piece.body.strip()]

    def _measure(self, ahead: list[Piece], length: int, *, final_due: bool, skip_blank: bool) -> int | None:
        """How many pieces ahead make up the block. Pieces are drawn into `ahead` as needed."""
        totals = [0, 0, 0]
        index, previous, started = 0, None, not skip_blank
        while (piece := self._peek(ahead, index)) is not None and piece.sender != HOST and min(totals) <= length:
            index += 1
            if not started and not piece.text:
                continue
            started = True
            if self._too_far(piece, previous, index, final_due=final_due):
                return None
            previous = piece if piece.text else previous
            ends = [total + piece.size for total in totals]
            totals = [total + gap for total, gap in zip(ends, piece.gap, strict=True)]
            if (length in ends or length in totals) and self._ends_well(ahead, index, final_due=final_due):
                return index
        return None

    @staticmethod
    def _too_far(piece: Piece, previous: Piece | None, index: int, *, final_due: bool) -> bool:
        """Whether a piece cannot belong to the block: the exchange has gone on, so the length cannot work out."""
        if not final_due:
            return index > 1 and grammar.recognised(piece.text)
        if previous is None or previous.text != "OK":
            return False
        return grammar.COMMAND.fullmatch(piece.text) is not None or grammar.block_length(piece.text) is not None

    def _ends_well(self, ahead: list[Piece], index: int, *, final_due: bool) -> bool:
        if not final_due:
            return True
        while (piece := self._peek(ahead, index)) is not None:
            if piece.text:
                return piece.sender != HOST and grammar.FINAL.fullmatch(piece.text) is not None
            index += 1
        return False

    def _one_line_of_data(self) -> list[Piece]:
        """The next line, if it is nothing else: a payload whose length does not fit what is shown."""
        blanks: list[Piece] = []
        while (piece := self._next()) is not None:
            if not piece.text:
                blanks.append(piece)
                continue
            if piece.sender != HOST and not grammar.recognised(piece.text):
                return [piece]
            self._ahead.appendleft(piece)
            break
        self._ahead.extendleft(reversed(blanks))
        return []

    def _peek(self, ahead: list[Piece], index: int) -> Piece | None:
        while len(ahead) <= index:
            piece = self._next()
            if piece is None:
                return None
            ahead.append(piece)
        return ahead[index]

    def _next(self) -> Piece | None:
        return self._ahead.popleft() if self._ahead else next(self._coming, None)


def _weak(urc: Urc) -> bool:
    """Whether a line may be only the first half of one: without type, or an event nobody documents."""
    if isinstance(urc, Event | SubDeviceEvent | AuthenticationFailed | RegistrationFailed | SubscriptionFailed):
        return urc.meaning == UNDOCUMENTED
    return isinstance(urc, Unknown)


def _unglued(text: str) -> list[str]:
    """The parts of a line that holds several URCs one right after the other."""
    parts: list[str] = []
    start = 0
    for found in grammar.URC_NAME.finditer(text):
        if found.start() > start and text.count('"', start, found.start()) % 2 == 0:
            parts.append(text[start : found.start()])
            start = found.start()
    return [*parts, text[start:]]
