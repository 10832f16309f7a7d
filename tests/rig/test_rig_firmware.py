"""Images and patches for plans: made by the virtual side as a process, once, and never the version that runs."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.rig.firmware import Firmware

V1, V2 = "BC25_FOTA_V1_0", "BC25_FOTA_V2_0"


@pytest.fixture
def firmware() -> Firmware:
    return Firmware("BC25")


@pytest.fixture
def folder(tmp_path):
    """Three real firmware files, and what lies about beside them."""
    for name in ("BC25JAR01A08.bin", "BC25JAR01A09.bin", "BC25JAR01A10.bin", ".hidden"):
        (tmp_path / name).write_bytes(os.urandom(3000))
    (tmp_path / "old").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("running", "other"),
    [(V1, V2), (V2, V1), ("BC25_FOTA_V7_3", V2), ("BC25_FOTA_V2_7", V1), ("BC25JAR01A08", "BC25JAR01A08_V2_0")],
)
def test_versions_alternate(firmware, running, other):
    assert firmware.other_version(running) == other


@given(st.text(min_size=1, max_size=40))
def test_the_other_version_is_never_the_running_one(running):
    firmware = Firmware("BC25")
    other = firmware.other_version(running)
    assert other != running
    assert firmware.other_version(other) != other


def test_an_image_carries_its_version_and_is_made_once(firmware):
    image = firmware.image(V1)
    assert V1.encode() in image
    assert firmware.image(V1) is image
    assert firmware.image(V2) != image


def test_an_image_can_be_made_for_another_module(firmware):
    assert firmware.image(V1, model="BC660K-GL") != firmware.image(V1)


def test_a_patch_is_made_between_two_images_and_is_smaller(firmware):
    patch = firmware.delta(V1, V2)
    assert 0 < len(patch) < len(firmware.image(V2))
    assert firmware.delta(V1, V2) is patch


def test_real_firmware_is_what_an_image_holds(folder):
    firmware = Firmware("BC25", folder)
    assert (folder / "BC25JAR01A09.bin").read_bytes() in firmware.image("BC25JAR01A09")


@pytest.mark.parametrize(
    ("running", "other"), [("BC25JAR01A08", "BC25JAR01A09"), ("BC25JAR01A09", "BC25JAR01A08"), (V1, "BC25JAR01A08")]
)
def test_of_real_firmware_the_first_that_does_not_run_is_taken(folder, running, other):
    assert Firmware("BC25", folder).other_version(running) == other


@pytest.mark.parametrize("running", [V1, V2, "BC25JAR01A08"])
def test_where_there_is_one_real_firmware_the_other_version_is_still_another(tmp_path, running):
    (tmp_path / f"{running}.bin").write_bytes(b"x" * 100)
    assert Firmware("BC25", tmp_path).other_version(running) != running


def test_a_folder_that_is_not_there_is_told_with_its_name(tmp_path):
    with pytest.raises(BenchError, match="nowhere") as caught:
        Firmware("BC25", tmp_path / "nowhere").other_version(V1)
    assert caught.value.reason is Reason.CONFIGURATION


def test_what_the_maker_refuses_is_a_bench_fault_with_its_words(firmware):
    with pytest.raises(BenchError, match=r"image.*failed: .*version") as caught:
        firmware.image("V" * 1000)
    assert caught.value.reason is Reason.CONFIGURATION
