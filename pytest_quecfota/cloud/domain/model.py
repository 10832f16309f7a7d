"""What the rules speak about: plans, their components, and what a device has reported."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping

from .states import PlanStatus


@dataclasses.dataclass(frozen=True)
class Strategy:
    """Strategy dialog of a plan; the shown defaults are 5, -113 dBm and 30 %."""

    retries: int = 5
    min_signal: int = -113
    min_battery: int = 30
    platform_filter: bool = False


@dataclasses.dataclass(frozen=True)
class PlanComponent:
    """One component of a plan, in the order of upgrading."""

    position: int
    identifier: str
    type: str
    package: int
    package_type: str
    target_version: str
    source_version: str = ""
    specified_versions: frozenset[str] = frozenset()
    size: int = 0


@dataclasses.dataclass(frozen=True)
class Plan:
    """An upgrade plan as the rules need it; times are Unix seconds of platform time."""

    id: int
    name: str
    product_key: str
    kind: str
    mode: str
    zone: datetime.tzinfo
    start: float
    end: float
    push_actively: bool
    push_hours: tuple[int, int]
    rejection_minutes: int
    strategy: Strategy
    components: tuple[PlanComponent, ...]
    whitelist: frozenset[str]
    blacklist: frozenset[str]
    status: PlanStatus
    activated: float | None = None


@dataclasses.dataclass(frozen=True)
class Reported:
    """What a device last said of itself; None is unknown."""

    module_version: str | None = None
    mcu_versions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    battery: int | None = None
    signal: int | None = None

    def version_of(self, component: PlanComponent) -> str | None:
        """The version of this component, None where the device has not reported one."""
        if component.type == "module":
            return self.module_version
        return self.mcu_versions.get(component.identifier)
