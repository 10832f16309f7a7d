"""Monitoring of a plan: its devices, their logs, retry and cancel, and a live stream of what changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from .. import monitoring, planning, tables
from ..center import Center
from ..domain.states import ComponentStatus, DeviceStatus
from ..domain.windows import iso
from ..errors import documented
from ..live import Subscriber
from .access import TheCenter
from .fields import Limit, Listing, Offset, Time, number, page
from .plans import view as plan_view

router = APIRouter(prefix="/plans/{plan}", tags=["monitoring"], responses=documented(401, 404, 422))
BEAT_SECONDS = 15.0
"""Real seconds between two signs of life on a quiet stream."""
MERGE_SECONDS = 0.05
"""Real seconds for which changes are gathered before they are sent."""


class ComponentState(BaseModel):
    """Where the upgrade of a component stands; progress in per cent."""

    identifier: str
    type: str
    source_version: str
    target_version: str
    status: ComponentStatus
    progress: int


class DeviceState(BaseModel):
    """Where a device of a plan stands."""

    dk: str
    status: DeviceStatus
    online: bool
    start: Time | None
    end: Time | None
    refused_until: Time | None
    cancelling: bool
    retries: int
    components: list[ComponentState]


class LogLine(BaseModel):
    """A line of the upgrade log."""

    time: Time
    text: str
    component: str | None


def _one(center: Center, plan: str, dk: str, action: Any = None) -> dict[str, Any]:
    with center.transaction() as tx:
        found = planning.one(center, tx, number(plan, "plan"))
        monitoring.case_of(tx, found, dk)
        if action is not None:
            action(center, tx, found, dk)
        return monitoring.views(center, tx, found, [dk])[0]


@router.get("/devices", response_model=Listing[DeviceState])
async def list_plan_devices(
    center: TheCenter, plan: str, status: DeviceStatus | None = None, offset: Offset = 0, limit: Limit = 1000
) -> Any:
    """The devices of a plan."""
    with center.transaction() as tx:
        found = planning.one(center, tx, number(plan, "plan"))
        wanted = None if status is None else status.value
        return page(*monitoring.devices(center, tx, found, wanted, offset, limit))


@router.get("/devices/{dk}", response_model=DeviceState)
async def show_plan_device(center: TheCenter, plan: str, dk: str) -> Any:
    """One device of a plan."""
    return _one(center, plan, dk)


@router.get("/devices/{dk}/log", response_model=Listing[LogLine])
async def show_log(center: TheCenter, plan: str, dk: str, offset: Offset = 0, limit: Limit = 1000) -> Any:
    """What happened to a device in this plan, oldest first; times are in the plan's time zone."""
    t = tables.log
    with center.transaction() as tx:
        found = planning.one(center, tx, number(plan, "plan"))
        monitoring.case_of(tx, found, dk)
        mine = sa.and_(t.c.plan == found.id, t.c.dk == dk)
        rows = tx.rows(sa.select(t).where(mine).order_by(t.c.id).offset(offset).limit(limit))
        total = tx.scalar(sa.select(sa.func.count()).select_from(t).where(mine))
    lines = [{"time": iso(r["time"], found.zone), "text": r["text"], "component": r["component"] or None} for r in rows]
    return page(lines, total)


@router.post("/devices/{dk}/retry", response_model=DeviceState, responses=documented(409))
async def retry_device(center: TheCenter, plan: str, dk: str) -> Any:
    """Tries a failed device again: at once if it is online, else when it comes online."""
    return _one(center, plan, dk, monitoring.retry)


@router.post("/devices/{dk}/cancel", response_model=DeviceState, responses=documented(409))
async def cancel_device(center: TheCenter, plan: str, dk: str) -> Any:
    """Calls an upgrade back: one that waits at once, a running one as soon as the device has agreed (`cancelling`)."""
    return _one(center, plan, dk, monitoring.cancel)


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def _news(center: Center, plan_id: int, subscriber: Subscriber) -> str:
    dks, plan_changed = subscriber.take()
    with center.transaction() as tx:
        plan = planning.one(center, tx, plan_id)
        shown = monitoring.views(center, tx, plan, dks)
        counts = monitoring.counts(tx, plan)
        parts = [_event("plan", plan_view(center, tx, plan_id))] if plan_changed else []
    parts += [_event("device", device) for device in shown]
    parts.append(_event("counts", {**counts, "success_rate": monitoring.rate(counts)}))
    return "".join(parts)


async def _stream(center: Center, plan_id: int) -> AsyncIterator[str]:
    subscriber = center.subscribers.add(plan_id)
    subscriber.news.set()
    try:
        while not center.stopping.is_set():
            try:
                await asyncio.wait_for(subscriber.news.wait(), BEAT_SECONDS)
            except asyncio.TimeoutError:
                yield ": still here\n\n"
                continue
            if center.stopping.is_set():
                return
            yield _news(center, plan_id, subscriber)
            await asyncio.sleep(MERGE_SECONDS)
    finally:
        center.subscribers.remove(plan_id, subscriber)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "events"}},
)
async def stream_events(center: TheCenter, plan: str) -> StreamingResponse:
    """Server-sent events: `plan`, `device` and `counts` as they change, the plan itself first."""
    with center.transaction() as tx:
        found = planning.one(center, tx, number(plan, "plan"))
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(_stream(center, found.id), media_type="text/event-stream", headers=headers)
