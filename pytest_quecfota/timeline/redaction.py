"""Secrets never reach the disk: neither whole nor cut by the border of two reads.

`Redactor.text` masks what arrives whole (a command, a note). `Redactor.stream` masks bytes that arrive in pieces: it
keeps back the end of a piece only as long as it may be the beginning of a secret.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

MASK = "***"


class Redactor:
    """Masks `secrets` (texts; empty ones are ignored) with three asterisks. One per timeline, used under its lock."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._texts = tuple(sorted({s for s in secrets if s}, key=lambda s: (-len(s), s)))
        self._bytes = tuple(s.encode("utf-8") for s in self._texts)
        self._pattern = re.compile(b"|".join(re.escape(s) for s in self._bytes)) if self._bytes else None
        self._beginnings = frozenset(s[:n] for s in self._bytes for n in range(1, len(s)))
        self._endings = tuple(self._beginnings)  # what bytes.endswith takes
        self._longest = max((len(s) for s in self._bytes), default=0)
        self._held = b""

    def with_more(self, secrets: Collection[str]) -> Redactor:
        """One that masks these too, and goes on with what this one keeps back."""
        grown = Redactor((*self._texts, *secrets))
        grown._held = self._held
        return grown

    @property
    def held(self) -> bool:
        """Whether `stream` keeps something back."""
        return bool(self._held)

    @property
    def active(self) -> bool:
        """Whether there is anything to mask."""
        return bool(self._texts)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        for secret in self._texts:
            if secret in text:
                text = text.replace(secret, MASK)
        return text

    def value(self, value: object) -> object:
        """A JSON-like value with every text in it masked, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item) for item in value]
        return value

    def whole(self, data: bytes) -> bytes:
        """Bytes that are complete, without secrets."""
        if self._pattern is None or not any(s in data for s in self._bytes):
            return data
        return self._pattern.sub(MASK.encode(), data)

    def stream(self, data: bytes) -> bytes:
        """The part of the stream that may be written now, masked; the rest follows with the next piece or `flush`."""
        if self._pattern is None:
            return data
        if self._held:
            data, self._held = self._held + data, b""
        if any(s in data for s in self._bytes):
            return self._mask(data)
        if data.endswith(self._endings):
            cut = self._hold_from(data, 0)
            data, self._held = data[:cut], data[cut:]
        return data

    def flush(self) -> bytes:
        """What was kept back: the stream ends here, or waits too long."""
        held, self._held = self._held, b""
        return self.whole(held)

    def _mask(self, data: bytes) -> bytes:
        assert self._pattern is not None
        parts: list[bytes] = []
        position, cut = 0, self._hold_from(data, 0)
        while (match := self._pattern.search(data, position)) and match.start() < cut:
            parts += (data[position : match.start()], MASK.encode())
            position = match.end()
            if cut < position:
                cut = self._hold_from(data, position)
        parts.append(data[position:cut])
        self._held = data[cut:]
        return b"".join(parts)

    def _hold_from(self, data: bytes, lowest: int) -> int:
        """Where the longest end of `data` begins that a secret could begin with."""
        for start in range(max(lowest, len(data) - self._longest + 1), len(data)):
            if data[start:] in self._beginnings:
                return start
        return len(data)
