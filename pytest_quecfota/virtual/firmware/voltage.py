"""What the module says of its supply: a warning, then an orderly shutdown, before the brown-out detector would cut it off.

Two spellings: text lines of the M series (`UNDER_VOLTAGE WARNING`; hardware guides), and `+QIND: "vbatt",<n>` of UMTS/LTE modules
(ofono's quectel plugin). Nothing public tells which of our models print any, so that none does unless the rig's profile says so
(`voltage_lines`). A level counts after it has been passed for a moment: bursts and cuts are too short to be told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .board import Board

if TYPE_CHECKING:
    from .module import Module

#: Module seconds a level must be passed for.
SETTLED = 0.05
_HYSTERESIS = 0.02
#: Share of a full battery's voltage at which a module with the defect `restarts-on-dip` does so.
_NERVOUS = 0.94
_TEXT = {
    "under_warning": "UNDER_VOLTAGE WARNING",
    "under_down": "UNDER_VOLTAGE POWER DOWN",
    "over_warning": "OVER_VOLTAGE WARNING",
    "over_down": "OVER_VOLTAGE POWER DOWN",
}
_NUMBER = {"under_warning": -1, "under_down": -2, "over_warning": 1, "over_down": 2}


def line(spelling: str, level: str) -> str:
    """The line for one of the four levels."""
    return _TEXT[level] if spelling == "text" else f'+QIND: "vbatt",{_NUMBER[level]}'


class VoltageWatch:
    """Watches the rail for the whole life of the bench; speaks while the firmware runs."""

    def __init__(self, board: Board, module: Module) -> None:
        self._board = board
        self._module = module
        self._spelling = board.data.options.voltage_lines
        if board.rail is not None:
            nervous = _NERVOUS * board.data.battery["full"]
            board.rail.add_detector(nervous, nervous + _HYSTERESIS, falling=self._startled)
        if self._spelling == "none" or board.rail is None:
            return
        for level, volts in board.data.voltage_levels.items():
            passed = self._passing(level, volts)
            if level.startswith("under"):
                board.rail.add_detector(volts, volts + _HYSTERESIS, falling=passed)
            else:
                board.rail.add_detector(volts - _HYSTERESIS, volts, rising=passed)

    def _startled(self) -> None:
        if self._module.firmware is not None and self._board.defects.active("restarts-on-dip"):
            self._module.restart()

    def _passing(self, level: str, volts: float) -> Callable[[], object]:
        return lambda: self._board.clock.call_later(SETTLED, lambda: self._settled(level, volts))

    def _settled(self, level: str, volts: float) -> None:
        rail, firmware = self._board.rail, self._module.firmware
        assert rail is not None
        beyond = rail.voltage() < volts if level.startswith("under") else rail.voltage() > volts
        if firmware is None or not beyond or self._board.defects.active("voltage-untold"):
            return
        firmware.at.urc(line(self._spelling, level))
        if level.endswith("down"):
            firmware.begin(self._down())

    async def _down(self) -> None:
        await self._board.uart.drained()
        self._module.shut_down()
