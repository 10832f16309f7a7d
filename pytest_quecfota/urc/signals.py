"""The lines a module prints by itself that are no QuecThing events: start, power, network, classic DFOTA.

Made by `urc.parsing`. Forms: Quectel DFOTA guides (LTE Standard(A) V1.5, EC2x/EG9x V1.0, EP06 V1.0, BG96 V1.0), boot
transcripts of EG18, BG96, BC660K; M-series hardware guides and ofono's quectel plugin for the voltage lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_quecfota.urc.base import Urc, Value


@dataclass(frozen=True, slots=True)
class Dfota(Urc):
    """`+QIND: "FOTA","<stage>"[,<value>]`: the classic upgrade, AT+QFOTADL.

    Parameters:
        stage: as printed: HTTPSTART, DOWNLOADING, HTTPEND, START, UPDATING, RESTORE, END, ..., or the whole sentence
            of a BG96 that continues after a power cut.
        value: per cent for a stage that goes on, a result code (0 is good) for one that ends; None where none is
            printed.
    """

    stage: str
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Ready(Urc):
    """RDY: the module has started."""


@dataclass(frozen=True, slots=True)
class AppReady(Urc):
    """APP RDY: the application processor has started (BG96, newer firmware only)."""


@dataclass(frozen=True, slots=True)
class Functionality(Urc):
    """`+CFUN: <level>`: 0 minimum, 1 full, 4 radio off."""

    level: int


@dataclass(frozen=True, slots=True)
class SimState(Urc):
    """`+CPIN: <text>` or `+QUSIM: <text>`; `text` as printed, for instance READY or 1."""

    text: str


@dataclass(frozen=True, slots=True)
class NetworkState(Urc):
    """A change of the registration in the network.

    Parameters:
        command: `+CEREG`, `+CREG` or `+CGREG` (the names of 3GPP TS 27.007).
        fields: the values as printed; the first of a URC is the state (1 home, 2 searching, 5 roaming). A read
            response has the reporting mode before it; which one a line is only its surroundings tell.
    """

    command: str
    fields: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Indication(Urc):
    """Any other `+QIND`, with or without quotes: `SMS DONE`, `PB DONE`, `"csq",20,99`."""

    name: str
    fields: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class PoweredDown(Urc):
    """The module says that it switches off.

    Parameters:
        kind: `powered-down` for POWERED DOWN, `normal` for NORMAL POWER DOWN and `+QIND: "vbatt",0`.
    """

    kind: str


@dataclass(frozen=True, slots=True)
class UnderVoltage(Urc):
    """The supply is too low; `level` is `warning` or `power-down`."""

    level: str


@dataclass(frozen=True, slots=True)
class OverVoltage(Urc):
    """The supply is too high; `level` is `warning` or `power-down`."""

    level: str
