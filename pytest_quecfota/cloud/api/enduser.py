"""The App's side of user-confirmed plans, after the app SDK's documentation (OTAServiceEnduserAPI).

Public documents give paths, models and codes, not the whole bodies; what they leave open is our choice: a GET with `pk` and `dk`,
bodies as lists, and answers as `{"code": 200, "msg": "", "data": ...}`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from .. import cases, monitoring, planning, tables
from ..center import Center
from ..domain import logs, matching
from ..domain.case import APP_CANCELLED, APPOINTED, NOT_CONFIRMED, NOW, Case
from ..domain.model import Plan
from ..domain.states import OVER, ComponentStatus, DeviceStatus
from ..errors import Problem, documented
from ..store import Transaction
from .access import TheCenter
from .fields import A_NUMBER

router = APIRouter(prefix="/v2/quecota/enduserapi/v2", tags=["app side"], responses=documented(401, 422))
Milliseconds = Annotated[int, Field(ge=0, le=10**14), A_NUMBER]
UPGRADE_NOW, APPOINT, CANCEL, RETRY = 1, 2, 3, 5
LEAST_APPOINTMENT = 3600.0
"""Seconds an appointment must last at least."""
DEVICE_STATUS = {
    DeviceStatus.NOT_UPGRADED: 0,
    DeviceStatus.UPGRADING: 1,
    DeviceStatus.UPGRADED: 2,
    DeviceStatus.NOT_NEEDED: 2,
    DeviceStatus.FAILED: 3,
}
_DOWNLOAD = {ComponentStatus.DOWNLOADING: 1, ComponentStatus.DOWNLOADED: 2, ComponentStatus.DOWNLOAD_FAILED: 3}
_UPGRADE = {ComponentStatus.UPGRADING: 1, ComponentStatus.SUCCEEDED: 2, ComponentStatus.FAILED: 3}
_DOWNLOADED = {ComponentStatus.UPGRADING, ComponentStatus.SUCCEEDED}
_EXAMPLE: dict[str, Any] = {"pk": "p1a2b3c4", "dk": "866123450000017", "planId": "1"}


class DeviceIn(BaseModel):
    """A device, and one of its plans."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    pk: str
    dk: str
    planId: str | Annotated[int, A_NUMBER] | None = None


