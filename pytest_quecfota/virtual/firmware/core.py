"""One run of the firmware: from the boot loader's hand-over to power loss or restart.

Everything in it is RAM; `kill` ends all of its tasks at once, wherever they are. What it does by itself after
power-on: boot lines, registration on the network, recovery of an interrupted update, connection where the mode says
so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from .board import Board, Install, Running, Storage
from .classic import Classic
from .configuration import Configuration
from .connection import Connection
from .gateway import Gateway
from .interpreter import Interpreter
from .mailbox import Mailbox
from .memory import Memory
from .modem import Modem
from .tables import commands_of
from .upgrades import Upgrades

T = TypeVar("T")

_log = logging.getLogger(__name__)


class PowerControl(Protocol):
    """What the firmware can do about its own power."""

    def restart(self) -> None:
        """Reset the module; the boot loader runs next."""

    def shut_down(self) -> None:
        """Switch the module off; only a power cycle brings it back."""


class Firmware:
    """The program, its parts and its tasks. `version` is the one in the running image."""

    def __init__(self, board: Board, storage: Storage, install: Install, running: Running, power: PowerControl) -> None:
        self.board = board
        self.options = board.data.options
        self.version = running.version
        self.memory = Memory(storage, install, board.load)
        self.config: Configuration = Configuration(board, self.memory)
        self.modem = Modem(self)
        self.at = Interpreter(self, commands_of(board.data))
        self.connection = Connection(self)
        self.upgrades = Upgrades(self)
        self.mailbox = Mailbox(self)
        self.gateway = Gateway(self)
        self.classic = Classic(self)
        #: The binding code and until when it holds (module s).
        self.binding = ("", 0.0)
        self._transactions = 0
        self._power = power
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Boot, then live until killed."""
        board, boot = self.board, self.board.data.boot
        if self.options.boot_rom:
            for line in boot.rom:
                board.uart.send(line.encode() + b"\r\n")
        await self.connection.wake()
        await board.clock.sleep(boot.seconds)
        board.uart.open()
        board.uart.receive = self.at.feed
        board.load.rest("idle")
        self.start(self.at.run())
        self.start(self.modem.run())
        ready = board.clock.now()
        for delay, line in boot.lines:
            await board.clock.sleep_until(ready + delay)
            self.at.urc(line)
        await self.memory.settle()
        await self.upgrades.recover()
        self.connection.start()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` until it ends or the firmware is killed."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def begin(self, work: Coroutine[Any, Any, T]) -> None:
        """`start`, where nobody waits for the end."""
        self.start(work)

    def next_transaction(self) -> int:
        """The number of the next transfer (AT+QIOTCFG="txid_mode"): 1 to 65535, over and over."""
        self._transactions = self._transactions % 65535 + 1
        return self._transactions

    def kill(self) -> set[asyncio.Task[Any]]:
        """End all tasks where they are; returns those that still have to notice."""
        for task in self._tasks:
            task.cancel()
        return set(self._tasks)

    def event(self, kind: int, code: int, *fields: object) -> None:
        """Print `+QIOTEVT: <kind>,<code>[,…]`: strings quoted, numbers bare."""
        shown = [f'"{field}"' if isinstance(field, str) else str(field) for field in fields]
        self.at.urc("+QIOTEVT: " + ",".join([str(kind), str(code), *shown]))

    def restart(self) -> None:
        """Reset the module."""
        self._power.restart()

    def shut_down(self) -> None:
        """Switch the module off."""
        self._power.shut_down()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a task of the firmware broke", exc_info=task.exception())
