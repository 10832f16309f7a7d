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


PLAIN = "/v2/quecota/enduserapi"


def switch(shop: Shop, named: dict[str, Any], on: bool) -> None:
    wanted = {"pk": named["pk"], "dk": named["dk"], "autoUpgrade": on}
    assert shop.call("POST", f"{PLAIN}/setAutoUpgradeSwitch", json=wanted).json()["data"] == wanted
    shown = shop.call("GET", f"{PLAIN}/getAutoUpgradeSwitch", params={"pk": named["pk"], "dk": named["dk"]})
    assert shown.json()["data"] == wanted


def test_the_automatic_upgrade_is_off_until_the_user_sets_it(shop: Shop) -> None:
    _, device, named = waiting(shop)
    shown = shop.call("GET", f"{PLAIN}/getAutoUpgradeSwitch", params={"pk": named["pk"], "dk": named["dk"]})
    assert shown.json()["data"]["autoUpgrade"] is False
    assert device.request() == []
    for wrong in ({"pk": named["pk"], "dk": "nosuchdevice"}, {"pk": "nosuch", "dk": named["dk"]}):
        assert shop.call("GET", f"{PLAIN}/getAutoUpgradeSwitch", params=wrong).status_code == 404
        body = {**wrong, "autoUpgrade": True}
        assert shop.call("POST", f"{PLAIN}/setAutoUpgradeSwitch", json=body).status_code == 404
    wrong = {"pk": named["pk"], "dk": named["dk"], "autoUpgrade": 1}
    assert shop.call("POST", f"{PLAIN}/setAutoUpgradeSwitch", json=wrong).status_code == 422


@pytest.mark.parametrize("way", ["request", "push"])
def test_with_the_automatic_upgrade_the_device_gets_the_plan_by_itself(shop: Shop, way: str) -> None:
    plan, device, named = waiting(shop)
    switch(shop, named, True)
    if way == "request":
        (task,) = device.request()
    else:
        shop.step(minutes=10)
        (message,) = device.poll(5)
        (task,) = message["tasks"]
    assert any("automatic upgrade" in line for line in shop.log(plan, device))
    (shown,) = app(shop, "POST", "getBatchUpgradeDetails", json=[named])
    assert shown["userConfirmStatus"] == 1
    device.upgrade(task)
    assert shop.statuses(plan, device)[0] == "Upgraded"


def test_the_automatic_upgrade_keeps_to_the_confirmation_period_and_to_the_users_no(shop: Shop) -> None:
    hour = (datetime.datetime.fromisoformat(shop.now()).hour + 5) % 24
    period = f"{hour:02}:00-{(hour + 1) % 24 or 24:02}:00"
    _, device, named = waiting(shop, push_period=period)
    switch(shop, named, True)
    assert device.request() == []
    _, other, said_no = waiting(shop)
    switch(shop, said_no, True)
    assert confirm(shop, said_no, 3)["successList"]
    assert other.request() == []
    _, third, off = waiting(shop)
    switch(shop, off, True)
    switch(shop, off, False)
    assert third.request() == []


def test_a_file_is_described_with_all_that_the_documents_list(shop: Shop) -> None:
    _, _, named = waiting(shop)
    shown = app(shop, "GET", "getDeviceUpgradePlan", params={"pk": named["pk"], "dk": named["dk"]})
    plan = {"planId", "planName", "planStartTime", "planEndTime", "appointStartTime", "appointEndTime"}
    plan |= {"userConfirmStatus", "deviceStatus", "upgradeProgress", "comVerList"}
    assert plan <= set(shown)
    (component,) = shown["comVerList"]
    names = {"sort", "comNo", "comType", "dataType", "cver", "tver", "versionInfo", "battery", "signal", "space"}
    assert names | {"downloadStatus", "upgradeStatus", "fileList"} <= set(component)
    (file,) = component["fileList"]
    names = {"updIndex", "fileName", "filePath", "fileSize", "fileSha256", "fileMd5", "fileCrc"}
    assert set(file) == names
    assert file["filePath"].endswith(file["fileSha256"])


def test_a_running_upgrade_is_neither_confirmed_nor_appointed_again(shop: Shop) -> None:
    _, device, named = waiting(shop)
    assert confirm(shop, named, 1)["successList"]
    (message,) = device.poll(5)
    device.told(message["tasks"][0], "received", "confirmed", "downloading")
    (failed,) = confirm(shop, named, 1)["failList"]
    assert (failed["code"], failed["msg"]) == (409, "this upgrade is running already")
    assert device.poll(0.3) == []


def delete(shop: Shop, named: dict[str, Any]) -> Any:
    return shop.call("POST", f"{PLAIN}/deleteDeviceUpgrade", json=[named]).json()["data"]


def test_an_upgrade_that_has_ended_is_removed_from_the_app_only(shop: Shop) -> None:
    plan, device, named = waiting(shop)
    (failed,) = delete(shop, named)["failList"]
    assert (failed["code"], failed["msg"]) == (409, "this upgrade has not ended; cancel it first")
    assert confirm(shop, named, 3)["successList"]
    assert delete(shop, named) == {"successList": [named], "failList": []}
    query = {"pk": named["pk"], "dk": named["dk"]}
    assert app(shop, "GET", "getDeviceUpgradePlan", params=query) is None
    assert app(shop, "POST", "getBatchUpgradeDetails", json=[named]) == []
    assert delete(shop, named)["failList"][0]["code"] == 404
    assert shop.statuses(plan, device)[0] == "Upgrade Failed", "the monitoring keeps it"
    assert shop.log(plan, device)


def test_a_batch_has_at_most_a_thousand_devices_and_none_is_left_out_silently(shop: Shop) -> None:
    named = {"pk": "nosuch", "dk": "abcd1234"}
    for path in (f"{BASE}/getBatchUpgradeDetails", f"{PLAIN}/deleteDeviceUpgrade"):
        assert shop.call("POST", path, json=[named] * 1001).status_code == 422
    assert len(delete(shop, named)["failList"]) == 1
    assert (
        shop.call("POST", f"{BASE}/userBatchConfirmUpgrade", json=[{**named, "operType": 1}] * 1001).status_code == 422
    )
