"""What is soldered down: the parts of the virtual module that outlive a run of its firmware.

The bench makes one `Board`; `module.Module` starts a `core.Firmware` on it at every power-on.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..clock import Clock
from ..defects import Defects
from ..models import ModelData
from ..power import Battery, Load
from ..radio import Radio
from ..rail import Rail
from ..south import South
from ..uart import Uart

Kind = Literal["full", "delta"]


class Storage(Protocol):
    """The module's non-volatile memory: small values by key."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value kept under `key`, or `default`."""

    async def update(self, values: Mapping[str, Any]) -> None:
        """Keep values, all of them or none; returns when they are safe against power loss."""

    async def erase(self) -> None:
        """Forget everything."""


@dataclass(frozen=True)
class Running:
    """The firmware the boot loader started: the version in its image, and the digest of its bytes."""

    version: str
    digest: str


class Target(Protocol):
    """The image a staged package leads to."""

    @property
    def version(self) -> str:
        """The version in its header."""


class Install(Protocol):
    """The half of the updater that runs inside the firmware (`boot.Updater`)."""

    @property
    def free_staging(self) -> int:
        """Bytes a package may have."""

    async def stage_begin(self, size: int, package: str = "") -> int:
        """Make room for a package, or go on with the one of that name; returns the offset to fetch from."""

    async def stage_write(self, offset: int, data: bytes) -> None:
        """Append to the package; returns when it is in flash."""

    def staged(self) -> bytes:
        """The whole package."""

    def staged_target(self, kind: Kind) -> Target:
        """Where the package leads; raises ValueError where it is none for this module."""

    async def stage_discard(self) -> None:
        """Forget the package."""

    async def commit_staged(self, kind: Kind) -> None:
        """Have the boot loader install the package at the next restart."""

    async def confirm(self) -> None:
        """The image on trial is good."""

    async def acknowledge(self) -> None:
        """The result of the last update is known."""


@dataclass(frozen=True)
class Board:
    """All parts. `imei` identifies the module; `rng` is the bench's seeded one; `rail` is what it may watch, where it may."""

    clock: Clock
    uart: Uart
    radio: Radio
    load: Load
    battery: Battery
    south: South
    defects: Defects
    data: ModelData
    imei: str
    rng: random.Random
    rail: Rail | None = None

    def status(self) -> Mapping[str, int]:
        """What the module measures and tells the platform (per cent, dBm, millivolts)."""
        return {
            "battery": self.battery.percent(),
            "signal": round(self.radio.signal_dbm),
            "voltage_mv": self.battery.millivolts(),
        }
