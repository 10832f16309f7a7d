"""What must hold between two parts of a rig file.

Each check is a function over the parts it names; it runs as soon as these are right by themselves, so that one typing
error does not hide the next problem. A finding says where (the steps to a value), what is wrong, what would be right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pytest_quecfota import models
from pytest_quecfota.rig import places
from pytest_quecfota.rig.document import Steps
from pytest_quecfota.rig.platforms import DeveloperCenter, Embedded, Http, Manual
from pytest_quecfota.rig.schema import McuPart, ModulePart, PlacePart, SupplyPart, VirtualPart


@dataclass(frozen=True)
class Finding:
    """Something wrong at `steps` of the file.

    `value` is told, unless it came from the environment; `absent`: nothing stands there; `at_name`: the name is wrong.
    """

    steps: Steps
    what: str
    remedy: str = ""
    value: object = None
    absent: bool = False
    at_name: bool = False


Check = Callable[..., Iterator[Finding]]
CHECKS: dict[Check, tuple[str, ...]] = {}


def _needs(*parts: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS[check] = parts
        return check

    return register


def run(parts: Mapping[str, Any]) -> Iterator[Finding]:
    """All findings of the checks whose parts are all in `parts` (a part that is wrong by itself is not)."""
    for check, needed in CHECKS.items():
        if set(needed) <= set(parts):
            yield from check(*(parts[name] for name in needed))


def known_model(module: ModulePart) -> models.Model | None:
    """The model of the rig, or None where there is no such model."""
    return models.load(module.model) if module.model in models.names() else None


@_needs("module")
def _model_is_known(module: ModulePart) -> Iterator[Finding]:
    if known_model(module) is None:
        remedy = places.did_you_mean(module.model, models.names())
        yield Finding(("module", "model"), "must be a known model", remedy, value=module.model)


@_needs("module")
def _profile_overrides_options(module: ModulePart) -> Iterator[Finding]:
    model = known_model(module) or models.load("BC25")
    for name, value in module.profile.items():
        steps = ("module", "profile", name)
        try:
            model.with_options({name: value})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if first["type"] == "extra_forbidden":
                near = places.did_you_mean(name, models.Options.model_fields)
                yield Finding(steps, "unknown option", near, at_name=True)
            else:
                yield Finding(steps, first["msg"].replace("Input should", "must"))


@_needs("module", "virtual", "place")
def _port_is_named(module: ModulePart, virtual: VirtualPart | None, place: PlacePart | None) -> Iterator[Finding]:
    steps = ("module", "port")
    if virtual is not None and module.port is not None:
        yield Finding(steps, "a virtual rig has no port of its own", "leave it out, the plugin fills it in")
    if virtual is None and place is None and module.port is None:
        remedy = "for example port: /dev/serial/by-path/…, or virtual: {} for a virtual bench"
        yield Finding(steps, "", remedy, absent=True)


@_needs("module", "host")
def _tap_needs_an_observed_host(module: ModulePart, host: str) -> Iterator[Finding]:
    if module.tap is not None and host != "observed":
        remedy = "say host: observed, where a real MCU talks to the module"
        yield Finding(("module", "tap"), "the plugin itself is the host, there is nothing to tap", remedy)
    if module.tap is None and host == "observed":
        remedy = "for example tap: {url: /dev/ttyUSB3, baudrate: 115200}, wired to the MCU's TX line"
        yield Finding(
            ("module", "tap"), "host: observed needs the line that carries host -> module", remedy, absent=True
        )


@_needs("host", "virtual")
def _a_virtual_bench_has_no_mcu(host: str, virtual: VirtualPart | None) -> Iterator[Finding]:
    if host == "observed" and virtual is not None:
        remedy = "start it by `quecfota bench` and describe its lines in a rig file of their own (docs: observe a host)"
        yield Finding(("host",), "a virtual rig has no MCU of its own to observe", remedy)


@_needs("module", "host", "developer_center")
def _an_observed_device_has_a_name(module: ModulePart, host: str, center: DeveloperCenter) -> Iterator[Finding]:
    if host == "observed" and isinstance(center, Http) and module.imei is None:
        remedy = "give its IMEI, by which the Developer Center knows it"
        yield Finding(
            ("module", "imei"), "a module that is only listened to cannot be asked for it", remedy, absent=True
        )


@_needs("supply", "virtual", "place")
def _supply_has_an_address(
    supply: SupplyPart | None, virtual: VirtualPart | None, place: PlacePart | None
) -> Iterator[Finding]:
    steps = ("supply", "visa")
    if supply is None:
        return
    if virtual is not None and supply.visa is not None:
        yield Finding(steps, "a virtual rig has no supply of its own", "leave it out, the plugin fills it in")
    if virtual is None and place is None and supply.visa is None:
        yield Finding(steps, "", "for example visa: TCPIP::192.0.2.50::5025::SOCKET", absent=True)


@_needs("module", "supply", "virtual")
def _limits_are_known(module: ModulePart, supply: SupplyPart | None, virtual: VirtualPart | None) -> Iterator[Finding]:
    model = known_model(module)
    if supply is None or model is None or supply.limits is not None or virtual is not None or model.supply.confirmed:
        return
    known = f"{model.supply.min:g} to {model.supply.max:g} V ({model.supply.source})"
    remedy = "look them up in its hardware design and write limits: {min: …, max: …}"
    yield Finding(("supply", "limits"), f"nobody has confirmed those of {model.name}: {known}", remedy, absent=True)


@_needs("module", "supply")
def _nominal_is_within_the_limits(module: ModulePart, supply: SupplyPart | None) -> Iterator[Finding]:
    model = known_model(module)
    bounds = (supply.limits if supply else None) or (model.supply if model else None)
    if supply is None or bounds is None or bounds.min <= supply.nominal.voltage <= bounds.max:
        return
    where = ("supply", "nominal", "voltage")
    yield Finding(where, f"must lie within the limits {bounds.min:g} to {bounds.max:g} V", value=supply.nominal.voltage)


@_needs("module", "supply")
def _protections_lie_above_what_they_protect(module: ModulePart, supply: SupplyPart | None) -> Iterator[Finding]:
    model = known_model(module)
    bounds = (supply.limits if supply else None) or (model.supply if model else None)
    if supply is None:
        return
    if supply.over_voltage is not None and bounds is not None and supply.over_voltage <= bounds.max:
        what = f"must lie above the upper limit of {bounds.max:g} V, or it switches off in the middle of a test"
        yield Finding(("supply", "over_voltage"), what, "leave it out for 5 % above", value=supply.over_voltage)
    if supply.over_current is not None and supply.over_current <= supply.nominal.current_limit:
        what = f"must lie above the nominal current limit of {supply.nominal.current_limit:g} A"
        yield Finding(("supply", "over_current"), what, "leave it out for 10 % above", value=supply.over_current)


@_needs("developer_center", "virtual")
def _platform_fits_the_bench(center: DeveloperCenter, virtual: VirtualPart | None) -> Iterator[Finding]:
    kind = ("developer_center", "kind")
    if virtual is not None and not isinstance(center, Embedded):
        yield Finding(kind, "a virtual rig brings its own", "leave developer_center out, or say kind: embedded")
    if virtual is None and isinstance(center, Embedded):
        yield Finding(kind, "embedded exists only on virtual rigs", "say kind: http or kind: manual")
    if isinstance(center, Embedded) and (center.url or center.token):
        yield Finding(("developer_center",), "the plugin fills url and token of embedded in", "leave them out")


@_needs("developer_center")
def _delta_plans_name_their_source(center: DeveloperCenter) -> Iterator[Finding]:
    for index, plan in enumerate(center.plans if isinstance(center, Manual) else ()):
        if plan.package_type == "delta" and not plan.source_version:
            where = ("developer_center", "plans", index, "source_version")
            yield Finding(where, "a delta package applies to one version only", absent=True)


@_needs("mcu")
def _components_are_unique(mcu: tuple[McuPart, ...]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, part in enumerate(mcu):
        if first.setdefault(part.component, index) != index:
            yield Finding(("mcu", index, "component"), f"is that of mcu.{first[part.component]} too", "they are unique")


@_needs("mcu")
def _components_fit_the_modules_list(mcu: tuple[McuPart, ...]) -> Iterator[Finding]:
    if len(";".join(f"{part.component}:{part.version}" for part in mcu)) > 511:
        yield Finding(("mcu",), "is longer than a module stores", "names and versions together at most 511 characters")


@_needs("speed", "virtual")
def _speed_stands_in_one_place(speed: float, virtual: VirtualPart | None) -> Iterator[Finding]:
    if virtual is not None and speed != 1.0:
        yield Finding(("speed",), "is for a simulated bench that is not ours", "on this rig say virtual: {speed: …}")


@_needs("supply", "cuts_per_run", "allow")
def _cuts_need_a_supply(
    supply: SupplyPart | None, cuts_per_run: int | None, allow: tuple[str, ...]
) -> Iterator[Finding]:
    if supply is None and allow:
        yield Finding(("allow",), "nothing can be cut without a supply", "describe it under supply:")
    if cuts_per_run is not None and not allow:
        yield Finding(("cuts_per_run",), "bounds what is not allowed", "add allow: [cuts]")
