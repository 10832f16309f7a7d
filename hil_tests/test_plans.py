"""Who is offered an upgrade, and when: PLAN-01 to PLAN-10."""

from __future__ import annotations

import pytest
from platform_calls import APPOINT, CANCEL, RETRY, Platform, new_name

from pytest_quecfota import repeated, sequence, urc
from pytest_quecfota.errors import DeveloperCenterError

ANOTHER = "866000000000000"  # a device key that is not the rig's


@pytest.mark.requirement("PLAN-01")
def test_without_lists_the_device_is_offered_the_upgrade(module, fota_plan):
    """With no list every device of the product is in scope."""
    fota_plan()
    module.connect(mode=1)
    assert module.request_upgrade() is not None


@pytest.mark.requirement("PLAN-02", "PLAN-03", "OTA-02")
@pytest.mark.needs("plans")
@pytest.mark.parametrize(
    ("white", "black", "offered"),
    [
        (["me"], [], True),
        ([ANOTHER], [], False),
        ([], ["me"], False),
        ([], [ANOTHER], True),
        (["me"], ["me"], False),
        (["me"], [ANOTHER], True),
    ],
    ids=["white-listed", "not-white-listed", "black-listed", "not-black-listed", "black-wins", "white-and-other-black"],
)
def test_lists_decide_who_is_offered_the_upgrade(module, events, fota_plan, developer_center, white, black, offered):
    """The white list admits only its devices, the black list keeps its devices out, and the black list wins."""
    keys = {"me": developer_center.device_key}
    fota_plan(whitelist=[keys.get(k, k) for k in white], blacklist=[keys.get(k, k) for k in black])
    module.connect(mode=1)
    if offered:
        assert module.request_upgrade() is not None
    else:
        module.at("AT+QIOTOTAREQ=1")
        events.expect_none(urc.UpgradeOffered, during="60 s")


# -- what the platform does as time goes by ------------------------------------------------------------


@pytest.fixture
def platform(rig, developer_center):
    """The Developer Center, below the fixtures' client."""
    return Platform(rig)


@pytest.mark.requirement("PLAN-04")
@pytest.mark.needs("plans", "monitoring", "virtual")
@pytest.mark.module_time("60 min")
@pytest.mark.parametrize(
    "actively",
    [pytest.param(True, id="pushed"), pytest.param(False, id="only-on-request", marks=pytest.mark.nightly)],
)
def test_silent_plan_is_pushed_where_it_shall_be(rig, module, fota_plan, actively):
    """A silent plan comes to a connected module by itself if it is pushed actively, else only when the module asks."""
    fota_plan(push_actively=actively)
    module.connect(mode=1)
    rig.clock.step("11 min")  # pushes are ten minutes apart
    offered = module.wait_offer(within=120)
    assert (offered is not None) is actively
    if not actively:
        assert module.request_upgrade() is not None


@pytest.mark.requirement("PLAN-04")
@pytest.mark.needs("plans", "monitoring")
def test_user_confirmed_plan_waits_for_the_user(module, events, fota_plan, platform):
    """A user-confirmed plan is offered only after the App's user has agreed."""
    plan = fota_plan(mode="user-confirmed", texts={"en": "A better version.", "zh": "新版本"})
    module.connect(mode=1)
    module.at("AT+QIOTOTAREQ=1")
    events.expect_none(urc.UpgradeOffered, during="60 s")
    mark = events.mark()
    assert len(platform.confirm(plan)["successList"]) == 1
    offer = module.wait_offer(within=120, since=mark)
    assert offer is not None
    assert offer.target_version == plan.target_version


