"""Upgrades that meet trouble other than a loss of power, and the delta package: OTA-09 to OTA-13."""

from __future__ import annotations

import hashlib

import pytest

from pytest_quecfota import one_of, sequence, urc


@pytest.mark.requirement("OTA-12")
@pytest.mark.module_time("60 min")
def test_delta_package(rig, module, fota_plan, upgrade):
    """A delta package leads to the target version; where the bench can be asked, to the target image byte for byte."""
    plan = fota_plan(kind="delta")
    run = upgrade(plan)
    assert run.outcome == "upgraded"
    assert module.firmware_version() == plan.target_version
    if rig.is_virtual:
        target = hashlib.sha256(rig.firmware.image(plan.target_version)).hexdigest()
        assert rig.control("/truth")["image_digest"] == target


def damaged(image: bytes) -> bytes:
    """The same image with one byte in its middle changed."""
    middle = len(image) // 2
    return image[:middle] + bytes([image[middle] ^ 0xFF]) + image[middle + 1 :]


@pytest.mark.requirement("OTA-09", "OTA-11", "OTA-13")
@pytest.mark.needs("plans")
@pytest.mark.module_time("120 min")
@pytest.mark.parametrize("kind", ["full", "delta"])
def test_damaged_package_is_never_installed(rig, module, fota_plan, upgrade, kind):
    """A package with a damaged byte ends in failure, the old version runs on, and a sound package is installed after it."""
    running = module.firmware_version()
    target = rig.firmware.other_version(running)
    sound = rig.firmware.image(target) if kind == "full" else rig.firmware.delta(running, target)
    run = upgrade(fota_plan(target, kind=kind, image=damaged(sound)))
    assert run.outcome == "recovered", run.reason
    assert running in run.reason, "the damaged package must leave the version that ran before it"


@pytest.mark.requirement("OTA-09", "OTA-13")
@pytest.mark.needs("plans")
@pytest.mark.module_time("120 min")
def test_foreign_package_is_never_installed(rig, module, fota_plan, upgrade):
    """An image for another model ends in failure, the old version runs on, and a sound package is installed after it."""
    running = module.firmware_version()
    target = rig.firmware.other_version(running)
    other = "BC660K-GL" if module.model.name == "BC25" else "BC25"
    run = upgrade(fota_plan(target, image=rig.firmware.image(target, model=other)))
    assert run.outcome == "recovered", run.reason
    assert running in run.reason, "the foreign package must leave the version that ran before it"


@pytest.mark.requirement("OTA-10", "OTA-13")
@pytest.mark.needs("virtual")
@pytest.mark.module_time("180 min")
@pytest.mark.parametrize("loss", ["5 s", pytest.param("10 min", marks=pytest.mark.nightly)])
def test_download_that_loses_the_network(rig, module, events, fota_plan, upgrade, loss):
    """The download goes on, or falls back in silence or with a failure; no success is false, and the upgrade can be completed."""
    running = module.firmware_version()
    plan = fota_plan()
    module.connect(mode=2)
    assert module.request_upgrade() is not None
    mark = events.mark()
    module.confirm_upgrade()
    events.expect(sequence(urc.DownloadStarted, urc.Downloading), within="2 min", since=mark)
    rig.control("/radio", "POST", {"attached": False})
    try:
        events.expect_none(urc.Updated, during=loss)
    finally:
        rig.control("/radio", "POST", {"attached": True})
    told = events.wait(one_of(urc.Updated, urc.UpdateFailed), within="100 s", since=mark, guards=False)
    if told is not None and isinstance(told.urcs[-1], urc.Updated):
        if module.model.options.success_event == "before-restart":
            module.wait_ready(since=mark)
        assert module.firmware_version() == plan.target_version
    else:
        assert module.firmware_version() == running
        assert upgrade(plan).outcome == "upgraded"
