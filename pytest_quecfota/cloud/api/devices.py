"""Devices of a product: what they report, and switching them off, on, and back to their first authentication."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from .. import tables
from ..center import Center
from ..errors import Problem, documented, not_found
from ..fleet import DISABLED, SESSION_LOST, register, row_of
from ..store import Row, Transaction
from .access import TheCenter
from .fields import DeviceKey, Input, Limit, Listing, Offset, Time, moment, page
from .projects import product_of

router = APIRouter(prefix="/products/{product_key}/devices", tags=["devices"], responses=documented(401, 404, 422))


class DeviceIn(Input):
    """A device to be known before it comes by itself."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dk": "866123450000017"}]})
    dk: DeviceKey


class Versions(BaseModel):
    """Versions a device reported."""

    module: str | None
    mcu: dict[str, str]


class Device(BaseModel):
    """A device; readings are None until they were reported."""

    id: str
    dk: str
    online: bool
    status: Literal["Not Activated", "Activated", "Disabled"]
    model: str
    versions: Versions
    battery: int | None
    signal: int | None
    voltage_mv: int | None
    free_space: int | None
    created: Time
    seen: Time | None


def _status(row: Row) -> str:
    if row["disabled"]:
        return "Disabled"
    return "Activated" if row["secret"] else "Not Activated"


def _device(center: Center, row: Row) -> dict[str, Any]:
    readings = row["readings"]
    return {
        "id": str(row["id"]),
        "dk": row["dk"],
        "online": center.sessions.online(row["product_key"], row["dk"]),
        "status": _status(row),
        "model": row["model"],
        "versions": {"module": row["module_version"], "mcu": row["mcu_versions"]},
        **{name: readings.get(name) for name in ("battery", "signal", "voltage_mv", "free_space")},
        "created": moment(row["created"]),
        "seen": moment(row["seen"]),
    }


def _row(tx: Transaction, product_key: str, dk: str) -> Row:
    product_of(tx, product_key)
    row = row_of(tx, product_key, dk)
    if row is None:
        raise not_found("device", dk)
    return row


def _change(center: Center, product_key: str, dk: str, **values: Any) -> dict[str, Any]:
    with center.transaction() as tx:
        row = _row(tx, product_key, dk)
        tx.execute(sa.update(tables.devices).where(tables.devices.c.id == row["id"]).values(**values))
        return _device(center, _row(tx, product_key, dk))


@router.post("", status_code=201, response_model=Device, responses=documented(409))
async def add_device(center: TheCenter, product_key: str, wanted: DeviceIn) -> Any:
    """Lists a device before its first authentication."""
    with center.transaction() as tx:
        product_of(tx, product_key)
        if row_of(tx, product_key, wanted.dk) is not None:
            raise Problem(409, f"there is a device {wanted.dk!r} already")
        register(tx, center.clock.now(), product_key, wanted.dk)
        return _device(center, _row(tx, product_key, wanted.dk))


@router.get("", response_model=Listing[Device])
async def list_devices(center: TheCenter, product_key: str, offset: Offset = 0, limit: Limit = 1000) -> Any:
    """The devices of a product."""
    t = tables.devices
    with center.transaction() as tx:
        product_of(tx, product_key)
        mine = t.c.product_key == product_key
        rows = tx.rows(sa.select(t).where(mine).order_by(t.c.id).offset(offset).limit(limit))
        total = tx.scalar(sa.select(sa.func.count()).select_from(t).where(mine))
        return page([_device(center, row) for row in rows], total)


@router.get("/{dk}", response_model=Device)
async def show_device(center: TheCenter, product_key: str, dk: str) -> Any:
    """One device."""
    with center.transaction() as tx:
        return _device(center, _row(tx, product_key, dk))


@router.post("/{dk}/disable", response_model=Device)
async def disable_device(center: TheCenter, product_key: str, dk: str) -> Any:
    """Sends a device away and keeps it out."""
    _change(center, product_key, dk, disabled=1)
    center.sessions.dismiss(product_key, dk, DISABLED)
    return _change(center, product_key, dk, disabled=1)


@router.post("/{dk}/enable", response_model=Device)
async def enable_device(center: TheCenter, product_key: str, dk: str) -> Any:
    """Lets a device in again."""
    return _change(center, product_key, dk, disabled=0)


@router.post("/{dk}/reset", response_model=Device)
async def reset_device(center: TheCenter, product_key: str, dk: str) -> Any:
    """Takes a device's secret away: it has to authenticate anew."""
    _change(center, product_key, dk, secret="", nonce="")
    center.sessions.dismiss(product_key, dk, SESSION_LOST)
    return _change(center, product_key, dk, secret="", nonce="")
