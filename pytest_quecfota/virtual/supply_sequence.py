"""The sequence memory of supplies with arbitrary sequences: rows of volts, amperes, seconds, handed over to an output to play.

Dialects name what is here as `sequence.<name>`. R&S's HMP series has rows of three, its NGx series a fourth column that says
whether the level is to be reached evenly (`interpolation`).
"""

from __future__ import annotations

import math

from .channel import Channel
from .scpi import ScpiError
from .transient import Step

SLOTS = range(1, 4)
"""Numbers of the places a sequence can be kept in."""


class Sequence:
    """The rows being put together; `columns` to a row, three or four.

    Plain settings: the numbers as they came, how often it plays (0: until stopped), what holds afterwards (`SETTING`, `LAST`,
    `OFF`).
    """

    data: list[float]
    count: int
    end: str

    def __init__(self, channels: dict[int, Channel], columns: int) -> None:
        self._channels = channels
        self._columns = columns
        self._kept: dict[int, list[float]] = {}
        self.reset()

    def reset(self) -> None:
        """The state after *RST; what was kept stays."""
        self.data = []
        self.count = 1
        self.end = "SETTING"

    @property
    def most(self) -> int:
        """Numbers the memory holds."""
        return self._columns * min(channel.rating.list_steps for channel in self._channels.values())

    @property
    def end_word(self) -> str:
        """`end` as the NGx series calls it: OFF or HOLD."""
        return "OFF" if self.end == "OFF" else "HOLD"

    @end_word.setter
    def end_word(self, word: str) -> None:
        self.end = "LAST" if word == "HOLD" else word

    def transfer(self, number: int) -> None:
        """Give the rows to an output. Raises ScpiError (-221) where there are no whole rows, (-222) where they are out of range,
        or there is no such output."""
        channel = self._channel(number)
        if not self.data or len(self.data) % self._columns:
            raise ScpiError(-221)
        columns = [self.data[index :: self._columns] for index in range(self._columns)]
        for values, name in zip(columns, ("voltage", "current", "list_dwell"), strict=False):
            low, high = channel.limits(name) or (0.0, 0.0)
            if not all(low <= value <= high for value in values):
                raise ScpiError(-222)
        channel.program.load_rows(self._steps(columns), self.count or math.inf)
        channel.program.list_end = self.end

    def start(self, number: int) -> None:
        """Play what was given to an output."""
        self._channel(number).program.playing_rows = True

    def stop(self, number: int) -> None:
        """Stop that."""
        self._channel(number).program.playing_rows = False

    def clear(self, number: int | None = None) -> None:
        """Forget the rows, also those an output was given."""
        if number is not None:
            program = self._channel(number).program
            program.playing_rows = False
            program.load_rows([], 1)
        self.data = []

    def save(self, slot: int) -> None:
        """Keep the rows. Raises ScpiError (-222)."""
        if slot not in SLOTS:
            raise ScpiError(-222)
        self._kept[slot] = self.data

    def restore(self, slot: int) -> None:
        """Take the rows kept there, if any. Raises ScpiError (-222)."""
        if slot not in SLOTS:
            raise ScpiError(-222)
        self.data = self._kept.get(slot, [])

    def limits(self, name: str) -> tuple[float, float] | None:
        """The smallest and largest value of a setting."""
        return {"count": (0.0, 255.0)}.get(name.rpartition(".")[2])

    def _steps(self, columns: list[list[float]]) -> list[Step]:
        """The rows as steps; an interpolated row goes evenly to the level of the row after it."""
        volts, amps, seconds = columns[:3]
        smooth = columns[3] if len(columns) > 3 else [0.0] * len(volts)
        following = [*volts[1:], volts[-1]]
        rows = zip(volts, following, amps, seconds, smooth, strict=True)
        return [Step(time, to if ramp else level, amp, ramp=bool(ramp)) for level, to, amp, time, ramp in rows]

    def _channel(self, number: int) -> Channel:
        try:
            return self._channels[number]
        except KeyError:
            raise ScpiError(-222) from None
