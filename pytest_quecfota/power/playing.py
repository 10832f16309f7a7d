"""One waveform played by hand, from beginning to end, with readings while it is played and the account of it (`Played`)."""

from __future__ import annotations

import bisect
import contextlib
import itertools
import threading
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power.outlet import Outlet
from pytest_quecfota.power.plans import PlayPlan, settling
from pytest_quecfota.power.precision import Measured, Played, Precision
from pytest_quecfota.power.waveform import Level, Sine, Waveform

if TYPE_CHECKING:
    from pytest_quecfota.power.player import Player

REAL_SLACK = 5.0  # real seconds beyond a waveform's own time until the host's steps must be over
SETTLING = 0.02  # module seconds around a corner in which readings prove nothing, where the profile does not know
AGE = 0.06  # real seconds a reading may be old: an instrument's own conversion, a virtual bench on a busy machine
READINGS = 2000  # that are kept of one waveform
LOOKS = 32  # moments of a sine that are looked at around a reading
PAUSE = 0.01  # real seconds between two readings
SPARE = 0.5  # real seconds that the host's next level must be away for a reading to be taken before it


def play(player: Player, supply: Outlet, waveform: Waveform, demanded: Precision) -> Played:
    """Play it and wait until it is over.

    Raises:
        ValueError: the rig or the supply cannot play it, or not as exactly as demanded; nothing was sent.
        SupplyError: the supply is silent, reports an error, or what was reached is worse than what was demanded.
    """
    made, speed = player.plan(waveform, demanded), player.speed()
    run = _Run(player, supply, made, speed)
    with contextlib.ExitStack() as afterwards:  # each of these, last first, whatever becomes of the others
        afterwards.callback(run.tell, "restored")
        afterwards.callback(supply.restore)
        afterwards.callback(player.announce, None)
        afterwards.callback(setattr, supply, "armed", False)
        supply.armed = True  # a reading in the background would make levels late, a battery would spoil them
        message = player.arm(waveform, demanded)
        afterwards.callback(player.disarm)
        if waveform.falls(supply.limits.min):
            player.announce(f"waveform {waveform.name}")
        run.go(message)
    played = run.account()
    reached = Precision(played.time_error, played.voltage_error)
    supply.record("supply", action="played", mode=played.mode, reached=str(reached), claimed=str(played.claimed))
    if demanded.missing(
        played.time_error, played.voltage_error
    ):  # not what was promised: the rig's fault, not the module's
        raise SupplyError(
            f"{waveform.name} was played within {reached}; {demanded} was demanded and {played.claimed} promised",
            reason=Reason.SUPPLY_TIMEOUT,
        )
    return played


