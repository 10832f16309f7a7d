"""Every event in every state, written down a second time as a person reads it; and the same at the API.

A cell names the state after the event, a dot that the event is refused. Whoever changes a transition changes it here too.
"""

from __future__ import annotations

from typing import Any

import pytest
from shop import Shop
from south_device import SouthDevice

from pytest_quecfota.cloud.domain.states import (
    ComponentStatus,
    Event,
    NotAllowed,
    PlanEvent,
    PlanStatus,
    component_after,
    plan_after,
)

COMPONENT_STATES = {
    "NR": "Plan Not Received",
    "PR": "Plan Received",
    "UC": "Upgrade Confirmed",
    "RD": "Ready to Download",
    "DG": "Downloading",
    "DF": "Download Failed",
    "DS": "Download Succeeded",
    "UP": "Upgrading",
    "FA": "Upgrade Failed",
    "SU": "Upgrade Succeeded",
    "NU": "No Update Required",
}
COMPONENTS = """
                  NR PR UC RD DG DF DS UP FA SU NU
RECEIVED          PR PR .  .  .  .  .  .  .  .  .
CONFIRMED         UC UC UC RD DG .  DS .  .  .  .
REFUSED           PR PR UC .  .  DF .  .  .  .  .
READY             .  .  RD RD DG .  DS .  .  .  .
DOWNLOADING       .  .  DG DG DG DG DS .  .  .  .
DOWNLOAD_FAILED   NR PR DF DF DF DF DF .  .  .  .
DOWNLOADED        .  .  DS DS DS .  DS UP .  .  .
UPGRADING         .  .  UP UP UP .  UP UP .  .  .
CLAIMED           .  .  UC RD DG DF DS UP .  SU NU
FAILED            NR FA FA FA FA FA FA FA FA SU .
NEW_TRY           .  .  NR NR NR NR NR .  .  .  .
TARGET_SEEN       NU NU SU SU SU SU SU SU .  .  .
OTHER_SEEN        .  .  FA FA FA FA FA FA .  .  .
NEEDED            .  .  .  .  .  .  .  .  .  .  NR
GIVEN_UP          .  FA FA FA FA FA FA FA .  .  .
CANCELLED         FA FA FA FA FA FA FA .  .  .  .
TERMINATED        FA FA .  .  .  FA .  .  .  .  .
EXPIRED           FA FA FA FA FA FA FA FA .  .  .
RETRIED           .  .  .  .  .  .  .  .  NR .  .
"""
PLAN_STATES = {
    "IN": "Inactivated",
    "TB": "To be Upgraded",
    "UP": "Upgrading",
    "SU": "Suspended",
    "FT": "Forced Terminated",
    "EN": "Ended",
}
PLANS = """
                  IN TB UP SU FT EN
ACTIVATE          TB .  .  .  .  .
DEVICE_STARTED    .  UP UP .  .  .
SUSPEND           .  SU SU .  .  .
RESUME            .  .  .  TB .  .
TERMINATE         .  FT FT FT .  .
END               .  EN EN EN .  .
"""
CALLS = """
                  IN TB UP SU FT EN
activate          ok .  .  .  .  .
suspend           .  ok ok .  .  .
resume            .  .  .  ok .  .
terminate         .  ok ok ok .  .
PATCH             ok .  .  .  .  .
list              ok .  .  .  .  .
DELETE            ok .  .  .  .  .
"""
DEVICE_CALLS = """
                  NR PR UC RD DG DF DS UP FA SU NU
cancel            ok ok as as as ok as .  .  .  .
retry             .  .  .  .  .  .  .  .  ok .  .
"""


def cells(grid: str, states: dict[str, str]) -> list[tuple[str, str, str]]:
    """(event, state, after) of a grid."""
    head, *lines = [line.split() for line in grid.strip().splitlines()]
    assert head == list(states)
    assert all(len(line) == len(head) + 1 for line in lines)
    return [
        (line[0], states[s], states.get(after, after))
        for line in lines
        for s, after in zip(head, line[1:], strict=True)
    ]


def names(found: list[tuple[str, str, str]]) -> list[str]:
    return [f"{event}-{state}" for event, state, _ in found]


COMPONENT_CELLS, PLAN_CELLS = cells(COMPONENTS, COMPONENT_STATES), cells(PLANS, PLAN_STATES)
CALL_CELLS, DEVICE_CELLS = cells(CALLS, PLAN_STATES), cells(DEVICE_CALLS, COMPONENT_STATES)


def test_the_grids_have_every_state_and_every_event() -> None:
    assert set(COMPONENT_STATES.values()) == {status.value for status in ComponentStatus}
    assert {event for event, _, _ in COMPONENT_CELLS} == {event.name for event in Event}
    assert set(PLAN_STATES.values()) == {status.value for status in PlanStatus}
    assert {event for event, _, _ in PLAN_CELLS} == {event.name for event in PlanEvent}


