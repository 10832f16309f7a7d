"""What devices and platform say to each other about upgrades: offers, reported states, versions.

One `DeviceUpgrades` serves one call of one device. Success rests on the version a device reports, never on its claim alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from . import cases, tables, verification
from .center import Center
from .domain import gates, logs, matching
from .domain.case import NOW, Case, Task
from .domain.model import Plan
from .domain.states import (
    IN_FORCE,
    OPEN,
    RUNNING,
    TRANSITIONS,
    WAITING,
    ComponentStatus,
    Event,
    NotAllowed,
    PlanEvent,
    PlanStatus,
)
from .domain.windows import clock_time
from .fleet import Device
from .store import Transaction

_T = tables.tasks.c
_OPEN_TASKS = sa.select(_T.plan, _T.status).where(
    _T.dk == sa.bindparam("d"), _T.status.in_([status.value for status in OPEN])
)
_PLAN_OF_TASK = sa.select(_T.plan).where(_T.id == sa.bindparam("t"), _T.dk == sa.bindparam("d"))
_D = tables.plan_devices.c
_CANCELLING = sa.select(_D.plan).where(_D.dk == sa.bindparam("d"), _D.cancelling == 1)
_RUNNING = {status.value for status in RUNNING}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Answer to a reported state: why it is not accepted, and the package files where the device may fetch them."""

    refusal: str | None = None
    package: int | None = None


