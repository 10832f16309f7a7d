"""From a line to its URC.

`parse` is the one way in; it is on the hot path between `link.framing` and the timeline, and it never raises. Its
dispatch is two tables: the word before the colon, and for events without data the whole rest of the line.

Forms accepted beyond the printed ones (all seen in the sources): no space after the colon (`+QIOTEVT:4,10250`),
trailing spaces (OpenCPU voltage lines), a per cent sign (BG96, BC660K), quoted numbers in 7,10703 (QuecOpen pages), a
7,10701 without CRC (QuecOpen) or without SHA-256, sub-device events without keys (gateway example page).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pytest_quecfota.urc import event_table, events, signals, values
from pytest_quecfota.urc.base import Unknown, Urc, Value

NOISE = b" \t\r\n\x00\xff"
"""What may stand around a line without being part of it: white space, and the bytes of a line that was just powered."""

_NOISE_TEXT = NOISE.decode("latin-1")

LONGEST = 8192
"""No URC is longer, in bytes; a longer line is `Unknown` without being looked at."""

Builder = Callable[[str, str, float], Urc | None]

_PLAIN: dict[str, type[Urc]] = {
    "1,10200": events.Authenticated,
    "2,10200": events.Registered,
    "3,10200": events.Subscribed,
    "6,10200": events.Deregistered,
    "7,10701": events.DownloadStarted,
    "7,10702": events.Downloading,
    "7,10703": events.Downloaded,
    "7,10704": events.Updating,
    "7,10705": events.Updated,
    "7,10706": events.UpdateFailed,
    "7,10707": events.FirstDeviceResult,
    "7,10708": events.SubDeviceTimedOut,
}
_FAILED: dict[int, type[events.AuthenticationFailed | events.RegistrationFailed | events.SubscriptionFailed]] = {
    1: events.AuthenticationFailed,
    2: events.RegistrationFailed,
    3: events.SubscriptionFailed,
}

_EVENT = re.compile(r"([0-9]{1,3}),[ ]?([0-9]{1,6})(?:,(.*))?", re.DOTALL)
_SUB_EVENT = re.compile(r'(?:"([^"]*)",[ ]?"([^"]*)",[ ]?)?([0-9]{1,3}),[ ]?([0-9]{1,6})(?:,(.*))?', re.DOTALL)
_N = r'"?([0-9]{1,19})"?'
_OFFER = re.compile(" *, *".join(['"([^"]*)"'] * 3 + ["(-?[0-9]{1,19})"] * 3))
_STARTED = re.compile(rf'"([^"]*)", *{_N}, *"([^"]*)"(?:, *({_N})?)?(?:, *"([0-9A-Fa-f]{{64}})?")?')
_DOWNLOADED = re.compile(rf'"([^"]*)", *{_N}, *{_N}, *{_N}')
_DFOTA = re.compile(r'"FOTA" *, *"([^"]+)"(?: *, *"?(?:(-?[0-9]{1,9}) *%?|n)"?)?')
_BARE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _/-]*")
_SIM = re.compile(r"[!-~](?:[ -~]*[!-~])?")


def parse(line: bytes | str, time: float = 0.0) -> Urc:
    """The URC on a line, or `Unknown`. Never raises.

    Parameters:
        line: one line without log prefix; noise and white space around it are dropped. Bytes that are not UTF-8 are
            taken as Latin-1, so that each can be seen in `raw`.
        time: when it arrived, in seconds since the start of the timeline.
    """
    raw = line.strip(_NOISE_TEXT) if isinstance(line, str) else _text(line.strip(NOISE))
    if len(raw) <= LONGEST:
        name, colon, rest = raw.partition(":")
        if colon:
            build = _BY_NAME.get(name)
            found = None if build is None else build(rest.strip(" \t"), raw, time)
        else:
            found = _word(raw, time)
        if found is not None:
            return found
    return Unknown(raw=raw, time=time)


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _event(rest: str, raw: str, time: float) -> Urc | None:
    plain = _PLAIN.get(rest)
    if plain is not None:
        return plain(raw=raw, time=time)
    match = _EVENT.fullmatch(rest)
    if match is None:
        return None
    type_, code, data = int(match[1]), int(match[2]), match[3]
    plain = _PLAIN.get(f"{type_},{code}")
    if data is None and plain is not None:
        return plain(raw=raw, time=time)
    special = _WITH_DATA.get((type_, code))
    if special is not None:
        return special(data or "", raw, time)
    found = _event_values(type_, code, data)
    if found is None:
        return None
    if plain is not None:
        return plain(raw=raw, time=time)
    meaning = event_table.meaning(type_, code)
    if type_ in _FAILED:
        return _FAILED[type_](code, meaning, raw=raw, time=time)
    return events.Event(type_, code, found, meaning, raw=raw, time=time)


def _sub_event(rest: str, raw: str, time: float) -> Urc | None:
    match = _SUB_EVENT.fullmatch(rest)
    if match is None:
        return None
    product_key, device_key, type_, code = match[1], match[2], int(match[3]), int(match[4])
    if (type_, code) == (7, 10708):
        return events.SubDeviceTimedOut(raw=raw, time=time)
    found = _event_values(type_, code, match[5])
    if found is None:
        return None
    meaning = event_table.meaning(type_, code)
    return events.SubDeviceEvent(product_key, device_key, type_, code, found, meaning, raw=raw, time=time)


def _event_values(type_: int, code: int, data: str | None) -> tuple[Value, ...] | None:
    if data is None:
        return ()
    if (type_, code) == (5, 10212):  # <pkgID>,<length>,<data on the same line, any characters>
        package, _, tail = data.partition(",")
        length, _, service = tail.partition(",")
        head = values.split(f"{package},{length}")
        return None if head is None else (*head, service)
    return values.split(data)


def _offer(data: str, raw: str, time: float) -> Urc | None:
    match = _OFFER.fullmatch(data)
    if match is None:
        return None
    component, source, target, battery, signal, size = match.groups()
    return events.UpgradeOffered(component, source, target, int(battery), int(signal), int(size), raw=raw, time=time)


def _started(data: str, raw: str, time: float) -> Urc | None:
    match = _STARTED.fullmatch(data)
    if match is None:
        return None
    component, size, md5, _, crc, sha256 = match.groups()
    return events.DownloadStarted(
        component, int(size), md5, None if crc is None else int(crc), sha256, raw=raw, time=time
    )


def _downloaded(data: str, raw: str, time: float) -> Urc | None:
    match = _DOWNLOADED.fullmatch(data)
    if match is None:
        return None
    component, size, start, length = match.groups()
    return events.Downloaded(component, int(size), int(start), int(length), raw=raw, time=time)


def _first_device(_data: str, raw: str, time: float) -> Urc:
    return events.FirstDeviceResult(raw=raw, time=time)


def _timed_out(_data: str, raw: str, time: float) -> Urc:
    return events.SubDeviceTimedOut(raw=raw, time=time)


_WITH_DATA: dict[tuple[int, int], Builder] = {
    (7, 10700): _offer,
    (7, 10701): _started,
    (7, 10703): _downloaded,
    (7, 10707): _first_device,
    (7, 10708): _timed_out,
}


def _indication(rest: str, raw: str, time: float) -> Urc | None:
    if rest.startswith('"FOTA"'):
        match = _DFOTA.fullmatch(rest)
        if match is None:
            return None
        return signals.Dfota(match[1], None if match[2] is None else int(match[2]), raw=raw, time=time)
    if rest in _VBATT:
        kind, word = _VBATT[rest]
        return kind(word, raw=raw, time=time)
    found = values.split(rest)
    if found is None or not isinstance(found[0], str) or not found[0]:
        return None
    if not rest.startswith('"') and _BARE_NAME.fullmatch(found[0]) is None:
        return None
    return signals.Indication(found[0], found[1:], raw=raw, time=time)


def _network(command: str) -> Builder:
    def build(rest: str, raw: str, time: float) -> Urc | None:
        found = values.split(rest)
        if found is None or not isinstance(found[0], int):
            return None
        return signals.NetworkState(command, found, raw=raw, time=time)

    return build


def _functionality(rest: str, raw: str, time: float) -> Urc | None:
    found = values.split(rest)
    if found is None or len(found) != 1 or not isinstance(found[0], int):
        return None
    return signals.Functionality(found[0], raw=raw, time=time)


def _sim(rest: str, raw: str, time: float) -> Urc | None:
    return signals.SimState(rest, raw=raw, time=time) if _SIM.fullmatch(rest) else None


def _word(raw: str, time: float) -> Urc | None:
    known = WORDS.get(raw)
    return None if known is None else known(raw, time)


def _bare_word(kind: type[Urc], *arguments: object) -> Callable[[str, float], Urc]:
    return lambda raw, time: kind(*arguments, raw=raw, time=time)


_VBATT: dict[str, tuple[type[signals.PoweredDown | signals.UnderVoltage | signals.OverVoltage], str]] = {
    '"vbatt",-2': (signals.UnderVoltage, "power-down"),
    '"vbatt",-1': (signals.UnderVoltage, "warning"),
    '"vbatt",0': (signals.PoweredDown, "normal"),
    '"vbatt",1': (signals.OverVoltage, "warning"),
    '"vbatt",2': (signals.OverVoltage, "power-down"),
}

WORDS: dict[str, Callable[[str, float], Urc]] = {
    "RDY": _bare_word(signals.Ready),
    "APP RDY": _bare_word(signals.AppReady),
    "POWERED DOWN": _bare_word(signals.PoweredDown, "powered-down"),
    "NORMAL POWER DOWN": _bare_word(signals.PoweredDown, "normal"),
    "SMS DONE": _bare_word(signals.Indication, "SMS DONE"),
    "PB DONE": _bare_word(signals.Indication, "PB DONE"),
    **{
        f"{prefix}{dash}VOLTAGE {suffix}": _bare_word(kind, level)
        for prefix, kind in (("UNDER", signals.UnderVoltage), ("OVER", signals.OverVoltage))
        for dash in "_-"
        for suffix, level in (("WARNING", "warning"), ("WARNNING", "warning"), ("POWER DOWN", "power-down"))
    },
}
"""Lines without a colon, whole. M10 and M20 spell UNDER-VOLTAGE WARNNING so."""

_BY_NAME: dict[str, Builder] = {
    "+QIOTEVT": _event,
    "+QIOTSUBEVT": _sub_event,
    "+QIND": _indication,
    "+CEREG": _network("+CEREG"),
    "+CREG": _network("+CREG"),
    "+CGREG": _network("+CGREG"),
    "+CFUN": _functionality,
    "+CPIN": _sim,
    "+QUSIM": _sim,
}
NAMES: frozenset[str] = frozenset(_BY_NAME)
"""The words before the colon that `parse` looks at."""
