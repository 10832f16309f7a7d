"""Upgrades as a device and the monitoring see them, through the running service."""

from __future__ import annotations

import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from shop import Shop
from south_device import SouthDevice


def offered(shop: Shop, **fields: Any) -> tuple[dict[str, Any], SouthDevice, dict[str, Any]]:
    """A plan in force, a device, and the task it got by asking."""
    product = shop.product()
    plan = shop.plan(product, **fields)
    device = shop.device(product).up()
    (task,) = device.request()
    return plan, device, task


def test_an_offer_names_component_versions_and_strategy(shop: Shop) -> None:
    plan, _, task = offered(shop, strategy={"min_battery": 40, "min_signal": -100, "retries": 2})
    component = plan["components"][0]
    assert task == {
        "task": task["task"],
        "component": component["identifier"],
        "type": "module",
        "source_version": "",
        "target_version": "V2",
        "package_type": "full",
        "min_battery": 40,
        "min_signal": -100,
        "size": component["size"],
    }


def test_an_upgrade_succeeds_when_the_target_version_is_reported(shop: Shop) -> None:
    plan, device, task = offered(shop)
    seen = []
    for name in ("received", "confirmed", "ready", "downloading", "downloaded", "updating"):
        device.told(task, name)
        seen.append(shop.statuses(plan, device))
    assert seen == [
        ("Not Upgraded", ["Plan Received"]),
        ("Upgrading", ["Upgrade Confirmed"]),
        ("Upgrading", ["Ready to Download"]),
        ("Upgrading", ["Downloading"]),
        ("Upgrading", ["Download Succeeded"]),
        ("Upgrading", ["Upgrading"]),
    ]
    assert shop.shown(plan)["status"] == "Upgrading"
    device.version = "V2"
    device.connect().told(task, "succeeded")
    assert shop.statuses(plan, device) == ("Upgraded", ["Upgrade Succeeded"])
    shown = shop.shown(plan)
    assert (shown["counts"]["upgraded"], shown["success_rate"]) == (1, 1.0)


def test_the_log_tells_request_offer_reports_confirmation_and_version_check(shop: Shop) -> None:
    plan, device, task = offered(shop)
    device.upgrade(task)
    identifier = task["component"]
    reported = f"Reported upgrade status of component {identifier} : "
    assert shop.log(plan, device) == [
        "The device initiates an OTA upgrade request. Module firmware version reported by the device: V1.",
        f"Issuing Upgrade plan: Component Identifier: {identifier}, Targeted Version: V2.",
        "Result of issuing the OTA upgrade plan: OK.",
        f"{reported}Upgrade Plan is Available.",
        f"{reported}Upgrade Confirmed.",
        "Device Confirmed Upgrade.",
        "Issue the URL to upgrade.",
        "Result of issuing the OTA upgrade URL: OK.",
        f"{reported}Waiting to Download.",
        f"{reported}Downloading.",
        f"{reported}Download Successful.",
        f"{reported}Upgrading.",
        "The reported device version information is consistent with the targeted version V2.",
        f"{reported}Upgraded.",
    ]


def test_a_claim_with_another_version_after_the_restart_is_a_failure(shop: Shop) -> None:
    plan, device, task = offered(shop)
    device.upgrade(task, version="V1")
    assert shop.statuses(plan, device) == ("Upgrade Failed", ["Upgrade Failed"])
    told = "The reported device version information V1 is not consistent with the targeted version V2."
    assert told in shop.log(plan, device)


@pytest.mark.parametrize(("after", "result"), [("V2", "Upgrade Succeeded"), ("V1", "Upgrade Failed")])
def test_a_claim_before_the_restart_is_judged_by_the_version_after_it(shop: Shop, after: str, result: str) -> None:
    plan, device, task = offered(shop)
    device.told(task, "confirmed", "downloading", "downloaded", "updating", "succeeded")
    assert shop.statuses(plan, device) == ("Upgrading", ["Upgrading"])
    device.version = after
    device.connect()
    assert shop.statuses(plan, device)[1] == [result]


