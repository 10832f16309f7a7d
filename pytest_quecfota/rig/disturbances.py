"""The disturbances of one rig: which it allows, how many of them a run, and whether they are over."""

from __future__ import annotations

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.power import Supply
from pytest_quecfota.power.disturbance import Disturbance
from pytest_quecfota.power.precision import Precision, precision
from pytest_quecfota.power.waveform import Waveform
from pytest_quecfota.power.waveform_catalogue import Catalogue
from pytest_quecfota.power.waveform_scale import Scale
from pytest_quecfota.rig.schema import Rig
from pytest_quecfota.timeline import Pattern, Timeline, seconds

REAL_SLACK = 5.0  # real seconds beyond a waveform's own time until it must be over


class Disturbances:
    """Makes the disturbances of a rig within what its file allows, and knows those of the running test."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._of_test: list[Disturbance] = []
        self._of_run = 0

    @property
    def fired(self) -> int:
        """How many were played since the test began."""
        return sum(disturbance.fired for disturbance in self._of_test)

    def begin_test(self) -> None:
        """Another test begins: what was played so far is the past."""
        self._of_test.clear()

    def make(
        self,
        supply: Supply | None,
        wire: Wire,
        timeline: Timeline,
        at: Pattern,
        *,
        after: float | str,
        played: str | Waveform,
        times: int,
        boot: float,
        demanded: Precision | str | float | None = None,
    ) -> Disturbance:
        """One more disturbance.

        Raises:
            ValueError: the rig does not allow cuts, has used up its `cuts_per_run`, or cannot play the waveform, or not as exactly
                as demanded.
        """
        if supply is None or "cuts" not in self._rig.allow:
            raise ValueError(f"rig {self._rig.name} allows no disturbances; give it a supply and `allow: [cuts]`")
        limit = self._rig.cuts_per_run
        if limit is not None and self._of_run + times > limit:
            raise ValueError(
                f"rig {self._rig.name} allows {limit} disturbances a run (cuts_per_run), {self._of_run} are used"
            )
        late, asked = seconds(after), precision(demanded)
        scale = Scale(supply.nominal.voltage, supply.limits.min, supply.limits.max)
        shape = Catalogue(self._rig.waveforms).find(played, scale)
        if hasattr(supply, "player"):  # one of another package decides itself what it plays
            supply.player.plan(
                shape.delayed(late, supply.nominal.voltage), asked
            )  # what is refused costs no disturbance
        made = Disturbance(supply, wire, timeline, at, shape, after=late, times=times, boot=boot, demanded=asked)
        self._of_run += times
        self._of_test.append(made)
        return made

    def wait_over(self, speed: float) -> None:
        """Wait until nothing is being played. Raises `BenchError` where that takes too long."""
        for disturbance in self._of_test:
            limit = (disturbance.after + disturbance.waveform.duration) / speed + REAL_SLACK
            if not disturbance.wait_over(limit):
                raise BenchError(f"{disturbance.name} was not over after {limit:g} s", reason=Reason.SUPPLY_TIMEOUT)
