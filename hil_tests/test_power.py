"""Power cuts in the middle of an upgrade: PWR-02 to PWR-04, PWR-08."""

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
    assert run.outcome in {"upgraded", "recovered"}, run.reason
    assert module.firmware_version() in {source, plan.target_version}


@pytest.mark.requirement("PWR-02", "PWR-08")
@pytest.mark.module_time("180 min")
def test_two_cuts_in_one_upgrade(module, fota_plan, upgrade, brownout):
    """A second cut while the module recovers from the first does no more harm than the first."""
    with brownout(at=urc.Downloading, after=1.0, waveform="cut-500ms", times=2) as cut:
        run = upgrade(fota_plan())
    assert cut.fired >= 1
    assert run.outcome in {"upgraded", "recovered"}, run.reason


@pytest.mark.requirement("PWR-05")
@pytest.mark.module_time("60 min")
def test_dip_inside_the_supply_range_changes_nothing(module, fota_plan, upgrade, brownout, supply):
    """A dip that stays above the module's lower limit leaves the upgrade as it is."""
    level = round((supply.limits.min + supply.nominal.voltage) / 2, 2)
    with brownout(at=urc.Downloading, waveform=f"dip-{level}V-200ms"):
        run = upgrade(fota_plan())
    assert run.outcome == "upgraded"
    assert run.reboots == 1
