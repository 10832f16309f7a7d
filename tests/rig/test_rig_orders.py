"""What `fota_plan` and `sota_plan` order: versions, packages and strategy, and that every plan ends with its test."""

from __future__ import annotations

import pytest
from live_bench import Bench, bench
from scripted_module import V1, V2
from tiny_platform import Answer, Request, TinyPlatform

from pytest_quecfota.developer_center import Unavailable
from pytest_quecfota.errors import DeveloperCenterError
from pytest_quecfota.rig.firmware import Firmware
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.rig.orders import SOTA_SIZE, Orders


@pytest.fixture
def parts(tmp_path, monkeypatch):
    monkeypatch.setenv("QUECFOTA_RUN_DIR", str(tmp_path / "leases"))
    with bench(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def images() -> Firmware:
    """What has been made for one test is there for the next."""
    return Firmware("BC25")


class Shop(TinyPlatform):
    """A platform that takes every order."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[str] = set()
        self.answers = self._answer

    def _answer(self, request: Request) -> Answer:
        path = request.path.removeprefix("/api/v1")
        if path in self.refused:
            return Answer(503, {"detail": "on fire"})
        number = sum(r.path.endswith(("/plans", "/packages")) for r in self.requests)
        return Answer(body={"items": []}) if request.method == "GET" else Answer(201, {"id": str(number)})

    def packages(self) -> list[dict[str, bytes]]:
        return [
            {(file or name): content for name, file, content in r.form}
            for r in self.requests
            if r.path.endswith("/packages")
        ]

    def plans(self) -> list[dict]:
        return [r.json for r in self.requests if r.path.endswith("/plans")]

    def terminated(self) -> list[str]:
        return [r.path.split("/")[-2] for r in self.requests if r.path.endswith("/terminate")]


@pytest.fixture
def shop():
    running = Shop()
    yield running
    running.close()


@pytest.fixture
def driven(parts: Bench, shop: Shop, images: Firmware) -> Orders:
    """Orders on a Developer Center that can be driven."""
    rig = parts.live(parts.load(center=f'{{kind: http, url: "{shop.url}", token: t0ken}}'))
    rig.__dict__["firmware"] = images
    return Orders(rig)


@pytest.fixture
def prepared(parts: Bench) -> Orders:
    """Orders on the real cloud, where a person has prepared plans."""
    return Orders(parts.live())


def test_left_to_itself_a_plan_upgrades_to_another_version_than_the_running_one(driven, shop, parts):
    assert driven.fota().target_version == V2
    parts.module.version = V2
    plan = driven.fota()
    assert (plan.component, plan.source_version, plan.target_version) == ("BC25", V2, V1)
    [_, package] = shop.packages()
    assert V1.encode() in package[f"{V1}.bin"]
    assert plan.offer.size == len(package[f"{V1}.bin"])


def test_a_delta_is_the_patch_from_what_runs(driven, shop):
    full, delta = driven.fota(), driven.fota(kind="delta")
    assert delta.offer.source_versions == (V1,)
    assert delta.offer.size < full.offer.size
    assert shop.packages()[1]["source_version"] == V1.encode()


def test_a_named_target_is_made(driven, shop):
    assert driven.fota("BC25_FOTA_V7_7").target_version == "BC25_FOTA_V7_7"
    assert b"BC25_FOTA_V7_7" in shop.packages()[0]["BC25_FOTA_V7_7.bin"]


@pytest.mark.parametrize("image", ["BC25_FOTA_V9_9", b"damaged"])
def test_a_package_may_hold_something_else_than_it_says(driven, shop, image):
    plan = driven.fota(image=image)
    content = shop.packages()[0][f"{V2}.bin"]
    assert plan.target_version == V2
    assert plan.order.must_fail
    assert content == b"damaged" if isinstance(image, bytes) else b"BC25_FOTA_V9_9" in content


def test_mode_lists_strategy_and_further_fields_reach_the_platform(driven, shop):
    plan = driven.fota(
        mode="user-confirmed",
        whitelist=["1"],
        blacklist=["2"],
        strategy={"min_battery": 50, "min_signal": -90},
        rejection_minutes=7,
    )
    body = shop.plans()[0]
    assert (body["mode"], body["whitelist"], body["blacklist"], body["rejection_minutes"]) == (
        "user-confirmed",
        ["1"],
        ["2"],
        7,
    )
    assert body["strategy"] == {"retries": 5, "min_battery": 50, "min_signal": -90}
    assert (plan.offer.min_battery, plan.offer.min_signal) == (50, -90)


def test_an_unknown_strategy_is_the_callers_fault(driven):
    with pytest.raises(TypeError, match="battery_min"):
        driven.fota(strategy={"battery_min": 50})


def test_a_host_component_is_told_to_the_module_before_its_plan(driven, shop, parts):
    plan = driven.sota()
    assert parts.module.said("AT+QIOTMCUVER") == ['AT+QIOTMCUVER="STM32","1_0_0"']
    assert (plan.component, plan.source_version, plan.target_version) == ("STM32", "1_0_0", "2_0_0")
    assert plan.component_type == "mcu"
    assert plan.offer.size == SOTA_SIZE


def test_a_host_file_is_the_same_each_time_unless_it_is_given(driven, shop):
    driven.sota()
    driven.sota()
    driven.sota(payload=b"mine")
    one, same, mine = (package["STM32-2_0_0.bin"] for package in shop.packages())
    assert one == same
    assert mine == b"mine"


def test_a_host_component_the_rig_does_not_have_is_the_callers_fault(driven):
    with pytest.raises(ValueError, match="ESP32"):
        driven.sota("ESP32")


def test_every_plan_ends_with_its_test_newest_first(driven, shop):
    with driven.terminated_afterwards() as orders:
        plans = [orders.fota(), orders.sota()]
        plans[0].terminate()
        orders.fota()
    assert shop.terminated() == [plans[0].id, shop.terminated()[1], plans[1].id]
    assert len(set(shop.terminated())) == 3


def test_plans_end_also_where_the_test_failed(driven, shop):
    with pytest.raises(AssertionError, match="the test"), driven.terminated_afterwards() as orders:
        orders.fota()
        raise AssertionError("the test")
    assert len(shop.terminated()) == 1


def test_a_plan_that_cannot_be_ended_is_told_and_the_others_are_ended(driven, shop):
    with pytest.raises(DeveloperCenterError, match="on fire"), driven.terminated_afterwards() as orders:
        first, second = orders.fota(), orders.fota()
        shop.refused.add(f"/plans/{second.id}/terminate")
    assert shop.terminated() == [second.id, first.id]


def test_the_order_is_recorded(driven):
    rig: LiveRig = driven._rig
    plan = driven.fota()
    told = list(rig.timeline.records("platform"))
    assert told[-1]["name"] == plan.name


def test_a_prepared_plan_is_taken_as_the_person_wrote_it(prepared):
    plan = prepared.fota()
    assert (plan.target_version, plan.offer.size) == (V2, 2563)


def test_a_prepared_plan_of_a_host_component_has_the_persons_target(prepared):
    plan = prepared.sota()
    assert (plan.source_version, plan.target_version, plan.offer.size) == ("1_0_0", "1_1_0", 5120)


@pytest.mark.parametrize(
    "ask",
    [
        lambda orders: orders.fota(image="BC25_FOTA_V9_9"),
        lambda orders: orders.fota(image=b"damaged"),
        lambda orders: orders.fota("BC25_FOTA_V3_0"),
        lambda orders: orders.fota(whitelist=["1"]),
        lambda orders: orders.sota(payload=b"mine"),
        lambda orders: orders.sota(target="9_9_9"),
    ],
    ids=["image", "bytes", "target", "list", "payload", "host-target"],
)
def test_what_a_person_would_have_to_prepare_cannot_be_had(prepared, ask):
    with pytest.raises(Unavailable):
        ask(prepared)


def test_nothing_is_made_for_a_prepared_plan(prepared, parts):
    """No image is made, which would need the virtual side."""
    prepared.fota()
    assert prepared._rig.firmware._made == {}
