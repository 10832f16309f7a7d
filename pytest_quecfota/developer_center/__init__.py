"""What a test needs of a Developer Center: plans, and what the platform says of a device.

Three kinds stand behind one face: the embedded one and any running `quecfota cloud` (`http`), and the real cloud where
a person has prepared the plans (`manual`).
"""

from pytest_quecfota.developer_center.manual import ManualCenter
from pytest_quecfota.developer_center.plan import DeviceState, LogEntry, Offer, Plan, PlanOrder, Unavailable
from pytest_quecfota.developer_center.service import ServiceCenter

__all__ = ["DeviceState", "LogEntry", "ManualCenter", "Offer", "Plan", "PlanOrder", "ServiceCenter", "Unavailable"]
