"""Fixtures of the virtual module's tests: a scripted platform, and modules on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[3] / "hil_tests"))

from fake_platform import FakePlatform
from lab import Lab


@pytest.fixture
def platform() -> Iterator[FakePlatform]:
    made = FakePlatform()
    yield made
    made.close()


@pytest.fixture
def make_lab(tmp_path: Path, platform: FakePlatform) -> Iterator[Callable[..., Lab]]:
    labs: list[Lab] = []

    def make(model: str = "BC25", **settings: Any) -> Lab:
        folder = tmp_path / str(len(labs))
        folder.mkdir()
        labs.append(Lab(folder, platform, model, **settings))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    """A BC25, booted."""
    made = make_lab()
    made.boot()
    return made
