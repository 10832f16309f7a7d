"""What a URC means, for a person: name, meaning, likely cause.

Used by `quecfota decode --explain` and by the texts of failed expectations. The words come from `urc.event_table` and
`urc.dfota_table`; only start, power and network lines have theirs here.
"""

from __future__ import annotations

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
    signals.SimState: ("the state of the SIM", "printed after the start; NOT INSERTED or SIM PIN need a person"),
    signals.Indication: ("an indication", "switched by AT+QINDCFG; SMS DONE and PB DONE follow the start"),
    signals.UnderVoltage: ("the supply is too low", "a weak supply, a thin or long cable, or a disturbance"),
    signals.OverVoltage: ("the supply is too high", "a wrong setting of the supply"),
    signals.PoweredDown: ("the module switches off", "AT+QPOWD, the power key, or the supply"),
    Unknown: ("a line with no type here", "not from a module, cut short, or of another function"),
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
        return _event_text(kind.__name__, *_CODES[kind])
    if isinstance(urc, events.AuthenticationFailed | events.RegistrationFailed | events.SubscriptionFailed):
        return _event_text(kind.__name__, _FAILED_TYPES[kind], urc.code)
    if isinstance(urc, events.Event | events.SubDeviceEvent):
        return _event_text(kind.__name__, urc.type, urc.code)
    if isinstance(urc, signals.Dfota):
        return _dfota_text(urc)
    meaning, cause = _signal(urc)
    return _sentence(kind.__name__, meaning, cause)


def _event_text(name: str, type_: int, code: int) -> str:
    info = event_table.EVENTS.get((type_, code))
    label = f"{name} ({type_},{code})"
    if info is None:
        area = event_table.TYPES.get(type_, "unknown type")
        return _sentence(label, f"{event_table.UNDOCUMENTED} ({area})", "a newer SDK, or line noise")
    if info.name != name:
        label = f"{label} {info.name}"
    return _sentence(label, info.meaning, info.cause)


def _dfota_text(urc: signals.Dfota) -> str:
    meaning = dfota_table.STAGES.get(urc.stage, "a stage no guide lists")
    if urc.value is None or urc.stage in dfota_table.PROGRESS:
        progress = "" if urc.value is None else f": {urc.value} %"
        return f"Dfota {urc.stage}: {meaning}{progress}"
    text = f"{meaning}, {urc.value}: {dfota_table.result(urc.stage, urc.value)}"
    return _sentence(f"Dfota {urc.stage}", text, dfota_table.CAUSES.get(urc.value, ""))


def _signal(urc: Urc) -> tuple[str, str]:
    if isinstance(urc, signals.Functionality):
        return _LEVELS.get(urc.level, f"functionality {urc.level}"), "AT+CFUN, or the start of the module"
    if isinstance(urc, signals.NetworkState):
        state = urc.fields[1] if len(urc.fields) > 1 and isinstance(urc.fields[1], int) else urc.fields[0]
        text = _NETWORK_STATES.get(state, f"state {state}") if isinstance(state, int) else "network state"
        return f"{urc.command}: {text}", "a change of cell or coverage, or AT+CFUN"
    return _SIGNALS.get(type(urc), ("a line of the module", ""))


def _sentence(label: str, meaning: str, cause: str) -> str:
    return f"{label}: {meaning}; likely: {cause}" if cause else f"{label}: {meaning}"
