"""Package files on disk: streamed in under a temporary name, kept under their SHA-256, served in pieces.

A file becomes visible only by the rename after its row could be stored; what a crash leaves (half uploads, files
without a row) is removed at the next start.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class StoredFile:
    """One file of a package; `crc` is the CRC-32 of zlib."""

    name: str
    size: int
    sha256: str
    md5: str
    crc: int

    def row(self) -> dict[str, Any]:
        """As it is stored with its package."""
        return dataclasses.asdict(self)


class Incoming:
    """A file on its way in; `keep` takes it, `discard` forgets it."""

    def __init__(self, directory: Path, final: Path, name: str) -> None:
        self.name = name
        self.size = 0
        self._final = final
        descriptor, path = tempfile.mkstemp(dir=directory)
        self._path = Path(path)
        self._file = os.fdopen(descriptor, "wb")
        self._sha256, self._md5, self._crc = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0

    def write(self, data: bytes) -> None:
        """Takes the next piece."""
        self._file.write(data)
        self._sha256.update(data)
        self._md5.update(data)
        self._crc = zlib.crc32(data, self._crc)
        self.size += len(data)

    def close(self) -> None:
        """Ends the writing; digests are final from here."""
        self._file.close()

    def stored(self) -> StoredFile:
        """What the file is."""
        return StoredFile(self.name, self.size, self._sha256.hexdigest(), self._md5.hexdigest(), self._crc)

    def keep(self) -> None:
        """Moves the file to its digest."""
        self._path.replace(self._final / self._sha256.hexdigest())

    def discard(self) -> None:
        """Removes what was written, as long as it was not kept."""
        with contextlib.suppress(OSError):  # the rest of it may not fit on the disk
            self._file.close()
        self._path.unlink(missing_ok=True)


class PackageFiles:
    """The folders `files/` (by digest) and `incoming/` of a data directory."""

    def __init__(self, directory: Path) -> None:
        self._files = directory / "files"
        self._incoming = directory / "incoming"
        for folder in (self._files, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def receive(self, name: str) -> Incoming:
        """Begins a file."""
        return Incoming(self._incoming, self._files, name)

    def path(self, digest: str) -> Path:
        """Where the file of a digest is."""
        return self._files / digest

    def remove(self, digests: Iterable[str]) -> None:
        """Deletes files that no package needs any more."""
        for digest in digests:
            (self._files / digest).unlink(missing_ok=True)

    def clean(self, needed: set[str]) -> None:
        """Removes what a crash left behind."""
        for leftover in [*self._incoming.iterdir(), *(f for f in self._files.iterdir() if f.name not in needed)]:
            leftover.unlink(missing_ok=True)
