"""Upgrade plans: made, changed, deleted, activated, suspended, resumed, terminated."""

from __future__ import annotations

import datetime
import json
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from .. import monitoring, planning, tables
from ..center import Center
from ..domain.states import PlanStatus
from ..domain.windows import iso, zone
from ..errors import Problem, documented, not_found
from ..planbook import NORMAL
from ..store import Row, Transaction
from .access import TheCenter
from .fields import (
    Limit,
    Listing,
    Moment,
    Offset,
    Time,
    moment,
    number,
    page,
)
from .planforms import PlanComponentIn, PlanIn, PlanPatch, StrategyIn, TextsIn

router = APIRouter(prefix="/plans", tags=["plans"], responses=documented(401, 422))


class PlanComponent(BaseModel):
    """A component of a plan."""

    identifier: str
    type: Literal["module", "mcu"]
    package: str
    package_type: Literal["full", "delta"]
    target_version: str
    source_version: str
    specified_versions: list[str]
    size: int


class Counts(BaseModel):
    """How many devices are in which state."""

    devices: int
    upgraded: int
    failed: int
    upgrading: int
    not_upgraded: int
    no_update_required: int


class Plan(BaseModel):
    """An upgrade plan; the rate leaves out what has not started or is running."""

    id: str
    name: str
    product_key: str
    status: PlanStatus
    mode: Literal["silent", "user-confirmed"]
    whitelist: list[str]
    blacklist: list[str]
    time_zone: str
    start: Time
    end: Time
    push_actively: bool
    push_period: str
    rejection_minutes: int
    strategy: StrategyIn
    texts: TextsIn
    components: list[PlanComponent]
    created: Time
    activated: Time | None
    counts: Counts
    success_rate: float | None


def view(center: Center, tx: Transaction, plan_id: int) -> dict[str, Any]:
    """A plan as the API shows it."""
    row = tx.row(sa.select(tables.plans).where(tables.plans.c.id == plan_id))
    if row is None or row["kind"] != NORMAL:
        raise not_found("plan", plan_id)
    return _view(center, tx, row)


def _view(center: Center, tx: Transaction, row: Row) -> dict[str, Any]:
    plan = center.plans.get(tx, row["id"])
    assert plan is not None
    counts = monitoring.counts(tx, plan)
    return {
        **row["document"],
        "id": str(row["id"]),
        **{name: row[name] for name in ("name", "product_key", "status")},
        "start": iso(plan.start, plan.zone),
        "end": iso(plan.end, plan.zone),
        "created": moment(row["created"]),
        "activated": moment(row["activated"]),
        "counts": counts,
        "success_rate": monitoring.rate(counts),
    }


def _seconds(value: datetime.datetime, time_zone: str) -> float:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=zone(time_zone))
    return aware.timestamp()


def _picked(tx: Transaction, component: PlanComponentIn) -> dict[str, Any]:
    t = tables.components
    row = tx.row(sa.select(t).where(t.c.identifier == component.identifier))
    if row is None:
        raise Problem(404, f"there is no component with the identifier {component.identifier!r}; create it first")
    if component.type not in {None, row["type"]}:
        raise Problem(422, f"component {component.identifier!r} is of type {row['type']!r}")
    wish = planning.ComponentWish(
        identifier=component.identifier,
        type=row["type"],
        package=int(component.package) if component.package else None,
        package_type=component.package_type,
        target_version=component.target_version,
        source_version=component.source_version,
        specified_versions=component.specified_versions,
    )
    return planning.resolve(tx, wish)


def _definition(center: Center, tx: Transaction, wanted: PlanIn) -> planning.Definition:
    start = center.clock.now() if wanted.start is None else _seconds(wanted.start, wanted.time_zone)
    end = start + planning.FAR if wanted.end is None else _seconds(wanted.end, wanted.time_zone)
    plain = wanted.model_dump(exclude={"components", "start", "end", "whitelist", "blacklist"})
    return planning.Definition(
        **plain,
        start=start,
        end=end,
        whitelist=tuple(dict.fromkeys(wanted.whitelist)),
        blacklist=tuple(dict.fromkeys(wanted.blacklist)),
        components=tuple(_picked(tx, component) for component in wanted.components),
    )


@router.post("", status_code=201, response_model=Plan, responses=documented(404, 409))
async def create_plan(center: TheCenter, wanted: PlanIn) -> Any:
    """Creates a plan; it does nothing until it is activated."""
    with center.transaction() as tx:
        key = planning.insert(center, tx, _definition(center, tx, wanted))
        return view(center, tx, key)


