"""The virtual supply: an instrument with several outputs, one of which powers the module, behind a SCPI socket.

The socket server (`Supply.start`) makes one `supply_session.Session` per client; a session reads messages as the dialect
says and works on the instrument here. Output levels go to the module's rail; list and step transients run on the bench's
clock. Its identity says that it is virtual.
"""

from __future__ import annotations

import asyncio
import random
import socket
from typing import TYPE_CHECKING

from . import dialect as dialects
from .channel import Channel
from .clock import Clock
from .dialect import Dialect
from .outlet import NothingConnected, Outlet
from .rail import Rail
from .scpi import ScpiError
from .supply_options import SupplyOptions
from .supply_sequence import Sequence
from .supply_status import ErrorQueue, Status

if TYPE_CHECKING:
    from .hislip import Clients
    from .supply_session import Session

STATES = range(10)
"""Numbers of the places *SAV keeps the settings in."""


class Supply:
    """One instrument of a dialect (`profile`), whose output number `channel` feeds `rail`; `options` make it slow, weak or noisy.

    Errors: `dialect.DialectError` for an unknown profile, ValueError for an output it does not have. Plain settings: the output
    that commands without a channel mean, the text on the display.
    """

    dialect: Dialect
    status: Status
    sequence: Sequence
    selected: int
    display_text: str

    def __init__(
        self,
        clock: Clock,
        rail: Rail,
        profile: str = "keysight-e36300",
        *,
        channel: int = 1,
        options: SupplyOptions | None = None,
        seed: int = 1,
    ) -> None:
        self.dialect = dialects.load(profile)
        if channel not in self.dialect.ratings:
            raise ValueError(f"a {profile} has outputs {sorted(self.dialect.ratings)}, not {channel}")
        if options is not None and options.transport == "hislip" and not self.dialect.has_hislip:
            raise ValueError(f"a {profile} has no HiSLIP")
        self.clock = clock
        self.options = options or SupplyOptions()
        self._rng = random.Random(seed)
        self.selected = min(self.dialect.ratings)
        self.remote = False
        self.display_text = ""
        self._waiters: list[asyncio.Future[None]] = []
        self.channels: dict[int, Channel] = {}
        for number, rating in self.dialect.ratings.items():
            outlet: Outlet = rail if number == channel else NothingConnected()
            self.channels[number] = Channel(number, rating, clock, outlet, self._changed, self.options, self._rng)
        self.main = self.channels[channel]
        rail.meter.aperture = self.dialect.aperture if self.options.aperture is None else self.options.aperture
        rail.on_change(self.main.load_changed)
        self._own_errors = ErrorQueue(self.dialect.error_queue_size)
        self.status = Status(self.channels, self._own_errors)
        self.sequence = Sequence(self.channels, self.dialect.sequence_columns)
        self._states: dict[int, dict[int, tuple[float, float, float, bool]]] = {}
        self._master = not self.dialect.has_master_switch
        self.master = self._master
        self._sessions: set[Session] = set()
        self._clients: Clients | None = None
        self._server: asyncio.Server | None = None

    # -- the socket ----------------------------------------------------------------------------------------------

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen for clients. Raises OSError."""
        from .supply_session import Session

        loop = asyncio.get_running_loop()
        if self.options.transport == "hislip":
            from .hislip import Clients

            self._clients = Clients(self)
            self._server = await loop.create_server(self._clients.connection, host, port)
        else:
            self._server = await loop.create_server(lambda: Session(self, self._sessions), host, port)

    @property
    def address(self) -> str:
        """The VISA address clients reach it at."""
        if self._server is None or not self._server.sockets:
            raise RuntimeError("the supply is not listening")
        listening: socket.socket = self._server.sockets[0]
        host, port = listening.getsockname()[:2]
        hislip = self.options.transport == "hislip"
        return f"TCPIP::{host}::hislip0,{port}::INSTR" if hislip else f"TCPIP::{host}::{port}::SOCKET"

    async def close(self) -> None:
        """Disconnect all clients and stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for session in list(self._sessions):
            session.abort()
        if self._clients is not None:
            self._clients.close()
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
        error = self.status.errors.take() or ScpiError(0, "No error")
        return self.dialect.error_format.format(code=error.code, text=error.text)

    @property
    def scpi_version(self) -> str:
        """Year of the standard."""
        return "1999.0"

    def limits(self, name: str) -> tuple[float, float] | None:
        """The smallest and largest value a numeric setting of the instrument takes; None where there is no bound."""
        if name.startswith("sequence."):
            return self.sequence.limits(name)
        return (min(self.channels), max(self.channels)) if name == "selected" else None

    def default(self, name: str) -> float | None:
        """What DEF stands for: the value after *RST."""
        return {"selected": float(min(self.channels)), "sequence.count": 1.0}.get(name)

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

    # -- common commands -----------------------------------------------------------------------------------------

    def reset(self) -> None:
        """*RST: outputs off, levels and protection at their defaults."""
        for channel in self.channels.values():
            channel.reset()
        self.selected = min(self.channels)
        self.master = not self.dialect.has_master_switch
        self.sequence.reset()
        self._changed()

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
        self.status.await_completion()
        self._changed()

    def save_state(self, slot: int) -> None:
        """*SAV: keep levels, protection and switches. Raises ScpiError (-222)."""
        if slot not in STATES:
            raise ScpiError(-222)
        self._states[slot] = {
            number: (channel.voltage, channel.current, channel.protection.ovp, channel.output)
            for number, channel in self.channels.items()
        }

    def recall_state(self, slot: int) -> None:
        """*RCL: take them again; with nothing kept there it does nothing. Raises ScpiError (-222)."""
        if slot not in STATES:
            raise ScpiError(-222)
        for number, (volts, amps, ovp, on) in self._states.get(slot, {}).items():
            channel = self.channels[number]
            channel.protection.ovp = ovp
            channel.applied = (volts, amps)
            channel.output = on

    # -- for sessions --------------------------------------------------------------------------------------------

    def new_error_queue(self) -> ErrorQueue:
        """The queue of a client that has just come: its own, or the one for all."""
        own = self.dialect.error_queue_per_session
        return ErrorQueue(self.dialect.error_queue_size) if own else self._own_errors

    @property
    def latency(self) -> float:
        """Module seconds the next message takes."""
        jitter = self.options.latency_jitter
        return self.options.latency + (self._rng.uniform(0.0, jitter) if jitter else 0.0)

    @property
    def busy(self) -> bool:
        """Whether a triggered action is running on any output."""
        return any(channel.program.busy for channel in self.channels.values())

    def when_complete(self) -> asyncio.Future[None] | None:
        """What to wait for before *OPC? may answer; None if nothing is pending."""
        if not (self.dialect.opc_waits_for_transients and self.busy):
            return None
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        return waiter

    def _changed(self) -> None:
        self._waiters = [waiter for waiter in self._waiters if not waiter.done()]
        if self.busy:
            return
        self.status.completed()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.set_result(None)
