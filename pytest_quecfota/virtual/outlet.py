"""What an output of the virtual supply feeds, and what it is rated for.

An `Outlet` is the module's rail (`rail.Rail`) or nothing at all. `Rating` comes from the dialect's data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Outlet(Protocol):
    """What an output feeds."""

    def set_source(
        self,
        voltage: float,
        on: bool,
        current_limit: float,
        *,
        slew: float = ...,
        sink_current: float = ...,
        off_sink_current: float = ...,
    ) -> None:
        """Take over what the output gives from now on."""
        ...

    def terminal_voltage(self) -> float:
        """Volts at the output's terminals now."""
        ...

    def reading(self) -> tuple[float, float]:
        """Volts and amperes at the output's terminals as its meter shows them."""
        ...

    @property
    def source_voltage(self) -> float:
        """The voltage it regulates to now, on its way to the one set."""
        ...

    @property
    def limits_in(self) -> float:
        """Module seconds until the output folds back if nothing changes; infinity where it never will."""
        ...

    @property
    def limiting(self) -> bool:
        """Whether the output folds back at its current limit now."""
        ...

    @property
    def settling(self) -> float:
        """Module seconds until the voltage at the terminals stands still; 0 where it does or never will."""
        ...


class NothingConnected:
    """The outlet of an output with nothing at its terminals."""

    limiting = False
    limits_in = math.inf
    settling = 0.0

    def __init__(self) -> None:
        self._voltage = 0.0

    def set_source(
        self,
        voltage: float,
        on: bool,
        current_limit: float,  # noqa: ARG002 - an Outlet's
        *,
        slew: float = math.inf,  # noqa: ARG002
        sink_current: float = 0.0,  # noqa: ARG002
        off_sink_current: float = 0.0,  # noqa: ARG002
    ) -> None:
        """See `Outlet`."""
        self._voltage = voltage if on else 0.0

    def terminal_voltage(self) -> float:
        """See `Outlet`."""
        return self._voltage

    def reading(self) -> tuple[float, float]:
        """See `Outlet`."""
        return self._voltage, 0.0

    @property
    def source_voltage(self) -> float:
        """See `Outlet`."""
        return self._voltage


@dataclass(frozen=True)
class Rating:
    """What one output can do: ranges of its settings, how fast and how hard it drives (V, A, V/s).

    Its list or table has at most `list_steps` steps of `list_dwell` seconds, whole multiples of `list_grain` where that is not 0;
    rows of a table have the numbers `list_rows`, of which it plays the first `rows_played` unless it is told otherwise.
    """

    voltage: tuple[float, float]
    current: tuple[float, float]
    ovp: tuple[float, float]
    slew_up: float = math.inf
    slew_down: float = math.inf
    sink: float = 0.0
    off_sink: float = 0.0
    most_current: float = math.inf
    list_steps: int = 100
    list_rows: tuple[float, float] = (0, 99)
    list_dwell: tuple[float, float] = (0.0, 3600.0)
    list_grain: float = 0.0
    rows_played: int = 1
    list_count: tuple[float, float] = (1, 9999)
