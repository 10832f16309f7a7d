"""Strict instruments of every family, on a loopback socket: each knows only what its own makers' commands are.

The tables in `strict_families` are written from the makers' command lists and never look at our profiles. An instrument keeps the
state of its outputs, records every byte, and puts what it does not know into `unknown`; what is not framed or spaced as the
family wants it goes into `rude`.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LIMIT = 5.0  # real seconds its threads may take to end
HURRY = 0.5  # of the gap between two messages: less is too soon, also on a busy machine


@dataclass
class Output:
    """One output: what it was told, and what it therefore gives. `woken`: volts it gave as soon as a trip was cleared."""

    voltage: float = 0.0
    current: float = 0.1
    on: bool = False
    over_voltage: float = 99.0
    over_current: float = 99.0
    over_voltage_on: bool = False
    over_current_on: bool = False
    tripped: set[str] = field(default_factory=set)
    woken: list[float] = field(default_factory=list)
    volts: list[float] = field(default_factory=list)
    dwells: list[float] = field(default_factory=list)
    count: int = 1
    ready: bool = False
    playing: bool = False
    emulating: bool = False
    battery: dict[str, float] = field(default_factory=dict)

    @property
    def measured(self) -> float:
        """Volts at its terminals."""
        return self.voltage if self.on and not self.tripped else 0.0


Handler = Callable[["StrictSupply", re.Match[str]], "str | bytes | None"]


class Refused(Exception):
    """An error of the instrument: a number and a text."""


@dataclass(frozen=True)
class Family:
    """What instruments of a family have in common.

    `table`: patterns of whole units with what they do. `ends`: what ends a message, and what ends an answer. `joins`: whether
    units may be joined by `;`, each new one beginning at the root. `error`: the answer to its error query, from the errors kept.
    """

    name: str
    identity: str
    channels: int
    table: tuple[tuple[re.Pattern[str], Handler], ...]
    ends: tuple[bytes, bytes] = (b"\n", b"\n")
    joins: bool = True
    most_volts: float = 32.0
    gap: float = 0.0
    forbidden: tuple[str, ...] = ()


class StrictSupply:
    """One instrument of `family`, answering on `address`. `garble` may replace an answer."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.outputs = {n: Output() for n in range(1, family.channels + 1)}
        self.selected = 1
        self.errors: list[tuple[int, str]] = []
        self.status = 0
        self.remote = False
        self.deaf = False
        self.raw = bytearray()
        self.units: list[str] = []
        self.unknown: list[str] = []
        self.rude: list[str] = []
        self.gap = 0.0
        self.garble: Callable[[str, bytes], bytes] = lambda _unit, answer: answer
        self._last = 0.0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"TCPIP::127.0.0.1::{self.port}::SOCKET"
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, name=f"strict-{family.name}")]
        self._threads[0].start()

    def close(self) -> None:
        """Switch it off, and see that all threads ended."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
        for connection in self._connections:
            connection.close()

    def trip(self, channel: int, what: str) -> None:
        """A protection switches an output off."""
        with self._lock:
            self.outputs[channel].tripped.add(what)

    def take(self, messages: list[str]) -> None:
        """As if a second hand had sent these messages over a connection of its own."""
        for message in messages:
            with self._lock:
                self._message(message)

    # -- the wire --------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), name=f"strict-{self.family.name}-session")
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while data := connection.recv(4096):
                answers, held = self.hear(held, data)
                for answer in answers:
                    connection.sendall(answer)
        if held:
            self.rude.append(f"not ended: {held!r}")

    def hear(self, held: bytes, data: bytes) -> tuple[list[bytes], bytes]:
        """Bytes have come behind `held`: the answers, and what is no whole message yet."""
        self.raw += data
        end = self.family.ends[0]
        *messages, rest = (held + data).split(end) if end else [*self._known_in(held + data), b""]
        answers = [self._timely(message.decode("ascii", "replace")) for message in messages]
        return [answer for answer in answers if answer], rest

    def _known_in(self, data: bytes) -> Iterator[bytes]:
        """The commands in bytes that no end parts: the longest known one each time."""
        text = data.decode("ascii", "replace")
        while text:
            found = [match for pattern, _ in self.family.table if (match := pattern.match(text))]
            length = max((match.end() for match in found), default=len(text))
            yield text[:length].encode("ascii", "replace")
            text = text[length:]

    def _timely(self, message: str) -> bytes:
        with self._lock:
            now = time.monotonic()
            if now - self._last < self.gap * HURRY:
                self.rude.append(f"too soon after the last: {message!r}")
            answer = self._message(message)
            self._last = time.monotonic()
            return answer

    def _message(self, message: str) -> bytes:
        if not message.isprintable() or message != message.strip():
            self.rude.append(f"framed wrongly: {message!r}")
        units = message.split(";")
        if len(units) > 1 and not self.family.joins:
            self.rude.append(f"two commands in one message: {message!r}")
        for unit in units[1:]:
            if not unit.startswith((":", "*")):
                self.rude.append(f"{unit!r} is taken relative to what stands before it in {message!r}")
        return b"".join(self._unit(unit) for unit in units)

    def _unit(self, unit: str) -> bytes:
        self.units.append(unit)
        for pattern, handler in self.family.table:
            found = pattern.fullmatch(unit)
            if found is None:
                continue
            try:
                answer = None if self.deaf and "?" not in unit else handler(self, found)
            except Refused as refused:
                self.errors.append((int(refused.args[0]), str(refused.args[1])))
                self.status |= 0x10
                return b""
            if answer is None:
                return b""
            data = answer if isinstance(answer, bytes) else answer.encode("ascii")
            return self.garble(unit, data + self.family.ends[1])
        self.unknown.append(unit)
        self.errors.append((-113, "Undefined header"))
        self.status |= 0x20
        return b""