@pytest.mark.nightly
@pytest.mark.requirement("PLAN-04")
@pytest.mark.needs("plans", "monitoring", "virtual")
@pytest.mark.module_time("60 min")
def test_appointment_of_the_user_is_kept(rig, module, fota_plan, platform):
    """What the App's user appointed is offered from the beginning of that time, and no more after its end."""
    plan = fota_plan(mode="user-confirmed", texts={"en": "A better version.", "zh": "新版本"})
    module.connect(mode=1)
    assert len(platform.confirm(plan, APPOINT, **platform.appointment(30, 89))["failList"]) == 1, "shorter than an hour"
    assert len(platform.confirm(plan, APPOINT, **platform.appointment(60, 180))["successList"]) == 1
    assert module.request_upgrade() is None
    rig.clock.step("61 min")
    assert module.request_upgrade() is not None
    rig.clock.step("121 min")
    assert module.request_upgrade() is None


@pytest.mark.requirement("PLAN-04", "MON-04")
@pytest.mark.needs("plans", "monitoring")
def test_what_the_user_cancelled_is_offered_only_after_he_tried_again(module, events, fota_plan, platform):
    """An upgrade that the App's user has cancelled has failed; only the App tries it again, and then it is offered."""
    plan = fota_plan(mode="user-confirmed", texts={"en": "A better version.", "zh": "新版本"})
    module.connect(mode=1)
    assert len(platform.confirm(plan, CANCEL)["successList"]) == 1
    assert plan.wait_status("Upgrade Failed", within=60).status == "Upgrade Failed"
    assert module.request_upgrade() is None
    with pytest.raises(DeveloperCenterError) as refused:
        plan.retry()
    assert refused.value.status == 409
    mark = events.mark()
    assert len(platform.confirm(plan, RETRY)["successList"]) == 1
    assert module.wait_offer(within=120, since=mark) is not None


@pytest.mark.requirement("PLAN-05", "MON-05")
@pytest.mark.needs("plans", "monitoring")
@pytest.mark.parametrize("retries", [0, pytest.param(2, marks=pytest.mark.nightly)])
def test_retries_are_bounded_by_the_plan(module, events, fota_plan, retries):
    """A device that failed is tried again as often as the strategy says; after that the platform refuses."""
    plan = fota_plan(strategy={"retries": retries})
    module.connect(mode=1)
    assert module.request_upgrade() is not None
    for _ in range(retries):
        plan.cancel()
        assert plan.wait_status("Upgrade Failed", within=300).status == "Upgrade Failed"
        mark = events.mark()
        plan.retry()
        assert module.wait_offer(within=300, since=mark) is not None
    plan.cancel()
    assert plan.wait_status("Upgrade Failed", within=300).status == "Upgrade Failed"
    with pytest.raises(DeveloperCenterError, match="no retry left") as refused:
        plan.retry()
    assert refused.value.status == 409
    assert module.request_upgrade() is None


@pytest.mark.requirement("PLAN-06")
@pytest.mark.needs("plans")
@pytest.mark.parametrize("fits", [True, False], ids=["running", "another"])
def test_specified_versions_restrict_a_full_package(rig, module, fota_plan, platform, fits):
    """A full package with specified versions is offered only to a module that runs one of them."""
    versions = [module.firmware_version() if fits else "PLAN_V0_1", "PLAN_V0_2"]
    fota_plan().terminate()
    package = platform.package("PLAN_V9_9")
    fota_plan(components=[{"identifier": rig.component, "package": package["id"], "specified_versions": versions}])
    module.connect(mode=1)
    assert (module.request_upgrade() is not None) is fits


@pytest.mark.requirement("PLAN-06")
@pytest.mark.needs("plans", "mcu")
def test_components_are_offered_in_their_order(rig, module, events, fota_plan, sota_plan, platform):
    """A plan of two components begins with the one that was added first."""
    fota_plan().terminate()
    host = sota_plan()
    host.terminate()
    first = platform.package("PLAN_9_9", component_type="mcu")
    second = platform.package("PLAN_V9_9")
    fota_plan(
        components=[
            {"identifier": host.component, "package": first["id"]},
            {"identifier": rig.component, "package": second["id"]},
        ]
    )
    module.connect(mode=1)
    mark = events.mark()
    assert module.request_upgrade() is not None
    events.pause("10 s")
    offered = [offer.component for offer in events.seen(urc.UpgradeOffered, since=mark)]
    assert offered in ([host.component], [host.component, rig.component]), "in plan order, and none again at once"


