"""What the platform shows of an upgrade: MON-01, MON-02, OTA-03, OTA-08."""

from __future__ import annotations

import pytest

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
