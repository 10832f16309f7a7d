"""Commands on signal, registration and functionality (3GPP TS 27.007 sections 7, 8 and 10; Quectel AT+QCSQ, AT+QNWINFO)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import Answer, Command, Integer, table

if TYPE_CHECKING:
    from .core import Firmware


async def _signal(firmware: Firmware) -> Answer:
    return (f"+CSQ: {firmware.board.radio.csq},99",)


async def _extended_signal(firmware: Firmware) -> Answer:
    radio = firmware.board.radio
    rsrp = max(0, min(97, round(radio.signal_dbm) + 141)) if radio.usable else 255
    return (f"+CESQ: 99,99,255,255,{20 if radio.usable else 255},{rsrp}",)


async def _quality(firmware: Firmware) -> Answer:
    """AT+QCSQ, as EC2x and BG9x print it (its spelling elsewhere is remembered, not read)."""
    radio, data = firmware.board.radio, firmware.board.data
    if not radio.usable:
        return ('+QCSQ: "NOSERVICE"',)
    system = "NBIoT" if data.nb else "CAT-M1" if data.network.act == 8 else "LTE"
    strength = round(radio.signal_dbm)
    return (f'+QCSQ: "{system}",{strength},{strength - 30},15,-10',)


async def _attached(firmware: Firmware) -> Answer:
    return (f"+CGATT: {int(firmware.modem.registered)}",)


async def _attach(firmware: Firmware, wanted: int) -> Answer:
    firmware.modem.set_functionality(1 if wanted else 4)
    return ()


def _registration(name: str) -> Command:
    """AT+CEREG and its sisters: query, and switch the unsolicited line on."""

    async def read(firmware: Firmware) -> Answer:
        return (f"+{name}: {firmware.modem.reports[name]},{firmware.modem.registration}",)

    async def write(firmware: Firmware, level: int) -> Answer:
        firmware.modem.reports[name] = level
        return ()

    return Command(f"+{name}", test=(f"+{name}: (0-2)",), read=read, write=write, parameters=(Integer(0, 2),))


async def _functionality(firmware: Firmware) -> Answer:
    return (f"+CFUN: {firmware.modem.functionality}",)


async def _set_functionality(firmware: Firmware, level: int, reset: int = 0) -> Answer:
    if reset:
        firmware.at.after_response(firmware.restart)
    else:
        firmware.modem.set_functionality(level)
    return ()


async def _operator(firmware: Firmware) -> Answer:
    if not firmware.modem.registered:
        return ("+COPS: 0",)
    return (f'+COPS: 0,0,"Test PLMN 1-1",{firmware.board.data.network.act}',)


COMMANDS = table(
    Command("+CSQ", test=("+CSQ: (0-31,99),(0-7,99)",), execute=_signal),
    Command("+CESQ", test=("+CESQ: (99),(99),(255),(255),(0-34,255),(0-97,255)",), execute=_extended_signal),
    Command("+QCSQ", test=(), execute=_quality),
    Command("+CGATT", test=("+CGATT: (0,1)",), read=_attached, write=_attach, parameters=(Integer(0, 1),)),
    *(_registration(name) for name in ("CREG", "CGREG", "CEREG")),
    Command(
        "+CFUN",
        test=("+CFUN: (0,1,4),(0,1)",),
        read=_functionality,
        write=_set_functionality,
        parameters=(Integer(0, 4), Integer(0, 1, optional=True)),
    ),
    Command("+COPS", test=('+COPS: (2,"Test PLMN 1-1","Test","00101")',), read=_operator),
)
