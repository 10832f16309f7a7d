"""Hooks by which other packages take part: supplies, Developer Centers, evidence sinks.

Implement them in a `conftest.py` or in a plugin of your own; each is described with what it is given and what it may return.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_quecfota.developer_center.plan import Center
    from pytest_quecfota.rig import Rig


@pytest.hookspec(firstresult=True)
def pytest_quecfota_supply(rig: Rig) -> Any | None:
    """Give the supply of `rig`: an object with the face of `pytest_quecfota.power.Supply`; None leaves it to the profiles."""


@pytest.hookspec(firstresult=True)
def pytest_quecfota_developer_center(rig: Rig, run: str) -> Center | None:
    """Give the Developer Center of `rig`; `run` makes names unique. None leaves it to the rig file's `kind`."""


def pytest_quecfota_evidence(directory: Path, verdict: Mapping[str, Any]) -> None:
    """A test has ended: `directory` holds its evidence, `verdict` its outcome, requirements and first line."""
