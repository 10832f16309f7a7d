"""What a live rig does with its supply: disturbances, batteries, samples, and what of it disturbs an upgrade.

`LiveRig` owns one `Power`; tests reach it through the fixtures `brownout` and `battery`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_quecfota.errors import SupplyError
from pytest_quecfota.power import Supply
from pytest_quecfota.power.battery import Battery
from pytest_quecfota.power.battery_cell import Cell
from pytest_quecfota.power.battery_curves import Curve, ampere_hours, load_curve, suitable_curve
from pytest_quecfota.power.disturbance import Disturbance
from pytest_quecfota.power.precision import Precision
from pytest_quecfota.power.sampler import PowerRecord, Sampler
from pytest_quecfota.power.waveform import Waveform
from pytest_quecfota.power.waveform_catalogue import Catalogue
from pytest_quecfota.rig.disturbances import Disturbances
from pytest_quecfota.timeline import Pattern, Timeline, seconds

if TYPE_CHECKING:
    from pytest_quecfota.rig.live import LiveRig


class Power:
    """The power of `rig`, from the first test to the last."""

    def __init__(self, rig: LiveRig) -> None:
        self._rig = rig
        self._record = PowerRecord(lambda: rig.timeline)
        self._disturbances = Disturbances(rig.config)
        self._batteries: list[Battery] = []
        self._sampler: Sampler | None = None

    # -- around a test -----------------------------------------------------------------------------

    def take(self, supply: Supply, *, during_a_test: bool) -> Callable[[], None]:
        """The supply is open: from now on all it does is recorded. Returns what ends the sampling."""
        supply.record = self._record.record
        if isinstance(supply, Supply):
            supply.player.speed = lambda: self._rig.timeline.speed
            supply.player.announce = lambda reason: self._rig.timeline.announce_restarts(reason)
            supply.player.catalogue = Catalogue(self._rig.config.waveforms)
        settings = self._rig.config.supply
        if settings is None or not settings.sample_rate or not hasattr(supply, "measure_between"):
            return lambda: None
        self._sampler = Sampler(supply, settings.sample_rate, lambda error: self._rig.timeline.fault(error))
        if during_a_test:
            self._sampler.resume()
        return self._sampler.close

    def begin_test(self, timeline: Timeline | None, supply: Supply | None) -> None:
        """A test begins, None: it is over. What was played so far is the past; its samples go into its own table."""
        self._disturbances.begin_test()
        self._batteries.clear()
        self._record.begin(timeline.directory if timeline is not None else None)
        if timeline is not None and supply is not None:
            self._show(supply)
        if self._sampler is not None:
            (self._sampler.pause if timeline is None else self._sampler.resume)()

    def _show(self, supply: Supply) -> None:
        """Record what it is set to, and measure once where nobody samples; a silent one is told by whoever needs it next."""
        with contextlib.suppress(SupplyError):
            supply.tell()
            if self._sampler is None:
                supply.measure()

    # -- what a test does to it ----------------------------------------------------------------------

    def disturb(
        self,
        at: Pattern,
        *,
        after: float | str = 0.0,
        waveform: str | Waveform = "cut-500ms",
        times: int = 1,
        precision: Precision | str | float | None = None,
    ) -> Disturbance:
        """A disturbance to use in a `with` block: `waveform` is played `after` module seconds when `at` comes, `times` times.

        `precision` is the worst error that will do, as in `Supply.play`.

        Raises:
            ValueError: the rig does not allow cuts, has used up its `cuts_per_run`, or cannot play the waveform, or not as
                exactly as demanded.
        """
        rig = self._rig
        rig.uses("supply")
        boot = rig.model.timings.boot
        return self._disturbances.make(
            rig.supply,
            rig.wire,
            rig.timeline,
            at,
            after=after,
            played=waveform,
            times=times,
            boot=boot,
            demanded=precision,
        )

    def battery(
        self,
        chemistry: str | Path | Curve | None = None,
        charge: float = 1.0,
        internal_resistance: float | None = None,
        *,
        capacity: float | str | None = None,
        cut_off: float | None = None,
        replaced_after: float | str | None = None,
        period: float | str | None = None,
    ) -> Battery:
        """Let the module live on a battery from now on, until the test ends or `end()`; also a context manager.

        Args:
            chemistry: a name, a YAML file of your own or a `Curve`; without, the one that suits the rig's limits.
            charge: what is left, 0 to 1.
            internal_resistance: ohms when full; without, the chemistry's own.
            capacity: ampere-hours when full, or text such as "500 mAh"; without, the chemistry's own.
            cut_off: volts below which it lets go, as a protection circuit does; without, the chemistry's own.
            replaced_after: module seconds after which a full one takes the place of one that has let go.
            period: module seconds from one measurement of the current to the next that the test needs.

        Raises:
            ValueError: the rig allows no batteries or is too slow, one is in use already, or an argument cannot be used.
            SupplyError: the supply is silent or reports an error.
        """
        rig, supply = self._rig, self._rig.supply
        rig.uses("supply")
        if not isinstance(supply, Supply) or "cuts" not in rig.config.allow:
            raise ValueError(f"rig {rig.name} allows no batteries; give it a supply and `allow: [cuts]`")
        if any(other.is_running for other in self._batteries):
            raise ValueError("the module lives on a battery already: end that one first")
        least, most = supply.limits.min, supply.limits.max
        cell = Cell(
            suitable_curve(least, most) if chemistry is None else load_curve(chemistry),
            charge=charge,
            internal_resistance=internal_resistance,
            capacity=None if capacity is None else ampere_hours(capacity),
        )
        made = Battery(
            supply,
            rig.timeline,
            cell,
            cut_off=cut_off,
            replaced_after=None if replaced_after is None else seconds(replaced_after),
            period=None if period is None else seconds(period),
        ).start()
        self._batteries.append(made)
        return made

    # -- what becomes of an upgrade --------------------------------------------------------------------

    def disturbed(self) -> int:
        """How often the module was disturbed since the test began: waveforms played, a battery too weak."""
        return self._disturbances.fired + sum(battery.weak for battery in self._batteries)

    def settle(self) -> None:
        """Nothing disturbs it any more: what is played is over, the supply has taken the place of a battery.

        Raises:
            BenchError: that does not work.
        """
        self._disturbances.wait_over(self._rig.speed)
        self.take_batteries()

    def take_batteries(self) -> None:
        """The supply takes the place of a battery. Raises BenchError where that does not work."""
        for battery in self._batteries:
            battery.end()
