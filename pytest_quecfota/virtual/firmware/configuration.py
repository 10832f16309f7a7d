"""What the module keeps over a loss of power: AT+QIOTCFG, AT+QIOTREG, AT+QIOTMCUVER, the device secret, the OTA record.

Values live in the module's NVM; this room knows their keys and defaults (QuecThing IOT docs, NB and cellular AT
pages) and takes care that the flash does one thing at a time: the same lock serves NVM and the updater.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .board import Board
from .memory import Memory

#: Default server by flavour, and default lifetime in seconds (IOT docs, en).
SERVERS = {"nb": (0, "coap://iot-south.quectelcn.com:5683"), "cellular": (1, "mqtt://iot-south.quectelcn.com:1883")}
LIFETIMES = {"nb": 86400, "cellular": 120}

#: The keys a user sets, with defaults that do not depend on the flavour.
_USER = {
    "pk": "",
    "ps": "",
    "buffer": 0,
    "act": 1,
    "tsl": 0,
    "dk": "",
    "ds": "",
    "psk": "",
    "session_mode": 0,
    "txid_mode": 0,
}


class Configuration:
    """Typed access to what the module keeps. Reading is at once, writing returns when it is safe in flash."""

    def __init__(self, board: Board, memory: Memory) -> None:
        self._memory = memory
        self._imei = board.imei
        flavour = board.data.flavour
        server_type, server = SERVERS[flavour]
        self._defaults: dict[str, Any] = {
            **_USER,
            "server_type": server_type,
            "server": server,
            "lifetime": LIFETIMES[flavour],
        }
        self._forgotten: dict[str, Any] = dict(self._defaults) if board.defects.active("forgets-configuration") else {}

    def get(self, key: str) -> Any:
        """A user's setting, or its default."""
        if key in self._forgotten:
            return self._forgotten[key]
        return self._memory.get(key, self._defaults[key])

    async def set(self, values: Mapping[str, Any], *, forget_secret: bool = False) -> None:
        """Keep settings; the device secret goes where they mean another device or platform."""
        changed = any(self.get(key) != value for key, value in values.items())
        for key in values:
            self._forgotten.pop(key, None)
        await self._memory.update({**values, **({"secret": ""} if forget_secret and changed else {})})

    @property
    def device_key(self) -> str:
        """The custom device key, or the IMEI."""
        return str(self.get("dk") or self._imei)

    @property
    def complete(self) -> bool:
        """Whether product key, product secret and server are there."""
        return bool(self.get("pk") and self.get("ps") and self.get("server"))

    @property
    def secret(self) -> str:
        """The device secret the platform gave (or the user set); empty before the first activation."""
        return str(self._memory.get("secret", "") or self.get("ds"))

    async def keep_secret(self, secret: str) -> None:
        """Keep the device secret; empty forgets it."""
        await self._memory.update({"secret": secret, **({} if secret else {"ds": ""})})

    async def forget_device(self) -> None:
        """Back to the default device key, without a device secret."""
        await self._memory.update({"dk": "", "ds": "", "secret": ""})

    @property
    def mode(self) -> int:
        """AT+QIOTREG: 0 off, 1 connect by hand, 2 at every power-on."""
        return int(self._memory.get("reg", 0))

    async def set_mode(self, mode: int) -> None:
        """Keep the connection mode."""
        await self._memory.update({"reg": mode})

    @property
    def mcu_versions(self) -> dict[str, str]:
        """Versions of the host's components as AT+QIOTMCUVER set them."""
        return dict(self._memory.get("mcu", {}))

    async def set_mcu_versions(self, versions: Mapping[str, str]) -> None:
        """Keep the versions of the host's components."""
        await self._memory.update({"mcu": dict(versions)})

    async def reset(self) -> None:
        """Back to what left the factory, the OTA record and device secret included."""
        self._forgotten = {}
        await self._memory.erase()
