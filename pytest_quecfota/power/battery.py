"""A battery in place of the supply: the module's current is measured, the voltage follows, the charge runs down.

A loop in a thread of its own measures the current, takes the charge that flowed since the last time out of the cell, and gives the
cell's voltage at that current. It goes through the supply's lock, and while a disturbance is armed it neither asks nor sets: the
charge then runs down with the last current. Below its cut-off voltage the battery lets go, as a protection circuit does. The loop
says how fast it was: what is shorter than its period it cannot follow.

Where the charge comes from: `battery_cell`; what becomes of it: `supply` and `sample` records, and a `Discharge` at the end.
"""

from __future__ import annotations

import contextlib
import statistics
import threading
import time
from types import TracebackType

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.power.battery_account import Account, Discharge
from pytest_quecfota.power.battery_cell import Cell
from pytest_quecfota.power.battery_source import Source, source_for
from pytest_quecfota.power.supply import Reading, Supply
from pytest_quecfota.timeline import Timeline, seconds

PACE = 0.01  # real seconds from step to step where the instrument is faster: more would only take the machine's time
REST = 0.1  # of a step's own time in which the supply is left to others at least
TRIALS = 3  # steps by which the loop's speed is found out before it starts
CLOSING = 10.0  # real seconds the loop may take to end
TOLD = 0.01  # of the nominal voltage: a smaller change is no record of its own
TOLD_EVERY = 0.05  # real seconds between two such records at least


