"""Bytes of a module into frames: lines, prompts and blocks that are delimited by length. No port, no thread, no clock.

Data comes from `wire` by the chunk, cut anywhere; frames go back to it. How a stream is cut changes nothing in its frames.

* Lines end with CR, LF or any run of them; blank lines and NULs are dropped; a longer line than `max_line` is cut and marked.
* A prompt (`> ` at the start of a line) counts only while a command that is waiting for one is armed, and only once.
* A block is announced by a header line: the one a command is armed with (`BlockRule`), or a URC that is followed by its
  payload (`urc.payload_length`). It is read by length, whatever it contains.

While nothing is armed only what may be a URC is framed: a chunk is searched by one compiled expression, and lines of a
debug log cost no object each. While something is armed every line is framed.

A module that dies in the middle of a line prints the first word of its next life on the same line. Such seams are undone
(`+QIOTEVT: 7,107RDY` is `+QIOTEVT: 7,107`, cut, and `RDY`), but only where the line begins as a module's own line or as garbage.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_quecfota import urc
from pytest_quecfota.link.frames import Arm, Block, Frame, Line, Prompt

MAX_LINE = 256 * 1024
"""Bytes of the longest line that is kept whole."""

_BLOCK_PATIENCE = 3.0

_SEAM = re.compile(rb'\+QIOT(?:SUB)?EVT: ?["\d]|\+QIND: ?"|RDY$')
_SEAMED = rb"[\x01-\x09\x0b-\x1f\x7f-\xff]|\+|AT.|OK.|ERROR."
_MAY_HAVE_SEAM = re.compile(_SEAMED)
_FIRST = re.escape(urc.FIRST) + rb"AOE \t\x01-\x08\x0b-\x1f\x7f-\xff"
_SEARCH = re.compile(rb"\n(?=[%b])([ \t\xff]*(?:%b|%b)[^\n]*)" % (_FIRST, urc.HEADS, _SEAMED))
"""Lines that may be or contain a URC. What makes it fast: the plain line feed in front, then the set."""


@dataclass(slots=True)
class _Filling:
    header: bytes
    length: int
    announced: bool
    data: bytearray


def is_candidate(line: bytes) -> bool:
    """Whether `line` may be a URC."""
    return urc.CANDIDATE.match(line) is not None


def seams(line: bytes) -> list[Line]:
    """`line` as the lines it is made of where ends of lines got lost (see the module's text)."""
    if not _has_seam(line) or _MAY_HAVE_SEAM.match(line) is None:
        return [Line(line)]
    starts = [0, *(match.start() for match in _SEAM.finditer(line, 1))]
    pieces = [line[start:end] for start, end in zip(starts, [*starts[1:], len(line)], strict=True)]
    ends_in_ready = pieces[-1] == b"RDY"
    return [Line(piece, cut=ends_in_ready and index == len(pieces) - 2) for index, piece in enumerate(pieces)]


def _has_seam(line: bytes) -> bool:
    """Cheap, and nearly always right: whether another line may begin within this one."""
    return line.find(b"+QI", 1) > 0 or (line.endswith(b"RDY") and len(line) > 3)


class Framer:
    """Cuts the stream of one port into frames. Not thread-safe but for `arm`, which is read once per chunk."""

    def __init__(self, *, max_line: int = MAX_LINE) -> None:
        self.arm: Arm | None = None
        """What is waited for. None: nothing, only candidates of URCs are framed."""
        self._max_line = max_line
        self._tail = bytearray()
        self._overlong = False
        self._filling: _Filling | None = None
        self._line_feed_due = False
        self._space_due = False
        self.block_end = b""
        """The bytes between the last block and the next line, and that line's first byte: too few of them, and bytes were lost."""
        self._ending = False
        self._prompted: Arm | None = None
        self._blocked: Arm | None = None

    @property
    def filling_announced(self) -> bool:
        """A payload that a URC announced has begun and is not complete."""
        filling = self._filling
        return filling is not None and filling.announced

    @property
    def patience(self) -> float | None:
        """How many real seconds to wait for more before `expire` is called; None: for ever."""
        return None if self._filling is None or not self._unattended else _BLOCK_PATIENCE

    @property
    def _unattended(self) -> bool:
        """Nobody waits for the block that is being filled, so nobody gives it up: a URC announced it, or an overheard answer."""
        return self.filling_announced or (self.arm is not None and self.arm.repeats)

    @property
    def received_of_block(self) -> int:
        """Grows while a block is being filled; 0 where none is."""
        filling = self._filling
        return 0 if filling is None else 1 + len(filling.data)

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that `chunk` completes."""
        frames: list[Frame] = []
        arm = self.arm
        data = chunk
        while data:
            if self._ending:
                self._see_end(data)
            if self._filling is not None:
                data = self._fill(self._filling, data, frames)
            elif arm is None and b"\0" not in data:
                data = self._search(data, frames)
            else:
                data = self._split(data, arm, frames)
        return frames

    def expire(self) -> list[Frame]:
        """Nothing came for as long as `patience` says: what there is of a block that nobody waits for."""
        block = self.abort_block() if self._unattended else None
        return [] if block is None else [block]

    def abort_block(self) -> Block | None:
        """Give up the block that is being filled; returns it with the bytes that came. Lines are read again from here."""
        filling, self._filling = self._filling, None
        self._line_feed_due = False
        return None if filling is None else Block(filling.header, bytes(filling.data), filling.announced)

    def reset(self) -> list[Frame]:
        """The stream ends here and another begins: what was left of it, as cut frames."""
        left: list[Frame] = []
        block = self.abort_block()
        if block is not None:
            left.append(Line(block.header, cut=True))
        if self._tail:
            left.append(Line(bytes(self._tail), cut=True))
            self._tail.clear()
        self._overlong = self._space_due = False
        return left

    def _search(self, data: bytes, frames: list[Frame]) -> bytes:
        """Frame what may be a URC; returns the data behind the header of an announced block."""
        text = data.replace(b"\r", b"\n")
        end = text.rfind(b"\n")
        if end < 0:
            self._keep(text, None, frames)
            return b""
        first = text.find(b"\n")
        if self._complete(text[:first], None, frames):
            return self._behind(data, first)
        for match in _SEARCH.finditer(text, first, end):
            if self._complete(match[1], None, frames):
                return self._behind(data, match.end())
        self._keep(text[end + 1 :], None, frames)
        return b""

    def _split(self, data: bytes, arm: Arm | None, frames: list[Frame]) -> bytes:
        """Frame every line (candidates only where nothing is armed); returns the data behind the header of a block."""
        text = data.replace(b"\r", b"\n")
        start = 0
        while (end := text.find(b"\n", start)) >= 0:
            if self._complete(text[start:end], arm, frames):
                return self._behind(data, end)
            start = end + 1
        self._keep(text[start:], arm, frames)
        return b""

    def _behind(self, data: bytes, end: int) -> bytes:
        self._line_feed_due = data[end] == 0x0D
        return data[end + 1 :]

    def _complete(self, text: bytes, arm: Arm | None, frames: list[Frame]) -> bool:
        """Frame one line whose end has come, `text` being its last part; True where it begins a block."""
        line = self._joined(text) if self._tail or self._space_due or b"\0" in text else text
        if self._overlong:
            self._overlong = False
            return False
        if arm is not None and self._take_prompt(line, arm, frames):
            line = line[1:].removeprefix(b" ")
        if not line:
            return False
        if len(line) > self._max_line:
            self._cut(line, arm, frames)
            return False
        if not _has_seam(line):
            return self._add(Line(line), arm, frames)
        *heads, last = seams(line)
        for piece in heads:
            if arm is not None or is_candidate(piece.text):
                frames.append(piece)
        return self._add(last, arm, frames)

    def _joined(self, text: bytes) -> bytes:
        self._append(text)
        line = bytes(self._tail)
        self._tail.clear()
        self._space_due = False
        return line

    def _add(self, line: Line, arm: Arm | None, frames: list[Frame]) -> bool:
        candidate = is_candidate(line.text)
        if arm is None and not candidate:
            return False
        if arm is not None and arm.block is not None and (self._blocked is not arm or arm.repeats):
            length = arm.block.payload_length(line.text)
            if length is not None:
                self._blocked = arm
                return self._begin(Block(line.text, b""), length, frames)
        if candidate and b"5," in line.text:  # only events of type 5 announce a payload
            length = urc.payload_length(line.text)
            if length is not None:
                return self._begin(Block(line.text, b"", announced=True), length, frames)
        frames.append(line)
        return False

    def _begin(self, empty: Block, length: int, frames: list[Frame]) -> bool:
        if length == 0:
            frames.append(empty)
            return False
        self._filling = _Filling(empty.header, length, empty.announced, bytearray())
        return True

    def _keep(self, text: bytes, arm: Arm | None, frames: list[Frame]) -> None:
        """Keep the beginning of a line until its end comes."""
        if self._overlong:
            return
        self._append(text)
        tail = self._tail
        if tail and arm is not None and self._take_prompt(tail, arm, frames):
            self._space_due = len(tail) == 1
            del tail[: 2 if tail[1:2] == b" " else 1]
        if len(tail) > self._max_line:
            self._cut(bytes(tail), arm, frames)
            tail.clear()
            self._overlong = True

    def _append(self, text: bytes) -> None:
        if b"\0" in text:
            text = text.replace(b"\0", b"")
        if self._space_due and text:
            self._space_due = False
            text = text.removeprefix(b" ")
        self._tail += text

    def _cut(self, line: bytes, arm: Arm | None, frames: list[Frame]) -> None:
        if arm is not None or is_candidate(line):
            frames.append(Line(line[: self._max_line], cut=True))

    def _see_end(self, data: bytes) -> None:
        """Look at what follows a block; it is cut into lines as ever."""
        between = len(data) - len(data.lstrip(b"\r\n"))
        self.block_end += data[: between + 1]
        self._ending = between == len(data)

    def _take_prompt(self, line: bytes | bytearray, arm: Arm, frames: list[Frame]) -> bool:
        if not arm.prompt or self._prompted is arm or not line.startswith(b">"):
            return False
        self._prompted = arm
        frames.append(Prompt())
        return True

    def _fill(self, filling: _Filling, data: bytes, frames: list[Frame]) -> bytes:
        if self._line_feed_due:
            self._line_feed_due = False
            data = data.removeprefix(b"\n")
        missing = filling.length - len(filling.data)
        filling.data += data[:missing]
        if len(filling.data) == filling.length:
            self._filling = None
            self._ending, self.block_end = True, b""
            frames.append(Block(filling.header, bytes(filling.data), filling.announced))
        return data[missing:]
