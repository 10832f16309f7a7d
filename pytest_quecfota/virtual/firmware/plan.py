"""The record of the upgrade under way: its components in plan order, and how far the first of them is.

Every change is saved, so that a restart in any state knows what to do. Status numbers are those of QuecThing SDK
2.9.0 and are what the platform is told.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class Status(enum.IntEnum):
    """How far one component is. 7 and 10 are not used."""

    NO_PLAN = 0
    PLAN_RECEIVED = 1
    CONFIRMED = 2
    REFUSED = 3
    DOWNLOAD_START = 4
    DOWNLOADING = 5
    DOWNLOAD_FAILED = 6
    DOWNLOADED = 8
    UPDATING = 9
    SUCCEEDED = 11
    FAILED = 12


#: States in which a component is on its way between confirmation and update.
IN_TRANSFER = frozenset({Status.CONFIRMED, Status.DOWNLOAD_START, Status.DOWNLOADING, Status.DOWNLOADED})
#: States in which the platform may offer a plan; elsewhere a new one is left alone.
OPEN_FOR_PLANS = frozenset({Status.NO_PLAN, Status.PLAN_RECEIVED})
#: Reports that must survive a restart: how something ended.
RESULTS = frozenset({Status.REFUSED, Status.DOWNLOAD_FAILED, Status.SUCCEEDED, Status.FAILED})


@dataclass(frozen=True)
class Task:
    """One component of a plan, as the platform sends it. `size` in bytes, `min_battery` per cent, `min_signal` dBm."""

    task: str
    component: str
    type: str
    source_version: str
    target_version: str
    package_type: str = "full"
    min_battery: int = 0
    min_signal: int = 0
    size: int = 0

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Task:
        """The task in a message; what this firmware does not know is left out. Missing numbers are 0."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in raw.items() if key in known and value is not None})

    @property
    def for_mcu(self) -> bool:
        """Whether the host installs this one."""
        return self.type == "mcu"


@dataclass(frozen=True)
class Record:
    """What is saved: the components still to do (the first is the current one) and where that stands.

    `announced`: success was told before the restart. `sha256`: the host asked for it.
    """

    tasks: tuple[Task, ...] = ()
    status: Status = Status.NO_PLAN
    sha256: bool = False
    announced: bool = False

    @property
    def current(self) -> Task:
        """The component under way; only where the status is not NO_PLAN."""
        return self.tasks[0]

    def to_json(self) -> dict[str, Any]:
        """As it is kept in NVM."""
        return {
            "tasks": [dataclasses.asdict(task) for task in self.tasks],
            "status": int(self.status),
            "sha256": self.sha256,
            "announced": self.announced,
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any] | None) -> Record:
        """What NVM holds; an empty record where there is none or it makes no sense."""
        if not raw:
            return cls()
        tasks = tuple(Task.of(task) for task in raw["tasks"])
        known = raw["status"] in Status._value2member_map_
        status = Status(raw["status"]) if tasks and known else Status.NO_PLAN
        return cls(tasks, status, bool(raw["sha256"]), bool(raw["announced"]))


@dataclass(frozen=True)
class Firmware:
    """What the platform answers to a confirmation: where the file is and what it must be. `crc` is the decimal CRC-32."""

    url: str
    size: int
    md5: str
    crc: int
    sha256: str = ""
    package_type: str = "full"

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Firmware:
        """The firmware in an answer."""
        known = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in raw.items() if key in known and value is not None})


def offer_fields(task: Task, *, without_strategy: bool = False) -> Sequence[object]:
    """The parameters of event 7,10700 for one component."""
    battery, signal = (0, 0) if without_strategy else (task.min_battery, task.min_signal)
    return (task.component, task.source_version, task.target_version, battery, signal, task.size)
