"""`quecfota image` and `quecfota delta`: files that the virtual module accepts, the same for the same arguments."""

from __future__ import annotations


def make(process, name: str, version: str, *more: str) -> None:
    said = process("image", "--model", "BC25", "--version", version, "--size", "20000", *more, "-o", name)
    assert said.code == 0, said.err


def test_an_image_holds_its_version_and_is_the_same_each_time(process, folder):
    make(process, "one.bin", "BC25_FOTA_V1_0")
    make(process, "same.bin", "BC25_FOTA_V1_0")
    image = (folder / "one.bin").read_bytes()
    assert b"BC25_FOTA_V1_0" in image
    assert len(image) >= 20000
    assert (folder / "same.bin").read_bytes() == image


def test_a_delta_is_smaller_than_the_image_it_makes(process, folder):
    make(process, "old.bin", "BC25_FOTA_V1_0")
    make(process, "new.bin", "BC25_FOTA_V2_0")
    said = process("delta", "old.bin", "new.bin", "-o", "patch.bin")
    assert said.code == 0, said.err
    assert 0 < (folder / "patch.bin").stat().st_size < (folder / "new.bin").stat().st_size


def test_real_firmware_becomes_the_content_of_an_image(process, folder):
    real = bytes(range(256)) * 40
    (folder / "real.fw").write_bytes(real)
    said = process("image", "--model", "BC25", "--version", "V9", "--from", "real.fw", "-o", "real.bin")
    assert said.code == 0, said.err
    assert real in (folder / "real.bin").read_bytes()


def test_what_cannot_be_made_is_told_without_a_traceback(process, folder):
    (folder / "text.bin").write_text("no image")
    for arguments in (
        ("delta", "missing.bin", "text.bin", "-o", "p"),
        ("delta", "text.bin", "text.bin", "-o", "p"),
        ("image", "--model", "BC25", "--version", "V1", "-o", "no/such/folder/x.bin"),
        ("image", "--model", "BC25", "--version", "V1", "--from", "missing.fw", "-o", "x.bin"),
    ):
        said = process(*arguments)
        assert said.code not in {0, -6}, arguments
        assert said.err
        assert "Traceback" not in said.err
