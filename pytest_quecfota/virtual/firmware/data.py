"""AT+QIOTSEND, AT+QIOTRD, AT+QIOTMODELTD, AT+QIOTMODELRD: data to and from the platform (QuecThing IOT docs, NB and cellular).

The embedded platform keeps no payloads: what carries one is a report, so that the event says truly whether an exchange got
through. Our choices, not documented: the lengths in the test answers; reading where nothing waits answers ERROR; in JSON mode
(AT+QIOTCFG="tsl",1) what is no JSON object is refused by event.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .commands import SINCE_FIRST, Answer, AtError, Command, Handler, Integer, Text, table
from .mailbox import LONGEST, Channel

if TYPE_CHECKING:
    from .core import Firmware

#: NB: 0 to 2 unconfirmed and 100 to 102 confirmed messages, each with release assistance 0 to 2; cellular: quality of service.
_MODES = {"nb": (0, 1, 2, 100, 101, 102), "cellular": (0, 1, 2)}
_SHOWN_MODES = {"nb": "0-2,100-102", "cellular": "0-2"}
_CONFIRMED = 100
_PACKAGE = Integer(1, 65534, optional=True)
_LENGTH = Integer(1, LONGEST)


def _sending(name: str, channel: Channel, test: str, *, with_package: bool) -> Command:
    """The command that sends on a channel: data in the line (passthrough only), or after a prompt."""

    async def show(firmware: Firmware) -> Answer:
        return (test.format(modes=_SHOWN_MODES[firmware.board.data.flavour], longest=LONGEST),)

    async def send(firmware: Firmware, mode: int, length: int, further: str | int | None = None) -> Answer:
        if mode not in _MODES[firmware.board.data.flavour] or not firmware.connection.online:
            raise AtError
        if isinstance(further, str):
            payload = further.encode("latin-1")
            if len(payload) != length:
                raise AtError
        else:
            payload = await firmware.at.data(length)
        numbered = bool(firmware.config.get("txid_mode"))
        txid = (firmware.next_transaction(),) if numbered else ()
        firmware.at.after_response(lambda: firmware.begin(_transfer(firmware, channel, mode, payload, txid)))
        return tuple(f"{name}: {number}" for number in txid)

    third = _PACKAGE if with_package else Text(LONGEST, 1, optional=True)
    parameters = (Integer(0, 255), _LENGTH, third)
    return Command(name, test=show, write=send, parameters=parameters, plain_error=True, since=SINCE_FIRST)


async def _transfer(firmware: Firmware, channel: Channel, mode: int, payload: bytes, txid: tuple[int, ...]) -> None:
    quiet = firmware.options.send_event == "confirmed" and firmware.board.data.nb and mode < _CONFIRMED
    if channel is Channel.MODEL and firmware.config.get("tsl") and not _is_json_object(payload):
        firmware.event(4, channel.refused, *txid)
    elif not await firmware.connection.tell_platform():
        firmware.event(4, channel.failed, *txid)
    elif not quiet:
        firmware.event(4, channel.value, *txid)


def _is_json_object(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), dict)
    except ValueError:
        return False


def _reading(name: str, channel: Channel) -> Command:
    """The command that reads what waits on a channel; only where data is kept (AT+QIOTCFG="buffer",1)."""

    async def count(firmware: Firmware) -> Answer:
        return (f"{name}: {firmware.mailbox.count(channel)}",)

    async def read(firmware: Firmware, length: int) -> Answer:
        if not firmware.config.get("buffer") or not firmware.mailbox.count(channel):
            raise AtError
        data, rest, pieces = firmware.mailbox.read(channel, length)
        return (f"{name}: {len(data)},{rest},{pieces}", data)

    reader: Handler = read
    return Command(
        name,
        test=(f"{name}: (1-{LONGEST})",),
        read=count,
        write=reader,
        parameters=(_LENGTH,),
        plain_error=True,
        since=SINCE_FIRST,
    )


COMMANDS = table(
    _sending("+QIOTSEND", Channel.PASSTHROUGH, "+QIOTSEND: ({modes}),(1-{longest}),<data>", with_package=False),
    _reading("+QIOTRD", Channel.PASSTHROUGH),
    _sending("+QIOTMODELTD", Channel.MODEL, "+QIOTMODELTD: ({modes}),(1-{longest}),(1-65534)", with_package=True),
    _reading("+QIOTMODELRD", Channel.MODEL),
)