@pytest.mark.requirement("PLAN-06")
@pytest.mark.needs("plans", "monitoring", "mcu", "played")
@pytest.mark.module_time("90 min")
def test_components_are_upgraded_in_their_order_to_the_end(rig, module, events, fota_plan, sota_plan, platform):
    """Of a plan for host and module the host's part comes first; the module's is fetched once that has succeeded."""
    model, host = fota_plan(), sota_plan()
    model.terminate()
    host.terminate()
    first = platform.package("PLAN_9_9", component_type="mcu")
    second = platform.package(model.target_version, content=model.order.files[0][1])
    parts = [
        {"identifier": host.component, "package": first["id"]},
        {"identifier": rig.component, "package": second["id"]},
    ]
    plan = fota_plan(components=parts)
    module.connect(mode=2)
    assert module.request_upgrade() is not None
    begin = events.mark()
    module.confirm_upgrade()
    fetched = sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded)
    assert events.expect(fetched, within="15 min", since=begin).urcs[0].component == host.component
    states = {component.identifier: component.status for component in plan.device().components}
    assert states[rig.component] in {"Plan Not Received", "Plan Received", "Upgrade Confirmed"}, "its turn comes later"
    then = events.mark()
    module.report_updating()
    events.expect(urc.Updating, within="30 s", since=then)
    then = events.mark()
    module.set_mcu_version(host.component, "PLAN_9_9")
    events.expect(urc.Updated, within="30 s", since=then, never=urc.UpdateFailed)
    events.expect(sequence(urc.DownloadStarted, urc.Updating), within="30 min", since=then, never=urc.UpdateFailed)
    device = plan.wait_status("Upgraded", within=3600)
    assert [(c.identifier, c.status) for c in device.components] == [
        (host.component, "Upgrade Succeeded"),
        (rig.component, "Upgrade Succeeded"),
    ]
    assert module.firmware_version() == model.target_version


@pytest.mark.requirement("PLAN-09")
@pytest.mark.needs("plans", "virtual")
@pytest.mark.module_time("60 min")
def test_round_of_pushes_leaves_out_who_has_just_asked(rig, module, events, fota_plan):
    """A module that has just been offered a plan does not hear the same again at once; some ten minutes later it does."""
    fota_plan()
    module.connect(mode=1)
    for _ in range(10):  # whenever the ten minutes of the platform are over, it is within one of these
        assert module.request_upgrade() is not None
        mark = events.mark()
        rig.clock.step("1 min")
        events.expect_none(urc.UpgradeOffered, during="20 s")
    rig.clock.step("11 min")
    assert module.wait_offer(within=120, since=mark) is not None


@pytest.mark.requirement("PLAN-06")
@pytest.mark.needs("plans")
def test_component_is_in_a_plan_once(rig, fota_plan, platform, developer_center):
    """A plan with the same component twice is refused."""
    fota_plan().terminate()
    package = platform.package("PLAN_V9_9")
    twice = [{"identifier": rig.component, "package": package["id"]}] * 2
    wanted = {"name": new_name("plan"), "product_key": developer_center.product_key, "components": twice}
    assert platform.call("POST", "/api/v1/plans", wanted)[0] == 422


@pytest.mark.requirement("PLAN-07")
@pytest.mark.needs("plans")
def test_activated_plan_can_be_neither_edited_nor_deleted(rig, module, fota_plan, platform, developer_center):
    """Before its activation a plan can be edited and deleted, afterwards not."""
    active = fota_plan()
    for method, body in (("PATCH", {"rejection_minutes": 60}), ("DELETE", None)):
        assert platform.call(method, f"/api/v1/plans/{active.id}", body)[0] == 409
    package = platform.package("PLAN_V9_9")
    wanted = {"name": new_name("plan"), "product_key": developer_center.product_key}
    wanted["components"] = [{"identifier": rig.component, "package": package["id"]}]
    _, plan = platform.call("POST", "/api/v1/plans", wanted)
    assert (
        platform.call("PATCH", f"/api/v1/plans/{plan['id']}", {"rejection_minutes": 60})[1]["rejection_minutes"] == 60
    )
    assert platform.call("DELETE", f"/api/v1/plans/{plan['id']}")[0] == 204


