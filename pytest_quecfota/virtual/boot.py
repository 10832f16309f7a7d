"""The boot loader and the update of the module's own firmware: two slots, a staging area, a journal of the boot state.

A package is collected in the staging area (`staging`), committed, and applied at the next boot: the new image goes into the
slot that is not running, is read back and checked, and one atomic record flips the slots. The new image runs on trial until
the firmware confirms it; after too many boots without that, the old one comes back. Whatever is booted is checked first.
Every step may be cut at any flash operation, that operation torn, any number of times: the next boot goes on or
begins again, and ends with the old or the new image.

`defects` plants what real updaters had wrong (`DEFECTS`); the exhaustive cut tests must find them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

from . import delta
from .flash import Flash
from .image import HEADER_SIZE, Image, ImageError, parse, parse_header
from .layout import SLOT_NAMES, Layout, divide
from .nvm import Nvm
from .staging import Staging, StagingError

Kind = Literal["full", "delta"]
EventKind = Literal["installed", "refused", "rolled-back", "fell-back"]

DEFECTS: dict[str, str] = {
    "flag-before-data": "the slots are flipped before the new image is in its slot, and the flag is trusted at boot",
    "verify-skipped": "neither package nor slot nor what is booted is checked; a sector counts as copied by its beginning",
    "delta-any-source": "a delta is applied to whatever image is running, and its result is booted unchecked",
    "resume-ahead": "the point to resume a download from is journaled before the data is in flash",
    "resume-any": "an interrupted download of another package is resumed",
    "no-trial": "a new image is taken for good at once: nothing brings the old one back",
}


class Bricked(RuntimeError):
    """No image runs: the processor executes garbage or finds nothing to boot."""


class PackageError(ValueError):
    """What is staged is not a package for this module; the text says why."""


@dataclass(frozen=True)
class BootEvent:
    """The result of an update, kept over restarts until it is acknowledged."""

    kind: EventKind
    version: str
    reason: str = ""


@dataclass(frozen=True)
class Booted:
    """What a boot ended in: the image that runs, the name of its slot, whether it is on trial, the results not
    acknowledged yet, and remarks on what the boot loader met."""

    image: Image
    slot: str
    trial: bool = False
    events: tuple[BootEvent, ...] = ()
    notes: tuple[str, ...] = ()


class Updater:
    """Boot loader and updater of a module of one model on one flash.

    `progress` is called with the per cent of the image written while an update is applied. `trial_boots`: how often a
    new image may boot without being confirmed.
    """

    def __init__(
        self,
        flash: Flash,
        layout: Layout | None = None,
        *,
        model: str,
        defects: Collection[str] = (),
        progress: Callable[[int], object] | None = None,
        trial_boots: int = 3,
        journal_every: int = 4,
    ) -> None:
        unknown = set(defects) - set(DEFECTS)
        if unknown:
            raise ValueError(f"unknown defects {sorted(unknown)}; there are {sorted(DEFECTS)}")
        self.layout = layout or divide(flash)
        self.progress = progress
        self._flash = flash
        self._model = model
        self._defects = frozenset(defects)
        self._trial_boots = trial_boots
        self._state = Nvm(flash, self.layout.state.base, self.layout.state.size)
        self._staging = Staging(
            flash, self.layout.staging, self._state, journal_every=journal_every, defects=self._defects
        )

    # -- staging -------------------------------------------------------------------------------------------------

    @property
    def free_staging(self) -> int:
        """The largest package that can be staged (bytes)."""
        return min(self._staging.free, self.layout.staging.size)

    @property
    def resume_point(self) -> int:
        """Bytes of the package being staged that need not be fetched again."""
        return self._staging.received

    @property
    def staged_complete(self) -> bool:
        """Whether a whole package is staged."""
        return self._staging.complete

    async def stage_begin(self, size: int, package: str = "") -> int:
        """See `Staging.begin`: returns the offset to fetch from."""
        return await self._staging.begin(size, package)

    async def stage_write(self, offset: int, data: bytes) -> None:
        """See `Staging.write`."""
        await self._staging.write(offset, data)

    def staged(self) -> bytes:
        """The staged package. Raises StagingError while it is incomplete."""
        return self._staging.read()

    async def stage_discard(self) -> None:
        """Forget what is staged or committed."""
        await self._staging.discard()

    def staged_target(self, kind: Kind) -> Image:
        """The image the staged package leads to. Raises PackageError where it is damaged, not of `kind`, for another model,
        from another source, or too large for a slot."""
        return self._checked(self._target(self.staged(), kind))

    async def commit_staged(self, kind: Kind) -> None:
        """Have the staged package applied at the next boot. Raises StagingError while it is incomplete."""
        digest = hashlib.sha256(self.staged()).hexdigest()
        pending = {"kind": kind, "size": self._staging.size, "sha256": digest}
        await self._state.update({"pending": pending}, delete=["result"])

    @property
    def pending(self) -> bool:
        """Whether the next boot applies an update."""
        return self._state.get("pending") is not None

    # -- booting -------------------------------------------------------------------------------------------------

    async def boot(self) -> Booted:
        """Power-on: apply what is pending, roll back what was never confirmed, check and boot an image.

        Raises Bricked where none can run.
        """
        self._state.mount()
        self._staging.forget_ram()
        notes: list[str] = []
        pending = self._state.get("pending")
        if pending is not None:
            await self._apply(pending, notes)
        elif self._state.get("trial"):
            await self._count_trial(notes)
        return await self._start(notes)

    async def confirm(self) -> None:
        """The firmware found the new image good: it stays."""
        await self._state.update({}, delete=["trial", "boots", "previous"])

    async def acknowledge(self) -> None:
        """The firmware has reported the results of the last update."""
        await self._state.delete("result")

    async def install_factory(self, image: bytes) -> None:
        """Write the first image into slot A, as the factory does. Raises ImageError for an unsound one."""
        parse(image)
        await self._write_slot(0, image)
        await self._state.update({"active": 0}, delete=["trial", "boots", "previous", "pending", "result", "staging"])

    @property
    def last_result(self) -> BootEvent | None:
        """The result of the last update, until it is acknowledged or another update is committed."""
        events = self._events()
        return events[0] if events else None

    @property
    def active_slot(self) -> int:
        """Index of the slot the boot state points to."""
        return int(self._state.get("active", 0))

    # -- an update -----------------------------------------------------------------------------------------------

    async def _apply(self, pending: dict[str, Any], notes: list[str]) -> None:
        try:
            raw = self._pending_target(pending)
        except (PackageError, StagingError) as problem:
            notes.append(f"update refused: {problem}")
            await self._finish(BootEvent("refused", "", str(problem)), {})
            return
        version = _version_of(raw)
        slot = 1 - self.active_slot
        flip: dict[str, Any] = {"active": slot, "previous": 1 - slot, "trial": True, "boots": 1}
        if "no-trial" in self._defects:
            flip = {"active": slot}
        if "flag-before-data" in self._defects:
            await self._finish(BootEvent("installed", version), {"active": slot})
        interrupted = bool(pending.get("started"))
        if not interrupted and "flag-before-data" not in self._defects:
            await self._state.set("pending", {**pending, "started": True})
        await self._write_slot(slot, raw, only_differing=interrupted)
        if "flag-before-data" in self._defects:
            return
        if not self._skips_checks and self._flash.read(self.layout.slots[slot].base, len(raw)) != raw:
            notes.append(f"slot {SLOT_NAMES[slot]} does not read back")
            await self._finish(BootEvent("refused", version, "the slot does not read back"), {})
            return
        notes.append(f"{version} installed in slot {SLOT_NAMES[slot]}")
        await self._finish(BootEvent("installed", version), flip)

    async def _finish(self, event: BootEvent, changes: dict[str, Any]) -> None:
        """One atomic record ends an update: flags, result, and the package is forgotten."""
        result = {"kind": event.kind, "version": event.version, "reason": event.reason}
        gone = [key for key in ("pending", "staging", "trial", "boots", "previous") if key not in changes]
        if not changes:
            gone = ["pending", "staging"]
        await self._state.update({**changes, "result": result}, delete=gone)

    def _pending_target(self, pending: dict[str, Any]) -> bytes:
        staged = self._flash.read(self.layout.staging.base, int(pending["size"]))
        if not self._skips_checks and hashlib.sha256(staged).hexdigest() != pending["sha256"]:
            raise PackageError("the staged package has changed since it was committed")
        raw = self._target(staged, pending["kind"])
        if not self._skips_checks and "delta-any-source" not in self._defects:
            self._checked(raw)
        return raw

    def _target(self, package: bytes, kind: Kind) -> bytes:
        """The image file a package leads to, from the running one for a delta."""
        if kind == "full":
            return package
        check = "delta-any-source" not in self._defects and not self._skips_checks
        source = self._flash.read(self.layout.slots[self.active_slot].base, self.layout.slots[0].size)
        try:
            size = parse_header(source).size
            return delta.apply(source[:size], package, check_source=check, check_target=check)
        except (ImageError, delta.DeltaError) as problem:
            raise PackageError(str(problem)) from problem

    def _checked(self, raw: bytes) -> Image:
        try:
            image = parse(raw)
        except ImageError as problem:
            raise PackageError(str(problem)) from problem
        if image.model != self._model:
            raise PackageError(f"the image is for {image.model}, this is a {self._model}")
        if len(raw) > self.layout.slots[0].size:
            raise PackageError(f"an image of {len(raw)} bytes does not fit into a slot of {self.layout.slots[0].size}")
        return image

    async def _write_slot(self, slot: int, raw: bytes, *, only_differing: bool = False) -> None:
        """Bring a slot to hold `raw`. `only_differing` leaves sectors alone that do: so an interrupted copy goes on."""
        sector = self._flash.sector
        base = self.layout.slots[slot].base
        for offset in range(0, len(raw), sector):
            wanted = raw[offset : offset + sector]
            if not (only_differing and self._holds(base + offset, wanted)):
                await self._flash.write_sector(base + offset, wanted)
            if self.progress is not None:
                self.progress(min(100, 100 * (offset + len(wanted)) // len(raw)))

    def _holds(self, address: int, wanted: bytes) -> bool:
        """Whether a sector holds what it should."""
        looked_at = self._flash.page if self._skips_checks else len(wanted)
        return self._flash.read(address, len(wanted))[:looked_at] == wanted[:looked_at]

    # -- what is booted ------------------------------------------------------------------------------------------

    async def _count_trial(self, notes: list[str]) -> None:
        """Another boot of an image that nobody has confirmed; too many bring the old image back."""
        boots = int(self._state.get("boots", 0)) + 1
        if boots <= self._trial_boots:
            await self._state.set("boots", boots)
            return
        failed = self._version_in(self.active_slot)
        notes.append(f"{failed} was never confirmed: back to slot {SLOT_NAMES[int(self._state.get('previous'))]}")
        await self._switch_back(BootEvent("rolled-back", failed, f"not confirmed in {self._trial_boots} boots"))

    async def _switch_back(self, event: BootEvent) -> None:
        other = 1 - self.active_slot
        await self._finish(event, {"active": other})

    async def _start(self, notes: list[str]) -> Booted:
        slot = self.active_slot
        if self._bootable(slot) is None and not self._trusts_flag and self._bootable(1 - slot) is not None:
            broken = f"slot {SLOT_NAMES[slot]} holds no sound image"
            notes.append(f"{broken}: booting slot {SLOT_NAMES[1 - slot]}")
            await self._switch_back(BootEvent("fell-back", self._version_in(1 - slot), broken))
            slot = 1 - slot
        return Booted(self._run(slot), SLOT_NAMES[slot], bool(self._state.get("trial")), self._events(), tuple(notes))

    def _run(self, slot: int) -> Image:
        """What the processor does with a slot: only a sound image of this model runs, whatever the boot loader checked."""
        image = self._bootable(slot)
        if image is None:
            raise Bricked(f"slot {SLOT_NAMES[slot]} holds no image that runs on a {self._model}")
        return image

    def _bootable(self, slot: int) -> Image | None:
        region = self.layout.slots[slot]
        head = self._flash.read(region.base, HEADER_SIZE)
        try:
            header = parse_header(head)
            if header.size > region.size or header.model != self._model:
                return None
            return parse(self._flash.read(region.base, header.size))
        except ImageError:
            return None

    def _version_in(self, slot: int) -> str:
        image = self._bootable(slot)
        return image.version if image else ""

    def _events(self) -> tuple[BootEvent, ...]:
        result = self._state.get("result")
        return (BootEvent(result["kind"], result["version"], result["reason"]),) if result else ()

    @property
    def _skips_checks(self) -> bool:
        return "verify-skipped" in self._defects

    @property
    def _trusts_flag(self) -> bool:
        return bool(self._defects & {"verify-skipped", "flag-before-data", "delta-any-source"})


def _version_of(raw: bytes) -> str:
    try:
        return parse_header(raw).version
    except ImageError:
        return ""
