"""Version packages: uploaded, listed, deleted, verified on one device."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from .. import tables, verification
from ..center import Center
from ..domain import rules
from ..errors import Problem, documented, not_found
from ..packages import StoredFile
from ..planbook import NORMAL
from ..store import Row, Transaction
from . import upload
from .access import TheCenter
from .fields import DeviceKey, Identifier, Input, Limit, Listing, Name, Offset, ProductKey, Time, moment, number, page

router = APIRouter(prefix="/packages", tags=["packages"], responses=documented(401, 422))
NOT_VERIFIED = "Not Verified"


class PackageIn(Input):
    """The fields of an upload."""

    name: Name
    component_type: Literal["module", "mcu"]
    package_type: Literal["full", "delta"] = "full"
    source_version: str = ""
    target_version: str
    remarks: str = ""

    @field_validator("source_version", "target_version")
    @classmethod
    def _version(cls, value: str, info: Any) -> str:
        problem = rules.version_problem(value, info.field_name)
        if problem and (value or info.field_name == "target_version"):
            raise ValueError(problem)
        return value

    @field_validator("remarks")
    @classmethod
    def _short(cls, value: str) -> str:
        if len(value) > rules.REMARKS_LENGTH:
            raise ValueError(f"at most {rules.REMARKS_LENGTH} characters are allowed, these are {len(value)}")
        return value

    @model_validator(mode="after")
    def _source(self) -> PackageIn:
        if self.package_type == "delta" and not self.source_version:
            raise ValueError("a delta package needs a source_version")
        if self.package_type == "full" and self.source_version:
            raise ValueError("source_version is for delta packages only")
        return self


class PackageFile(BaseModel):
    """A file of a package; `crc` is the CRC-32 of zlib."""

    name: str
    size: int
    sha256: str
    md5: str
    crc: int


class Verification(BaseModel):
    """A try of a package on one device."""

    id: str
    package: str
    dk: str
    component: str
    state: Literal["Verifying", "Verified", "Failed"]
    started: Time
    deadline: Time


class Package(BaseModel):
    """A version package."""

    id: str
    name: str
    component_type: Literal["module", "mcu"]
    package_type: Literal["full", "delta"]
    source_version: str
    target_version: str
    remarks: str
    state: Literal["Not Verified", "Verified"]
    size: int
    files: list[PackageFile]
    created: Time
    verification: Verification | None


class VerifyIn(Input):
    """Which device, and which of its components; the product only where two have the same device key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"dk": "866123450000017", "component": "BC25"}]})
    dk: DeviceKey
    component: Identifier
    product_key: ProductKey | None = None


_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["name", "component_type", "target_version", "files"],
                    "properties": {
                        "name": {"type": "string", "minLength": 1, "maxLength": rules.NAME_LENGTH},
                        "component_type": {"type": "string", "enum": ["module", "mcu"]},
                        "package_type": {"type": "string", "enum": ["full", "delta"], "default": "full"},
                        "source_version": {"type": "string", "description": "for delta packages only"},
                        "target_version": {"type": "string", "pattern": rules.VERSION},
                        "remarks": {"type": "string", "maxLength": rules.REMARKS_LENGTH},
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": rules.FILES,
                            "items": {"type": "string", "format": "binary"},
                            "description": f"each at most 100 MB; {' '.join(sorted(rules.SUFFIXES))}",
                        },
                    },
                }
            }
        },
    }
}


def verification_view(row: Row) -> dict[str, Any]:
    """A verification as the API shows it."""
    same = {name: row[name] for name in ("dk", "component", "state")}
    times = {name: moment(row[name]) for name in ("started", "deadline")}
    return {"id": str(row["id"]), "package": str(row["package"]), **same, **times}


def _package(tx: Transaction, row: Row) -> dict[str, Any]:
    same = {n: row[n] for n in PackageIn.model_fields} | {"state": row["state"], "files": row["files"]}
    tried = verification.latest(tx, row["id"])
    return {
        "id": str(row["id"]),
        **same,
        "size": sum(file["size"] for file in row["files"]),
        "created": moment(row["created"]),
        "verification": None if tried is None else verification_view(tried),
    }


def _row(tx: Transaction, package: str) -> Row:
    row = tx.row(sa.select(tables.packages).where(tables.packages.c.id == number(package, "package")))
    if row is None:
        raise not_found("package", package)
    return row


