"""What a URC means, for a person: name, meaning, likely cause.

Used by `quecfota decode --explain` and by the texts of failed expectations. The words come from `urc.event_table` and
`urc.dfota_table`; only start, power and network lines have theirs here.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_quecfota.urc import dfota_table, event_table, events, signals
from pytest_quecfota.urc.base import Unknown, Urc

_CODES: dict[type[Urc], tuple[int, int]] = {
    events.UpgradeOffered: (7, 10700),
    events.DownloadStarted: (7, 10701),
    events.Downloading: (7, 10702),
    events.Downloaded: (7, 10703),
    events.Updating: (7, 10704),
    events.Updated: (7, 10705),
    events.UpdateFailed: (7, 10706),
    events.FirstDeviceResult: (7, 10707),
    events.SubDeviceTimedOut: (7, 10708),
    events.Authenticated: (1, 10200),
    events.Registered: (2, 10200),
    events.Subscribed: (3, 10200),
    events.Deregistered: (6, 10200),
}
_FAILED_TYPES: dict[type[Urc], int] = {
    events.AuthenticationFailed: 1,
    events.RegistrationFailed: 2,
    events.SubscriptionFailed: 3,
}
_SIGNALS: dict[type[Urc], tuple[str, str]] = {
    signals.Ready: ("the module has started", "power-on, a reset, or the restart of an upgrade"),
    signals.AppReady: ("the application processor has started", "follows RDY on newer firmware"),
    signals.UnderVoltage: ("the supply is too low", "a weak supply, a thin or long cable, or a disturbance"),
    signals.OverVoltage: ("the supply is too high", "a wrong setting of the supply"),
    signals.PoweredDown: ("the module switches off", "AT+QPOWD, the power key, or the supply"),
    Unknown: ("a line with no type here", "not from a module, cut short, or of another function"),
}
_SIM: dict[str, tuple[str, str]] = {
    "READY": ("the SIM is ready", "part of every start"),
    "NOT INSERTED": ("there is no SIM", "no card, or it does not make contact"),
    "NOT READY": ("the SIM is not ready", "it has just been put in, or was taken out"),
    "SIM PIN": ("the SIM asks for its PIN", "enter it with AT+CPIN, or switch it off"),
    "SIM PUK": ("the SIM is blocked", "a wrong PIN three times; the PUK unblocks it"),
    "0": ("the card is a SIM", "part of the start"),
    "1": ("the card is a USIM", "part of the start"),
}
_INDICATIONS: dict[str, tuple[str, str]] = {
    "SMS DONE": ("the storage for messages is ready", "part of the start, some seconds after RDY"),
    "PB DONE": ("the phone book is ready: the start is over", "part of the start, some seconds after RDY"),
    "csq": ("signal strength and error rate changed", 'switched on by AT+QINDCFG="csq",1'),
    "act": ("the access technology changed", 'switched on by AT+QINDCFG="act",1'),
}
#: What lies behind the event of a device behind a gateway, where it is not what lies behind the same event of the module.
_SUB_CAUSES: dict[tuple[int, int], str] = {
    (1, 10200): "AT+QIOTSUBCONN without a secret: this is the one it has from now on",
    (2, 10200): "AT+QIOTSUBCONN",
    (4, 10200): "AT+QIOTSUBSEND",
    (4, 10210): "AT+QIOTSUBTSLTD",
    (4, 10220): "AT+QIOTSUBLOC",
    (5, 10200): "the platform sent it; AT+QIOTSUBRD reads it if the buffer is on",
    (5, 10210): "the platform sent it; AT+QIOTSUBTSLRD reads it if the buffer is on",
}
_LEVELS = {0: "minimum functionality", 1: "full functionality", 4: "radio off"}
_NETWORK_STATES = {
    0: "not registered, not searching",
    1: "registered, home network",
    2: "searching",
    3: "registration denied",
    4: "unknown, for instance out of coverage",
    5: "registered, roaming",
}


def explain(urc: Urc) -> str:
    """One line of text: `<name> (<code>): <meaning>; likely: <cause>`. Never raises."""
    kind = type(urc)
    if kind in _CODES:
        return _event_text(kind.__name__, *_CODES[kind], details=_details(urc))
    if isinstance(urc, events.AuthenticationFailed | events.RegistrationFailed | events.SubscriptionFailed):
        return _event_text(kind.__name__, _FAILED_TYPES[kind], urc.code)
    if isinstance(urc, events.SubDeviceEvent):
        whose = f" of {urc.product_key}/{urc.device_key}" if urc.device_key else ""
        return _event_text(f"{kind.__name__}{whose}", urc.type, urc.code, _payload(urc), _SUB_CAUSES)
    if isinstance(urc, events.Event):
        return _event_text(kind.__name__, urc.type, urc.code, _payload(urc))
    if isinstance(urc, signals.Dfota):
        return _dfota_text(urc)
    meaning, cause = _signal(urc)
    return _sentence(kind.__name__, meaning, cause)


def _event_text(
    name: str, type_: int, code: int, details: str = "", causes: Mapping[tuple[int, int], str] | None = None
) -> str:
    info = event_table.EVENTS.get((type_, code))
    label = f"{name} ({type_},{code})"
    if info is None:
        area = event_table.TYPES.get(type_, "unknown type")
        return _sentence(label, f"{event_table.UNDOCUMENTED} ({area})", "a newer SDK, or line noise")
    if info.name != name:
        label = f"{label} {info.name}"
    meaning = f"{info.meaning}: {details}" if details else info.meaning
    return _sentence(label, meaning, (causes or {}).get((type_, code), info.cause))


def _details(urc: Urc) -> str:
    """The values of an upgrade's event in words."""
    if isinstance(urc, events.UpgradeOffered):
        way = f"{urc.source_version} -> {urc.target_version}" if urc.source_version else f"to {urc.target_version}"
        needs = f"{urc.min_battery} % battery, {urc.min_signal} dBm signal, {urc.size} bytes"
        return f"{urc.component} {way}; it needs {needs}; AT+QIOTUPDATE=1 confirms, 0 refuses"
    if isinstance(urc, events.DownloadStarted) and urc.component is not None:
        return f"{urc.component}, {urc.size} bytes{', with SHA-256' if urc.sha256 else ''}"
    if isinstance(urc, events.Downloaded) and urc.component is not None and urc.start is not None:
        last = urc.start + (urc.length or 0)
        return f"{urc.component}, bytes {urc.start} to {last} of {urc.size}; AT+QIOTOTARD reads them"
    return ""


