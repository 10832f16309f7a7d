"""One class per `+QIOTEVT` a test waits for by name, and `Event` for all others.

Made by `urc.parsing`; what the codes mean is in `urc.event_table`. Forms and fields: QuecThing documentation, pages
"Interaction events" for NB and cellular modules; module-side SDK 2.9.0.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_quecfota.urc.base import Urc, Value


@dataclass(frozen=True, slots=True)
class UpgradeOffered(Urc):
    """7,10700: the platform offers an upgrade of one component.

    Parameters:
        component: identifier of the component, for instance the model's name.
        source_version: the version a delta package starts from; empty (or the running one) for a full package.
        target_version: the version after the upgrade.
        min_battery: least battery level, in per cent.
        min_signal: least signal strength, in dBm (negative).
        size: space needed, in bytes.
    """

    component: str
    source_version: str
    target_version: str
    min_battery: int
    min_signal: int
    size: int


@dataclass(frozen=True, slots=True)
class DownloadStarted(Urc):
    """7,10701: the download starts. All fields are None for a component of the module itself.

    Parameters:
        component: identifier of the MCU's component.
        size: length of the file, in bytes.
        md5: 32 hex digits.
        crc: unsigned 32-bit checksum; None where the firmware leaves it out.
        sha256: 64 hex digits, only if they were asked for with the request.
    """

    component: str | None = None
    size: int | None = None
    md5: str | None = None
    crc: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Downloading(Urc):
    """7,10702: the transfer runs; repeated about every 5 s."""


@dataclass(frozen=True, slots=True)
class Downloaded(Urc):
    """7,10703: the package, or the present block of an MCU's file, is in the module. All None for the module's own.

    Parameters:
        component: identifier of the MCU's component.
        size: length of the whole file, in bytes.
        start: offset of the block in the file, in bytes.
        length: length of the block, in bytes.
    """

    component: str | None = None
    size: int | None = None
    start: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Updating(Urc):
    """7,10704: the new firmware is being installed."""


@dataclass(frozen=True, slots=True)
class Updated(Urc):
    """7,10705: the upgrade succeeded."""


@dataclass(frozen=True, slots=True)
class UpdateFailed(Urc):
    """7,10706: the upgrade failed."""


@dataclass(frozen=True, slots=True)
class FirstDeviceResult(Urc):
    """7,10707: result of the first device operation of a plan with several components; its data is undocumented."""


@dataclass(frozen=True, slots=True)
class SubDeviceTimedOut(Urc):
    """7,10708: waiting for a sub-device timed out (cellular gateways)."""


@dataclass(frozen=True, slots=True)
class Authenticated(Urc):
    """1,10200: the platform gave the module its device secret; only at the first activation."""


@dataclass(frozen=True, slots=True)
class AuthenticationFailed(Urc):
    """1,<any other code>."""

    code: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Registered(Urc):
    """2,10200: the module is connected to the platform."""


@dataclass(frozen=True, slots=True)
class RegistrationFailed(Urc):
    """2,<any other code>; also how a lost connection is told."""

    code: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Subscribed(Urc):
    """3,10200: the module can exchange data."""


@dataclass(frozen=True, slots=True)
class SubscriptionFailed(Urc):
    """3,<any other code>."""

    code: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Deregistered(Urc):
    """6,10200: the module left the platform."""


@dataclass(frozen=True, slots=True)
class Event(Urc):
    """Any other `+QIOTEVT`.

    Parameters:
        type: 1 authentication, 2 access, 3 subscription, 4 send, 5 receive, 6 deregistration, 7 OTA, 8 platform,
            9 wake-up, 10 sub-device left, 30 data acquisition.
        code: the event's code.
        fields: what is printed after the code; the last one is `bytes` where a payload came with the event.
        meaning: what the documents say about this code.
    """

    type: int
    code: int
    fields: tuple[Value, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class SubDeviceEvent(Urc):
    """A `+QIOTSUBEVT`: the event of a device behind this gateway (cellular).

    Parameters:
        product_key, device_key: whose event it is; None where the module leaves them out.
        type, code, fields, meaning: as in `Event`.
    """

    product_key: str | None
    device_key: str | None
    type: int
    code: int
    fields: tuple[Value, ...]
    meaning: str
