"""Upgrade of the module's own firmware: OTA-01 to OTA-09."""

from __future__ import annotations

import pytest

from pytest_quecfota import repeated, sequence, urc
from pytest_quecfota.errors import CommandError


@pytest.mark.smoke
@pytest.mark.requirement("OTA-06", "OTA-07", "OTA-08")
@pytest.mark.module_time("60 min")
def test_full_package(module, fota_plan, upgrade):
    """A full package is downloaded, installed and run, and the module says so once."""
    plan = fota_plan()
    run = upgrade(plan)
    assert run.outcome == "upgraded"
    assert run.reboots == 1
    assert module.firmware_version() == plan.target_version


@pytest.mark.requirement("OTA-01", "PLAN-05")
def test_offer_says_what_the_plan_says(module, fota_plan):
    """Event 10700 carries component, versions, battery, signal and size of the plan."""
    plan = fota_plan()
    module.connect(mode=1)
    offer = module.request_upgrade()
    assert offer is not None, "no offer (7,10700) came although a plan is active for this device"
    assert offer.component == plan.offer.component
    assert offer.source_version in plan.offer.source_versions
    assert offer.target_version == plan.offer.target_version
    assert (offer.min_battery, offer.min_signal) == (plan.offer.min_battery, plan.offer.min_signal)
    assert offer.size == plan.offer.size


@pytest.mark.requirement("OTA-02")
@pytest.mark.needs("plans")
def test_no_plan_means_only_ok(module, events):
    """With no plan AT+QIOTOTAREQ answers OK, and no offer follows."""
    module.connect(mode=1)
    module.at("AT+QIOTOTAREQ=1")
    events.expect_none(urc.UpgradeOffered, during="60 s")


@pytest.mark.requirement("OTA-04")
def test_confirming_without_an_offer_is_an_error(module):
    """AT+QIOTUPDATE=1 answers ERROR where nothing was offered."""
    module.connect(mode=1)
    with pytest.raises(CommandError):
        module.confirm_upgrade()


@pytest.mark.requirement("OTA-03", "OTA-04")
def test_refused_upgrade_does_not_start(module, events, fota_plan):
    """After AT+QIOTUPDATE=0 nothing is downloaded, and the refused offer can no longer be confirmed."""
    running = module.firmware_version()
    fota_plan()
    module.connect(mode=1)
    assert module.request_upgrade() is not None
    module.refuse_upgrade()
    events.expect_none(urc.DownloadStarted, during="60 s")
    with pytest.raises(CommandError):
        module.confirm_upgrade()
    assert module.firmware_version() == running


@pytest.mark.requirement("OTA-05")
@pytest.mark.needs("plans")
@pytest.mark.parametrize(
    ("strategy", "named"),
    [({"min_battery": 100}, "battery"), ({"min_signal": -52}, "signal")],
    ids=["battery", "signal"],
)
def test_host_refuses_below_the_offered_strategy(module, events, fota_plan, upgrade, strategy, named):
    """Where battery or signal is below what the offer asks for, the host does not confirm and nothing starts."""
    measured = {"battery": module.battery_percent(), "signal": module.signal_dbm()}[named]
    if measured is None or measured >= next(iter(strategy.values())):
        pytest.skip(f"{named} reads {measured}, which no offer can be above")
    running = module.firmware_version()
    run = upgrade(fota_plan(strategy=strategy))
    assert run.outcome == "kept"
    assert named in run.reason
    assert not events.seen(urc.DownloadStarted)
    assert module.firmware_version() == running


@pytest.mark.requirement("OTA-09", "PKG-03")
@pytest.mark.needs("plans")
@pytest.mark.module_time("60 min")
def test_wrong_target_version_is_no_success(module, events, fota_plan):
    """A package whose firmware is not the target version ends in 10706, and no success is reported."""
    plan = fota_plan(image="BC25_FOTA_V9_9" if module.model.name == "BC25" else "FOTA_V9_9")
    module.connect(mode=2)
    assert module.request_upgrade() is not None
    mark = events.mark()
    module.confirm_upgrade()
    events.expect(
        sequence(
            urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, repeated(urc.Updating), urc.UpdateFailed
        ),
        within="45 min",
        since=mark,
        never=urc.Updated,
    )
    assert module.firmware_version() != plan.target_version
    if plan.monitored:
        module.connect(mode=2)
        assert plan.wait_status("Upgrade Failed", within=300).status == "Upgrade Failed"