class _Run:
    """One waveform on its way: when it began and ended, and what was measured meanwhile."""

    def __init__(self, player: Player, supply: Outlet, made: PlayPlan, speed: float) -> None:
        self._player, self._supply, self._made, self._speed = player, supply, made, speed
        self._shape = made.waveform
        self._taken: list[_Bracketed] = []
        self._latest = 0.0
        self._pause = threading.Event()  # never set: waiting for it is waiting for the next moment to measure
        self._sent = self._begun = self._ended = monotonic()

    def tell(self, action: str, **fields: object) -> None:
        """Record a moment of it, as of a disturbance."""
        self._supply.record("supply", action=action, disturbance=self._shape.name, **fields)

    def go(self, message: bytes) -> None:
        """Start it, and measure until it is over."""
        nominal, lasts = self._supply.nominal.voltage, self._shape.duration / self._speed
        self._player.idle = self._between_levels
        self._sent = monotonic()
        self._player.fire(message)
        self._player.acknowledge()
        self._begun = monotonic()
        self.tell("sent", waveform=self._shape.course(nominal, self._speed), mode=self._made.mode)
        stepping = self._player.stepping
        if stepping is None:
            self._measure(self._begun + lasts, max(PAUSE, lasts / READINGS))
            self._pause.wait(max(0.0, self._begun + lasts - monotonic()))
        elif not stepping.over.wait(lasts + REAL_SLACK):
            raise SupplyError(f"{self._shape.name} was not over in time", reason=Reason.SUPPLY_TIMEOUT)
        self._ended = monotonic()
        self._latest = stepping.latest if stepping is not None else 0.0
        self.tell("ended")

    def account(self) -> Played:
        """What was asked and what was reached."""
        made, blur = self._made, max(self._made.time_error, SETTLING)
        nominal = self._supply.nominal.voltage
        course = _Course(self._shape, nominal, self._sent, self._begun, self._speed)
        row = [course.judge(each, blur) for each in self._taken]
        time_error = self._latest * self._speed + settling(self._supply.profile) if made.by_host else made.time_error
        return Played(
            waveform=self._shape.name,
            mode=made.mode,
            steps=len(made.levels),
            count=made.count,
            asked_duration=self._shape.duration,
            duration=(self._ended - (self._sent if made.by_host else self._begun)) * self._speed,
            claimed=made.claimed,
            time_error=time_error,
            voltage_error=max([made.voltage_error, *(error for _, error in row)]),
            measured=tuple(reading for reading, _ in row),
            notes=made.notes,
        )

    def _between_levels(self, left: float) -> None:
        """Measure while the host has nothing to say for so many real seconds; leave early enough for the next level."""
        if left > SPARE:
            self._pause.wait(SETTLING)
            self._measure(monotonic() + left - SPARE, SPARE)

    def _measure(self, until: float, pause: float) -> None:
        """Measure until a moment; a reading that would end after it is not begun."""
        longest = 0.0
        while len(self._taken) < 2 * READINGS:
            before = monotonic()
            if before + longest >= until:
                return
            reading = self._supply.measure()
            after = monotonic()
            longest = max(longest, after - before)
            if after < until:
                self._taken.append(_Bracketed(before, after, reading.voltage))
            self._pause.wait(max(0.0, min(pause, until - monotonic())))


@dataclass(frozen=True)
class _Bracketed:
    """A reading that was taken between two moments (`time.monotonic`)."""

    asked: float
    answered: float
    voltage: float


class _Course:
    """What was asked at every moment, quickly found: a waveform that began between `sent` and `begun` (`time.monotonic`).

    Before and after it `nominal` volts were asked.
    """

    def __init__(self, waveform: Waveform, nominal: float, sent: float, begun: float, speed: float) -> None:
        self._nominal, self._sent, self._begun, self._speed = nominal, sent, begun, speed
        self._segments = list(waveform.all_segments())
        self._starts = list(itertools.accumulate((s.dwell for s in self._segments), initial=0.0))

    def judge(self, taken: _Bracketed, blur: float) -> tuple[Measured, float]:
        """The reading against what was asked, give or take `blur` module seconds; and how far off it is at best."""
        first = (taken.asked - self._begun - AGE) * self._speed - blur
        last = (taken.answered - self._sent) * self._speed + blur
        low, high = self._range(first, last)
        middle = ((taken.asked + taken.answered) / 2 - self._begun) * self._speed
        off = max(0.0, low - taken.voltage, taken.voltage - high)
        return Measured(middle, taken.voltage, self._range(middle, middle)[0]), off

    def _range(self, first: float, last: float) -> tuple[float, float]:
        """The least and the most voltage asked between two moments."""
        row = range(self._index(first), self._index(last) + 1)
        volts = [v for k in row for v in self._volts(k, first - self._starts[k], last - self._starts[k])]
        volts += [self._nominal] if first < 0 or last > self._starts[-1] else []
        return min(volts), max(volts)

    def _index(self, t: float) -> int:
        return min(len(self._segments) - 1, max(0, bisect.bisect_right(self._starts, t) - 1))

    def _volts(self, index: int, first: float, last: float) -> list[float]:
        """Voltages of a segment between two moments of its own time: its ends there, and some between where it may turn."""
        segment = self._segments[index]
        if isinstance(segment, Level) and segment.open:
            return [0.0, self._nominal]  # nobody drives the rail: it falls as its load lets it
        begin, end = (min(max(0.0, t), segment.dwell) for t in (first, last))
        looks = LOOKS if isinstance(segment, Sine) else 1
        return [segment.voltage_at(begin + (end - begin) * k / looks) for k in range(looks + 1)]
