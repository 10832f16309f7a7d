"""What is printed while the boot loader installs the package of an AT+QFOTADL, before the new firmware runs.

A cut in it is told and mended as the family's guide says: a family that restores says so and begins RESTORE again (BG96 guide
V1.0); one with a backup area tries five times, then runs its old firmware (EC2x/EG9x guide V1.0); a MiniFOTA goes back to the old
firmware until the first file is matched, and keeps trying from then on (LTE Standard(A) guide V1.5). That guide promises nothing of
its larger modules; the virtual one goes on.
"""

from __future__ import annotations

from typing import Any

from ..boot import Booted, Updater
from .board import Board, Storage
from .classic import KEY, STUCK, say
from .classic_families import Family, family_of

_UNFINISHED = "Last upgrade was not finished,continue upgrade"
_LINE_SECONDS = 0.2
#: Module seconds the mini system needs for each line of the first file.
_MATCH_SECONDS = 2.0
#: A MiniFOTA: what the mini system prints while it matches the first file, and from where on it counts the second (EC800K example).
_FIRST_FILE, _SECOND_FILE = range(7, 48, 4), 60


class Installation:
    """One installation under way, from the start of the boot loader to its END."""

    def __init__(self, board: Board, storage: Storage, updater: Updater, family: Family) -> None:
        self._board = board
        self._storage = storage
        self._updater = updater
        self._family = family
        self._note: dict[str, Any] = dict(storage.get(KEY))
        self._told = 0

    @classmethod
    def under_way(cls, board: Board, storage: Storage, updater: Updater) -> Installation | None:
        """The one that was noted before the restart; None where there is none."""
        family = family_of(board.data.model)
        return cls(board, storage, updater, family) if family and storage.get(KEY) else None

    async def begin(self) -> bool:
        """Before the image is written. True: the module restarts instead, and goes on after that."""
        family = self._family
        await self._board.clock.sleep(self._board.data.boot.seconds)
        if not family.tells_update:
            return False
        self._board.uart.open()
        await self._count_attempt()
        if family.small and self._note["phase"] < 3:
            return await self._mini_system()
        if self._note["restoring"]:
            self._print(say(_UNFINISHED))
        elif self._note["code"] or not self._board.defects.active("dfota-skips-start"):
            await self._start()
        return False

    def progress(self, percent: int) -> None:
        """The boot loader has written so much of the image."""
        if not self._family.tells_update:
            return
        lines = self._note["lines"]
        number = percent * lines // 100
        if lines and self._told < number < lines:
            self._told = number
            shown = 100 * number // lines
            if self._family.small:
                shown = _SECOND_FILE + (100 - _SECOND_FILE) * number // lines
            self._print(say("RESTORE" if self._family.restores else "UPDATING", f"{shown}{self._family.sign}"))

    async def end(self, booted: Booted) -> bool:
        """The boot loader is through. True: the module restarts into what it installed."""
        installed = any(event.kind == "installed" for event in booted.events)
        if self._family.tells_update:
            failed = self._note["code"] or self._family.codes["failed"]
            if self._board.defects.active("dfota-false-end"):
                failed = 0
            self._print(say("END", 0 if installed else failed))
            await self._board.uart.drained()
        stuck = self._note["attempts"] > 1 and self._board.defects.active("dfota-stuck-after-cut")
        await self._storage.update({KEY: None, **({STUCK: True} if stuck else {})})
        return self._family.small

    async def _count_attempt(self) -> None:
        """One more; after the last one the old firmware stays."""
        attempts = self._note["attempts"] + 1
        if self._family.attempts and attempts > self._family.attempts:
            await self._updater.stage_discard()
        await self._keep(attempts=attempts)

    async def _start(self) -> None:
        if self._family.tells_start and not (self._note["started"] and self._note["attempts"] == 1):
            self._print(say("START"))
        if self._family.restores and not self._note["code"]:
            for percent in range(10, 101, 10):
                await self._board.clock.sleep(_LINE_SECONDS)
                self._print(say("UPDATING", f"{percent}{self._family.sign}"))
            await self._keep(restoring=True)

    async def _mini_system(self) -> bool:
        """The two restarts before the one that installs: the first file is matched, the second is at hand."""
        if self._note["phase"] == 1:
            if self._note["attempts"] > 1:  # cut before the first file was matched: back to the system that was there
                await self._updater.stage_discard()
                await self._keep(phase=3)
                return False
            for percent in _FIRST_FILE:
                await self._board.clock.sleep(_MATCH_SECONDS)
                self._print(say("UPDATING", percent))
        await self._keep(phase=self._note["phase"] + 1)
        await self._board.uart.drained()
        return True

    async def _keep(self, **changes: Any) -> None:
        self._note = {**self._note, **changes}
        await self._storage.update({KEY: self._note})

    def _print(self, line: str) -> None:
        lead = "\r\n" if self._board.data.options.leading_crlf else ""
        self._board.uart.send(f"{lead}{line}\r\n".encode())
