"""Upgrade components: what plans pick from."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from .. import tables
from ..errors import Problem, documented, not_found
from ..store import Row
from .access import TheCenter
from .fields import Identifier, Input, Limit, Listing, Name, Offset, Time, moment, number, page

router = APIRouter(prefix="/components", tags=["components"], responses=documented(401, 422))


class ComponentIn(Input):
    """A new component; name and identifier are unique. The identifier is what the module prints in its offers."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "modem", "identifier": "BC25", "type": "module"}]}
    )
    name: Name
    identifier: Identifier
    type: Literal["module", "mcu"]


class Component(BaseModel):
    """A component."""

    id: str
    name: str
    identifier: str
    type: Literal["module", "mcu"]
    created: Time


def _component(row: Row) -> dict[str, Any]:
    return {**row, "id": str(row["id"]), "created": moment(row["created"])}


@router.post("", status_code=201, response_model=Component, responses=documented(409))
async def create_component(center: TheCenter, wanted: ComponentIn) -> Any:
    """Creates a component."""
    t = tables.components
    with center.transaction() as tx:
        for field in ("name", "identifier"):
            value = getattr(wanted, field)
            if tx.row(sa.select(t.c.id).where(t.c[field] == value)):
                raise Problem(409, f"there is a component with the {field} {value!r} already")
        key = tx.insert(t, {**wanted.model_dump(), "created": center.clock.now()})
        row = tx.row(sa.select(t).where(t.c.id == key))
        assert row is not None
        return _component(row)


@router.get("", response_model=Listing[Component])
async def list_components(center: TheCenter, offset: Offset = 0, limit: Limit = 1000) -> Any:
    """All components."""
    t = tables.components
    with center.transaction() as tx:
        rows = tx.rows(sa.select(t).order_by(t.c.id).offset(offset).limit(limit))
        return page([_component(row) for row in rows], tx.scalar(sa.select(sa.func.count()).select_from(t)))


@router.get("/{component}", response_model=Component, responses=documented(404))
async def show_component(center: TheCenter, component: str) -> Any:
    """One component."""
    t = tables.components
    with center.transaction() as tx:
        row = tx.row(sa.select(t).where(t.c.id == number(component, "component")))
        if row is None:
            raise not_found("component", component)
        return _component(row)


@router.delete("/{component}", status_code=204, response_class=Response, responses=documented(404))
async def delete_component(center: TheCenter, component: str) -> None:
    """Deletes a component; plans that picked it keep it."""
    t = tables.components
    with center.transaction() as tx:
        if not tx.execute(sa.delete(t).where(t.c.id == number(component, "component"))):
            raise not_found("component", component)
