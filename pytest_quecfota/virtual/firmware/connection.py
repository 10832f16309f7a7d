"""The QuecThing connection: AT+QIOTREG, the states of AT+QIOTSTATE, its events, back-off.

First activation: authenticate (1,10200), register (2,10200), subscribe (3,10200); later without the first. Mode 1
connects by hand and is 0 after a reset, mode 2 connects at every power-on. Sources: QuecThing IOT docs (events,
states), SDK 2.9.0 (modes, back-off).
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
from typing import TYPE_CHECKING, Any

from ..south import NetworkLost, Refused

if TYPE_CHECKING:
    from .core import Firmware

#: Module seconds the module waits for the network before a try counts as failed.
_NETWORK_WAIT = 60.0
#: Module seconds between 3,10200 and the reports that were kept back (SDK 2.9.0).
_REPORT_DELAY = 1.0
_DISCONNECT_WAIT = 5.0
#: After more consecutive failures than this, one long pause with a restart of the network (SDK 2.9.0).
_PATIENCE, _LONG_PAUSE = 6, 1800.0

NETWORK_ERROR, SECRET_WRONG, SESSION_LOST = 10474, 10430, 10473

#: Seconds of the first pause by class of error (SDK 2.9.0); None: no further try. Which code is in which class is our choice.
_PAUSES: dict[int, float | None] = {
    **dict.fromkeys((10450, 10473, 10474, 10476), 1.0),
    **dict.fromkeys((10404, 10478, 10500), 30.0),
    **dict.fromkeys((10475,), 300.0),
    **dict.fromkeys(
        (10421, 10422, 10423, 10424, 10425, 10427, 10430, 10431, 10433, 10434, 10437, 10438, 10440, 10477), None
    ),
}
_DEFAULT_PAUSE = 600.0


class State(enum.IntEnum):
    """What AT+QIOTSTATE? prints."""

    UNINITIALISED = 0
    INITIALISED = 1
    AUTHENTICATING = 2
    AUTHENTICATED = 3
    AUTHENTICATION_FAILED = 4
    REGISTERING = 5
    REGISTERED = 6
    REGISTRATION_FAILED = 7
    SUBSCRIBED = 8
    SUBSCRIPTION_FAILED = 9
    DEREGISTERING = 10
    DEREGISTERED = 11
    DEREGISTRATION_FAILED = 12


class _Failed(Exception):
    """A step failed: event type, code, and the state it leaves behind."""

    def __init__(self, event: int, code: int, state: State) -> None:
        super().__init__(event, code)
        self.event, self.code, self.state = event, code, state


class Connection:
    """The connection of one run of the firmware. `state` is what AT+QIOTSTATE shows."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware
        self._board = firmware.board
        self._config = firmware.config
        self._south = firmware.board.south
        self._task: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self.state = State.INITIALISED

    @property
    def online(self) -> bool:
        """Whether data can be exchanged now."""
        return self.state is State.SUBSCRIBED

    @property
    def mode(self) -> int:
        """AT+QIOTREG as it is in force."""
        return self._config.mode

    async def wake(self) -> None:
        """The first thing after power-on, before any command: mode 1 becomes 0."""
        if self.mode == 1 and not self._board.defects.active("reconnects-in-mode-1"):
            await self._config.set_mode(0)

    def start(self) -> None:
        """Connect by itself where the mode says so (and no command has begun to)."""
        if self.mode and not self._task and not self._board.defects.active("stays-offline"):
            self._begin()

    async def set_mode(self, mode: int) -> bool:
        """AT+QIOTREG=<mode>; False where it cannot be done (nothing configured)."""
        if mode == self.mode:
            return True
        if mode and not self._config.complete and not self._board.defects.active("connects-without-keys"):
            return False
        was = self.mode
        await self._config.set_mode(mode)
        if mode == 0:
            self._end()
        elif was == 0:
            self._begin()
        return True

    def facts(self) -> dict[str, Any]:
        """What connect, request and report tell the platform about versions and condition."""
        return {
            "model": self._board.data.model,
            "module_version": self._firmware.version,
            "mcu_versions": self._config.mcu_versions,
            "status": {**self._board.status(), "free_space": self._firmware.memory.capacity},
        }

    async def tell_platform(self) -> bool:
        """Report versions and condition; False where that did not get through."""
        await self._exchange()
        try:
            await self._south.report(self.facts())
        except NetworkLost:
            return False
        except Refused as refused:
            if refused.code == SESSION_LOST:
                self.session_lost(refused.code)
            return False
        return True

    def session_lost(self, code: int) -> None:
        """Another exchange learnt that the session is gone: connect anew."""
        if self.online and self._task:
            self._drop(code)
            self._task.cancel()
            self._begin(failures=1)

    def _begin(self, failures: int = 0) -> None:
        self._task = self._firmware.start(self._stay_connected(self._closing, failures))

    def _end(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None
        self.state = State.DEREGISTERING
        self._firmware.gateway.drop_all()
        self._closing = self._firmware.start(self._deregister())

    async def _deregister(self) -> None:
        if self._south.session:
            with contextlib.suppress(NetworkLost, Refused, asyncio.TimeoutError):
                await self._board.clock.wait_for(self._south.disconnect(), _DISCONNECT_WAIT)
            await self._exchange()
        self.state = State.DEREGISTERED
        self._firmware.event(6, 10200)

    async def _stay_connected(self, closing: asyncio.Task[None] | None, failures: int) -> None:
        if closing:
            await asyncio.wait({closing})
        pause = self._pause(NETWORK_ERROR, failures) if failures else 0.0
        while pause is not None:
            if failures:
                await self._firmware.modem.until_registered()
                await self._board.clock.sleep_background(pause)
            try:
                await self._connect()
                failures = 0
                await self._listen()
            except _Failed as failed:
                self._drop(failed.code, failed.event, failed.state)
                if failed.code == SECRET_WRONG:
                    await self._config.keep_secret("")
                failures += 1
                pause = self._pause(failed.code, failures)
                if pause == _LONG_PAUSE:
                    self._firmware.modem.restart_network()

    def _drop(self, code: int, event: int = 2, state: State = State.REGISTRATION_FAILED) -> None:
        unseen = code == NETWORK_ERROR and self._board.defects.active("lost-network-unseen")
        self._south.session = None
        self.state = state
        self._firmware.gateway.drop_all()
        if not unseen:
            self._firmware.event(event, code)

    def _pause(self, code: int, failures: int) -> float | None:
        base = _PAUSES.get(code, _DEFAULT_PAUSE)
        if base is None:
            return None
        if failures > _PATIENCE:
            return _LONG_PAUSE
        return base * failures + self._board.rng.uniform(-0.5, 1.5)

    async def _connect(self) -> None:
        modem, clock = self._firmware.modem, self._board.clock
        try:
            await clock.wait_for(modem.until_registered(), _NETWORK_WAIT)
        except asyncio.TimeoutError:
            raise _Failed(2, NETWORK_ERROR, State.REGISTRATION_FAILED) from None
        if not self._config.secret:
            await self._authenticate()
        await self._register()
        await self._exchange()
        self.state = State.SUBSCRIBED
        if not self._board.defects.active("skips-subscription"):
            self._firmware.event(3, 10200)
        self._firmware.start(self._after_subscription())

    async def _authenticate(self) -> None:
        config = self._config
        self.state = State.AUTHENTICATING
        await self._exchange()
        work = self._south.authenticate(config.get("pk"), config.get("ps"), config.device_key)
        secret = await self._step(work, 1, State.AUTHENTICATION_FAILED)
        await config.keep_secret(secret)
        self.state = State.AUTHENTICATED
        self._firmware.event(1, 10200)

    async def _register(self) -> None:
        config = self._config
        self.state = State.REGISTERING
        await self._exchange()
        work = self._south.connect(config.get("pk"), config.device_key, config.secret, self.facts())
        await self._step(work, 2, State.REGISTRATION_FAILED)
        self.state = State.REGISTERED
        self._firmware.event(2, 10200)

    async def _step(self, work: Any, event: int, state: State) -> Any:
        try:
            return await work
        except Refused as refused:
            code = 10450 if self._board.defects.active("one-refusal-code") else refused.code
            raise _Failed(event, code, state) from None
        except NetworkLost:
            raise _Failed(event, 10450 if event == 1 else NETWORK_ERROR, state) from None

    async def _exchange(self) -> None:
        """One exchange with the network takes its time and its current."""
        with self._board.load.during("transmit"):
            await self._board.clock.sleep(self._board.data.network.latency)

    async def _after_subscription(self) -> None:
        await self._board.clock.sleep(_REPORT_DELAY)
        if self.online:
            await self._firmware.upgrades.connected()

    async def _listen(self) -> None:
        """Take what the platform pushes until the network or the session is gone."""
        lost = asyncio.ensure_future(self._firmware.modem.until_lost())
        poll: asyncio.Future[list[dict[str, Any]]] | None = None
        try:
            while True:
                poll = asyncio.ensure_future(self._south.messages())
                await asyncio.wait({lost, poll}, return_when=asyncio.FIRST_COMPLETED)
                if not poll.done():
                    raise _Failed(2, NETWORK_ERROR, State.REGISTRATION_FAILED)
                for message in await self._step(poll, 2, State.REGISTRATION_FAILED):
                    await self._take(message)
        finally:
            lost.cancel()
            if poll:
                poll.cancel()

    async def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "disconnect":
            raise _Failed(2, int(message["code"]), State.REGISTRATION_FAILED)
        if message["type"] == "plan":
            await self._firmware.upgrades.offered(message["tasks"])
        elif message["type"] == "cancel":
            await self._firmware.upgrades.cancelled(str(message["task"]))
        else:
            self._firmware.mailbox.take(message)
