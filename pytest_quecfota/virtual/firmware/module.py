"""The module as its rail sees it: powered or not, booting, running, switched off by itself, or bricked.

The rail's detector calls `power_good` and `brown_out`. At power-good the boot loader runs, then a fresh
`core.Firmware`; at brown-out everything stops where it is, a flash operation torn. `Truth` is what really is the
case, for tests of the tool.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from ..boot import DEFECTS as BOOT_DEFECTS
from ..boot import Booted, Bricked, Updater
from ..flash import Flash
from ..layout import Layout
from ..nvm import Nvm
from .board import Board, Running
from .classic_install import Installation
from .core import Firmware
from .plan import Status
from .voltage import VoltageWatch

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Truth:
    """What is the case now. `state`: off, booting, running, down (switched off by itself) or bricked."""

    powered: bool
    boots: int
    version: str
    image_digest: str
    flash_operations: int
    upgrades: int
    state: str
    connection: int | None
    ota: str | None


class Module:
    """One virtual module on its board. Unpowered until `power_good`."""

    def __init__(self, board: Board, flash: Flash, layout: Layout) -> None:
        self._board = board
        self._flash = flash
        self._layout = layout
        self._state = "off"
        self._boots = 0
        self._upgrades = 0
        self._running = Running("", "")
        self._firmware: Firmware | None = None
        self._life: asyncio.Task[None] | None = None
        self._cuts = 0
        self._voltage = VoltageWatch(board, self)

    @property
    def firmware(self) -> Firmware | None:
        """The firmware that runs now."""
        return self._firmware

    @property
    def powered(self) -> bool:
        """Whether the rail holds the module up."""
        return self._state != "off"

    def truth(self) -> Truth:
        """What is the case now."""
        firmware = self._firmware
        return Truth(
            powered=self.powered,
            boots=self._boots,
            version=self._running.version,
            image_digest=self._running.digest,
            flash_operations=self._flash.operations,
            upgrades=self._upgrades,
            state=self._state,
            connection=int(firmware.connection.state) if firmware else None,
            ota=firmware.upgrades.status.name if firmware else None,
        )

    def power_good(self) -> None:
        """The rail has come up."""
        if not self.powered:
            self._start(self._stop())

    def brown_out(self) -> None:
        """The rail has fallen below what the module needs."""
        if self._firmware and self._firmware.upgrades.status > Status.CONFIRMED:
            self._cuts += 1
        self._flash.cut()
        self._stop()
        self._board.load.rest("down")
        self._state = "off"

    def restart(self) -> None:
        """Reset: as a brown-out that is over at once. A USB port goes away until the module is ready again."""
        self._flash.cut()
        ending = self._stop()
        if self._board.data.options.port_vanishes:
            self._board.uart.vanish()
        self._start(ending)

    def shut_down(self) -> None:
        """Switched off by command: deaf until the next power cycle."""
        self._flash.cut()
        self._stop()
        self._board.load.rest("down")
        self._state = "down"

    async def close(self) -> None:
        """End everything, for the end of the bench."""
        ending = self._stop()
        if ending:
            await asyncio.wait(ending)

    def _start(self, ending: set[asyncio.Task[Any]]) -> None:
        self._state = "booting"
        self._boots += 1
        self._board.load.rest("boot")
        self._board.uart.power(True)
        self._life = asyncio.ensure_future(self._live(ending))

    def _stop(self) -> set[asyncio.Task[Any]]:
        """Cut the firmware off; returns the tasks that still have to notice."""
        self._board.uart.power(False)
        ending: set[asyncio.Task[Any]] = self._firmware.kill() if self._firmware else set()
        self._firmware = None
        if self._life and not self._life.done():
            self._life.cancel()
            ending.add(self._life)
        self._life = None
        ending.discard(asyncio.current_task())
        return ending

    async def _live(self, ending: set[asyncio.Task[Any]]) -> None:
        if ending:
            await asyncio.wait(ending)
        try:
            await self._boot()
        except Bricked as reason:
            self._state = "bricked"
            _log.warning("the module is bricked: %s", reason)
        except Exception:
            _log.exception("the virtual module broke; this is a bug of the bench")
            self._state = "bricked"

    async def _boot(self) -> None:
        board = self._board
        if self._cuts > 1 and board.defects.active("bricks-at-second-cut"):
            raise Bricked("cut twice in an upgrade")
        flaws = [name for name in board.defects.names if name in BOOT_DEFECTS]
        if board.defects.active("installs-damaged-package"):
            flaws.append("verify-skipped")
        updater = Updater(self._flash, self._layout, model=board.data.model, defects=flaws)
        nvm = Nvm(self._flash, self._layout.nvm.base, self._layout.nvm.size)
        installation = Installation.under_way(board, nvm, updater)
        if installation:
            updater.progress = installation.progress
            if await installation.begin():
                self.restart()
                return
        with board.load.during("flash"):
            booted = await updater.boot()
        running = self._note(booted)
        if installation and await installation.end(booted):
            self.restart()
            return
        self._firmware = Firmware(board, nvm, updater, running, self)
        self._state = "running"
        await self._firmware.run()

    def _note(self, booted: Booted) -> Running:
        running = Running(booted.image.version, booted.image.digest)
        if self._running.digest and running.digest != self._running.digest:
            self._upgrades += 1
        self._running = running
        return running
