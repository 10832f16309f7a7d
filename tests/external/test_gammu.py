"""gammu, a phone tool from Debian, finds a phone on the virtual module's port."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


@pytest.mark.external
@pytest.mark.parametrize("program", ["gammu"], indirect=True)
def test_gammu_identifies_the_module(program, port, tmp_path):
    settings = tmp_path / "gammurc"
    settings.write_text(f"[gammu]\ndevice = {port}\nconnection = at115200\n")
    done = subprocess.run(
        [program, "-c", str(settings), "--identify"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "LC_ALL": "C", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    told = {key.strip(): value.strip() for key, value in said.items()}
    assert told["Device"] == str(port)
    assert "Quectel" in told["Manufacturer"]
    assert "BC25" in told["Model"]
    assert told["Firmware"].startswith("BC25_FOTA_V1_0")
    assert told["IMEI"].isdigit()
    assert len(told["IMEI"]) == 15
    assert told["IMEI"].startswith("00"), "of the range for test equipment: no real module has it"
    assert Path(port).is_char_device(), "the port is still there"
