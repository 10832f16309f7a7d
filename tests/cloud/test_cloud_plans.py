"""Plans: defaults, refusals, life cycle, and what each state means for devices."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from shop import Shop, eventually, fresh


def test_a_plan_needs_name_product_and_components_only(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product, activate=False)
    assert plan["status"] == "Inactivated"
    assert (plan["mode"], plan["time_zone"], plan["push_actively"], plan["push_period"]) == (
        "silent",
        "UTC",
        True,
        "00:00-24:00",
    )
    assert plan["rejection_minutes"] == 120
    assert plan["strategy"] == {"retries": 5, "min_signal": -113, "min_battery": 30, "platform_filter": False}
    assert plan["components"][0]["target_version"] == "V2"
    assert plan["components"][0]["type"] == "module"
    assert shop.shown(plan) == plan


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "n" * 101},
        {"components": []},
        {"mode": "loud"},
        {"whitelist": ["no device key!"]},
        {"time_zone": "Nowhere"},
        {"push_period": "00:30-02:00"},
        {"rejection_minutes": 9},
        {"rejection_minutes": 1441},
        {"strategy": {"retries": 6}},
        {"strategy": {"min_signal": -114}},
        {"strategy": {"min_battery": 101}},
        {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
        {"start": "9999-12-31T23:59:59-14:00"},
        {"unknown": 1},
    ],
)
def test_what_a_plan_cannot_be_is_refused_saying_why(shop: Shop, fields: dict[str, Any]) -> None:
    component = {"identifier": shop.component(), "package": shop.package()["id"]}
    wanted = {"name": fresh("plan"), "product_key": shop.product()["product_key"], "components": [component], **fields}
    assert shop.refused(422, "POST", "/plans", json=wanted)


def test_what_a_plan_names_must_be_there(shop: Shop) -> None:
    component = {"identifier": shop.component(), "package": shop.package()["id"]}
    wanted = {"name": fresh("plan"), "product_key": shop.product()["product_key"], "components": [component]}
    for wrong in ({"product_key": "nosuch"}, {"components": [{**component, "identifier": "never"}]}):
        assert "there is no" in shop.refused(404, "POST", "/plans", json={**wanted, **wrong})
    wrong_package = {"components": [{**component, "package": "777777"}]}
    assert "there is no package" in shop.refused(404, "POST", "/plans", json={**wanted, **wrong_package})


def test_component_identifiers_are_unique_in_a_plan(shop: Shop) -> None:
    part = {"identifier": shop.component(), "package": shop.package()["id"]}
    wanted = {"name": fresh("plan"), "product_key": shop.product()["product_key"], "components": [part, part]}
    assert "unique" in shop.refused(422, "POST", "/plans", json=wanted)


def test_a_package_of_another_kind_is_refused(shop: Shop) -> None:
    part = {"identifier": shop.component("mcu"), "package": shop.package()["id"]}
    wanted = {"name": fresh("plan"), "product_key": shop.product()["product_key"], "components": [part]}
    assert "type" in shop.refused(422, "POST", "/plans", json=wanted)


def test_at_most_eight_specified_versions_also_separated_by_semicolons(shop: Shop) -> None:
    product = shop.product()
    part = {"identifier": shop.component(), "package": shop.package()["id"], "specified_versions": "V0; V1"}
    plan = shop.plan(product, components=[part], activate=False)
    assert plan["components"][0]["specified_versions"] == ["V0", "V1"]
    part["specified_versions"] = ";".join(f"V{n}" for n in range(9))
    wanted = {"name": fresh("plan"), "product_key": product["product_key"], "components": [part]}
    shop.refused(422, "POST", "/plans", json=wanted)


def test_names_of_plans_and_components_are_unique(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product, activate=False)
    part = {"identifier": shop.component(), "package": shop.package()["id"]}
    wanted = {"name": plan["name"], "product_key": product["product_key"], "components": [part]}
    shop.refused(409, "POST", "/plans", json=wanted)
    for same in ({"name": part["identifier"]}, {"identifier": part["identifier"]}):
        component = {"name": fresh("name"), "identifier": fresh("id"), "type": "module", **same}
        shop.refused(409, "POST", "/components", json=component)


def test_a_plan_is_changed_and_deleted_only_before_its_activation(shop: Shop) -> None:
    plan = shop.plan(shop.product(), activate=False, whitelist=["abcd1"])
    changed = shop.ok("PATCH", f"/plans/{plan['id']}", json={"rejection_minutes": 60, "strategy": {"retries": 1}})
    assert (changed["rejection_minutes"], changed["whitelist"]) == (60, ["abcd1"])
    assert changed["strategy"] == {**plan["strategy"], "retries": 1}
    assert (changed["start"], changed["end"], changed["components"]) == (plan["start"], plan["end"], plan["components"])
    shop.refused(422, "PATCH", f"/plans/{plan['id']}", json={"rejection_minutes": 1})
    shop.refused(422, "PATCH", f"/plans/{plan['id']}", json={"product_key": "other"})
    shop.act(plan, "activate")
    shop.refused(409, "PATCH", f"/plans/{plan['id']}", json={"rejection_minutes": 60})
    shop.refused(409, "DELETE", f"/plans/{plan['id']}")
    shop.refused(409, "POST", f"/plans/{plan['id']}/activate")
    other = shop.plan(shop.product(), activate=False)
    shop.ok("DELETE", f"/plans/{other['id']}")
    shop.refused(404, "GET", f"/plans/{other['id']}")


def test_a_suspended_plan_pauses_what_has_not_begun(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product)
    running, waiting, late = (shop.device(product).up() for _ in range(3))
    (task,), (other,) = running.request(), waiting.request()
    running.told(task, "received", "confirmed", "downloading")
    assert shop.act(plan, "suspend")["status"] == "Suspended"
    assert waiting.status(other, "confirmed").status_code == 409
    assert late.request() == []
    running.told(task, "downloaded", "updating")
    running.version = "V2"
    running.connect()
    assert shop.statuses(plan, running)[0] == "Upgraded"
    assert shop.act(plan, "resume")["status"] == "Upgrading"
    assert late.request()
    waiting.told(other, "confirmed")


def test_a_resumed_plan_that_nobody_began_is_to_be_upgraded(shop: Shop) -> None:
    plan = shop.plan(shop.product())
    shop.act(plan, "suspend")
    assert shop.act(plan, "resume")["status"] == "To be Upgraded"
    shop.refused(409, "POST", f"/plans/{plan['id']}/resume")


def test_termination_fails_what_has_not_begun_and_lets_the_rest_go_on(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product, whitelist=[])
    running, waiting, silent = (shop.device(product).up() for _ in range(3))
    (task,), (other,) = running.request(), waiting.request()
    running.told(task, "received", "confirmed", "downloading")
    shown = shop.act(plan, "terminate")
    assert shown["status"] == "Forced Terminated"
    assert (shown["counts"]["failed"], shown["counts"]["upgrading"]) == (2, 1)
    assert shop.statuses(plan, waiting) == ("Upgrade Failed", ["Upgrade Failed"])
    assert shop.statuses(plan, silent)[0] == "Upgrade Failed"
    assert waiting.status(other, "confirmed").status_code == 409
    assert waiting.request() == []
    running.upgrade(task)
    assert shop.statuses(plan, running)[0] == "Upgraded"
    for action in ("activate", "suspend", "resume", "terminate"):
        shop.refused(409, "POST", f"/plans/{plan['id']}/{action}")


def test_at_its_end_what_has_not_been_upgraded_has_failed(shop: Shop) -> None:
    product = shop.product()
    now = datetime.datetime.fromisoformat(shop.now())
    plan = shop.plan(product, end=(now + datetime.timedelta(hours=2)).isoformat())
    done, running, never = (shop.device(product).up() for _ in range(3))
    (task,) = done.request()
    done.upgrade(task)
    (other,) = running.request()
    running.told(other, "received", "confirmed", "downloading")
    shop.step(minutes=121)
    assert eventually(lambda: shop.shown(plan)["status"], "Ended")
    assert [shop.statuses(plan, d)[0] for d in (done, running, never)] == [
        "Upgraded",
        "Upgrade Failed",
        "Upgrade Failed",
    ]
    assert shop.shown(plan)["success_rate"] == pytest.approx(0.3333)
    assert running.status(other, "downloaded").status_code == 409
    assert never.request() == []


def test_before_its_start_a_plan_offers_nothing(shop: Shop) -> None:
    product = shop.product()
    now = datetime.datetime.fromisoformat(shop.now())
    plan = shop.plan(product, start=(now + datetime.timedelta(hours=1)).isoformat())
    device = shop.device(product).up()
    assert plan["status"] == "To be Upgraded"
    assert device.request() == []
    shop.step(minutes=61)
    assert device.request()


def test_a_plan_whose_time_is_over_cannot_be_activated(shop: Shop) -> None:
    now = datetime.datetime.fromisoformat(shop.now())
    end = (now + datetime.timedelta(minutes=5)).isoformat()
    plan = shop.plan(shop.product(), activate=False, end=end)
    shop.step(minutes=6)
    assert "over" in shop.refused(409, "POST", f"/plans/{plan['id']}/activate")


def test_times_without_an_offset_are_in_the_time_zone_of_the_plan(shop: Shop) -> None:
    times = {"start": "2099-01-01T08:00:00", "end": "2099-01-02T00:00:00+00:00"}
    plan = shop.plan(shop.product(), activate=False, time_zone="Asia/Shanghai", **times)
    assert plan["start"] == "2099-01-01T08:00:00.000+08:00"
    assert plan["end"] == "2099-01-02T08:00:00.000+08:00"


def test_pushes_keep_to_the_push_period_of_the_plans_zone(shop: Shop) -> None:
    product = shop.product()
    now = datetime.datetime.fromisoformat(shop.now())
    first = (now.hour + 3) % 24
    plan = shop.plan(product, push_period=f"{first:02}:00-{(first + 1) % 24 or 24:02}:00")
    device = shop.device(product).up()
    shop.step(minutes=10)
    assert device.poll(0.3) == []
    begin = now.replace(minute=0, second=1) + datetime.timedelta(hours=3)
    shop.step(seconds=(begin - datetime.datetime.fromisoformat(shop.now())).total_seconds())
    (message,) = device.poll(5)
    assert message["tasks"][0]["component"] == plan["components"][0]["identifier"]


def test_plans_are_listed_and_narrowed_down(shop: Shop) -> None:
    product = shop.product()
    plans = [shop.plan(product, activate=active) for active in (True, False)]
    key = product["product_key"]
    listed = shop.ok("GET", f"/plans?product_key={key}")
    assert ([p["id"] for p in listed["items"]], listed["total"]) == ([p["id"] for p in plans], 2)
    only = shop.ok("GET", f"/plans?product_key={key}&status=Inactivated")["items"]
    assert [p["id"] for p in only] == [plans[1]["id"]]
    named = shop.ok("GET", f"/plans?name={plans[0]['name']}")["items"]
    assert plans[0]["id"] in [p["id"] for p in named]
    page = shop.ok("GET", f"/plans?product_key={key}&offset=1&limit=1")
    assert ([p["id"] for p in page["items"]], page["total"]) == ([plans[1]["id"]], 2)
