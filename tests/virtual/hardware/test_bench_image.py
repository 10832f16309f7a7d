"""Firmware images and delta packages: made the same every time, checked thoroughly."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.virtual import delta, image

OLD = image.build("BC25", "BC25_FOTA_V1_0", size=8192)
NEW = image.build("BC25", "BC25_FOTA_V2_0", size=8192)
PACKAGE = delta.make(OLD, NEW)


def test_an_image_says_what_it_is() -> None:
    parsed = image.parse(OLD)
    assert (parsed.model, parsed.version, len(parsed.raw)) == ("BC25", "BC25_FOTA_V1_0", 8192)
    assert b"BC25_FOTA_V1_0" in parsed.payload
    assert len(parsed.digest) == 64


def test_an_image_is_made_the_same_every_time() -> None:
    assert image.build("BC25", "BC25_FOTA_V1_0", size=8192) == OLD
    assert image.build("BC25", "BC25_FOTA_V1_0", size=8192, seed=1) != OLD


def test_images_look_like_code() -> None:
    raw = image.build("EC200U", "V1", size=65536)
    assert 0.25 < len(zlib.compress(raw)) / len(raw) < 0.75
    assert raw != image.build("EC25", "V1", size=65536)


@pytest.mark.parametrize("size", [image.HEADER_SIZE, 200, 2563, 65536])
def test_an_image_has_the_size_asked_for(size: int) -> None:
    assert len(image.build("BC25", "V1", size=size)) == size


@pytest.mark.parametrize(
    ("model", "version", "size"),
    [("", "V1", 1000), ("A" * 17, "V1", 1000), ("BC25", "V 1", 1000), ("BC25", "x" * 65, 1000), ("BC25", "V1", 60)],
)
def test_what_cannot_be_an_image_is_refused(model: str, version: str, size: int) -> None:
    with pytest.raises(image.ImageError):
        image.build(model, version, size=size)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "too short"),
        (b"MZ" + OLD[2:], "not a firmware image"),
        (OLD[:20] + b"X" + OLD[21:], "header is damaged"),
        (OLD[:-1], "8192 bytes"),
        (OLD[:-1] + bytes([OLD[-1] ^ 1]), "payload is damaged"),
    ],
)
def test_an_unsound_image_is_refused_saying_why(raw: bytes, problem: str) -> None:
    with pytest.raises(image.ImageError, match=problem):
        image.parse(raw)


@given(position=st.integers(0, len(OLD) - 1), bit=st.integers(0, 7))
@settings(max_examples=100, deadline=None)
def test_any_turned_bit_is_noticed(position: int, bit: int) -> None:
    broken = bytearray(OLD)
    broken[position] ^= 1 << bit
    with pytest.raises(image.ImageError):
        image.parse(bytes(broken))


def test_a_delta_leads_exactly_to_the_target() -> None:
    assert delta.apply(OLD, PACKAGE) == NEW
    assert len(PACKAGE) < len(NEW) / 3


def test_a_delta_says_from_where_to_where() -> None:
    parsed = delta.parse_delta(PACKAGE)
    assert (parsed.model, parsed.source_version, parsed.target_version) == ("BC25", "BC25_FOTA_V1_0", "BC25_FOTA_V2_0")


def test_a_delta_for_another_source_is_refused() -> None:
    with pytest.raises(delta.WrongSource, match="BC25_FOTA_V1_0"):
        delta.apply(NEW, PACKAGE)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (PACKAGE[:50], "too short"),
        (OLD, "not a delta package"),
        (PACKAGE[:30] + b"X" + PACKAGE[31:], "header is damaged"),
        (PACKAGE[:-1], "bytes of patch"),
        (PACKAGE[:-1] + bytes([PACKAGE[-1] ^ 1]), "patch is damaged"),
    ],
)
def test_an_unsound_delta_is_refused_saying_why(raw: bytes, problem: str) -> None:
    with pytest.raises(delta.DeltaError, match=problem):
        delta.apply(OLD, raw)


def test_a_delta_between_models_is_refused() -> None:
    with pytest.raises(delta.DeltaError, match="different models"):
        delta.make(OLD, image.build("EC25", "V2", size=8192))


def test_bspatch_files_of_others_are_understood() -> None:
    """The patch inside is a plain bsdiff 4 patch."""
    assert delta.parse_delta(PACKAGE).patch.startswith(b"BSDIFF40")


def test_the_commands_make_files(tmp_path: Path) -> None:
    old, new, package = (tmp_path / name for name in ("old.bin", "new.bin", "delta.bin"))
    for path, version in ((old, "V1"), (new, "V2")):
        assert image.image_main(["--model", "BC25", "--version", version, "--size", "4096", "-o", str(path)]) == 0
    assert delta.delta_main([str(old), str(new), "-o", str(package)]) == 0
    assert delta.apply(old.read_bytes(), package.read_bytes()) == new.read_bytes()


def test_a_real_firmware_can_be_the_payload(tmp_path: Path) -> None:
    source, made = tmp_path / "real.hex", tmp_path / "image.bin"
    source.write_bytes(b":020000040000FA\n" * 100)
    assert image.image_main(["--model", "BC25", "--version", "V1", "--from", str(source), "-o", str(made)]) == 0
    assert image.parse(made.read_bytes()).payload == source.read_bytes()


def test_wrong_use_of_the_commands_is_2_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = str(tmp_path / "x.bin")
    assert image.image_main(["--model", "BC25", "--version", "V 1", "-o", made]) == 2
    assert image.image_main(["--model", "BC25", "--version", "V1", "--from", str(tmp_path / "none"), "-o", made]) == 2
    (tmp_path / "no.bin").write_bytes(b"nothing")
    assert delta.delta_main([str(tmp_path / "no.bin"), str(tmp_path / "no.bin"), "-o", made]) == 2
    said = capsys.readouterr().err
    assert "version 'V 1'" in said
    assert "none" in said
    assert "too short" in said


def test_making_an_image_does_not_load_the_patch_library() -> None:
    program = "import sys; import pytest_quecfota.virtual.image, pytest_quecfota.virtual.delta; print('bsdiff4' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "False"
