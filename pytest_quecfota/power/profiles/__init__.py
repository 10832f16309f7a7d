"""Supplies as data: one YAML per family says how it is recognised, commanded and read.

A profile holds message templates and nothing that runs: a supply this package has never seen needs a file, not code. What a
profile may say stands in `schema`; profiles of other packages are put on the `shelf`.
"""

from __future__ import annotations

import difflib
import functools
from pathlib import Path

import yaml

from pytest_quecfota.power.profiles import shelf
from pytest_quecfota.power.profiles.answers import Answer
from pytest_quecfota.power.profiles.protection import Carrier, Guard
from pytest_quecfota.power.profiles.schema import Profile, Transport

__all__ = ["Answer", "Carrier", "Guard", "Profile", "Transport", "load_profile", "profile_names", "shelf"]

FOLDER = Path(__file__).parent


def profile_names() -> list[str]:
    """The names of the profiles that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_profile(name: str) -> Profile:
    """The profile of that name: shipped, or brought by another package.

    Raises:
        ValueError: there is none; the text lists those there are.
    """
    added = shelf.names()
    if name in added:
        return shelf.get(name)
    if name not in profile_names():
        known = sorted({*profile_names(), *added})
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no supply profile {name!r}{hint} There are: {', '.join(known)}")
    return _shipped(name)


@functools.cache
def _shipped(name: str) -> Profile:
    return Profile.model_validate(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))
