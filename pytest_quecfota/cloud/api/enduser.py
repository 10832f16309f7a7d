"""The App's side of user-confirmed plans, after the app SDK's documentation (OTAServiceEnduserAPI).

Public documents give paths, models and codes, not the whole bodies; what they leave open is our choice: a GET with `pk` and `dk`,
bodies as lists, and answers as `{"code": 200, "msg": "", "data": ...}`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Query

from .. import cases, monitoring, planning, tables
from ..center import Center
from ..domain import logs, matching
from ..domain.case import APP_CANCELLED, APPOINTED, NOW
from ..domain.model import Plan
from ..domain.states import OVER
from ..errors import Problem, documented, not_found
from ..fleet import row_of
from ..store import Transaction
from .access import TheCenter
from .appforms import APPOINT, CANCEL, RETRY, Answer, Batch, ConfirmIn, DeviceIn, In, SwitchIn, answer
from .appview import view

router = APIRouter(prefix="/v2/quecota/enduserapi/v2", tags=["app side"], responses=documented(401, 422))
plain = APIRouter(prefix="/v2/quecota/enduserapi", tags=["app side"], responses=documented(401, 422))
"""Calls whose documented paths have no second version."""
LEAST_APPOINTMENT = 3600.0
"""Seconds an appointment must last at least."""


def _plan_of(center: Center, tx: Transaction, pk: str, dk: str, plan_id: str | int | None) -> Plan | None:
    """The named plan, or the newest one that is for the device and waits for its user."""
    t = tables.plans.c
    query = sa.select(t.id).where(t.product_key == pk, t.kind == "normal", t.activated.is_not(None))
    if plan_id is not None:
        if not str(plan_id).isdecimal() or len(str(plan_id)) > 15:
            return None
        query = query.where(t.id == int(plan_id))
    for row in tx.rows(query.order_by(t.id.desc()).where(t.id.not_in(_deleted(dk)))):
        plan = center.plans.get(tx, row["id"])
        fits = plan is not None and plan.mode == "user-confirmed"
        if plan is not None and fits and matching.in_scope(dk, plan.whitelist, plan.blacklist):
            return plan
    return None


def _deleted(dk: str) -> sa.Select[Any]:
    """The plans of this device that its user has removed from the App."""
    d = tables.plan_devices.c
    return sa.select(d.plan).where(d.dk == dk, d.app_deleted == 1)


@router.get("/getDeviceUpgradePlan", response_model=Answer)
async def get_device_upgrade_plan(center: TheCenter, pk: str = Query(), dk: str = Query()) -> Any:
    """The plan that waits for the user of a device; `data` is null where there is none."""
    with center.transaction() as tx:
        plan = _plan_of(center, tx, pk, dk, None)
        return answer(None if plan is None else view(tx, plan, dk))


@plain.post("/setAutoUpgradeSwitch", response_model=Answer, responses=documented(404))
async def set_auto_upgrade_switch(center: TheCenter, wanted: SwitchIn) -> Any:
    """Sets whether a device upgrades by itself."""
    t = tables.devices
    with center.transaction() as tx:
        mine = sa.and_(t.c.product_key == wanted.pk, t.c.dk == wanted.dk)
        if not tx.execute(sa.update(t).where(mine).values(auto_upgrade=int(wanted.autoUpgrade))):
            raise not_found("device", wanted.dk)
    return answer(wanted.model_dump())


@plain.get("/getAutoUpgradeSwitch", response_model=Answer, responses=documented(404))
async def get_auto_upgrade_switch(center: TheCenter, pk: str = Query(), dk: str = Query()) -> Any:
    """Whether a device upgrades by itself."""
    with center.transaction() as tx:
        row = row_of(tx, pk, dk)
        if row is None:
            raise not_found("device", dk)
        return answer({"pk": pk, "dk": dk, "autoUpgrade": bool(row["auto_upgrade"])})


@router.post("/getBatchUpgradeDetails", response_model=Answer)
async def get_batch_upgrade_details(center: TheCenter, wanted: Batch[DeviceIn]) -> Any:
    """Where the upgrades of some devices stand."""
    with center.transaction() as tx:
        found = [(_plan_of(center, tx, one.pk, one.dk, one.planId), one.dk) for one in wanted]
        return answer([view(tx, plan, dk) for plan, dk in found if plan is not None])


@router.post("/userBatchConfirmUpgrade", response_model=Answer)
async def user_batch_confirm_upgrade(center: TheCenter, wanted: Batch[ConfirmIn]) -> Any:
    """What users want of their devices' plans; says for each whether it was done."""
    return answer(_each(center, wanted, _confirm))


