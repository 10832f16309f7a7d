"""What people see of a plan, and what they may do to a device in it: retry and cancel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from . import cases, planning, tables
from .center import Center
from .domain import logs, matching
from .domain.case import Case
from .domain.model import Plan
from .domain.states import IN_FORCE, OVER, TRANSITIONS, ComponentStatus, DeviceStatus, Event
from .domain.windows import iso
from .errors import Problem, not_found
from .fleet import reported_by, row_of
from .store import Transaction
from .upgrading import save

_D = tables.plan_devices.c


def devices(
    center: Center, tx: Transaction, plan: Plan, status: str | None, offset: int, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """A page of the devices of a plan, and how many there are; `status` narrows it down."""
    dks = planning.scope(tx, plan)
    if status is not None:
        rows = tx.rows(sa.select(_D.dk, _D.status).where(_D.plan == plan.id))
        of = {row["dk"]: row["status"] for row in rows}
        dks = [dk for dk in dks if of.get(dk, DeviceStatus.NOT_UPGRADED.value) == status]
    page = dks[offset : offset + limit]
    return views(center, tx, plan, page), len(dks)


def views(center: Center, tx: Transaction, plan: Plan, dks: Sequence[str]) -> list[dict[str, Any]]:
    """Devices as the monitoring shows them."""
    found = cases.load_many(tx, plan, dks)
    return [view(center, plan, dk, found.get(dk)) for dk in dks]


def view(center: Center, plan: Plan, dk: str, case: Case | None) -> dict[str, Any]:
    """One device as the monitoring shows it, in the plan's time zone; without a case nothing has happened yet."""
    tasks = {task.component.position: task for task in case.tasks} if case else {}
    components = []
    for component in plan.components:
        task = tasks.get(component.position)
        components.append(
            {
                "identifier": component.identifier,
                "type": component.type,
                "source_version": (task.source_version if task else "") or component.source_version,
                "target_version": component.target_version,
                "status": (task.status if task else ComponentStatus.NOT_RECEIVED).value,
                "progress": task.progress if task else 0,
            }
        )
    return {
        "dk": dk,
        "status": (case.status if case else DeviceStatus.NOT_UPGRADED).value,
        "online": center.sessions.online(plan.product_key, dk),
        "start": iso(case.started, plan.zone) if case and case.started else None,
        "end": iso(case.ended, plan.zone) if case and case.ended else None,
        "refused_until": iso(case.refused_until, plan.zone) if case and case.refused_until else None,
        "cancelling": bool(case and case.cancelling),
        "retries": case.retries if case else 0,
        "components": components,
    }


def counts(tx: Transaction, plan: Plan) -> dict[str, int]:
    """How many devices are in which state."""
    d = tables.devices.c
    query = sa.select(_D.status, sa.func.count()).where(_D.plan == plan.id).group_by(_D.status)
    of = {row["status"]: row["count"] for row in tx.rows(query)}
    if plan.whitelist:
        total = len(plan.whitelist - plan.blacklist)
    else:
        product = sa.select(sa.func.count()).where(d.product_key == plan.product_key)
        black = tx.scalar(product.where(d.dk.in_(plan.blacklist))) if plan.blacklist else 0
        total = tx.scalar(product) - black
    named = {status: of.get(status.value, 0) for status in DeviceStatus}
    started = sum(count for status, count in named.items() if status is not DeviceStatus.NOT_UPGRADED)
    return {
        "devices": total,
        "upgraded": named[DeviceStatus.UPGRADED],
        "failed": named[DeviceStatus.FAILED],
        "upgrading": named[DeviceStatus.UPGRADING],
        "not_upgraded": max(total - started, 0),
        "no_update_required": named[DeviceStatus.NOT_NEEDED],
    }


def rate(count: dict[str, int]) -> float | None:
    """Share of successes among what has ended, None before anything has."""
    ended = count["upgraded"] + count["failed"]
    return round(count["upgraded"] / ended, 4) if ended else None


def case_of(tx: Transaction, plan: Plan, dk: str) -> Case | None:
    """The case of a device of the plan, None where nothing has happened yet; raises 404 for other devices."""
    known = dk in plan.whitelist or row_of(tx, plan.product_key, dk) is not None
    case = cases.load(tx, plan, dk)
    if case is None and not (known and matching.in_scope(dk, plan.whitelist, plan.blacklist)):
        raise not_found("device of this plan", dk)
    return case