def _checked(form: upload.Upload) -> PackageIn:
    try:
        wanted = PackageIn.model_validate(form.fields)
    except ValidationError as error:
        problems = [{"where": ".".join(map(str, e["loc"])) or "form", "message": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{p['where']}: {p['message']}" for p in problems)
        raise Problem(422, detail, errors=problems) from error
    if not form.files:
        raise Problem(422, f"files: a package has 1 to {rules.FILES} files")
    empty = [file.name for file in form.files if not file.size]
    if empty:
        raise Problem(422, f"files: {empty[0]!r} is empty")
    return wanted


def _insert(center: Center, tx: Transaction, wanted: PackageIn, files: list[StoredFile]) -> int:
    t = tables.packages
    if tx.row(sa.select(t.c.id).where(t.c.name == wanted.name)):
        raise Problem(409, f"there is a package {wanted.name!r} already")
    own = {"state": NOT_VERIFIED, "created": center.clock.now(), "files": [file.row() for file in files]}
    return tx.insert(t, {**wanted.model_dump(), **own})


@router.post(
    "",
    status_code=201,
    response_model=Package,
    responses=documented(400, 408, 409, 413, 415, 507),
    openapi_extra=_UPLOAD,
)
async def create_package(center: TheCenter, request: Request) -> Any:
    """Uploads a package; where it is refused, neither a row nor a file is left."""
    form = await upload.read(request, center.files, center.patience)
    try:
        wanted = _checked(form)
        with center.transaction() as tx:
            key = _insert(center, tx, wanted, [file.stored() for file in form.files])
            for file in form.files:
                file.keep()
            made = _package(tx, _row(tx, str(key)))
    except BaseException:
        form.discard()
        _remove_unneeded(center, {file.stored().sha256 for file in form.files})
        raise
    return made


def _remove_unneeded(center: Center, digests: set[str]) -> None:
    """Removes those of these files that no package has."""
    with center.transaction() as tx:
        needed = {f["sha256"] for row in tx.rows(sa.select(tables.packages.c.files)) for f in row["files"]}
    center.files.remove(digests - needed)


@router.get("", response_model=Listing[Package])
async def list_packages(center: TheCenter, offset: Offset = 0, limit: Limit = 1000) -> Any:
    """All packages."""
    t = tables.packages
    with center.transaction() as tx:
        rows = tx.rows(sa.select(t).order_by(t.c.id).offset(offset).limit(limit))
        total = tx.scalar(sa.select(sa.func.count()).select_from(t))
        return page([_package(tx, row) for row in rows], total)


@router.get("/{package}", response_model=Package, responses=documented(404))
async def show_package(center: TheCenter, package: str) -> Any:
    """One package."""
    with center.transaction() as tx:
        return _package(tx, _row(tx, package))


def _refuse_used(tx: Transaction, key: int) -> None:
    plans = tx.rows(sa.select(tables.plans.c.name, tables.plans.c.kind, tables.plans.c.document))
    for plan in plans:
        used = any(component["package"] == str(key) for component in plan["document"]["components"])
        if used and plan["kind"] == NORMAL:
            raise Problem(409, f"plan {plan['name']!r} uses this package")
    v = tables.verifications
    if tx.row(sa.select(v.c.id).where(v.c.package == key, v.c.state == verification.VERIFYING)):
        raise Problem(409, "this package is being verified")
    tx.execute(sa.delete(v).where(v.c.package == key))


@router.delete("/{package}", status_code=204, response_class=Response, responses=documented(404, 409))
async def delete_package(center: TheCenter, package: str) -> None:
    """Deletes a package that no plan uses."""
    with center.transaction() as tx:
        row = _row(tx, package)
        _refuse_used(tx, row["id"])
        t = tables.packages
        tx.execute(sa.delete(t).where(t.c.id == row["id"]))
    _remove_unneeded(center, {file["sha256"] for file in row["files"]})


@router.post("/{package}/verify", status_code=202, response_model=Verification, responses=documented(404, 409))
async def verify_package(center: TheCenter, package: str, wanted: VerifyIn) -> Any:
    """Tries a package on one online device: issued at once, failed after 60 minutes."""
    key = number(package, "package")
    verifying = verification.start(center, key, wanted.dk, wanted.component, wanted.product_key)
    with center.transaction() as tx:
        return verification_view(verification.one(tx, verifying))
