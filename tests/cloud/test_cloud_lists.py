"""White and black lists as files, the monitoring as a file, many devices tried again at once, texts of a plan in force."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import Shop, fresh

from pytest_quecfota.cloud.domain import devicelists, rules

KEYS = st.lists(st.from_regex(rules.DEVICE_KEY, fullmatch=True).filter(lambda k: k.lower() != "imei"), unique=True)


def put(shop: Shop, plan: dict[str, Any], which: str, content: bytes, kind: str = "text/csv") -> Any:
    path = f"/api/v1/plans/{plan['id']}/lists/{which}"
    return shop.call("PUT", path, content=content, headers={"Content-Type": kind})


def rows(shop: Shop, path: str) -> list[list[str]]:
    answer = shop.call("GET", f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    return list(csv.reader(io.StringIO(answer.text)))


@pytest.mark.parametrize(
    ("content", "keys"),
    [
        (b"abcd\nefgh\n", ["abcd", "efgh"]),
        (b"\xef\xbb\xbfDeviceKey\r\nabcd\r\n\r\nefgh\r\n", ["abcd", "efgh"]),
        (b'IMEI;site\n"866123450000017";"Hangzhou, cellar"\n', ["866123450000017"]),
        (b"abcd,first\nabcd,again\n", ["abcd"]),
        (b" abcd \tx", ["abcd"]),
        (b"", []),
        (b"DeviceKey\n", []),
    ],
)
def test_files_of_spreadsheets_and_editors_are_read(content: bytes, keys: list[str]) -> None:
    assert devicelists.read(content) == keys


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"abcd\nno key!\nab\n", "line 2: 'no key!', line 3: 'ab'"),
        (b"\n".join(b"?%d" % n for n in range(20)), "and 15 more"),
        (b"abcd\xff\n", "UTF-8"),
        ("abcd\nａｂｃｄ\n".encode(), "line 2"),
        (b"\n".join(b"key%d" % n for n in range(rules.LIST_LENGTH + 1)), "at most 10000"),
    ],
)
def test_what_is_no_list_is_refused_naming_the_lines(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        devicelists.read(content)


@given(KEYS)
def test_a_list_that_was_saved_is_read_again(keys: list[str]) -> None:
    assert devicelists.read(devicelists.written(keys).encode()) == keys


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert next(csv.reader(io.StringIO(devicelists.table([text], [[text]]).splitlines()[1])))[0] == f"'{text}"


@pytest.mark.parametrize("which", ["whitelist", "blacklist"])
@pytest.mark.parametrize("kind", ["text/csv", "text/plain; charset=utf-8"])
def test_an_imported_list_takes_the_place_of_the_other_and_can_be_saved(shop: Shop, which: str, kind: str) -> None:
    plan = shop.plan(shop.product(), activate=False, **{which: ["before1"]})
    answer = put(shop, plan, which, b"DeviceKey\n866123450000017\n866123450000025\n", kind)
    assert answer.json()[which] == ["866123450000017", "866123450000025"]
    assert shop.shown(plan) == {
        **plan,
        which: ["866123450000017", "866123450000025"],
        "counts": shop.shown(plan)["counts"],
    }
    assert rows(shop, f"/plans/{plan['id']}/lists/{which}") == [["DeviceKey"], ["866123450000017"], ["866123450000025"]]


def test_an_imported_list_decides_who_is_offered_the_plan(shop: Shop) -> None:
    product = shop.product()
    inside, outside = (shop.device(product).up() for _ in range(2))
    plan = shop.plan(product, activate=False)
    assert put(shop, plan, "whitelist", inside.dk.encode()).is_success
    shop.act(plan, "activate")
    assert [bool(device.request()) for device in (inside, outside)] == [True, False]


def test_a_list_that_is_none_changes_nothing(shop: Shop) -> None:
    plan = shop.plan(shop.product(), activate=False, whitelist=["before1"])
    for content, kind, status in (
        (b"no key!", "text/csv", 422),
        (b"\xff", "text/csv", 422),
        (b"[]", "application/json", 415),
    ):
        assert put(shop, plan, "whitelist", content, kind).status_code == status
    assert put(shop, plan, "greylist", b"abcd").status_code == 422
    assert shop.shown(plan) == plan


def test_ten_thousand_devices_are_imported(shop: Shop) -> None:
    plan = shop.plan(shop.product(), activate=False)
    answer = put(shop, plan, "blacklist", "\n".join(f"many{n}" for n in range(rules.LIST_LENGTH)).encode())
    assert len(answer.json()["blacklist"]) == rules.LIST_LENGTH
    assert (
        put(shop, plan, "blacklist", "\n".join(f"many{n}" for n in range(rules.LIST_LENGTH + 1)).encode()).status_code
        == 422
    )


def test_the_monitoring_is_saved_as_a_file(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product, time_zone="Asia/Shanghai")
    done, idle = (shop.device(product).up() for _ in range(2))
    (task,) = done.request()
    done.upgrade(task)
    heading, first, second = rows(shop, f"/plans/{plan['id']}/export")
    told = dict(zip(heading, first, strict=True))
    assert (told["DeviceKey"], told["Upgrade status"], told["Connection"]) == (done.dk, "Upgraded", "Online")
    assert (told["Source version"], told["Target version"]) == ("V1", "V2")
    assert (told["Component status"], told["Progress"]) == ("Upgrade Succeeded", "100 %")
    assert told["Start"].endswith("+08:00"), "times are in the time zone of the plan"
    assert (second[0], second[1], second[3]) == (idle.dk, "Not Upgraded", "")
    assert [row[0] for row in rows(shop, f"/plans/{plan['id']}/export?status=Upgraded")[1:]] == [done.dk]


def failed_devices(shop: Shop, count: int, **fields: Any) -> tuple[dict[str, Any], list[Any]]:
    product = shop.product()
    plan = shop.plan(product, **fields)
    devices = [shop.device(product).up() for _ in range(count)]
    for device in devices:
        device.told(device.request()[0], "received", "confirmed", "failed")
    return plan, devices


def test_all_failed_devices_are_tried_again_at_once(shop: Shop) -> None:
    plan, devices = failed_devices(shop, 3)
    waiting = shop.device(devices[0].product).up()
    answer = shop.ok("POST", f"/plans/{plan['id']}/retry", json={})
    assert answer == {"retried": [device.dk for device in devices], "refused": []}
    assert all(device.poll(5)[0]["type"] == "plan" for device in devices)
    assert shop.statuses(plan, waiting)[0] == "Not Upgraded"


def test_of_named_devices_those_that_cannot_be_tried_again_are_told(shop: Shop) -> None:
    plan, (one, other) = failed_devices(shop, 2, strategy={"retries": 1})
    named = {"devices": [one.dk, one.dk, "stranger1"]}
    answer = shop.ok("POST", f"/plans/{plan['id']}/retry", json=named)
    assert (answer["retried"], [r["dk"] for r in answer["refused"]]) == ([one.dk], ["stranger1"])
    one.told(one.poll(5)[0]["tasks"][0], "received", "confirmed", "failed")
    answer = shop.ok("POST", f"/plans/{plan['id']}/retry", json={})
    assert answer["retried"] == [other.dk]
    assert "no retry left" in answer["refused"][0]["detail"]


def test_devices_of_a_plan_that_is_over_or_asks_its_users_are_not_tried_again_together(shop: Shop) -> None:
    plan, _ = failed_devices(shop, 1)
    shop.act(plan, "terminate")
    assert "in force" in shop.refused(409, "POST", f"/plans/{plan['id']}/retry", json={})
    asking = shop.plan(shop.product(), mode="user-confirmed")
    assert "from the App" in shop.refused(409, "POST", f"/plans/{asking['id']}/retry", json={})


def test_texts_change_in_a_plan_in_force_and_no_more_once_it_is_over(shop: Shop) -> None:
    product = shop.product()
    plan = shop.plan(product, mode="user-confirmed", texts={"en": "new", "zh": "新"})
    path = f"/plans/{plan['id']}/texts"
    assert shop.ok("PUT", path, json={"en": "newer", "zh": "更新"})["texts"] == {"en": "newer", "zh": "更新"}
    shown = shop.call(
        "GET",
        "/v2/quecota/enduserapi/v2/getDeviceUpgradePlan",
        params={"pk": product["product_key"], "dk": fresh("dk00")},
    ).json()["data"]
    assert shown["versionInfo"] == {"en": "newer", "zh": "更新"}
    shop.refused(422, "PUT", path, json={"en": "x" * 2001})
    shop.act(plan, "terminate")
    shop.refused(409, "PUT", path, json={"en": "late"})
    silent = shop.plan(shop.product())
    assert "nobody is asked" in shop.refused(409, "PUT", f"/plans/{silent['id']}/texts", json={"en": "x"})


def test_plans_are_found_by_the_time_they_were_made(shop: Shop) -> None:
    product = shop.product()
    key = product["product_key"]
    first = shop.plan(product, activate=False)
    shop.step(minutes=60)
    between = shop.now()
    shop.step(minutes=60)
    second = shop.plan(product, activate=False)

    def found(**query: str) -> list[str]:
        answer = shop.call("GET", "/api/v1/plans", params={"product_key": key, **query})
        return [plan["id"] for plan in answer.json()["items"]]

    assert (found(until=between), found(since=between)) == ([first["id"]], [second["id"]])
    assert found(since=first["created"], until=second["created"]) == [first["id"]]
    assert shop.call("GET", "/api/v1/plans", params={"since": "yesterday"}).status_code == 422
