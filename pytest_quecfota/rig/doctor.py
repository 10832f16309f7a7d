"""Looks whether a rig can do its work, before a night is lost on it: `quecfota doctor --rig NAME`.

Each examination is one function over the rig and the machine; it yields findings and never raises for what it finds. All
together take seconds, whatever hangs. What nobody has confirmed about the module or the supply is said plainly.
"""

from __future__ import annotations

import importlib.util
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_quecfota.errors import RigHeld
from pytest_quecfota.models.schema import Mark
from pytest_quecfota.rig import lease
from pytest_quecfota.rig.controls import Command, CommandAttenuator, GpioLine
from pytest_quecfota.rig.schema import Rig, SupplyPart

if TYPE_CHECKING:
    from pytest_quecfota.power import Profile

Level = Literal["ok", "hint", "warning", "error"]

WIDTH = 100
INDENT = 9  # columns of the level and its space
_KEPT = "\N{NO-BREAK SPACE}"
LONG = 50  # characters: a list with longer members is set line by line


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `level` (error: the rig cannot work), `what` it is about, and what would help.

    Where `text` ends in a list, `items` are its members.
    """

    level: Level
    what: str
    text: str
    remedy: str = ""
    items: tuple[str, ...] = ()

    @classmethod
    def listing(cls, level: Level, what: str, heading: str, items: Sequence[str]) -> Finding:
        """One that lists `items`."""
        return cls(level, what, f"{heading}: {'; '.join(items)}", items=tuple(items))

    def lines(self, width: int = WIDTH) -> list[str]:
        """As a person reads it: wrapped at `width`, long members of a list one below the other."""
        below = " " * INDENT
        by_lines = any(len(item) > LONG for item in self.items)
        flowing = "" if by_lines else "; ".join(item.replace(" ", _KEPT) for item in self.items)
        text = self.text.removesuffix("; ".join(self.items)) + flowing
        told = _wrapped(f"{self.level:{INDENT - 1}} {self.what}: {text.strip()}", width, below)
        for item in self.items if by_lines else ():
            told += _wrapped(f"{below}- {item}", width, below + "  ")
        return [*told, *(_wrapped(below + self.remedy, width, below) if self.remedy else ())]


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
        attached.tap,
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
            yield Finding.listing("hint", f"model {rig.model.name}", said, sorted(facts))


def _profile_facts(rig: Rig, _machine: Machine) -> Iterator[Finding]:
    if rig.supply is None:
        return
    from pytest_quecfota.rig import supply_profiles

    try:
        profile = supply_profiles.find(rig.supply.profile)
    except ValueError as error:
        yield Finding("error", "supply profile", str(error))
        return
    if rig.supply.channel > profile.channels:
        text = f"{profile.title} has {profile.channels} channels, the rig file asks for {rig.supply.channel}"
        yield Finding("error", "supply profile", text, "correct supply.channel")
    kind = _transport(rig.supply.visa or "")
    if kind is not None and kind not in profile.transport.kinds:
        text = f"{profile.title} is not known to speak over {kind}; {profile.transport.recommended}"
        yield Finding("warning", "supply profile", text)
    yield from _abilities(profile, rig.supply)
    if profile.unconfirmed:
        yield Finding.listing("hint", f"profile {profile.name}", "no manual confirms", profile.unconfirmed)


def _abilities(profile: Profile, supply: SupplyPart) -> Iterator[Finding]:
    """What the supply does by itself, and what the host must do for it."""
    engine, guards = profile.list_engine, profile.protection
    if engine is None:
        plays = "waveforms are stepped by the host, as fast as its messages are"
    else:
        least = f"{engine.min_dwell * 1000:g} ms" if engine.min_dwell < 1 else f"{engine.min_dwell:g} s"
        plays = f"waveforms of up to {engine.max_steps} steps of {least} and more are played by the supply itself"
    emulates = (
        "a battery is emulated by the supply" if profile.battery is not None else "a battery is played by the host"
    )
    yield Finding("ok", f"profile {profile.name}", f"{plays}; {emulates}")
    if guards.over_voltage is None:
        text = "the family has no over-voltage protection: only what is sent is held against the rig's limit"
        yield Finding("hint", f"profile {profile.name}", text)
    if supply.over_current is not None and guards.over_current is None:
        text = "the family has no over-current protection of its own: over_current bounds what a test may set, nothing more"
        yield Finding("warning", f"profile {profile.name}", text)


def _transport(visa: str) -> str | None:
    """What a VISA address travels over, in the words of the profiles; None where that cannot be seen."""
    upper = visa.upper()
    if upper.startswith("TCPIP"):
        return "SOCKET" if upper.endswith("::SOCKET") else "HISLIP" if "::HISLIP" in upper else "VXI11"
    return next((kind for kind in ("ASRL", "USB", "GPIB") if upper.startswith(kind)), None)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    lines = textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [line.replace(_KEPT, " ") for line in lines]


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
