"""What the virtual bench knows of each module model: one YAML file per model, loaded into frozen dataclasses.

The bench's own data; the test side has its own and the two share nothing. What a rig's `module.profile` overrides is
one of the `Options`: the places where the documentation contradicts itself or says nothing, made switches.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..power import Burst

FOLDER = Path(__file__).parent
SUCCESS_EVENTS = ("before-restart", "after-restart", "after-reconnect")


class ModelError(ValueError):
    """No such model, or an option that is none; the text says what there is."""


@dataclass(frozen=True)
class Identity:
    """The identification lines. `imei_form`: `bare`, or `quoted` for `+CGSN: "…"` (NB modules)."""

    manufacturer: str
    product: str
    bare: str
    revision: str
    imei_form: str


@dataclass(frozen=True)
class Boot:
    """From power-good to ready: seconds until the first line, then (delay, line); boot-ROM text; seconds until attached."""

    rom: tuple[str, ...]
    seconds: float
    lines: tuple[tuple[float, str], ...]
    attach: float


@dataclass(frozen=True)
class Network:
    """How the model moves data: bytes per second, bytes per HTTP request, seconds per exchange, access technology (27.007)."""

    bytes_per_second: float
    chunk: int
    latency: float
    act: int


@dataclass(frozen=True)
class Options:
    """Switches for what the sources contradict each other on, or do not say.

    success_event: where 7,10705 of a module update comes. leading_crlf: responses and URCs begin with CR LF.
    otard_first_offset: what AT+QIOTOTARD calls the first byte. mcu_updating_event: 7,10704 of an MCU update comes after
    AT+QIOTUPDATE=3, or before the first read. mcu_end_indication: where `+QIND: "FOTA","END",0` of an MCU update comes.
    module_event_parameters: 7,10701 and 7,10703 name component and length for a module too. silent_plan_confirmed_by: who
    confirms. sha256_request: AT+QIOTOTAREQ=1 asks at once, or only sets the mode. battery_source: AT+CBC, or none (it answers
    ERROR). crc: the one of zlib, or another. boot_rom: print the boot ROM's text. port_vanishes: the port goes away while the
    module restarts (USB). sota_block: bytes of an MCU file the module can hold at a time. otard_max: most bytes one
    AT+QIOTOTARD asks for.
    empty_mcuver: AT+QIOTMCUVER? with no version set. echo: ATE1 at start. send_event: NB, whether 4,10200 follows every
    AT+QIOTSEND or only confirmed ones. voltage_lines: what is printed of a supply out of range: nothing, text, or "vbatt".
    dfota_https_words: AT+QFOTADL over HTTPS says HTTPSTART, or HTTPSSTART. sdk: another QuecThing version than the model's own.
    """

    success_event: str = "after-restart"
    leading_crlf: bool = True
    otard_first_offset: int = 0
    mcu_updating_event: str = "after-report"
    mcu_end_indication: str = "none"
    module_event_parameters: bool = False
    silent_plan_confirmed_by: str = "host"
    sha256_request: str = "single"
    battery_source: str = "cbc"
    crc: str = "zlib"
    boot_rom: bool = False
    port_vanishes: bool = False
    sota_block: int = 65536
    otard_max: int = 1024
    empty_mcuver: str = "ok"
    send_event: str = "always"
    dfota_https_words: str = "http"
    voltage_lines: str = "none"
    sdk: str = ""
    echo: bool = True


_VERSION = re.compile(r"\d+(\.\d+){1,3}")
_CHOICES: dict[str, tuple[object, ...]] = {
    "success_event": SUCCESS_EVENTS,
    "otard_first_offset": (0, 1),
    "mcu_updating_event": ("after-report", "before-read"),
    "mcu_end_indication": ("none", "before-success", "after-success"),
    "silent_plan_confirmed_by": ("host", "module"),
    "sha256_request": ("single", "then-bare"),
    "battery_source": ("cbc", "none"),
    "crc": ("zlib", "unknown"),
    "empty_mcuver": ("ok", "error"),
    "send_event": ("always", "confirmed"),
    "dfota_https_words": ("http", "https"),
    "voltage_lines": ("none", "text", "vbatt"),
}


@dataclass(frozen=True)
class ModelData:
    """One model as the bench plays it. `currents` in amperes by activity (means where it has `bursts`), `rail` and `battery` in
    volts."""

    model: str
    flavour: str
    sdk: str
    identity: Identity
    boot: Boot
    currents: Mapping[str, float]
    bursts: Mapping[str, Burst]
    rail: Mapping[str, float]
    battery: Mapping[str, float]
    network: Network
    options: Options
    flash: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    #: Volts of `under_warning`, `under_down`, `over_warning`, `over_down`.
    voltage_levels: Mapping[str, float] = dataclasses.field(default_factory=dict)
    #: After which AT+QPOWD=<n> it says POWERED DOWN.
    says_powered_down: tuple[int, ...] = (0, 1)

    @property
    def nb(self) -> bool:
        """Whether this is the NB-IoT flavour of QuecThing (LwM2M), not the cellular one (MQTT)."""
        return self.flavour == "nb"

    def offers(self, since: Mapping[str, str] | None) -> bool:
        """Whether it has what came with these QuecThing versions, by flavour (None: always)."""
        if since is None:
            return True
        first = since.get(self.flavour)
        return first is not None and _version(self.sdk) >= _version(first)


def names() -> tuple[str, ...]:
    """All models the bench can play, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def load(name: str, *, flavour: str | None = None, overrides: Mapping[str, Any] | None = None) -> ModelData:
    """The model `name` with the options of a rig's profile laid over its own.

    Raises:
        ModelError: unknown model or flavour, unknown option, a value an option does not have.
    """
    path = FOLDER / f"{name}.yaml"
    if name not in names():
        raise ModelError(f"model {name!r}: unknown; known are {', '.join(names())}")
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    boot = raw["boot"]
    lines = tuple((float(delay), str(line)) for delay, line in boot["lines"])
    chosen = flavour or raw["flavour"]
    options = _options({**raw["options"], **(overrides or {})})
    if chosen not in ("nb", "cellular"):
        raise ModelError(f"flavour {chosen!r}: nb or cellular")
    return ModelData(
        model=raw["model"],
        flavour=chosen,
        sdk=options.sdk or raw["sdk"],
        identity=Identity(**raw["identity"]),
        boot=Boot(tuple(boot["rom"]), float(boot["seconds"]), lines, float(boot["attach"])),
        currents=raw["currents"],
        bursts={activity: Burst(**train) for activity, train in raw.get("bursts", {}).items()},
        rail=raw["rail"],
        battery=raw["battery"],
        network=Network(**raw["network"]),
        options=options,
        flash=raw.get("flash", {}),
        voltage_levels=raw["voltage_levels"],
        says_powered_down=tuple(raw.get("says_powered_down", (0, 1))),
    )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _options(raw: Mapping[str, Any]) -> Options:
    fields = {item.name: item for item in dataclasses.fields(Options)}
    for key, value in raw.items():
        if key not in fields:
            close = difflib.get_close_matches(key, fields, 1) or sorted(fields)
            raise ModelError(f"profile.{key}: unknown; perhaps {close[0]}")
        default = fields[key].default
        if type(value) is not type(default) or (key in _CHOICES and value not in _CHOICES[key]):
            wanted = ", ".join(map(str, _CHOICES.get(key, (type(default).__name__,))))
            raise ModelError(f"profile.{key}: {value!r}; {wanted}")
        if key == "sdk" and value and not _VERSION.fullmatch(str(value)):
            raise ModelError(f"profile.sdk: {value!r}; a version such as 2.10.5")
    return Options(**raw)
