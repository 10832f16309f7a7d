"""The wire to a module: the one thread that reads its port, and everything that happens on that thread.

In order, for each read: stamp, raw record (`timeline.received`), frames (`framing`), and for each frame: is it the answer to the
waiting command (the attached `Consumer`, that is `at.Client`)? Else it is typed (`urc.parse`), offered to the armed
triggers first, then to the timeline, which wakes who waits for it. Nobody else reads the port.

A port that vanishes is closed, waited for, and opened again (`reopening`); the timeline is told both. Where it does not come back
in time, the wire is lost: a `PortLost` goes to the timeline and wakes everybody who waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Protocol

from pytest_quecfota import urc
from pytest_quecfota.errors import BenchError, PortLost
from pytest_quecfota.link.frames import Arm, Block, Frame, Line
from pytest_quecfota.link.framing import Framer, is_candidate
from pytest_quecfota.link.port import Port, PortSpec, open_port
from pytest_quecfota.link.recorder import Recorder
from pytest_quecfota.link.reopening import Reopening
from pytest_quecfota.link.trigger import Trigger

_CLOSE_SECONDS = 2.0


class Cutter(Protocol):
    """Cuts what is read into frames; `framing.Framer` does it for what a module says."""

    arm: Arm | None
    block_end: bytes

    @property
    def patience(self) -> float | None:
        """How many real seconds to wait for more before `expire` is called; None: for ever."""

    @property
    def filling_announced(self) -> bool:
        """A payload that a URC announced has begun and is not complete."""

    @property
    def received_of_block(self) -> int:
        """Grows while a block is being filled; 0 where none is."""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that `chunk` completes."""

    def expire(self) -> list[Frame]:
        """Nothing came for as long as `patience` says: what there is so far."""

    def abort_block(self) -> Block | None:
        """Give up the block that is being filled; returns it with the bytes that came."""

    def reset(self) -> list[Frame]:
        """The stream ends here and another begins: what was left of it."""


class Consumer(Protocol):
    """Who takes the answers to commands. Called on the reader thread; must not wait."""

    def claims(self, frame: Frame, unsolicited: urc.Urc | None) -> bool:
        """Take `frame` if it belongs to the answer that is waited for. `unsolicited`: what it would be as a URC, if anything."""

    def passed(self, unsolicited: urc.Urc) -> None:
        """A URC went to the timeline."""

    def lost(self, error: BenchError) -> None:
        """Nothing will come any more."""


