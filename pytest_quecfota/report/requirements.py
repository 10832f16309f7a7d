"""What must be proven, by what it was proven, and where that counts.

The catalogue comes from a YAML list (`hil_tests/requirements.yaml`: id, title, whose, group); verdicts come from a
run's `run.json`. The matrix goes to the static page, the closing lines and the sign-off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_quecfota.report.verdicts import RigFacts, Verdict, worst_first

WHOSE = ("module", "platform", "host")
#: Group of a test that names no requirement, and of requirements the catalogue does not know.
OTHER = "Other tests"

_ID = re.compile(r"[A-Z][A-Z0-9]*-\d+")


@dataclass(frozen=True)
class Requirement:
    """One requirement of the system under test; `whose` says who must behave so: module, platform or host."""

    id: str
    title: str
    whose: str = "module"
    group: str = OTHER
    url: str = ""


@dataclass(frozen=True)
class Row:
    """One requirement and the verdicts that speak about it, worst first.

    `state` is `proven` (tests passed, none spoke against it), `refuted` (at least one failed), `undecided` (only bench
    faults, blocked or unfinished tests kept it from being decided) or `open` (no test ran).
    """

    requirement: Requirement
    verdicts: tuple[Verdict, ...] = ()
    state: str = "open"
    counts: bool = False  # True where this rig's word is proof for hardware


@dataclass(frozen=True)
class Catalogue:
    """All requirements by id, in the order of the file."""

    requirements: Mapping[str, Requirement] = field(default_factory=dict)

    def get(self, identifier: str) -> Requirement:
        """The requirement of that id, or a placeholder where the catalogue has none."""
        known = self.requirements.get(identifier)
        return known if known is not None else Requirement(identifier, "not in the catalogue of requirements")

    def group(self, identifiers: Sequence[str]) -> str:
        """The chapter of a test: that of the first requirement it names."""
        return self.get(identifiers[0]).group if identifiers else OTHER


def load(path: Path) -> Catalogue:
    """Read a catalogue.

    Raises `ValueError` with one line per problem (`file: entry: what is wrong`), `OSError` where the file cannot be
    read.
    """
    import yaml

    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(entries, list):
        raise ValueError(f"{path}: expected a list of {{id, title, whose}}")
    found: dict[str, Requirement] = {}
    problems = []
    for number, entry in enumerate(entries, start=1):
        wrong = _problem(entry, found)
        if wrong:
            problems.append(f"{path}: entry {number}: {wrong}")
        else:
            found[entry["id"]] = Requirement(**entry)
    if problems:
        raise ValueError("\n".join(problems))
    return Catalogue(found)


def _problem(entry: Any, found: Mapping[str, Requirement]) -> str:
    keys = Requirement.__dataclass_fields__
    if not isinstance(entry, dict):
        return "expected a map with id, title and whose"
    if unknown := [str(key) for key in entry if key not in keys]:
        return f"unknown key {', '.join(unknown)}; known are {', '.join(keys)}"
    if wrong := [key for key, value in entry.items() if not isinstance(value, str)]:
        return f"{', '.join(wrong)} must be text"
    if not _ID.fullmatch(entry.get("id", "")):
        return f"id {entry.get('id')!r} must look like OTA-07"
    if entry["id"] in found:
        return f"{entry['id']} is there twice"
    if not entry.get("title", "").strip():
        return f"{entry['id']} has no title"
    if entry.get("whose") not in WHOSE:
        return f"{entry['id']}: whose must be one of {', '.join(WHOSE)}, not {entry.get('whose')!r}"
    return ""


def matrix(catalogue: Catalogue, verdicts: Iterable[Verdict], rigs: Sequence[RigFacts] = ()) -> list[Row]:
    """One row per requirement of the catalogue, then one per unknown id that a test named."""
    speaking: dict[str, list[Verdict]] = {identifier: [] for identifier in catalogue.requirements}
    for verdict in verdicts:
        for identifier in verdict.requirements:
            speaking.setdefault(identifier, []).append(verdict)
    facts = {rig.name: rig for rig in rigs}
    return [_row(catalogue.get(identifier), found, facts) for identifier, found in speaking.items()]


def _row(requirement: Requirement, verdicts: Sequence[Verdict], rigs: Mapping[str, RigFacts]) -> Row:
    outcomes = {verdict.outcome for verdict in verdicts}
    passed = [verdict for verdict in verdicts if verdict.outcome == "passed"]
    counts = any(counts_as_proof(requirement, rigs.get(verdict.rig)) for verdict in passed)
    return Row(requirement, tuple(worst_first(verdicts)), _state(outcomes), counts)


def _state(outcomes: set[str]) -> str:
    if "failed" in outcomes:
        return "refuted"
    if outcomes & {"broken", "blocked", "unfinished"}:
        return "undecided"
    return "proven" if "passed" in outcomes else "open"


def counts_as_proof(requirement: Requirement, rig: RigFacts | None) -> bool:
    """Whether a pass on that rig proves something about hardware, or only about the tool and its own platform."""
    if rig is None or not rig.is_hardware:
        return False
    return {"module": True, "platform": rig.developer_center == "manual", "host": rig.host == "observed"}[
        requirement.whose
    ]
