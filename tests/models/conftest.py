"""The models' tests on the wire borrow the lab of the virtual module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "virtual" / "firmware"))

from fake_platform import FakePlatform
from lab import Lab


@pytest.fixture
def powered(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Power a virtual module of a model at so many volts; it is booting then."""
    platform = FakePlatform()
    labs: list[Lab] = []

    def make(model: str, volts: float, **profile: Any) -> Lab:
        labs.append(Lab(tmp_path, platform, model, profile=profile))
        labs[-1].power(True, volts)
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()
    platform.close()
