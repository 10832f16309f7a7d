"""Rig files that the tests of the rig room write, load and break."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from pytest_quecfota import rig as rigs
from pytest_quecfota.errors import RigError

HARDWARE = """\
module:
  model: BC25
  port: {url: /dev/ttyUSB9, baudrate: 115200}
supply:
  visa: TCPIP::192.0.2.50::5025::SOCKET
  profile: keysight-e36300
  nominal: {voltage: 3.3, current_limit: 1.0}
  limits: {min: 2.1, max: 3.6}
developer_center: {kind: manual}
"""
VIRTUAL = """\
module: {model: BC25}
supply: {profile: keysight-e36300, nominal: {voltage: 3.3, current_limit: 1.0}}
virtual: {speed: 60}
"""


class RigFiles:
    """A folder of rig files in a fresh working directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, text: str, name: str = "bench.yaml") -> Path:
        path = self.root / "rigs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return Path("rigs") / name

    def load(self, text: str, environ: dict[str, str] | None = None, **files: str) -> rigs.Rig:
        for stem, content in files.items():
            self.write(content, f"{stem}.yaml")
        return rigs.load(self.write(text), environ=environ or {})

    def problems(self, text: str, environ: dict[str, str] | None = None, **files: str) -> list[str]:
        """The lines of the error, without the name of the folder."""
        with pytest.raises(RigError) as caught:
            self.load(text, environ, **files)
        return [line.removeprefix("rigs/") for line in caught.value.problems]
