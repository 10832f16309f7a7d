"""Many devices of a plan in one call: its lists as files, the monitoring as a file, failed devices tried again together."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from .. import monitoring, planning
from ..center import Center
from ..domain import devicelists, rules
from ..domain.states import DeviceStatus
from ..errors import Problem, documented
from ..store import Transaction
from .access import TheCenter
from .fields import DeviceKey, Input, number
from .planforms import TextsIn
from .plans import Plan, view

router = APIRouter(prefix="/plans/{plan}", tags=["plans"], responses=documented(401, 404, 422))
CSV = "text/csv"
Which = Literal["whitelist", "blacklist"]
_COLUMNS = ("DeviceKey", "Upgrade status", "Connection", "Start", "End", "Component", "Source version")
_MORE_COLUMNS = ("Target version", "Component status", "Progress")
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {CSV: {"schema": {"type": "string"}, "example": "DeviceKey\r\n866123450000017\r\n"}}}
}
_BODY = {"schema": {"type": "string"}, "example": "DeviceKey\n866123450000017\n866123450000025\n"}
_LIST_BODY = {"requestBody": {"required": True, "content": {CSV: _BODY, "text/plain": _BODY}}}


class RetryIn(Input):
    """Which devices to try again; without `devices` all that have failed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"devices": ["866123450000017"]}]})
    devices: Annotated[list[DeviceKey], Field(max_length=rules.LIST_LENGTH)] | None = None


class Refusal(BaseModel):
    """A device that is not tried again, and why."""

    dk: str
    detail: str


class Retried(BaseModel):
    """What became of a retry of several devices."""

    retried: list[str]
    refused: list[Refusal]


def _csv(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text, media_type=f"{CSV}; charset=utf-8", headers=headers)


@router.get("/lists/{which}", response_class=Response, responses=_FILE)
async def export_list(center: TheCenter, plan: str, which: Which) -> Response:
    """A list of the plan as a file: one device key a line below a heading."""
    with center.transaction() as tx:
        found = view(center, tx, number(plan, "plan"))
    return _csv(devicelists.written(found[which]), f"plan-{found['id']}-{which}")


@router.put(
    "/lists/{which}", response_model=Plan, responses=documented(400, 408, 409, 413, 415), openapi_extra=_LIST_BODY
)
async def import_list(center: TheCenter, plan: str, which: Which, request: Request) -> Any:
    """Puts the devices of a file in the place of a list; only while the plan is not activated."""
    kind = request.headers.get("content-type", CSV).split(";")[0].strip().lower()
    if kind not in {CSV, "text/plain"}:
        raise Problem(415, f"a list is sent as {CSV} or text/plain")
    with center.transaction() as tx:
        planning.one(center, tx, number(plan, "plan"))
    content = await request.body()
    try:
        keys = tuple(devicelists.read(content))
    except ValueError as error:
        raise Problem(422, str(error)) from error
    with center.transaction() as tx:
        key = number(plan, "plan")
        definition = planning.definition_of(tx, planning.one(center, tx, key))
        planning.replace(center, tx, key, definition.with_list(which, keys))
        return view(center, tx, key)


@router.put("/texts", response_model=Plan, responses=documented(409))
async def change_texts(center: TheCenter, plan: str, texts: TextsIn) -> Any:
    """Changes what the App shows its user, also of a plan in force; not of one that is over."""
    with center.transaction() as tx:
        key = number(plan, "plan")
        planning.reword(center, tx, key, texts.model_dump())
        return view(center, tx, key)


@router.get("/export", response_class=Response, responses=_FILE)
async def export_devices(center: TheCenter, plan: str, status: DeviceStatus | None = None) -> Response:
    """The monitoring of a plan as a file: a line for each component of each device."""
    with center.transaction() as tx:
        found = planning.one(center, tx, number(plan, "plan"))
        wanted = None if status is None else status.value
        devices, _ = monitoring.devices(center, tx, found, wanted, 0, rules.LIST_LENGTH * 100)
    lines = [_line(device, component) for device in devices for component in device["components"]]
    return _csv(devicelists.table([*_COLUMNS, *_MORE_COLUMNS], lines), f"plan-{found.id}-devices")


def _line(device: dict[str, Any], component: dict[str, Any]) -> list[Any]:
    first = [
        device["dk"],
        device["status"],
        "Online" if device["online"] else "Offline",
        device["start"],
        device["end"],
    ]
    versions = [component[name] for name in ("identifier", "source_version", "target_version")]
    return [*first, *versions, component["status"], f"{component['progress']} %"]


@router.post("/retry", response_model=Retried, responses=documented(409))
async def retry_devices(center: TheCenter, plan: str, wanted: RetryIn) -> Any:
    """Tries failed devices of a silent plan in force again, all or some; says which and why not."""
    with center.transaction() as tx:
        found = planning.one(center, tx, number(plan, "plan"))
        monitoring.may_retry(center, found)
        dks = list(dict.fromkeys(wanted.devices)) if wanted.devices is not None else monitoring.failed(tx, found)
        return _retry_all(center, tx, found.id, dks)


def _retry_all(center: Center, tx: Transaction, plan_id: int, dks: list[str]) -> dict[str, Any]:
    done: list[str] = []
    refused = []
    for dk in dks:
        try:
            monitoring.retry(center, tx, planning.one(center, tx, plan_id), dk)
            done.append(dk)
        except Problem as problem:
            refused.append({"dk": dk, "detail": problem.detail})
    return {"retried": done, "refused": refused}
