"""One device in one plan: the upgrades of its components, and what follows from their states."""

from __future__ import annotations

import dataclasses

from .model import Plan, PlanComponent
from .states import DONE, RUNNING, ComponentStatus, DeviceStatus, Event, component_after, device_status, progress_after

NOT_CONFIRMED, NOW, APPOINTED, APP_CANCELLED = 0, 1, 2, 3
"""What the user of the App said (`userConfirmStatus` of the app-side calls)."""


@dataclasses.dataclass
class Task:
    """The upgrade of one component; its id is what the module calls the task."""

    id: int
    component: PlanComponent
    status: ComponentStatus = ComponentStatus.NOT_RECEIVED
    progress: int = 0
    tries: int = 0
    source_version: str = ""
    claimed: bool = False
    connection: int = 0
    changed: bool = False

    def apply(self, event: Event, progress: int | None = None) -> bool:
        """Goes to the next state, raises `NotAllowed`; returns whether anything changed."""
        status = component_after(self.status, event)
        before = (self.status, self.progress, self.claimed)
        if event in {Event.NEW_TRY, Event.RETRIED, Event.NEEDED}:
            self.progress, self.claimed = 0, False
        if event is Event.RETRIED:
            self.tries = 0
        elif (event is Event.NEW_TRY and self.status is not ComponentStatus.DOWNLOAD_FAILED) or (
            event is Event.DOWNLOAD_FAILED and status is not self.status
        ):
            self.tries += 1
        self.status, self.progress = status, progress_after(self.progress, status, progress)
        changed = before != (self.status, self.progress, self.claimed)
        self.changed |= changed
        return changed


@dataclasses.dataclass
class Case:
    """A device in a plan. `due`: to be offered at the next chance, whatever the push period says."""

    id: int
    plan: Plan
    dk: str
    tasks: list[Task]
    status: DeviceStatus = DeviceStatus.NOT_UPGRADED
    due: bool = False
    retries: int = 0
    cancelling: bool = False
    app: int = NOT_CONFIRMED
    appointed: tuple[float, float] | None = None
    refused_until: float | None = None
    started: float | None = None
    ended: float | None = None
    stored: dict[str, object] = dataclasses.field(default_factory=dict)

    def settle(self, now: float) -> bool:
        """Draws status, start and end from the tasks; returns whether the status changed."""
        before = self.status
        self.status = device_status(task.status for task in self.tasks)
        if self.started is None and self.running:
            self.started = now
        over = all(task.status in DONE for task in self.tasks)
        self.ended = (self.ended or now) if over else None
        return self.status is not before

    @property
    def running(self) -> bool:
        """Whether the device is at work on a component."""
        return any(task.status in RUNNING for task in self.tasks)

    @property
    def failed(self) -> bool:
        """Whether a component has failed."""
        return any(task.status is ComponentStatus.FAILED for task in self.tasks)

    @property
    def updating(self) -> bool:
        """Whether a component is being installed, so that nothing can call it back."""
        return any(task.status is ComponentStatus.UPGRADING for task in self.tasks)

    def task(self, task_id: int) -> Task:
        """The task of an id."""
        return next(task for task in self.tasks if task.id == task_id)
