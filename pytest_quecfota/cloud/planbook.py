"""Plans as the rules need them, read from their rows once and kept until they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from . import tables
from .domain.model import Plan, PlanComponent, Strategy
from .domain.states import IN_FORCE, OVER, PlanStatus
from .domain.windows import hours, zone
from .store import Row, Transaction

NORMAL, VERIFICATION = "normal", "verification"


def _component(position: int, document: Mapping[str, Any]) -> PlanComponent:
    return PlanComponent(
        position=position,
        identifier=document["identifier"],
        type=document["type"],
        package=int(document["package"]),
        package_type=document["package_type"],
        target_version=document["target_version"],
        source_version=document["source_version"],
        specified_versions=frozenset(document["specified_versions"]),
        size=document["size"],
    )


def plan_of(row: Row) -> Plan:
    """A plan from its row."""
    document = row["document"]
    return Plan(
        id=row["id"],
        name=row["name"],
        product_key=row["product_key"],
        kind=row["kind"],
        mode=document["mode"],
        zone=zone(document["time_zone"]),
        start=row["start"],
        end=row["end"],
        push_actively=document["push_actively"],
        push_hours=hours(document["push_period"]),
        rejection_minutes=document["rejection_minutes"],
        strategy=Strategy(**document["strategy"]),
        components=tuple(_component(i, c) for i, c in enumerate(document["components"])),
        whitelist=frozenset(document["whitelist"]),
        blacklist=frozenset(document["blacklist"]),
        status=PlanStatus(row["status"]),
        activated=row["activated"],
    )


class PlanBook:
    """Keeps parsed plans; whoever changes a plan's row calls `forget`."""

    def __init__(self) -> None:
        self._plans: dict[int, Plan] = {}
        self._in_force: dict[str, Sequence[Plan]] = {}
        self._unfinished: Sequence[Plan] | None = None

    def get(self, tx: Transaction, plan_id: int) -> Plan | None:
        """One plan, None where there is none."""
        if plan_id not in self._plans:
            row = tx.row(sa.select(tables.plans).where(tables.plans.c.id == plan_id))
            if row is None:
                return None
            self._plans[plan_id] = plan_of(row)
        return self._plans[plan_id]

    def in_force(self, tx: Transaction, product_key: str) -> Sequence[Plan]:
        """The activated plans of a product, in the order of activation."""
        if product_key not in self._in_force:
            t = tables.plans.c
            wanted = [status.value for status in IN_FORCE]
            query = sa.select(tables.plans).where(t.product_key == product_key, t.status.in_(wanted))
            self._in_force[product_key] = [plan_of(row) for row in tx.rows(query.order_by(t.activated, t.id))]
        return self._in_force[product_key]

    def unfinished(self, tx: Transaction) -> Sequence[Plan]:
        """All plans that were activated and have not come to an end."""
        if self._unfinished is None:
            closed = [PlanStatus.INACTIVATED.value, *(status.value for status in OVER)]
            query = sa.select(tables.plans).where(tables.plans.c.status.not_in(closed))
            self._unfinished = [plan_of(row) for row in tx.rows(query)]
        return self._unfinished

    def unchanged(self) -> bool:
        """Whether no plan changed since `unfinished` was last asked for."""
        return self._unfinished is not None

    def forget(self) -> None:
        """Some plan's row changed."""
        self._plans.clear()
        self._in_force.clear()
        self._unfinished = None
