"""What the timeline remembers: the newest records typed in memory, older ones read back from the store.

rx and sample records are many and only on disk; all others are numbered from 0 and the newest `window` of them are held
here. A `Mark` names a place among them, by number and by its byte in the store.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_quecfota import urc as vocabulary
from pytest_quecfota.timeline.store import Store
from pytest_quecfota.urc import Urc

#: Kinds that are never held in memory.
ONLY_ON_DISK = frozenset({"rx", "sample"})


@dataclass(frozen=True)
class Mark:
    """A place in the timeline; `time` is in real seconds since its start."""

    time: float
    number: int
    position: int


@dataclass(slots=True)
class Entry:
    """One remembered record. `body` is the URC itself for kind `urc`, otherwise the record's fields."""

    number: int
    time: float
    kind: str
    body: Urc | Mapping[str, object]
    position: int
    unannounced: bool = False


class History:
    """The window. Everything but `recall` is called under the timeline's lock."""

    def __init__(self, store: Store, window: int) -> None:
        if window < 1:
            raise ValueError(f"a window holds at least one record, not {window}")
        self._store = store
        self._entries: deque[Entry] = deque(maxlen=window)
        self.count = 0

    @property
    def first(self) -> int:
        """The number of the oldest record in memory."""
        return self._entries[0].number if self._entries else self.count

    def mark(self, time: float) -> Mark:
        """The place behind the newest record."""
        return Mark(time, self.count, self._store.position)

    def add(self, time: float, kind: str, body: Urc | Mapping[str, object], unannounced: bool = False) -> Entry:
        """Remember a record; call it before the record is appended to the store."""
        entry = Entry(self.count, time, kind, body, self._store.position, unannounced)
        self._entries.append(entry)
        self.count += 1
        return entry

    def has_gap(self, number: int) -> bool:
        """Whether records from a number on are out of memory, but can be recalled."""
        return number < self.first and self._store.complete

    def newest(self, number: int) -> Sequence[Entry]:
        """The records in memory from a number on."""
        return list(itertools.islice(self._entries, max(0, number - self.first), None))

    def recall(self, number: int, position: int) -> Iterator[Entry]:
        """The records from a number (at a byte of the store) on that are no longer in memory; reads the store."""
        if not self.has_gap(number):
            return
        for ahead, record in enumerate(self._store.read(position, is_numbered)):
            if number + ahead >= self.first:
                return
            kind, t = str(record["kind"]), float(str(record["t"]))
            body = typed(record) if kind == "urc" else {k: v for k, v in record.items() if k not in ("t", "kind")}
            yield Entry(number + ahead, t, kind, body, position, bool(record.get("unannounced")))


def is_numbered(line: bytes) -> bool:
    """Whether a stored line is of a kind that is held in memory, judged by its first bytes."""
    head = line[:60]
    return b'"kind": "rx"' not in head and b'"kind": "sample"' not in head


def as_record(entry: Entry) -> dict[str, object]:
    """An entry as the store has it."""
    record: dict[str, object] = {"t": round(entry.time, 6), "kind": entry.kind}
    if isinstance(entry.body, Urc):
        record.update(name=type(entry.body).__name__, raw=entry.body.raw, fields=vocabulary.fields(entry.body))
        if entry.unannounced:
            record["unannounced"] = True
    else:
        record.update(entry.body)
    return record


def typed(record: Mapping[str, object]) -> Urc:
    """The URC of a stored record. A payload comes back as text; a class this version does not know as `Unknown`."""
    raw, time = str(record.get("raw", "")), float(str(record.get("t", 0.0)))
    cls = getattr(vocabulary, str(record.get("name")), None)
    stored = record.get("fields")
    fields = {k: _tuple(v) for k, v in stored.items()} if isinstance(stored, dict) else {}
    if isinstance(cls, type) and issubclass(cls, Urc) and set(fields) == set(cls.__match_args__):
        return cls(**fields, raw=raw, time=time)
    return vocabulary.Unknown(raw=raw, time=time)


def _tuple(value: object) -> object:
    return tuple(_tuple(item) for item in value) if isinstance(value, list) else value
