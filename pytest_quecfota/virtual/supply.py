"""The virtual supply: an instrument with several outputs, one of which powers the module, behind a SCPI socket.

The socket server (`Supply.start`) makes one `supply_session.Session` per client; a session reads messages as the dialect
says and works on the instrument here. Output levels go to the module's rail; list and step transients run on the bench's
clock. Its identity says that it is virtual.
"""

from __future__ import annotations

import asyncio
import math
import socket
from typing import TYPE_CHECKING

from . import dialect as dialects
from .channel import Channel
from .clock import Clock
from .dialect import Dialect
from .outlet import NothingConnected, Outlet
from .rail import Rail
from .scpi import ScpiError
from .transient import Step

if TYPE_CHECKING:
    from .supply_session import Session


class Supply:
    """One instrument of a dialect (`profile`), whose output number `channel` feeds `rail`.

    `latency` is how long a message takes it (module seconds). Errors: `dialect.DialectError` for an unknown profile,
    ValueError for an output it does not have. Plain settings: the output that commands without a channel mean, the text on
    the display, the sequence (volts, amperes, seconds, …) for `sequence_transfer` and how often it plays (0: until stopped).
    """

    dialect: Dialect
    selected: int
    display_text: str
    event_enable: int
    request_enable: int
    sequence: list[float]
    sequence_count: int

    def __init__(
        self,
        clock: Clock,
        rail: Rail,
        profile: str = "keysight-e36300",
        *,
        channel: int = 1,
        latency: float = 0.0,
    ) -> None:
        self.dialect = dialects.load(profile)
        if channel not in self.dialect.ratings:
            raise ValueError(f"a {profile} has outputs {sorted(self.dialect.ratings)}, not {channel}")
        self.clock = clock
        self.latency = latency
        self.selected = min(self.dialect.ratings)
        self.remote = False
        self.display_text = ""
        self.event_status = 128
        self.event_enable = 0
        self.request_enable = 0
        self._opc_pending = False
        self._waiters: list[asyncio.Future[None]] = []
        self.channels: dict[int, Channel] = {}
        for number, rating in self.dialect.ratings.items():
            outlet: Outlet = rail if number == channel else NothingConnected()
            self.channels[number] = Channel(number, rating, clock, outlet, self._changed)
        self.main = self.channels[channel]
        self.sequence = []
        self.sequence_count = 1
        self._master = not self.dialect.has_master_switch
        self.master = self._master
        rail.on_change(self.main.load_changed)
        self.session: Session | None = None
        self.shared_errors: list[ScpiError] = []
        self._sessions: set[Session] = set()
        self._server: asyncio.Server | None = None

    # -- the socket ----------------------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen for clients. Raises OSError."""
        from .supply_session import Session

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Session(self, self._sessions), host, port)

    @property
    def address(self) -> str:
        """The VISA address clients reach it at."""
        if self._server is None or not self._server.sockets:
            raise RuntimeError("the supply is not listening")
        listening: socket.socket = self._server.sockets[0]
        host, port = listening.getsockname()[:2]
        return f"TCPIP::{host}::{port}::SOCKET"

    async def close(self) -> None:
        """Disconnect all clients and stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in list(self._sessions):
            session.abort()
        for channel in self.channels.values():
            channel.close()

    def power_on(self, voltage: float, current_limit: float) -> None:
        """Begin with the module's output on, at these settings (V, A), as someone left the bench."""
        self.main.applied = (voltage, current_limit)
        self.main.output = True
        self.master = True

    # -- what dialects name --------------------------------------------------------------------------------------

    @property
    def selected_word(self) -> str:
        """The selected output by its name."""
        return next(word for word, number in self.dialect.channel_words.items() if number == self.selected)

    @selected_word.setter
    def selected_word(self, word: str) -> None:
        self.selected = self.dialect.channel_words[word]

    @property
    def next_error(self) -> str:
        """The oldest error of the queue, which forgets it."""
        queue = self.errors
        error = queue.pop(0) if queue else ScpiError(0, "No error")
        return self.dialect.error_format.format(code=error.code, text=error.text)

    @property
    def scpi_version(self) -> str:
        """Year of the standard."""
        return "1999.0"

    def limits(self, name: str) -> tuple[float, float] | None:
        """The smallest and largest value a numeric setting of the instrument takes; None where there is no bound."""
        return {"selected": (min(self.channels), max(self.channels)), "sequence_count": (0, 255)}.get(name)

    def go_remote(self) -> None:
        """Take commands from remote (some dialects ask for it)."""
        self.remote = True

    def go_local(self) -> None:
        """Give the front panel back."""
        self.remote = False

    def beep(self) -> None:
        """Nobody hears it."""

    def clear_display(self) -> None:
        """Show what is normally shown."""
        self.display_text = ""

    @property
    def master(self) -> bool:
        """The switch of all outputs together, where the dialect has one; else always on."""
        return self._master

    @master.setter
    def master(self, on: bool) -> None:
        self._master = on
        for channel in self.channels.values():
            channel.gate(on)

    def switch_selected(self, on: bool) -> None:
        """Turn the selected output on with the master switch, or off without it."""
        self.channels[self.selected].output = on
        self.master = self.master or on

    def sequence_transfer(self, number: int) -> None:
        """Give the sequence to an output. Raises ScpiError (-221) where it is no rows of volts, amperes, seconds, (-222) where
        these are out of range, or there is no such output."""
        channel = self._channel(number)
        if not self.sequence or len(self.sequence) % 3 or len(self.sequence) > 3 * channel.rating.list_steps:
            raise ScpiError(-221)
        flat = self.sequence
        for values, name in ((flat[0::3], "voltage"), (flat[1::3], "current"), (flat[2::3], "list_dwell")):
            low, high = channel.limits(name) or (0.0, 0.0)
            if not all(low <= value <= high for value in values):
                raise ScpiError(-222)
        rows = [Step(seconds, volts, amps) for volts, amps, seconds in zip(*[iter(flat)] * 3, strict=True)]
        channel.program.load_rows(rows, self.sequence_count or math.inf)

    def sequence_start(self, number: int) -> None:
        """Play what was given to an output."""
        self._channel(number).program.playing_rows = True

    def sequence_stop(self, number: int) -> None:
        """Stop that."""
        self._channel(number).program.playing_rows = False

    def sequence_clear(self) -> None:
        """Forget the sequence."""
        self.sequence = []

    def _channel(self, number: int) -> Channel:
        try:
            return self.channels[number]
        except KeyError:
            raise ScpiError(-222) from None

    @property
    def status_word(self) -> int:
        """Bits 0, 1: outputs 1, 2 fold back; 2: they are independent; 4, 5: they are on; 6, 7: they play a table."""
        word = 1 << 2
        for bit, channel in enumerate(list(self.channels.values())[:2]):
            word |= channel.constant_current << bit | channel.output << 4 + bit | channel.program.busy << 6 + bit
        return word

    @property
    def questionable_condition(self) -> int:
        """Bit 0: an output tripped on voltage; 1: on current; 9 on: constant current of output 1, 2, …"""
        over_voltage = any(channel.ovp_tripped for channel in self.channels.values())
        over_current = any(channel.ocp_tripped for channel in self.channels.values())
        limiting = sum(1 << (8 + number) for number, channel in self.channels.items() if channel.constant_current)
        return over_voltage | over_current << 1 | limiting

    @property
    def questionable_event(self) -> int:
        """The same; nothing is latched."""
        return self.questionable_condition

    @property
    def operation_condition(self) -> int:
        """Bit 5: an output waits for a trigger; bit 6: a transient is running."""
        armed = any(channel.program.armed for channel in self.channels.values())
        return armed << 5 | self.busy << 6

    # -- common commands -----------------------------------------------------------------------------------------

    def reset(self) -> None:
        """*RST: outputs off, levels and protection at their defaults."""
        for channel in self.channels.values():
            channel.reset()
        self.selected = min(self.channels)
        self.master = not self.dialect.has_master_switch
        self.sequence_clear()
        self.sequence_count = 1
        self._changed()

    def clear_status(self) -> None:
        """*CLS: empties the error queue and the event registers."""
        self.errors.clear()
        self.event_status = 0
        self._opc_pending = False

    def trigger(self) -> None:
        """*TRG: triggers every output that waits for the bus. Raises ScpiError (-211) where none does."""
        programs = [channel.program for channel in self.channels.values()]
        armed = [program for program in programs if program.armed and program.trigger_source == "BUS"]
        if not armed:
            raise ScpiError(-211)
        for program in armed:
            program.trigger()

    def operation_complete(self) -> None:
        """*OPC: sets its bit once nothing is pending."""
        self._opc_pending = True
        self._changed()

    def read_event_status(self) -> int:
        """*ESR?: the register, which it clears."""
        value, self.event_status = self.event_status, 0
        return value

    @property
    def status_byte(self) -> int:
        """*STB?: bit 2 errors, 3 questionable, 5 event status, 6 request."""
        byte = bool(self.errors) << 2 | bool(self.questionable_condition) << 3
        byte |= bool(self.event_status & self.event_enable) << 5
        return byte | bool(byte & self.request_enable & ~64) << 6

    # -- for sessions --------------------------------------------------------------------------------------------

    @property
    def errors(self) -> list[ScpiError]:
        """The error queue that counts for the session being served."""
        if self.dialect.error_queue_per_session and self.session is not None:
            return self.session.errors
        return self.shared_errors

    @property
    def busy(self) -> bool:
        """Whether a triggered action is running on any output."""
        return any(channel.program.busy for channel in self.channels.values())

    def report(self, error: ScpiError) -> None:
        """Queue an error and set its class's bit in the event status register."""
        queue = self.errors
        if len(queue) >= self.dialect.error_queue_size:
            queue[-1] = ScpiError(-350)
        else:
            queue.append(error)
        self.event_status |= {1: 32, 2: 16, 3: 8, 4: 4}.get(-error.code // 100, 8)

    def when_complete(self) -> asyncio.Future[None] | None:
        """What to wait for before *OPC? may answer; None if nothing is pending."""
        if not (self.dialect.opc_waits_for_transients and self.busy):
            return None
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def _changed(self) -> None:
        if self.busy:
            return
        if self._opc_pending:
            self._opc_pending = False
            self.event_status |= 1
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