def test_the_version_alone_counts_where_the_result_is_not_reported(shop: Shop) -> None:
    plan, device, task = offered(shop)
    device.told(task, "confirmed", "downloading", "downloaded", "updating")
    device.version = "V2"
    device.connect()
    assert shop.statuses(plan, device)[0] == "Upgraded"


def test_a_module_that_lost_its_update_has_failed_when_it_asks_again(shop: Shop) -> None:
    plan, device, task = offered(shop)
    device.told(task, "confirmed", "downloading", "downloaded", "updating")
    assert device.connect().request() == []
    assert shop.statuses(plan, device)[0] == "Upgrade Failed"


def test_a_reported_failure_is_shown_and_nothing_more_is_offered(shop: Shop) -> None:
    plan, device, task = offered(shop)
    device.told(task, "received", "confirmed", "downloading", "failed")
    assert shop.statuses(plan, device) == ("Upgrade Failed", ["Upgrade Failed"])
    assert device.request() == []
    assert shop.shown(plan)["success_rate"] == 0.0


def test_without_a_plan_a_request_brings_nothing(shop: Shop) -> None:
    assert shop.device(shop.product()).up().request() == []


def test_a_plan_that_is_not_activated_offers_nothing(shop: Shop) -> None:
    product = shop.product()
    shop.plan(product, activate=False)
    assert shop.device(product).up().request() == []


def test_a_plan_is_for_its_own_product_only(shop: Shop) -> None:
    shop.plan(shop.product())
    assert shop.device(shop.product()).up().request() == []


def test_lists_keep_devices_out_and_black_wins(shop: Shop) -> None:
    product = shop.product()
    devices = [shop.device(product).up() for _ in range(3)]
    a, b, c = (device.dk for device in devices)
    plan = shop.plan(product, whitelist=[a, b], blacklist=[b])
    assert [bool(device.request()) for device in devices] == [True, False, False]
    assert [d["dk"] for d in shop.ok("GET", f"/plans/{plan['id']}/devices")["items"]] == [a]
    for outside in (b, c):
        shop.refused(404, "GET", f"/plans/{plan['id']}/devices/{outside}")


def test_a_delta_is_offered_to_its_source_version_only(shop: Shop) -> None:
    product = shop.product()
    package = shop.package("V2", package_type="delta", source_version="V1")
    component = {"identifier": shop.component(), "package": package["id"], "package_type": "delta"}
    shop.plan(product, components=[component])
    assert shop.device(product, "V0").up().request() == []
    (task,) = shop.device(product, "V1").up().request()
    assert (task["source_version"], task["package_type"]) == ("V1", "delta")


def test_specified_versions_restrict_a_full_package(shop: Shop) -> None:
    product = shop.product()
    component = {"identifier": shop.component(), "package": shop.package()["id"], "specified_versions": ["V0", "V1"]}
    shop.plan(product, components=[component])
    assert [bool(shop.device(product, v).up().request()) for v in ("V0", "V1", "V1_1")] == [True, True, False]


def test_a_device_at_the_target_needs_no_update(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product, "V2").up()
    assert device.request() == []
    assert shop.statuses(plan, device) == ("No Update Required", ["No Update Required"])
    assert shop.shown(plan)["success_rate"] is None
    device.version = "V1"
    assert device.request()
    assert shop.statuses(plan, device)[0] == "Not Upgraded"


