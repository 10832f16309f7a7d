"""What a battery did, in numbers: charge, voltages, and how fast the loop that played it really was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pytest_quecfota.power.battery_cell import Cell


@dataclass(frozen=True)
class Discharge:
    """A battery from its start until now.

    Args:
        chemistry, played_by: which curve; the host's loop, or the instrument.
        remembered: which of its numbers nobody can look up.
        start_charge, charge: shares of 1, at the start and now.
        drawn: ampere-hours taken out of it.
        lowest, highest_current: volts it was lowered to, amperes measured.
        cut_offs, cut_off_at: how often its protection opened; first, in module seconds after the start.
        weak: how often it fell below the rig's lower limit.
        held: whether the rig's upper limit kept it from giving its own voltage.
        steps: how often current was measured and voltage given.
        period, longest: module seconds from step to step, mean and most; at speed max real seconds.
        real_period: the mean in real seconds.
        waited: module seconds in which a disturbance was armed, so that nothing was asked or set.
    """

    chemistry: str
    played_by: str
    remembered: tuple[str, ...]
    start_charge: float
    charge: float
    drawn: float
    lowest: float
    highest_current: float
    cut_offs: int
    cut_off_at: float | None
    weak: int
    held: bool
    steps: int
    period: float
    longest: float
    real_period: float
    waited: float

    def fields(self) -> Mapping[str, object]:
        """For a record: rounded, what is from memory by its name only."""
        told = {name: round(v, 6) if isinstance(v, float) else v for name, v in asdict(self).items()}
        return {**told, "remembered": [text.partition(":")[0] for text in self.remembered]}


@dataclass
class Account:
    """Kept by the loop while it plays `cell`; `begun` is the module time of its start."""

    cell: Cell
    played_by: str
    begun: float
    start_charge: float = field(init=False)
    lowest: float = field(init=False)
    highest_current: float = 0.0
    cut_offs: int = 0
    cut_off_at: float | None = None
    weak: int = 0
    held: bool = False
    steps: int = 0
    longest: float = 0.0
    module_seconds: float = 0.0
    real_seconds: float = 0.0
    waited: float = 0.0

    def __post_init__(self) -> None:
        self.start_charge = self.cell.charge
        self.lowest = self.cell.at_rest

    def step(self, module_seconds: float, real_seconds: float, *, waited: bool) -> None:
        """One round of the loop took so long."""
        if waited:
            self.waited += module_seconds
            return
        self.steps += 1
        self.module_seconds += module_seconds
        self.real_seconds += real_seconds
        self.longest = max(self.longest, module_seconds)

    def cut_off(self, module_time: float) -> None:
        """Its protection opened."""
        self.cut_offs += 1
        if self.cut_off_at is None:
            self.cut_off_at = module_time - self.begun

    @property
    def period(self) -> float:
        """Module seconds from step to step, on average."""
        return self.module_seconds / self.steps if self.steps else 0.0

    def until_now(self) -> Discharge:
        """All of it."""
        cell = self.cell
        return Discharge(
            chemistry=cell.curve.name,
            played_by=self.played_by,
            remembered=tuple(cell.curve.remembered()),
            start_charge=self.start_charge,
            charge=cell.charge,
            drawn=cell.drawn,
            lowest=self.lowest,
            highest_current=self.highest_current,
            cut_offs=self.cut_offs,
            cut_off_at=self.cut_off_at,
            weak=self.weak,
            held=self.held,
            steps=self.steps,
            period=self.period,
            longest=self.longest,
            real_period=self.real_seconds / self.steps if self.steps else 0.0,
            waited=self.waited,
        )
