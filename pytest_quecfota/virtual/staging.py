"""The staging area: where a package is collected while it is downloaded, over any number of interruptions.

Bytes come in order. How far they have come is journaled sector by sector, always after the data, so that the point to
resume from never lies beyond what is sound; the sector behind it is erased before it is written again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .flash import Flash
from .layout import Region
from .nvm import Nvm


class StagingError(ValueError):
    """A write that does not continue where the last one ended, a read of an incomplete package, or too large a one."""


class Staging:
    """The staging area of one flash; its progress is kept under `staging` in the boot state.

    `journal_every`: after how many sectors the progress is written down.
    """

    def __init__(
        self, flash: Flash, region: Region, state: Nvm, *, journal_every: int = 4, defects: Collection[str] = ()
    ) -> None:
        self._flash = flash
        self._region = region
        self._state = state
        self._every = journal_every * flash.sector
        self._defects = frozenset(defects)
        self._received: int | None = None

    @property
    def free(self) -> int:
        """The largest package that fits (bytes)."""
        return self._region.size

    @property
    def size(self) -> int:
        """Size of the package being collected; 0 if there is none."""
        return int(self._record().get("size", 0))

    @property
    def received(self) -> int:
        """Bytes that have arrived and need not be fetched again."""
        return self._received if self._received is not None else int(self._record().get("received", 0))

    @property
    def complete(self) -> bool:
        """Whether a whole package is there."""
        return self.size > 0 and self.received == self.size

    async def begin(self, size: int, package: str = "") -> int:
        """Begin to collect a package of `size` bytes, or go on with it: the same non-empty `package` (its digest, say) and
        size. Returns the offset of the first byte wanted. Raises StagingError where it does not fit."""
        if not 0 < size <= self.free:
            raise StagingError(f"a package of {size} bytes does not fit into {self.free} bytes of staging")
        record = self._record()
        same = record.get("size") == size and (package and record.get("package") == package)
        if not same:
            kept = min(self.received, size) if "resume-any" in self._defects else 0
            fresh = {"package": package, "size": size, "received": kept}
            await self._state.update({"staging": fresh}, delete=["pending"])
            self._received = kept
        elif "pending" in dict(self._state.items()):
            await self._state.delete("pending")
        self._received = min(self.received, size)
        return self._received

    async def write(self, offset: int, data: bytes) -> None:
        """Take the next bytes of the package. Raises StagingError unless they continue at `received`."""
        if offset != self.received or offset + len(data) > self.size:
            raise StagingError(f"{len(data)} bytes at {offset}: {self.received} of {self.size} have been received")
        position = 0
        while position < len(data):
            position += await self._write_piece(offset + position, data[position:])

    def read(self) -> bytes:
        """The whole package. Raises StagingError while it is incomplete."""
        if not self.complete:
            raise StagingError(f"{self.received} of {self.size} bytes have been received")
        return self._flash.read(self._region.base, self.size)

    async def discard(self) -> None:
        """Forget the package and what was to be done with it."""
        self._received = None
        await self._state.update({}, delete=["staging", "pending"])

    def forget_ram(self) -> None:
        """As after a restart: only what is journaled counts."""
        self._received = None

    # -- inside --------------------------------------------------------------------------------------------------

    def _record(self) -> dict[str, Any]:
        record: dict[str, Any] = self._state.get("staging") or {}
        return record

    async def _write_piece(self, offset: int, data: bytes) -> int:
        """Write up to the end of a sector; returns how many bytes were taken."""
        sector = self._flash.sector
        piece = data[: sector - offset % sector]
        address = self._region.base + offset
        end = offset + len(piece)
        if "resume-ahead" in self._defects:
            await self._journal(end, always=True)
        if offset % sector == 0 and not self._flash.is_erased(address, sector):
            await self._flash.erase(address)
        await self._flash.program(address, piece)
        self._received = end
        await self._journal(end)
        return len(piece)

    async def _journal(self, end: int, *, always: bool = False) -> None:
        if always or end == self.size or end % self._every == 0:
            await self._state.set("staging", {**self._record(), "received": end})
