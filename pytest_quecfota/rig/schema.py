"""What a rig file may say (DESIGN section 5), and the Rig that comes of it.

Structure, types and ranges stand here; what depends on two places of a file stands in `checks`. Secrets are SecretStr
and never appear in a repr, an error or a record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, SecretStr, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from pytest_quecfota import models
from pytest_quecfota.rig.controls import Controls
from pytest_quecfota.rig.platforms import DeveloperCenter, Embedded, Http
from pytest_quecfota.rig.quantities import Current, Number, Seconds, Voltage, Whole
from pytest_quecfota.rig.section import Percent, Section, Text, VisaAddress

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["bench2"])]
Secret = Annotated[SecretStr, Field(min_length=1, max_length=64)]
Baudrate = Annotated[Whole, Field(ge=300, le=12_000_000, examples=[115200])]


def _speed(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise PydanticCustomError("number", "must be a number above 0, or max")
    return math.inf if value == "max" else value


Speed = Annotated[
    float,
    Field(gt=0, examples=[60, "max"]),
    BeforeValidator(_speed),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"const": "max"}]}),
]


class Port(Section):
    """A serial port: any pyserial URL or device path, or a USB hub port with its interface."""

    url: Annotated[Text | None, Field(examples=["/dev/serial/by-path/…", "rfc2217://host:4011?ign_set_control"])] = None
    usb_path: Annotated[str | None, Field(pattern=r"^[0-9]+-[0-9]+(\.[0-9]+)*$", examples=["1-1.3"])] = None
    interface: Annotated[Whole | None, Field(ge=0, le=31, examples=[2])] = None
    baudrate: Baudrate = 115200

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: Any) -> Any:
        return {"url": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _one_way(self) -> Port:
        if (self.url is None) == (self.usb_path is None):
            raise ValueError("needs either url, or usb_path with interface")
        if self.usb_path is None and self.interface is not None:
            raise ValueError("interface goes with usb_path, not with url")
        return self

    def __str__(self) -> str:
        return self.url or f"usb {self.usb_path} interface {self.interface or 0}"


class ModulePart(Section):
    """The device under test and its place in the platform."""

    model: Text
    port: Port | None = None
    product_key: Secret | None = None
    product_secret: Secret | None = None
    imei: Annotated[str | None, Field(pattern=r"^[0-9]{15}$", examples=["866123450000017"])] = None
    tap: Annotated[Port | None, Field(description="with host: observed: the line that carries host -> module")] = None
    profile: Annotated[dict[str, Any], Field(description="overrides of the model's options", default_factory=dict)]


class Nominal(Section):
    """What the supply gives when nothing is disturbed: volts, amperes."""

    voltage: Annotated[Voltage, Field(gt=0, examples=[3.3])]
    current_limit: Annotated[Current, Field(examples=[1.0])]


class Limits(Section):
    """What the module stands: the upper limit always holds, the lower one unless a disturbance is allowed."""

    min: Annotated[Voltage, Field(gt=0)]
    max: Annotated[Voltage, Field(gt=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Limits:
        if not self.min < self.max:
            raise ValueError("min is not below max")
        return self


class SupplyPart(Section):
    """The programmable supply that powers the module."""

    visa: VisaAddress | None = None
    profile: Annotated[
        Text,
        Field(examples=["keysight-e36300"], description="a name, or a YAML file beside this one: my-supply.yaml"),
    ]
    channel: Annotated[Whole, Field(ge=1, le=16)] = 1
    nominal: Nominal
    limits: Limits | None = None
    over_voltage: Annotated[
        Voltage | None, Field(gt=0, description="of the supply's own protection; without, limits.max and 5 %")
    ] = None
    over_current: Annotated[
        Current | None,
        Field(description="of the supply's own protection, and the highest current limit a test may set"),
    ] = None
    safe_state: Literal["nominal", "off"] = "nominal"
    sample_rate: Annotated[Number, Field(ge=0, le=50, description="samples a real second; 0: none", examples=[3])] = 3


class McuPart(Section):
    """A component of the host's firmware and its version now (SOTA)."""

    component: Annotated[str, Field(pattern=r"^[^:;]{1,32}$", examples=["STM32"])]
    version: Annotated[str, Field(pattern=r"^[^:;]{1,64}$", examples=["1_0_0"])]


class PlacePart(Section):
    """A labgrid place that holds the module's port and power."""

    coordinator: Annotated[str, Field(pattern=r"^[^\s:]+:[0-9]+$", examples=["farm:20408"])]
    name: Text


class Rail(Section):
    """The wire and the capacitors between the virtual supply and the virtual module."""

    line_resistance_ohm: Annotated[Number | None, Field(gt=0)] = None
    capacitance_uf: Annotated[Number | None, Field(gt=0)] = None
    threshold: Annotated[Voltage | None, Field(gt=0)] = None
    hysteresis: Voltage | None = None


