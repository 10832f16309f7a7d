"""Hooks by which other packages take part: supplies, Developer Centers, evidence sinks.

Implement them in a `conftest.py` or in a plugin of your own; each is described with what it is given and what it may return.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_quecfota.developer_center.plan import Center
    from pytest_quecfota.rig import Rig


@pytest.hookspec(firstresult=True)
def pytest_quecfota_supply(rig: Rig) -> Any | None:
    """Give the supply of `rig`: an object with the face of `pytest_quecfota.power.Supply`; None leaves it to the profiles."""


def pytest_quecfota_supply_profiles() -> Path | Mapping[str, Any] | Sequence[Path | Mapping[str, Any]] | None:
    """Give supply profiles that rig files may name: folders of YAML files, or mappings of a profile's name to its content.

    A package that is to work in `quecfota doctor` as well brings them by the entry point `pytest_quecfota.supply_profiles`.
    """


@pytest.hookspec(firstresult=True)
def pytest_quecfota_developer_center(rig: Rig, run: str) -> Center | None:
    """Give the Developer Center of `rig`; `run` makes names unique. None leaves it to the rig file's `kind`."""


def pytest_quecfota_evidence(directory: Path, verdict: Mapping[str, Any]) -> None:
    """A test has ended: `directory` holds its evidence, `verdict` its outcome, requirements and first line."""
