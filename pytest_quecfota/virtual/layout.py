"""Where things lie in the module's flash: boot state, the firmware's NVM, two slots for images, the staging area."""

from __future__ import annotations

from dataclasses import dataclass

from .flash import Flash

SLOT_NAMES = ("A", "B")


@dataclass(frozen=True)
class Region:
    """A range of whole sectors."""

    base: int
    size: int

    @property
    def end(self) -> int:
        return self.base + self.size


@dataclass(frozen=True)
class Layout:
    """The regions of one flash; they do not overlap."""

    state: Region
    nvm: Region
    slots: tuple[Region, Region]
    staging: Region

    @property
    def end(self) -> int:
        return self.staging.end


def divide(flash: Flash, *, state_sectors: int = 2, nvm_sectors: int = 16, slot_size: int | None = None) -> Layout:
    """Lay a flash out: boot state and NVM first, two slots of `slot_size` bytes (default: a third of the rest each), and
    all that remains is staging. Raises ValueError where that does not fit."""
    sector = flash.sector
    state = Region(0, state_sectors * sector)
    nvm = Region(state.end, nvm_sectors * sector)
    rest = flash.size - nvm.end
    slot = rest // 3 // sector * sector if slot_size is None else -(-slot_size // sector) * sector
    first = Region(nvm.end, slot)
    second = Region(first.end, slot)
    staging = Region(second.end, flash.size - second.end)
    if slot <= 0 or staging.size < sector:
        raise ValueError(f"{flash.size} bytes of flash are too small for two slots of {slot} bytes and a staging area")
    return Layout(state, nvm, (first, second), staging)
