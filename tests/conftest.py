"""The tool's own tests keep their temporary files apart, so that what they leave behind is found, and nothing else is."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

PRIVATE = "QUECFOTA_PRIVATE_TMP"
FOLDER = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    if PRIVATE not in os.environ or os.environ.get("PYTEST_XDIST_WORKER"):
        folder = tempfile.mkdtemp(prefix="pytest-quecfota-")
        config.stash[FOLDER] = folder
        os.environ[PRIVATE] = os.environ["TMPDIR"] = tempfile.tempdir = folder


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(FOLDER, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
