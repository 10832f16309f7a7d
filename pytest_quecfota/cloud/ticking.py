"""What the platform does by itself: push rounds about every ten minutes of platform time, and the end of plans."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from . import planning, tables, verification
from .center import Center
from .domain.windows import PUSH_EVERY, push_round
from .planbook import VERIFICATION

LOOK_SECONDS = 0.1
"""Real seconds between two looks at a clock that others may step; exact moments are waited for."""


async def run(center: Center) -> None:
    """Ticks until the center stops."""
    last = push_round(center.clock.now())
    while not center.stopping.is_set():
        end_plans(center)
        this = push_round(center.clock.now())
        if this != last:
            last = this
            push(center)
        await _wait(center)


async def _wait(center: Center) -> None:
    try:
        await asyncio.wait_for(center.ticking.wait(), LOOK_SECONDS)
    except asyncio.TimeoutError:
        return
    center.ticking.clear()


def end_plans(center: Center) -> None:
    """Ends the plans whose planned time is over."""
    if center.nothing_ends_before > center.clock.now() and center.plans.unchanged():
        return
    with center.transaction() as tx:
        now, nearest = center.clock.now(), float("inf")
        for plan in list(center.plans.unfinished(tx)):
            if plan.end <= now and (plan.kind != VERIFICATION or verification.may_end(center, plan.id)):
                planning.end(center, tx, plan)
                if plan.kind == VERIFICATION:
                    verification.expire(tx, plan.id)
            else:
                nearest = min(nearest, plan.end)
        center.nothing_ends_before = nearest


def push(center: Center) -> None:
    """Begins a push round: every reachable device looks for what is due to it."""
    with center.transaction() as tx:
        d, p = tables.plan_devices.c, tables.plans.c
        due = sa.select(p.product_key).join(tables.plan_devices, d.plan == p.id).where(d.due == 1)
        wanted = {
            plan.product_key for plan in center.plans.unfinished(tx) if plan.mode == "silent" and plan.push_actively
        }
        wanted |= {row["product_key"] for row in tx.rows(due)}
    for session in center.sessions:
        if session.product_key in wanted and session.online():
            session.offer_due = True
            session.wake()


__all__ = ["PUSH_EVERY", "end_plans", "push", "run"]
