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
        query = sa.select(p.product_key, d.dk).join(tables.plan_devices, d.plan == p.id).where(d.due == 1)
        due = {(row["product_key"], row["dk"]) for row in tx.rows(query)}
        pushing = {p.product_key for p in center.plans.unfinished(tx) if p.mode != "silent" or p.push_actively}
    now = center.clock.now()
    for session in center.sessions:
        rotates = session.product_key in pushing and not session.offered_lately(now)
        if (rotates or (session.product_key, session.dk) in due) and session.online():
            session.offer_due = True
            session.wake()


__all__ = ["PUSH_EVERY", "end_plans", "push", "run"]