def note(center: Center, tx: Transaction, plan: Plan, dk: str, text: str, component: str = "") -> None:
    """Adds a line to the log of a device."""
    line = {"plan": plan.id, "dk": dk, "time": center.clock.now(), "text": text, "component": component}
    tx.insert(tables.log, line)


def retry(center: Center, tx: Transaction, plan: Plan, dk: str, *, from_app: bool = False) -> None:
    """Tries a failed device again: at once if it is online, else when it comes online."""
    case = case_of(tx, plan, dk)
    may_retry(center, plan, from_app=from_app)
    if case is None or not case.failed:
        raise Problem(
            409,
            f"only a failed device is retried; {dk} is {(case.status if case else DeviceStatus.NOT_UPGRADED).value}",
        )
    if case.retries >= plan.strategy.retries:
        raise Problem(409, f"no retry left: the plan allows {plan.strategy.retries}")
    _versions_still_fit(tx, case)
    case.retries += 1
    for task in case.tasks:
        if task.status is ComponentStatus.FAILED:
            task.apply(Event.RETRIED)
    case.refused_until = None
    note(center, tx, plan, dk, logs.RETRIED)
    save(center, tx, case, center.clock.now())
    planning.issue_at_once(center, tx, plan.id, dk)


def may_retry(center: Center, plan: Plan, *, from_app: bool = False) -> None:
    """Raises 409 where no device of the plan can be tried again."""
    if plan.mode != "silent" and not from_app:
        raise Problem(409, "a user-confirmed upgrade is retried from the App")
    if plan.status not in IN_FORCE or not plan.start <= center.clock.now() < plan.end:
        raise Problem(409, f"only devices of a plan in force are retried; this one is {plan.status.value}")


def failed(tx: Transaction, plan: Plan) -> list[str]:
    """The devices of the plan that have failed."""
    rows = tx.rows(sa.select(_D.dk).where(_D.plan == plan.id, _D.status == DeviceStatus.FAILED.value).order_by(_D.id))
    return [row["dk"] for row in rows]


def _versions_still_fit(tx: Transaction, case: Case) -> None:
    row = row_of(tx, case.plan.product_key, case.dk)
    if row is None:
        return
    reported = reported_by(row)
    for task in case.tasks:
        found = matching.match(task.component, reported)
        if task.status is ComponentStatus.FAILED and found in {
            matching.Match.OTHER_SOURCE,
            matching.Match.NOT_SPECIFIED,
        }:
            raise Problem(409, f"component {task.component.identifier}: {found.value}")


def cancel(center: Center, tx: Transaction, plan: Plan, dk: str, text: str = logs.CANCELLED) -> None:
    """Calls an upgrade back: what waits has failed at once; a running one is asked, and one being installed refuses."""
    case = case_of(tx, plan, dk)
    if plan.activated is None:
        raise Problem(409, "the plan is not activated: nothing is to be cancelled")
    if plan.status in OVER and not (case and case.running):
        raise Problem(409, f"nothing waits or runs any more: the plan is {plan.status.value}")
    case = case or cases.create(tx, plan, dk)
    if case.updating:
        raise Problem(409, f"device {dk} is already upgrading; that cannot be called back")
    if case.ended is not None:
        raise Problem(409, f"the upgrade of device {dk} has ended: {case.status.value}")
    running = [task for task in case.tasks if task.status is not ComponentStatus.UPGRADING and case.running]
    if running:
        case.cancelling = True
        note(center, tx, plan, dk, logs.CANCEL_ASKED)
        _tell(center, tx, plan, dk, [task.id for task in case.tasks])
    else:
        for task in case.tasks:
            if task.status in TRANSITIONS[Event.CANCELLED]:
                task.apply(Event.CANCELLED)
        case.due = False
        note(center, tx, plan, dk, text)
        _tell(center, tx, plan, dk, [task.id for task in case.tasks])
    save(center, tx, case, center.clock.now())


def _tell(center: Center, tx: Transaction, plan: Plan, dk: str, tasks: list[int]) -> None:
    session = center.sessions.of(plan.product_key, dk)
    if session is not None:
        session.cancelled.extend(tasks)
        tx.after(session.wake)