def test_an_mcu_component_is_offered_only_once_its_version_is_reported(shop: Shop) -> None:
    product = shop.product()
    identifier = shop.component("mcu")
    package = shop.package("2_0_0", component_type="mcu")
    plan = shop.plan(product, components=[{"identifier": identifier, "package": package["id"]}])
    device = shop.device(product).up()
    assert device.request() == []
    assert f"Upgrade plan not issued: {identifier}: the device has not reported this component." in shop.log(
        plan, device
    )
    device.mcu[identifier] = "1_0_0"
    (task,) = device.request()
    device.told(task, "received", "confirmed", "downloading", "downloaded")
    device.mcu[identifier] = "2_0_0"
    device.told(task, "succeeded")
    assert shop.statuses(plan, device) == ("Upgraded", ["Upgrade Succeeded"])


def test_an_mcu_that_claims_success_with_another_version_has_failed_at_once(shop: Shop) -> None:
    product = shop.product()
    identifier = shop.component("mcu")
    package = shop.package("2_0_0", component_type="mcu")
    plan = shop.plan(product, components=[{"identifier": identifier, "package": package["id"]}])
    device = shop.device(product)
    device.mcu[identifier] = "1_0_0"
    (task,) = device.up().request()
    device.told(task, "confirmed", "downloading", "downloaded", "updating", "succeeded")
    assert shop.statuses(plan, device)[0] == "Upgrade Failed"


def test_several_components_come_in_plan_order_and_all_must_succeed(shop: Shop) -> None:
    product = shop.product()
    first, second = shop.component("mcu"), shop.component()
    mcu, module = shop.package("2", component_type="mcu"), shop.package("V2")
    parts = [{"identifier": first, "package": mcu["id"]}, {"identifier": second, "package": module["id"]}]
    plan = shop.plan(product, components=parts)
    device = shop.device(product)
    device.mcu[first] = "1"
    tasks = device.up().request()
    assert [task["component"] for task in tasks] == [first, second]
    device.told(tasks[0], "received", "confirmed", "downloading", "downloaded")
    device.mcu[first] = "2"
    device.told(tasks[0], "succeeded")
    assert shop.statuses(plan, device) == ("Upgrading", ["Upgrade Succeeded", "Plan Not Received"])
    device.upgrade(tasks[1])
    assert shop.statuses(plan, device) == ("Upgraded", ["Upgrade Succeeded", "Upgrade Succeeded"])


def test_a_second_plan_is_left_alone_while_one_runs(shop: Shop) -> None:
    plan, device, task = offered(shop)
    device.told(task, "received", "confirmed", "downloading")
    other = shop.plan(device.product, target="V3")
    assert [t["target_version"] for t in device.request()] == ["V2"]
    assert shop.statuses(other, device) == ("Not Upgraded", ["Plan Not Received"])
    device.told(task, "downloaded", "updating")
    device.version = "V2"
    device.connect()
    assert [t["target_version"] for t in device.request()] == ["V3"]
    assert shop.statuses(plan, device)[0] == "Upgraded"


def test_the_file_has_the_digests_it_is_announced_with(shop: Shop) -> None:
    content = bytes(range(256)) * 5000
    product = shop.product()
    package = shop.package(content=content)
    shop.plan(product, components=[{"identifier": shop.component(), "package": package["id"]}])
    device = shop.device(product).up()
    (task,) = device.request()
    firmware = device.told(task, "received", "confirmed")["firmware"]
    got = shop.south.get(firmware["url"], headers={"Authorization": f"Bearer {device.session}"}).content
    assert got == content
    assert firmware["md5"] == hashlib.md5(got).hexdigest()
    assert firmware["sha256"] == hashlib.sha256(got).hexdigest()
    assert (firmware["crc"], firmware["size"], task["size"]) == (zlib.crc32(got), len(got), len(got))


def test_a_download_failure_is_followed_by_a_new_try_until_no_retry_is_left(shop: Shop) -> None:
    plan, device, task = offered(shop, strategy={"retries": 1})
    device.told(task, "received", "confirmed", "downloading", "download failed")
    assert shop.statuses(plan, device) == ("Upgrading", ["Download Failed"])
    (again,) = device.request()
    assert again["task"] == task["task"]
    device.told(task, "received", "confirmed", "downloading", "download failed")
    assert shop.statuses(plan, device) == ("Upgrade Failed", ["Upgrade Failed"])
    assert device.request() == []


