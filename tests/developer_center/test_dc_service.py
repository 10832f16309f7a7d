"""A Developer Center that can be driven: which calls an order becomes, and what its answers mean."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from tiny_platform import Answer, Request, TinyPlatform

from pytest_quecfota.developer_center import DeviceState, LogEntry, Offer, PlanOrder, ServiceCenter
from pytest_quecfota.developer_center.plan import ComponentState, Strategy
from pytest_quecfota.errors import DeveloperCenterError

FULL = PlanOrder(
    component="BC25",
    component_type="module",
    kind="full",
    source_version="BC25_FOTA_V1_0",
    target_version="BC25_FOTA_V2_0",
    files=[("BC25_FOTA_V2_0.bin", b"0123456789")],
)
RUNNING = "BC25_FOTA_V1_0"


class Shop:
    """Answers as the embedded Developer Center does (the calls of its HTTP API), with ids that count."""

    def __init__(self) -> None:
        self.ids = itertools.count(1)
        self.devices: list[dict[str, object]] = []
        self.components = ["BC25"]

    def __call__(self, request: Request) -> Answer:
        where = (request.method, request.path.removeprefix("/api/v1"))
        if where == ("GET", "/components"):
            return Answer(body={"items": [{"identifier": each} for each in self.components], "total": 1})
        if where[1].endswith("/log"):
            return Answer(body={"items": [{"time": "2026-11-23T12:00:00+00:00", "text": "Offered"}], "total": 1})
        if request.method == "GET":
            return Answer(body={"items": self.devices, "total": len(self.devices)})
        return Answer(201, {"id": str(next(self.ids))})


@pytest.fixture
def shop(platform: TinyPlatform) -> Shop:
    made = Shop()
    platform.answers = made
    return made


@pytest.fixture
def center(platform: TinyPlatform, shop: Shop) -> Iterator[ServiceCenter]:
    opened = ServiceCenter(platform.url, "token", product_key="p11", device_key="866123450000017", run="run7")
    opened.open()
    yield opened
    opened.close()


def calls(platform: TinyPlatform) -> list[str]:
    return [f"{request.method} {request.path.removeprefix('/api/v1')}" for request in platform.requests]


def test_an_order_is_a_package_a_plan_and_its_activation(platform, center):
    plan = center.order(FULL, running=RUNNING)
    assert calls(platform) == ["GET /components", "POST /packages", "POST /plans", "POST /plans/2/activate"]
    assert plan.id == "2"
    form = {name: content.decode() for name, file, content in platform.requests[1].form if file is None}
    assert form | {"name": "", "remarks": ""} == {
        "name": "",
        "component_type": "module",
        "package_type": "full",
        "source_version": "",
        "target_version": "BC25_FOTA_V2_0",
        "remarks": "",
    }
    assert [(file, content) for _, file, content in platform.requests[1].form if file] == FULL.files
    body = platform.requests[2].json
    assert body["product_key"] == "p11"
    assert body["mode"] == "silent"
    assert body["components"][0]["package"] == "1"
    assert body["components"][0]["identifier"] == "BC25"
    assert body["strategy"] == {"retries": 5, "min_signal": -113, "min_battery": 30}


def test_a_plan_name_is_never_used_twice_and_names_the_run(platform, center):
    names = [center.order(FULL, running=RUNNING).name for _ in range(20)]
    assert len(set(names)) == 20
    assert all("run7" in name for name in names)


def test_a_component_that_somebody_else_made_meanwhile_is_not_made_again(platform, shop, center):
    shop.components.append("STM32")
    center.order(PlanOrder("STM32", "mcu", "full", "1_0_0", "2_0_0", files=[("a", b"x")]), running="1_0_0")
    assert "POST /components" not in calls(platform)


def test_a_component_is_made_known_once(platform, center):
    order = PlanOrder("STM32", "mcu", "full", "1_0_0", "2_0_0", files=[("a", b"x")])
    center.order(order, running="1_0_0")
    center.order(order, running="1_0_0")
    assert calls(platform).count("POST /components") == 1
    made = next(request.json for request in platform.requests if request.path.endswith("/components") and request.body)
    assert made == {"name": "STM32", "identifier": "STM32", "type": "mcu"}


def test_a_delta_names_its_source_version_and_a_full_package_does_not(platform, center):
    delta = PlanOrder("BC25", "module", "delta", RUNNING, "BC25_FOTA_V2_0", files=[("d", b"123")])
    plan = center.order(delta, running=RUNNING)
    assert platform.requests[-2].json["components"][0]["source_version"] == RUNNING
    assert plan.offer.source_versions == (RUNNING,)
    assert center.order(FULL, running=RUNNING).offer.source_versions == ("", RUNNING)
    assert platform.requests[-2].json["components"][0]["source_version"] == ""


def test_the_offer_due_follows_from_the_order(center):
    order = PlanOrder(
        "BC25", "module", "full", RUNNING, "V9", files=[("a", b"123"), ("b", b"45")], strategy=Strategy(40, -90, 2)
    )
    assert center.order(order, running=RUNNING).offer == Offer("BC25", ("", RUNNING), "V9", 40, -90, 5)


def test_further_fields_reach_the_plan_as_they_are(platform, center):
    order = PlanOrder("BC25", "module", "full", RUNNING, "V9", fields={"push_actively": True, "rejection_minutes": 5})
    center.order(order, running=RUNNING)
    body = platform.requests[-2].json
    assert (body["push_actively"], body["rejection_minutes"]) == (True, 5)


def test_the_rigs_device_is_found_among_others(shop, center):
    part = {"identifier": "BC25", "status": "Upgraded", "progress": 100}
    shop.devices = [
        {"dk": "1", "status": "Upgrading", "components": []},
        {"dk": "866123450000017", "status": "Upgraded", "components": [part]},
    ]
    assert center.device("2") == DeviceState("866123450000017", "Upgraded", (ComponentState("BC25", "Upgraded", 100),))


def test_a_device_the_plan_does_not_list_is_not_upgraded(shop, center):
    assert center.device("2").status == "Not Upgraded"


def test_the_log_is_the_devices_own(platform, center):
    assert center.log("2") == [LogEntry("2026-11-23T12:00:00+00:00", "Offered")]
    assert calls(platform)[-1] == "GET /plans/2/devices/866123450000017/log"


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("terminate", "/plans/2/terminate"),
        ("suspend", "/plans/2/suspend"),
        ("resume", "/plans/2/resume"),
        ("retry", "/plans/2/devices/866123450000017/retry"),
        ("cancel", "/plans/2/devices/866123450000017/cancel"),
    ],
)
def test_a_plans_verbs_act_on_the_plan_or_on_the_device_in_it(platform, center, action, path):
    plan = center.order(FULL, running=RUNNING)
    getattr(plan, action)()
    assert calls(platform)[-1] == f"POST {path}"


def test_a_plan_is_terminated_once(platform, center):
    plan = center.order(FULL, running=RUNNING)
    plan.terminate()
    plan.terminate()
    assert calls(platform).count(f"POST /plans/{plan.id}/terminate") == 1


def test_a_plan_that_could_not_be_terminated_is_terminated_by_the_next_try(platform, center, shop):
    plan = center.order(FULL, running=RUNNING)
    platform.always(Answer(503))
    with pytest.raises(DeveloperCenterError):
        plan.terminate()
    platform.answers = shop
    plan.terminate()
    assert calls(platform).count(f"POST /plans/{plan.id}/terminate") == 2


def test_a_package_the_platform_refuses_is_told_with_its_words(platform, center):
    platform.always(Answer(422, {"title": "Invalid", "detail": "target_version is longer than 32"}))
    with pytest.raises(DeveloperCenterError, match="longer than 32"):
        center.order(FULL, running=RUNNING)


def test_answers_without_what_is_due_are_a_bench_fault(platform, center):
    platform.always(Answer(200, {"hello": "world"}))
    for ask in (
        center.open,
        lambda: center.device("2"),
        lambda: center.log("2"),
        lambda: center.order(FULL, running=RUNNING),
    ):
        with pytest.raises(DeveloperCenterError):
            ask()


def test_waiting_for_a_status_looks_again_and_again_and_gives_up_in_time(shop, center):
    plan = center.order(FULL, running=RUNNING)
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            shop.devices = [{"dk": "866123450000017", "status": "Upgraded", "components": []}]

    plan.pause = pause
    assert plan.wait_status("Upgraded", within=60).status == "Upgraded"
    assert len(waited) == 3
    assert plan.wait_status("Upgrade Failed", within=10).status == "Upgraded"
    assert sum(waited[3:]) == pytest.approx(10, abs=2)


def test_waiting_for_a_log_line_takes_words_in_any_case(center):
    plan = center.order(FULL, running=RUNNING)
    assert plan.wait_log("offered", within=0)[0].text == "Offered"
