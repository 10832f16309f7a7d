"""The environment in which drivers that others wrote run: it has pymeasure and pyvisa-py, and nothing of ours.

    python tests/external/driver_environment.py        # makes it where there is none (half a minute, 220 MB), says where it is

It lies outside the repository: `$XDG_CACHE_HOME/quecfota-drivers/pymeasure`, default `~/.cache`. The tests only look whether it is
there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NEEDS = ("PyMeasure==0.16.0", "PyVISA==1.16.2", "PyVISA-py==0.8.1")
_WANTED = f"{sys.version}\n" + "\n".join(NEEDS)


def folder() -> Path:
    """Where the environment is, or would be."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "quecfota-drivers" / "pymeasure"


def interpreter() -> Path | None:
    """Its Python; None where it was not made, or for another version of Python or of the drivers."""
    ready = folder() / ".ready"
    return folder() / "bin" / "python" if ready.is_file() and ready.read_text() == _WANTED else None


def make() -> Path:
    """Its Python; the environment is made first where there is none. Raises `subprocess.CalledProcessError`."""
    found = interpreter()
    if found is not None:
        return found
    shutil.rmtree(folder(), ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder())], check=True)
    python = folder() / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *NEEDS], check=True)
    (folder() / ".ready").write_text(_WANTED)
    return python


if __name__ == "__main__":
    print(make())
