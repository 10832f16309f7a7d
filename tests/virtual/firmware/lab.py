"""One virtual module in this process, on a rail the test switches and a platform it scripts; the test holds its port."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import random
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from fake_platform import FakePlatform
from strict_client import Strict

from pytest_quecfota.virtual import image
from pytest_quecfota.virtual.boot import Updater
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.defects import Defects
from pytest_quecfota.virtual.firmware.board import Board
from pytest_quecfota.virtual.firmware.module import Module, Truth
from pytest_quecfota.virtual.flash import Flash, immediately
from pytest_quecfota.virtual.layout import divide
from pytest_quecfota.virtual.loop import new_event_loop
from pytest_quecfota.virtual.models import load
from pytest_quecfota.virtual.nvm import Nvm
from pytest_quecfota.virtual.outside import Outside
from pytest_quecfota.virtual.ports import PtyPort
from pytest_quecfota.virtual.power import Battery, Load
from pytest_quecfota.virtual.radio import Radio
from pytest_quecfota.virtual.rail import Rail
from pytest_quecfota.virtual.south import South
from pytest_quecfota.virtual.uart import LineFaults, Uart

T = TypeVar("T")
IMEI = "004401990000016"
SIZE = 20_000


@functools.cache
def make(version: str, model: str = "BC25", size: int = SIZE) -> bytes:
    """A firmware image."""
    return image.build(model, version, size=size)


class Lab:
    """A module with its surroundings, at speed `max` unless said otherwise. Not powered yet: `power(True)`."""

    def __init__(self, folder: Path, platform: FakePlatform, model: str = "BC25", **settings: Any) -> None:
        self.platform = platform
        self.settings = settings
        self.data = load(model, overrides=settings.get("profile"))
        self.clock = Clock(settings.get("speed", "max"))
        self._loop = new_event_loop(self.clock)
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.outside = Outside()
        self._closed: asyncio.Event | None = None
        self.on_loop(self._build, folder)
        self.client = Strict(self.uart.url)

    def _build(self, folder: Path) -> None:
        rng = random.Random(1)
        self.flash = Flash(None, 1 << 20, seed=1)
        self.layout = divide(self.flash)
        immediately(
            Updater(self.flash, self.layout, model=self.data.model).install_factory(make("V1", self.data.model))
        )
        if "nvm" in self.settings:
            nvm = Nvm(self.flash, self.layout.nvm.base, self.layout.nvm.size)
            immediately(nvm.update(self.settings["nvm"]))
        self.flash.clock = self.clock
        self.rail = Rail(self.clock, **self.data.rail)
        self.radio = Radio(-85, rng)
        self.defects = Defects(self.settings.get("defects", ()))
        self.faults = LineFaults(rng)
        self.uart = Uart(self.clock, PtyPort(self._loop, folder / "module"), 115200, self.faults)
        self.uart.open()
        self.south = South(self.outside, self.clock, self.radio, self.platform.url)
        board = Board(
            clock=self.clock,
            uart=self.uart,
            radio=self.radio,
            load=Load(self.rail, self.data.currents),
            battery=Battery(self.rail, self.data.battery["empty"], self.data.battery["full"]),
            south=self.south,
            defects=self.defects,
            data=self.data,
            imei=IMEI,
            rng=rng,
            rail=self.rail,
        )
        self.module = Module(board, self.flash, self.layout)
        self.rail.on_power_good(self.module.power_good)
        self.rail.on_brown_out(self.module.brown_out)

    def on_loop(self, action: Callable[..., T], *values: Any) -> T:
        """Call a function on the bench's loop."""

        async def call() -> T:
            return action(*values)

        return self.wait(call())

    def wait(self, work: Awaitable[T], seconds: float = 10.0) -> T:
        """Run a coroutine on the bench's loop to its end."""

        async def run() -> T:
            return await work

        future: concurrent.futures.Future[T] = asyncio.run_coroutine_threadsafe(run(), self._loop)
        return future.result(seconds)

    def power(self, on: bool, volts: float = 3.3) -> None:
        """Switch the supply."""
        self.on_loop(lambda: self.rail.set_source(volts, on, 2.0, off_sink_current=5.0))
        if not on:
            self.step(1)

    def step(self, seconds: float) -> None:
        """Step the clock."""
        self.wait(self.clock.step(seconds))

    def truth_now(self) -> Truth:
        """The truth, asked from the bench's loop."""
        return self.module.truth()

    def truth(self) -> Truth:
        """The truth, asked from the test's thread."""
        return self.on_loop(self.module.truth)

    def wait_for_state(self, ota: str, seconds: float = 3.0) -> None:
        """Wait until an upgrade has come to that state; `truth` says where it is where that fails."""
        deadline = time.monotonic() + seconds
        while self.truth().ota != ota and time.monotonic() < deadline:
            self.client.silence(0.01)

    def boot(self, last: bytes = rb"\+CPIN: READY\r\n") -> bytes:
        """Switch on and wait for the last boot line."""
        self.power(True)
        return self.client.until(last)

    def online(self, mode: int = 1) -> None:
        """Configure and connect for the first time."""
        self.client.ok('AT+QIOTCFG="productinfo","pk","ps"')
        self.client.ok(f"AT+QIOTREG={mode}")
        self.client.until(rb"\+QIOTEVT: 3,10200\r\n")

    def close(self) -> None:
        self.client.close()
        self.wait(self.module.close())
        self.on_loop(self.rail.close)
        self.on_loop(self.uart.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.south.close()
        self.outside.close()
        self._loop.close()
        self.flash.close()
        self.clock.close()
