"""What an output of the virtual supply plays: lists and steps, armed and triggered, on the list engine.

Dialects name what is here as `program.<name>`. A program only says which levels hold meanwhile (`playing`); the channel makes
them the output's.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .clock import Clock
from .outlet import Rating
from .scpi import ScpiError
from .transient import ListEngine, Step

_LIST_LENGTHS = "Settings conflict; list lengths are not equivalent"


class Program:
    """The transients of one output.

    `apply()` is called when the levels to play change, `end(state, step)` after the last step, `changed()` when something
    begins or ends. Plain settings: levels a STEP trigger sets; the lists, how often they are played (infinity: until
    stopped) and what holds after them (`SETTING`, `LAST` or `OFF`); where triggers come from, and how long after one
    it begins; how many rows of the table are played.
    """

    triggered_voltage: float
    triggered_current: float
    list_voltage: list[float]
    list_current: list[float]
    list_dwell: list[float]
    list_count: float
    list_end: str
    row_count: int
    trigger_source: str
    trigger_delay: float

    def __init__(
        self,
        clock: Clock,
        rating: Rating,
        *,
        apply: Callable[[], object],
        end: Callable[[str, Step], object],
        changed: Callable[[], object],
    ) -> None:
        self._rating = rating
        self._apply = apply
        self._end = end
        self._changed = changed
        self._engine = ListEngine(clock, self._play, self._ended)
        self.reset()

    def reset(self) -> None:
        """The state after *RST; nothing is called back."""
        rating = self._rating
        self._engine.stop()
        self.playing: Step | None = None
        self.armed = False
        self._voltage_mode = self._current_mode = "FIX"
        self.triggered_voltage, self.triggered_current = rating.voltage[0], rating.current[1]
        self.list_voltage, self.list_current = [rating.voltage[0]], [rating.current[1]]
        self.list_dwell = [max(0.01, rating.list_dwell[0])]
        self.list_count = 1
        self.list_end = "SETTING"
        self.row_count = rating.rows_played
        self._rows: dict[int, Step] = {}
        self.trigger_source = "BUS"
        self.trigger_delay = 0.0

    @property
    def voltage_mode(self) -> str:
        """What a trigger does to the voltage: FIX nothing, STEP the triggered level, LIST the list."""
        return self._voltage_mode

    @voltage_mode.setter
    def voltage_mode(self, mode: str) -> None:
        self._voltage_mode = mode
        self.abort()

    @property
    def current_mode(self) -> str:
        """The same for the current limit."""
        return self._current_mode

    @current_mode.setter
    def current_mode(self, mode: str) -> None:
        self._current_mode = mode
        self.abort()

    @property
    def list_keeps_last(self) -> bool:
        """Whether the last step of a list stays as the setting."""
        return self.list_end == "LAST"

    @list_keeps_last.setter
    def list_keeps_last(self, stays: bool) -> None:
        self.list_end = "LAST" if stays else "SETTING"

    @property
    def voltage_points(self) -> int:
        """Length of the voltage list."""
        return len(self.list_voltage)

    @property
    def current_points(self) -> int:
        """Length of the current list."""
        return len(self.list_current)

    @property
    def dwell_points(self) -> int:
        """Length of the list of dwell times."""
        return len(self.list_dwell)

    @property
    def ramp_left(self) -> float:
        """Module seconds in which the level being played is to be reached evenly; 0 where it holds at once."""
        return self._engine.left if self.playing is not None and self.playing.ramp else 0.0

    @property
    def busy(self) -> bool:
        """Whether a triggered action is not complete."""
        return self._engine.running

    # -- a table of rows, for dialects without lists -------------------------------------------------------------

    def put_row(self, number: int, volts: float, amps: float, seconds: float) -> None:
        """Write one row of the table. Raises ScpiError (-222) for a number or a time it does not have."""
        first, last = self._rating.list_rows
        grain = self._rating.list_grain
        if not first <= number <= last or (grain and abs(seconds / grain - round(seconds / grain)) > 1e-9):
            raise ScpiError(-222)
        self._rows[number] = Step(seconds, volts, amps)

    def row(self, number: int) -> tuple[float, float, float]:
        """Volts, amperes and seconds of a row; zeros where it was not written. Raises ScpiError (-222)."""
        first, last = self._rating.list_rows
        if not first <= number <= last:
            raise ScpiError(-222)
        step = self._rows.get(number, Step(0.0, 0.0, 0.0))
        return step.voltage or 0.0, step.current or 0.0, step.seconds

    def load_rows(self, rows: list[Step], count: float) -> None:
        """Take over a whole table, and how often it is to be played."""
        self._rows = dict(enumerate(rows))
        self.row_count = len(rows)
        self.list_count = count

    @property
    def cycles(self) -> tuple[str, int]:
        """How often the table is played: ("I", 0) until stopped, ("N", times)."""
        return ("I", 0) if math.isinf(self.list_count) else ("N", int(self.list_count))

    @cycles.setter
    def cycles(self, given: tuple[str, ...]) -> None:
        if given[0] == "N" and len(given) < 2:
            raise ScpiError(-109)
        self.list_count = math.inf if given[0] == "I" else float(given[1])

    def play_rows(self, play: bool) -> None:
        """Start or stop the table (where that cannot be asked)."""
        self.playing_rows = play

    @property
    def playing_rows(self) -> bool:
        """Whether the table is being played; setting it starts or stops that. Raises ScpiError (-221) without rows."""
        return self.busy

    @playing_rows.setter
    def playing_rows(self, play: bool) -> None:
        if not play:
            self.abort()
            return
        rows = [self._rows[number] for number in sorted(self._rows)][: self.row_count]
        if not rows:
            raise ScpiError(-221)
        self._voltage_mode = self._current_mode = "LIST"
        self._engine.start(rows, self.list_count)
        self._changed()

    # -- running -------------------------------------------------------------------------------------------------

    def initiate(self) -> None:
        """Wait for a trigger; with an immediate trigger source, go. Raises ScpiError (-213) where it does so already."""
        if self.armed or self.busy:
            raise ScpiError(-213)
        self.steps()
        self.armed = True
        if self.trigger_source == "IMM":
            self.trigger()

    def trigger(self) -> None:
        """Go, if armed. Raises ScpiError (-211) if not."""
        if not self.armed:
            raise ScpiError(-211)
        self.armed = False
        if self._in_list or self.trigger_delay > 0:
            self._engine.start(self.steps(), self.list_count if self._in_list else 1, self.trigger_delay)
            self._changed()
        else:  # a step is there at once
            self._play(self._single_step())
            self._ended()

    def abort(self) -> None:
        """Stop waiting or playing; the immediate settings hold again."""
        self.armed = False
        self._engine.stop()
        self.playing = None
        self._apply()
        self._changed()

    def steps(self) -> list[Step]:
        """What a trigger would play. Raises ScpiError (-221) where the lists are not of one length."""
        if not self._in_list:
            return [self._single_step()]
        voltages: list[float | None] = [*self.list_voltage] if self._voltage_mode == "LIST" else [None]
        currents: list[float | None] = [*self.list_current] if self._current_mode == "LIST" else [None]
        columns: list[list[float | None]] = [[*self.list_dwell], voltages, currents]
        length = max(len(column) for column in columns)
        if any(len(column) not in (1, length) for column in columns):
            raise ScpiError(-221, _LIST_LENGTHS)
        rows = zip(*(column * length if len(column) == 1 else column for column in columns), strict=True)
        return [Step(seconds or 0.0, voltage, current) for seconds, voltage, current in rows]

    def close(self) -> None:
        """Stop, without calling anybody."""
        self._engine.stop()

    # -- inside --------------------------------------------------------------------------------------------------

    @property
    def _in_list(self) -> bool:
        return "LIST" in (self._voltage_mode, self._current_mode)

    def _single_step(self) -> Step:
        voltage = self.triggered_voltage if self._voltage_mode == "STEP" else None
        current = self.triggered_current if self._current_mode == "STEP" else None
        return Step(0.0, voltage, current)

    def _play(self, step: Step) -> None:
        self.playing = step
        self._apply()

    def _ended(self) -> None:
        last, self.playing = self.playing, None
        if last is not None:
            self._end(self.list_end if self._in_list else "LAST", last)
        self._apply()
        self._changed()
