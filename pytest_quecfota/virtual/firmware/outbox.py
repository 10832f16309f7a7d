"""Status reports on their way to the platform: sent in order while online, kept while not.

How an upgrade ended is kept over a restart too, and goes out one second after the next connection (QuecThing SDK
2.9.0).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..south import NetworkLost, Refused
from .plan import RESULTS, Status, Task

if TYPE_CHECKING:
    from .core import Firmware

_KEY = "outbox"
#: Event code with which the platform answers an unknown session.
SESSION_LOST = 10473


class Outbox:
    """The reports of one run; results of earlier runs are in it too."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware
        self._waiting: list[dict[str, Any]] = list(firmware.memory.get(_KEY, []))
        self._kept = bool(self._waiting)
        self._lock = asyncio.Lock()

    async def report(self, task: Task, status: Status, progress: int | None = None, message: str = "") -> None:
        """Tell the platform that `task` is at `status` now; `progress` in per cent of the stage."""
        if self._firmware.board.defects.active("never-reports") and status >= Status.SUCCEEDED:
            return
        entry: dict[str, Any] = {"task": task.task, "status": int(status)}
        if progress is not None:
            entry["progress"] = progress
        if message:
            entry["message"] = message
        self._waiting.append(entry)
        if status in RESULTS and not self._firmware.connection.online:
            await self._keep()
        await self.flush()

    async def flush(self) -> None:
        """Send what waits, as far as the network allows."""
        async with self._lock:
            while self._waiting and self._firmware.connection.online:
                entry = self._waiting[0]
                try:
                    await self._firmware.board.south.report_status(self.body(entry))
                except NetworkLost:
                    break
                except Refused as refused:
                    if refused.code == SESSION_LOST:
                        self._firmware.connection.session_lost(refused.code)
                        break
                if self._waiting and self._waiting[0] is entry:
                    del self._waiting[0]
            if self._kept and not self._waiting:
                await self._keep()

    def body(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The report as it is sent: with the versions as they are now."""
        facts = self._firmware.connection.facts()
        return {**entry, "module_version": facts["module_version"], "mcu_versions": facts["mcu_versions"]}

    async def _keep(self) -> None:
        results = [entry for entry in self._waiting if entry["status"] in RESULTS]
        self._kept = bool(results)
        await self._firmware.memory.update({_KEY: results})
