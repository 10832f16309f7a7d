"""AT+QIOTCFG, AT+QIOTREG, AT+QIOTSTATE, AT+QIOTMCUVER, AT+QIOTINFO (QuecThing IOT docs, NB and cellular; SDK 2.9.0 for
the rules).

Every refusal is a bare ERROR. Writes of AT+QIOTCFG are refused while the connection is switched on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .commands import SINCE_FIRST, Answer, Anything, AtError, Command, Integer, Text, table
from .syntax import Value

if TYPE_CHECKING:
    from .core import Firmware

_PROTOCOL_VERSION = "1.0.0"
_LIFETIME_MAX = {"nb": 864000, "cellular": 65535}
_SERVER_TYPE = {"nb": 0, "cellular": 1}
_KEY_LENGTH = 32
_SUBSCRIBED, _LEFT = 8, 11
_SINCE_TSL = {"nb": "2.1.2", "cellular": "2.8.0"}
_LIST_LENGTH = 511
#: From these versions on an over-long key is refused, and another server does not forget the device secret (IOT revision history).
_CHECKS_LENGTH, _KEEPS_SECRET = {"nb": "2.2.2"}, {"cellular": "2.10.4"}


def _text(value: Value, longest: int, shortest: int = 0) -> str:
    if not isinstance(value, str) or not shortest <= len(value) <= longest:
        raise AtError
    return value


def _number(value: Value, low: int, high: int) -> int:
    if not isinstance(value, int) or not low <= value <= high:
        raise AtError
    return value


def _take(values: tuple[Value, ...], least: int, most: int) -> tuple[Value, ...]:
    if not least <= len(values) <= most:
        raise AtError
    return values


@dataclass(frozen=True)
class Setting:
    """One name of AT+QIOTCFG: its line in the test answer, how it is shown, how a write is checked and kept."""

    test: Callable[[Firmware], str]
    show: Callable[[Firmware], list[str]]
    keep: Callable[[Firmware, tuple[Value, ...]], Awaitable[None]]
    since: Mapping[str, str] = dataclasses.field(default_factory=lambda: SINCE_FIRST)


async def _keep_product(firmware: Firmware, values: tuple[Value, ...]) -> None:
    pk, ps = (_text(value, 255, 1) for value in _take(values, 2, 2))
    if max(len(pk), len(ps)) > _KEY_LENGTH:
        if firmware.board.data.offers(_CHECKS_LENGTH):
            raise AtError
        return  # an older one, and the cellular SDK, say OK and do not store it
    await firmware.config.set({"pk": pk, "ps": ps}, forget_secret=True)


async def _keep_server(firmware: Firmware, values: tuple[Value, ...]) -> None:
    kind, url = _take(values, 2, 2)
    wanted = _SERVER_TYPE[firmware.board.data.flavour]
    await firmware.config.set(
        {"server_type": _number(kind, wanted, wanted), "server": _text(url, 255)},
        forget_secret=not firmware.board.data.offers(_KEEPS_SECRET),
    )


async def _keep_lifetime(firmware: Firmware, values: tuple[Value, ...]) -> None:
    (value,) = _take(values, 1, 1)
    await firmware.config.set({"lifetime": _number(value, 1, _LIFETIME_MAX[firmware.board.data.flavour])})


async def _keep_device(firmware: Firmware, values: tuple[Value, ...]) -> None:
    key, secret = (*_take(values, 1, 2), None)[:2]
    dk = _text(key or "", _KEY_LENGTH)
    ds = _text(secret or "", _KEY_LENGTH)
    if dk == firmware.board.imei:
        raise AtError
    await firmware.config.set({"dk": dk, "ds": ds}, forget_secret=True)


async def _keep_psk(firmware: Firmware, values: tuple[Value, ...]) -> None:
    (value,) = _take(values, 1, 1)
    await firmware.config.set({"psk": _text(value, 32)})


def _product(firmware: Firmware) -> list[str]:
    config = firmware.config
    return [f'+QIOTCFG: "productinfo","{config.get("pk")}","{config.get("ps")}","{_PROTOCOL_VERSION}"']


def _server(firmware: Firmware) -> list[str]:
    return [f'+QIOTCFG:"server",{firmware.config.get("server_type")},"{firmware.config.get("server")}"']


def _device(firmware: Firmware) -> list[str]:
    config = firmware.config
    if not config.get("dk"):
        return []
    return [f'+QIOTCFG:"dk_ds","{config.get("dk")}","{config.secret}"']


def _psk(firmware: Firmware) -> list[str]:
    return [f'+QIOTCFG:"psk","{firmware.config.get("psk")}"']


def _fixed(text: str) -> Callable[[Firmware], str]:
    return lambda _: f"+QIOTCFG: {text}"


def _numeric(name: str, low: int, high: int, shown: str, since: Mapping[str, str] = SINCE_FIRST) -> Setting:
    """A setting that is one integer."""

    async def keep(firmware: Firmware, values: tuple[Value, ...]) -> None:
        (value,) = _take(values, 1, 1)
        await firmware.config.set({name: _number(value, low, high)})

    return Setting(
        _fixed(f'"{name}",({shown})'),
        lambda firmware: [f'+QIOTCFG: "{name}",{firmware.config.get(name)}'],
        keep,
        since,
    )


def _lifetime_test(firmware: Firmware) -> str:
    return f'+QIOTCFG: "lifetime",(1-{_LIFETIME_MAX[firmware.board.data.flavour]})'


def _server_test(firmware: Firmware) -> str:
    return f'+QIOTCFG: "server",{_SERVER_TYPE[firmware.board.data.flavour]},<server_URL>'


#: In the order of the test answer; session_mode stands before tsl in the cellular one.
SETTINGS: dict[str, Setting] = {
    "productinfo": Setting(_fixed('"productinfo",<pk>,<ps>'), _product, _keep_product),
    "server": Setting(_server_test, _server, _keep_server),
    "lifetime": Setting(
        _lifetime_test, lambda firmware: [f'+QIOTCFG: "lifetime",{firmware.config.get("lifetime")}'], _keep_lifetime
    ),
    "buffer": _numeric("buffer", 0, 1, "0,1"),
    "act": _numeric("act", 1, 15, "1-15"),
    "session_mode": _numeric("session_mode", 0, 1, "0,1", {"cellular": "2.7.2"}),
    "tsl": _numeric("tsl", 0, 1, "0,1", _SINCE_TSL),
    "dk_ds": Setting(_fixed('"dk_ds",<dk>,<ds>'), _device, _keep_device, _SINCE_TSL),
    "txid_mode": _numeric("txid_mode", 0, 1, "0,1", {"cellular": "2.10.0"}),
    "psk": Setting(_fixed('"psk"[,<psk>]'), _psk, _keep_psk, {"nb": "2.1.2"}),
}


async def _test_settings(firmware: Firmware) -> Answer:
    offers = firmware.board.data.offers
    return [setting.test(firmware) for setting in SETTINGS.values() if offers(setting.since)]


async def _setting(firmware: Firmware, name: str, *values: Value) -> Answer:
    setting = SETTINGS.get(name)
    if setting is None or not firmware.board.data.offers(setting.since):
        raise AtError
    if not values:
        return setting.show(firmware)
    if firmware.connection.mode and not firmware.board.defects.active("writes-while-connected"):
        raise AtError
    await setting.keep(firmware, values)
    return ()


async def _mode(firmware: Firmware) -> Answer:
    return (f"+QIOTREG: {firmware.connection.mode}",)


async def _set_mode(firmware: Firmware, mode: int) -> Answer:
    if not await firmware.connection.set_mode(mode):
        raise AtError
    return ()


async def _state(firmware: Firmware) -> Answer:
    state = int(firmware.connection.state)
    if state == _LEFT and firmware.board.defects.active("state-never-ends"):
        state = _SUBSCRIBED
    return (f"+QIOTSTATE: {state}",)


async def _versions(firmware: Firmware) -> Answer:
    versions = firmware.config.mcu_versions
    if not versions and firmware.options.empty_mcuver == "error":
        raise AtError
    return [f'+QIOTMCUVER: "{name}","{version}"' for name, version in versions.items()]


async def _set_version(firmware: Firmware, name: str, version: str | None = None) -> Answer:
    versions = firmware.config.mcu_versions
    if version is None:
        if name not in versions:
            raise AtError
        return (f'+QIOTMCUVER: "{name}","{versions[name]}"',)
    changed = {**versions, name: version} if version else {key: value for key, value in versions.items() if key != name}
    listed = ";".join(f"{key}:{value}" for key, value in changed.items())
    if set(name + version) & set(":;") or len(listed) > _LIST_LENGTH:
        raise AtError
    if version or not firmware.board.defects.active("keeps-deleted-version"):
        await firmware.config.set_mcu_versions(changed)
    firmware.upgrades.mcu_version(name, version)
    if firmware.connection.online:
        firmware.begin(firmware.connection.tell_platform())
    return ()


async def _items(firmware: Firmware) -> Answer:
    data: dict[str, Any] = {
        "MODEL": firmware.board.data.model,
        "VERSION": firmware.version,
        "SDKVERSION": firmware.board.data.sdk,
        "DK": firmware.config.device_key,
    }
    return [f'+QIOTINFO: "{key}","{value}"' for key, value in data.items()]


async def _send_items(firmware: Firmware, what: str) -> Answer:
    if what.lower() != "up" or not firmware.connection.online:
        raise AtError
    firmware.start(_tell_items(firmware))
    return ()


async def _tell_items(firmware: Firmware) -> None:
    firmware.event(4, 10240 if await firmware.connection.tell_platform() else 10340)


COMMANDS = table(
    Command(
        "+QIOTCFG",
        test=_test_settings,
        write=_setting,
        parameters=(Text(32, 1), Anything(), Anything()),
        plain_error=True,
        since=SINCE_FIRST,
    ),
    Command(
        "+QIOTREG",
        test=("+QIOTREG: (0-2)",),
        read=_mode,
        write=_set_mode,
        parameters=(Integer(0, 2),),
        plain_error=True,
        since=SINCE_FIRST,
    ),
    Command("+QIOTSTATE", read=_state, plain_error=True, since=SINCE_FIRST),
    Command(
        "+QIOTMCUVER",
        test=("+QIOTMCUVER: <MCU_number>,<MCU_version>",),
        read=_versions,
        write=_set_version,
        parameters=(Text(32, 1), Text(64, optional=True)),
        plain_error=True,
        since=SINCE_FIRST,
    ),
    Command(
        "+QIOTINFO",
        test=('+QIOTINFO: "up"',),
        read=_items,
        write=_send_items,
        parameters=(Text(8),),
        plain_error=True,
        since=SINCE_FIRST,
    ),
)
