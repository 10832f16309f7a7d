"""Devices in plans, from and to their rows; a case exists from the first moment something is to be noted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from . import tables
from .domain.case import Case, Task
from .domain.model import Plan
from .domain.states import ComponentStatus, DeviceStatus
from .store import Row, Transaction

_D, _T = tables.plan_devices.c, tables.tasks.c
_ONE_CASE = sa.select(tables.plan_devices).where(_D.plan == sa.bindparam("p"), _D.dk == sa.bindparam("d"))
_UPDATE_CASE = sa.update(tables.plan_devices).where(_D.id == sa.bindparam("key"))
_UPDATE_TASK = sa.update(tables.tasks).where(_T.id == sa.bindparam("key"))
_ONE_TASKS = (
    sa.select(tables.tasks).where(_T.plan == sa.bindparam("p"), _T.dk == sa.bindparam("d")).order_by(_T.position)
)


def _task(plan: Plan, row: Row) -> Task:
    return Task(
        id=row["id"],
        component=plan.components[row["position"]],
        status=ComponentStatus(row["status"]),
        progress=row["progress"],
        tries=row["tries"],
        source_version=row["source_version"],
        claimed=bool(row["claimed"]),
        connection=row["connection"],
    )


def _case(plan: Plan, row: Row, tasks: Iterable[Row]) -> Case:
    appointed = None if row["appointed_from"] is None else (row["appointed_from"], row["appointed_to"])
    case = Case(
        id=row["id"],
        plan=plan,
        dk=row["dk"],
        tasks=[_task(plan, task) for task in tasks],
        status=DeviceStatus(row["status"]),
        due=bool(row["due"]),
        retries=row["retries"],
        cancelling=bool(row["cancelling"]),
        app=row["app"],
        appointed=appointed,
        refused_until=row["refused_until"],
        started=row["started"],
        ended=row["ended"],
    )
    case.stored = _case_values(case)
    return case


def load(tx: Transaction, plan: Plan, dk: str) -> Case | None:
    """The case of a device, None where nothing was noted yet."""
    row = tx.row(_ONE_CASE, p=plan.id, d=dk)
    return None if row is None else _case(plan, row, tx.rows(_ONE_TASKS, p=plan.id, d=dk))


def load_many(tx: Transaction, plan: Plan, dks: Sequence[str]) -> dict[str, Case]:
    """The cases of some devices."""
    found = tx.rows(sa.select(tables.plan_devices).where(_D.plan == plan.id, _D.dk.in_(dks)))
    tasks: dict[str, list[Row]] = {}
    for row in tx.rows(sa.select(tables.tasks).where(_T.plan == plan.id, _T.dk.in_(dks)).order_by(_T.position)):
        tasks.setdefault(row["dk"], []).append(row)
    return {row["dk"]: _case(plan, row, tasks.get(row["dk"], ())) for row in found}


def create(tx: Transaction, plan: Plan, dk: str) -> Case:
    """Begins to note what happens to a device."""
    create_many(tx, plan, [dk])
    case = load(tx, plan, dk)
    assert case is not None
    return case


def create_many(
    tx: Transaction, plan: Plan, dks: Sequence[str], status: ComponentStatus = ComponentStatus.NOT_RECEIVED
) -> None:
    """Begins the cases of many devices, all components in one state."""
    task: dict[str, Any] = {"status": status.value, "progress": 0, "tries": 0, "source_version": ""}
    task |= {"claimed": 0, "connection": 0, "plan": plan.id}
    case: dict[str, Any] = {"plan": plan.id, "status": DeviceStatus.NOT_UPGRADED.value, "due": 0, "retries": 0}
    case |= {"cancelling": 0, "app": 0}
    tx.insert_many(tables.plan_devices, [{**case, "dk": dk} for dk in dks])
    positions = range(len(plan.components))
    tx.insert_many(tables.tasks, [{**task, "dk": dk, "position": p} for dk in dks for p in positions])


def save(tx: Transaction, case: Case) -> None:
    """Stores what changed of a case and its tasks."""
    values = _case_values(case)
    if values != case.stored:
        tx.execute(_UPDATE_CASE, key=case.id, **values)
        case.stored = values
    for task in case.tasks:
        if task.changed:
            tx.execute(_UPDATE_TASK, key=task.id, **_task_values(task))
            task.changed = False


def _case_values(case: Case) -> dict[str, Any]:
    first, last = case.appointed or (None, None)
    return {
        "status": case.status.value,
        "due": int(case.due),
        "retries": case.retries,
        "app": case.app,
        "cancelling": int(case.cancelling),
        "refused_until": case.refused_until,
        "started": case.started,
        "ended": case.ended,
        "appointed_from": first,
        "appointed_to": last,
    }


def _task_values(task: Task) -> dict[str, Any]:
    return {
        "status": task.status.value,
        "progress": task.progress,
        "tries": task.tries,
        "source_version": task.source_version,
        "claimed": int(task.claimed),
        "connection": task.connection,
    }
