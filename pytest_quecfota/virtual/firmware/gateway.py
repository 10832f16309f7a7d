"""The devices behind a gateway: AT+QIOTSUBCONN and its sisters, each answered by `+QIOTSUBEVT` (QuecThing IOT docs, cellular).

The embedded platform knows no sub-devices: a report of the gateway stands for what reaches it. Not documented, our choice: without
a secret one is made up and told (1,10200); a heartbeat that is missing for a whole lifetime ends the session (2,10473); leaving is
told as 6,10201; the txid stands behind the keys; what the platform sends names its sub-device in `sub`.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..clock import WaitingTimer
from .mailbox import LONGEST, MOST_PIECES, Channel

if TYPE_CHECKING:
    from .core import Firmware

Keys = tuple[str, str]
_REGISTERED, _AUTHENTICATED, _LEFT = 10200, 10200, 10201
_ALREADY, _NO_NETWORK, _HEARTBEAT = 10441, 10450, 10473
_OVERWRITTEN, _TOO_LONG, _LOCATED = 10428, 10473, 10220


@dataclass
class SubDevice:
    """One device behind the gateway: its lifetime (s, 0: for ever), version, and what waits for it."""

    lifetime: int
    version: str = ""
    pieces: dict[Channel, deque[bytes]] = field(default_factory=lambda: {channel: deque() for channel in Channel})
    timer: WaitingTimer | None = None


class Gateway:
    """The sub-devices of one run of the firmware, by product key and device key."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware
        self.devices: dict[Keys, SubDevice] = {}

    def event(self, keys: Keys, kind: int, code: int, *fields: object) -> None:
        """Print `+QIOTSUBEVT: "<subPK>","<subDK>",<kind>,<code>[,…]`."""
        self._firmware.at.urc(self._line(keys, kind, code, *fields))

    def connect(self, keys: Keys, lifetime: int, secret: str) -> None:
        """AT+QIOTSUBCONN: authenticate where it has no secret yet, register."""
        self._firmware.begin(self._connect(keys, lifetime, secret))

    def disconnect(self, keys: Keys) -> bool:
        """AT+QIOTSUBDISCONN; False for a device that is not connected."""
        device = self.devices.pop(keys, None)
        if device is None:
            return False
        _disarm(device)
        self._firmware.at.after_response(lambda: self.event(keys, 6, _LEFT))
        return True

    def beat(self, keys: Keys) -> bool:
        """AT+QIOTSUBHTB: the device is alive; False for one that is not connected."""
        device = self.devices.get(keys)
        if device is None:
            return False
        _disarm(device)
        if device.lifetime:
            clock = self._firmware.board.clock
            device.timer = clock.call_later_background(device.lifetime, lambda: self._missed(keys))
        return True

    def send(self, keys: Keys, channel: Channel, payload: bytes, txid: tuple[int, ...]) -> None:
        """Data of a sub-device, told by an event of type 4 when it is through."""
        self._firmware.begin(self._send(keys, channel, payload, txid))

    def located(self, keys: Keys) -> None:
        """Its position went to the platform."""
        self._firmware.begin(self._tell(keys, 4, _LOCATED, _LOCATED + 100))

    def take(self, message: Mapping[str, Any], payload: bytes) -> None:
        """Data of the platform for a sub-device: shown at once, or kept (AT+QIOTCFG="buffer")."""
        keys, channel = _keys(message["sub"]), Channel[str(message["channel"]).upper()]
        device, firmware = self.devices.get(keys), self._firmware
        if device is None:
            return
        if len(payload) > LONGEST:
            self.event(keys, 5, _TOO_LONG)
        elif not firmware.config.get("buffer"):
            firmware.at.urc(self._line(keys, 5, channel.value, len(payload)), payload)
        else:
            if len(device.pieces[channel]) == MOST_PIECES:
                device.pieces[channel].popleft()
                self.event(keys, 5, _OVERWRITTEN)
            device.pieces[channel].append(payload)
            self.event(keys, 5, channel.value)

    def drop_all(self) -> None:
        """The gateway itself lost its connection: its sessions are gone with it."""
        for device in self.devices.values():
            _disarm(device)
        self.devices.clear()

    async def _connect(self, keys: Keys, lifetime: int, secret: str) -> None:
        if keys in self.devices:
            self.event(keys, 2, _ALREADY)
            return
        if not await self._firmware.connection.tell_platform():
            self.event(keys, 2, _NO_NETWORK)
            return
        if not secret:
            self.event(keys, 1, _AUTHENTICATED, f"{self._firmware.board.rng.getrandbits(128):032x}")
        self.devices[keys] = SubDevice(lifetime)
        self.beat(keys)
        self.event(keys, 2, _REGISTERED)

    async def _send(self, keys: Keys, channel: Channel, payload: bytes, txid: tuple[int, ...]) -> None:
        if channel is Channel.MODEL and self._firmware.config.get("tsl") and not _is_json_object(payload):
            self.event(keys, 4, channel.refused, *txid)
        else:
            await self._tell(keys, 4, channel.value, channel.failed, *txid)

    async def _tell(self, keys: Keys, kind: int, good: int, bad: int, *fields: object) -> None:
        through = await self._firmware.connection.tell_platform()
        self.event(keys, kind, good if through else bad, *fields)
        self.beat(keys)

    def _missed(self, keys: Keys) -> None:
        if self.devices.pop(keys, None):
            self.event(keys, 2, _HEARTBEAT)

    @staticmethod
    def _line(keys: Keys, kind: int, code: int, *fields: object) -> str:
        shown = [f'"{item}"' if isinstance(item, str) else str(item) for item in (*keys, kind, code, *fields)]
        return "+QIOTSUBEVT: " + ",".join(shown)


def _disarm(device: SubDevice) -> None:
    if device.timer:
        device.timer.cancel()
        device.timer = None


def _keys(pair: Any) -> Keys:
    product, key = pair
    return str(product), str(key)


def _is_json_object(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), dict)
    except ValueError:
        return False
