"""Which devices a plan is for, and which of its components a device needs.

Rules: Developer Center documentation, "Upgrade plan" (lists, specified versions, delta source version) and the flow
charts of the silent and the user-confirmed upgrade. Who checks battery and signal is told in two ways there: the
parameter page leaves it to the device, the flow charts to the platform. Here the platform offers always and the device
decides, unless the plan's strategy says ``platform_filter``.
"""

from __future__ import annotations

import enum
from collections.abc import Set

from .model import Plan, PlanComponent, Reported


def in_scope(dk: str, whitelist: Set[str], blacklist: Set[str]) -> bool:
    """Whether the lists let this device in: no list means all, and the black list wins."""
    return dk not in blacklist and (not whitelist or dk in whitelist)


class Match(enum.Enum):
    """What a plan's component is to a device."""

    OFFER = "offered"
    NOT_NEEDED = "already at the target version"
    NOT_REPORTED = "the device has not reported this component"
    OTHER_SOURCE = "the reported version is not the source version of the delta package"
    NOT_SPECIFIED = "the reported version is not among the specified versions"


def match(component: PlanComponent, reported: Reported) -> Match:
    """Compares a component of a plan with what the device runs."""
    version = reported.version_of(component)
    if not version:
        return Match.NOT_REPORTED
    if version == component.target_version:
        return Match.NOT_NEEDED
    if component.package_type == "delta" and version != component.source_version:
        return Match.OTHER_SOURCE
    if component.specified_versions and version not in component.specified_versions:
        return Match.NOT_SPECIFIED
    return Match.OFFER


def strategy_met(plan: Plan, reported: Reported) -> bool:
    """Whether the reported battery and signal reach the plan's minimum; what was not reported counts as met."""
    battery, signal = reported.battery, reported.signal
    return (battery is None or battery >= plan.strategy.min_battery) and (
        signal is None or signal >= plan.strategy.min_signal
    )
