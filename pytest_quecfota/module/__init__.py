"""The device under test, with the verbs a person would use, and the host: played by us, or a real MCU that is observed."""

from pytest_quecfota.module.device import Identity, Module
from pytest_quecfota.module.host import Host
from pytest_quecfota.module.listening import ObservedModule
from pytest_quecfota.module.observed import ObservedHost
from pytest_quecfota.module.run import Outcome, Run

__all__ = ["Host", "Identity", "Module", "ObservedHost", "ObservedModule", "Outcome", "Run"]
