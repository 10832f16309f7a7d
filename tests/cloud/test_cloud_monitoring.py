"""Monitoring: counts, cancelling, retrying, the live stream."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from shop import Shop
from south_device import SouthDevice


def started(shop: Shop, *states: str, **fields: Any) -> tuple[dict[str, Any], SouthDevice, dict[str, Any]]:
    product = shop.product()
    plan = shop.plan(product, **fields)
    device = shop.device(product).up()
    (task,) = device.request()
    device.told(task, *states)
    return plan, device, task


def cancelled(shop: Shop, plan: dict[str, Any], device: SouthDevice) -> dict[str, Any]:
    return dict(shop.ok("POST", f"/plans/{plan['id']}/devices/{device.dk}/cancel"))


def retried(shop: Shop, plan: dict[str, Any], device: SouthDevice) -> dict[str, Any]:
    return dict(shop.ok("POST", f"/plans/{plan['id']}/devices/{device.dk}/retry"))


def test_counts_and_rate_leave_out_what_has_not_started_or_runs(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product)
    good, bad, busy, idle, there = (shop.device(product, v).up() for v in ("V1", "V1", "V1", "V1", "V2"))
    (task,) = good.request()
    good.upgrade(task)
    (task,) = bad.request()
    bad.told(task, "confirmed", "failed")
    (task,) = busy.request()
    busy.told(task, "confirmed", "downloading")
    assert idle.request()
    assert there.request() == []
    shown = shop.shown(plan)
    assert shown["counts"] == {
        "devices": 5,
        "upgraded": 1,
        "failed": 1,
        "upgrading": 1,
        "not_upgraded": 1,
        "no_update_required": 1,
    }
    assert shown["success_rate"] == 0.5
    only = shop.ok("GET", f"/plans/{plan['id']}/devices?status=Upgrade Failed")
    assert ([d["dk"] for d in only["items"]], only["total"]) == ([bad.dk], 1)


@pytest.mark.parametrize("states", [(), ("received",), ("received", "confirmed", "downloading", "download failed")])
def test_a_waiting_upgrade_is_cancelled_at_once(shop: Shop, states: tuple[str, ...]) -> None:
    plan, device, task = started(shop, *states)
    assert cancelled(shop, plan, device)["status"] == "Upgrade Failed"
    assert {"type": "cancel", "task": task["task"]} in device.poll(5)
    assert device.request() == []
    assert device.status(task, "confirmed").status_code == 409


def test_a_device_that_never_came_can_be_cancelled(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product, whitelist=["neverseen1"])
    assert shop.ok("POST", f"/plans/{plan['id']}/devices/neverseen1/cancel")["status"] == "Upgrade Failed"


@pytest.mark.parametrize("answer", ["report", "poll", "reconnect"])
def test_a_running_upgrade_is_cancelled_once_the_device_has_not_objected(shop: Shop, answer: str) -> None:
    plan, device, task = started(shop, "received", "confirmed", "downloading")
    asked = cancelled(shop, plan, device)
    assert (asked["status"], asked["cancelling"]) == ("Upgrading", True)
    if answer == "report":
        assert device.status(task, "downloading", 50).json()["code"] == 10404
    elif answer == "poll":
        assert device.poll(5) == [{"type": "cancel", "task": task["task"]}]
        assert device.poll(0) == []
    else:
        device.connect()
    state = shop.state(plan, device)
    assert (state["status"], state["cancelling"]) == ("Upgrade Failed", False)
    assert "Upgrade cancelled." in shop.log(plan, device)


def test_an_upgrade_being_installed_refuses_the_cancellation(shop: Shop) -> None:
    plan, device, task = started(shop, "received", "confirmed", "downloading", "downloaded", "updating")
    path = f"/plans/{plan['id']}/devices/{device.dk}/cancel"
    assert "already upgrading" in shop.refused(409, "POST", path)
    device.version = "V2"
    device.connect().told(task, "succeeded")
    assert shop.statuses(plan, device)[0] == "Upgraded"
    shop.refused(409, "POST", path)


def test_a_device_that_began_to_install_before_it_heard_of_it_refuses(shop: Shop) -> None:
    plan, device, task = started(shop, "received", "confirmed", "downloading", "downloaded")
    assert cancelled(shop, plan, device)["cancelling"]
    device.told(task, "updating")
    state = shop.state(plan, device)
    assert (state["status"], state["cancelling"]) == ("Upgrading", False)


def test_an_online_device_is_retried_at_once(shop: Shop) -> None:
    plan, device, task = started(shop, "received", "confirmed", "failed", push_actively=False)
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(device.poll, 30)
        assert retried(shop, plan, device)["status"] == "Not Upgraded"
        (message,) = poll.result(timeout=10)
    assert message["tasks"][0]["task"] == task["task"]
    device.upgrade(task)
    assert shop.statuses(plan, device) == ("Upgraded", ["Upgrade Succeeded"])


def test_an_offline_device_is_retried_when_it_comes_online(shop: Shop) -> None:
    plan, device, task = started(shop, "received", "confirmed", "failed")
    assert device.call("POST", "/disconnect").status_code == 204
    assert not shop.state(plan, device)["online"]
    retried(shop, plan, device)
    (message,) = device.connect().poll(5)
    assert message["tasks"][0]["task"] == task["task"]


def test_a_failure_that_is_told_late_does_not_undo_the_retry(shop: Shop) -> None:
    """The device hears of a cancellation and tells so while a person has tried again already."""
    plan, device, task = started(shop, "received")
    cancelled(shop, plan, device)
    retried(shop, plan, device)
    device.told(task, "failed")
    assert shop.statuses(plan, device) == ("Not Upgraded", ["Plan Not Received"])
    assert {"type": "plan", "tasks": [task]} in device.poll(5)


def test_retries_are_bounded_by_the_plan(shop: Shop) -> None:
    plan, device, task = started(shop, "received", "confirmed", "failed", strategy={"retries": 1})
    path = f"/plans/{plan['id']}/devices/{device.dk}/retry"
    retried(shop, plan, device)
    assert "only a failed device" in shop.refused(409, "POST", path)
    (message,) = device.poll(5)
    device.told(task, "received", "confirmed", "failed")
    assert "no retry left" in shop.refused(409, "POST", path)
    assert message["tasks"][0]["task"] == task["task"]


def test_no_retry_where_the_version_no_longer_fits_or_the_plan_is_over(shop: Shop) -> None:
    product = shop.product()
    package = shop.package("V2", package_type="delta", source_version="V1")
    plan = shop.plan(product, components=[{"identifier": shop.component(), "package": package["id"]}])
    device = shop.device(product).up()
    (task,) = device.request()
    device.told(task, "confirmed", "failed")
    device.version = "V0"
    device.report()
    path = f"/plans/{plan['id']}/devices/{device.dk}/retry"
    assert "source version" in shop.refused(409, "POST", path)
    device.version = "V1"
    device.report()
    shop.act(plan, "terminate")
    assert "in force" in shop.refused(409, "POST", path)


def events_until(lines: Any, wanted: Any) -> dict[str, Any]:
    """Reads a stream of events until one satisfies `wanted`."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data = json.loads(line.removeprefix("data: "))
            if wanted(name, data):
                return dict(data)
    raise AssertionError("the stream ended")


def test_the_stream_shows_the_plan_and_then_every_change(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product).up()
    headers = {"Authorization": f"Bearer {shop.token}"}
    with shop.http.stream("GET", f"/api/v1/plans/{plan['id']}/events", headers=headers) as stream:
        lines = stream.iter_lines()
        first = events_until(lines, lambda name, _: name == "plan")
        assert first["id"] == plan["id"]
        with httpx.Client(base_url=str(shop.http.base_url), verify=False) as other:
            device.http = other
            (task,) = device.request()
            device.told(task, "received", "confirmed", "downloading")
            seen = events_until(
                lines, lambda name, d: name == "device" and d["components"][0]["status"] == "Downloading"
            )
            assert seen["dk"] == device.dk
            assert events_until(lines, lambda name, _: name == "counts")["upgrading"] == 1


def test_the_log_of_a_device_outside_the_plan_is_not_found(shop: Shop) -> None:
    plan = shop.plan(shop.product())
    shop.refused(404, "GET", f"/plans/{plan['id']}/devices/stranger1/log")
