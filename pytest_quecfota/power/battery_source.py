"""How a cell's voltage comes out of a supply: set by the host step by step, or by an instrument that emulates batteries.

What such an instrument is told stands in its profile (`battery`). It follows bursts that no loop of the host can follow; the host
still measures, so that charge, cut-off and records are the same with both.
"""

from __future__ import annotations

from typing import Protocol

from pytest_quecfota.power.battery_cell import Cell
from pytest_quecfota.power.profiles.answers import Answer
from pytest_quecfota.power.profiles.data import fill
from pytest_quecfota.power.profiles.engines import BatteryEngine
from pytest_quecfota.power.supply import Reading, Supply

POINTS = 50  # of a curve, where the instrument takes as many
STIFFER = 0.05  # how much the resistance must have changed to be told again


class Source(Protocol):
    """Plays a cell on a supply."""

    name: str
    interrupts: bool
    """Whether the output goes off for a moment when it begins."""

    def begin(self, cell: Cell) -> None:
        """Play `cell` from now on; the output is on afterwards."""

    def refill(self, cell: Cell) -> None:
        """`cell` has another charge from now on."""

    def charge(self) -> float | None:
        """What the instrument says is left, 0 to 1; None where the host counts."""

    def volts(self, cell: Cell, reading: Reading, current: float) -> float:
        """What the cell gives at `current`."""

    def give(self, cell: Cell, volts: float) -> None:
        """Let the output follow the cell, which gives `volts` now."""

    def let_go(self) -> None:
        """Output off, as when a protection circuit opens."""

    def end(self) -> None:
        """Be an ordinary supply again."""


class HostSource:
    """The host sets the voltage itself."""

    name = "host loop"
    interrupts = False

    def __init__(self, supply: Supply) -> None:
        self._supply = supply

    def begin(self, cell: Cell) -> None:
        """Set what the cell has at rest; output on."""
        self._supply.emulate(min(cell.voltage(0.0), self._supply.limits.max))
        if not self._supply.gives:
            self._supply.on()

    def refill(self, cell: Cell) -> None:
        """Set what it has at rest."""
        self.begin(cell)

    def charge(self) -> float | None:
        """The host counts."""
        return None

    def volts(self, cell: Cell, _reading: Reading, current: float) -> float:
        """As the model says."""
        return cell.voltage(current)

    def give(self, _cell: Cell, volts: float) -> None:
        """Set it."""
        self._supply.emulate(volts)

    def let_go(self) -> None:
        """Output off."""
        self._supply.off()

    def end(self) -> None:
        """Nothing to unload."""


class EngineSource:
    """The instrument emulates the battery: it is loaded with the cell, and what it does is measured."""

    def __init__(self, supply: Supply, engine: BatteryEngine) -> None:
        self.name = f"{supply.profile.title}, {engine.kind}"
        self.interrupts = bool(engine.mode)
        self._supply = supply
        self._engine = engine
        self._resistance = -1.0

    def begin(self, cell: Cell) -> None:
        """Load the cell and start it; output on."""
        self._resistance = cell.resistance
        engine = self._engine
        self._say(cell, (*engine.mode, *self._points(cell), *engine.load))
        self._supply.emulate(min(cell.at_rest, self._supply.limits.max))
        self._say(cell, engine.start)
        if engine.kind != "stored" and (engine.mode or not self._supply.gives):
            self._supply.on()

    def refill(self, cell: Cell) -> None:
        """Tell it the charge; one that is only a resistance is told with the next step."""
        if self._engine.charge is not None:
            self._say(cell, (self._engine.charge,))

    def charge(self) -> float | None:
        """What it says is left, where it counts."""
        if self._engine.soc is None:
            return None
        message = fill(self._engine.soc, channel=self._supply.channel)
        answer = self._supply.profile.answers.get("charge") or Answer()
        return min(1.0, max(0.0, self._supply.dialogue.number_of(message, answer) / 100))

    def volts(self, _cell: Cell, reading: Reading, _current: float) -> float:
        """What it really gives."""
        return reading.voltage

    def give(self, cell: Cell, _volts: float) -> None:
        """Where it is only a resistance, its voltage at rest follows the charge here."""
        if self._engine.kind != "resistance":
            return
        self._supply.emulate(min(cell.at_rest, self._supply.limits.max))
        if abs(cell.resistance - self._resistance) > STIFFER * self._resistance:
            self._resistance = cell.resistance
            self._say(cell, self._engine.load)

    def let_go(self) -> None:
        """Output off, and no battery any more: one that has an output of its own is switched off by its end."""
        if self._engine.kind == "stored":
            self.end()
            self._supply.off()
        else:
            self._supply.off()
            self.end()

    def end(self) -> None:
        """No battery any more."""
        self._supply.dialogue.say(*(fill(text, channel=self._supply.channel) for text in self._engine.stop))

    def _say(self, cell: Cell, texts: tuple[str, ...]) -> None:
        most = self._supply.limits.max
        values = {
            "channel": self._supply.channel,
            "capacity": cell.capacity,
            "charge": 100 * cell.charge,
            "resistance": cell.internal_resistance if self._engine.kind == "stored" else cell.resistance,
            "voltage": min(cell.at_rest, most),
            "current": self._supply.nominal.current_limit,
            "full": min(cell.curve.full, most),
            "empty": cell.curve.empty,
            "points": ",".join(self._rows(cell)),
            "number": 1,
        }
        if texts:
            self._supply.dialogue.say(*(text if "{" not in text else fill(text, **values) for text in texts))

    def _points(self, cell: Cell) -> tuple[str, ...]:
        """The curve's points as messages of their own, where the instrument wants them so."""
        single = self._engine.point is not None and "{index}" in self._engine.point
        return tuple(self._rows(cell)) if single else ()

    def _rows(self, cell: Cell) -> list[str]:
        """The curve as the instrument takes it, from empty to full; never above the rig's upper limit."""
        point, count = self._engine.point, min(POINTS, self._engine.max_points or POINTS)
        if point is None:
            return []
        rows = []
        for index in range(count):
            charge = index / (count - 1)
            volts = min(cell.curve.voltage(charge), self._supply.limits.max)
            ohms = cell.internal_resistance * cell.curve.factor(charge)
            channel = self._supply.channel
            rows.append(
                fill(point, index=index + 1, channel=channel, charge=100 * charge, voltage=volts, resistance=ohms)
            )
        return rows


def source_for(supply: Supply) -> Source:
    """The instrument's own battery where it has one, else the host's loop."""
    engine = supply.profile.battery
    return EngineSource(supply, engine) if engine is not None else HostSource(supply)
