"""AT+QIOTBINDCODE, AT+QIOTRST, AT+QIOTNTPREQ: the device and its owner, cellular only (QuecThing IOT docs).

What public text does not say is our choice: the test answer of AT+QIOTBINDCODE, a made-up code where none is given, a timeout
of 0 that ends the binding, `0,""` where none runs; AT+QIOTRST forgets the device's own key and secret, and like a setting is
refused while connected (the platform then answers 1,10422 until the device is reset there too).
"""

from __future__ import annotations

import datetime
import math
import re
from typing import TYPE_CHECKING

from .commands import Answer, AtError, Command, Integer, Text, table

if TYPE_CHECKING:
    from .core import Firmware

_CODE = re.compile(r"[0-9A-Fa-f]{16}")
_NTP, _NTP_FAILED = 10250, 10350


async def _binding(firmware: Firmware) -> Answer:
    code, until = firmware.binding
    left = math.ceil(until - firmware.board.clock.now())
    return (f'+QIOTBINDCODE: {left},"{code}"' if left > 0 else '+QIOTBINDCODE: 0,""',)


async def _bind(firmware: Firmware, seconds: int, code: str | None = None) -> Answer:
    if code is not None and not _CODE.fullmatch(code):
        raise AtError
    chosen = code.upper() if code else f"{firmware.board.rng.getrandbits(64):016X}"
    firmware.binding = (chosen, firmware.board.clock.now() + seconds)
    return ()


async def _reset(firmware: Firmware) -> Answer:
    if firmware.connection.mode:
        raise AtError
    await firmware.config.forget_device()
    return ()


async def _ask_time(firmware: Firmware) -> Answer:
    if not firmware.connection.online:
        raise AtError
    firmware.at.after_response(lambda: firmware.begin(_tell_time(firmware)))
    return ()


async def _tell_time(firmware: Firmware) -> None:
    if not await firmware.connection.tell_platform():
        firmware.event(4, _NTP_FAILED)
        return
    wall = firmware.board.clock.wall()
    now = datetime.datetime.fromtimestamp(wall, datetime.timezone.utc)
    firmware.event(4, _NTP, f"{now:%Y-%m-%d %H:%M:%S} {now.isoweekday()}", "+00:00", str(int(wall * 1000)))


COMMANDS = table(
    Command(
        "+QIOTBINDCODE",
        test=("+QIOTBINDCODE: (0-3600),<bind_code>",),
        read=_binding,
        write=_bind,
        parameters=(Integer(0, 3600), Text(16, 16, optional=True)),
        plain_error=True,
        since={"cellular": "2.10.3"},
    ),
    Command("+QIOTRST", test=(), execute=_reset, plain_error=True, since={"cellular": "2.10.0"}),
    Command("+QIOTNTPREQ", test=(), execute=_ask_time, plain_error=True, since={"cellular": "2.11.0"}),
)
