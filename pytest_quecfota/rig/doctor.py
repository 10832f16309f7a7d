"""Looks whether a rig can do its work, before a night is lost on it: `quecfota doctor --rig NAME`.

Each examination is one function over the rig and the machine; it yields findings and never raises for what it finds. All
together take seconds, whatever hangs. What nobody has confirmed about the module or the supply is said plainly.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_quecfota.errors import RigHeld
from pytest_quecfota.models.schema import Mark
from pytest_quecfota.rig import lease
from pytest_quecfota.rig.controls import Command, CommandAttenuator, GpioLine
from pytest_quecfota.rig.schema import Rig

Level = Literal["ok", "hint", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `level` (error: the rig cannot work), `what` it is about, and what would help."""

    level: Level
    what: str
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Machine:
    """Where the examinations look; tests put a made-up machine here."""

    sys: Path = Path("/sys")
    proc: Path = Path("/proc")
    dev: Path = Path("/dev")
    which: Callable[[str], str | None] = shutil.which
    has_package: Callable[[str], bool] = lambda name: importlib.util.find_spec(name) is not None


Examination = Callable[[Rig, Machine], Iterator[Finding]]

VIRTUAL_PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "httpx", "python_multipart", "bsdiff4")
_SAID = {
    Mark.REMEMBERED: "only remembered, read by nobody in a manual",
    Mark.CONTRADICTED: "sources contradict each other, this is our decision",
    Mark.CHOSEN: "published nowhere, our own choice",
}


def examine(rig: Rig, machine: Machine | None = None) -> list[Finding]:
    """All findings on the rig, in the order in which a person would look."""
    from pytest_quecfota.rig import attached

    looks: tuple[Examination, ...] = (
        attached.serial_port,
        attached.disturbers_of_the_port,
        attached.supply,
        attached.developer_center,
        _product,
        _controls,
        _place,
        _packages,
        _lease,
        _cuts,
        _model_facts,
        _profile_facts,
    )
    here = machine or Machine()
    return [finding for look in looks for finding in look(rig, here)]


def _product(rig: Rig, _machine: Machine) -> Iterator[Finding]:
    if rig.is_virtual:
        return
    key, secret = rig.product()
    if key and secret:
        yield Finding("ok", "product", "ProductKey and ProductSecret are given")
    else:
        missing = " and ".join(name for name, value in (("product_key", key), ("product_secret", secret)) if not value)
        yield Finding(
            "warning",
            "product",
            f"{missing} missing: the module is used with the product it already knows",
            "write them as module.product_key: ${QUEC_PK} and module.product_secret: ${QUEC_PS}",
        )


def _controls(rig: Rig, machine: Machine) -> Iterator[Finding]:
    for name in type(rig.controls).model_fields:
        control = getattr(rig.controls, name)
        words = control.press if isinstance(control, Command) else ()
        words = control.set if isinstance(control, CommandAttenuator) else words
        if words and machine.which(words[0]) is None:
            yield Finding(
                "error", f"control {name}", f"there is no program {words[0]!r}", "install it, or give its path"
            )
        if isinstance(control, GpioLine) and not machine.has_package("gpiod"):
            yield Finding("error", f"control {name}", "gpiod is missing", "pip install 'pytest-quecfota[gpio]'")


def _place(rig: Rig, machine: Machine) -> Iterator[Finding]:
    if rig.place is not None and machine.which("labgrid-client") is None:
        remedy = "install labgrid in an environment of its own and put its labgrid-client on PATH"
        yield Finding("error", "place", "there is no program 'labgrid-client'", remedy)


def _packages(rig: Rig, machine: Machine) -> Iterator[Finding]:
    if rig.is_virtual:
        missing = [name for name in VIRTUAL_PACKAGES if not machine.has_package(name)]
        if missing:
            remedy = "pip install 'pytest-quecfota[virtual]'"
            yield Finding("error", "virtual bench", f"packages are missing: {', '.join(missing)}", remedy)
        else:
            yield Finding("ok", "virtual bench", "all its packages are installed")
    if not machine.has_package("matplotlib"):
        remedy = "pip install 'pytest-quecfota[plots]'"
        yield Finding("hint", "pictures", "matplotlib is missing: tests leave no timeline.svg", remedy)


def _lease(rig: Rig, _machine: Machine) -> Iterator[Finding]:
    if rig.needs_bench:
        return
    try:
        lease.hold(rig).release()
    except RigHeld as held:
        yield Finding("warning", "lease", str(held))
    except OSError as error:
        yield Finding("error", "lease", f"the folder of the leases cannot be used: {error}", "set QUECFOTA_RUN_DIR")
    else:
        yield Finding("ok", "lease", "nobody holds the rig")


def _cuts(rig: Rig, _machine: Machine) -> Iterator[Finding]:
    if rig.supply is None:
        yield Finding("hint", "supply", "none: power tests and power cycles are left out")
    elif "cuts" not in rig.allow:
        yield Finding("hint", "cuts", "not allowed: tests that disturb the supply are skipped", "say allow: [cuts]")
    elif rig.is_hardware and rig.cuts_per_run is None:
        text = "allowed without a bound; cutting the supply while flash is written may destroy the module"
        yield Finding("hint", "cuts", text, "bound them with cuts_per_run: 50")


def _model_facts(rig: Rig, _machine: Machine) -> Iterator[Finding]:
    unconfirmed = rig.model.unconfirmed()
    for mark, said in _SAID.items():
        facts = [f"{path} {_short(fact.value)}" for path, fact in unconfirmed.items() if fact.mark is mark]
        if facts:
            yield Finding("hint", f"model {rig.model.name}", f"{said}: {', '.join(sorted(facts))}")


def _profile_facts(rig: Rig, _machine: Machine) -> Iterator[Finding]:
    if rig.supply is None:
        return
    from pytest_quecfota.power import load_profile

    try:
        profile = load_profile(rig.supply.profile)
    except ValueError as error:
        yield Finding("error", "supply profile", str(error))
        return
    if rig.supply.channel > profile.channels:
        text = f"{profile.title} has {profile.channels} channels, the rig file asks for {rig.supply.channel}"
        yield Finding("error", "supply profile", text, "correct supply.channel")
    if profile.unconfirmed:
        yield Finding("hint", f"profile {profile.name}", f"no manual confirms: {'; '.join(profile.unconfirmed)}")


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
