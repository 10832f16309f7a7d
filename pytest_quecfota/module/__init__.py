"""The device under test, with the verbs a person would use, and the host that plays its MCU."""

from pytest_quecfota.module.device import Identity, Module
from pytest_quecfota.module.host import Host
from pytest_quecfota.module.run import Outcome, Run

__all__ = ["Host", "Identity", "Module", "Outcome", "Run"]
