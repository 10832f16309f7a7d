"""Projects and products."""

from __future__ import annotations

import secrets
import string
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, StringConstraints

from .. import tables
from ..errors import Problem, documented, not_found
from ..store import Row, Transaction
from .access import TheCenter
from .fields import Id, Input, Limit, Listing, Name, Offset, ProductKey, Time, moment, number, page

router = APIRouter(tags=["projects and products"], responses=documented(401, 422))
Secret = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[!-~]+$")]


class ProjectIn(Input):
    """A new project."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "meters"}]})
    name: Name


class Project(BaseModel):
    """A project."""

    id: str
    name: str
    created: Time


class ProductIn(Input):
    """A new product; key and secret are made up where they are left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "water meter"}]})
    name: Name
    project: Id | None = None
    product_key: ProductKey | None = None
    product_secret: Secret | None = None


class Product(BaseModel):
    """A product; devices prove with key and secret that they belong to it."""

    id: str
    name: str
    project: str | None
    product_key: str
    product_secret: str
    created: Time


def _project(row: Row) -> dict[str, Any]:
    return {"id": str(row["id"]), "name": row["name"], "created": moment(row["created"])}


def _product(row: Row) -> dict[str, Any]:
    project = None if row["project"] is None else str(row["project"])
    same = {name: row[name] for name in ("name", "product_key", "product_secret")}
    return {"id": str(row["id"]), "project": project, **same, "created": moment(row["created"])}


def _one(tx: Transaction, table: sa.Table, key: int) -> Row:
    row = tx.row(sa.select(table).where(table.c.id == key))
    assert row is not None
    return row


@router.post("/projects", status_code=201, response_model=Project)
async def create_project(center: TheCenter, wanted: ProjectIn) -> Any:
    """Creates a project."""
    with center.transaction() as tx:
        key = tx.insert(tables.projects, {"name": wanted.name, "created": center.clock.now()})
        return _project(_one(tx, tables.projects, key))


@router.get("/projects", response_model=Listing[Project])
async def list_projects(center: TheCenter, offset: Offset = 0, limit: Limit = 1000) -> Any:
    """All projects."""
    t = tables.projects
    with center.transaction() as tx:
        rows = tx.rows(sa.select(t).order_by(t.c.id).offset(offset).limit(limit))
        return page([_project(row) for row in rows], tx.scalar(sa.select(sa.func.count()).select_from(t)))


@router.get("/projects/{project}", response_model=Project, responses=documented(404))
async def show_project(center: TheCenter, project: str) -> Any:
    """One project."""
    with center.transaction() as tx:
        row = tx.row(sa.select(tables.projects).where(tables.projects.c.id == number(project, "project")))
        if row is None:
            raise not_found("project", project)
        return _project(row)


@router.post("/products", status_code=201, response_model=Product, responses=documented(404, 409))
async def create_product(center: TheCenter, wanted: ProductIn) -> Any:
    """Creates a product."""
    key = wanted.product_key or "p" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(7))
    values: dict[str, Any] = {
        "name": wanted.name,
        "product_key": key,
        "project": int(wanted.project) if wanted.project else None,
    }
    secret = wanted.product_secret or secrets.token_urlsafe(16)
    values |= {"product_secret": secret, "created": center.clock.now()}
    p = tables.products.c
    with center.transaction() as tx:
        if tx.row(sa.select(p.id).where(p.product_key == key)):
            raise Problem(409, f"there is a product with the key {key!r} already")
        if wanted.project and not tx.row(
            sa.select(tables.projects.c.id).where(tables.projects.c.id == values["project"])
        ):
            raise Problem(404, f"there is no project {wanted.project!r}")
        return _product(_one(tx, tables.products, tx.insert(tables.products, values)))


@router.get("/products", response_model=Listing[Product])
async def list_products(center: TheCenter, offset: Offset = 0, limit: Limit = 1000) -> Any:
    """All products."""
    t = tables.products
    with center.transaction() as tx:
        rows = tx.rows(sa.select(t).order_by(t.c.id).offset(offset).limit(limit))
        return page([_product(row) for row in rows], tx.scalar(sa.select(sa.func.count()).select_from(t)))


@router.get("/products/{product_key}", response_model=Product, responses=documented(404))
async def show_product(center: TheCenter, product_key: str) -> Any:
    """One product."""
    with center.transaction() as tx:
        return _product(product_of(tx, product_key))


def product_of(tx: Transaction, product_key: str) -> Row:
    """The row of a product; raises 404."""
    row = tx.row(sa.select(tables.products).where(tables.products.c.product_key == product_key))
    if row is None:
        raise not_found("product", product_key)
    return row
