"""A cell as a model: charge in, volts out. Pure arithmetic, no clock and no instrument.

`V = Voc(charge) - I * R(charge)`, where a share of the resistance acts with a time constant: the sag deepens while a burst lasts,
and the cell recovers from it afterwards. For a current that stays the same the result does not depend on how its time is cut
into steps.
"""

from __future__ import annotations

import math

from pytest_quecfota.power.battery_curves import Curve

HOUR = 3600.0


class Cell:
    """One cell of a chemistry.

    Args:
        curve: the chemistry.
        charge: what is left, 0 (empty) to 1 (full).
        internal_resistance: ohms of the cell when full; the curve says how it grows.
        capacity: ampere-hours when full.

    Raises:
        ValueError: a value out of its range.
    """

    def __init__(
        self,
        curve: Curve,
        *,
        charge: float = 1.0,
        internal_resistance: float | None = None,
        capacity: float | None = None,
    ) -> None:
        self.curve = curve
        self.charge = checked_charge(charge)
        self.internal_resistance = (
            curve.internal_resistance.ohms if internal_resistance is None else internal_resistance
        )
        self.capacity = curve.capacity.ampere_hours if capacity is None else capacity
        if not 0 <= self.internal_resistance < math.inf:
            raise ValueError(f"an internal resistance is 0 ohm or more, not {internal_resistance!r}")
        if not 0 < self.capacity < math.inf:
            raise ValueError(f"a capacity is more than 0 Ah, not {capacity!r}")
        self._slow_current = 0.0
        self.drawn = 0.0
        """Ampere-hours drawn so far."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left in it."""
        return self.charge <= 0

    @property
    def at_rest(self) -> float:
        """Volts it would have at rest."""
        return self.curve.voltage(self.charge)

    @property
    def resistance(self) -> float:
        """Ohms now."""
        return self.internal_resistance * self.curve.factor(self.charge)

    def voltage(self, current: float) -> float:
        """Volts at its terminals while `current` amperes flow out of it; never below 0."""
        current = max(0.0, current)
        share = self.curve.slow.share if self.curve.slow is not None else 0.0
        felt = (1 - share) * current + share * self._slow_current
        return max(0.0, self.at_rest - self.resistance * felt)

    def draw(self, current: float, seconds: float) -> None:
        """Let `current` amperes flow out of it for so many seconds; what flows in does not charge it."""
        current = max(0.0, current)
        seconds = max(0.0, seconds)
        wanted, left = current * seconds / HOUR, self.charge * self.capacity
        self.drawn += min(wanted, left)
        self.charge = max(0.0, self.charge - wanted / self.capacity) if wanted < left else 0.0
        if self.curve.slow is not None:
            remains = math.exp(-seconds / self.curve.slow.seconds)
            self._slow_current = current + (self._slow_current - current) * remains

    def refill(self, charge: float) -> None:
        """Another cell of the same kind takes its place, with so much charge and rested."""
        self.charge = checked_charge(charge)
        self._slow_current = 0.0


def checked_charge(charge: float) -> float:
    """`charge`, if it is one; raises ValueError for anything but 0 to 1."""
    if isinstance(charge, bool) or not isinstance(charge, (int, float)) or not 0 <= charge <= 1:
        raise ValueError(f"a charge is a share from 0 (empty) to 1 (full), not {charge!r}")
    return float(charge)
