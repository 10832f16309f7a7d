"""Power in the middle of an upgrade: PWR-01 to PWR-05, PWR-08."""

from __future__ import annotations

import pytest

from pytest_quecfota import urc

pytestmark = pytest.mark.needs("cuts")

#: The steps of an upgrade, and when in each the power goes: the URC, and module seconds after it.
STEPS = {
    "offered": (urc.UpgradeOffered, 0.01),
    "download-started": (urc.DownloadStarted, 0.05),
    "downloading": (urc.Downloading, 2.0),
    "downloaded": (urc.Downloaded, 0.01),
    "updating": (urc.Updating, 6.0),
    "restarting": (urc.Ready, 0.1),
    "reporting": (urc.Updated, 0.05),
}


@pytest.mark.requirement("PWR-02", "PWR-03", "PWR-04", "OTA-13")
@pytest.mark.module_time("120 min")
@pytest.mark.parametrize("step", STEPS)
def test_cut_at_every_step_leaves_a_module_that_can_be_upgraded(module, fota_plan, upgrade, brownout, step):
    """After a cut at this step the module runs source or target version, nobody claims a false success, and an upgrade works."""
    pattern, after = STEPS[step]
    plan = fota_plan()
    source = module.firmware_version()
    with brownout(at=pattern, after=after, waveform="cut-500ms") as cut:
        run = upgrade(plan)
    assert cut.fired == 1, f"no {pattern.__name__} came: nothing was cut"
    check_bracket(cut.brackets[0])
    assert run.outcome in {"upgraded", "recovered"}, run.reason
    assert module.firmware_version() in {source, plan.target_version}


def check_bracket(bracket):
    """The cut really happened: the URC was seen, then the message sent, then acknowledged, and the module came back."""
    assert bracket.seen <= bracket.sent <= bracket.acknowledged
    assert bracket.low is None or bracket.low >= bracket.sent  # a cut of milliseconds may be over before it is measured
    assert bracket.back is not None, "no restart was seen after the cut"
    assert bracket.back > bracket.sent


@pytest.mark.requirement("PWR-02", "PWR-08")
@pytest.mark.module_time("180 min")
def test_two_cuts_in_one_upgrade(module, fota_plan, upgrade, brownout):
    """A second cut while the module recovers from the first does no more harm than the first."""
    with brownout(at=urc.Downloading, after=1.0, waveform="cut-500ms", times=2) as cut:
        run = upgrade(fota_plan())
    assert cut.fired >= 1
    assert run.outcome in {"upgraded", "recovered"}, run.reason


@pytest.mark.nightly
@pytest.mark.requirement("PWR-02", "PWR-03", "PWR-04", "PWR-08")
@pytest.mark.module_time("300 min")
@pytest.mark.parametrize("at", [urc.DownloadStarted, urc.Updating], ids=lambda cls: cls.__name__)
def test_five_cuts_in_a_row_leave_a_module_that_works(module, fota_plan, upgrade, brownout, at):
    """Power that goes again and again, each time when the module has come as far, leaves a module that can be upgraded."""
    with brownout(at=at, after=0.5, waveform="cut-500ms", times=5) as cut:
        run = upgrade(fota_plan())
    assert cut.fired >= 2
    assert run.outcome in {"upgraded", "recovered"}, run.reason
    again = upgrade(fota_plan())
    assert again.outcome == "upgraded", again.reason


@pytest.mark.requirement("PWR-01")
@pytest.mark.needs("plans")
@pytest.mark.module_time("60 min")
def test_battery_decides_whether_an_upgrade_starts(module, events, supply, fota_plan, upgrade):
    """A battery below the offered level prevents the start; the same offer is taken where the battery is above it."""
    full = module.battery_percent()
    supply.set(voltage=round(supply.nominal.voltage - 0.4 * (supply.nominal.voltage - supply.limits.min), 3))
    low = module.battery_percent()
    if low is None or full is None or low >= full:
        pytest.skip(
            f"the battery reads {full} % at the nominal voltage and {low} % below it: it does not follow the supply"
        )
    plan = fota_plan(strategy={"min_battery": low + 1})
    assert upgrade(plan).outcome == "kept"
    assert not events.seen(urc.DownloadStarted)
    plan.terminate()
    supply.restore()
    assert upgrade(fota_plan(strategy={"min_battery": low + 1})).outcome == "upgraded"


@pytest.mark.requirement("PWR-05")
@pytest.mark.module_time("60 min")
def test_dip_inside_the_supply_range_changes_nothing(module, fota_plan, upgrade, brownout, supply):
    """A dip that stays above the module's lower limit leaves the upgrade as it is."""
    level = round((supply.limits.min + supply.nominal.voltage) / 2, 2)
    with brownout(at=urc.Downloading, waveform=f"dip-{level}V-200ms"):
        run = upgrade(fota_plan())
    assert run.outcome == "upgraded"
    assert run.reboots == 1
