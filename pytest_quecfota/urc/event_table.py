"""What every documented `+QIOTEVT` code means, and what usually lies behind it.

Pure data: `urc.parsing` takes the meanings from here, `urc.explain` the rest. Sources: QuecThing documentation, pages
"Interaction events" (NB and cellular, Chinese and English); module-side SDK 2.9.0; QthTools (codes it still lists that
the documents dropped with 2.11.0). Causes beyond the documents are experience of the same sources' FAQ pages.
"""

from __future__ import annotations

from typing import NamedTuple


class EventInfo(NamedTuple):
    """One row.

    Parameters:
        name: short name of the event.
        meaning: what the module says with it.
        cause: what most likely lies behind it, and what to look at.
        scope: where it exists: `all`, `cellular`, `nb`, or `old` (no longer, or never, documented).
    """

    name: str
    meaning: str
    cause: str
    scope: str = "all"


UNDOCUMENTED = "not documented"

TYPES: dict[int, str] = {
    1: "authentication",
    2: "access",
    3: "subscription",
    4: "send",
    5: "receive",
    6: "deregistration",
    7: "OTA",
    8: "platform",
    9: "wake-up",
    10: "sub-device deregistration",
    30: "data acquisition",
}

_NETWORK = "no coverage, no data session, or a wrong APN; look at AT+CEREG? and AT+CSQ"
_PK = 'a typing error in AT+QIOTCFG="productinfo", or a product of another platform'
_PS = (
    'a wrong ProductSecret in AT+QIOTCFG="productinfo", or an outdated device secret: reset the device on the platform'
)
_DS = "the device was reset or deleted on the platform, or its secret was overwritten: authenticate again"
_PLATFORM = "a fault of the platform; try again, then ask its operator"
_SENT = "the module's own send command"
_NOT_SENT = "not connected, or the network was lost while sending; look at AT+QIOTSTATE?"
_REFUSED = "the platform could not use the data: format, length or ids differ from the product's model"
_DK = 'the DeviceKey must be 4-32 letters or digits; look at AT+QIOTCFG="dk_ds"'

_REMOVED = EventInfo(
    "authentication failed",
    "a code that the documents dropped with SDK 2.11.0",
    f"an old SDK; most likely: {_PS}",
    "old",
)
_SDK_ONLY = EventInfo("authentication failed", "a code that only SDK 2.9.0 knows", f"most likely: {_DS}", "old")