class VirtualSupply(Section):
    """In what the virtual supply is slow, weak or noisy; what is left out is as its kind has it. Times are module seconds."""

    transport: Annotated[Literal["socket", "hislip"], Field(description="how it is reached")] = "socket"
    latency: Annotated[Seconds | None, Field(description="how long a message takes it", examples=["20 ms"])] = None
    latency_jitter: Annotated[Seconds | None, Field(description="up to so much more, at random")] = None
    slew_rise: Annotated[Number | None, Field(gt=0, description="V/s", examples=[40])] = None
    slew_fall: Annotated[Number | None, Field(gt=0, description="V/s", examples=[20])] = None
    down_programmer: Annotated[bool, Field(description="false: it never pulls its output down")] = True
    max_current: Annotated[Current | None, Field(description="it folds back here, whatever limit is set")] = None
    aperture: Annotated[Seconds | None, Field(description="a reading is an average over this time")] = None
    voltage_noise: Annotated[Voltage | None, Field(description="of readings, standard deviation")] = None
    current_noise: Annotated[Current | None, Field(description="of readings, standard deviation")] = None
    voltage_resolution: Annotated[Voltage | None, Field(description="readings come in steps of this")] = None
    current_resolution: Annotated[Current | None, Field(description="readings come in steps of this")] = None


class VirtualPart(Section):
    """How the virtual bench is built: the plugin starts it and fills the addresses in."""

    speed: Speed = 1.0
    seed: Annotated[Whole, Field(ge=0)] = 1
    defects: tuple[Text, ...] = ()
    version: Annotated[str | None, Field(max_length=64, examples=["BC25_FOTA_V1_0"])] = None
    signal_dbm: Annotated[Number, Field(ge=-150, le=0)] = -85.0
    battery_percent: Percent | None = None
    rail: Rail = Rail()
    supply: VirtualSupply = VirtualSupply()
    transport: Literal["pty", "socket"] = "pty"
    state: Annotated[Text | None, Field(description="folder that keeps flash and database between runs")] = None


class Rig(Section):
    """One bench. `speed` is module seconds per real second (`math.inf`: as fast as the machine goes)."""

    name: Name
    module: Annotated[ModulePart, Field(examples=["module: {model: BC25, port: /dev/ttyUSB0}"])]
    supply: SupplyPart | None = None
    allow: tuple[Literal["cuts"], ...] = ()
    cuts_per_run: Annotated[Whole | None, Field(gt=0, examples=[50])] = None
    controls: Controls = Controls()
    developer_center: Annotated[DeveloperCenter, Field(examples=["developer_center: {kind: manual}"])]
    mcu: tuple[McuPart, ...] = ()
    host: Literal["played", "observed"] = "played"
    speed: Speed = 1.0
    place: PlacePart | None = None
    virtual: VirtualPart | None = None
    _folder: Path | None = PrivateAttr(default=None)

    @property
    def waveforms(self) -> Path | None:
        """Where the rig's own waveforms may lie: `waveforms/` beside its file; None for a rig of no file."""
        return None if self._folder is None else self._folder / "waveforms"

    def beside(self, folder: Path) -> Rig:
        """This rig, as it stands in a file of that folder."""
        self._folder = folder
        return self

    @property
    def is_virtual(self) -> bool:
        """Whether the plugin starts the bench itself."""
        return self.virtual is not None

    @property
    def is_hardware(self) -> bool:
        """Whether what is seen here may count as proof for hardware: no virtual bench, no clock that runs faster."""
        return self.virtual is None and self.speed == 1

    @property
    def model(self) -> models.Model:
        """The facts of the rig's module, with this rig's overrides of its options."""
        return models.load(self.module.model).with_options(self.module.profile)

    @property
    def needs_bench(self) -> bool:
        """Whether a virtual bench has yet to be started for it, which fills the addresses in."""
        return self.virtual is not None and self.module.port is None

    def capabilities(self) -> frozenset[str]:
        """What tests may ask for with `@pytest.mark.needs(…)` on this rig."""
        return frozenset(name for name, holds in CAPABILITIES.items() if holds(self))

    def product(self) -> tuple[str | None, str | None]:
        """ProductKey and ProductSecret in the clear, to be written to the module and nowhere else."""
        return _clear(self.module.product_key), _clear(self.module.product_secret)

    def token(self) -> str | None:
        """The Developer Center's token in the clear, None where it has none."""
        return _clear(getattr(self.developer_center, "token", None))

    def secrets(self) -> list[str]:
        """The texts that no record may hold."""
        return [text for text in (*self.product(), self.token()) if text]


def _clear(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _driven(rig: Rig) -> bool:
    return isinstance(rig.developer_center, (Embedded, Http))


def _cuts(rig: Rig) -> bool:
    return rig.supply is not None and "cuts" in rig.allow


CAPABILITIES: Mapping[str, Callable[[Rig], bool]] = {
    "supply": lambda rig: rig.supply is not None,
    "cuts": _cuts,
    "battery": _cuts,
    "mcu": lambda rig: bool(rig.mcu),
    "monitoring": _driven,
    "plans": _driven,
    "attenuator": lambda rig: rig.controls.attenuator is not None,
    "pwrkey": lambda rig: rig.controls.pwrkey is not None,
    "reset": lambda rig: rig.controls.reset is not None,
    "virtual": lambda rig: rig.is_virtual,
    "hardware": lambda rig: rig.is_hardware,
    "played": lambda rig: rig.host == "played",
    "observed": lambda rig: rig.host == "observed",
}
"""What a test may need, and when a rig has it."""