class Battery:
    """`cell` in place of `supply`, from `start` to `end`; also a context manager.

    Args:
        cut_off: volts below which it lets go; 0: only when it is empty.
        replaced_after: module seconds after which a full cell takes the place of one that has let go; None: never by itself.
        period: module seconds from step to step that the test needs; None: as fast as it goes.
        source: how the supply plays it; without, as its profile says.

    Raises (`start`):
        ValueError: the rig does not allow cuts, or its loop is slower than `period`.
        SupplyError: the supply is silent or reports an error.
    """

    def __init__(
        self,
        supply: Supply,
        timeline: Timeline,
        cell: Cell,
        *,
        cut_off: float | None = None,
        replaced_after: float | None = None,
        period: float | None = None,
        source: Source | None = None,
    ) -> None:
        self._supply = supply
        self._timeline = timeline
        self._cell = cell
        self._cut_off = cell.curve.cut_off.volts if cut_off is None else cut_off
        self._replaced_after = replaced_after
        self._wanted = period
        self._source = source or source_for(supply)
        self._account = Account(cell, self._source.name, self._module_time())
        self._charging = threading.Lock()
        self._over = threading.Event()
        self._let_go = threading.Event()
        self._thread: threading.Thread | None = None
        self._at = (self._module_time(), time.monotonic())
        self._current = 0.0
        self._voltage = cell.at_rest
        self._told = (float("-inf"), 0.0)
        self._let_go_at = 0.0
        self.error: BaseException | None = None

    # -- life ------------------------------------------------------------------------------------------

    def start(self) -> Battery:
        """Take the supply's place; from here on the module lives on the battery."""
        if not self._supply.may_cut:
            raise ValueError("a battery may run empty, which this rig does not allow; add `allow: [cuts]` to it")
        with self._supply.instrument.lock:
            try:
                self._at = (self._module_time(), time.monotonic())
                if self._source.interrupts:
                    self._timeline.announce_restart("the supply becomes a battery")
                self._source.begin(self._cell)
                self._tell("battery", resistance=self._cell.internal_resistance, capacity=self._cell.capacity)
                self._try_out()
            except BaseException:
                self._give_up()
                raise
        self._thread = threading.Thread(target=self._run, name="quecfota-battery", daemon=True)
        self._thread.start()
        return self

    def end(self) -> None:
        """Take the battery away: nominal voltage, output on. Harmless where that was done already.

        Raises:
            BenchError: the supply broke down meanwhile, or the loop was slower than the test needs.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._over.set()
        thread.join(CLOSING)
        if thread.is_alive():
            raise BenchError(f"the battery's loop did not end within {CLOSING:g} s", reason=Reason.SUPPLY_TIMEOUT)
        if self.error is not None:
            self._give_up()
            raise self.error
        self._source.end()
        self._supply.restore()
        done = self.discharge
        self._supply.record("supply", action="battery taken away", **done.fields())
        if self._wanted is not None and done.period > self._wanted:
            raise BenchError(
                f"the battery's loop took {done.period:g} s a step on average, {self._wanted:g} s are needed (module seconds)",
                reason=Reason.SUPPLY_TIMEOUT,
            )

    def __enter__(self) -> Battery:
        return self if self._thread is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(BenchError) if kind is not None else contextlib.nullcontext():
            self.end()

    # -- what a test sees --------------------------------------------------------------------------------

    @property
    def charge(self) -> float:
        """What is left, 0 to 1."""
        return self._cell.charge

    @property
    def voltage(self) -> float:
        """Volts it gives now; 0 where it has let go."""
        return 0.0 if self.has_let_go else self._voltage

    @property
    def has_let_go(self) -> bool:
        """Whether its protection is open: the module has no power."""
        return self._let_go.is_set()

    @property
    def weak(self) -> int:
        """How often it fell below the rig's lower limit, or let go."""
        return self._account.weak + self._account.cut_offs

    @property
    def discharge(self) -> Discharge:
        """What it did until now."""
        return self._account.until_now()

    @property
    def is_running(self) -> bool:
        """Whether the module lives on it."""
        return self._thread is not None

    def wait_let_go(self, within: float | str) -> bool:
        """Wait until its protection opens, at most `within` module seconds; whether it did. A bench fault ends the wait."""
        timeline = self._timeline
        until = timeline.clock.deadline(timeline.now(), seconds(within))
        while not self._let_go.wait(min(0.1, max(0.0, until - timeline.now()))):
            if isinstance(timeline.broken, BenchError):
                raise timeline.broken
            if timeline.now() >= until:
                return False
        return True

    def replace(self, charge: float = 1.0) -> None:
        """Another cell of the same kind, rested, with so much charge; it is in place when this returns.

        While a disturbance is armed the voltage stays, and follows when that is over.
        """
        with self._supply.instrument.lock:
            with self._charging:
                self._cell.refill(charge)
            if self._supply.armed:
                self._tell("battery replaced")
                return
            if self.has_let_go:
                self._connect("battery replaced")
            else:
                self._current = 0.0
                self._voltage = min(self._cell.voltage(0.0), self._supply.limits.max)
                self._source.refill(self._cell)
                self._tell("battery replaced")
            self._step()

    # -- the loop ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = PACE
        try:
            while not self._over.wait(pause):
                started = time.monotonic()
                self._step()
                took = time.monotonic() - started
                pause = max(self._pace() - took, REST * took)
        except Exception as error:  # told when the battery is taken away, and to whoever waits if it is the bench
            self.error = error
            if isinstance(error, BenchError):
                self._timeline.fault(error)

    def _give_up(self) -> None:
        """It did not work: an ordinary supply again, as far as the instrument still takes a word."""
        for undo in (self._source.end, self._supply.restore):
            with contextlib.suppress(BenchError):
                undo()

    def _try_out(self) -> None:
        """The first steps; they show how fast the loop can be."""
        took = []
        for _ in range(TRIALS):
            started = time.monotonic()
            self._step()
            took.append(time.monotonic() - started)
        wanted, fastest = self._wanted, statistics.median(took) * self._timeline.speed
        if wanted is not None and not fastest <= wanted:
            raise ValueError(
                f"a battery on this rig follows the current every {fastest:.3g} s at best, every {wanted:g} s is asked for "
                "(module seconds): slow the rig down, or do without"
            )

    def _pace(self) -> float:
        if self._wanted is None:
            return PACE
        return min(PACE, self._wanted / self._timeline.speed / 2)

    def _step(self) -> None:
        """Measure, take out what flowed, give the voltage; under the supply's lock, so that nothing is armed in between."""
        if self._supply.armed:  # not even the lock: the thread that reads the module's port may need it now
            self._pass_time(self._current, waited=True)
            return
        with self._supply.instrument.lock:
            reading = self._supply.measure_between()
            if reading is not None:
                self._follow(reading)

    def _follow(self, reading: Reading) -> None:
        current = max(0.0, reading.current)
        self._pass_time((self._current + current) / 2, waited=False)
        self._current = current
        self._account.highest_current = max(self._account.highest_current, current)
        if self.has_let_go:
            self._while_open()
        if not self.has_let_go:
            self._give(reading)

    def _pass_time(self, current: float, *, waited: bool) -> None:
        before, self._at = self._at, (self._module_time(), time.monotonic())
        module, real = self._at[0] - before[0], self._at[1] - before[1]
        with self._charging:
            self._cell.draw(0.0 if self.has_let_go else current, module)
        told = None if waited or self.has_let_go else self._source.charge()
        if told is not None:
            self._cell.charge = told
        self._account.step(module, real, waited=waited)

    def _give(self, reading: Reading) -> None:
        volts = self._source.volts(self._cell, reading, self._current)
        if self._cell.is_empty or volts < self._cut_off:
            self._open()
            return
        most = self._supply.limits.max
        self._account.held = self._account.held or volts > most
        volts = min(volts, most)
        if volts < self._supply.limits.min <= self._voltage:
            self._account.weak += 1
            self._timeline.announce_restart("the battery is weak")
        self._voltage = volts
        self._account.lowest = min(self._account.lowest, volts)
        self._source.give(self._cell, volts)
        step, now = TOLD * self._supply.nominal.voltage, time.monotonic()
        if abs(volts - self._told[1]) >= step and now - self._told[0] >= TOLD_EVERY:
            self._tell("battery")

    # -- its protection ------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._let_go_at = self._module_time()
        self._account.cut_off(self._let_go_at)
        self._timeline.announce_restart("the battery has let go")
        why = "empty" if self._cell.is_empty else f"below {self._cut_off:g} V"
        self._tell("battery has let go", why=why)
        self._source.let_go()
        self._let_go.set()

    def _while_open(self) -> None:
        """Open it stays, until a full cell takes its place or somebody switches the output on: then it tries again."""
        due = self._replaced_after is not None and self._module_time() - self._let_go_at >= self._replaced_after
        if due:
            self._cell.refill(1.0)
            self._connect("battery replaced")
        elif self._supply.gives:
            self._connect("battery connected again")

    def _connect(self, action: str) -> None:
        self._let_go.clear()
        self._current = 0.0
        self._voltage = min(self._cell.voltage(0.0), self._supply.limits.max)
        self._source.begin(self._cell)
        self._tell(action)

    # -- inside ------------------------------------------------------------------------------------------

    def _module_time(self) -> float:
        return self._timeline.clock.module(self._timeline.now())

    def _tell(self, action: str, **fields: object) -> None:
        self._told = (time.monotonic(), self._voltage)
        self._supply.record(
            "supply",
            action=action,
            voltage=round(self._voltage, 4),
            output=not self.has_let_go,
            chemistry=self._cell.curve.name,
            charge=round(self._cell.charge, 5),
            **fields,
        )
