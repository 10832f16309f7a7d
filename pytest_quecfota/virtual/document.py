"""The resolved document a bench is started with, typed.

The test side resolves a rig file and sends one JSON document (a file, or standard input); this module turns it into
frozen dataclasses. What the document leaves out takes the defaults written here; an unknown key or a wrong type is
one clear error.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .supply_options import SupplyOptions

T = TypeVar("T")


class DocumentError(ValueError):
    """The document is not one a bench can be built from; the text names the key and what would be right."""


@dataclass(frozen=True)
class Mcu:
    """One component of the host's firmware (for rigs with SOTA); the bench only carries it along."""

    component: str
    version: str = ""


@dataclass(frozen=True)
class ModuleSpec:
    """The module under test: which model it is and what is written into it before its first power-on."""

    model: str = "BC25"
    flavour: str | None = None
    imei: str | None = None
    version: str | None = None
    baudrate: int = 115200
    profile: Mapping[str, Any] = field(default_factory=dict)
    mcu: tuple[Mcu, ...] = ()
    transport: str = "pty"
    product_key: str | None = None
    product_secret: str | None = None

    @property
    def initial_version(self) -> str:
        """Version of the image the module leaves the factory with."""
        return self.version or f"{self.model}_FOTA_V1_0"


@dataclass(frozen=True)
class Nominal:
    """What the supply's output is set to when the bench comes up (volts, amperes)."""

    voltage: float = 3.3
    current_limit: float = 1.0


@dataclass(frozen=True)
class SupplySpec:
    """Which instrument the virtual supply is, its nominal setting, and in what it is poor."""

    profile: str = "keysight-e36300"
    channel: int = 1
    nominal: Nominal = field(default_factory=Nominal)
    options: SupplyOptions = field(default_factory=SupplyOptions)


@dataclass(frozen=True)
class RadioSpec:
    """Conditions on the air at the start."""

    signal_dbm: float = -85.0


@dataclass(frozen=True)
class CenterSpec:
    """Which Developer Center the module talks to: `embedded` is started by the bench, `http` is one that runs at `url`."""

    kind: str = "embedded"
    url: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class Document:
    """All a bench is built from. `speed` is module seconds per real second, `math.inf` for as fast as the machine goes."""

    schema: int = 1
    name: str = "virtual"
    speed: float = 1.0
    seed: int = 1
    state: str | None = None
    parent: int | None = None
    module: ModuleSpec = field(default_factory=ModuleSpec)
    supply: SupplySpec = field(default_factory=SupplySpec)
    developer_center: CenterSpec = field(default_factory=CenterSpec)
    radio: RadioSpec = field(default_factory=RadioSpec)
    battery_percent: float | None = None
    rail: Mapping[str, float] = field(default_factory=dict)
    defects: tuple[str, ...] = ()


def speed_of(value: object) -> float:
    """The clock's speed from a number above zero or the word `max`.

    Raises:
        DocumentError: for anything else.
    """
    if value == "max":
        return math.inf
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return float(value)
    raise DocumentError(f"speed: {value!r}; a number above 0, or max")


def parse(text: str) -> Document:
    """The document in `text` (JSON).

    Raises:
        DocumentError: not JSON, an unknown key, a wrong type, another schema.
    """
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise DocumentError("an object is expected")
    if raw.get("schema", 1) != 1:
        raise DocumentError(f"schema: {raw['schema']!r}; this bench understands 1")
    return _build(Document, {**raw, "speed": speed_of(raw.get("speed", 1))}, "")


def read(source: str) -> Document:
    """The document in the file `source`, or on standard input where it is `-`."""
    return parse(sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8"))


def _build(cls: type[T], raw: object, path: str) -> T:
    if not isinstance(raw, Mapping):
        raise DocumentError(f"{path.rstrip('.') or 'document'}: an object is expected")
    hints = typing.get_type_hints(cls)
    unknown = sorted(set(raw) - set(hints))
    if unknown:
        raise DocumentError(f"{path}{unknown[0]}: unknown; known are {', '.join(sorted(hints))}")
    values = {key: _value(hints[key], value, f"{path}{key}") for key, value in raw.items()}
    try:
        return cls(**values)
    except DocumentError:
        raise
    except ValueError as problem:
        raise DocumentError(f"{path}{problem}") from None


def _value(hint: Any, value: object, path: str) -> object:
    """`value` as the annotated type `hint` wants it."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
        return None if value is None else _value(choices[0], value, path)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, f"{path}.")
    if origin is tuple:
        return tuple(_value(typing.get_args(hint)[0], item, f"{path}[]") for item in _typed(list, value, path))
    if origin is not None:
        return _typed(Mapping, value, path)
    if hint is float:
        return float(_typed((int, float), value, path))
    return _typed(hint, value, path)


def _typed(kind: Any, value: object, path: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        wanted = getattr(kind, "__name__", "number")
        raise DocumentError(f"{path}: {value!r}; {wanted} is expected")
    return value
