"""Commands on the line, the clock, power and restarts (ITU-T V.250 section 6, 3GPP TS 27.007, Quectel AT manuals)."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from .commands import Answer, AtError, Command, Integer, Text, table

if TYPE_CHECKING:
    from .core import Firmware

#: Texts here are ASCII, which both show alike.
_CHARACTER_SETS = ("GSM", "IRA")
_RATES = (4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)
#: Module seconds from AT+QPOWD=1 to the line that says it is done.
_POWER_DOWN_SECONDS = 1.0


def _switch(name: str, setting: str) -> Command:
    """A basic command that sets a line setting to 0 or 1: E, V, Q."""

    async def answer(firmware: Firmware, value: int = 0) -> Answer:
        if value not in (0, 1):
            raise AtError
        setattr(firmware.at.settings, setting, bool(value))
        return ()

    return Command(name, execute=answer)


async def _nothing(_: Firmware, *_values: int) -> Answer:
    return ()


async def _factory(firmware: Firmware, *_values: int) -> Answer:
    settings = firmware.at.settings
    settings.echo, settings.verbose, settings.quiet, settings.cmee = firmware.options.echo, True, False, 1
    return ()


async def _cmee(firmware: Firmware) -> Answer:
    return (f"+CMEE: {firmware.at.settings.cmee}",)


async def _set_cmee(firmware: Firmware, level: int) -> Answer:
    firmware.at.settings.cmee = level
    return ()


async def _rate(firmware: Firmware) -> Answer:
    return (f"+IPR: {firmware.board.uart.baudrate}",)


async def _set_rate(firmware: Firmware, rate: int) -> Answer:
    if rate not in _RATES:
        raise AtError

    def change() -> None:
        firmware.board.uart.baudrate = rate

    firmware.at.after_response(change)
    return ()


async def _time(firmware: Firmware) -> Answer:
    now = datetime.datetime.fromtimestamp(firmware.board.clock.wall(), datetime.timezone.utc)
    return (f'+CCLK: "{now:%y/%m/%d,%H:%M:%S}+00"',)


async def _reset(firmware: Firmware, mode: int) -> Answer:
    if mode != 1:
        raise AtError
    firmware.at.after_response(firmware.restart)
    return ()


async def _power_down(firmware: Firmware, mode: int = 1) -> Answer:
    def begin() -> None:
        firmware.start(_go_down(firmware, mode))

    firmware.at.after_response(begin)
    return ()


async def _go_down(firmware: Firmware, mode: int) -> None:
    if mode == 1:
        await firmware.board.clock.sleep(_POWER_DOWN_SECONDS)
    if mode in firmware.board.data.says_powered_down:
        by_text = firmware.options.voltage_lines == "text"
        firmware.at.urc("NORMAL POWER DOWN" if by_text and mode == 1 else "POWERED DOWN")
    await firmware.board.uart.drained()
    firmware.shut_down()


async def _charge(firmware: Firmware) -> Answer:
    if firmware.options.battery_source == "none":
        raise AtError
    battery = firmware.board.battery
    percent = 100 if firmware.board.defects.active("battery-reads-full") else battery.percent()
    return (f"+CBC: 0,{percent},{battery.millivolts()}",)


async def _character_set(firmware: Firmware) -> Answer:
    return (f'+CSCS: "{firmware.at.settings.character_set}"',)


async def _set_character_set(firmware: Firmware, name: str) -> Answer:
    if name not in _CHARACTER_SETS:
        raise AtError
    firmware.at.settings.character_set = name
    return ()


async def _pin(_: Firmware) -> Answer:
    return ("+CPIN: READY",)


COMMANDS = table(
    _switch("E", "echo"),
    _switch("V", "verbose"),
    _switch("Q", "quiet"),
    Command("&F", execute=_factory),
    Command("Z", execute=_factory),
    Command("&W", execute=_nothing),
    Command("&C", execute=_nothing),
    Command("&D", execute=_nothing),
    Command("X", execute=_nothing),
    Command("S", write=_nothing, parameters=(Integer(0, 99), Integer(0, 255))),
    Command("+CMEE", test=("+CMEE: (0-2)",), read=_cmee, write=_set_cmee, parameters=(Integer(0, 2),)),
    Command(
        "+IPR",
        test=(f"+IPR: ({','.join(map(str, _RATES))})",),
        read=_rate,
        write=_set_rate,
        parameters=(Integer(0, 921600),),
    ),
    Command("+IFC", test=("+IFC: (0,2),(0,2)",), write=_nothing, parameters=(Integer(0, 2), Integer(0, 2))),
    Command(
        "+CSCS",
        test=('+CSCS: ("GSM","IRA")',),
        read=_character_set,
        write=_set_character_set,
        parameters=(Text(8),),
    ),
    Command("+CCLK", test=(), read=_time),
    Command("+QRST", test=("+QRST: (1)",), write=_reset, parameters=(Integer(0, 1),)),
    Command(
        "+QPOWD",
        test=("+QPOWD: (0,1)",),
        write=_power_down,
        execute=_power_down,
        parameters=(Integer(0, 1),),
    ),
    Command("+CBC", test=("+CBC: (0-2),(0-100),(0-5000)",), execute=_charge, read=_charge),
    Command("+CPIN", test=(), read=_pin),
)
