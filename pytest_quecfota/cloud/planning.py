"""Plans: made, changed, deleted, set in force, stopped, ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from . import cases, tables
from .center import Center
from .domain import logs, matching
from .domain.model import Plan, Strategy
from .domain.states import (
    OVER,
    TRANSITIONS,
    ComponentStatus,
    DeviceStatus,
    Event,
    NotAllowed,
    PlanEvent,
    PlanStatus,
)
from .errors import Problem, not_found
from .planbook import NORMAL
from .store import Row, Transaction

FAR = 10 * 366 * 86400.0
"""Seconds after its start at which a plan without an end ends."""


@dataclasses.dataclass(frozen=True)
class ComponentWish:
    """A component as the caller names it; what is left out comes from the package."""

    identifier: str
    type: str | None = None
    package: int | None = None
    package_type: str | None = None
    target_version: str | None = None
    source_version: str | None = None
    specified_versions: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Definition:
    """Everything a caller decides about a plan; times are Unix seconds."""

    name: str
    product_key: str
    components: tuple[Mapping[str, Any], ...]
    start: float
    end: float
    mode: str = "silent"
    whitelist: tuple[str, ...] = ()
    blacklist: tuple[str, ...] = ()
    time_zone: str = "UTC"
    push_actively: bool = True
    push_period: str = "00:00-24:00"
    rejection_minutes: int = 120
    strategy: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    texts: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def with_list(self, which: Literal["whitelist", "blacklist"], keys: tuple[str, ...]) -> Definition:
        """The same with another list."""
        if which == "whitelist":
            return dataclasses.replace(self, whitelist=keys)
        return dataclasses.replace(self, blacklist=keys)

    def document(self) -> dict[str, Any]:
        """As it is stored; `planbook` reads it."""
        document = dataclasses.asdict(self)
        document["strategy"] = dataclasses.asdict(Strategy(**self.strategy))
        document["components"] = [dict(c) for c in self.components]
        for name in ("name", "product_key", "start", "end"):
            del document[name]
        return document


def resolve(tx: Transaction, wish: ComponentWish) -> dict[str, Any]:
    """Completes a component from its package; raises where the two do not fit."""
    package = _package(tx, wish)
    for name, given, own in (
        ("type", wish.type, package["component_type"]),
        ("package_type", wish.package_type, package["package_type"]),
    ):
        if given is not None and given != own:
            raise Problem(422, f"component {wish.identifier!r}: {name} is {given!r}, but the package's is {own!r}")
    delta = package["package_type"] == "delta"
    source = (wish.source_version or package["source_version"]) if delta else ""
    return {
        "identifier": wish.identifier,
        "type": package["component_type"],
        "package": str(package["id"]),
        "package_type": package["package_type"],
        "target_version": wish.target_version or package["target_version"],
        "source_version": source,
        "specified_versions": list(wish.specified_versions),
        "size": sum(file["size"] for file in package["files"]),
    }


def _package(tx: Transaction, wish: ComponentWish) -> Row:
    p = tables.packages.c
    query = sa.select(tables.packages)
    if wish.package is not None:
        found = tx.rows(query.where(p.id == wish.package))
        if not found:
            raise Problem(404, f"component {wish.identifier!r}: there is no package '{wish.package}'")
        return found[0]
    wanted = {p.component_type: wish.type, p.package_type: wish.package_type, p.target_version: wish.target_version}
    wanted[p.source_version] = wish.source_version
    found = tx.rows(query.where(*(column == value for column, value in wanted.items() if value)))
    if len(found) != 1:
        raise Problem(422, f"component {wish.identifier!r}: {len(found)} packages fit; name one by its id as `package`")
    return found[0]


def _check(tx: Transaction, definition: Definition, plan_id: int | None = None) -> None:
    p = tables.products.c
    if tx.row(sa.select(p.id).where(p.product_key == definition.product_key)) is None:
        raise Problem(404, f"there is no product {definition.product_key!r}")
    if definition.end <= definition.start:
        raise Problem(422, "the planned time ends before it starts")
    identifiers = [c["identifier"] for c in definition.components]
    if len(set(identifiers)) != len(identifiers):
        raise Problem(422, "component identifiers must be unique in a plan")
    t = tables.plans.c
    same = sa.select(t.id).where(t.name == definition.name)
    if tx.row(same if plan_id is None else same.where(t.id != plan_id)) is not None:
        raise Problem(409, f"there is a plan {definition.name!r} already")


def _values(definition: Definition) -> dict[str, Any]:
    own = {name: getattr(definition, name) for name in ("name", "product_key", "start", "end")}
    return {**own, "document": definition.document()}


def insert(center: Center, tx: Transaction, definition: Definition, kind: str = NORMAL) -> int:
    """Stores a new plan, inactivated; returns its id."""
    _check(tx, definition)
    state = {"kind": kind, "status": PlanStatus.INACTIVATED.value, "created": center.clock.now()}
    center.plans.forget()
    return tx.insert(tables.plans, {**_values(definition), **state})


def replace(center: Center, tx: Transaction, plan_id: int, definition: Definition) -> None:
    """Changes a plan that was not activated."""
    plan = one(center, tx, plan_id)
    _only_inactivated(plan, "changed")
    _check(tx, definition, plan_id)
    tx.execute(sa.update(tables.plans).where(tables.plans.c.id == plan_id).values(**_values(definition)))
    center.plans.forget()


def definition_of(tx: Transaction, plan: Plan) -> Definition:
    """What was decided about a stored plan."""
    row = tx.row(sa.select(tables.plans).where(tables.plans.c.id == plan.id))
    assert row is not None
    document = dict(row["document"])
    for name in ("whitelist", "blacklist", "components"):
        document[name] = tuple(document[name])
    return Definition(**document, **{name: row[name] for name in ("name", "product_key", "start", "end")})


def reword(center: Center, tx: Transaction, plan_id: int, texts: Mapping[str, str]) -> None:
    """Changes the texts of a user-confirmed plan that is not over."""
    plan = one(center, tx, plan_id)
    if plan.mode == "silent":
        raise Problem(409, "a silent plan has no texts: nobody is asked")
    if plan.status in OVER:
        raise Problem(409, f"this plan is over: {plan.status.value}")
    definition = dataclasses.replace(definition_of(tx, plan), texts=dict(texts))
    tx.execute(sa.update(tables.plans).where(tables.plans.c.id == plan_id).values(document=definition.document()))
    center.plans.forget()
    tx.after(lambda: center.subscribers.tell(plan_id))


def delete(center: Center, tx: Transaction, plan_id: int) -> None:
    """Deletes a plan that was not activated."""
    _only_inactivated(one(center, tx, plan_id), "deleted")
    tx.execute(sa.delete(tables.plans).where(tables.plans.c.id == plan_id))
    center.plans.forget()


def _only_inactivated(plan: Plan, done: str) -> None:
    if plan.status is not PlanStatus.INACTIVATED:
        raise Problem(409, f"a plan that was activated cannot be {done}; this one is {plan.status.value}")


def one(center: Center, tx: Transaction, plan_id: int) -> Plan:
    """A plan people may ask for; raises 404."""
    plan = center.plans.get(tx, plan_id)
    if plan is None or plan.kind != NORMAL:
        raise not_found("plan", plan_id)
    return plan


def _move(center: Center, tx: Transaction, plan: Plan, event: PlanEvent, **values: float) -> None:
    try:
        center.move_plan(tx, plan, event, **values)
    except NotAllowed as error:
        raise Problem(409, f"plan {plan.name!r}: {error}") from error


def activate(center: Center, tx: Transaction, plan_id: int) -> None:
    """Sets a plan in force."""
    plan, now = center.plans.get(tx, plan_id), center.clock.now()
    if plan is None:
        raise not_found("plan", plan_id)
    if plan.status is PlanStatus.INACTIVATED and plan.end <= now:
        raise Problem(409, "the planned time of this plan is over")
    _move(center, tx, plan, PlanEvent.ACTIVATE, activated=now)
    tx.after(center.ticking.set)


def suspend(center: Center, tx: Transaction, plan_id: int) -> None:
    """Pauses a plan for devices that have not begun."""
    _move(center, tx, one(center, tx, plan_id), PlanEvent.SUSPEND)


def resume(center: Center, tx: Transaction, plan_id: int) -> None:
    """Takes a suspended plan up again."""
    _move(center, tx, one(center, tx, plan_id), PlanEvent.RESUME)
    d = tables.plan_devices.c
    if tx.row(sa.select(d.id).where(d.plan == plan_id, d.started.is_not(None)).limit(1)):
        center.move_plan(tx, one(center, tx, plan_id), PlanEvent.DEVICE_STARTED)
    tx.after(center.ticking.set)


def terminate(center: Center, tx: Transaction, plan_id: int) -> None:
    """Stops a plan for good: what has not begun has failed, what runs goes on."""
    plan = one(center, tx, plan_id)
    _move(center, tx, plan, PlanEvent.TERMINATE)
    _fail_open(center, tx, plan, Event.TERMINATED, logs.TERMINATED)


def end(center: Center, tx: Transaction, plan: Plan) -> None:
    """The planned time is over: what has not been upgraded has failed."""
    _move(center, tx, plan, PlanEvent.END)
    _fail_open(center, tx, plan, Event.EXPIRED, logs.EXPIRED)


def _fail_open(center: Center, tx: Transaction, plan: Plan, event: Event, text: str) -> None:
    """Applies an event of the transition table to all devices of a plan at once."""
    d, t, now = tables.plan_devices.c, tables.tasks.c, center.clock.now()
    _meet_all(tx, plan)
    hit = sa.and_(t.plan == plan.id, t.status.in_([s.value for s in TRANSITIONS[event]]))
    rows = tx.rows(sa.select(t.dk, t.position).where(hit))
    line = {"plan": plan.id, "time": now, "text": text}
    names = [component.identifier for component in plan.components]
    tx.insert_many(tables.log, [{**line, "dk": r["dk"], "component": names[r["position"]]} for r in rows])
    tx.execute(sa.update(tables.tasks).where(hit).values(status=ComponentStatus.FAILED.value))
    failed = sa.select(t.dk).where(t.plan == plan.id, t.status == ComponentStatus.FAILED.value)
    still_open = sa.select(t.dk).where(t.plan == plan.id, t.status.in_([s.value for s in TRANSITIONS[Event.EXPIRED]]))
    devices = sa.update(tables.plan_devices).where(d.plan == plan.id)
    tx.execute(devices.where(d.dk.in_(failed)).values(status=DeviceStatus.FAILED.value, due=0, cancelling=0))
    tx.execute(devices.where(d.dk.not_in(still_open), d.ended.is_(None)).values(ended=now))
    for dk in {r["dk"] for r in rows}:
        tx.after(lambda dk=dk: center.subscribers.tell(plan.id, dk))  # type: ignore[misc]


def scope(tx: Transaction, plan: Plan) -> list[str]:
    """Device keys of a plan, in order: those of the product that its lists let in, and white-listed ones not seen yet."""
    d = tables.devices.c
    known = [row["dk"] for row in tx.rows(sa.select(d.dk).where(d.product_key == plan.product_key).order_by(d.id))]
    names = dict.fromkeys([*known, *sorted(plan.whitelist)])
    return [dk for dk in names if matching.in_scope(dk, plan.whitelist, plan.blacklist)]


def _meet_all(tx: Transaction, plan: Plan) -> None:
    d = tables.plan_devices.c
    met = {row["dk"] for row in tx.rows(sa.select(d.dk).where(d.plan == plan.id))}
    cases.create_many(tx, plan, [dk for dk in scope(tx, plan) if dk not in met])


def issue_at_once(center: Center, tx: Transaction, plan_id: int, dk: str) -> None:
    """Marks a device to be offered the plan now if it is online, else when it comes online."""
    plan = center.plans.get(tx, plan_id)
    if plan is None:
        raise not_found("plan", plan_id)
    case = cases.load(tx, plan, dk) or cases.create(tx, plan, dk)
    case.due = True
    cases.save(tx, case)
    session = center.sessions.of(plan.product_key, dk)
    if session is not None:
        session.offer_due = True
        tx.after(session.wake)
