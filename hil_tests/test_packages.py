"""Version packages: PKG-01, PKG-02, PKG-04 to PKG-06."""

from __future__ import annotations

import pytest
from platform_calls import Platform, new_name

from pytest_quecfota import urc
from pytest_quecfota.errors import DeveloperCenterError

pytestmark = pytest.mark.needs("plans", "monitoring")
FILE = ("image.bin", b"firmware")


@pytest.fixture
def platform(rig, developer_center):
    """The Developer Center, below the fixtures' client."""
    return Platform(rig)


def form(**changes):
    """The fields of a package that is in order, but for `changes`."""
    fields = {"name": new_name("package"), "component_type": "module", "target_version": "PKG_V9_9"}
    return {k: v for k, v in {**fields, **changes}.items() if v is not None}


@pytest.mark.requirement("PKG-04", "PKG-05")
@pytest.mark.parametrize(
    ("changes", "files"),
    [
        ({}, [("image.exe", b"firmware")]),
        ({}, [FILE] * 6),
        ({}, []),
        ({}, [("image.bin", b"")]),
        ({"target_version": "V1 0"}, [FILE]),
        ({"target_version": None}, [FILE]),
        ({"name": "n" * 101}, [FILE]),
        ({"remarks": "r" * 201}, [FILE]),
        ({"package_type": "delta"}, [FILE]),
        ({"component_type": "bootloader"}, [FILE]),
    ],
    ids=[
        "format",
        "sixth-file",
        "no-file",
        "empty-file",
        "version-with-space",
        "no-version",
        "name-too-long",
        "remarks-too-long",
        "delta-without-source",
        "unknown-kind",
    ],
)
def test_wrong_package_is_refused_and_not_stored(platform, developer_center, changes, files):
    """What is no package is refused with a reason, and afterwards there are as many packages as before."""
    before = platform.packages()
    with pytest.raises(DeveloperCenterError) as refused:
        developer_center.api.upload("/packages", form(**changes), files)
    assert refused.value.status in {413, 422}
    assert platform.packages() == before


@pytest.mark.requirement("PKG-05")
def test_names_are_unique(platform, developer_center):
    """A package's name is taken once, and so are name and identifier of a component."""
    taken = platform.package("PKG_V9_9")
    with pytest.raises(DeveloperCenterError, match="already"):
        developer_center.api.upload("/packages", form(name=taken["name"]), [FILE])
    name, identifier = new_name("component"), new_name("C")
    component = {"name": name, "identifier": identifier, "type": "mcu"}
    assert platform.call("POST", "/api/v1/components", component)[0] == 201
    for again in ({**component, "name": new_name("component")}, {**component, "identifier": new_name("C")}):
        assert platform.call("POST", "/api/v1/components", again)[0] == 409


@pytest.mark.requirement("PKG-01")
def test_package_and_component_are_of_one_kind(platform, developer_center):
    """A plan cannot bring a module's package to a component of the MCU."""
    package = platform.package("PKG_V9_9")
    identifier = new_name("MCU")
    platform.call("POST", "/api/v1/components", {"name": identifier, "identifier": identifier, "type": "mcu"})
    wanted = {"name": new_name("plan"), "product_key": developer_center.product_key}
    wanted["components"] = [{"identifier": identifier, "package": package["id"]}]
    status, problem = platform.call("POST", "/api/v1/plans", wanted)
    assert status == 422
    assert identifier in problem["detail"]


@pytest.mark.requirement("PKG-02")
def test_delta_package_for_another_version_is_not_offered(rig, module, events, platform, fota_plan):
    """A delta package whose source version is not the running one is not offered; one whose is, is."""
    package = platform.package("PKG_V9_9", package_type="delta", source_version="PKG_V0_1")
    fota_plan(components=[{"identifier": rig.component, "package": package["id"], "package_type": "delta"}])
    module.connect(mode=1)
    module.at("AT+QIOTOTAREQ=1")
    events.expect_none(urc.UpgradeOffered, during="60 s")
    fota_plan(kind="delta")
    offer = module.request_upgrade()
    assert offer is not None
    assert offer.source_version == module.firmware_version()


@pytest.mark.requirement("PKG-06")
@pytest.mark.module_time("60 min")
def test_verification_succeeds_with_the_version_that_is_reported(
    rig, module, events, developer_center, platform, fota_plan
):
    """A package is issued at once to the device it is to be verified on, and is verified once that runs its version."""
    model = fota_plan()
    model.terminate()  # the module's component is known to the platform from here on
    package = platform.package(model.target_version, content=model.order.files[0][1])
    module.connect(mode=2)
    mark = events.mark()
    path = f"/api/v1/packages/{package['id']}"
    assert platform.call("GET", path)[1]["state"] == "Not Verified"
    wanted = {"dk": developer_center.device_key, "component": rig.component}
    assert platform.call("POST", f"{path}/verify", wanted)[0] == 202
    assert module.wait_offer(within=120, since=mark) is not None
    assert platform.call("POST", f"{path}/verify", wanted)[0] == 409, "it is being verified already"
    mark = events.mark()
    module.confirm_upgrade()
    events.expect(urc.Updated, within="45 min", since=mark, never=urc.UpdateFailed)
    assert module.firmware_version() == model.target_version
    shown = platform.wait(path, lambda package: package["verification"]["state"] != "Verifying", events.pause)
    assert (shown["state"], shown["verification"]["state"]) == ("Verified", "Verified")


@pytest.mark.requirement("PKG-06")
def test_package_is_verified_only_on_a_device_that_is_online(rig, module, developer_center, platform, fota_plan):
    """While the device is not connected a verification is refused, and the package stays as it was."""
    fota_plan().terminate()
    package = platform.package("PKG_V9_9")
    module.connect(mode=1)
    module.disconnect()
    wanted = {"dk": developer_center.device_key, "component": rig.component}
    status, problem = platform.call("POST", f"/api/v1/packages/{package['id']}/verify", wanted)
    assert status == 409
    assert "offline" in problem["detail"]


@pytest.mark.nightly
@pytest.mark.requirement("PKG-06")
@pytest.mark.needs("virtual")
def test_verification_without_success_fails_after_an_hour(rig, module, developer_center, platform, fota_plan):
    """A package being verified is issued at once to its device; not upgraded within 60 minutes, the verification has failed."""
    fota_plan().terminate()  # the module's component is known to the platform from here on
    package = platform.package("PKG_V9_9")
    module.connect(mode=1)
    wanted = {"dk": developer_center.device_key, "component": rig.component}
    assert platform.call("POST", f"/api/v1/packages/{package['id']}/verify", wanted)[0] == 202
    offer = module.wait_offer(within=120)
    assert offer is not None
    assert offer.target_version == "PKG_V9_9"
    rig.clock.step("61 min")
    path = f"/api/v1/packages/{package['id']}"
    pause = rig.timeline.events.pause
    shown = platform.wait(path, lambda package: package["verification"]["state"] != "Verifying", pause)
    assert (shown["state"], shown["verification"]["state"]) == ("Not Verified", "Failed")
