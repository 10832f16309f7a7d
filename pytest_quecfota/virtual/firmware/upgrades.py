"""The OTA state machine: offers, the host's decisions, one component after another, and what a restart does to each
state.

The host's commands (AT+QIOTOTAREQ, AT+QIOTUPDATE, AT+QIOTOTARD, AT+QIOTMCUVER) and the platform's messages come in
here; how one component is upgraded is in `module_update` and `mcu_update`. Source of the rules: QuecThing SDK 2.9.0,
states, timers and the table of resets.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..south import NetworkLost, Refused
from .mcu_update import McuUpdate
from .module_update import ModuleUpdate
from .outbox import SESSION_LOST, Outbox
from .plan import IN_TRANSFER, OPEN_FOR_PLANS, Record, Status, Task, offer_fields
from .plan import Firmware as Package

if TYPE_CHECKING:
    from .core import Firmware

_KEY = "ota"
#: Module seconds between confirming and the platform's answer with the file's address.
URL_WAIT = 30.0
_NO_MORE = 2 * URL_WAIT
#: Failed downloads in a row that end silently; the next one is told (7,10706).
SILENT_FAILURES = 5
_OFFER_AGAIN = 5.0


class Upgrades:
    """The state machine of one run of the firmware. `record` is what NVM holds of it."""

    def __init__(self, firmware: Firmware) -> None:
        self.firmware = firmware
        self.board = firmware.board
        self.outbox = Outbox(firmware)
        self.record = Record.from_json(firmware.memory.get(_KEY))
        self._failures = 0
        self._running: asyncio.Task[None] | None = None
        self._mcu: McuUpdate | None = None
        self._unjudged = False

    @property
    def status(self) -> Status:
        """How far the current component is."""
        return self.record.status

    # What a restart does -----------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Go on after a restart, before the connection is made."""
        if self.status in (*IN_TRANSFER, Status.UPDATING) and self.board.defects.active("success-after-cut"):
            await self.succeeded()
        elif self.status is Status.UPDATING and self.board.defects.active("sota-forgets-updating"):
            await self._clear()
        elif self.status is Status.UPDATING and self.record.current.for_mcu:
            self._mcu = McuUpdate(self, self.record.current)
            self._running = self.firmware.start(self._follow(self._mcu.wait_for_version))
        elif self.status is Status.UPDATING:
            if self.firmware.options.success_event == "after-reconnect":
                self._unjudged = True
            else:
                await self._judge()
        elif self.status in IN_TRANSFER:
            half = self.board.defects.active("half-done-success")
            if not self.record.current.for_mcu and (
                half or self.record.current.target_version == self.firmware.version
            ):
                await self.succeeded()
            else:
                await self.download_failed()
        elif self.status is not Status.NO_PLAN:
            await self._clear()

    async def connected(self) -> None:
        """One second after the module came online: judge what waits for it, send what was kept back."""
        if self._unjudged:
            self._unjudged = False
            await self._judge()
        await self.outbox.flush()

    async def _judge(self) -> None:
        """A module component after its restart: the version that runs decides."""
        lies = self.board.defects.active("success-before-version")
        if self.record.current.target_version == self.firmware.version or lies:
            await self.succeeded()
        else:
            await self.failed("the version after the restart is not the target version")

    # The platform ------------------------------------------------------------------------------------------------

    async def request(self, sha256: bool) -> bool:
        """AT+QIOTOTAREQ; False where there is no connection. A plan comes as an offer, later."""
        if not self.prepare(sha256):
            return False
        self.firmware.start(self._request())
        return True

    def prepare(self, sha256: bool) -> bool:
        """Whether the next download is announced with its SHA-256; False where there is no connection."""
        if not self.firmware.connection.online:
            return False
        self.record = dataclasses.replace(self.record, sha256=sha256)
        return True

    async def _request(self) -> None:
        facts = self.firmware.connection.facts()
        try:
            await self.board.clock.sleep(self.board.data.network.latency)
            tasks = await self.board.south.request_upgrade({**facts, "sha256": self.record.sha256})
            if not tasks and self.board.defects.active("offers-without-plan"):
                version = self.firmware.version
                self.firmware.event(7, 10700, self.board.data.model, version, version, 30, -113, 65536)
        except NetworkLost:
            return
        except Refused as refused:
            self._session(refused)
            return
        await self.offered(tasks)

    def _session(self, refused: Refused) -> None:
        """The platform may have refused because it does not know the session any more."""
        if refused.code == SESSION_LOST:
            self.firmware.connection.session_lost(refused.code)

    async def offered(self, tasks: Sequence[Mapping[str, Any]]) -> None:
        """A plan for this device; left alone while one is under way."""
        if not tasks or self.status not in OPEN_FOR_PLANS or self.firmware.memory.get("stuck"):
            return
        if self.board.defects.active("reverses-components"):
            tasks = tasks[::-1]
        await self.save(tasks=tuple(Task.of(task) for task in tasks), status=Status.PLAN_RECEIVED, announced=False)
        self._show_offer()
        for task in self.record.tasks:
            await self.outbox.report(task, Status.PLAN_RECEIVED)
        by_itself = self.firmware.options.silent_plan_confirmed_by == "module"
        if by_itself and not self.record.current.for_mcu and self.status is Status.PLAN_RECEIVED:
            await self._confirm()

    def _show_offer(self) -> None:
        bare = self.board.defects.active("offer-without-strategy")
        for task in self.record.tasks:
            self.firmware.event(7, 10700, *offer_fields(task, without_strategy=bare))

    async def cancelled(self, task_id: str) -> None:
        """The platform takes a component back; one already updating goes on."""
        if not any(task.task == task_id for task in self.record.tasks) or self.status is Status.UPDATING:
            return
        shown = self.status is not Status.PLAN_RECEIVED
        self._stop()
        if shown:
            await self.failed("cancelled")
        else:
            await self._report_all(Status.FAILED, "cancelled")
            await self._clear()

    # The host ----------------------------------------------------------------------------------------------------

    async def act(self, action: int) -> bool:
        """AT+QIOTUPDATE=<action>; False where it is not accepted now."""
        if action == 0 and not self.board.defects.active("ignores-refusal"):
            return await self._refuse()
        if action in (0, 1):
            return await self._confirm()
        if self._mcu is None:
            return False
        return self._mcu.next_block() if action == 2 else self._mcu.report_updating()

    def read(self, start: int, length: int) -> bytes:
        """AT+QIOTOTARD: bytes of the block at hand; empty where there are none to be had."""
        return self._mcu.read(start, length) if self._mcu else b""

    def mcu_version(self, component: str, version: str) -> None:
        """AT+QIOTMCUVER set a version: for the component under way it decides."""
        if self._mcu and self._mcu.task.component == component:
            self._mcu.version_set(version)

    async def _refuse(self) -> bool:
        if self.status is not Status.PLAN_RECEIVED:
            return False
        tasks = self.record.tasks
        await self._clear()
        self._broadcast(tasks)
        self.firmware.start(self._tell_refusal(tasks))
        return True

    async def _tell_refusal(self, tasks: tuple[Task, ...]) -> None:
        for task in tasks:
            await self.outbox.report(task, Status.REFUSED)
        if self.board.defects.active("offers-after-refusal"):
            await self.board.clock.sleep(_OFFER_AGAIN)
            await self.offered([dataclasses.asdict(task) for task in tasks])

    async def _confirm(self) -> bool:
        if self.status is Status.CONFIRMED:
            return True
        if self.status is not Status.PLAN_RECEIVED:
            return self.board.defects.active("confirms-without-offer")
        if self.firmware.classic.busy:
            return False  # the staging area is taken
        await self._begin()
        self._broadcast(self.record.tasks)
        return True

    def _broadcast(self, tasks: tuple[Task, ...]) -> None:
        """Several components: the host's first decision is told once it was answered (7,10707; no value is documented)."""
        if len(tasks) > 1:
            asyncio.get_running_loop().call_soon(self.firmware.event, 7, 10707)

    # One component after another ---------------------------------------------------------------------------------

    async def _begin(self) -> None:
        await self.save(status=Status.CONFIRMED)
        task = self.record.current
        self._mcu = McuUpdate(self, task) if task.for_mcu else None
        course = self._mcu.run if self._mcu else ModuleUpdate(self, task).run
        self._running = self.firmware.start(self._follow(course))

    async def _follow(self, course: Callable[[], Awaitable[Status | str | None]]) -> None:
        """Run one component and see to its end, unless it was stopped from outside."""
        ended = await course()
        self._running = None
        if ended is Status.SUCCEEDED:
            await self.succeeded()
        elif ended is Status.DOWNLOAD_FAILED:
            await self.download_failed()
        elif isinstance(ended, str):
            await self.failed(ended)

    async def package(self, task: Task) -> Package | None:
        """Report the confirmation and wait for the file's address; None where it does not come in time."""
        try:
            return await self.board.clock.wait_for(self._package(task), URL_WAIT)
        except asyncio.TimeoutError:
            return None

    async def _package(self, task: Task) -> Package:
        entry = {"task": task.task, "status": int(Status.CONFIRMED)}
        if self.record.sha256:
            entry["message"] = "sha256"
        while True:
            await self.board.clock.sleep(2 * self.board.data.network.latency)
            await self.outbox.flush()
            try:
                answer = await self.board.south.report_status(self.outbox.body(entry))
                return Package.of(answer["firmware"])
            except NetworkLost:
                await self.board.clock.sleep_background(1.0)
                await self.firmware.modem.until_registered()
            except KeyError:
                await self.board.clock.sleep_background(_NO_MORE)
            except Refused as refused:
                self._session(refused)
                await self.board.clock.sleep_background(1.0 if refused.code == SESSION_LOST else _NO_MORE)

    async def succeeded(self) -> None:
        """The current component runs its target version: tell it, and go on with the next.

        After a module component the module has restarted and does not know the rest: the platform offers it again.
        """
        task, announced = self.record.current, self.record.announced
        rest = self.record.tasks[1:] if task.for_mcu else ()
        if self.board.defects.active("sota-stops-after-first"):
            rest = ()
        self._mcu = None
        if rest:
            await self.save(tasks=rest, status=Status.PLAN_RECEIVED, announced=False)
        else:
            await self._clear()
        if not announced:
            self.tell_success(for_mcu=task.for_mcu)
        await self.outbox.report(task, Status.SUCCEEDED, 100)
        if rest and self.status is Status.PLAN_RECEIVED:
            await self._begin()

    def tell_success(self, *, for_mcu: bool) -> None:
        """Event 7,10705, and for an MCU what the model's profile puts around it."""
        event = self.firmware.event
        around = self.firmware.options.mcu_end_indication if for_mcu else "none"
        if around == "before-success":
            self.firmware.at.urc('+QIND: "FOTA","END",0')
        event(7, 10705)
        if self.board.defects.active("duplicate-10705"):
            event(7, 10705)
        if around == "after-success":
            self.firmware.at.urc('+QIND: "FOTA","END",0')

    async def failed(self, reason: str) -> None:
        """The current component failed for good: 7,10706, and the rest of the plan is given up."""
        task = self.record.current
        self._mcu = None
        if self.board.defects.active("stuck-after-failure"):
            await self.firmware.memory.update({"stuck": True})
        await self.firmware.memory.discard()
        await self._clear()
        if not self.board.defects.active("silent-failure"):
            self.firmware.event(7, 10706)
        await self.outbox.report(task, Status.FAILED, message=reason)

    async def download_failed(self) -> None:
        """A transfer failed: silent up to five times in a row, the platform offers the plan again; then 7,10706."""
        if self.board.defects.active("success-after-lost-download"):
            await self.succeeded()
            return
        self._failures += 1
        if self._failures > SILENT_FAILURES:
            self._failures = 0
            await self.failed("download failed too often")
            return
        task = self.record.current
        self._mcu = None
        await self._clear()
        await self.outbox.report(task, Status.DOWNLOAD_FAILED)

    async def save(self, **changes: Any) -> None:
        """Change the record, in NVM too."""
        self.record = dataclasses.replace(self.record, **changes)
        if self.status is Status.DOWNLOADED:
            self._failures = 0
        await self.firmware.memory.update({_KEY: self.record.to_json()})

    async def _clear(self) -> None:
        await self.save(tasks=(), status=Status.NO_PLAN, announced=False)

    async def _report_all(self, status: Status, message: str) -> None:
        for task in self.record.tasks:
            await self.outbox.report(task, status, message=message)

    def _stop(self) -> None:
        if self._running:
            self._running.cancel()
            self._running = None
        self._mcu = None
