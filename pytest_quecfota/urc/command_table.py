"""What commands, answers and final results mean, for a person who reads a transcript.

Pure data and the little reading it needs; `urc.transcript` uses it for what is no URC. Sources: QuecThing documentation, AT pages
of both flavours; 3GPP TS 27.007 and ITU-T V.250; Quectel DFOTA guides; published logs.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# fmt: off
COMMANDS: dict[str, str] = {
    "I": "who the module is", "E0": "echo off", "E1": "echo on", "&F": "factory settings", "Z": "the stored settings",
    "CGMI": "the manufacturer", "CGMM": "the model", "CGMR": "the firmware version",
    "QGMR": "the firmware version with sub-version",
    "CGSN": "the IMEI", "CSUB": "the sub-edition", "CVERSION": "the build of the firmware", "CIMI": "the subscriber's number",
    "QCCID": "the card's number", "CSQ": "the signal strength", "CESQ": "the signal strength, extended",
    "QCSQ": "the signal strength by access technology", "CBC": "charge and voltage of the battery",
    "CGATT": "the attachment to the network", "CEREG": "the registration in the network (EPS)",
    "CREG": "the registration in the network", "CGREG": "the registration in the network (GPRS)", "COPS": "the operator",
    "CFUN": "the functionality; =1,1 restarts", "CPIN": "the state of the SIM", "CCLK": "the clock", "CMEE": "how errors are told",
    "IPR": "the byte rate", "QRST": "a restart", "QPOWD": "switching off", "QCFG": "a setting of the module",
    "QFOTADL": "the classic upgrade: fetch a package and install it", "QFUPL": "a file into the module",
    "QFDWL": "a file out of the module", "QFLST": "the files in the module", "QFDEL": "deleting a file", "QFLDS": "room for files",
    "QIOTCFG": "a QuecThing setting", "QIOTREG": "the connection to the platform: 0 leave, 1 connect once, 2 at every start too",
    "QIOTSTATE": "the connection state", "QIOTMCUVER": "the version of a component of the host",
    "QIOTSEND": "sending transparent data", "QIOTRD": "reading transparent data", "QIOTMODELTD": "sending model data",
    "QIOTMODELRD": "reading model data", "QIOTINFO": "the device's information", "QIOTLOCIN": "the module's own position",
    "QIOTLOCEXT": "a position of the host", "QIOTOTAREQ": "asking for an upgrade; =1 with the SHA-256 of the file",
    "QIOTUPDATE": "deciding on the upgrade: 0 refuse, 1 confirm, 2 the next block, 3 the host updates itself",
    "QIOTOTARD": "reading bytes of the host's file: offset, length", "QIOTBINDCODE": "the code that binds the device to a user",
    "QIOTRST": "forgetting the device's identity", "QIOTNTPREQ": "asking for the network time",
    "QIOTDATACOLLTX": "passing on collected data", "QHOTAREQ": "an upgrade over HTTP",
    "QIOTSUBCONN": "connecting a sub-device", "QIOTSUBDISCONN": "a sub-device leaves",
    "QIOTSUBSEND": "transparent data of a sub-device",
    "QIOTSUBRD": "reading transparent data for a sub-device", "QIOTSUBTSLTD": "model data of a sub-device",
    "QIOTSUBTSLRD": "reading model data for a sub-device", "QIOTSUBHTB": "heartbeat of a sub-device",
    "QIOTSUBDEVINFO": "the version of a sub-device", "QIOTSUBLOC": "the position of a sub-device",
    "QIOTSUBOTAREQ": "asking for an upgrade of a sub-device", "QIOTSUBOTAUPDATE": "deciding on the upgrade of a sub-device",
    "QIOTSUBOTARD": "reading bytes of a sub-device's file",
}
#: Commands of which one value says more than the name does.
ACTIONS: dict[str, str] = {
    "QIOTREG=0": "leave the platform", "QIOTREG=1": "connect to the platform, until the next start",
    "QIOTREG=2": "connect to the platform, at every start too", "QIOTUPDATE=0": "refuse the upgrade",
    "QIOTUPDATE=1": "confirm the upgrade", "QIOTUPDATE=2": "ask for the next block of the host's file",
    "QIOTUPDATE=3": "the host has its file and updates itself", "QIOTOTAREQ=0": "ask for an upgrade",
    "QIOTOTAREQ=1": "ask for an upgrade, and for the SHA-256 of a host's file", "CFUN=0": "minimum functionality",
    "CFUN=1": "full functionality", "CFUN=4": "radio off", "CFUN=1,1": "restart", "QRST=1": "restart",
    "QPOWD=0": "switch off at once", "QPOWD=1": "switch off", 'QIOTCFG="productinfo"': "ProductKey and ProductSecret",
    'QIOTCFG="server"': "the platform's address", 'QIOTCFG="lifetime"': "seconds the platform waits for a sign of life",
    'QIOTCFG="buffer"': "keep data of the platform until it is read (1), or show it at once (0)",
    'QIOTCFG="act"': "the data session (PDP context)", 'QIOTCFG="tsl"': "model data as TTLV (0) or JSON (1)",
    'QIOTCFG="dk_ds"': "a DeviceKey of one's own, and its secret", 'QIOTCFG="psk"': "the key of an encrypted session",
    'QIOTCFG="session_mode"': "encrypt the session (1)", 'QIOTCFG="txid_mode"': "number the transfers (1)",
}
STATES = (
    "not initialised", "initialised", "authenticating", "authenticated", "authentication failed", "registering",
    "registered, waiting to subscribe", "registration failed", "subscribed: data can be exchanged", "subscription failed",
    "leaving", "left", "leaving failed",
)
FINALS = {
    "OK": "done", "ERROR": "refused: unknown, wrong values, or not now",
    "CONNECT": "the module waits for the bytes that were announced",
}
# fmt: on

_COMMAND = re.compile(r"AT\+?([A-Z&][A-Z0-9]*)(=\?|\?|=)?(.*)", re.IGNORECASE | re.DOTALL)
_ANSWER = re.compile(r"\+([A-Z][A-Z0-9]*) ?: ?(.*)", re.DOTALL)
_TEST, _READ, _WRITE = "=?", "?", "="


def of_command(text: str) -> str:
    """What a command line asks for or does; empty where nobody knows."""
    match = _COMMAND.match(text)
    if match is None:
        return "is anybody there?" if text.strip().upper() == "AT" else ""
    name, value = match[1].upper(), match[3].strip()
    for told in (value, value.partition(",")[0]):
        if match[2] == _WRITE and (action := ACTIONS.get(f"{name}={told}")):
            return action
    meaning = COMMANDS.get(name, "")
    if not meaning:
        return ""
    return {_TEST: f"which values are taken: {meaning}", _READ: f"asks: {meaning}", _WRITE: meaning}.get(
        match[2], meaning
    )


def of_answer(text: str) -> str:
    """What an information line or a final result says; empty where nobody knows."""
    if text in FINALS:
        return FINALS[text]
    if text.startswith("+CM") and " ERROR" in text:
        return f"refused, with the reason {text.partition(':')[2].strip()}"
    match = _ANSWER.fullmatch(text)
    if match is None:
        return ""
    name, values = match[1].upper(), match[2].strip()
    reader = _READERS.get(name)
    found = reader(values) if reader is not None else ""
    return found or COMMANDS.get(name, "")


def _signal(values: str) -> str:
    number = values.partition(",")[0]
    if not number.isdecimal():
        return ""
    return "no signal" if int(number) == 99 else f"signal strength {2 * int(number) - 113} dBm"


def _state(values: str) -> str:
    known = values.isdecimal() and int(values) < len(STATES)
    return f"connection state {values}: {STATES[int(values)]}" if known else ""


def _attached(values: str) -> str:
    return {"0": "not attached to the network", "1": "attached to the network"}.get(values, "")


def _block(values: str) -> str:
    start, _, length = values.partition(",")
    return f"{length} bytes from offset {start} follow" if start.isdecimal() and length.isdecimal() else ""


def _piece(values: str) -> str:
    parts = values.split(",")
    if len(parts) == 1 and values.isdecimal():
        return f"{values} pieces wait"
    return (
        f"{parts[0]} bytes follow; {parts[1]} left of this piece, {parts[2]} further pieces" if len(parts) == 3 else ""
    )


def _mode(values: str) -> str:
    return {"0": "off", "1": "connected once", "2": "connects at every start"}.get(values, "")


_READERS: dict[str, Callable[[str], str]] = {
    "CSQ": _signal,
    "QIOTSTATE": _state,
    "CGATT": _attached,
    "QIOTOTARD": _block,
    "QIOTRD": _piece,
    "QIOTMODELRD": _piece,
    "QIOTREG": _mode,
}
