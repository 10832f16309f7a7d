"""How a virtual supply differs from the best of its kind: slow, weak, noisy. What is left out is as the dialect says.

Comes with the document (`virtual: {supply: …}` of a rig file), so that tests can see how they fare on a poor bench.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from .outlet import Rating

TRANSPORTS = ("socket", "hislip")


@dataclass(frozen=True)
class SupplyOptions:
    """The options; times in module seconds.

    A message takes the supply `latency`, and up to `latency_jitter` more, at random. Its output rises and falls at `slew_rise`,
    `slew_fall` V/s; without `down_programmer` it never pulls its output down. It folds back at `max_current` (A) whatever limit
    is set. A reading is an average over `aperture`, has noise (`voltage_noise`, `current_noise`: standard deviation, V and A) and
    comes in steps of `voltage_resolution`, `current_resolution`. Clients come by `transport`: a plain socket, or HiSLIP where the
    real one has it.
    """

    latency: float = 0.0
    latency_jitter: float = 0.0
    slew_rise: float | None = None
    slew_fall: float | None = None
    down_programmer: bool = True
    max_current: float | None = None
    aperture: float | None = None
    voltage_noise: float = 0.0
    current_noise: float = 0.0
    voltage_resolution: float = 0.0
    current_resolution: float = 0.0
    transport: str = "socket"

    def __post_init__(self) -> None:
        if self.transport not in TRANSPORTS:
            raise ValueError(f"transport: {self.transport!r}; one of {', '.join(TRANSPORTS)}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name != "transport" and value is not None and not (0 <= value < math.inf):
                raise ValueError(f"{field.name}: {value!r}; a number of 0 or more")
        for name in ("slew_rise", "slew_fall", "max_current"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name}: 0; a number above 0")

    def applied(self, rating: Rating) -> Rating:
        """A rating as these options leave it."""
        changes: dict[str, float] = {}
        if self.slew_rise is not None:
            changes["slew_up"] = self.slew_rise
        if self.slew_fall is not None:
            changes["slew_down"] = self.slew_fall
        if self.max_current is not None:
            changes["most_current"] = self.max_current
        if not self.down_programmer:
            changes |= {"sink": 0.0, "off_sink": 0.0}
        return dataclasses.replace(rating, **changes)  # type: ignore[arg-type]
