"""Plays waveforms on a supply: loaded into its engine where that does best, else stepped by the host.

`arm` prepares and gives the one message that starts it, `fire` sends that (the only step that happens on the thread that reads the
module's port), `acknowledge` reads the supply's word that it was taken, `disarm` takes the waveform away again. What the host
steps begins with its first level and goes on from the acknowledgement. `plans` decides which of the two it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from time import monotonic

from pytest_quecfota.errors import SupplyError
from pytest_quecfota.power.outlet import Outlet
from pytest_quecfota.power.plans import Bench, PlayPlan, plan
from pytest_quecfota.power.precision import Played, Precision, precision
from pytest_quecfota.power.profiles.engines import Engine
from pytest_quecfota.power.stepping import Stepping
from pytest_quecfota.power.waveform import Level, Waveform
from pytest_quecfota.power.waveform_catalogue import Catalogue
from pytest_quecfota.power.waveform_scale import Scale


def _nothing(_seconds: float) -> None:
    return None


class Player:
    """Plays waveforms on `supply`, one at a time.

    `speed` tells how many module seconds pass in a real one, `announce` is told why the module will restart, and None when that is
    over; the rig sets both, and the `catalogue` in which names are looked up.
    """

    def __init__(self, supply: Outlet) -> None:
        self._supply = supply
        self.catalogue = Catalogue()
        self.speed: Callable[[], float] = lambda: 1.0
        self.announce: Callable[[str | None], object] = lambda _reason: None
        self.idle: Callable[[float], None] = _nothing
        """Called while the host waits for its next level, with the real seconds until then."""
        self._plan: PlayPlan | None = None
        self._speed = 1.0
        self.fired: float | None = None
        """When what is armed was started, in seconds of `time.monotonic`; None as long as it was not."""
        self._stepping: Stepping | None = None
        self._is_off = False

    # -- choosing ------------------------------------------------------------------------------------

    def find(self, waveform: str | Waveform) -> Waveform:
        """The waveform of that name on this rail. Raises ValueError where there is none."""
        supply = self._supply
        return self.catalogue.find(waveform, Scale(supply.nominal.voltage, supply.limits.min, supply.limits.max))

    def plan(self, waveform: str | Waveform, demanded: Precision | str | float | None = None) -> PlayPlan:
        """How `waveform` would be played; nothing is sent.

        Raises:
            ValueError: the rig does not allow cuts, the waveform goes above its limit, or cannot be played as exactly as demanded.
        """
        shape, supply = self.find(waveform), self._supply
        if not supply.may_cut:
            raise ValueError(
                f"{shape.name} disturbs the module's power, which this rig does not allow; add `allow: [cuts]`"
            )
        if shape.highest > supply.limits.max:
            raise ValueError(f"{shape.name} reaches {shape.highest} V, above this rig's limit of {supply.limits.max} V")
        return plan(shape, Bench(supply.profile, supply.nominal.voltage, self.speed()), precision(demanded))

    # -- triggered -----------------------------------------------------------------------------------

    def arm(self, waveform: str | Waveform, demanded: Precision | str | float | None = None) -> bytes:
        """Load `waveform` and return the one message that starts it.

        Raises:
            ValueError: as `plan`.
            SupplyError: the supply does not take it.
        """
        made, supply = self.plan(waveform, demanded), self._supply
        engine = supply.profile.list_engine
        if made.by_host or engine is None:
            level = made.levels[0]
            name = "off" if level.open else "voltage"
            message = supply.profile.single(name, channel=supply.channel, voltage=level.voltage)
        else:
            self._load(made, engine)
            message = engine.start.format(channel=supply.channel)
        self._plan, self._speed, self._stepping, self.fired = made, self.speed(), None, None
        self.idle = _nothing
        return supply.instrument.prepare(message)

    def fire(self, message: bytes) -> None:
        """Send what `arm` has prepared, and nothing else: for the thread that reads the module's port."""
        self.fired = monotonic()
        self._supply.instrument.send_at_once(message)

    def acknowledge(self) -> None:
        """Wait for the supply's word that it took what `fire` sent; what the host steps goes on from here."""
        made, supply = self._plan, self._supply
        engine = supply.profile.list_engine
        if made is not None and not made.by_host and engine is not None and engine.acknowledge is not None:
            supply.instrument.query(engine.acknowledge.format(channel=supply.channel))
        supply.dialogue.check("a disturbance")
        if made is None or not made.by_host:
            return
        self._is_off = made.levels[0].open
        back = Level(supply.nominal.voltage, 0.0)
        self._stepping = Stepping(
            made.levels,
            self._tell_level,
            lambda: self._tell_level(back),
            start=self.fired or monotonic(),
            speed=self._speed,
            idle=self.idle,
        )

    def stop(self) -> None:
        """End what the host steps where it is; `disarm` is still to come."""
        if self._stepping is not None:
            self._stepping.stop()

    def disarm(self) -> None:
        """Take a loaded or playing waveform away; the output goes back to what it was set to.

        Raises:
            SupplyError: the supply does not take that, or did not take a level while the host stepped.
        """
        made, self._plan = self._plan, None
        if made is None:
            return
        stepping, self._stepping = self._stepping, None
        engine = self._supply.profile.list_engine
        if made.by_host:
            if stepping is not None:
                stepping.stop()
            self._supply.restore()
            if stepping is not None and stepping.error is not None:
                raise stepping.error
        elif engine is not None:
            self._supply.dialogue.say(*engine.disarm_messages(self._supply.channel))
            if engine.ends != "setting":
                self._supply.restore()

    def low_at(self, below: float) -> float | None:
        """When the output was told to go below `below` volts (`time.monotonic`), as far as the supply's own word goes.

        Its engine's trigger time and the levels it holds say it, or its acknowledgement of a level that the host sent; None
        where it has not come to that.
        """
        made, at = self._plan, 0.0
        if made is None or self.fired is None:
            return None
        if made.by_host and self._stepping is not None and made.levels[0].voltage >= below:
            return next((each.acknowledged for each in self._stepping.sent if 0 <= each.voltage < below), None)
        for level in made.levels:
            if level.voltage < below:
                return self.fired + at / self._speed
            at += level.dwell
        return None

    @property
    def by_host(self) -> bool:
        """Whether what is armed now is stepped by the host: then nobody else should ask the supply anything."""
        return self._plan is not None and self._plan.by_host

    @property
    def stepping(self) -> Stepping | None:
        """The host's stepping that goes on, None where there is none."""
        return self._stepping

    # -- by hand -------------------------------------------------------------------------------------

    def play(self, waveform: str | Waveform, demanded: Precision | str | float | None = None) -> Played:
        """Play `waveform` now and wait until it is over; see `Supply.play`."""
        from pytest_quecfota.power.playing import play

        if self._plan is not None:
            raise ValueError(f"{self._plan.waveform.name} is armed: one waveform is played at a time")
        return play(self, self._supply, self.find(waveform), precision(demanded))

    # -- messages ------------------------------------------------------------------------------------

    def _load(self, made: PlayPlan, engine: Engine) -> None:
        """Tell the engine its levels; what it does not take is taken away again."""
        dialogue, channel, limit = self._supply.dialogue, self._supply.channel, self._supply.nominal.current_limit
        rows = [(level.voltage, level.dwell) for level in made.levels]
        try:
            dialogue.say(*engine.load_messages(rows, channel=channel, current=limit, count=made.count))
        except SupplyError:
            with contextlib.suppress(SupplyError):  # the first one says what is wrong
                dialogue.say(*engine.disarm_messages(channel))
            raise

    def _tell_level(self, level: Level) -> None:
        """Set a level, and wait for the supply's word."""
        if level.open:
            self._supply.dialogue.tell("off")
        else:
            self._supply.dialogue.tell(*(["voltage", "on"] if self._is_off else ["voltage"]), voltage=level.voltage)
        self._is_off = level.open
