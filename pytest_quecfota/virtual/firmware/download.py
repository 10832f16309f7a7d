"""A package on its way from the platform to the module: range by range, at the model's data rate.

Short interruptions are left to the HTTP layer, which tries a range again when the network is back; what it cannot
mend is a `DownloadFailed`. While the transfer runs, event 7,10702 comes at once and then every five seconds
(QuecThing SDK 2.9.0).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ..south import NetworkLost, Refused
from .plan import Firmware as Package

if TYPE_CHECKING:
    from .core import Firmware

TICK = 5.0
#: How often one range is tried, and how long each time for the network to come back (module seconds).
_TRIES, _NETWORK_WAIT = 3, 20.0
_LOOK_AGAIN = 0.5


class DownloadFailed(Exception):
    """The transfer ended before the package was complete."""


class Download:
    """Bytes of a package, handed on as they come.

    `sink` gets each piece and returns when it is stored; `progress` is called with the offset reached, at once and every `TICK`.
    """

    def __init__(
        self,
        firmware: Firmware,
        package: Package,
        sink: Callable[[bytes], Awaitable[None]],
        progress: Callable[[int], Awaitable[None]],
    ) -> None:
        self._firmware = firmware
        self._board = firmware.board
        self._package = package
        self._sink = sink
        self._progress = progress
        self._etag: str | None = None
        self._at = 0

    async def run(self, start: int, end: int) -> None:
        """Transfer the bytes from `start` up to `end`.

        Raises:
            DownloadFailed: the network stayed away, or the platform has the file no more.
        """
        self._at = start
        await self._progress(self._at)
        ticker = asyncio.ensure_future(self._tick())
        try:
            with self._board.load.during("receive"):
                await self._transfer(end)
        finally:
            ticker.cancel()
            await asyncio.wait({ticker})

    async def _transfer(self, end: int) -> None:
        clock, network = self._board.clock, self._board.data.network
        due = clock.now()
        while self._at < end:
            piece = await self._range(self._at, min(network.chunk, end - self._at))
            await self._sink(piece)
            self._at += len(piece)
            due += len(piece) / network.bytes_per_second
            await clock.sleep_until(due)

    async def _range(self, start: int, length: int) -> bytes:
        south = self._board.south
        for _ in range(_TRIES):
            try:
                piece, etag = await south.fetch(self._package.url, start, length, self._etag)
            except NetworkLost:
                await self._network_back()
                continue
            except Refused as refused:
                if self._firmware.connection.online:
                    raise DownloadFailed(str(refused)) from None
                await self._network_back()  # the session went with the network, and comes back a little later than that
                continue
            if not piece:
                raise DownloadFailed("the file is shorter than announced")
            self._etag = self._etag or etag
            return piece
        raise DownloadFailed("network lost")

    async def _network_back(self) -> None:
        if self._board.defects.active("success-after-lost-download"):
            raise DownloadFailed("given up at once")
        await self._board.clock.sleep_background(1.0)
        try:
            await self._board.clock.wait_for(self._usable(), _NETWORK_WAIT)
        except asyncio.TimeoutError:
            raise DownloadFailed("network lost") from None

    async def _usable(self) -> None:
        """Return once the module is on the network and, where it is to be, connected."""
        firmware = self._firmware
        await firmware.modem.until_registered()
        while firmware.connection.mode and not firmware.connection.online:
            await self._board.clock.sleep_background(_LOOK_AGAIN)

    async def _tick(self) -> None:
        while True:
            await self._board.clock.sleep(TICK)
            await self._progress(self._at)
