"""What a real MCU says to its module, cut into commands and data: the tap of an observed host.

Bytes come from a read-only `wire` on the line that carries host -> module; frames go back to it and from there to
`at.overheard`. Every byte is kept: a frame is a `Line` that holds the bytes as they were sent, with their end; data behind a
prompt is a `Block` without a header. What stays without an end for a moment comes as a cut line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_quecfota.link.frames import Arm, Block, Frame, Line
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.recorder import Recorder
from pytest_quecfota.link.wire import Consumer, Wire
from pytest_quecfota.urc import Urc

_PATIENCE = 0.25
_LONGEST = 4096
_END = re.compile(rb"\r\n?|\n")
_PROMPTED = re.compile(
    rb'AT\+(?:QIOTSEND|QIOTMODELTD)=\d+, ?(\d+)(?:, ?\d+)?|AT\+QFUPL="[^"]*", ?(\d+).*', re.IGNORECASE
)


class CommandFramer:
    """Cuts the stream of a host. `arm` means nothing here; `no_data` is called where a command was refused."""

    def __init__(self) -> None:
        self.arm: Arm | None = None
        self.block_end = b""
        self._tail = bytearray()
        self._due = 0
        self._line_feed_due = False

    @property
    def patience(self) -> float | None:
        """See `link.wire.Cutter`."""
        return _PATIENCE if self._tail else None

    @property
    def filling_announced(self) -> bool:
        """See `link.wire.Cutter`."""
        return False

    @property
    def received_of_block(self) -> int:
        """See `link.wire.Cutter`."""
        return 0

    def no_data(self) -> None:
        """The last command was answered: no data follows it."""
        self._due = 0

    def feed(self, chunk: bytes) -> list[Frame]:
        """See `link.wire.Cutter`."""
        self._tail += chunk
        frames: list[Frame] = []
        while self._tail:
            if self._line_feed_due and self._tail.startswith(
                b"\n"
            ):  # the other half of a command's CR LF, not its data
                end: int | None = 1
            else:
                end = self._data_end() if self._due else self._line_end()
            if end is None:
                break
            piece = bytes(self._tail[:end])
            del self._tail[:end]
            frames.append(self._cut(piece))
        return frames

    def expire(self) -> list[Frame]:
        """See `link.wire.Cutter`."""
        return self.reset()

    def abort_block(self) -> Block | None:
        """See `link.wire.Cutter`."""
        return None

    def reset(self) -> list[Frame]:
        """See `link.wire.Cutter`."""
        left = bytes(self._tail)
        self._tail.clear()
        if self._due:
            return [self._data(left)] if left else []
        return [Line(left, cut=True)] if left else []

    def _data_end(self) -> int | None:
        return min(self._due, len(self._tail))

    def _line_end(self) -> int | None:
        match = _END.search(self._tail)
        if match is not None:
            return match.end()
        return len(self._tail) if len(self._tail) > _LONGEST else None

    def _cut(self, piece: bytes) -> Frame:
        if piece == b"\n" and self._line_feed_due:
            self._line_feed_due = False
            return Line(piece)
        self._line_feed_due = False
        return self._data(piece) if self._due else self._line(piece)

    def _data(self, piece: bytes) -> Block:
        self._due -= len(piece)
        return Block(b"", piece)

    def _line(self, piece: bytes) -> Line:
        match = _PROMPTED.fullmatch(piece.strip())
        self._due = int(match[1] or match[2]) if match is not None else 0
        self._line_feed_due = piece.endswith(b"\r")
        return Line(piece, cut=not piece.endswith((b"\r", b"\n")))


class Tap:
    """Listens to the line that carries host -> module; who is attached gets its frames. Raises `PortLost` as `Wire` does."""

    def __init__(self, spec: PortSpec, timeline: Recorder, *, reopen_within: float = 30.0) -> None:
        self.framer = CommandFramer()
        record = _Sent(timeline)
        self._wire = Wire(spec, record, reopen_within=reopen_within, read_only=True, framer=self.framer)

    @property
    def timeline(self) -> Recorder:
        """Where what the host says is recorded now."""
        record = self._wire.timeline
        assert isinstance(record, _Sent)
        return record.timeline

    def attach(self, consumer: Consumer) -> None:
        """Let `consumer` take every frame, on the thread that reads the tap."""
        self._wire.attach(consumer)

    def record_to(self, timeline: Recorder) -> None:
        """Record to `timeline` from the next read on."""
        self._wire.record_to(_Sent(timeline))

    def close(self) -> None:
        """End the thread and give the port back."""
        self._wire.close()


class _Sent:
    """The record as the tap's wire sees it: what is read there was sent by the host, and is recorded by who takes the frames."""

    def __init__(self, timeline: Recorder) -> None:
        self.timeline = timeline

    def stamp(self, monotonic: float) -> float:
        return self.timeline.stamp(monotonic)

    def received(self, data: bytes, t: float) -> None:
        """What is read here was sent: the consumer records it."""

    def sent(self, data: bytes, *, command: bool = True) -> None:
        self.timeline.sent(data, command=command)

    def urc(self, u: Urc) -> None:
        """A host prints none."""

    def response(self, command: str, lines: Sequence[str], final: str, duration: float) -> None:
        """A host gives none."""

    def record(self, kind: str, /, **fields: object) -> float:
        return self.timeline.record(kind, **fields)

    def fault(self, error: BaseException) -> None:
        self.timeline.fault(error)
