"""A virtual supply on a rail, and plain SCPI clients of it, all on one loop: what the tests of the supply are made with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from pytest_quecfota.virtual import loop
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.rail import Rail
from pytest_quecfota.virtual.supply import Supply
from pytest_quecfota.virtual.supply_options import SupplyOptions

E36300, HMP, NGX, DP800, SPD = "keysight-e36300", "rs-hmp4040", "rs-ngx", "rigol-dp800", "siglent-spd3303x"
PROFILES = (E36300, HMP, NGX, DP800, SPD)


class Client:
    """A plain SCPI client on the bench's loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, message: str) -> None:
        """A message; nothing is waited for."""
        self._writer.write(message.encode() + b"\n")

    def send_bytes(self, data: bytes) -> None:
        """Anything at all."""
        self._writer.write(data)

    async def read(self) -> str:
        """One answer."""
        return (await self._reader.readline()).decode().strip()

    async def ask(self, message: str) -> str:
        """A message and its answer."""
        self.send(message)
        return await self.read()

    async def error(self) -> int:
        """The number of the oldest error, in any dialect."""
        return int((await self.ask("SYST:ERR?")).replace(" ", ",").split(",")[0])

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


class Bench:
    """A supply on a rail, and clients of it."""

    def __init__(self, clock: Clock, profile: str, options: SupplyOptions, rail: dict[str, float]) -> None:
        self.clock = clock
        self.rail = Rail(clock, **{"threshold": 2.1, **rail})
        self.supply = Supply(clock, self.rail, profile, options=options)
        self.clients: list[Client] = []
        self.events: list[tuple[str, float]] = []
        self.rail.on_brown_out(lambda: self.events.append(("down", clock.now())))
        self.rail.on_power_good(lambda: self.events.append(("up", clock.now())))

    async def client(self) -> Client:
        """One more client."""
        _, host, port, _ = self.supply.address.split("::")
        self.clients.append(Client(*await asyncio.open_connection(host, int(port))))
        return self.clients[-1]


@asynccontextmanager
async def bench(clock: Clock, profile: str, options: SupplyOptions, rail: dict[str, float]) -> AsyncIterator[Bench]:
    made = Bench(clock, profile, options, rail)
    await made.supply.start()
    made.supply.power_on(3.3, 1.0)
    made.rail.set_load(0.05)
    await clock.sleep(1)
    try:
        yield made
    finally:
        for client in made.clients:
            await client.close()
        await made.supply.close()
        made.rail.close()


def run(
    body: Callable[[Bench, Client], Coroutine[Any, Any, Any]],
    *,
    profile: str = "keysight-e36300",
    speed: Any = "max",
    rail: dict[str, float] | None = None,
    **options: Any,
) -> Any:
    """What `body` returns for a fresh bench whose supply gives 3.3 V, 1 A and whose module draws 50 mA."""
    clock = Clock(speed)

    async def whole() -> Any:
        async with bench(clock, profile, SupplyOptions(**options), rail or {}) as made:
            return await body(made, await made.client())

    return loop.run(whole(), clock)
