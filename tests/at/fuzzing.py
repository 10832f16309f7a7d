"""Rounds of nonsense: how long, from which seed, and how one of them is played again.

`QUECFOTA_FUZZ` says for how many seconds (60 in CI, where `CI=true`, else 4); `QUECFOTA_FUZZ_SEED` plays one round again, the one
whose seed a failure has printed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

SECONDS = float(os.environ.get("QUECFOTA_FUZZ") or ("60" if os.environ.get("CI") == "true" else "4"))
SEED = os.environ.get("QUECFOTA_FUZZ_SEED")

LINES = [
    b"OK", b"ERROR", b"+CME ERROR: 3", b"> ", b"AT", b"RDY", b"APP RDY", b"POWERED DOWN", b"Quectel", b"Revision: X", b"CONNECT",
    b"+CSQ: 16,99", b"+CEREG: 0,1", b"+CEREG: 1", b"+CPIN: READY", b"+CFUN: 1", b"+QUSIM: 1", b"+QIND: SMS DONE",
    b'+QIND: "FOTA","HTTPSTART"', b'+QIND: "FOTA","DOWNLOADING,57%"', b'+QIND: "FOTA","END",0', b'+QIND: "vbatt",-2',
    b'+QIND: "FOTA","Last upgrade was not finished,continue upgrade"', b"UNDER_VOLTAGE WARNING ", b"F1: 0000 0000",
    b'+QIOTEVT: 7,10700,"STM32","","2_0_0",30,-113,27954', b"+QIOTEVT: 7,10701", b"+QIOTEVT: 7,10702", b"+QIOTEVT: 7,10705",
    b'+QIOTEVT: 7,10701,"STM32",9,"95cbdeb4faeda4322ad9b65eb731ed2b",4022793929', b'+QIOTEVT: 7,10703,"STM32",9,0,9',
    b"+QIOTEVT: 5,10210,7", b"+QIOTEVT: 2,10200", b"+QIOTEVT: 1,10423", b'+QIOTSUBEVT: "pk","dk",7,10708', b"+QIOTEVT: 30,1,2",
    b"+QIOTOTARD: 0,9", b"+QIOTOTARD: 0,1024", b"+QIOTRD: 5,0,1", b"+QIOTMODELRD: 5,0,1", b"+QIOTSTATE: 8", b"123456789",
    b"AT+QIOTOTARD=0,9", b"AT+QIOTUPDATE=1", b"AT+QIOTSEND=0,5", b'AT+QIOTMCUVER="STM32","1_0_0"', b"[TX]AT+CSQ", b"[RX]OK",
    b"12:00:01.123 < +QIOTEVT: 7,10704", b"<CR><LF>OK<CR><LF>", b"x" * 300,
]  # fmt: skip
ENDS = [b"\r\n", b"\r\n", b"\r\n\r\n", b"\n", b"\r", b"\r\r\n", b"", b"\0", b" "]
COMMANDS = ["AT+CSQ", "AT+CEREG?", "ATI", "AT+QIOTOTARD=0,9", "AT+QIOTSEND=0,3", "AT+QIOTSTATE?", "AT+QIOTCFG=?"]


def rounds(share: float = 1.0) -> Iterator[tuple[int, random.Random]]:
    """Seeds and what comes of them, until this share of the time is over; the one of `QUECFOTA_FUZZ_SEED` alone, if given."""
    if SEED is not None:
        yield int(SEED), random.Random(int(SEED))
        return
    end = monotonic() + SECONDS * share
    seed = random.SystemRandom().randrange(1 << 31)
    while monotonic() < end:
        yield seed, random.Random(seed)
        seed += 1


def stream(chance: random.Random, most: int = 60) -> bytes:
    """What a module might say, and what a line makes of it: bits turned, bytes lost, doubled, thrown in."""
    said = b"".join(chance.choice(LINES) + chance.choice(ENDS) for _ in range(chance.randrange(most)))
    data = bytearray(said)
    for _ in range(chance.randrange(8)):
        if not data:
            break
        at = chance.randrange(len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[at : at + chance.randrange(1, 20)]
        elif kind == 2:
            data[at:at] = chance.randbytes(chance.randrange(1, 20))
        elif kind == 3:
            data[at:at] = data[at : at + chance.randrange(1, 200)]
        else:
            data[at:at] = bytes([chance.choice(b'\0\xff"(),:;+>\x1a')]) * chance.randrange(1, 2000)
    return bytes(data)


def chunks(chance: random.Random, data: bytes) -> Iterator[bytes]:
    """The same bytes as reads, cut anywhere."""
    while data:
        size = chance.choice((1, 2, 7, 64, 4096))
        yield data[:size]
        data = data[size:]


def resident() -> int:
    """Bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
