"""The programmable supply that stands in for the battery: settings, readings, and what may never happen to a module."""

from pytest_quecfota.power.profiles import Profile, load_profile, profile_names
from pytest_quecfota.power.supply import Reading, Supply

__all__ = ["Profile", "Reading", "Supply", "load_profile", "profile_names"]