class DeviceUpgrades:
    """The upgrades of one device, within one transaction; `close` stores the log."""

    def __init__(self, center: Center, tx: Transaction, device: Device) -> None:
        self._center = center
        self._tx = tx
        self._device = device
        self._now = center.clock.now()
        self._log: list[dict[str, Any]] = []
        self._cases: dict[int, Case] = {}

    # -- offers ---------------------------------------------------------------------------------------------------

    def offer(self, *, asked: bool) -> list[dict[str, Any]]:
        """The tasks of the first plan that is due for the device, in plan order; empty where there is none."""
        if asked:
            self.see_versions(asked=True)
        open_tasks = self._tx.rows(_OPEN_TASKS, d=self._device.dk)
        busy = {row["plan"] for row in open_tasks if row["status"] in _RUNNING}
        for plan in self._center.plans.in_force(self._tx, self._device.product_key):
            if not (plan.start <= self._now < plan.end and (not busy or plan.id in busy)):
                continue
            if matching.in_scope(self._device.dk, plan.whitelist, plan.blacklist):
                offered = self._consider(plan, asked=asked)
                if offered:
                    return [self._task_view(plan, task) for task in offered]
        return []

    def _consider(self, plan: Plan, *, asked: bool) -> Sequence[Task]:
        case = self._case(plan)
        occasion = gates.Occasion(self._now, asked, self._device.reported, self._device.auto_upgrade)
        reason = gates.closed(case, occasion)
        matched = [] if reason else self._matched(case)
        offered = [task for task, found in matched if found is matching.Match.OFFER]
        if asked:
            reported = self._device.reported
            self._note(case, logs.request(reported.module_version, reported.mcu_versions))
            for text in self._why_not(matched, reason):
                self._note(case, logs.not_issued(text))
        if offered:
            if gates.confirms_itself(case, occasion):
                case.app = NOW
                self._note(case, logs.AUTO_CONFIRMED)
            self._issue(case, offered)
        self._save(case)
        return offered

    def _matched(self, case: Case) -> list[tuple[Task, matching.Match]]:
        result = []
        for task in case.tasks:
            found = matching.match(task.component, self._device.reported)
            if found is matching.Match.NOT_NEEDED and task.status in WAITING:
                task.apply(Event.TARGET_SEEN)
            elif found is matching.Match.OFFER and task.status is ComponentStatus.NOT_NEEDED:
                task.apply(Event.NEEDED)
            if task.status in OPEN:
                result.append((task, found))
        return result

    def _why_not(self, matched: Sequence[tuple[Task, matching.Match]], reason: str | None) -> list[str]:
        if reason:
            return [reason]
        return [f"{t.component.identifier}: {m.value}" for t, m in matched if m is not matching.Match.OFFER]

    def _issue(self, case: Case, offered: Sequence[Task]) -> None:
        case.due = False
        for task in offered:
            component = task.component
            source = self._device.reported.version_of(component) or ""
            if task.source_version != source:
                task.source_version, task.changed = source, True
            self._note(case, logs.issuing(component.identifier, component.target_version), component.identifier)
        self._note(case, logs.PLAN_ISSUED)

    def _task_view(self, plan: Plan, task: Task) -> dict[str, Any]:
        component = task.component
        return {
            "task": str(task.id),
            "component": component.identifier,
            "type": component.type,
            "source_version": component.source_version if component.package_type == "delta" else "",
            "target_version": component.target_version,
            "package_type": component.package_type,
            "min_battery": plan.strategy.min_battery,
            "min_signal": plan.strategy.min_signal,
            "size": component.size,
        }

    # -- reported states ------------------------------------------------------------------------------------------

    def status(self, task_id: int, event: Event, progress: int | None = None, message: str = "") -> Outcome:
        """Takes a state the device reports for a task."""
        case = self._case_of_task(task_id)
        if case is None:
            return Outcome(f"there is no task {task_id} for this device")
        task = case.task(task_id)
        refusal = self._not_now(case, task, event) or self._take(case, task, event, progress, message)
        if task.connection != self._device.connections:
            task.connection, task.changed = self._device.connections, True
        self._save(case)
        fetch = event is Event.CONFIRMED and refusal is None
        return Outcome(refusal, task.component.package if fetch else None)

    def _not_now(self, case: Case, task: Task, event: Event) -> str | None:
        if case.cancelling:
            if event in {Event.UPGRADING, Event.CLAIMED}:
                case.cancelling = False
                self._note(case, logs.CANCEL_REFUSED)
            else:
                self._cancelled(case)
                return "the upgrade was cancelled"
        begins = event in {Event.RECEIVED, Event.CONFIRMED} and task.status in WAITING
        if begins and case.started is None and case.plan.status not in IN_FORCE:
            return f"the plan is {case.plan.status.value}"
        return None

    def _take(self, case: Case, task: Task, event: Event, progress: int | None, message: str) -> str | None:
        identifier, retries = task.component.identifier, case.plan.strategy.retries
        again = {Event.RECEIVED: True, Event.CONFIRMED: task.status is ComponentStatus.DOWNLOAD_FAILED}
        if again.get(event) and task.status in TRANSITIONS[Event.NEW_TRY]:
            task.apply(Event.NEW_TRY)
            self._note(case, logs.NEW_TRY, identifier)
        before = task.status
        try:
            task.apply(event, progress)
        except NotAllowed as error:
            return str(error)
        if task.status is not before or event not in {Event.DOWNLOADING, Event.UPGRADING}:
            self._note(case, logs.reported(identifier, event, message), identifier)
        self._follow(case, task, event)
        if task.tries > retries and task.status in TRANSITIONS[Event.GIVEN_UP]:
            task.apply(Event.GIVEN_UP)
            self._note(case, logs.given_up(task.tries), identifier)
            return "no retry is left" if event in {Event.RECEIVED, Event.CONFIRMED} else None
        return None

    def _follow(self, case: Case, task: Task, event: Event) -> None:
        plan = case.plan
        if event is Event.CONFIRMED:
            for text in (logs.CONFIRMED, logs.URL_SENT, logs.URL_ISSUED):
                self._note(case, text, task.component.identifier)
        elif event is Event.REFUSED:
            holds = plan.mode == "silent" and plan.push_actively
            case.refused_until = self._now + plan.rejection_minutes * 60 if holds else None
            until = clock_time(case.refused_until, plan.zone) if case.refused_until else ""
            self._note(case, logs.refused(until), task.component.identifier)
        elif event is Event.CLAIMED and task.status in TRANSITIONS[Event.OTHER_SEEN]:
            self._check_claim(case, task)

    def _check_claim(self, case: Case, task: Task) -> None:
        component = task.component
        version = self._device.reported.version_of(component)
        may_restart = component.type == "module" and task.connection == self._device.connections
        if version != component.target_version and may_restart:
            task.claimed = task.changed = True
            self._note(case, logs.not_yet(version, component.target_version), component.identifier)
            return
        self._judge(case, task)

    # -- versions -------------------------------------------------------------------------------------------------

    def see_versions(self, *, asked: bool = False) -> None:
        """Compares what the device reports with what its open tasks aim at."""
        open_tasks = self._tx.rows(_OPEN_TASKS, d=self._device.dk)
        for plan_id in dict.fromkeys(row["plan"] for row in open_tasks):
            plan = self._center.plans.get(self._tx, plan_id)
            if plan is None or plan.product_key != self._device.product_key:
                continue
            case = self._loaded(plan)
            if case is None:
                continue
            seen = [self._see(case, task, asked) for task in case.tasks]
            if any(seen):
                self._save(case)

    def _see(self, case: Case, task: Task, asked: bool) -> bool:
        if task.status not in OPEN:
            return False
        version = self._device.reported.version_of(task.component)
        if version == task.component.target_version:
            self._judge(case, task)
            return True
        restarted = task.connection != self._device.connections
        lost = asked and restarted and task.status is ComponentStatus.UPGRADING and task.component.type == "module"
        if (task.claimed and (restarted or asked)) or lost:
            if lost:
                self._note(case, logs.DIFFERENT_AFTER_RESTART, task.component.identifier)
            self._judge(case, task)
            return True
        return False

    def _judge(self, case: Case, task: Task) -> None:
        version, target = self._device.reported.version_of(task.component), task.component.target_version
        fits = version == target
        if task.status in TRANSITIONS[Event.OTHER_SEEN]:
            text = logs.consistent(target) if fits else logs.inconsistent(version, target)
            self._note(case, text, task.component.identifier)
        task.apply(Event.TARGET_SEEN if fits else Event.OTHER_SEEN)

    # -- cancellation ---------------------------------------------------------------------------------------------

    def settle_cancellations(self) -> None:
        """The device has had the chance to object: what was to be cancelled is cancelled now."""
        for row in self._tx.rows(_CANCELLING, d=self._device.dk):
            plan = self._center.plans.get(self._tx, row["plan"])
            case = plan and self._loaded(plan)
            if case and case.plan.product_key == self._device.product_key:
                self._cancelled(case)
                self._save(case)

    def _cancelled(self, case: Case) -> None:
        case.cancelling = False
        if case.updating:
            self._note(case, logs.CANCEL_REFUSED)
            return
        for task in case.tasks:
            if task.status in TRANSITIONS[Event.CANCELLED]:
                task.apply(Event.CANCELLED)
                self._note(case, logs.CANCELLED, task.component.identifier)

    # -- rows -----------------------------------------------------------------------------------------------------

    def _loaded(self, plan: Plan) -> Case | None:
        if plan.id not in self._cases:
            found = cases.load(self._tx, plan, self._device.dk)
            if found is None:
                return None
            self._cases[plan.id] = found
        return self._cases[plan.id]

    def _case(self, plan: Plan) -> Case:
        case = self._loaded(plan)
        if case is None:
            case = self._cases[plan.id] = cases.create(self._tx, plan, self._device.dk)
        return case

    def _case_of_task(self, task_id: int) -> Case | None:
        plan_id = self._tx.scalar(_PLAN_OF_TASK, t=task_id, d=self._device.dk)
        plan = None if plan_id is None else self._center.plans.get(self._tx, plan_id)
        if plan is None or plan.product_key != self._device.product_key:
            return None
        return self._loaded(plan)

    def _note(self, case: Case, text: str, component: str = "") -> None:
        row: Mapping[str, Any] = {"plan": case.plan.id, "dk": case.dk, "time": self._now, "text": text}
        self._log.append({**row, "component": component})

    def _save(self, case: Case) -> None:
        save(self._center, self._tx, case, self._now)

    def close(self) -> None:
        """Stores the log lines of this call."""
        self._tx.insert_many(tables.log, self._log)
        self._log = []


def save(center: Center, tx: Transaction, case: Case, now: float) -> None:
    """Stores a case with everything that follows from it: the plan's state, a verification, news for subscribers."""
    case.settle(now)
    cases.save(tx, case)
    if case.running and case.plan.status is PlanStatus.TO_BE_UPGRADED:
        center.move_plan(tx, case.plan, PlanEvent.DEVICE_STARTED)
    if case.plan.kind == "verification" and case.ended is not None:
        verification.settle(center, tx, case)
    tx.after(lambda: center.subscribers.tell(case.plan.id, case.dk))
