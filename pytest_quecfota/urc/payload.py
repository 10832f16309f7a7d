"""Events that announce a block of data: the next bytes on the wire are a payload, not lines.

`link.framing` asks `payload_length` for every event line and hands what it cut off to `with_payload`. Source: QuecThing
documentation, pages on AT+QIOTRD and AT+QIOTMODELRD (unbuffered mode): `+QIOTEVT: 5,10210,<len>` CR LF, then the data.
"""

from __future__ import annotations

import dataclasses
import re

from pytest_quecfota.urc.base import Urc
from pytest_quecfota.urc.events import Event, SubDeviceEvent
from pytest_quecfota.urc.parsing import NOISE

LONGEST_PAYLOAD = 65535
"""In bytes. A greater announced length is line noise: waiting for it would swallow everything that follows."""

_HEADER = re.compile(
    rb'\+QIOT(?:EVT:[ \t]*|SUBEVT:[ \t]*(?:"[^"]*",[ ]?"[^"]*",[ ]?)?)5,[ ]?102(?:00|10),[ ]?([0-9]{1,5})'
)


def payload_length(line: bytes) -> int | None:
    """How many bytes of payload follow this line, in bytes after its line end; None if none do."""
    if b"EVT:" not in line:
        return None
    match = _HEADER.fullmatch(line.strip(NOISE))
    if match is None:
        return None
    length = int(match[1])
    return length if 0 < length <= LONGEST_PAYLOAD else None


def with_payload(urc: Urc, payload: bytes) -> Urc:
    """The same event with its payload, as received, appended to `fields`.

    Raises:
        TypeError: the URC is no event that can carry a payload.
    """
    if not isinstance(urc, Event | SubDeviceEvent):
        raise TypeError(f"{type(urc).__name__} carries no payload")
    return dataclasses.replace(urc, fields=(*urc.fields, payload))