class ConfirmIn(DeviceIn):
    """What the user wants: 1 upgrade now, 2 by appointment (times in ms), 3 cancel, 5 retry."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE, "operType": 1}]})
    operType: Annotated[Literal[1, 2, 3, 5], A_NUMBER]
    appointStartTime: Milliseconds | None = None
    appointEndTime: Milliseconds | None = None


class Answer(BaseModel):
    """The envelope of every answer."""

    code: int
    msg: str
    data: Any


def _answer(data: Any) -> dict[str, Any]:
    return {"code": 200, "msg": "", "data": data}


def _plan_of(center: Center, tx: Transaction, pk: str, dk: str, plan_id: str | int | None) -> Plan | None:
    """The named plan, or the newest one that is for the device and waits for its user."""
    t = tables.plans.c
    query = sa.select(t.id).where(t.product_key == pk, t.kind == "normal", t.activated.is_not(None))
    if plan_id is not None:
        if not str(plan_id).isdecimal() or len(str(plan_id)) > 15:
            return None
        query = query.where(t.id == int(plan_id))
    for row in tx.rows(query.order_by(t.id.desc())):
        plan = center.plans.get(tx, row["id"])
        fits = plan is not None and plan.mode == "user-confirmed"
        if plan is not None and fits and matching.in_scope(dk, plan.whitelist, plan.blacklist):
            return plan
    return None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _component(tx: Transaction, plan: Plan, case: Case | None, position: int) -> dict[str, Any]:
    component = plan.components[position]
    task = case.tasks[position] if case else None
    status = task.status if task else ComponentStatus.NOT_RECEIVED
    packages = tables.packages.c
    files = tx.scalar(sa.select(packages.files).where(packages.id == component.package)) or []
    return {
        "sort": position + 1,
        "comNo": component.identifier,
        "comType": 0 if component.type == "module" else 1,
        "dataType": 0 if component.package_type == "full" else 1,
        "cver": (task.source_version if task else "") or component.source_version,
        "tver": component.target_version,
        "versionInfo": "",
        "battery": plan.strategy.min_battery,
        "signal": plan.strategy.min_signal,
        "space": component.size,
        "downloadStatus": 2 if status in _DOWNLOADED else _DOWNLOAD.get(status, 0),
        "upgradeStatus": _UPGRADE.get(status, 0),
        "fileList": [
            {
                "updIndex": index,
                "fileName": file["name"],
                "fileSize": file["size"],
                "fileSha256": file["sha256"],
                "fileMd5": file["md5"],
                "fileCrc": f"{file['crc']:08x}",
            }
            for index, file in enumerate(files)
        ],
    }


def _view(tx: Transaction, plan: Plan, dk: str) -> dict[str, Any]:
    case = cases.load(tx, plan, dk)
    first, last = (case and case.appointed) or (None, None)
    components = [_component(tx, plan, case, i) for i in range(len(plan.components))]
    document: dict[str, Any] = tx.scalar(sa.select(tables.plans.c.document).where(tables.plans.c.id == plan.id))
    progress = [task.progress for task in case.tasks] if case else [0]
    return {
        "pk": plan.product_key,
        "dk": dk,
        "planId": str(plan.id),
        "planName": plan.name,
        "planStartTime": _milliseconds(plan.start),
        "planEndTime": _milliseconds(plan.end),
        "appointStartTime": _milliseconds(first),
        "appointEndTime": _milliseconds(last),
        "userConfirmStatus": 4 if plan.status in OVER else (case.app if case else NOT_CONFIRMED),
        "deviceStatus": DEVICE_STATUS[case.status if case else DeviceStatus.NOT_UPGRADED],
        "upgradeProgress": sum(progress) // len(progress),
        "versionInfo": document["texts"],
        "comVerList": components,
    }


@router.get("/getDeviceUpgradePlan", response_model=Answer)
async def get_device_upgrade_plan(center: TheCenter, pk: str = Query(), dk: str = Query()) -> Any:
    """The plan that waits for the user of a device; `data` is null where there is none."""
    with center.transaction() as tx:
        plan = _plan_of(center, tx, pk, dk, None)
        return _answer(None if plan is None else _view(tx, plan, dk))


@router.post("/getBatchUpgradeDetails", response_model=Answer)
async def get_batch_upgrade_details(center: TheCenter, wanted: list[DeviceIn]) -> Any:
    """Where the upgrades of some devices stand."""
    with center.transaction() as tx:
        found = [(_plan_of(center, tx, one.pk, one.dk, one.planId), one.dk) for one in wanted[:1000]]
        return _answer([_view(tx, plan, dk) for plan, dk in found if plan is not None])


@router.post("/userBatchConfirmUpgrade", response_model=Answer)
async def user_batch_confirm_upgrade(center: TheCenter, wanted: list[ConfirmIn]) -> Any:
    """What users want of their devices' plans; says for each whether it was done."""
    done, failed = [], []
    for one in wanted[:1000]:
        named = {"pk": one.pk, "dk": one.dk, "planId": None if one.planId is None else str(one.planId)}
        try:
            with center.transaction() as tx:
                _confirm(center, tx, one)
            done.append(named)
        except Problem as problem:
            failed.append({**named, "code": problem.status, "msg": problem.detail})
    return _answer({"successList": done, "failList": failed})


def _confirm(center: Center, tx: Transaction, wanted: ConfirmIn) -> None:
    plan = _plan_of(center, tx, wanted.pk, wanted.dk, wanted.planId)
    if plan is None:
        raise Problem(404, "there is no such plan for this device")
    monitoring.case_of(tx, plan, wanted.dk)
    if wanted.operType == CANCEL:
        monitoring.cancel(center, tx, plan, wanted.dk, logs.APP_CANCELLED)
        _note(center, tx, plan, wanted.dk, APP_CANCELLED, None)
    elif wanted.operType == RETRY:
        monitoring.retry(center, tx, plan, wanted.dk, from_app=True)
        _note(center, tx, plan, wanted.dk, NOW, None)
    else:
        _agree(center, tx, plan, wanted)


def _agree(center: Center, tx: Transaction, plan: Plan, wanted: ConfirmIn) -> None:
    case = cases.load(tx, plan, wanted.dk)
    if plan.status in OVER or (case and case.ended is not None):
        raise Problem(409, "this upgrade has ended")
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
