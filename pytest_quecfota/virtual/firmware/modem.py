"""The modem: functionality level and registration on the network, as far as updates need them.

Registration follows the radio: some seconds to attach (data of the model), one to notice a loss. The connection waits
for it, and AT+CEREG, AT+CGATT and their unsolicited forms show it (3GPP TS 27.007 sections 7.2, 10.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .core import Firmware

_NOTICE_LOSS = 1.0
SEARCHING, REGISTERED, NOT_SEARCHING = 2, 1, 0

#: The registration commands whose unsolicited line can be switched on.
REGISTRATION = ("CREG", "CGREG", "CEREG")


class Modem:
    """Functionality (`AT+CFUN`: 0, 1, 4) and registration of one run of the firmware."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware
        self._board = firmware.board
        self.functionality = 1
        self.reports = dict.fromkeys(REGISTRATION, 0)
        self._registered = False
        self._restarting = False
        self._changed = asyncio.Event()  # a fresh one at each change, so that no waiter misses it

    @property
    def registered(self) -> bool:
        """Whether the network has let the module in."""
        return self._registered

    @property
    def registration(self) -> int:
        """`<stat>` of AT+CEREG."""
        if self.functionality != 1:
            return NOT_SEARCHING
        return REGISTERED if self._registered else SEARCHING

    async def run(self) -> None:
        """Follow radio and functionality for ever."""
        while True:
            await self._until(self._usable)
            with self._board.load.during("receive"):
                await self._board.clock.sleep(self._board.data.boot.attach)
            if not self._usable():
                continue
            self._set(True)
            await self._until(lambda: self._restarting or not self._usable())
            await self._board.clock.sleep(_NOTICE_LOSS)
            if self._restarting or not self._usable():
                self._restarting = False
                self._set(False)

    def restart_network(self) -> None:
        """Leave the network and attach anew."""
        self._restarting = True
        self._tell()

    def set_functionality(self, level: int) -> None:
        """AT+CFUN: 1 on the air; 0 and 4 off it."""
        self.functionality = level
        if level != 1:
            self._set(False)
        self._tell()

    async def until_registered(self) -> None:
        """Return once the module is on the network."""
        while not self._registered:
            await self._next_change()

    async def until_lost(self) -> None:
        """Return once the module is off the network."""
        while self._registered:
            await self._next_change()

    def _usable(self) -> bool:
        return self._board.radio.usable and self.functionality == 1

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            radio = asyncio.ensure_future(self._board.radio.changed())
            own = asyncio.ensure_future(self._next_change())
            try:
                await asyncio.wait({radio, own}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                radio.cancel()
                own.cancel()

    async def _next_change(self) -> None:
        await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _set(self, registered: bool) -> None:
        if registered == self._registered:
            return
        self._registered = registered
        self._tell()
        for name, level in self.reports.items():
            if level:
                self._firmware.at.urc(f"+{name}: {self.registration}")