def _payload(urc: events.Event | events.SubDeviceEvent) -> str:
    """How much data came with an event of type 5, or which transfer one of type 4 is about."""
    first = urc.fields[0] if urc.fields else None
    if not isinstance(first, int):
        return ""
    if urc.type == 5 and urc.code in (10200, 10210):
        return f"{first} bytes"
    return f"transfer {first}" if urc.type == 4 else ""


def _dfota_text(urc: signals.Dfota) -> str:
    meaning = dfota_table.STAGES.get(urc.stage, "a stage no guide lists")
    if urc.value is None or urc.stage in dfota_table.PROGRESS:
        counted = urc.stage == "DOWNLOADING" and "%" not in urc.raw
        unit = " (per cent; LTE Standard(A) modules count their lines)" if counted else " %"
        return f"Dfota {urc.stage}: {meaning}{'' if urc.value is None else f': {urc.value}{unit}'}"
    text = f"{meaning}, {urc.value}: {dfota_table.result(urc.stage, urc.value)}"
    return _sentence(f"Dfota {urc.stage}", text, dfota_table.CAUSES.get(urc.value, ""))


def _signal(urc: Urc) -> tuple[str, str]:
    if isinstance(urc, signals.Functionality):
        return _LEVELS.get(urc.level, f"functionality {urc.level}"), "AT+CFUN, or the start of the module"
    if isinstance(urc, signals.NetworkState):
        state = urc.fields[1] if len(urc.fields) > 1 and isinstance(urc.fields[1], int) else urc.fields[0]
        text = _NETWORK_STATES.get(state, f"state {state}") if isinstance(state, int) else "network state"
        return f"{urc.command}: {text}", "a change of cell or coverage, or AT+CFUN"
    if isinstance(urc, signals.SimState):
        return _SIM.get(
            urc.text, (f"the state of the SIM: {urc.text}", "printed at the start, or when the card changes")
        )
    if isinstance(urc, signals.Indication):
        return _INDICATIONS.get(urc.name, (f"an indication: {urc.name}", "switched by AT+QINDCFG"))
    if isinstance(urc, signals.UnderVoltage | signals.OverVoltage) and urc.level == "power-down":
        meaning, cause = _SIGNALS[type(urc)]
        return f"{meaning}: the module switches itself off", cause
    return _SIGNALS.get(type(urc), ("a line of the module", ""))


def _sentence(label: str, meaning: str, cause: str) -> str:
    return f"{label}: {meaning}; likely: {cause}" if cause else f"{label}: {meaning}"
