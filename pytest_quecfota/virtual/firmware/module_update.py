"""The update of the module's own firmware: transfer into flash, check, restart into the boot loader.

Events: 10701, 10702 (repeated), 10703, 10704, five seconds later the restart; what comes after it is
`upgrades.Upgrades.recover`. The stored file's MD5 must be the announced one, and the image must be for this model and
of the target version (QuecThing SDK 2.9.0 and IOT docs).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .board import Kind
from .download import Download, DownloadFailed
from .plan import Firmware as Package
from .plan import Status, Task

if TYPE_CHECKING:
    from .upgrades import Upgrades

#: Module seconds between 10704 and the restart into the updater.
UPDATER_DELAY = 5.0
_ANNOUNCED_DELAY = 1.0


class ModuleUpdate:
    """One module component on its way. `run` returns how it ended: a status, or the reason of a failure."""

    def __init__(self, upgrades: Upgrades, task: Task) -> None:
        self._upgrades = upgrades
        self._firmware = upgrades.firmware
        self._memory = upgrades.firmware.memory
        self._defects = upgrades.board.defects
        self._task = task
        self._kind: Kind = "delta" if task.package_type == "delta" else "full"

    async def run(self) -> Status | str | None:
        """Carry the update out up to the restart; does not return where that ends the firmware's run."""
        package = await self._upgrades.package(self._task)
        if package is None:
            return "no address of the package came"
        if package.size > self._memory.capacity:
            return "not enough free space"
        try:
            await self._transfer(package)
        except DownloadFailed:
            return Status.DOWNLOAD_FAILED
        if not await self._sound(package):
            await self._memory.discard()
            return Status.DOWNLOAD_FAILED
        await self._tell_stages(package)
        return await self._install()

    async def _transfer(self, package: Package) -> None:
        upgrades = self._upgrades
        offset = await self._memory.stage_begin(package.size, package.md5)
        await upgrades.save(status=Status.DOWNLOAD_START)
        self._firmware.event(7, 10701, *self._parameters(self._task.component, package.size, package.md5.lower()))
        await upgrades.outbox.report(self._task, Status.DOWNLOAD_START)

        async def store(piece: bytes) -> None:
            nonlocal offset
            await self._memory.stage_write(offset, piece)
            offset += len(piece)

        async def progress(reached: int) -> None:
            if upgrades.status is Status.DOWNLOAD_START:
                await upgrades.save(status=Status.DOWNLOADING)
            self._firmware.event(7, 10702)
            await upgrades.outbox.report(self._task, Status.DOWNLOADING, 100 * reached // package.size)

        await Download(self._firmware, package, store, progress).run(offset, package.size)

    async def _sound(self, package: Package) -> bool:
        """Whether the stored file has the announced MD5."""
        import hashlib

        if self._defects.active("installs-damaged-package"):
            return True
        return hashlib.md5(self._memory.staged(), usedforsecurity=False).hexdigest() == package.md5.lower()

    async def _tell_stages(self, package: Package) -> None:
        upgrades, event = self._upgrades, self._firmware.event
        await upgrades.save(status=Status.DOWNLOADED)
        if self._defects.active("wrong-order"):
            event(7, 10704)
        if not self._defects.active("skip-10703"):
            event(7, 10703, *self._parameters(self._task.component, package.size, 0, package.size))
        await upgrades.outbox.report(self._task, Status.DOWNLOADED, 100)
        await upgrades.save(status=Status.UPDATING)
        if not self._defects.active("wrong-order"):
            event(7, 10704)
        await upgrades.outbox.report(self._task, Status.UPDATING, 0)

    async def _install(self) -> str | None:
        with self._upgrades.board.load.during("flash"):
            await self._upgrades.board.clock.sleep(UPDATER_DELAY)
        if self._defects.active("no-restart"):
            return None
        problem = await self._commit()
        if problem:
            return problem
        if self._firmware.options.success_event == "before-restart":
            await self._upgrades.save(announced=True)
            self._upgrades.tell_success(for_mcu=False)
            await self._upgrades.board.clock.sleep(_ANNOUNCED_DELAY)
        self._firmware.restart()
        return None

    async def _commit(self) -> str:
        """Check the package and hand it to the boot loader; the reason where it is none for this module."""
        if self._defects.active("success-before-version"):
            return ""
        if not self._defects.active("installs-damaged-package"):
            try:
                target = self._memory.staged_target(self._kind)
            except ValueError as problem:
                return str(problem)
            if target.version != self._task.target_version:
                return f"the package leads to {target.version}, the plan to {self._task.target_version}"
        await self._memory.commit(self._kind)
        return ""

    def _parameters(self, *fields: object) -> tuple[object, ...]:
        """What 10701 and 10703 carry for a module component: nothing, unless the profile says so."""
        return fields if self._firmware.options.module_event_parameters else ()
