"""A plan as a test holds it, whichever Developer Center carries it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

Kind = Literal["full", "delta"]
ComponentType = Literal["module", "mcu"]
_T = TypeVar("_T")
POLL = 2.0  # module seconds between two looks at the platform


class Unavailable(Exception):
    """What a test asks for cannot be had from this Developer Center: the test is skipped, saying so."""


@dataclass(frozen=True)
class Strategy:
    """What must hold for an upgrade: battery in per cent, signal in dBm; `retries` are the platform's."""

    min_battery: int = 30
    min_signal: int = -113
    retries: int = 5


@dataclass(frozen=True)
class PlanOrder:
    """A plan a test wants: one component, its package, and how it is handed out.

    `files` are name and content of the package's files; `fields` go into the plan as they are; `must_fail`: the package is
    wrong on purpose.
    """

    component: str
    component_type: ComponentType
    kind: Kind
    source_version: str
    target_version: str
    files: Sequence[tuple[str, bytes]] = ()
    mode: str = "silent"
    whitelist: Sequence[str] = ()
    blacklist: Sequence[str] = ()
    strategy: Strategy = field(default_factory=Strategy)
    fields: Mapping[str, Any] = field(default_factory=dict)
    must_fail: bool = False


@dataclass(frozen=True)
class Offer:
    """What event 10700 must say of this plan: per cent, dBm, bytes.

    A full package may name no source version or the one that runs; `source_versions` holds what is accepted.
    """

    component: str
    source_versions: tuple[str, ...]
    target_version: str
    min_battery: int | None
    min_signal: int | None
    size: int | None


@dataclass(frozen=True)
class ComponentState:
    """One component of one device: the platform's label and its progress in per cent."""

    identifier: str
    status: str
    progress: int


@dataclass(frozen=True)
class DeviceState:
    """What the platform shows of one device in one plan; `status` is its label, e.g. `Upgraded`."""

    device_key: str
    status: str
    components: tuple[ComponentState, ...]


@dataclass(frozen=True)
class LogEntry:
    """One line of a device's log: ISO 8601 time and text."""

    time: str
    text: str


class Center(Protocol):
    """What stands behind a plan. `monitoring` and `plans` say whether the platform can be asked and driven."""

    kind: str
    monitoring: bool
    plans: bool

    def open(self) -> None:
        """Connect; `DeveloperCenterError` where that cannot be."""

    def order(self, order: PlanOrder, *, running: str) -> Plan:
        """Prepare and activate a plan; `running` is the version the component runs now.

        Raises:
            Unavailable: this Developer Center has no such plan.
            DeveloperCenterError: it cannot be reached or refuses.
        """

    def device(self, plan_id: str) -> DeviceState:
        """What the platform shows of the rig's device in this plan."""

    def log(self, plan_id: str) -> list[LogEntry]:
        """The log of the rig's device in this plan."""

    def act(self, plan_id: str, action: str) -> None:
        """`terminate`, `suspend`, `resume`, or for the device `retry`, `cancel`."""

    def close(self) -> None:
        """Let go of what it holds; plans stay."""


class Plan:
    """An activated plan. It is terminated when its test ends."""

    def __init__(self, center: Center, plan_id: str, name: str, order: PlanOrder, offer: Offer) -> None:
        self._center = center
        self.id = plan_id
        self.name = name
        self.order = order
        self.component = order.component
        self.component_type = order.component_type
        self.source_version = order.source_version
        self.target_version = order.target_version
        self.offer = offer
        #: How a wait for the platform lets module seconds pass; a rig sets it.
        self.pause: Callable[[float], None] = lambda _seconds: None
        self._over = False

    def __repr__(self) -> str:
        return f"<Plan {self.name}: {self.component} {self.source_version or '(any)'} -> {self.target_version}>"

    @property
    def monitored(self) -> bool:
        """Whether the platform can be asked what it shows."""
        return self._center.monitoring

    def device(self) -> DeviceState:
        """What the platform shows of the rig's device; needs `monitoring`."""
        return self._center.device(self.id)

    def wait_status(self, *wanted: str, within: float) -> DeviceState:
        """What the platform shows once that is one of `wanted`, at the latest after so many module seconds."""
        return self._wait(self.device, lambda state: state.status in wanted, within)

    def wait_log(self, *words: str, within: float) -> list[LogEntry]:
        """The log once a line has one of `words` (in any case), at the latest after so many module seconds."""

        def told(entries: list[LogEntry]) -> bool:
            return any(word in entry.text.lower() for entry in entries for word in words)

        return self._wait(self.log, told, within)

    def _wait(self, look: Callable[[], _T], enough: Callable[[_T], bool], within: float) -> _T:
        found = look()
        waited = 0.0
        while not enough(found) and waited < within:
            self.pause(POLL)
            waited += POLL
            found = look()
        return found

    def log(self) -> list[LogEntry]:
        """The platform's log of the rig's device; needs `monitoring`."""
        return self._center.log(self.id)

    def terminate(self) -> None:
        """End the plan; a second time nothing happens."""
        if not self._over:
            self._center.act(self.id, "terminate")
            self._over = True

    def suspend(self) -> None:
        """Pause the plan: who has not begun waits."""
        self._center.act(self.id, "suspend")

    def resume(self) -> None:
        """Let a suspended plan go on."""
        self._center.act(self.id, "resume")

    def retry(self) -> None:
        """Offer the upgrade again to the rig's device after it failed."""
        self._center.act(self.id, "retry")

    def cancel(self) -> None:
        """Cancel the upgrade of the rig's device; one that is already updating refuses."""
        self._center.act(self.id, "cancel")
