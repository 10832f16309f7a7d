"""What is printed while the boot loader installs the package of an AT+QFOTADL, before the new firmware runs.

Families that restore write UPDATING first and RESTORE while the image is written; a power cut in it is told at the next start,
and RESTORE begins again (BG96 DFOTA guide V1.0).
"""

from __future__ import annotations

from typing import Any

from ..boot import Booted
from .board import Board, Storage
from .classic import KEY, say
from .classic_families import Family, family_of

_UNFINISHED = "Last upgrade was not finished,continue upgrade"
_LINE_SECONDS = 0.2


class Installation:
    """One installation under way, from the start of the boot loader to its END."""

    def __init__(self, board: Board, storage: Storage, note: dict[str, Any], family: Family) -> None:
        self._board = board
        self._storage = storage
        self._note = note
        self._family = family
        self._shown = 0

    @classmethod
    def under_way(cls, board: Board, storage: Storage) -> Installation | None:
        """The one that was noted before the restart; None where there is none."""
        note, family = storage.get(KEY), family_of(board.data.model)
        return cls(board, storage, note, family) if note and family else None

    async def begin(self) -> None:
        """Before the image is written."""
        await self._board.clock.sleep(self._board.data.boot.seconds)
        if not self._family.tells_update:
            return
        self._board.uart.open()
        if self._note["restoring"]:
            self._print(say(_UNFINISHED))
            return
        self._print(say("START"))
        if self._family.restores and not self._note["code"]:
            for percent in range(10, 101, 10):
                await self._board.clock.sleep(_LINE_SECONDS)
                self._print(say("UPDATING", f"{percent}{self._family.sign}"))
            self._note = {**self._note, "restoring": True}
            await self._storage.update({KEY: self._note})

    def progress(self, percent: int) -> None:
        """The boot loader has written so much of the image."""
        step = self._note["step"]
        if self._family.tells_update and step and percent >= self._shown + step:
            self._shown = percent
            self._print(say("RESTORE" if self._family.restores else "UPDATING", f"{percent}{self._family.sign}"))

    async def end(self, booted: Booted) -> None:
        """The boot loader is through."""
        installed = any(event.kind == "installed" for event in booted.events)
        if self._family.tells_update:
            self._print(say("END", 0 if installed else self._note["code"] or self._family.codes["failed"]))
            await self._board.uart.drained()
        await self._storage.update({KEY: None})

    def _print(self, line: str) -> None:
        lead = "\r\n" if self._board.data.options.leading_crlf else ""
        self._board.uart.send(f"{lead}{line}\r\n".encode())
