"""How a module prints each typed URC: the inverse of `urc.parse`, and strategies for all of them."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from hypothesis import strategies as st

from pytest_quecfota import urc
from pytest_quecfota.urc import event_table

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"'), max_size=20)
NAME = st.text(st.sampled_from("ABCxyz019_.-"), min_size=1, max_size=12)
NUMBER = st.integers(-(10**12), 10**12)
COUNT = st.integers(0, 2**32 - 1)
BARE = st.text(st.sampled_from("ABCxyz09.:+"), min_size=1, max_size=9).filter(lambda text: not text.isdecimal())
VALUES = st.lists(NUMBER | TEXT | st.none(), max_size=4).map(tuple).filter(lambda found: found != (None,))
DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64)
CODES = sorted(event_table.EVENTS)
PLAIN = {
    urc.Authenticated: "1,10200",
    urc.Registered: "2,10200",
    urc.Subscribed: "3,10200",
    urc.Deregistered: "6,10200",
    urc.Downloading: "7,10702",
    urc.Updating: "7,10704",
    urc.Updated: "7,10705",
    urc.UpdateFailed: "7,10706",
    urc.FirstDeviceResult: "7,10707",
    urc.SubDeviceTimedOut: "7,10708",
}


def printed(value: Any) -> str:
    return "" if value is None else f'"{value}"' if isinstance(value, str) else str(value)


def joined(*values: Any) -> str:
    return ",".join(map(printed, values))


@singledispatch
def render(found: urc.Urc) -> str:
    """The line a module prints for a URC."""
    return f"+QIOTEVT: {PLAIN[type(found)]}"


@render.register
def _(found: urc.UpgradeOffered) -> str:
    strings = joined(found.component, found.source_version, found.target_version)
    return f"+QIOTEVT: 7,10700,{strings},{found.min_battery},{found.min_signal},{found.size}"


@render.register
def _(found: urc.DownloadStarted) -> str:
    values = [found.component, found.size, found.md5, found.crc, found.sha256]
    while values and values[-1] is None:
        values.pop()
    return "+QIOTEVT: " + ",".join(["7,10701", *map(printed, values)])


@render.register
def _(found: urc.Downloaded) -> str:
    if found.component is None:
        return "+QIOTEVT: 7,10703"
    return f"+QIOTEVT: 7,10703,{joined(found.component, found.size, found.start, found.length)}"


@render.register(urc.AuthenticationFailed)
@render.register(urc.RegistrationFailed)
@render.register(urc.SubscriptionFailed)
def _(found: Any) -> str:
    types = {urc.AuthenticationFailed: 1, urc.RegistrationFailed: 2, urc.SubscriptionFailed: 3}
    return f"+QIOTEVT: {types[type(found)]},{found.code}"


@render.register
def _(found: urc.Event) -> str:
    return "+QIOTEVT: " + ",".join([f"{found.type},{found.code}", *map(printed, found.fields)])


@render.register
def _(found: urc.SubDeviceEvent) -> str:
    keys = [] if found.product_key is None else [printed(found.product_key), printed(found.device_key)]
    return "+QIOTSUBEVT: " + ",".join([*keys, f"{found.type},{found.code}", *map(printed, found.fields)])


@render.register
def _(found: urc.Dfota) -> str:
    value = "" if found.value is None else f",{found.value}"
    return f'+QIND: "FOTA","{found.stage}"{value}'


@render.register
def _(_found: urc.Ready) -> str:
    return "RDY"


@render.register
def _(_found: urc.AppReady) -> str:
    return "APP RDY"


@render.register
def _(found: urc.Functionality) -> str:
    return f"+CFUN: {found.level}"


@render.register
def _(found: urc.SimState) -> str:
    return f"+CPIN: {found.text}"


@render.register
def _(found: urc.NetworkState) -> str:
    return f"{found.command}: {joined(*found.fields)}"


@render.register
def _(found: urc.Indication) -> str:
    return f"+QIND: {joined(found.name, *found.fields)}"


@render.register
def _(found: urc.PoweredDown) -> str:
    return {"normal": "NORMAL POWER DOWN", "powered-down": "POWERED DOWN"}[found.kind]


@render.register
def _(found: urc.UnderVoltage) -> str:
    return {"warning": "UNDER_VOLTAGE WARNING ", "power-down": "UNDER_VOLTAGE POWER DOWN "}[found.level]


@render.register
def _(found: urc.OverVoltage) -> str:
    return {"warning": "OVER_VOLTAGE WARNING ", "power-down": "OVER_VOLTAGE POWER DOWN "}[found.level]


def _failures(kind: Any, type_: int) -> st.SearchStrategy[urc.Urc]:
    codes = [code for known, code in CODES if known == type_ and code != 10200]
    return st.sampled_from(codes).map(lambda code: kind(code, event_table.meaning(type_, code)))


def _events() -> st.SearchStrategy[urc.Urc]:
    codes = [pair for pair in CODES if pair[0] not in (1, 2, 3, 7) and pair not in ((5, 10212), (6, 10200))]
    return st.builds(
        lambda pair, found: urc.Event(*pair, found, event_table.meaning(*pair)), st.sampled_from(codes), VALUES
    )


def _sub_events() -> st.SearchStrategy[urc.Urc]:
    codes = [pair for pair in CODES if pair not in ((5, 10212), (7, 10708))]
    keys = st.tuples(NAME, NAME) | st.just((None, None))
    return st.builds(
        lambda keys, pair, found: urc.SubDeviceEvent(*keys, *pair, found, event_table.meaning(*pair)),
        keys,
        st.sampled_from(codes),
        VALUES,
    )


LEVELS = st.sampled_from(["warning", "power-down"])
TYPED: st.SearchStrategy[urc.Urc] = st.one_of(
    st.sampled_from([kind() for kind in PLAIN]),
    st.builds(urc.UpgradeOffered, TEXT, TEXT, TEXT, NUMBER, NUMBER, NUMBER),
    st.just(urc.DownloadStarted()),
    st.builds(urc.DownloadStarted, TEXT, COUNT, TEXT, st.none() | COUNT, st.none() | DIGEST),
    st.just(urc.Downloaded()),
    st.builds(urc.Downloaded, TEXT, COUNT, COUNT, COUNT),
    _failures(urc.AuthenticationFailed, 1),
    _failures(urc.RegistrationFailed, 2),
    _failures(urc.SubscriptionFailed, 3),
    _events(),
    _sub_events(),
    st.builds(urc.Dfota, st.sampled_from(["HTTPSTART", "START", "UPDATING", "END"]), st.none() | st.integers(0, 999)),
    st.sampled_from([urc.Ready(), urc.AppReady()]),
    st.builds(urc.Functionality, st.integers(0, 7)),
    st.builds(urc.SimState, st.sampled_from(["READY", "SIM PIN", "NOT INSERTED"])),
    st.builds(
        urc.NetworkState,
        st.sampled_from(["+CEREG", "+CREG", "+CGREG"]),
        st.builds(lambda state, rest: (state, *rest), st.integers(0, 5), VALUES),
    ),
    st.builds(urc.Indication, NAME, VALUES),
    st.builds(urc.PoweredDown, st.sampled_from(["normal", "powered-down"])),
    st.builds(urc.UnderVoltage, LEVELS),
    st.builds(urc.OverVoltage, LEVELS),
)
