"""A disturbance: a waveform that is played on the supply when a URC comes, and the record of what really happened.

It is armed before: the waveform lies in the supply's list engine, delay included, and one prepared message starts it. That
message is sent on the thread that reads the port; everything else - acknowledgement, the low voltage, the module going and
coming - is watched by a thread of its own and becomes a bracket: `seen`, `sent`, `acknowledged`, `low`, `ended`, `back`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import TracebackType

from pytest_quecfota import urc
from pytest_quecfota.errors import BenchError
from pytest_quecfota.link.trigger import Trigger
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.power.supply import Supply
from pytest_quecfota.power.waveform import Waveform
from pytest_quecfota.timeline import Timeline
from pytest_quecfota.timeline.nfa import Search, compile
from pytest_quecfota.timeline.patterns import Pattern, describe, node, where

LOW = 0.9  # of the nominal voltage: below it the fall is seen
CLOSING = 10.0  # real seconds the watching thread may take to end
REAL_FLOOR = 1.0  # real seconds a module gets at least to come back


@dataclass
class Bracket:
    """One disturbance as it happened: real seconds since the start of the timeline; None: not seen."""

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
        self._thread.join(CLOSING)
        self.supply.disarm()
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
        message = self.supply.arm(self.waveform.delayed(self.after, self.supply.nominal.voltage))
        search = Search(compile(node(self.at)))
        self._tell("armed", at=describe(node(self.at)), after=self.after)

        def fire() -> None:
            self.supply.fire(message)
            self._idle.clear()
            self.fired += 1
            self.timeline.announce_restart(f"disturbance {self.name}")

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
        mark = self.timeline.events.mark()
        bracket = Bracket(trigger.urc.raw, trigger.urc.time, self._at(trigger.fired))
        self.brackets.append(bracket)
        self._tell("seen", t=bracket.seen, urc=bracket.urc)
        self._tell("sent", t=bracket.sent, waveform=self._as_played())
        self.supply.acknowledge()
        bracket.acknowledged = self._tell("acknowledged")
        begins = bracket.sent + self.after / self.timeline.speed
        self._over.wait(max(0.0, begins - self.timeline.now()))
        before = self.timeline.events.seen(where(urc.Ready, time=lambda t: t < begins), since=mark)
        if before and not self._over.is_set():
            self.timeline.announce_restart(f"disturbance {self.name}")  # the first was taken by a restart of its own
        self._see_it_low(bracket)
        self._wait_for_end(bracket)
        self.supply.disarm()
        self._idle.set()
        again = where(urc.Ready, time=lambda t: t >= begins)
        found = self.timeline.events.wait(again, within=max(self.boot, REAL_FLOOR), since=mark, guards=False)
        if found is not None:
            bracket.back = self._tell("back", t=found.urcs[-1].time)

    def _as_played(self) -> list[list[float]]:
        """Corners from the start message on, in real seconds and volts, nominal before and after."""
        nominal, speed = self.supply.nominal.voltage, self.timeline.speed
        corners = [(0.0, nominal), (self.after, nominal)]
        corners += [(self.after + t, volts) for t, volts in self.waveform.points()]
        corners.append((corners[-1][0], nominal))
        return [[round(t / speed, 6), volts] for t, volts in corners]

    def _see_it_low(self, bracket: Bracket) -> None:
        """Measure until the voltage is seen low, or the waveform is over."""
        if self.waveform.lowest >= LOW * self.supply.nominal.voltage:
            return
        until = bracket.sent + (self.after + self.waveform.duration) / self.timeline.speed
        while self.timeline.now() < until and not self._over.is_set():
            reading = self.supply.measure()
            if reading.voltage < LOW * self.supply.nominal.voltage:
                bracket.lowest = reading.voltage
                bracket.low = self._tell("low", voltage=reading.voltage)
                return

    def _wait_for_end(self, bracket: Bracket) -> None:
        left = (self.after + self.waveform.duration) / self.timeline.speed - (self.timeline.now() - bracket.sent)
        if left > 0 and self._over.wait(left):
            return  # the block was left before the waveform was over: it is taken away
        bracket.ended = self._tell("ended")
        self.supply.measure()

    def _at(self, monotonic: float | None) -> float:
        return self.timeline.stamp(monotonic) if monotonic is not None else 0.0

    def _tell(self, action: str, **fields: object) -> float:
        return self.timeline.record("supply", action=action, disturbance=self.name, **fields)
