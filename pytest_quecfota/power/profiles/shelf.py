"""The profiles that other packages have brought into this process; a later one of a name takes the place of an earlier."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_quecfota.power.profiles.schema import Profile

_added: dict[str, Profile] = {}


def add(profile: Profile) -> None:
    """Put a profile on the shelf."""
    _added[profile.name] = profile


def get(name: str) -> Profile:
    """The profile of that name. Raises KeyError."""
    return _added[name]


def names() -> list[str]:
    """The names of all that were added."""
    return sorted(_added)


def clear() -> None:
    """Take all away again."""
    _added.clear()
