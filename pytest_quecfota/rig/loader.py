"""From a rig file to a Rig, or to every problem of the file at once.

`document` reads the file and knows where everything stands, `schema` says what is right, `checks` what must hold
between parts. Here their findings become lines a person can click on: `rigs/bench2.yaml:7:7: module.prot: unknown
key; did you mean 'port'?`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, create_model

from pytest_quecfota.errors import RigError
from pytest_quecfota.rig import checks, places, supply_profiles, wording
from pytest_quecfota.rig import document as documents
from pytest_quecfota.rig.document import Document
from pytest_quecfota.rig.schema import Limits, Rig

SUFFIXES = (".yaml", ".yml")


def find(rig_dir: Path | str = Path("rigs")) -> list[Path]:
    """The rig files of a folder, sorted by name; files without a `module:` (bases of others) are left out."""
    folder = Path(rig_dir)
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and _describes_a_rig(path))


def load(
    name_or_path: str | os.PathLike[str], rig_dir: Path | str = Path("rigs"), environ: Mapping[str, str] | None = None
) -> Rig:
    """The rig called `name_or_path` (the stem of a file in `rig_dir`), or the rig in the file of that path.

    Raises:
        RigError: no such rig (lists those there are), or one line per problem of the file.
    """
    path = _path_of(name_or_path, Path(rig_dir))
    document = documents.read(path, os.environ if environ is None else environ)
    data = {"name": path.stem, **document.data}
    problems = list(document.problems)
    rig: Rig | None = None
    if document.readable:
        _fill_in_virtual(data)
        rig, found = _validate(data, document)
        problems += found
    lines = [str(problem) for problem in sorted(set(problems))]
    profile, wrong = _supply_profile(data, document)
    if rig is None or lines or wrong:
        raise RigError([*lines, *wrong])
    return _resolved(rig, profile).beside(path.parent.resolve())


def json_schema() -> dict[str, Any]:
    """JSON Schema of a rig file, for editors (`# yaml-language-server: $schema=…`)."""
    schema = Rig.model_json_schema()
    extends = {"type": "string", "description": "another rig file below this one: maps are merged, lists replaced"}
    schema["properties"]["extends"] = extends
    schema["required"] = ["module"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "A rig of pytest-quecfota"}


def describe(path: Path) -> str:
    """One line on the rig in `path`, whatever is wrong with it: `BC25, virtual, speed 60, keysight-e36300, …`."""
    data = documents.read(path, _Unset()).data
    module, supply = _map(data, "module"), _map(data, "supply")
    if isinstance(data.get("virtual"), dict):
        where = [f"virtual, speed {_map(data, 'virtual').get('speed', 1)}"]
    else:
        port = module.get("port")
        url = (port.get("url") or f"usb {port.get('usb_path')}") if isinstance(port, dict) else port
        where = [f"on {url}" if url else "without a port"]
    parts = [str(module.get("model", "no model")), *where, str(supply.get("profile", "no supply"))]
    return ", ".join([*parts, f"Developer Center {_map(data, 'developer_center').get('kind', 'embedded')}"])


def overview(rig_dir: Path | str = Path("rigs")) -> str:
    """The rigs of a folder with their descriptions, one a line; for messages."""
    found = find(rig_dir)
    if not found:
        return f"no rig files in {rig_dir}"
    width = max(len(path.stem) for path in found)
    return "\n".join([f"rigs in {rig_dir}:", *(f"  {path.stem:<{width}}  {describe(path)}" for path in found)])


def _path_of(name_or_path: str | os.PathLike[str], rig_dir: Path) -> Path:
    text = os.fspath(name_or_path)
    if os.sep in text or text.endswith(SUFFIXES):
        path = Path(text)
        if path.is_file():
            return path
        raise RigError([f"no rig file {text}\n{overview(path.parent if path.parent.is_dir() else rig_dir)}"])
    for suffix in SUFFIXES:
        if (rig_dir / f"{text}{suffix}").is_file():
            return rig_dir / f"{text}{suffix}"
    near = places.did_you_mean(text, [path.stem for path in find(rig_dir)])
    hint = f"; {near}" if near.startswith("did you") else ""
    raise RigError([f"no rig called {text!r}{hint}\n{overview(rig_dir)}"])


def _fill_in_virtual(data: dict[str, Any]) -> None:
    """`virtual:` alone is a virtual bench as it comes; it brings its own Developer Center."""
    if "virtual" in data:
        data["virtual"] = {} if data["virtual"] is None else data["virtual"]
        data.setdefault("developer_center", {"kind": "embedded"})


def _validate(data: dict[str, Any], document: Document) -> tuple[Rig | None, list[places.Problem]]:
    try:
        rig = Rig.model_validate(data)
    except ValidationError as error:
        found = list(wording.problems(error, document))
        parts = _sound_parts(data)
        rig = None
    else:
        found = []
        parts = {name: getattr(rig, name) for name in Rig.model_fields}
    for finding in checks.run(parts):
        elsewhere = finding.absent and not document.complete
        if not elsewhere and finding.steps not in document.broken:
            found.append(wording.problem(document, finding))
    return rig, found


@functools.cache
def _part(name: str) -> type[BaseModel]:
    """A model of one part of a rig file alone."""
    field = Rig.model_fields[name]
    definitions: dict[str, Any] = {name: (field.annotation, field)}
    return create_model(f"Part_{name}", **definitions)


def _sound_parts(data: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a wrong file that are right by themselves, so that checks between them still run."""
    sound = {}
    for name in Rig.model_fields:
        try:
            part = _part(name).model_validate({key: value for key, value in data.items() if key == name})
        except ValidationError:
            continue
        sound[name] = getattr(part, name)
    return sound


def _supply_profile(data: Mapping[str, Any], document: Document) -> tuple[str | None, list[str]]:
    """The whole path of a supply profile that is a file, and what is wrong in it; it is read here, to tell that at once."""
    named = _map(data, "supply").get("profile")
    if not isinstance(named, str) or not supply_profiles.is_file(named):
        return None, []
    place = document.place(("supply", "profile"))
    path = place.path.parent / named
    if not path.is_file():
        remedy = "it is sought beside the rig file"
        return None, [str(place.problem(f"supply.profile: no file {places.shown(path)}", remedy))]
    try:
        supply_profiles.read(path)
    except RigError as error:
        return None, list(error.problems)
    return os.fspath(path.absolute()), []


def _resolved(rig: Rig, profile: str | None) -> Rig:
    """What a rig leaves to its model or its virtual bench, filled in; `profile`: the whole path of its supply profile."""
    update: dict[str, Any] = {}
    if rig.virtual is not None:
        update["speed"] = rig.virtual.speed
    supply: dict[str, Any] = {} if profile is None else {"profile": profile}
    if rig.supply is not None and rig.supply.limits is None:
        known = rig.model.supply
        supply["limits"] = Limits(min=known.min, max=known.max)
    if rig.supply is not None and supply:
        update["supply"] = rig.supply.model_copy(update=supply)
    return rig.model_copy(update=update)


def _map(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _describes_a_rig(path: Path) -> bool:
    return path.is_file() and "module" in documents.read(path, _Unset()).data


class _Unset(dict[str, str]):
    """An environment in which every variable shows its own name: for descriptions, which must not need secrets."""

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ARG002
        return f"${{{key}}}"
