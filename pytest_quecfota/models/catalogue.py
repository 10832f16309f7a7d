"""Finds and reads the model files of this package.

A model's file is laid over `layers/<flavour>.yaml`, and that over `layers/quecthing.yaml`, which holds what all modules
with QuecThing have in common. Maps are merged, everything else is replaced; a fact with its mark is replaced whole.

`classic` names a family of `layers/classic.yaml`.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from importlib import resources
from typing import Any

from pytest_quecfota.models import facts
from pytest_quecfota.models.schema import Model


class UnknownModel(ValueError):
    """No such model; `suggestion` is the nearest name, if any is near."""

    def __init__(self, name: str, suggestion: str | None) -> None:
        hint = f"did you mean {suggestion!r}?" if suggestion else f"one of {', '.join(names())}"
        super().__init__(f"unknown model {name!r}; {hint}")
        self.name = name
        self.suggestion = suggestion


@functools.cache
def names() -> tuple[str, ...]:
    """The models there is data for, sorted."""
    files = (entry.name for entry in resources.files(__package__).iterdir())
    return tuple(sorted(file[: -len(".yaml")] for file in files if file.endswith(".yaml")))


@functools.cache
def load(name: str) -> Model:
    """The data of one model.

    Raises UnknownModel (a ValueError) with the nearest name for a name without data; pydantic's ValidationError for a
    file that is wrong, which a test of this package excludes.
    """
    if name not in names():
        raise UnknownModel(name, _nearest(name))
    own = _read(f"{name}.yaml")
    layers: list[Mapping[str, Any]] = [_read("layers/quecthing.yaml"), _read(f"layers/{own['flavour']}.yaml"), own]
    plain, found = facts.split(functools.reduce(_merged, layers))
    if family := plain.get("classic"):
        plain["classic"] = {"family": family, **_read("layers/classic.yaml")[family]}
    return Model.model_validate({**plain, "name": name, "facts": found})


def _read(file: str) -> dict[str, Any]:
    import yaml

    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    if not isinstance(data, dict):
        raise TypeError(f"{file} does not hold a map")
    return data


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Mapping[str, Any]:
    out = dict(below)
    for key, value in above.items():
        below_it = out.get(key)
        mergeable = isinstance(value, dict) and isinstance(below_it, dict) and not facts.is_fact(value)
        out[key] = _merged(below_it, value) if mergeable and isinstance(below_it, dict) else value
    return out


def _nearest(name: str) -> str | None:
    folded = {known.casefold(): known for known in names()}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return folded[close[0]] if close else None