class Wire:
    """Reads one port from its opening to `close`, on a thread of its own.

    `timeline` gets everything; `record_to` exchanges it between tests. `reopen_within`: real seconds a vanished port may stay away.
    `settle`: seconds a port that is back gets before it is opened. A `read_only` wire (one of an observed host) sends nothing.
    `framer`: cuts what comes; the one for what a module says where None.
    Raises `PortLost` where the port cannot be opened.
    """

    def __init__(
        self,
        spec: PortSpec,
        timeline: Recorder,
        *,
        reopen_within: float = 30.0,
        settle: float = 0.5,
        read_only: bool = False,
        framer: Cutter | None = None,
    ) -> None:
        self.spec = spec
        self.read_only = read_only
        self.lost: BenchError | None = None
        """Why nothing comes any more."""
        self.absences = 0
        """How often the port has vanished."""
        self._timeline = timeline
        self._framer: Cutter = framer or Framer()
        self._framing = threading.Lock()
        self._triggers: tuple[Trigger, ...] = ()
        self._arming = threading.Lock()
        self._consumer: Consumer | None = None
        self._reopening = Reopening(spec, reopen_within, settle)
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._present = threading.Event()
        self._present.set()
        self._port: Port = open_port(spec)
        self._thread = threading.Thread(target=self._read_until_closed, name=f"quecfota-wire-{spec.name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def timeline(self) -> Recorder:
        """Where what comes and goes is recorded now."""
        return self._timeline

    def record_to(self, timeline: Recorder) -> None:
        """Record to `timeline` from the next read or write on."""
        self._timeline = timeline

    def attach(self, consumer: Consumer | None) -> None:
        """Let `consumer` take the answers. Raises `RuntimeError` where another one does."""
        if consumer is not None and self._consumer is not None:
            raise RuntimeError(f"{self.spec.name} has a client already")
        self._consumer = consumer

    def arm(self, arm: Arm | None) -> None:
        """Frame what a command waits for, or (None) URCs only. Before the command is written."""
        with self._framing:
            self._framer.arm = arm

    @property
    def block_end(self) -> bytes:
        """What came between the last block and the line after it, and that line's first byte."""
        return self._framer.block_end

    @property
    def block_received(self) -> int:
        """Grows while a block comes; 0 where none does."""
        return self._framer.received_of_block

    def abort_block(self) -> Block | None:
        """Give up the block of a command that is being received; what came of it, or None where none has begun."""
        with self._framing:
            return None if self._framer.filling_announced else self._framer.abort_block()

    def trigger(self, predicate: Callable[[urc.Urc], bool], fire: Callable[[], object]) -> Trigger:
        """Arm `fire` for the first URC that `predicate` accepts. Both run on the reader thread and must be quick."""
        trigger = Trigger(predicate, fire)
        with self._arming:
            self._triggers = (*(other for other in self._triggers if other.armed), trigger)
        return trigger

    def write(self, data: bytes, *, command: bool = True, within: float = 5.0) -> None:
        """Send `data`; `within` real seconds the port must have taken it, or be back if it is away.

        `command`: expectations count from here by default. Raises `PortLost`.
        """
        if self.read_only:
            raise RuntimeError(f"{self.spec.name} is only listened to")
        deadline = monotonic() + within
        while True:
            self._wait_present(within, deadline)
            with self._writing:
                if self._present.is_set():
                    self._write_now(data, command, deadline)
                    return

    def change_rate(self, baudrate: int) -> bool:
        """Go on at another baud rate until the port is opened anew; False where it has none. Raises `PortLost`."""
        with self._writing:
            try:
                return self._port.change_rate(baudrate)
            except (OSError, ValueError) as error:
                raise PortLost(f"{self.spec.name} does not take {baudrate} baud: {error}") from error

    def set_line(self, name: str, asserted: bool) -> None:
        """Set the modem line `dtr` or `rts` of the port. Raises `PortLost` where it has none, or is gone."""
        with self._writing:
            try:
                there = self._port.set_line(name, asserted)
            except (OSError, ValueError) as error:
                raise PortLost(f"{self.spec.name} does not set {name.upper()}: {error}") from error
        if not there:
            raise PortLost(f"{self.spec.name} has no modem lines: {name.upper()} cannot be set")
        self._timeline.record("note", text=f"{name.upper()} {'asserted' if asserted else 'released'}")

    def close(self) -> None:
        """End the thread and give the port back, within 2 s. Raises `PortLost` where the port cannot be closed in time."""
        self._closing.set()
        self._present.set()
        self._port.cancel()
        self._thread.join(_CLOSE_SECONDS)
        if self._thread.is_alive():
            raise PortLost(f"{self.spec.name} did not let go within {_CLOSE_SECONDS:g} s")

    def _write_now(self, data: bytes, command: bool, deadline: float) -> None:
        self._timeline.sent(data, command=command)
        try:
            self._port.write(data, max(0.0, deadline - monotonic()))
        except OSError as error:
            raise PortLost(f"{self.spec.name} failed while it was written to: {error}") from error

    def _wait_present(self, seconds: float, deadline: float) -> None:
        present = self._present.wait(max(0.0, deadline - monotonic()))
        if self.lost is not None:
            raise PortLost(str(self.lost)) from self.lost
        if self._closing.is_set():
            raise PortLost(f"{self.spec.name} has been closed")
        if not present:
            raise PortLost(f"{self.spec.name} vanished; waited {seconds:g} s for it to come back")

    # -- the reader thread ------------------------------------------------------------------------------------------

    def _read_until_closed(self) -> None:
        try:
            while not self._closing.is_set():
                patience, began = self._framer.patience, monotonic()
                try:
                    data = self._port.read(patience)
                except OSError as error:
                    self._bring_back(error)
                else:
                    if data:
                        self._deliver(data)
                    elif patience is not None and monotonic() - began >= 0.9 * patience:
                        self._expire()  # a port may also wake up for nothing
        except BenchError as error:
            self._give_up(error)
        except Exception as error:
            self._give_up(PortLost(f"the reader of {self.spec.name} failed: {error!r}"))
            raise
        finally:
            with self._writing:
                self._port.close()

    def _deliver(self, data: bytes) -> None:
        now = monotonic()
        timeline = self._timeline
        time = timeline.stamp(now)
        timeline.received(data, time)
        with self._framing:
            searched = self._framer.arm is None
            frames = self._framer.feed(data)
        for frame in frames:
            self._pass_on(frame, time, timeline, searched)

    def _pass_on(self, frame: Frame, time: float, timeline: Recorder, searched: bool = False) -> None:
        """`searched`: the framer has found only what may be a URC."""
        unsolicited = _typed(frame, time, searched)
        consumer = self._consumer
        if consumer is not None and consumer.claims(frame, unsolicited):
            return
        if unsolicited is None:
            return
        for trigger in self._triggers:
            if trigger.offer(unsolicited):
                self._disarm(trigger, timeline)
        timeline.urc(unsolicited)
        if consumer is not None:
            consumer.passed(unsolicited)

    def _disarm(self, trigger: Trigger, timeline: Recorder) -> None:
        with self._arming:
            self._triggers = tuple(other for other in self._triggers if other is not trigger)
        if trigger.error is not None:
            timeline.fault(trigger.error)

    def _expire(self) -> None:
        """More was announced than comes: it ends here. The block of a command we sent is its client's business."""
        with self._framing:
            left = self._framer.expire()
        time, timeline = self._timeline.stamp(monotonic()), self._timeline
        for frame in left:
            if isinstance(frame, Block):
                received = frame.payload.hex()
                timeline.record("note", text="payload incomplete", header=_readable(frame.header), received=received)
                frame = Line(frame.header) if frame.announced else frame
            self._pass_on(frame, time, timeline)

    def _bring_back(self, error: OSError) -> None:
        timeline = self._timeline
        self.absences += 1
        self._present.clear()
        with self._writing:
            self._port.close()
        timeline.record("note", text="port vanished", port=self.spec.name, error=str(error))
        with self._framing:
            left = self._framer.reset()
        for frame in left:
            self._pass_on(frame, timeline.stamp(monotonic()), timeline)
        port = self._reopening.wait(self._closing, error)
        if port is None:
            return
        self._port = port
        self._timeline.record("note", text="port returned", port=self.spec.name)
        self._present.set()

    def _give_up(self, error: BenchError) -> None:
        self.lost = error
        self._present.set()
        self._timeline.fault(error)
        if self._consumer is not None:
            self._consumer.lost(error)


def _typed(frame: Frame, time: float, searched: bool) -> urc.Urc | None:
    if isinstance(frame, Line):
        if not searched and not is_candidate(frame.text):
            return None
        return urc.Unknown(raw=_readable(frame.text), time=time) if frame.cut else urc.parse(frame.text, time)
    if not isinstance(frame, Block) or not frame.announced:
        return None
    event = urc.parse(frame.header, time)
    return event if isinstance(event, urc.Unknown) else urc.with_payload(event, frame.payload)


def _readable(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
