"""AT+QIOTOTAREQ, AT+QIOTUPDATE, AT+QIOTOTARD: the host's side of an upgrade (QuecThing IOT docs; SDK 2.9.0 for the
rules).

The ranges in the test answers are documented nowhere; they are our choice. AT+QIOTOTAREQ with a mode above 1 sends
the request and still answers ERROR, as the SDK does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import SINCE_FIRST, Answer, AtError, Command, Integer, table

if TYPE_CHECKING:
    from .core import Firmware

_SHA256_MODES = (0, 1)


async def _request(firmware: Firmware, mode: int | None = None) -> Answer:
    """One AT+QIOTOTAREQ=<mode> sets and asks; where the profile says so it only sets, and a bare one asks."""
    apart = firmware.options.sha256_request == "then-bare"
    if apart and mode is not None:
        if mode not in _SHA256_MODES or not firmware.upgrades.prepare(sha256=mode == 1):
            raise AtError
        return ()
    mode = int(firmware.upgrades.record.sha256) if apart else mode or 0
    sent = await firmware.upgrades.request(sha256=mode == 1)
    if not sent or mode not in _SHA256_MODES:
        raise AtError
    return ()


async def _act(firmware: Firmware, action: int) -> Answer:
    if not await firmware.upgrades.act(action):
        raise AtError
    return ()


async def _read_test(firmware: Firmware) -> Answer:
    return (f"+QIOTOTARD: <start>,(1-{firmware.options.otard_max})",)


async def _read(firmware: Firmware, start: int, length: int) -> Answer:
    if length > firmware.options.otard_max:
        raise AtError
    data = firmware.upgrades.read(start, length)
    if not data:
        raise AtError
    return (f"+QIOTOTARD: {start},{len(data)}", data)


COMMANDS = table(
    Command(
        "+QIOTOTAREQ",
        test=("+QIOTOTAREQ: (0,1)",),
        write=_request,
        execute=_request,
        parameters=(Integer(0, 255),),
        plain_error=True,
        since={"nb": "2.1.2", "cellular": "2.8.2"},
    ),
    Command(
        "+QIOTUPDATE",
        test=("+QIOTUPDATE: (0-3)",),
        write=_act,
        parameters=(Integer(0, 3),),
        plain_error=True,
        since=SINCE_FIRST,
    ),
    Command(
        "+QIOTOTARD",
        test=_read_test,
        write=_read,
        parameters=(Integer(0, 2**31), Integer(1, 2**31)),
        plain_error=True,
        since=SINCE_FIRST,
    ),
)