def test_progress_goes_up_only_within_one_try(shop: Shop) -> None:
    plan, device, task = offered(shop)
    device.told(task, "received", "confirmed")
    seen = []
    steps = [("downloading", 10), ("downloading", 60), ("downloading", 30), ("downloaded", None), ("updating", 40)]
    for name, progress in steps:
        assert device.status(task, name, progress).status_code == 200
        seen.append(shop.state(plan, device)["components"][0]["progress"])
    assert seen == [5, 30, 30, 50, 70]
    device.version = "V2"
    device.connect()
    assert shop.state(plan, device)["components"][0]["progress"] == 100


def test_a_state_that_cannot_come_now_is_refused_with_a_code(shop: Shop) -> None:
    plan, device, task = offered(shop)
    early = device.status(task, "downloading")
    assert (early.status_code, early.json()["code"]) == (409, 10404)
    device.upgrade(task)
    late = device.status(task, "downloading")
    assert (late.status_code, late.json()["code"]) == (409, 10404)
    assert shop.statuses(plan, device)[0] == "Upgraded"


def test_a_task_of_another_device_is_refused(shop: Shop) -> None:
    _, device, task = offered(shop)
    other = shop.device(device.product).up()
    assert other.status(task, "received").status_code == 409


def test_with_the_platform_filter_a_weak_device_gets_nothing(shop: Shop) -> None:
    product = shop.product()
    strategy = {"min_battery": 50, "min_signal": -100, "platform_filter": True}
    plan = shop.plan(product, strategy=strategy)
    device = shop.device(product)
    device.readings["battery"] = 49
    assert device.up().request() == []
    assert "below the strategy" in shop.log(plan, device)[-1]
    device.readings["battery"] = 50
    assert device.request()


def test_by_default_the_device_decides_about_battery_and_signal(shop: Shop) -> None:
    product = shop.product()
    shop.plan(product, strategy={"min_battery": 50, "min_signal": -100})
    device = shop.device(product)
    device.readings |= {"battery": 1, "signal": -113}
    assert device.up().request()


def test_a_plan_reaches_a_waiting_device_by_push(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product)
    device = shop.device(product).up()
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(device.poll, 30)
        shop.step(minutes=10)
        (message,) = poll.result(timeout=10)
    assert message["type"] == "plan"
    assert [task["target_version"] for task in message["tasks"]] == ["V2"]
    assert "The device initiates" not in shop.log(plan, device)[0]


def test_no_push_where_the_plan_does_not_push_or_the_device_has_confirmed(shop: Shop) -> None:
    product = shop.product()
    shop.plan(product, push_actively=False)
    device = shop.device(product).up()
    shop.step(minutes=10)
    assert device.poll(0.3) == []
    assert device.request()
    pushing, busy, task = offered(shop)
    busy.told(task, "received", "confirmed")
    shop.step(minutes=10)
    assert busy.poll(0.3) == []
    assert shop.statuses(pushing, busy)[1] == ["Upgrade Confirmed"]


def test_a_refusal_holds_for_the_rejection_time(shop: Shop) -> None:
    plan, device, task = offered(shop, rejection_minutes=50)
    device.told(task, "received", "refused")
    assert shop.statuses(plan, device) == ("Not Upgraded", ["Plan Received"])
    assert shop.state(plan, device)["refused_until"] is not None
    shop.step(minutes=49)
    assert device.request() == []
    assert device.poll(0.3) == []
    shop.step(minutes=11)
    (message,) = device.poll(5)
    assert message["tasks"][0]["task"] == task["task"]


def test_a_refusal_holds_for_nothing_where_the_plan_does_not_push(shop: Shop) -> None:
    _, device, task = offered(shop, push_actively=False)
    device.told(task, "received", "refused")
    assert device.request()
