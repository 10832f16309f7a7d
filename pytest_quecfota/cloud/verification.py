"""Trying a package on one online device before it is used.

It is a plan for one device that is issued at once and lasts 60 minutes; it is not listed among the plans. The package is
"Verified" once the device has reported the target version.
"""

from __future__ import annotations

import time

import sqlalchemy as sa

from . import planning, tables
from .center import Center
from .domain.case import Case
from .domain.states import DeviceStatus, PlanEvent
from .errors import Problem, not_found
from .planbook import VERIFICATION
from .store import Row, Transaction

SECONDS = 3600.0
"""How long a verification may take, in seconds of platform time."""
LEAST_REAL_SECONDS = 3.0
"""Real seconds a device has at least, however fast the platform's clock runs."""
VERIFYING, VERIFIED, FAILED = "Verifying", "Verified", "Failed"
_V = tables.verifications.c


def start(center: Center, package_id: int, dk: str, identifier: str, product_key: str | None) -> int:
    """Begins to verify a package on a device; returns the verification's id."""
    with center.transaction() as tx:
        package = tx.row(sa.select(tables.packages).where(tables.packages.c.id == package_id))
        if package is None:
            raise not_found("package", package_id)
        product = _product_of(center, tx, dk, product_key)
        _refuse_second(tx, package_id)
        now = center.clock.now()
        plan = planning.insert(center, tx, _definition(tx, package, dk, identifier, product, now), VERIFICATION)
        planning.activate(center, tx, plan)
        center.begun[plan] = time.monotonic()
        values = {"package": package_id, "plan": plan, "dk": dk, "component": identifier, "state": VERIFYING}
        verification = tx.insert(tables.verifications, {**values, "started": now, "deadline": now + SECONDS})
        planning.issue_at_once(center, tx, plan, dk)
        return verification


def _refuse_second(tx: Transaction, package_id: int) -> None:
    if tx.row(sa.select(_V.id).where(_V.package == package_id, _V.state == VERIFYING)):
        raise Problem(409, "this package is being verified already")


def _product_of(center: Center, tx: Transaction, dk: str, product_key: str | None) -> str:
    d = tables.devices.c
    query = sa.select(d.product_key).where(d.dk == dk)
    found = [
        str(row["product_key"])
        for row in tx.rows(query if product_key is None else query.where(d.product_key == product_key))
    ]
    if not found:
        raise not_found("device", dk)
    online = [key for key in found if center.sessions.online(key, dk)]
    if not online:
        raise Problem(409, f"device {dk} is offline; a package is verified on an online device")
    if len(online) > 1:
        raise Problem(409, f"device key {dk} is online in several products; name one as product_key")
    return online[0]


def _definition(
    tx: Transaction, package: Row, dk: str, identifier: str, product_key: str, now: float
) -> planning.Definition:
    component = planning.ComponentWish(identifier=identifier, package=package["id"], type=package["component_type"])
    resolved = planning.resolve(tx, component)
    attempt = (tx.scalar(sa.select(sa.func.max(_V.id))) or 0) + 1
    return planning.Definition(
        name=f"verification {attempt} of {package['name']}"[:120],
        product_key=product_key,
        whitelist=(dk,),
        start=now,
        end=now + SECONDS,
        strategy={"retries": 0},
        components=(resolved,),
    )


def settle(center: Center, tx: Transaction, case: Case) -> None:
    """Draws the result once the device's upgrade has ended."""
    done = case.status in {DeviceStatus.UPGRADED, DeviceStatus.NOT_NEEDED}
    row = tx.row(sa.select(tables.verifications).where(_V.plan == case.plan.id, _V.state == VERIFYING))
    if row is None:
        return
    tx.execute(sa.update(tables.verifications).where(_V.id == row["id"]).values(state=VERIFIED if done else FAILED))
    if done:
        packages = tables.packages
        tx.execute(sa.update(packages).where(packages.c.id == row["package"]).values(state=VERIFIED))
    plan = center.plans.get(tx, case.plan.id)
    if plan is not None and plan.status.value not in {"Ended", "Forced Terminated"}:
        center.move_plan(tx, plan, PlanEvent.END)


def may_end(center: Center, plan_id: int) -> bool:
    """Whether the device has had the time it has at least."""
    return time.monotonic() - center.begun.get(plan_id, 0.0) >= LEAST_REAL_SECONDS


def expire(tx: Transaction, plan_id: int) -> None:
    """The verification's plan ended without a result."""
    tx.execute(sa.update(tables.verifications).where(_V.plan == plan_id, _V.state == VERIFYING).values(state=FAILED))


def latest(tx: Transaction, package_id: int) -> Row | None:
    """The newest verification of a package."""
    return tx.row(sa.select(tables.verifications).where(_V.package == package_id).order_by(_V.id.desc()).limit(1))


def one(tx: Transaction, verification_id: int) -> Row:
    """A verification by its id."""
    row = tx.row(sa.select(tables.verifications).where(_V.id == verification_id))
    if row is None:
        raise not_found("verification", verification_id)
    return row
