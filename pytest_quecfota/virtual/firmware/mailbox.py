"""Data from the platform, on its way to the host: shown at once, or kept until the host reads it (AT+QIOTCFG="buffer").

Each channel keeps at most ten pieces, the oldest is overwritten (5,10428); a piece longer than the module's buffer is lost
(5,10473). Sources: QuecThing IOT docs, data interaction and events of type 5. Not documented, our choice: after a read that
leaves a rest, the rest is the next piece to be read and is not counted among the remaining ones.
"""

from __future__ import annotations

import base64
import enum
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core import Firmware

MOST_PIECES = 10
#: Bytes of the longest piece: the AT buffer of QuecThing SDK 2.9.0.
LONGEST = 1024
_OVERWRITTEN, _TOO_LONG, _ASKED = 10428, 10473, 10211


class Channel(enum.Enum):
    """The two ways data goes; the value is the event code of a transfer that went well."""

    PASSTHROUGH = 10200
    MODEL = 10210

    @property
    def failed(self) -> int:
        """Event code of a transfer that did not get through."""
        return self.value + 100

    @property
    def refused(self) -> int:
        """Event code of data that cannot be sent."""
        return self.value + 200


class Mailbox:
    """What one run of the firmware has received and not yet handed over."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware
        self._pieces: dict[Channel, deque[bytes]] = {channel: deque() for channel in Channel}

    def take(self, message: Mapping[str, Any]) -> None:
        """A message of the platform: `data` {channel, payload (base64)} or `model-read` {package, ids}."""
        if message["type"] == "model-read":
            self._firmware.event(5, _ASKED, int(message["package"]), *map(int, message["ids"]))
        elif message["type"] == "data" and "sub" in message:
            self._firmware.gateway.take(message, base64.b64decode(message["payload"]))
        elif message["type"] == "data":
            self.received(Channel[str(message["channel"]).upper()], base64.b64decode(message["payload"]))

    def received(self, channel: Channel, payload: bytes) -> None:
        """Show a piece, or keep it."""
        firmware = self._firmware
        if len(payload) > LONGEST:
            firmware.event(5, _TOO_LONG)
        elif not firmware.config.get("buffer"):
            firmware.at.urc(f"+QIOTEVT: 5,{channel.value},{len(payload)}", payload)
        else:
            pieces = self._pieces[channel]
            if len(pieces) == MOST_PIECES:
                pieces.popleft()
                firmware.event(5, _OVERWRITTEN)
            pieces.append(payload)
            firmware.event(5, channel.value)

    def count(self, channel: Channel) -> int:
        """Pieces that wait."""
        return len(self._pieces[channel])

    def read(self, channel: Channel, length: int) -> tuple[bytes, int, int]:
        """At most `length` bytes of the oldest piece, bytes left of it, further pieces. Raises IndexError where there is none."""
        pieces = self._pieces[channel]
        piece = pieces.popleft()
        data, rest = piece[:length], piece[length:]
        further = len(pieces)
        if rest:
            pieces.appendleft(rest)
        return data, len(rest), further
