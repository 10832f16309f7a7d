"""AT+QIOTSUB…: the commands for devices behind a gateway (QuecThing IOT docs, cellular gateway page); `gateway` does the work.

Not documented, our choice: the ranges; an upgrade of a sub-device needs a plan, which the embedded platform has not, so that
AT+QIOTSUBOTAREQ answers OK without an offer, and AT+QIOTSUBOTAUPDATE and AT+QIOTSUBOTARD answer ERROR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import Answer, AtError, Command, Integer, Text, table
from .gateway import Keys
from .mailbox import LONGEST, Channel

if TYPE_CHECKING:
    from .core import Firmware

_FIRST, _LEAVING, _UPGRADES = {"cellular": "2.9.0"}, {"cellular": "2.9.2"}, {"cellular": "2.19.0"}
_PK, _DK = Text(32, 1), Text(32, 1)
_VERSION = Text(64, 1)
_LENGTH = Integer(1, LONGEST)
_POSITIONS = 8


async def _connect(
    firmware: Firmware, session: int, lifetime: int, pk: str, ps: str, dk: str, ds: str | None = None
) -> Answer:
    del session, ps  # a session of its own kind, or another secret, makes no difference here
    if not firmware.connection.online:
        raise AtError
    firmware.at.after_response(lambda: firmware.gateway.connect((pk, dk), lifetime, ds or ""))
    return ()


async def _disconnect(firmware: Firmware, pk: str, dk: str, _ps: str = "", _ds: str = "") -> Answer:
    if not firmware.gateway.disconnect((pk, dk)):
        raise AtError
    return ()


def _connected(firmware: Firmware, pk: str, dk: str) -> Keys:
    if (pk, dk) not in firmware.gateway.devices or not firmware.connection.online:
        raise AtError
    return pk, dk


async def _beat(firmware: Firmware, pk: str, dk: str) -> Answer:
    firmware.gateway.beat(_connected(firmware, pk, dk))
    return ()


async def _version(firmware: Firmware, pk: str, dk: str, version: str) -> Answer:
    firmware.gateway.devices[_connected(firmware, pk, dk)].version = version
    return ()


async def _locate(firmware: Firmware, pk: str, dk: str, *sentences: str | None) -> Answer:
    keys = _connected(firmware, pk, dk)
    if not all(sentence.startswith("$") for sentence in sentences if sentence is not None):
        raise AtError
    firmware.at.after_response(lambda: firmware.gateway.located(keys))
    return ()


def _sending(name: str, channel: Channel, test: str, third: Text | Integer) -> Command:
    """The command that sends for a sub-device; passthrough data may stand in the line."""

    async def send(firmware: Firmware, pk: str, dk: str, length: int, further: str | int | None = None) -> Answer:
        keys = _connected(firmware, pk, dk)
        if isinstance(further, str):
            payload = further.encode("latin-1")
            if len(payload) != length:
                raise AtError
        else:
            payload = await firmware.at.data(length)
        txid = (firmware.next_transaction(),) if firmware.config.get("txid_mode") else ()
        firmware.at.after_response(lambda: firmware.gateway.send(keys, channel, payload, txid))
        return tuple(f'{name}: "{pk}","{dk}",{number}' for number in txid)

    return Command(name, (test,), write=send, parameters=(_PK, _DK, _LENGTH, third), plain_error=True, since=_FIRST)


def _reading(name: str, channel: Channel) -> Command:
    """The command that reads what waits for a sub-device."""

    async def count(firmware: Firmware) -> Answer:
        devices = firmware.gateway.devices.items()
        return [f'{name}: "{pk}","{dk}",{len(device.pieces[channel])}' for (pk, dk), device in devices]

    async def read(firmware: Firmware, pk: str, dk: str, length: int | None = None) -> Answer:
        pieces = firmware.gateway.devices[_connected(firmware, pk, dk)].pieces[channel]
        if length is None:
            return (f'{name}: "{pk}","{dk}",{len(pieces)}',)
        if not pieces or not firmware.config.get("buffer"):
            raise AtError
        piece = pieces.popleft()
        data, rest = piece[:length], piece[length:]
        further = len(pieces)
        if rest:
            pieces.appendleft(rest)
        return (f'{name}: "{pk}","{dk}",{len(data)},{len(rest)},{further}', data)

    test = f"{name}: <subPK>,<subDK>,(1-{LONGEST})"
    optional = Integer(1, LONGEST, optional=True)
    parameters = (_PK, _DK, optional)
    return Command(name, (test,), read=count, write=read, parameters=parameters, plain_error=True, since=_FIRST)


async def _ask_upgrade(firmware: Firmware, pk: str, dk: str, version: str, _info: int) -> Answer:
    firmware.gateway.devices[_connected(firmware, pk, dk)].version = version
    firmware.begin(firmware.connection.tell_platform())
    return ()


async def _without_plan(firmware: Firmware, pk: str, dk: str, *_values: str | int) -> Answer:
    _connected(firmware, pk, dk)
    raise AtError


def _plain(
    name: str, test: str, handler: object, *parameters: Text | Integer, since: dict[str, str] = _FIRST
) -> Command:
    assert callable(handler)
    shown = (f"{name}: {test}",)
    return Command(name, shown, write=handler, parameters=parameters, plain_error=True, since=since)


COMMANDS = table(
    _plain(
        "+QIOTSUBCONN",
        "<sessionType>,<lifetime>,<subPK>,<subPS>,<subDK>[,<subDS>]",
        _connect,
        *(Integer(0, 1), Integer(0, 65535), _PK, Text(32), _DK, Text(32, optional=True)),
    ),
    _plain(
        "+QIOTSUBDISCONN",
        "<subPK>,<subDK>[,<subPS>,<subDS>]",
        _disconnect,
        *(_PK, _DK, Text(32, optional=True), Text(32, optional=True)),
        since=_LEAVING,
    ),
    _plain("+QIOTSUBHTB", "<subPK>,<subDK>", _beat, _PK, _DK),
    _plain("+QIOTSUBDEVINFO", "<subPK>,<subDK>,<subVer>", _version, _PK, _DK, _VERSION),
    _plain(
        "+QIOTSUBLOC",
        "<subPK>,<subDK>,<NMEA>[,<NMEA>,...]",
        _locate,
        *(_PK, _DK, Text(128, 1), *[Text(128, 1, optional=True)] * (_POSITIONS - 1)),
    ),
    _sending(
        "+QIOTSUBSEND",
        Channel.PASSTHROUGH,
        f"+QIOTSUBSEND: <subPK>,<subDK>,(1-{LONGEST}),<data>",
        Text(LONGEST, 1, optional=True),
    ),
    _sending(
        "+QIOTSUBTSLTD",
        Channel.MODEL,
        "+QIOTSUBTSLTD: <subPK>,<subDK>,<length>,(1-65534)",
        Integer(1, 65534, optional=True),
    ),
    _reading("+QIOTSUBRD", Channel.PASSTHROUGH),
    _reading("+QIOTSUBTSLRD", Channel.MODEL),
    _plain(
        "+QIOTSUBOTAREQ",
        "<subPK>,<subDK>,<subVer>,<info>",
        _ask_upgrade,
        *(_PK, _DK, _VERSION, Integer(0, 3)),
        since=_UPGRADES,
    ),
    _plain(
        "+QIOTSUBOTAUPDATE",
        "<subPK>,<subDK>,<subVer>,<action>",
        _without_plan,
        *(_PK, _DK, _VERSION, Integer(0, 5)),
        since=_UPGRADES,
    ),
    _plain(
        "+QIOTSUBOTARD",
        "<subPK>,<subDK>,<startAddr>,<dataLen>",
        _without_plan,
        *(_PK, _DK, Integer(0, 2**31), Integer(1, LONGEST)),
        since=_UPGRADES,
    ),
)
