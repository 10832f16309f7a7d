"""The bench: everything a document names, built, wired together, announced, and ended without a trace.

Supply -> rail -> module, module -> pty, module -> Developer Center, and the control API beside them. One `Bench`
lives in one process on one `loop.BenchLoop`; `serve` is its whole life.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import Awaitable, Callable
from typing import Any

from . import image
from .boot import Updater
from .center import Center
from .clock import Clock
from .control import Control
from .defects import Defects
from .document import Document, speed_of
from .firmware.board import Board
from .firmware.module import Module
from .flash import Flash, Timings, immediately
from .layout import divide
from .models import ModelData, load
from .outside import Outside
from .ports import Port, PtyPort, SocketPort
from .power import Battery, Load
from .radio import Radio
from .rail import Rail
from .south import South
from .supply import Supply
from .uart import LineFaults, Uart
from .workspace import Workspace

_FLASH_SIZE = 4 << 20
_CENTER_SECONDS = 20.0
_POWER_GOOD_SECONDS = 2.0
#: Test IMEIs: reporting body 00, a type allocation of its own, the serial number from the bench's seed (GSMA TS.06).
_TEST_TAC = "00440199"


class Bench:
    """All parts of one bench. Built by `start`, ended by `close`; `ready` is what it announces."""

    def __init__(self, document: Document, workspace: Workspace, clock: Clock, center: Center) -> None:
        self._document = document
        self._workspace = workspace
        self._clock = clock
        self._center = center
        self._closers: list[Callable[[], Awaitable[None] | None]] = []
        self.ready: dict[str, Any] = {}

    async def start(self) -> None:
        """Build and wire everything; returns with the module powered and booting."""
        document, rng = self._document, random.Random(self._document.seed)
        data = load(document.module.model, flavour=document.module.flavour, overrides=document.module.profile)
        outside = self._owned(Outside(), Outside.close)
        self._control = Control(outside, self, asyncio.get_running_loop())
        self._closers.append(self._control.stop)
        serving = asyncio.ensure_future(self._control.start())
        self._rail = self._owned(Rail(self._clock, **{**data.rail, **document.rail}), Rail.close)
        self._supply = Supply(
            self._clock,
            self._rail,
            document.supply.profile,
            channel=document.supply.channel,
            options=document.supply.options,
            seed=document.seed,
        )
        await self._supply.start()
        self._closers.append(self._supply.close)
        self._radio = Radio(document.radio.signal_dbm, rng)
        self._defects = Defects(document.defects)
        self._faults = LineFaults(rng)
        flash = self._flash(data)
        pk, ps = await self._product(outside)
        south = self._owned(South(outside, self._clock, self._radio, self._center.url), South.close)
        uart = self._owned(Uart(self._clock, self._port(), document.module.baudrate, self._faults), Uart.close)
        uart.open()
        board = Board(
            clock=self._clock,
            uart=uart,
            radio=self._radio,
            load=self._owned(Load(self._rail, data.currents, data.bursts, self._clock), Load.close),
            battery=Battery(self._rail, data.battery["empty"], data.battery["full"], document.battery_percent),
            south=south,
            defects=self._defects,
            data=data,
            imei=document.module.imei or test_imei(document.seed),
            rng=rng,
            rail=self._rail,
        )
        self._module = Module(board, flash, divide(flash))
        self._closers.append(self._module.close)
        self._rail.on_brown_out(self._module.brown_out)
        powered = asyncio.Event()
        self._rail.on_power_good(self._module.power_good)
        self._rail.on_power_good(powered.set)
        self._supply.power_on(document.supply.nominal.voltage, document.supply.nominal.current_limit)
        await serving
        with contextlib.suppress(asyncio.TimeoutError):  # a supply that is set too low powers nothing, and may
            await asyncio.wait_for(powered.wait(), _POWER_GOOD_SECONDS)
        self.ready = {
            "ready": True,
            "at": uart.url,
            "supply": self._supply.address,
            "developer_center": self._center.url,
            "token": self._center.token,
            "product_key": pk,
            "product_secret": ps,
            "device_key": board.imei,
            "control": self._control.url,
        }

    async def close(self) -> None:
        """End everything, the last first; what fails does not keep the rest from ending."""
        problems: list[Exception] = []
        while self._closers:
            try:
                ending = self._closers.pop()()
                if ending is not None:
                    await ending
            except Exception as problem:
                problems.append(problem)
        if problems:
            raise problems[0]

    # The knobs of the control API ----------------------------------------------------------------------------------

    async def truth(self) -> dict[str, Any]:
        """What is the case now."""
        return {**dataclasses.asdict(self._module.truth()), "voltage": self._rail.voltage(), "time": self._clock.now()}

    async def radio(self, signal_dbm: float | None, attached: bool | None, loss: float | None) -> dict[str, Any]:
        """Change the air."""
        self._radio.set(signal_dbm=signal_dbm, attached=attached, loss=loss)
        return {"signal_dbm": self._radio.signal_dbm, "attached": self._radio.attached, "loss": self._radio.loss}

    async def line(self, **faults: float | None) -> dict[str, Any]:
        """Change the noise on the serial line."""
        self._faults.set(**faults)
        return dict(self._faults.state())

    async def clock(self, speed: float | str | None, step: float | None) -> dict[str, Any]:
        """Change the clock's speed, then step it."""
        if speed is not None:
            self._clock.set_speed(speed_of(speed))
        if step:
            await self._clock.step(step)
        return {"now": self._clock.now(), "speed": "max" if self._clock.is_max else self._clock.speed}

    async def defects(self, names: list[str]) -> dict[str, Any]:
        """Give the module exactly these faults."""
        self._defects.replace(names)
        return {"names": list(self._defects.names)}

    # Building ------------------------------------------------------------------------------------------------------

    def _owned(self, part: Any, close: Callable[[Any], Awaitable[None] | None]) -> Any:
        self._closers.append(lambda: close(part))
        return part

    def _port(self) -> Port:
        loop = asyncio.get_running_loop()
        if self._document.module.transport == "socket":
            return SocketPort(loop)
        return PtyPort(loop, self._workspace.port)

    def _flash(self, data: ModelData) -> Flash:
        """The module's flash; a fresh one gets the factory's image."""
        path, size = self._workspace.flash, int(data.flash.get("size", _FLASH_SIZE))
        fresh = not path.exists()
        timings = Timings(**data.flash["timings"]) if "timings" in data.flash else None
        flash: Flash = self._owned(Flash(path, size, timings=timings, seed=self._document.seed), Flash.close)
        if fresh:
            version = self._document.module.initial_version
            factory = image.build(data.model, version)
            immediately(Updater(flash, divide(flash), model=data.model).install_factory(factory))
        flash.clock = self._clock
        return flash

    async def _product(self, outside: Outside) -> tuple[str, str]:
        await outside.call(None, asyncio.to_thread(self._center.ready), _CENTER_SECONDS)
        made = self._center.product(self._document.module, self._workspace.keys)
        return await outside.call(None, made, _CENTER_SECONDS)


def test_imei(seed: int) -> str:
    """An IMEI of the test range with a valid check digit, the same for the same seed."""
    body = f"{_TEST_TAC}{seed % 1_000_000:06d}"
    return body + str(luhn(body))


def luhn(digits: str) -> int:
    """The check digit of an IMEI or card number (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * 2 if index % 2 == 0 else int(digit) for index, digit in enumerate(reversed(digits)))
    return -sum(value // 10 + value % 10 for value in doubled) % 10


async def serve(
    document: Document,
    workspace: Workspace,
    clock: Clock,
    center: Center,
    announce: Callable[[dict[str, Any]], None],
    stop: asyncio.Event,
) -> None:
    """Bring a bench up, announce it, and end it when `stop` is set."""
    bench = Bench(document, workspace, clock, center)
    try:
        starting = asyncio.ensure_future(bench.start())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            announce(bench.ready)
            await stopping
        else:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
    finally:
        center.close()
        await bench.close()
