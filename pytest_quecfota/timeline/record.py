"""The timeline: one record of a test, everything in order, each thing with its time.

The thread that reads the port calls `received` for every read and `urc` for every URC in it; the AT client, supply,
platform and the tests add the rest. Each record goes to the store at once (`store`), the newest stay in memory
(`history`), and `events` lets tests wait for URCs (`expectations`). Times are real seconds since the start; durations
a test names are module seconds (`clock`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.timeline import story
from pytest_quecfota.timeline.clock import ModuleClock
from pytest_quecfota.timeline.context import Context, Surroundings
from pytest_quecfota.timeline.expectations import Events
from pytest_quecfota.timeline.guards import Restarts
from pytest_quecfota.timeline.history import ONLY_ON_DISK, History, Mark, as_record
from pytest_quecfota.timeline.redaction import Redactor
from pytest_quecfota.timeline.store import (
    JSONL,
    UART_LOG,
    FileStore,
    MemoryStore,
    Store,
    encode,
    encode_received,
    is_plain,
)
from pytest_quecfota.timeline.uart_log import UartLog
from pytest_quecfota.urc import Urc

#: What `record` takes; rx, tx, urc and response have methods of their own.
KINDS = frozenset({"supply", "sample", "platform", "step", "note", "fault"})

Record = Mapping[str, object]
Listener = Callable[[Record], None]


class Timeline:
    """The record of one test. All methods may be called from any thread; none of them waits for anything but the disk.

    Parameters:
        directory: where `timeline.jsonl` and `uart.log` are written; None keeps the newest records in memory only.
        speed: how many times faster than ours the module's clock runs; `math.inf` for as fast as it can.
        secrets: texts that never reach the disk.
        window: how many records (other than rx and sample) stay in memory; older ones are read back from disk.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        speed: float = 1.0,
        secrets: Collection[str] = (),
        window: int = 20_000,
    ) -> None:
        self.directory = directory
        self.files: tuple[str, ...] = (JSONL, UART_LOG)
        self.lock = threading.RLock()
        self.clock = ModuleClock(speed)
        self.broken: BaseException | None = None
        self._started, self._origin = time.time(), time.monotonic()
        self._store: Store = MemoryStore() if directory is None else FileStore(directory)
        self._redactor, self._log, self._restarts = Redactor(secrets), UartLog(), Restarts()
        self._listeners: tuple[Listener, ...] = ()
        self._around = Surroundings()
        self._closed = False
        self.history = History(self._store, window)
        self.start = self.last_command = self.history.mark(0.0)
        self.events = Events(self)
        wall = time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(self._started))
        self.record("note", text=f"timeline of {wall}", started=self._started, speed=speed, t=0.0)

    def hide(self, secrets: Collection[str]) -> None:
        """Texts that became known only now and never reach the disk from here on."""
        with self.lock:
            self._redactor = self._redactor.with_more(secrets)

    # time

    @property
    def speed(self) -> float:
        """How many times faster than ours the module's clock runs. Setting it re-times all waits."""
        return self.clock.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        with self.lock:
            self.clock.change(self.now(), speed)
            self.events.look_again()
            self.record("note", text="clock", speed=speed)

    def stepped(self, seconds: float) -> None:
        """The module's clock was stepped by so many module seconds (`rig.clock.step`)."""
        with self.lock:
            self.clock.step(self.now(), seconds)
            self.record("note", text="clock", step=seconds)

    def now(self) -> float:
        """Real seconds since the start."""
        return time.monotonic() - self._origin

    def stamp(self, monotonic: float) -> float:
        """A `time.monotonic()` value as real seconds since the start."""
        return monotonic - self._origin

    # what happens on the wire

    def received(self, data: bytes, t: float) -> None:
        """Bytes as they were read, at the real time `t` since the start. HOT: called for every read."""
        with self.lock:
            data = self._redactor.stream(data)
            if not data or self._closed:
                return
            plain = is_plain(data)
            self._write(encode_received(t, data, plain), self._log.received(t, data, plain))
            self._around.received = (t, data[-80:])
        if self._listeners:
            self._tell({"t": t, "kind": "rx", "data": data.decode("latin-1")})

    def sent(self, data: bytes, *, command: bool = True) -> None:
        """Bytes written to the module; a `command` moves the place expectations look from by default."""
        with self.lock:
            t = self.now()
            if command:
                self._restarts.sent(data)
            data = self._redactor.whole(data)
            if command:
                self.last_command = self.history.mark(t)
                self._around.command = (t, data.decode("latin-1").strip())
            record = self._add("tx", t, {"data": data.decode("latin-1")}, self._log.sent(t, data))
        self._tell(record)

    def urc(self, u: Urc) -> None:
        """A typed URC, at its `time`: recorded, and shown to all who wait. On the thread that reads the port."""
        with self.lock:
            if self._closed:
                return
            entry = self.history.add(u.time, "urc", u, self._restarts.step(u))
            self.events.arrived(entry)
            record = as_record(entry)
            self._write(encode(self._masked(record)))
        self._tell(record)

    def response(self, command: str, lines: Sequence[str], final: str, duration: float) -> None:
        """A command has been answered: `lines` between command and final result, `duration` in real seconds."""
        fields = {"command": command, "lines": list(lines), "final": final, "duration": round(duration, 6)}
        with self.lock:
            record = self._add("response", self.now(), fields)
        self._tell(record)

    # what happens beside it

    def record(self, kind: str, /, **fields: object) -> float:
        """Add a record of kind supply, sample, platform, step, note or fault; returns its time.

        `t` among the fields is a stamp of its own (real seconds since the start), otherwise it is now. A `supply` record
        may have `voltage` (V), `output` (bool) and `disturbance` (text or None), a `sample` `voltage` (V) and `current`
        (A): failure texts tell the last of them. Raises `ValueError` for another kind.
        """
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of record; the kinds are {', '.join(sorted(KINDS))}")
        stamp = fields.pop("t", None)
        with self.lock:
            t = float(stamp) if isinstance(stamp, (int, float)) else self.now()
            self._around.recorded(kind, fields)
            record = self._add(kind, t, fields)
        self._tell(record)
        return t

    def announce_restart(self, reason: str) -> None:
        """A reset, a cut or a power cycle: the next `Ready` is expected."""
        with self.lock:
            self._restarts.announce(reason)
            self.record("note", text=f"a restart is expected: {reason}")

    def announce_restarts(self, reason: str | None) -> None:
        """The power goes several times: any number of restarts is expected until None says that it is over."""
        with self.lock:
            self._restarts.announce_many(reason)
            if reason is not None:
                self.record("note", text=f"restarts are expected: {reason}")

    def fault(self, error: BaseException) -> None:
        """The bench failed: everybody who waits raises `error`, and so does every later wait."""
        with self.lock:
            self.broken = self.broken or error
            reason = getattr(error, "reason", None)
            fields = {"error": type(error).__name__, "text": str(error), "reason": getattr(reason, "value", None)}
            self.record("fault", **fields)
            self.events.look_again()

    # looking at it

    def listen(self, listener: Callable[[Mapping[str, object]], None]) -> Callable[[], None]:
        """Show every new record to `listener`, on the thread that adds it; returns what ends that.

        A listener that raises is dropped, and a note says so.
        """
        with self.lock:
            self._listeners = (*self._listeners, listener)
        return lambda: self._drop(listener)

    def records(
        self, kinds: str | Collection[str] | None = None, since: Mark | None = None
    ) -> Iterator[dict[str, object]]:
        """The records of some kinds (by default all) since a mark (by default the start), oldest first.

        From memory where they are there, otherwise from disk. Without a directory old ones are gone.
        """
        wanted = {kinds} if isinstance(kinds, str) else None if kinds is None else set(kinds)
        mark = since or self.start
        with self.lock:
            entries = self.history.newest(mark.number)
            beyond = wanted is None or bool(wanted & ONLY_ON_DISK) or self.history.has_gap(mark.number)
        if beyond:
            return (r for r in self._store.read(mark.position) if wanted is None or r["kind"] in wanted)
        return (dict(self._masked(as_record(entry))) for entry in entries if wanted is None or entry.kind in wanted)

    def explain_context(self) -> Context:
        """What a failure text says about the bench."""
        return Context(
            started=self._started,
            clock=self.clock,
            supply=dict(self._around.supply),
            sample=dict(self._around.sample),
            command=self._around.command,
            received=self._around.received,
            files=tuple(str(self.directory / name) for name in self.files) if self.directory else (),
            mask=self._redactor.text,
        )

    def close(self) -> None:
        """End the record: threads of `events.on` end, waits are cut, files are closed. What comes later is dropped."""
        for name in self.events.close():
            self.record("note", text=f"the action of events.on({name}) has not ended")
        with self.lock:
            if self._closed:
                return
            held = self._redactor.flush()
            if held:
                t, plain = self.now(), is_plain(held)
                self._write(encode_received(t, held, plain), self._log.received(t, held, plain))
            self._closed = True
            self._store.close()

    # writing

    def _add(self, kind: str, t: float, fields: Mapping[str, object], log: bytes = b"") -> Record:
        fields = self._masked(fields)
        record = {"t": round(t, 6), "kind": kind, **fields}
        if self._closed:
            return record
        if kind not in ONLY_ON_DISK:
            entry = self.history.add(t, kind, fields)
            if kind in KINDS:
                log = self._log.remark(t, story.text_of(entry))
        self._write(encode(record), log)
        return record

    def _masked(self, record: Mapping[str, object]) -> Mapping[str, object]:
        if not self._redactor.active:
            return record
        return {name: self._redactor.value(value) for name, value in record.items()}

    def _write(self, line: bytes, log: bytes = b"") -> None:
        try:
            self._store.append(line)
            if log:
                self._store.log(log)
        except OSError as error:
            self._lost(error)

    def _lost(self, error: OSError) -> None:
        """The disk takes no more: the evidence is incomplete, so the bench is at fault."""
        if self.broken is None:
            self.broken = BenchError(f"the timeline cannot be written: {error}", reason=Reason.EVIDENCE_UNWRITABLE)
            self.events.look_again()

    def _tell(self, record: Record) -> None:
        for listener in self._listeners:
            try:
                listener(record)
            except Exception as error:  # somebody else's code must not stop the reader thread
                self._drop(listener)
                self.record("note", text=f"a listener failed and was dropped: {error!r}")

    def _drop(self, listener: Listener) -> None:
        with self.lock:
            self._listeners = tuple(other for other in self._listeners if other is not listener)
