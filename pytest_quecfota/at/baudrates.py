"""A module that is silent may only speak at another rate: which one is it?

Asked once, at bring-up, before a silent module is believed to be dead. An autobauding module (Quectel AT manuals, AT+IPR=0) takes
its rate from the first `AT` it hears, and may not answer that one: every rate is tried twice.
"""

from __future__ import annotations

from pytest_quecfota.at.client import Client

RATES = (9600, 115200, 57600, 38400, 19200, 230400, 460800, 921600)
"""What modules are set to, likeliest first."""

_TRIES = 2


def answering_rate(client: Client, *, seconds: float = 0.3) -> int | None:
    """The rate, other than the port's own, at which the module answers `AT` within so many real seconds; None: at none.

    The port has its own rate again afterwards.
    """
    wire = client.wire
    own = wire.spec.baudrate
    try:
        for rate in RATES:
            if rate == own:
                continue
            if not wire.change_rate(rate):
                return None
            if any(client.hears(seconds) for _ in range(_TRIES)):
                return rate
        return None
    finally:
        wire.change_rate(own)
