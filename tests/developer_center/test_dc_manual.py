"""The real cloud, plans prepared by a person: which one applies, when it is used up, and what cannot be had."""

from __future__ import annotations

import pytest

from pytest_quecfota.developer_center import ManualCenter, PlanOrder, Unavailable
from pytest_quecfota.developer_center.manual import PreparedPlan
from pytest_quecfota.developer_center.plan import Strategy

V1, V2, V3 = "BC25_FOTA_V1_0", "BC25_FOTA_V2_0", "BC25_FOTA_V3_0"
UP = PreparedPlan("BC25", "full", "", V2, 30, -113, 2563)
BACK = PreparedPlan("BC25", "full", "", V1, 30, -113, 2563)
DELTA = PreparedPlan("BC25", "delta", V1, V2, 40, -100, 120)
MCU = PreparedPlan("STM32", "full", "", "2_0_0", 30, -113, 27954)


def order(**changes) -> PlanOrder:
    plain = {
        "component": "BC25",
        "component_type": "module",
        "kind": "full",
        "source_version": "",
        "target_version": "",
    }
    return PlanOrder(**{**plain, **changes})


@pytest.fixture
def center() -> ManualCenter:
    made = ManualCenter([UP, BACK, DELTA, MCU])
    made.open()
    return made


@pytest.mark.parametrize(
    ("asked", "running", "target"),
    [
        (order(), V1, V2),
        (order(), V2, V1),
        (order(), V3, V2),
        (order(target_version=V1), V3, V1),
        (order(kind="delta"), V1, V2),
        (order(component="STM32", component_type="mcu"), "1_0_0", "2_0_0"),
    ],
    ids=["up", "back", "from-elsewhere", "named-target", "delta", "mcu"],
)
def test_the_prepared_plan_that_applies_to_the_running_version_is_handed_out(center, asked, running, target):
    plan = center.order(asked, running=running)
    assert plan.component == asked.component
    assert plan.target_version == target
    assert plan.source_version == running


@pytest.mark.parametrize(
    ("asked", "running"),
    [
        (order(target_version=V3), V1),
        (order(kind="delta"), V2),
        (order(kind="delta"), V3),
        (order(component="MODEM"), V1),
        (order(target_version=V1), V1),
    ],
    ids=["other-target", "delta-runs-already", "delta-from-elsewhere", "other-component", "target-runs"],
)
def test_where_no_prepared_plan_applies_the_text_says_what_was_asked_and_what_there_is(center, asked, running):
    with pytest.raises(Unavailable, match=f"while {running} runs.*BC25 -> {V2}"):
        center.order(asked, running=running)


def test_without_prepared_plans_nothing_can_be_had():
    with pytest.raises(Unavailable, match="lists none"):
        ManualCenter([]).order(order(), running=V1)


def test_the_offer_due_is_what_the_person_wrote(center):
    offer = center.order(order(), running=V1).offer
    assert (offer.component, offer.target_version, offer.size) == ("BC25", V2, 2563)
    assert (offer.min_battery, offer.min_signal) == (30, -113)
    assert offer.source_versions == ("", V1), "for a full package both are accepted, nothing else"
    assert center.order(order(kind="delta"), running=V1).offer.source_versions == (V1,)


def test_a_full_package_prepared_for_one_source_version_applies_to_that_alone():
    center = ManualCenter([PreparedPlan("BC25", "full", V1, V2, 30, -113, 2563)])
    assert center.order(order(), running=V1).target_version == V2
    with pytest.raises(Unavailable):
        center.order(order(), running=V3)


def test_a_plan_that_brought_no_offer_although_it_applies_is_used_up(center):
    center.mark_used_up(center.order(order(), running=V1))
    with pytest.raises(Unavailable, match=f"BC25 -> {V2} is used up"):
        center.order(order(), running=V1)
    assert center.order(order(), running=V2).target_version == V1, "the other one is not"


def test_of_two_plans_that_apply_the_second_is_taken_once_the_first_is_used_up():
    center = ManualCenter([UP, PreparedPlan("BC25", "full", "", V3, 30, -113, 99)])
    first = center.order(order(), running=V1)
    center.mark_used_up(first)
    assert (first.target_version, center.order(order(), running=V1).target_version) == (V2, V3)


def test_the_same_plan_prepared_twice_can_be_used_up_twice():
    center = ManualCenter([UP, UP])
    center.mark_used_up(center.order(order(), running=V1))
    center.mark_used_up(center.order(order(), running=V1))
    with pytest.raises(Unavailable, match="used up"):
        center.order(order(), running=V1)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"mode": "user-confirmed"}, "mode"),
        ({"whitelist": ["866"]}, "white list"),
        ({"blacklist": ["866"]}, "black list"),
        ({"strategy": Strategy(min_battery=90)}, "strategy"),
        ({"fields": {"image": "BC25_FOTA_V9_9"}}, "package content"),
        ({"fields": {"push_actively": True}}, "push_actively"),
    ],
)
def test_what_only_the_person_can_set_cannot_be_had(center, changes, named):
    with pytest.raises(Unavailable, match=named):
        center.order(order(**changes), running=V1)


def test_all_that_cannot_be_had_is_told_at_once(center):
    with pytest.raises(Unavailable, match="mode, white list, strategy"):
        center.order(order(mode="user-confirmed", whitelist=["1"], strategy=Strategy(retries=1)), running=V1)


def test_the_platform_cannot_be_asked(center):
    plan = center.order(order(), running=V1)
    assert (center.kind, center.monitoring, center.plans, plan.monitored) == ("manual", False, False, False)
    for ask in (plan.device, plan.log):
        with pytest.raises(Unavailable, match="cannot be asked"):
            ask()


@pytest.mark.parametrize("action", ["suspend", "resume", "retry", "cancel"])
def test_the_platform_cannot_be_driven(center, action):
    plan = center.order(order(), running=V1)
    with pytest.raises(Unavailable, match=f"no {action} of plan"):
        getattr(plan, action)()


def test_nothing_is_terminated_that_a_person_has_prepared(center):
    plan = center.order(order(), running=V1)
    plan.terminate()
    plan.terminate()
    assert center.order(order(), running=V1).target_version == V2
    center.close()
