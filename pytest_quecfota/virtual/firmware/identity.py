"""Commands that say who the module is. AT+CGMR is the version the platform compares; ATI and AT+QGMR say that this one
is virtual.

Sources of the forms: 3GPP TS 27.007 section 5, transcripts of EG18 and BC660K-GL (ATI, AT+QGMR, AT+CSUB, AT+CVERSION); AT+CGSN=1
quoted on NB modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import Answer, AtError, Command, Integer, table

if TYPE_CHECKING:
    from .core import Firmware

#: A subscriber of the test network 001-01 (ITU-T E.212), a card number of the same kind.
IMSI = "001010123456789"
ICCID = "89860000000000000016"


async def _information(firmware: Firmware, *values: int) -> Answer:
    if values not in ((), (0,)):
        raise AtError
    identity = firmware.board.data.identity
    return (identity.manufacturer, identity.product, f"Revision: {identity.revision}")


async def _manufacturer(firmware: Firmware) -> Answer:
    return (firmware.board.data.identity.manufacturer,)


async def _model(firmware: Firmware) -> Answer:
    return (firmware.board.data.identity.product,)


async def _version(firmware: Firmware) -> Answer:
    return (firmware.version,)


async def _full_version(firmware: Firmware) -> Answer:
    return (f"{firmware.version}_{firmware.board.data.identity.revision}",)


async def _imei(firmware: Firmware) -> Answer:
    return (firmware.board.imei,)


async def _serial(firmware: Firmware, kind: int) -> Answer:
    imei = firmware.board.imei
    shown = {0: f"VIRTUAL{imei[-7:]}", 1: imei, 2: f"{imei[:14]}01", 3: "01"}[kind]
    if firmware.board.data.identity.imei_form == "quoted":
        return (f'+CGSN: "{shown}"',)
    return (shown,)


async def _imsi(_: Firmware) -> Answer:
    return (IMSI,)


async def _card(_: Firmware) -> Answer:
    return (f"+QCCID: {ICCID}",)


async def _edition(_: Firmware) -> Answer:
    return ("SubEdition: V01",)


async def _build(firmware: Firmware) -> Answer:
    return (f"VERSION: {firmware.board.data.identity.revision}", "Jan  1 2026 00:00:00", "Authors: VIRTUAL")


def _plain(name: str, handler: object) -> Command:
    assert callable(handler)
    return Command(name, test=(), execute=handler)


COMMANDS = table(
    Command("I", execute=_information),
    *(
        _plain(f"+{prefix}{name}", handler)
        for prefix in ("CG", "G")
        for name, handler in (("MI", _manufacturer), ("MM", _model), ("MR", _version))
    ),
    _plain("+QGMR", _full_version),
    Command("+CGSN", test=("+CGSN: (0-3)",), execute=_imei, write=_serial, parameters=(Integer(0, 3),)),
    _plain("+GSN", _imei),
    _plain("+CIMI", _imsi),
    Command("+QCCID", test=(), execute=_card, read=_card),
    _plain("+CSUB", _edition),
    _plain("+CVERSION", _build),
)
