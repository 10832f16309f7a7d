"""Upgrade of the module's own firmware: OTA-01 to OTA-09."""

from __future__ import annotations

import pytest

from pytest_quecfota import repeated, sequence, urc
from pytest_quecfota.errors import CommandError

STRONGEST = -52  # dBm: a little below the best that AT+CSQ can read


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


@pytest.mark.spends_plan
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
def test_host_refuses_below_the_offered_signal(module, events, fota_plan, upgrade):
    """Where the signal is weaker than the offer asks for, the host does not confirm and nothing starts."""
    running, signal = module.firmware_version(), module.signal_dbm()
    if signal is None or signal >= STRONGEST:
        pytest.skip(f"the signal reads {signal} dBm, which no offer can be above")
    run = upgrade(fota_plan(strategy={"min_signal": STRONGEST}))
    assert run.outcome == "kept"
    assert "signal" in run.reason
    assert not events.seen(urc.DownloadStarted)
    assert module.firmware_version() == running


@pytest.mark.requirement("OTA-05")
@pytest.mark.needs("plans", "supply")
def test_host_refuses_below_the_offered_battery(module, events, supply, fota_plan, upgrade):
    """Where the battery is lower than the offer asks for, the host does not confirm and nothing starts."""
    supply.set(voltage=round(supply.nominal.voltage - 0.4 * (supply.nominal.voltage - supply.limits.min), 3))
    running, battery = module.firmware_version(), module.battery_percent()
    if battery is None or battery >= 100:
        pytest.skip(f"the battery reads {battery} %, which no offer can be above")
    run = upgrade(fota_plan(strategy={"min_battery": battery + 1}))
    assert run.outcome == "kept"
    assert "battery" in run.reason
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


@pytest.mark.requirement("OTA-14")
@pytest.mark.needs("plans", "mcu")
@pytest.mark.module_time("60 min")
def test_second_plan_does_not_disturb_the_running_one(module, events, fota_plan, sota_plan, upgrade):
    """A plan activated while another one is under way is offered only after that is over, and the first ends well."""
    second = []
    plan = fota_plan()
    run = upgrade(plan, interrupt=lambda: second.append(sota_plan()))
    assert run.outcome == "upgraded"
    done = events.seen(urc.Updated)[0].time
    early = [
        offer for offer in events.seen(urc.UpgradeOffered) if offer.component != plan.component and offer.time < done
    ]
    assert not early, f"offered while {plan.component} was being upgraded: {early}"
    offer = module.request_upgrade()
    assert offer is not None, "the second plan was not offered after the first had ended"
    assert offer.component == second[0].component
