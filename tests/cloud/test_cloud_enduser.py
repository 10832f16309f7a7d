"""User-confirmed plans through the App's calls."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from shop import Shop
from south_device import SouthDevice

BASE = "/v2/quecota/enduserapi/v2"


def app(shop: Shop, method: str, name: str, **more: Any) -> Any:
    answer = shop.call(method, f"{BASE}/{name}", **more)
    assert answer.status_code == 200, answer.text
    assert answer.json()["code"] == 200
    return answer.json()["data"]


def waiting(shop: Shop, **fields: Any) -> tuple[dict[str, Any], SouthDevice, dict[str, Any]]:
    product = shop.product()
    plan = shop.plan(product, mode="user-confirmed", texts={"en": "better", "zh": "更好"}, **fields)
    device = shop.device(product).up()
    return plan, device, {"pk": product["product_key"], "dk": device.dk, "planId": plan["id"]}


def confirm(shop: Shop, named: dict[str, Any], operation: int, **more: Any) -> Any:
    return app(shop, "POST", "userBatchConfirmUpgrade", json=[{**named, "operType": operation, **more}])


def test_before_the_user_confirmed_the_device_gets_nothing(shop: Shop) -> None:
    plan, device, _ = waiting(shop)
    assert device.request() == []
    shop.step(minutes=10)
    assert device.poll(0.3) == []
    assert "not confirmed" in shop.log(plan, device)[-1]


def test_the_app_sees_the_plan_confirms_it_and_follows_the_upgrade(shop: Shop) -> None:
    plan, device, named = waiting(shop)
    shown = app(shop, "GET", "getDeviceUpgradePlan", params={"pk": named["pk"], "dk": named["dk"]})
    assert (shown["planId"], shown["planName"]) == (plan["id"], plan["name"])
    assert (shown["userConfirmStatus"], shown["deviceStatus"], shown["upgradeProgress"]) == (0, 0, 0)
    (component,) = shown["comVerList"]
    assert (component["comType"], component["dataType"], component["tver"]) == (0, 0, "V2")
    assert confirm(shop, named, 1)["successList"] == [named]
    (message,) = device.poll(5)
    device.upgrade(message["tasks"][0])
    (after,) = app(shop, "POST", "getBatchUpgradeDetails", json=[named])
    assert (after["userConfirmStatus"], after["deviceStatus"], after["upgradeProgress"]) == (1, 2, 100)
    assert shop.statuses(plan, device)[0] == "Upgraded"


def test_an_appointment_holds_only_in_its_time(shop: Shop) -> None:
    _, device, named = waiting(shop)
    now = datetime.datetime.fromisoformat(shop.now()).timestamp()
    window = {"appointStartTime": int(now + 7200) * 1000, "appointEndTime": int(now + 4 * 3600) * 1000}
    assert confirm(shop, named, 2, **window)["successList"]
    assert device.request() == []
    shop.step(minutes=121)
    assert device.request()
    shop.step(minutes=180)
    assert device.request() == []


@pytest.mark.parametrize("seconds", [(0, 3599), (-90000, 3600), (3600, 0)])
def test_an_appointment_of_less_than_an_hour_or_outside_the_plan_fails(shop: Shop, seconds: tuple[int, int]) -> None:
    _, _, named = waiting(shop)
    now = datetime.datetime.fromisoformat(shop.now()).timestamp()
    first, last = (int((now + s + 60) * 1000) for s in seconds)
    (failed,) = confirm(shop, named, 2, appointStartTime=first, appointEndTime=last)["failList"]
    assert failed["code"] == 422


def test_the_user_cancels_and_retries(shop: Shop) -> None:
    plan, device, named = waiting(shop)
    assert confirm(shop, named, 3)["successList"]
    assert shop.statuses(plan, device)[0] == "Upgrade Failed"
    shop.refused(409, "POST", f"/plans/{plan['id']}/devices/{device.dk}/retry")
    assert confirm(shop, named, 5)["successList"]
    messages = device.poll(5)
    assert "plan" in [message["type"] for message in messages]


def test_what_is_not_there_is_in_the_list_of_failures(shop: Shop) -> None:
    silent = shop.plan(shop.product())
    named = {"pk": silent["product_key"], "dk": "abcd1234", "planId": silent["id"]}
    (failed,) = confirm(shop, named, 1)["failList"]
    assert failed["code"] == 404
    assert app(shop, "GET", "getDeviceUpgradePlan", params={"pk": "nosuch", "dk": "abcd"}) is None
