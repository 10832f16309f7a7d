"""Devices: how they come to the platform, prove who they are, and what they report of themselves."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from . import tables
from .center import Center
from .domain import rules
from .domain.model import Reported
from .errors import Problem
from .live import Session
from .store import Row, Transaction

UNKNOWN_PRODUCT, WRONG_SECRET, ALREADY, ILLEGAL_KEY = 10423, 10424, 10422, 10431
WRONG_DEVICE_SECRET, UNKNOWN_DEVICE, DISABLED, SESSION_LOST = 10430, 10438, 10477, 10473
_DEVICE_KEY = re.compile(rules.DEVICE_KEY)
_D = tables.devices.c
_P = tables.products.c
_SECRET = sa.select(_P.product_secret).where(_P.product_key == sa.bindparam("p"))
_ONE = sa.select(tables.devices).where(_D.product_key == sa.bindparam("p"), _D.dk == sa.bindparam("d"))


@dataclasses.dataclass(frozen=True)
class Device:
    """A device and what it last reported; `connections` counts how often it connected.

    `auto_upgrade`: its user lets it take user-confirmed plans by itself.
    """

    id: int
    product_key: str
    dk: str
    connections: int
    reported: Reported
    auto_upgrade: bool = False


@dataclasses.dataclass(frozen=True)
class Report:
    """What a device says of itself in one call; None is not said."""

    module_version: str | None = None
    mcu_versions: Mapping[str, str] | None = None
    readings: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def signature(secret: str, product_key: str, dk: str, nonce: str) -> str:
    """HMAC-SHA256 over product key, device key and nonce, in hex."""
    return hmac.new(secret.encode(), f"{product_key}\n{dk}\n{nonce}".encode(), hashlib.sha256).hexdigest()


def _signed(secret: str, product_key: str, dk: str, nonce: str, given: str) -> bool:
    return hmac.compare_digest(signature(secret, product_key, dk, nonce).encode(), given.encode())


def _product_secret(tx: Transaction, product_key: str) -> str:
    secret = tx.scalar(_SECRET, p=product_key)
    if secret is None:
        raise Problem(401, f"there is no product {product_key!r}", code=UNKNOWN_PRODUCT)
    return str(secret)


def row_of(tx: Transaction, product_key: str, dk: str) -> Row | None:
    """The row of a device."""
    return tx.row(_ONE, p=product_key, d=dk)


def register(tx: Transaction, now: float, product_key: str, dk: str, **values: Any) -> None:
    """Adds a device to a product."""
    row = {"product_key": product_key, "dk": dk, "secret": "", "nonce": "", "disabled": 0, "connections": 0}
    row |= {"model": "", "mcu_versions": {}, "readings": {}, "created": now}
    tx.insert(tables.devices, {**row, **values})


def authenticate(center: Center, product_key: str, dk: str, nonce: str, given: str) -> str:
    """First authentication with the product's secret; returns the device secret. A repeated call gets the same answer."""
    with center.transaction() as tx:
        product_secret = _product_secret(tx, product_key)
        if not _DEVICE_KEY.fullmatch(dk):
            raise Problem(400, f"{dk!r} is no device key: 4 to 32 letters or digits", code=ILLEGAL_KEY)
        if not _signed(product_secret, product_key, dk, nonce, given):
            raise Problem(401, "the signature is not one of this product secret", code=WRONG_SECRET)
        row = row_of(tx, product_key, dk)
        if row is not None and row["disabled"]:
            raise Problem(403, f"device {dk} is disabled", code=DISABLED)
        if row is not None and row["secret"]:
            if row["nonce"] == nonce:
                return str(row["secret"])
            raise Problem(409, f"device {dk} has authenticated before; reset it first", code=ALREADY)
        values = {"secret": secrets.token_hex(16), "nonce": nonce}
        if row is None:
            register(tx, center.clock.now(), product_key, dk, **values)
        else:
            tx.execute(sa.update(tables.devices).where(_D.id == row["id"]).values(**values))
        return values["secret"]


def admit(tx: Transaction, product_key: str, dk: str, nonce: str, given: str) -> Row:
    """The row of a device that proved its device secret."""
    _product_secret(tx, product_key)
    row = row_of(tx, product_key, dk)
    if row is None:
        raise Problem(404, f"there is no device {dk!r} in this product", code=UNKNOWN_DEVICE)
    if not row["secret"] or not _signed(row["secret"], product_key, dk, nonce, given):
        raise Problem(401, "the signature is not one of this device secret", code=WRONG_DEVICE_SECRET)
    if row["disabled"]:
        raise Problem(403, f"device {dk} is disabled", code=DISABLED)
    return row


def session_of(center: Center, token: str, *, dismissed: bool = False) -> Session:
    """The session of a call; raises where it is lost, or the device was sent away (unless `dismissed` ones may call)."""
    session = center.sessions.by_token(token)
    if session is None:
        raise Problem(401, "this session is over; connect again", code=SESSION_LOST)
    if session.dismissed is not None and not dismissed:
        raise Problem(403, "the device was sent away", code=session.dismissed)
    return session


def reported_by(row: Row) -> Reported:
    """What the row of a device says of versions, battery and signal."""
    readings = row["readings"]
    return Reported(row["module_version"], row["mcu_versions"], readings.get("battery"), readings.get("signal"))


def device_of(row: Row) -> Device:
    """A device from its row."""
    auto = bool(row["auto_upgrade"])
    return Device(row["id"], row["product_key"], row["dk"], row["connections"], reported_by(row), auto)


def note(center: Center, tx: Transaction, row: Row, report: Report, **more: Any) -> Device:
    """Stores what a device reports; returns it as it is now known."""
    values: dict[str, Any] = {**more}
    if report.module_version is not None and report.module_version != row["module_version"]:
        values["module_version"] = report.module_version
    if report.mcu_versions is not None and report.mcu_versions != row["mcu_versions"]:
        values["mcu_versions"] = dict(report.mcu_versions)
    readings = {**row["readings"], **{k: v for k, v in report.readings.items() if v is not None}}
    if readings != row["readings"]:
        values["readings"] = readings
    if values:
        tx.execute(sa.update(tables.devices).where(_D.id == row["id"]).values(**values, seen=center.clock.now()))
    return device_of({**row, **values})  # type: ignore[arg-type]


def known(tx: Transaction, session: Session) -> Row:
    """The row of the device of a session."""
    row = row_of(tx, session.product_key, session.dk)
    if row is None:
        raise Problem(401, "this session is over; connect again", code=SESSION_LOST)
    return row
