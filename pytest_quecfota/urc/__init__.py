"""The vocabulary: what a module says by itself, typed.

`link.framing` gives lines to `parse` (and uses `CANDIDATE`, `candidates` and `payload_length` to find them); the URCs
go to the timeline, to triggers and to tests, which wait for the classes named here. `urc.transcript` reads recorded
exchanges. Nothing here opens a port or knows pytest.
"""

from __future__ import annotations

from pytest_quecfota.urc.base import Unknown, Urc, Value, fields
from pytest_quecfota.urc.candidates import CANDIDATE, FIRST, HEADS, NEXT_LINE, NOISE_CLASS, candidates
from pytest_quecfota.urc.events import (
    Authenticated,
    AuthenticationFailed,
    Deregistered,
    Downloaded,
    Downloading,
    DownloadStarted,
    Event,
    FirstDeviceResult,
    Registered,
    RegistrationFailed,
    SubDeviceEvent,
    SubDeviceTimedOut,
    Subscribed,
    SubscriptionFailed,
    Updated,
    UpdateFailed,
    Updating,
    UpgradeOffered,
)
from pytest_quecfota.urc.explain import explain
from pytest_quecfota.urc.parsing import parse
from pytest_quecfota.urc.payload import payload_length, with_payload
from pytest_quecfota.urc.signals import (
    AppReady,
    Dfota,
    Functionality,
    Indication,
    NetworkState,
    OverVoltage,
    PoweredDown,
    Ready,
    SimState,
    UnderVoltage,
)

__all__ = [
    "CANDIDATE",
    "FIRST",
    "HEADS",
    "NEXT_LINE",
    "NOISE_CLASS",
    "AppReady",
    "Authenticated",
    "AuthenticationFailed",
    "Deregistered",
    "Dfota",
    "DownloadStarted",
    "Downloaded",
    "Downloading",
    "Event",
    "FirstDeviceResult",
    "Functionality",
    "Indication",
    "NetworkState",
    "OverVoltage",
    "PoweredDown",
    "Ready",
    "Registered",
    "RegistrationFailed",
    "SimState",
    "SubDeviceEvent",
    "SubDeviceTimedOut",
    "Subscribed",
    "SubscriptionFailed",
    "UnderVoltage",
    "Unknown",
    "UpdateFailed",
    "Updated",
    "Updating",
    "UpgradeOffered",
    "Urc",
    "Value",
    "candidates",
    "explain",
    "fields",
    "parse",
    "payload_length",
    "with_payload",
]