EVENTS: dict[tuple[int, int], EventInfo] = {
    # 1: authentication
    (1, 10200): EventInfo("Authenticated", "the device is authenticated", "the first activation with this product"),
    (1, 10300): EventInfo("authentication failed", "another error", _PLATFORM),
    (1, 10404): EventInfo("platform call failed", "a call inside the platform failed", _PLATFORM),
    (1, 10420): _REMOVED,
    (1, 10421): EventInfo(
        "static device", "a static device may not authenticate", "the product gives every device a fixed secret"
    ),
    (1, 10422): EventInfo(
        "already authenticated", "the device is already authenticated", "the module lost its device secret: reset it"
    ),
    (1, 10423): EventInfo("product not found", "the platform finds no product information", f"wrong ProductKey: {_PK}"),
    (1, 10424): EventInfo("payload not decodable", "the payload cannot be decoded", f"wrong ProductSecret: {_PS}"),
    (1, 10425): EventInfo("signature invalid", "the signature is not accepted", _DK),
    (1, 10426): _REMOVED,
    (1, 10427): EventInfo("hash illegal", "the hash is illegal", _PS),
    (1, 10430): _REMOVED,
    (1, 10431): EventInfo("DeviceKey illegal", "the DeviceKey is illegal", _DK),
    (1, 10432): _REMOVED,
    (1, 10433): EventInfo("flag illegal", "the authentication flag is illegal", "SDK and platform do not fit together"),
    (1, 10434): EventInfo("password mismatch", "ClientID and password do not belong together", _PS),
    (1, 10436): _SDK_ONLY,
    (1, 10438): _SDK_ONLY,
    (1, 10440): EventInfo(
        "gateway not associated", "gateway and sub-device are not associated", "no association was made on the platform"
    ),
    (1, 10450): EventInfo("device error", "an error inside the device, or no network", _NETWORK),
    (1, 10466): _REMOVED,
    (1, 10500): EventInfo("platform error", "an unknown error of the platform", _PLATFORM),
    # 2: access
    (2, 10200): EventInfo("Registered", "the device is registered with the platform", "AT+QIOTREG=1 or 2"),
    (2, 10404): EventInfo("platform call failed", "a call inside the platform failed", _PLATFORM),
    (2, 10430): EventInfo("device secret wrong", "the device secret is wrong; the module forgets it", _DS),
    (2, 10431): EventInfo("device disabled", "the device is disabled", "somebody disabled it on the platform"),
    (2, 10433): EventInfo("flag illegal", "the access flag is illegal", "SDK and platform do not fit together"),
    (2, 10434): EventInfo("password mismatch", "ClientID and password do not belong together", _DS),
    (2, 10437): EventInfo("device secret error", "the device secret is not accepted", _DS),
    (2, 10438): EventInfo("device unknown", "the platform does not know the device", "deleted, or another platform"),
    (2, 10441): EventInfo(
        "sub-device already connected", "the sub-device is connected already", "a second AT+QIOTSUBCONN", "cellular"
    ),
    (2, 10450): EventInfo("device error", "an error inside the device, or the connection failed", _NETWORK),
    (2, 10471): EventInfo("version not supported", "the version is not supported", "an old SDK"),
    (2, 10473): EventInfo("heartbeat timed out", "the platform missed the heartbeat", "lifetime too short, or asleep"),
    (2, 10474): EventInfo("network error", "the network was lost; the module reconnects by itself", _NETWORK),
    (2, 10475): EventInfo("server changed", "the address of the server changed", "the platform moved the device"),
    (2, 10476): EventInfo("data session failed", "the access point (PDP context) failed", _NETWORK),
    (2, 10477): EventInfo("device disabled", "the device is disabled", "somebody disabled it on the platform"),
    (2, 10478): EventInfo("reset failed", "resetting the device failed", _PLATFORM),
    (2, 10500): EventInfo("platform error", "an unknown error of the platform", _PLATFORM),
    # 3: subscription
    (3, 10200): EventInfo("Subscribed", "data can be exchanged", "the registration was accepted"),
    (3, 10300): EventInfo("subscription failed", "the subscription failed", "network lost right after registering"),
    # 4: send
    (4, 10200): EventInfo("data sent", "transparent data was sent", _SENT),
    (4, 10210): EventInfo("model data sent", "data of the product's model was sent", _SENT),
    (4, 10220): EventInfo("location sent", "the location was sent", _SENT),
    (4, 10230): EventInfo("status sent", "the device's status was sent", _SENT),
    (4, 10240): EventInfo("device information sent", "the device's information was sent", _SENT),
    (4, 10250): EventInfo("network time", "the network time arrived: time, zone, Unix time in ms", "AT+QIOTNTPREQ"),
    (4, 10300): EventInfo("data not sent", "sending transparent data failed", _NOT_SENT),
    (4, 10310): EventInfo("model data not sent", "sending model data failed", _NOT_SENT),
    (4, 10320): EventInfo("location not sent", "sending the location failed", "no position yet, or not connected"),
    (4, 10330): EventInfo("status not sent", "sending the status failed", _NOT_SENT),
    (4, 10340): EventInfo("device information not sent", "sending the device information failed", _NOT_SENT),
    (4, 10350): EventInfo("no network time", "the network time did not come", _NOT_SENT),
    (4, 10400): EventInfo("data refused", "the platform refused transparent data", _REFUSED),
    (4, 10410): EventInfo("model data refused", "the platform refused model data", _REFUSED),
    (4, 10420): EventInfo("location refused", "the platform refused the location", _REFUSED),
    # 5: receive
    (5, 10200): EventInfo(
        "data received", "transparent data arrived", "the platform sent it; AT+QIOTRD reads it if the buffer is on"
    ),
    (5, 10210): EventInfo(
        "model data received", "model data arrived", "the platform sent it; AT+QIOTMODELRD reads it if the buffer is on"
    ),
    (5, 10211): EventInfo(
        "model data asked for", "the platform reads model data", "an App or the platform; answer with AT+QIOTMODELTD"
    ),
    (5, 10212): EventInfo("service called", "the platform calls a service of the model", "an App or the platform"),
    (5, 10220): EventInfo(
        "sub-device status asked for", "the platform asks for a sub-device's status", "a person or a rule", "cellular"
    ),
    (5, 10230): EventInfo(
        "sub-device info asked for", "the platform asks for a sub-device's data", "a person or a rule", "cellular"
    ),
    (5, 10428): EventInfo(
        "too much cached", "too much data waits in the buffer", "the buffered data is not read often enough"
    ),
    (5, 10473): EventInfo(
        "data too long", "data longer than the device's buffer arrived", "a message longer than the module allows"
    ),
    # 6: deregistration
    (6, 10200): EventInfo("Deregistered", "the device left the platform", "AT+QIOTREG=0"),
    (6, 10201): EventInfo("sub-device left", "a sub-device left the platform", "AT+QIOTSUBDISCONN", "cellular"),
    # 7: OTA
    (7, 10700): EventInfo("UpgradeOffered", "there is an upgrade task", "an active plan fits the reported version"),
    (7, 10701): EventInfo("DownloadStarted", "the download starts", "the upgrade was confirmed"),
    (7, 10702): EventInfo("Downloading", "the package is being downloaded", "the transfer runs; told about every 5 s"),
    (7, 10703): EventInfo(
        "Downloaded", "the package, or the present block, is in the module", "the transfer is complete"
    ),
    (7, 10704): EventInfo(
        "Updating", "the upgrade is being installed", "the package is complete; for an MCU AT+QIOTUPDATE=3"
    ),
    (7, 10705): EventInfo("Updated", "the upgrade succeeded", "the running version is the target version"),
    (7, 10706): EventInfo(
        "UpdateFailed",
        "the upgrade failed",
        "wrong target version in the plan, network lost, invalid package; for an MCU: 60 s without a read, 20 min "
        "without the new version, or another version than the target",
    ),
    (7, 10707): EventInfo(
        "FirstDeviceResult", "result of the first device operation", "a plan with several components"
    ),
    (7, 10708): EventInfo("SubDeviceTimedOut", "waiting for the sub-device timed out", "it did not answer", "cellular"),
    # 8: platform
    (8, 10428): EventInfo("rate limit", "too many messages in a short time", "the product's message rate is limited"),
    (8, 10429): EventInfo(
        "quota used up", "activation codes or daily requests are used up", "the product has no quota left"
    ),
    (8, 10442): EventInfo(
        "sub-device deregistration failed", "the sub-device could not be deregistered", _PLATFORM, "cellular"
    ),
    # 9: wake-up
    (9, 10200): EventInfo("woken up", "the device was woken up", "the platform wants to talk to a sleeping device"),
    (9, 10300): EventInfo("wake-up failed", "waking up failed", "the device sleeps or is out of coverage"),
    # 10: sub-device deregistration
    (10, 10200): EventInfo("sub-device deregistered", "the sub-device was deregistered", "by the platform", "cellular"),
    # 30: data acquisition
    (30, 0): EventInfo("package sent", "the data package was sent", "AT+QIOTDATACOLLTX", "cellular"),
    (30, 1): EventInfo("package not sent", "sending the data package failed", _NOT_SENT, "cellular"),
    (30, 2): EventInfo("throttled", "the channel is throttled", "too much data in a short time", "cellular"),
    (30, 3): EventInfo("failed, retry", "sending failed and is tried again", _NETWORK, "cellular"),
    (30, 10): EventInfo("server unreachable", "the acquisition server cannot be reached", _NETWORK, "cellular"),
    (30, 11): EventInfo("ended abnormally", "the channel ended abnormally", _NETWORK, "cellular"),
    (30, 12): EventInfo("channel off", "the channel is not switched on", "not enabled for the product", "cellular"),
    (30, 13): EventInfo("connecting failed, retry", "connecting failed and is tried again", _NETWORK, "cellular"),
    (30, 20): EventInfo("channel closed", "the channel was closed", "all data was sent", "cellular"),
}


def meaning(type_: int, code: int) -> str:
    """What the documents say about an event; `not documented` where they say nothing."""
    info = EVENTS.get((type_, code))
    return UNDOCUMENTED if info is None else info.meaning
