"""What the platform shows of an upgrade: MON-01 to MON-06, OTA-03, OTA-08."""

from __future__ import annotations

import pytest
from platform_calls import Platform

from pytest_quecfota import one_of, urc
from pytest_quecfota.errors import DeveloperCenterError

#: The states of a component within one try, in the order in which they may be shown.
ORDER = [
    "Plan Not Received",
    "Plan Received",
    "Upgrade Confirmed",
    "Ready to Download",
    "Downloading",
    "Download Succeeded",
    "Upgrading",
    "Upgrade Succeeded",
]

pytestmark = pytest.mark.needs("monitoring", "plans")


@pytest.mark.requirement("MON-01", "OTA-08")
@pytest.mark.module_time("60 min")
def test_platform_shows_the_upgrade_as_done(module, fota_plan, upgrade):
    """After the module has run the target version and connected, the platform shows device and component as upgraded."""
    plan = fota_plan()
    assert plan.device().status in {"Not Upgraded", ""}
    upgrade(plan)
    device = plan.device()
    assert device.status == "Upgraded"
    assert [component.status for component in device.components] == ["Upgrade Succeeded"]


@pytest.mark.requirement("MON-02")
@pytest.mark.module_time("60 min")
def test_log_tells_the_whole_upgrade(fota_plan, upgrade):
    """The log has request, plan, confirmation, download, update and the comparison of versions, in this order."""
    plan = fota_plan()
    upgrade(plan)
    text = "\n".join(entry.text for entry in plan.log()).lower()
    due = ["request", plan.target_version.lower(), "confirm", "url", "downloading", "upgrading", "consistent"]
    places = [text.find(word) for word in due]
    assert -1 not in places, f"the log does not tell {[w for w, p in zip(due, places, strict=True) if p < 0]}:\n{text}"
    assert places == sorted(places), f"the log tells it in another order:\n{text}"


@pytest.mark.requirement("OTA-03")
def test_refusal_is_shown(module, fota_plan):
    """A refused upgrade is not shown as running or done."""
    plan = fota_plan()
    module.connect(mode=1)
    assert module.request_upgrade() is not None
    module.refuse_upgrade()
    log = plan.wait_log("refus", "reject", within=60)
    assert any("refus" in entry.text.lower() or "reject" in entry.text.lower() for entry in log)
    assert plan.device().status == "Not Upgraded"


@pytest.mark.requirement("MON-01", "MON-03")
@pytest.mark.module_time("60 min")
def test_states_and_progress_never_go_back(module, events, fota_plan):
    """As the upgrade goes on, the platform's states and per cents go on with it, and reach 100 with the success."""
    plan = fota_plan()
    module.connect(mode=2)
    assert module.request_upgrade() is not None
    mark = events.mark()
    module.confirm_upgrade()
    seen = []
    told = None
    while not isinstance(told, urc.Updated):
        match = events.expect(
            one_of(urc.Downloading, urc.Downloaded, urc.Updating, urc.Updated),
            within="45 min",
            since=mark,
            never=urc.UpdateFailed,
        )
        told, mark = match.urcs[-1], events.mark()
        seen.append(plan.device().components[0])
    plan.wait_status("Upgraded", within=300)
    seen.append(plan.device().components[0])
    places = [ORDER.index(component.status) for component in seen]
    assert places == sorted(places), f"the platform showed {[c.status for c in seen]}"
    shares = [component.progress for component in seen]
    assert shares == sorted(shares), f"the platform showed {shares} per cent"
    assert shares[-1] == 100


@pytest.mark.requirement("MON-04", "MON-05")
def test_waiting_upgrade_is_cancelled_and_retried(module, events, fota_plan):
    """A cancelled upgrade has failed and is not offered; retried, it is offered at once to a module that is connected."""
    plan = fota_plan()
    module.connect(mode=1)
    plan.cancel()
    assert plan.wait_status("Upgrade Failed", within=60).status == "Upgrade Failed"
    assert module.request_upgrade() is None
    mark = events.mark()
    plan.retry()
    assert module.wait_offer(within=120, since=mark) is not None
    assert plan.device().status == "Not Upgraded"


@pytest.mark.requirement("MON-04")
@pytest.mark.module_time("60 min")
def test_download_is_cancelled(module, events, fota_plan):
    """An upgrade that is still being downloaded can be cancelled: it has failed, and the module runs what it ran."""
    running = module.firmware_version()
    plan = fota_plan()
    module.connect(mode=2)
    assert module.request_upgrade() is not None
    mark = events.mark()
    module.confirm_upgrade()
    events.expect(urc.Downloading, within="10 min", since=mark)
    plan.cancel()
    assert plan.wait_status("Upgrade Failed", within=600).status == "Upgrade Failed"
    assert module.firmware_version() == running


@pytest.mark.requirement("MON-04")
@pytest.mark.module_time("60 min")
def test_update_in_progress_cannot_be_cancelled(module, events, fota_plan):
    """Once the module installs its new firmware the platform refuses to cancel, and the upgrade goes on to its end."""
    plan = fota_plan()
    module.connect(mode=2)
    assert module.request_upgrade() is not None
    mark = events.mark()
    module.confirm_upgrade()
    events.expect(urc.Updating, within="45 min", since=mark)
    plan.wait_log("upgrading", within=60)
    with pytest.raises(DeveloperCenterError) as refused:
        plan.cancel()
    assert refused.value.status == 409
    events.expect(urc.Updated, within="45 min", since=mark, never=urc.UpdateFailed)
    assert plan.wait_status("Upgraded", within=300).status == "Upgraded"


@pytest.mark.requirement("MON-06")
@pytest.mark.module_time("60 min")
def test_rate_leaves_out_what_has_not_ended(rig, developer_center, module, fota_plan, upgrade):
    """The success rate is not said before an upgrade has ended, and is whole after the only one succeeded."""
    platform = Platform(rig)
    plan = fota_plan()
    shown = platform.plan(plan)
    assert (shown["success_rate"], shown["counts"]["not_upgraded"]) == (None, shown["counts"]["devices"])
    upgrade(plan)
    shown = platform.plan(plan)
    assert (shown["success_rate"], shown["counts"]["upgraded"], shown["counts"]["failed"]) == (1.0, 1, 0)
