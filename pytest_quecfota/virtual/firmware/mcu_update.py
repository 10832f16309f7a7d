"""The update of the host's firmware through the module: block by block into RAM, read out by the host, judged by its
version.

10701 with length, MD5, CRC and (if asked for) SHA-256; 10702; 10703 with start and length of the block; reads;
AT+QIOTUPDATE=2 for the next block; AT+QIOTUPDATE=3 gives 10704; AT+QIOTMCUVER decides. 60 s without a read and 20 min
without a version end it (QuecThing SDK 2.9.0).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..clock import WaitingTimer
from .download import Download, DownloadFailed
from .plan import Firmware as Package
from .plan import Status, Task

if TYPE_CHECKING:
    from .upgrades import Upgrades

READ_WAIT = 60.0
VERSION_WAIT = 20 * 60.0
_NEXT, _UPDATING = "next block", "updating"

Ended = Status | str


class McuUpdate:
    """One MCU component on its way. `run` returns how it ended: a status, or the reason of a failure."""

    def __init__(self, upgrades: Upgrades, task: Task) -> None:
        self.task = task
        self._upgrades = upgrades
        self._firmware = upgrades.firmware
        self._clock = upgrades.board.clock
        self._defects = upgrades.board.defects
        self._package: Package | None = None
        self._start = 0
        self._block = b""
        self._timer: WaitingTimer | None = None
        self._decision: asyncio.Future[str] | None = None
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

    # The host ----------------------------------------------------------------------------------------------------

    def next_block(self) -> bool:
        """AT+QIOTUPDATE=2: accepted while a block is at hand that is not the last."""
        if self._holds_block and self._last_block and self._defects.active("sota-endless-blocks"):
            return True
        return self._holds_block and not self._last_block and self._decide(_NEXT)

    def report_updating(self) -> bool:
        """AT+QIOTUPDATE=3: accepted once the last block is at hand, and again while updating."""
        if self._upgrades.status is Status.UPDATING:
            asyncio.get_running_loop().call_soon(self._firmware.event, 7, 10704)
            return True
        return self._holds_block and self._last_block and self._decide(_UPDATING)

    def read(self, start: int, length: int) -> bytes:
        """Bytes of the block at hand from `start` of the file, cut at its end; empty outside it."""
        at = start - self._start - self._firmware.options.otard_first_offset
        if not self._holds_block or not 0 <= at < len(self._block):
            return bytes(length) if self._defects.active("sota-reads-outside") else b""
        self._arm(READ_WAIT)
        if self._defects.active("sota-shifted-read"):
            return (self._block[at + 1 :] + b"\x00")[:length]
        return self._block[at : at + length]

    def version_set(self, version: str) -> None:
        """AT+QIOTMCUVER named this component: the target version ends it well, anything else does not."""
        good = version == self.task.target_version or self._defects.active("sota-any-version")
        self._end(Status.SUCCEEDED if good else "the host reports another version")

    # The course of it --------------------------------------------------------------------------------------------

    async def run(self) -> Ended:
        """From the confirmation to the end."""
        return await self._until_ended(self._course())

    async def wait_for_version(self) -> Ended:
        """After a restart while updating: 10704 again, and the time for the new version begins anew."""
        return await self._until_ended(self._updating())

    async def _until_ended(self, course: object) -> Ended:
        """Follow `course` until it, a timer or the host ends the component."""
        work = asyncio.ensure_future(course)  # type: ignore[call-overload]
        try:
            await asyncio.wait({work, self._ended}, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.done():
                return self._ended.result()
            ended: Ended = work.result()
            return ended
        finally:
            self._disarm()
            work.cancel()
            await asyncio.wait({work})

    async def _course(self) -> Ended:
        self._package = await self._upgrades.package(self.task)
        if self._package is None:
            return "no address of the package came"
        decision = _NEXT
        while decision == _NEXT:
            try:
                await self._load_block(self._package)
            except DownloadFailed:
                return Status.DOWNLOAD_FAILED
            decision = await self._next_decision()
            self._start += len(self._block) if decision == _NEXT else 0
        return await self._updating()

    async def _load_block(self, package: Package) -> None:
        upgrades, start = self._upgrades, self._start
        end = min(package.size, start + self._firmware.options.sota_block)
        self._block = b""
        first = start == 0
        await upgrades.save(status=Status.DOWNLOAD_START)
        if first:
            self._firmware.event(7, 10701, *self._announcement(package))
            await upgrades.outbox.report(self.task, Status.DOWNLOAD_START)
        collected = bytearray()

        async def store(piece: bytes) -> None:
            collected.extend(piece)

        async def progress(reached: int) -> None:
            if upgrades.status is Status.DOWNLOAD_START:
                await upgrades.save(status=Status.DOWNLOADING)
            self._firmware.event(7, 10702)
            await upgrades.outbox.report(self.task, Status.DOWNLOADING, 100 * reached // package.size)

        await Download(self._firmware, package, store, progress).run(start, end)
        self._block = bytes(collected)
        await upgrades.save(status=Status.DOWNLOADED)
        self._decision = asyncio.get_running_loop().create_future()
        self._arm(READ_WAIT)
        self._firmware.event(7, 10703, self.task.component, package.size, start, len(self._block))
        if first and self._firmware.options.mcu_updating_event == "before-read":
            self._firmware.event(7, 10704)
        if self._last_block:
            await upgrades.outbox.report(self.task, Status.DOWNLOADED, 100)

    async def _next_decision(self) -> str:
        assert self._decision is not None
        decision = await self._decision
        self._decision = None
        self._disarm()
        return decision

    async def _updating(self) -> Ended:
        self._arm(VERSION_WAIT)
        await self._upgrades.save(status=Status.UPDATING)
        if self._firmware.options.mcu_updating_event == "after-report":
            self._firmware.event(7, 10704)
        await self._upgrades.outbox.report(self.task, Status.UPDATING, 0)
        return await self._ended

    def _announcement(self, package: Package) -> list[object]:
        crc = package.crc ^ 1 if self._defects.active("sota-wrong-crc") else package.crc
        if self._firmware.options.crc == "unknown":
            crc ^= 0xFFFFFFFF  # CRC-32/JAMCRC: any that is not the one of zlib
        fields: list[object] = [self.task.component, package.size, package.md5.lower(), crc]
        return [*fields, package.sha256.lower()] if self._upgrades.record.sha256 and package.sha256 else fields

    # Small things ------------------------------------------------------------------------------------------------

    @property
    def _holds_block(self) -> bool:
        return self._upgrades.status is Status.DOWNLOADED and bool(self._block)

    @property
    def _last_block(self) -> bool:
        return self._package is not None and self._start + len(self._block) >= self._package.size

    def _decide(self, decision: str) -> bool:
        if self._decision is None or self._decision.done():
            return False
        self._decision.set_result(decision)
        return True

    def _end(self, ended: Ended) -> None:
        if not self._ended.done():
            self._ended.set_result(ended)

    def _arm(self, seconds: float) -> None:
        self._disarm()
        if self._defects.active("sota-waits-for-ever"):
            return
        self._timer = self._clock.call_later_waiting(seconds, lambda: self._end("the host let the time pass"))

    def _disarm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
