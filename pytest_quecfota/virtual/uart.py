"""The module's UART: baud rate on the bench's clock, power, and the noise of a real line.

The firmware hands messages to `send`; they leave at a tenth of the baud rate in bytes per module second (at once at
speed `max`) through a `ports.Port`. When the module loses power what has not left is gone, in the middle of a line if
so; what the host sends meanwhile is lost. The control API sets the `LineFaults`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Protocol

from .clock import Clock
from .ports import Port

#: Real seconds of output that leave at a time; the loop's timers come up to this much late.
_GRAIN = 0.001
#: At speed `max`, real seconds the host gets to react to a message before the clock jumps on.
_REACTION = 0.002


class Receiver(Protocol):
    """Who gets what the host sends."""

    def __call__(self, data: bytes) -> None:
        """Take the bytes; called on the bench's loop."""


class LineFaults:
    """Noise on the line from module to host.

    `drop`: probability that a byte is lost. `duplicate`: probability that a message comes twice. `garbage`: probability that
    random bytes come before a message. `split`: at most so many bytes are delivered at a time (0: no limit).
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.drop = self.duplicate = self.garbage = 0.0
        self.split = 0

    def set(self, **values: float | None) -> None:
        """Change some of them; None leaves as it is.

        Raises:
            ValueError: a probability outside 0…1, a negative split.
        """
        for name, value in values.items():
            if value is None:
                continue
            if name == "split":
                if value < 0 or value != int(value):
                    raise ValueError(f"split: {value!r}; a number of bytes, 0 for none")
                self.split = int(value)
            elif not 0 <= value <= 1:
                raise ValueError(f"{name}: {value!r}; a probability, 0 to 1")
            else:
                setattr(self, name, float(value))

    def state(self) -> Mapping[str, float]:
        """What is set now."""
        return {name: getattr(self, name) for name in ("drop", "duplicate", "garbage", "split")}

    def on(self, data: bytes) -> bytes:
        """The message as it comes out of the noise."""
        rng = self._rng
        if self.duplicate and rng.random() < self.duplicate:
            data += data
        if self.garbage and rng.random() < self.garbage:
            data = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 24))) + data
        if self.drop:
            data = bytes(byte for byte in data if rng.random() >= self.drop)
        return data


class Uart:
    """One serial line. Made unpowered; `receive` may be set anew at each power-on."""

    def __init__(self, clock: Clock, port: Port, baudrate: int, faults: LineFaults) -> None:
        self._clock = clock
        self._port = port
        self.baudrate = baudrate
        self.faults = faults
        self.receive: Receiver | None = None
        self._powered = False
        self._queue = bytearray()
        self._free_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._drained: asyncio.Future[None] | None = None

    @property
    def url(self) -> str:
        """The stable path or address of the port."""
        return self._port.url

    def open(self) -> None:
        """Make the port appear; it stays whether the module is powered or not."""
        self._port.open(self._received)

    def vanish(self) -> None:
        """The port goes away (a USB module restarts); what has not left is lost."""
        self._forget()
        self._port.vanish()

    def close(self) -> None:
        """Remove the port for good."""
        self.power(False)
        self._port.close()

    def power(self, on: bool) -> None:
        """The module gets or loses its power. Off: output stops at once, input is lost."""
        self._powered = on
        if not on:
            self._forget()
            self.receive = None

    def send(self, data: bytes) -> None:
        """Queue a message; it leaves at the line's rate."""
        if self._powered and data:
            self._queue += self.faults.on(data)
            if self._clock.is_max:
                self._clock.grace(_REACTION)
            self._pump()

    async def drained(self) -> None:
        """Return when everything queued has left."""
        while self._queue:
            if self._drained is None or self._drained.done():
                self._drained = asyncio.get_running_loop().create_future()
            await self._drained

    def _received(self, data: bytes) -> None:
        if self._powered and self.receive:
            self.receive(data)

    def _pump(self) -> None:
        if self._timer is not None:
            return
        if self._clock.is_max and not self.faults.split:
            self._leave(len(self._queue))
        else:
            self._pace()
        if not self._queue and self._drained and not self._drained.done():
            self._drained.set_result(None)

    def _pace(self) -> None:
        """Let leave what is due by the line's rate within two grains, and come back a grain before it is through."""
        clock, rate = self._clock, self.baudrate / 10
        now = clock.now()
        grain = _GRAIN if clock.is_max else _GRAIN * clock.speed
        self._free_at = max(self._free_at, now)
        count = min(len(self._queue), max(1, int((now + 2 * grain - self._free_at) * rate)))
        if self.faults.split:
            count = min(len(self._queue), self.faults.split)
        if self._free_at - grain <= now:
            self._free_at += count / rate
            self._leave(count)
        if self._queue:
            self._timer = clock.call_at(self._free_at - grain, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._pump()

    def _leave(self, count: int) -> None:
        data = bytes(self._queue[:count])
        del self._queue[:count]
        self._port.write(data)

    def _forget(self) -> None:
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._drained and not self._drained.done():
            self._drained.set_result(None)
