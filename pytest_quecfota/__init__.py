"""pytest-quecfota: hardware-in-the-loop tests of firmware updates over the air on Quectel modules with QuecThing.

The public names, imported when first used, so that a run without a rig pays nothing for them::

    from pytest_quecfota import urc, sequence, repeated, one_of, where, then
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_quecfota import urc
    from pytest_quecfota.errors import BenchError, CommandError, ModuleError
    from pytest_quecfota.timeline import Match, one_of, repeated, sequence, then, where

__all__ = [
    "BenchError",
    "CommandError",
    "Match",
    "ModuleError",
    "one_of",
    "repeated",
    "sequence",
    "then",
    "urc",
    "where",
]

_HOMES = {
    "BenchError": "pytest_quecfota.errors",
    "CommandError": "pytest_quecfota.errors",
    "ModuleError": "pytest_quecfota.errors",
    "Match": "pytest_quecfota.timeline",
    "one_of": "pytest_quecfota.timeline",
    "repeated": "pytest_quecfota.timeline",
    "sequence": "pytest_quecfota.timeline",
    "then": "pytest_quecfota.timeline",
    "where": "pytest_quecfota.timeline",
}


def __getattr__(name: str) -> Any:
    if name == "urc":
        return importlib.import_module("pytest_quecfota.urc")
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(importlib.import_module(home), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