@plain.post("/deleteDeviceUpgrade", response_model=Answer)
async def delete_device_upgrade(center: TheCenter, wanted: Batch[DeviceIn]) -> Any:
    """Removes upgrades that have ended from what the App shows of a device; the monitoring keeps them."""
    return answer(_each(center, wanted, _delete))


def _each(center: Center, wanted: Sequence[In], act: Callable[[Center, Transaction, In], None]) -> dict[str, Any]:
    """Does something with each device, one transaction a device."""
    done, failed = [], []
    for one in wanted:
        named = {"pk": one.pk, "dk": one.dk, "planId": None if one.planId is None else str(one.planId)}
        try:
            with center.transaction() as tx:
                act(center, tx, one)
            done.append(named)
        except Problem as problem:
            failed.append({**named, "code": problem.status, "msg": problem.detail})
    return {"successList": done, "failList": failed}


def _delete(center: Center, tx: Transaction, wanted: DeviceIn) -> None:
    plan = _known_plan(center, tx, wanted)
    case = cases.load(tx, plan, wanted.dk)
    if plan.status not in OVER and not (case and case.ended is not None):
        raise Problem(409, "this upgrade has not ended; cancel it first")
    case = case or cases.create(tx, plan, wanted.dk)
    d = tables.plan_devices.c
    tx.execute(sa.update(tables.plan_devices).where(d.id == case.id).values(app_deleted=1))


def _confirm(center: Center, tx: Transaction, wanted: ConfirmIn) -> None:
    plan = _known_plan(center, tx, wanted)
    if wanted.operType == CANCEL:
        monitoring.cancel(center, tx, plan, wanted.dk, logs.APP_CANCELLED)
        _note(center, tx, plan, wanted.dk, APP_CANCELLED, None)
    elif wanted.operType == RETRY:
        monitoring.retry(center, tx, plan, wanted.dk, from_app=True)
        _note(center, tx, plan, wanted.dk, NOW, None)
    else:
        _agree(center, tx, plan, wanted)


def _known_plan(center: Center, tx: Transaction, wanted: DeviceIn) -> Plan:
    plan = _plan_of(center, tx, wanted.pk, wanted.dk, wanted.planId)
    if plan is None:
        raise Problem(404, "there is no such plan for this device")
    monitoring.case_of(tx, plan, wanted.dk)
    return plan


def _agree(center: Center, tx: Transaction, plan: Plan, wanted: ConfirmIn) -> None:
    case = cases.load(tx, plan, wanted.dk)
    if plan.status in OVER or (case and case.ended is not None):
        raise Problem(409, "this upgrade has ended")
    if case and case.running:
        raise Problem(409, "this upgrade is running already")
    appointed = None
    if wanted.operType == APPOINT:
        appointed = ((wanted.appointStartTime or 0) / 1000, (wanted.appointEndTime or 0) / 1000)
        first, last = appointed
        if not (plan.start <= first and last <= plan.end and last - first >= LEAST_APPOINTMENT):
            raise Problem(422, "an appointment lies inside the planned time and lasts at least one hour")
    _note(center, tx, plan, wanted.dk, APPOINTED if appointed else NOW, appointed)
    monitoring.note(center, tx, plan, wanted.dk, logs.APP_CONFIRMED)
    planning.issue_at_once(center, tx, plan.id, wanted.dk)


def _note(center: Center, tx: Transaction, plan: Plan, dk: str, app: int, window: tuple[float, float] | None) -> None:
    case = cases.load(tx, plan, dk) or cases.create(tx, plan, dk)
    case.app, case.appointed = app, window
    cases.save(tx, case)
    tx.after(lambda: center.subscribers.tell(plan.id, dk))
