"""The firmware's way to its flash: NVM and updater behind one lock, since the part does one operation at a time.

Every write draws the model's flash current while it lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from ..power import Load
from .board import Install, Kind, Storage, Target


class Memory:
    """One run's access to NVM and updater."""

    def __init__(self, storage: Storage, install: Install, load: Load) -> None:
        self._storage = storage
        self._install = install
        self._load = load
        self._lock = asyncio.Lock()

    def get(self, key: str, default: Any = None) -> Any:
        """A kept value, or `default`."""
        return self._storage.get(key, default)

    async def update(self, values: Mapping[str, Any]) -> None:
        """Keep values, all or none; returns when they are safe."""
        async with self._writing():
            await self._storage.update(values)

    async def erase(self) -> None:
        """Forget everything kept."""
        async with self._writing():
            await self._storage.erase()

    @property
    def capacity(self) -> int:
        """Bytes an update package may have."""
        return self._install.free_staging

    async def stage_begin(self, size: int, package: str) -> int:
        """Make room for a package, or go on with it; returns the offset of the first byte wanted."""
        async with self._writing():
            return await self._install.stage_begin(size, package)

    async def stage_write(self, offset: int, data: bytes) -> None:
        """Append to the package."""
        async with self._writing():
            await self._install.stage_write(offset, data)

    def staged(self) -> bytes:
        """The whole package as it stands in flash."""
        return self._install.staged()

    def staged_target(self, kind: Kind) -> Target:
        """The image the package leads to. Raises ValueError where it is damaged or not for this module."""
        return self._install.staged_target(kind)

    async def discard(self) -> None:
        """Forget the package."""
        async with self._writing():
            await self._install.stage_discard()

    async def commit(self, kind: Kind) -> None:
        """Have the package installed at the next restart."""
        async with self._writing():
            await self._install.commit_staged(kind)

    async def settle(self) -> None:
        """The image that runs is good, and how its installation ended is known."""
        async with self._writing():
            await self._install.confirm()
            await self._install.acknowledge()

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        async with self._lock:
            with self._load.during("flash"):
                yield
