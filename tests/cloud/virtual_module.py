"""A virtual bench of its own for a test of the platform, and the host beside its module: AT commands on the serial port.

Nothing of the test side is used: the bench is the command `quecfota bench`, the image the command `quecfota image`.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import serial

ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
QUECFOTA = [sys.executable, "-m", "pytest_quecfota.cli"]


def image(path: Path, version: str, size: int) -> Path:
    """A firmware that the module takes."""
    command = [*QUECFOTA, "image", "--model", "BC25", "--version", version, "--size", str(size), "-o", str(path)]
    subprocess.run(command, check=True, cwd=ROOT, timeout=60)
    return path


class VirtualModule:
    """A bench that is up; `ready` is what it announced. `close` ends it."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("wb")
        command = [*QUECFOTA, "bench", "--rig", "virtual", "--json"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, cwd=ROOT)
        self._port: serial.Serial | None = None
        self._heard = ""
        try:
            self.ready: dict[str, Any] = json.loads(self._line())
            self._port = serial.Serial(self.ready["at"], 115200, timeout=0.05)
            self.hear("+CPIN: READY")
        except BaseException:
            self.close()
            raise
        self.url: str = self.ready["developer_center"]
        self.token: str = self.ready["token"]
        self.dk: str = self.ready["device_key"]

    def _line(self) -> bytes:
        stdout = self._process.stdout
        assert stdout is not None
        there, _, _ = select.select([stdout], [], [], START_SECONDS)
        line = stdout.readline() if there else b""
        if not line:
            raise RuntimeError(f"the bench did not start: {Path(self._log.name).read_text()[-2000:]}")
        return line

    def hear(self, text: str, seconds: float = 15.0) -> str:
        """Waits until the module has said this since the last command; returns all it said."""
        assert self._port is not None
        deadline = time.monotonic() + seconds
        while text not in self._heard:
            assert time.monotonic() < deadline, f"{text!r} did not come within {seconds} s; heard {self._heard!r}"
            self._heard += self._port.read(max(self._port.in_waiting, 1)).decode()
        return self._heard

    def at(self, command: str, until: str = "OK\r\n", seconds: float = 15.0) -> str:
        """Sends a command and waits for a text."""
        assert self._port is not None
        self._heard = ""
        self._port.write(f"{command}\r".encode())
        return self.hear(until, seconds)

    def run_at(self, speed: float) -> None:
        """So many module seconds per real second from now on."""
        body = json.dumps({"speed": speed}).encode()
        request = urllib.request.Request(f"{self.ready['control']}/clock", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

    def close(self) -> None:
        """Ends the bench."""
        if self._port is not None:
            self._port.close()
        self._process.terminate()
        try:
            self._process.communicate(timeout=20)
        finally:
            if self._process.poll() is None:
                os.kill(self._process.pid, 9)
            self._log.close()