@pytest.mark.parametrize(("event", "state", "after"), COMPONENT_CELLS, ids=names(COMPONENT_CELLS))
def test_a_component(event: str, state: str, after: str) -> None:
    if after == ".":
        with pytest.raises(NotAllowed, match="is not possible in state"):
            component_after(ComponentStatus(state), Event[event])
    else:
        assert component_after(ComponentStatus(state), Event[event]).value == after


@pytest.mark.parametrize(("event", "state", "after"), PLAN_CELLS, ids=names(PLAN_CELLS))
def test_a_plan(event: str, state: str, after: str) -> None:
    if after == ".":
        with pytest.raises(NotAllowed, match="is not possible in state"):
            plan_after(PlanStatus(state), PlanEvent[event])
    else:
        assert plan_after(PlanStatus(state), PlanEvent[event]).value == after


def plan_in(shop: Shop, state: str) -> dict[str, Any]:
    product = shop.product()
    more = {"end": shop.later(minutes=30)} if state == "Ended" else {}
    plan = shop.plan(product, activate=state != "Inactivated", **more)
    if state == "Upgrading":
        device = shop.device(product).up()
        device.told(device.request()[0], "received", "confirmed")
    if state == "Suspended":
        shop.act(plan, "suspend")
    if state == "Forced Terminated":
        shop.act(plan, "terminate")
    if state == "Ended":
        shop.step(minutes=31)
        shop.wait_for_plan(plan, "Ended")
    assert shop.shown(plan)["status"] == state
    return plan


@pytest.mark.parametrize("state", PLAN_STATES.values())
def test_what_people_may_do_to_a_plan(shop: Shop, state: str) -> None:
    for action, _, may in [cell for cell in CALL_CELLS if cell[1] == state]:
        plan = plan_in(shop, state)
        path = f"/api/v1/plans/{plan['id']}"
        before = shop.shown(plan)
        if action == "PATCH":
            answer = shop.call("PATCH", path, json={"rejection_minutes": 60})
        elif action == "DELETE":
            answer = shop.call("DELETE", path)
        elif action == "list":
            answer = shop.call(
                "PUT", f"{path}/lists/whitelist", content=b"abcd\n", headers={"Content-Type": "text/csv"}
            )
        else:
            answer = shop.call("POST", f"{path}/{action}")
        assert answer.is_success if may == "ok" else answer.status_code == 409, (action, answer.text)
        if may != "ok":
            assert shop.shown(plan) == before, f"{action} was refused and has changed nothing"


WAY = ("received", "confirmed", "ready", "downloading", "downloaded", "updating")
TOLD = {"Plan Not Received": 0, "Plan Received": 1, "Upgrade Confirmed": 2, "Ready to Download": 3, "Downloading": 4}
TOLD |= {"Download Succeeded": 5, "Upgrading": 6, "Download Failed": 4, "Upgrade Failed": 4}


def device_in(shop: Shop, state: str) -> tuple[dict[str, Any], SouthDevice]:
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product, "V2" if state == "No Update Required" else "V1").up()
    tasks = device.request()
    if state == "Upgrade Succeeded":
        device.upgrade(tasks[0])
    elif tasks:
        device.told(tasks[0], *WAY[: TOLD[state]])
        if state == "Download Failed":
            device.told(tasks[0], "download failed")
        if state == "Upgrade Failed":
            device.told(tasks[0], "failed")
    assert shop.statuses(plan, device)[1] == [state]
    return plan, device


@pytest.mark.parametrize(("action", "state", "may"), DEVICE_CELLS, ids=names(DEVICE_CELLS))
def test_what_people_may_do_to_a_device(shop: Shop, action: str, state: str, may: str) -> None:
    """`ok`: done at once; `as`: asked of the device, which is at work; a dot: refused, and nothing has changed."""
    plan, device = device_in(shop, state)
    before = shop.state(plan, device)
    answer = shop.call("POST", f"/api/v1/plans/{plan['id']}/devices/{device.dk}/{action}")
    assert answer.status_code == (409 if may == "." else 200), answer.text
    after = shop.state(plan, device)
    if may == ".":
        assert after == before
    elif may == "as":
        assert (after["cancelling"], after["components"][0]["status"]) == (True, state)
    else:
        assert after["components"][0]["status"] == {"cancel": "Upgrade Failed", "retry": "Plan Not Received"}[action]


@pytest.mark.parametrize("action", ["cancel", "retry"])
@pytest.mark.parametrize("state", ["Inactivated", "Suspended", "Forced Terminated", "Ended"])
def test_what_people_may_do_to_a_failed_or_waiting_device_of_a_plan_that_is_not_in_force(
    shop: Shop, state: str, action: str
) -> None:
    plan = plan_in(shop, state)
    device = shop.device(
        next(p for p in shop.ok("GET", "/products?limit=10000")["items"] if p["product_key"] == plan["product_key"])
    )
    device.up()
    answer = shop.call("POST", f"/api/v1/plans/{plan['id']}/devices/{device.dk}/{action}")
    possible = (state, action) == ("Suspended", "cancel")
    assert answer.status_code == (200 if possible else 409), answer.text