@router.get("", response_model=Listing[Plan])
async def list_plans(
    center: TheCenter,
    name: str | None = None,
    product_key: str | None = None,
    status: PlanStatus | None = None,
    since: Annotated[Moment | None, Query(description="made at this time or later")] = None,
    until: Annotated[Moment | None, Query(description="made before this time")] = None,
    offset: Offset = 0,
    limit: Limit = 1000,
) -> Any:
    """Plans, the newest last; narrowed down by a part of the name, product, status, and the time they were made."""
    t = tables.plans
    wanted = [t.c.kind == NORMAL]
    if name is not None:
        wanted.append(t.c.name.contains(name, autoescape=True))
    if product_key is not None:
        wanted.append(t.c.product_key == product_key)
    if status is not None:
        wanted.append(t.c.status == status.value)
    if since is not None:
        wanted.append(t.c.created >= _seconds(since, "UTC"))
    if until is not None:
        wanted.append(t.c.created < _seconds(until, "UTC"))
    with center.transaction() as tx:
        rows = tx.rows(sa.select(t).where(*wanted).order_by(t.c.id).offset(offset).limit(limit))
        total = tx.scalar(sa.select(sa.func.count()).select_from(t).where(*wanted))
        return page([_view(center, tx, row) for row in rows], total)


@router.get("/{plan}", response_model=Plan, responses=documented(404))
async def show_plan(center: TheCenter, plan: str) -> Any:
    """One plan."""
    with center.transaction() as tx:
        return view(center, tx, number(plan, "plan"))


@router.patch("/{plan}", response_model=Plan, responses=documented(404, 409))
async def change_plan(center: TheCenter, plan: str, changes: PlanPatch) -> Any:
    """Changes a plan that was not activated; its product is fixed."""
    with center.transaction() as tx:
        key = number(plan, "plan")
        before = view(center, tx, key)
        wanted = {k: v for k, v in changes.model_dump(mode="json", exclude_unset=True).items() if v is not None}
        if wanted.get("product_key", before["product_key"]) != before["product_key"]:
            raise Problem(422, "the product of a plan is fixed")
        planning.replace(center, tx, key, _definition(center, tx, _merged(before, wanted)))
        return view(center, tx, key)


def _merged(before: dict[str, Any], changes: dict[str, Any]) -> PlanIn:
    from fastapi.exceptions import RequestValidationError
    from pydantic import ValidationError

    own = {name: before[name] for name in PlanIn.model_fields}
    own["components"] = [{k: v for k, v in c.items() if k != "size"} for c in own["components"]]
    for name in ("strategy", "texts"):
        if isinstance(changes.get(name), dict):
            changes[name] = {**own[name], **changes[name]}
    try:
        return PlanIn.model_validate_json(json.dumps({**own, **changes}))
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error


@router.delete("/{plan}", status_code=204, response_class=Response, responses=documented(404, 409))
async def delete_plan(center: TheCenter, plan: str) -> None:
    """Deletes a plan that was not activated."""
    with center.transaction() as tx:
        planning.delete(center, tx, number(plan, "plan"))


async def _act(center: Center, plan: str, action: Any) -> dict[str, Any]:
    with center.transaction() as tx:
        key = number(plan, "plan")
        planning.one(center, tx, key)
        action(center, tx, key)
        return view(center, tx, key)


@router.post("/{plan}/activate", response_model=Plan, responses=documented(404, 409))
async def activate_plan(center: TheCenter, plan: str) -> Any:
    """Sets a plan in force."""
    return await _act(center, plan, planning.activate)


@router.post("/{plan}/suspend", response_model=Plan, responses=documented(404, 409))
async def suspend_plan(center: TheCenter, plan: str) -> Any:
    """Pauses a plan for devices that have not begun; running upgrades go on."""
    return await _act(center, plan, planning.suspend)


@router.post("/{plan}/resume", response_model=Plan, responses=documented(404, 409))
async def resume_plan(center: TheCenter, plan: str) -> Any:
    """Takes a suspended plan up again."""
    return await _act(center, plan, planning.resume)


@router.post("/{plan}/terminate", response_model=Plan, responses=documented(404, 409))
async def terminate_plan(center: TheCenter, plan: str) -> Any:
    """Stops a plan for good: what has not begun has failed, running upgrades go on."""
    return await _act(center, plan, planning.terminate)
