"""AT+QIOTLOCIN, AT+QIOTLOCEXT, AT+QIOTDATACOLLTX, AT+QHOTAREQ, AT+QFOTAUP: further services of a cellular module.

Sources: QuecThing IOT docs (versions, test and read answers, events of types 4 and 30), QthTools (AT+QHOTAREQ, which replaced
AT+QFOTAUP with SDK 2.9.2). Not documented, our choice: a position is told once whatever the first value of AT+QIOTLOCIN; positions
of AT+QIOTLOCEXT begin with `$`; data to be collected follows a prompt, a package that ends a series closes the channel (30,20), and
without a connection the server cannot be reached (30,10); an upgrade over HTTP is asked for on the connection there is. AT+QFOTACFG
and AT+QIOTCFG="gw_mode" have parameters that nobody tells of, and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import Answer, AtError, Command, Integer, Text, table

if TYPE_CHECKING:
    from .core import Firmware

_WAYS = ("AUTO", "LBS")
_LOCATED, _NOT_LOCATED = 10220, 10320
_SENT, _NOT_SENT, _UNREACHABLE, _CLOSED = 0, 1, 10, 20
_MOST = 8


async def _ways(_: Firmware) -> Answer:
    return ("+QIOTLOCIN: " + ",".join(f'"{way}"' for way in _WAYS),)


async def _locate(firmware: Firmware, _how: int, *ways: str | None) -> Answer:
    if not firmware.connection.online or any(way not in _WAYS for way in ways if way is not None):
        raise AtError
    firmware.at.after_response(lambda: firmware.begin(_tell_position(firmware)))
    return ()


async def _position(firmware: Firmware, *sentences: str | None) -> Answer:
    if not firmware.connection.online or not all(one.startswith("$") for one in sentences if one is not None):
        raise AtError
    firmware.at.after_response(lambda: firmware.begin(_tell_position(firmware)))
    return ()


async def _tell_position(firmware: Firmware) -> None:
    firmware.event(4, _LOCATED if await firmware.connection.tell_platform() else _NOT_LOCATED)


async def _collect(firmware: Firmware, ends: int, package: int, length: int) -> Answer:
    await firmware.at.data(length)
    firmware.at.after_response(lambda: firmware.begin(_pass_on(firmware, ends, package)))
    return ()


async def _pass_on(firmware: Firmware, ends: int, package: int) -> None:
    if not firmware.connection.online:
        firmware.event(30, _UNREACHABLE)
        return
    through = await firmware.connection.tell_platform()
    firmware.event(30, _SENT if through else _NOT_SENT, package)
    if through and ends:
        firmware.event(30, _CLOSED)


async def _upgrade(firmware: Firmware, battery: int, _mode: int, pk: str, ps: str, _url: str = "") -> Answer:
    config = firmware.config
    known = (pk, ps) == (config.get("pk"), config.get("ps"))
    if not known or firmware.board.battery.percent() < battery or not await firmware.upgrades.request(sha256=False):
        raise AtError
    return ()


_UPGRADE = (Integer(0, 100), Integer(0, 1), Text(32, 1), Text(32, 1), Text(255, 1, optional=True))
_LOCATION = {"cellular": "2.6.1"}

COMMANDS = table(
    Command(
        "+QIOTLOCIN",
        test=("+QIOTLOCIN: (0,1),<mode1>[,<mode2>[,...]]",),
        read=_ways,
        write=_locate,
        parameters=(Integer(0, 1), Text(8, 1), *[Text(8, 1, optional=True)] * (len(_WAYS) - 1)),
        plain_error=True,
        since=_LOCATION,
    ),
    Command(
        "+QIOTLOCEXT",
        test=("+QIOTLOCEXT: <NMEA>[,<NMEA>[,...]]",),
        write=_position,
        parameters=(Text(128, 1), *[Text(128, 1, optional=True)] * (_MOST - 1)),
        plain_error=True,
        since=_LOCATION,
    ),
    Command(
        "+QIOTDATACOLLTX",
        test=("+QIOTDATACOLLTX: (0-1),(0-1048576),(1-1024)",),
        write=_collect,
        parameters=(Integer(0, 1), Integer(0, 1048576), Integer(1, 1024)),
        plain_error=True,
        since={"cellular": "2.18.0"},
    ),
    Command("+QHOTAREQ", write=_upgrade, parameters=_UPGRADE, plain_error=True, since={"cellular": "2.9.2"}),
    Command(
        "+QFOTAUP",
        write=_upgrade,
        parameters=_UPGRADE,
        plain_error=True,
        since={"cellular": "2.8.3"},
        until={"cellular": "2.9.2"},
    ),
)
