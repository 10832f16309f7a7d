"""A number with its source: `{value: 3.3, mark: remembered, source: …}` in a model file.

`split` takes such a map for the plain value and keeps where it came from beside it, so that code uses
`model.timings.boot` and the doctor can still say what nobody has confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FACT_KEYS = frozenset({"value", "mark", "source"})


def split(data: Mapping[str, Any], path: str = "") -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Plain data, and the marked facts in it by dotted path (`timings.boot`)."""
    plain: dict[str, Any] = {}
    found: dict[str, dict[str, Any]] = {}
    for key, value in data.items():
        here = f"{path}.{key}" if path else str(key)
        if is_fact(value):
            plain[key] = value["value"]
            found[here] = dict(value)
        elif isinstance(value, Mapping):
            plain[key], below = split(value, here)
            found.update(below)
        else:
            plain[key] = value
    return plain, found


def is_fact(value: object) -> bool:
    """Whether `value` is a map that holds a value with its mark."""
    return isinstance(value, Mapping) and {"value", "mark"} <= set(value) <= _FACT_KEYS
