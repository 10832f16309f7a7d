"""What is attached, and who holds it: rig files, leases, the guardian, the virtual bench's process, the doctor.

Names are imported when first used, so that a run without a rig, and the guardian process, load nothing of this.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_quecfota.rig.loader import describe, find, json_schema, load, overview
    from pytest_quecfota.rig.schema import CAPABILITIES, Rig

_HOME = {
    "CAPABILITIES": "schema",
    "Rig": "schema",
    "describe": "loader",
    "find": "loader",
    "json_schema": "loader",
    "load": "loader",
    "overview": "loader",
}

__all__ = ["CAPABILITIES", "Rig", "describe", "find", "json_schema", "load", "overview"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
