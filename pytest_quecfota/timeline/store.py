"""The timeline on disk: `timeline.jsonl`, one JSON object a line, append-only, and `uart.log` beside it.

Every record is written by one `os.write` when it happens, so that after `kill -9` all that was recorded is there; at
most the last line is torn, which `read` tolerates. Received bytes are one record per read: `data` holds each byte as
the character of the same number (Latin-1), so that `record["data"].encode("latin-1")` gives them back.

`FileStore` writes a directory; `MemoryStore` keeps the last megabyte for timelines that have none.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Protocol

JSONL = "timeline.jsonl"
UART_LOG = "uart.log"

#: Whether a stored line is worth decoding.
Wanted = Callable[[bytes], bool]

_PLAIN = bytes(range(32, 127)) + b"\t\r\n"


def is_plain(data: bytes) -> bool:
    """Whether bytes are printable ASCII, tabs and line ends only: then the cheap ways below will do."""
    return not data.translate(None, _PLAIN)


def encode_received(t: float, data: bytes, plain: bool) -> bytes:
    """One rx record as a line. HOT: `plain` (see `is_plain`) spares the encoder, which looks at every character."""
    if not plain:
        text = encode_basestring_ascii(data.decode("latin-1")).encode("ascii")
        return b'{"t": %.6f, "kind": "rx", "data": %s}\n' % (t, text)
    data = data.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    data = data.replace(b"\r", b"\\r").replace(b"\n", b"\\n").replace(b"\t", b"\\t")
    return b'{"t": %.6f, "kind": "rx", "data": "%s"}\n' % (t, data)


def encode(record: Mapping[str, object]) -> bytes:
    """Any record as a line; what JSON does not know becomes text."""
    try:
        return _ENCODER.encode(record).encode("ascii") + b"\n"
    except ValueError:  # infinity and NaN are no JSON
        return _ENCODER.encode(_finite(record)).encode("ascii") + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("latin-1")
    return str(value)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0:
        return str(value)
    return value


_ENCODER = json.JSONEncoder(allow_nan=False, default=_plain)


class Store(Protocol):
    """Where a timeline's lines go. Used under the timeline's lock, except `read`."""

    @property
    def position(self) -> int:
        """Bytes of records written so far: where the next record will begin."""

    @property
    def complete(self) -> bool:
        """Whether everything ever appended can be read back."""

    def append(self, line: bytes) -> None:
        """Write one record, given as a line. Raises `OSError` where it cannot be written."""

    def log(self, text: bytes) -> None:
        """Write stamped lines for people. Raises `OSError` where they cannot be written."""

    def read(self, position: int = 0, wanted: Wanted | None = None) -> Iterator[dict[str, object]]:
        """The records from a position on, oldest first; `wanted` may refuse lines by their bytes."""

    def close(self) -> None:
        """Let go of the files."""


class FileStore:
    """Appends to `timeline.jsonl` and `uart.log` in `directory`, which is made if need be."""

    complete = True

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / JSONL
        self._records = _open(self._path)
        try:
            self._log = _open(directory / UART_LOG)
        except OSError:
            os.close(self._records)
            raise
        self.position = os.fstat(self._records).st_size
        if self.position and _is_torn(self._path):
            self.append(b"\n")

    def append(self, line: bytes) -> None:
        self.position += _write(self._records, line)

    def log(self, text: bytes) -> None:
        _write(self._log, text)

    def read(self, position: int = 0, wanted: Wanted | None = None) -> Iterator[dict[str, object]]:
        return read(self._path, position, wanted)

    def close(self) -> None:
        for name in ("_records", "_log"):
            descriptor = getattr(self, name)
            setattr(self, name, -1)
            if descriptor >= 0:
                os.close(descriptor)


class MemoryStore:
    """Keeps the newest records, at most `limit` bytes of them; there is no log for people."""

    complete = False

    def __init__(self, limit: int = 1 << 20) -> None:
        self.position = 0
        self._limit = limit
        self._size = 0
        self._lines: deque[tuple[int, bytes]] = deque()

    def append(self, line: bytes) -> None:
        self._lines.append((self.position, line))
        self.position += len(line)
        self._size += len(line)
        while self._size > self._limit and len(self._lines) > 1:
            self._size -= len(self._lines.popleft()[1])

    def log(self, text: bytes) -> None:
        pass

    def read(self, position: int = 0, wanted: Wanted | None = None) -> Iterator[dict[str, object]]:
        lines = [line for start, line in tuple(self._lines) if start >= position]
        return (json.loads(line) for line in lines if wanted is None or wanted(line))

    def close(self) -> None:
        self._lines.clear()


def read(path: Path, position: int = 0, wanted: Wanted | None = None) -> Iterator[dict[str, object]]:
    """The records of a `timeline.jsonl`, oldest first, from the byte `position` on.

    A last line that was torn by a kill or a full disk is left out; an unreadable line before it becomes a note.
    `wanted` may refuse a line by its bytes before it is decoded. Raises `OSError` where the file cannot be read.
    """
    with path.open("rb") as file:
        file.seek(position)
        t = 0.0
        for line in file:
            if wanted is not None and not wanted(line):
                continue
            record = _decoded(line)
            if record is not None:
                t = record.get("t", t)  # type: ignore[assignment]
                yield record
            elif line.endswith(b"\n") and line.strip():
                yield {"t": t, "kind": "note", "text": f"unreadable record of {len(line)} bytes"}


def _decoded(line: bytes) -> dict[str, object] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def _write(descriptor: int, data: bytes) -> int:
    written = os.write(descriptor, data)
    while written < len(data):  # a full disk takes a part first
        written += os.write(descriptor, data[written:])
    return written