@pytest.mark.nightly
@pytest.mark.requirement("PLAN-08")
@pytest.mark.needs("plans", "monitoring", "virtual")
def test_plan_holds_only_in_its_planned_time(rig, module, fota_plan, platform, developer_center):
    """Before its start a plan offers nothing, then it does; at its end what was not upgraded has failed."""
    fota_plan().terminate()
    component = {"identifier": rig.component, "package": platform.package("PLAN_V9_9")["id"]}
    wanted = {"name": new_name("plan"), "product_key": developer_center.product_key, "components": [component]}
    _, plan = platform.call("POST", "/api/v1/plans", {**wanted, "start": platform.now(60), "end": platform.now(180)})
    path = f"/api/v1/plans/{plan['id']}"
    platform.call("POST", f"{path}/activate")
    module.connect(mode=1)
    assert module.request_upgrade() is None
    rig.clock.step("61 min")
    assert module.request_upgrade() is not None
    rig.clock.step("121 min")
    assert module.request_upgrade() is None
    assert platform.call("GET", path)[1]["status"] == "Ended"
    assert platform.call("GET", f"{path}/devices/{developer_center.device_key}")[1]["status"] == "Upgrade Failed"


@pytest.mark.nightly
@pytest.mark.requirement("PLAN-09", "OTA-03")
@pytest.mark.needs("plans", "monitoring", "virtual")
@pytest.mark.module_time("60 min")
def test_refusal_holds_for_the_rejection_time(rig, module, fota_plan):
    """After a refusal nothing is pushed before the rejection time is over, and then it is."""
    fota_plan(rejection_minutes=60)
    module.connect(mode=1)
    assert module.request_upgrade() is not None
    module.refuse_upgrade()
    for _ in range(3):  # a push is due every ten minutes
        rig.clock.step("15 min")
        assert module.wait_offer(within=60) is None
    rig.clock.step("20 min")
    assert module.wait_offer(within=300) is not None


@pytest.mark.requirement("PLAN-10")
@pytest.mark.needs("plans", "monitoring")
def test_suspended_plan_offers_nothing_until_it_is_resumed(module, fota_plan):
    """A suspended plan is not offered; a resumed one is."""
    plan = fota_plan()
    plan.suspend()
    module.connect(mode=1)
    assert module.request_upgrade() is None
    plan.resume()
    assert module.request_upgrade() is not None


@pytest.mark.requirement("PLAN-10")
@pytest.mark.needs("plans", "monitoring")
def test_terminated_plan_has_failed_for_who_had_not_begun(module, fota_plan):
    """Forced termination ends the plan for a module that has not begun."""
    plan = fota_plan()
    module.connect(mode=1)
    plan.terminate()
    assert module.request_upgrade() is None
    assert plan.device().status == "Upgrade Failed"


@pytest.mark.requirement("PLAN-10")
@pytest.mark.needs("plans", "monitoring")
@pytest.mark.module_time("60 min")
def test_running_upgrade_survives_the_termination_of_its_plan(module, events, fota_plan):
    """An upgrade that runs when its plan is terminated goes on to its end."""
    plan = fota_plan()
    module.connect(mode=2)
    assert module.request_upgrade() is not None
    mark = events.mark()
    module.confirm_upgrade()
    events.expect(urc.Downloading, within="10 min", since=mark)
    plan.terminate()
    events.expect(urc.Updated, within="45 min", since=mark, never=urc.UpdateFailed)
    assert module.firmware_version() == plan.target_version
    assert plan.wait_status("Upgraded", within=300).status == "Upgraded"
