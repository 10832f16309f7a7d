"""A disturbance: a waveform that is played on the supply when a URC comes, and the record of what really happened.

It is armed before: the waveform lies in the supply's list engine, delay included, and one prepared message starts it; or, where
the host steps it, that message is the first level. It is sent on the thread that reads the port; everything else -
acknowledgement, further levels, the low voltage, the module going and coming - is done and watched by threads of their own and
becomes a bracket: `seen`, `sent`, `acknowledged`, `low`, `ended`, `back`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType

from pytest_quecfota import urc
from pytest_quecfota.errors import BenchError
from pytest_quecfota.link.trigger import Trigger
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.power.precision import Precision
from pytest_quecfota.power.supply import Supply
from pytest_quecfota.power.waveform import Waveform
from pytest_quecfota.timeline import Timeline
from pytest_quecfota.timeline.nfa import Search, compile
from pytest_quecfota.timeline.patterns import Pattern, describe, node, where

LOW = 0.9  # of the nominal voltage: below it the fall is seen
CLOSING = 10.0  # real seconds the watching thread may take to end
REAL_FLOOR = 1.0  # real seconds a module gets at least to come back
HURRY = 0.5  # real seconds in which the low voltage is looked for without a pause
ANY = Precision()
PAUSE = 0.1  # real seconds between two looks after that


@dataclass
class Bracket:
    """One disturbance as it happened: real seconds since the start of the timeline; None: not seen.

    `low` was measured where `lowest` (V) says so; else it is when the supply says it went there: its engine's trigger and the
    levels it holds, or its acknowledgement of the level.
    """

    urc: str
    seen: float
    sent: float
    acknowledged: float | None = None
    low: float | None = None
    lowest: float | None = None
    ended: float | None = None
    back: float | None = None


@dataclass
class Disturbance:
    """Plays `waveform` up to `times` times, each when `at` comes; a context manager that is armed inside its block.

    `after` and the waveform's own times are module seconds; `boot` is how long the module may take to be back.
    """

    supply: Supply
    wire: Wire
    timeline: Timeline
    at: Pattern
    waveform: Waveform
    after: float = 0.0
    times: int = 1
    boot: float = 30.0
    demanded: Precision = ANY
    fired: int = 0
    brackets: list[Bracket] = field(default_factory=list)
    error: BaseException | None = None

    def __enter__(self) -> Disturbance:
        self.fired = 0
        self._over = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._trigger = self._arm()
        self._thread = threading.Thread(target=self._watch, name=f"quecfota-disturbance-{self.name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._trigger.cancel()
        player = getattr(self.supply, "player", None)
        if player is not None:
            player.stop()
        self._thread.join(CLOSING)
        try:
            self.supply.disarm()
        finally:
            self._expect_no_more()
            self.supply.restore()
        self._tell("restored")
        if self.error is not None and kind is None:
            raise self.error

    @property
    def name(self) -> str:
        """What is played."""
        return self.waveform.name

    def wait_over(self, within: float) -> bool:
        """Wait until no waveform is being played, at most `within` real seconds; whether that is so."""
        return self._idle.wait(within)

    # -- arming and firing ----------------------------------------------------------------------------

    def _arm(self) -> Trigger:
        shape = self.waveform.delayed(self.after, self.supply.nominal.voltage)
        exact = self.demanded != ANY
        message = self.supply.arm(shape, self.demanded) if exact else self.supply.arm(shape)
        falls = self.waveform.falls(self.supply.limits.min)
        reason = f"disturbance {self.name}"
        search = Search(compile(node(self.at)))
        self._tell("armed", at=describe(node(self.at)), after=self.after)

        def fire() -> None:
            self.supply.fire(message)
            self._idle.clear()
            self.fired += 1
            if falls > 1:
                self.timeline.announce_restarts(reason)
            elif falls:
                self.timeline.announce_restart(reason)

        self._mark = self.timeline.events.mark()
        return self.wire.trigger(lambda u: search.step(u) is not None, fire)

    # -- what happened, on a thread of its own -----------------------------------------------------------

    def _watch(self) -> None:
        try:
            for number in range(self.times):
                if number:
                    self._trigger = self._arm()
                while not self._trigger.wait(0.2):
                    if self._over.is_set():
                        return
                self._follow(self._trigger)
                if self._over.is_set():
                    return
        except Exception as error:  # told to the test when the block ends, and to whoever waits if it is the bench
            self.error = error
            if isinstance(error, BenchError):
                self.timeline.fault(error)
        finally:
            self._idle.set()

    def _follow(self, trigger: Trigger) -> None:
        if trigger.error is not None:
            raise trigger.error
        assert trigger.urc is not None
        mark = self._mark  # not one taken now: a quick module may have said something since it was seen
        bracket = Bracket(trigger.urc.raw, trigger.urc.time, self._at(trigger.fired))
        self.brackets.append(bracket)
        self._tell("seen", t=bracket.seen, urc=bracket.urc)
        self._tell("sent", t=bracket.sent, waveform=self._course())
        self.supply.acknowledge()
        bracket.acknowledged = self._tell("acknowledged")
        begins = bracket.sent + self.after / self.timeline.speed
        self._over.wait(max(0.0, begins - self.timeline.now()))
        meanwhile = where(urc.Ready, time=lambda t: bracket.seen < t < begins)
        before = self.timeline.events.seen(meanwhile, since=mark)
        if before and not self._over.is_set() and self.waveform.falls(self.supply.limits.min) == 1:
            self.timeline.announce_restart(f"disturbance {self.name}")  # the first was taken by a restart of its own
        self._see_it_low(bracket)
        self._wait_for_end(bracket)
        self.supply.disarm()
        self._expect_no_more()
        self._idle.set()
        if not self.waveform.falls(self.supply.limits.min):
            return  # nothing that restarts a module
        again = where(urc.Ready, time=lambda t: t >= begins)
        found = self.timeline.events.wait(again, within=max(self.boot, REAL_FLOOR), since=mark, guards=False)
        if found is not None:
            bracket.back = self._tell("back", t=found.urcs[-1].time)

    def _course(self) -> list[list[float]]:
        return self.waveform.course(self.supply.nominal.voltage, self.timeline.speed, self.after)

    def _expect_no_more(self) -> None:
        """Several restarts were expected meanwhile: the last may still be on its way."""
        if self.waveform.falls(self.supply.limits.min) > 1:
            self.timeline.announce_restarts(None)

    def _see_it_low(self, bracket: Bracket) -> None:
        """When the voltage was low: measured, where the supply has time for that, else as the supply's own word says."""
        below = LOW * self.supply.nominal.voltage
        if self.waveform.lowest >= below:
            return
        player = getattr(self.supply, "player", None)
        if player is None or not player.by_host:
            self._measure_it_low(bracket, below)
        elif player.stepping is not None:
            player.stepping.over.wait(0 if self._over.is_set() else self._left(bracket))
        told = player.low_at(below) if player is not None and bracket.low is None else None
        if told is not None and not self._over.is_set():
            bracket.low = self._tell("low", t=self._at(told), told=True)

    def _measure_it_low(self, bracket: Bracket, below: float) -> None:
        """Measure until it is seen low, or the waveform is over."""
        started = self.timeline.now()
        while self._left(bracket) > 0 and not self._over.is_set():
            reading = self.supply.measure()
            if reading.voltage < below:
                bracket.lowest = reading.voltage
                bracket.low = self._tell("low", voltage=reading.voltage)
                return
            if self.timeline.now() - started > HURRY:
                self._over.wait(min(PAUSE, max(0.0, self._left(bracket))))

    def _left(self, bracket: Bracket) -> float:
        """Real seconds until the waveform is over."""
        return (self.after + self.waveform.duration) / self.timeline.speed - (self.timeline.now() - bracket.sent)

    def _wait_for_end(self, bracket: Bracket) -> None:
        left = self._left(bracket)
        if left > 0 and self._over.wait(left):
            return  # the block was left before the waveform was over: it is taken away
        bracket.ended = self._tell("ended")
        stepping = getattr(getattr(self.supply, "player", None), "stepping", None)
        if stepping is not None and not stepping.over.wait(CLOSING):
            return  # the host's steps are late: disarming ends them
        self.supply.measure()

    def _at(self, monotonic: float | None) -> float:
        return self.timeline.stamp(monotonic) if monotonic is not None else 0.0

    def _tell(self, action: str, **fields: object) -> float:
        return self.timeline.record("supply", action=action, disturbance=self.name, **fields)
