"""Supply profiles that are not shipped: a YAML file beside the rig file, or those another package brings.

A rig file names one in `supply.profile`: a name, or a path that ends in `.yaml` and is taken from the folder of the rig file. Such
a file may begin with `extends: keysight-e36300`, the name of a shipped profile or a path: it then says only what is different.
Packages bring theirs through the entry point group `pytest_quecfota.supply_profiles` or the hook of the same purpose: a folder of
YAML files, or mappings by name. Whatever is wrong in one is told with file, line and column, as in a rig file.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Union

from pydantic import ValidationError

from pytest_quecfota.errors import RigError
from pytest_quecfota.power import Profile, load_profile
from pytest_quecfota.power.profiles import FOLDER, shelf
from pytest_quecfota.rig import document as documents
from pytest_quecfota.rig import wording
from pytest_quecfota.rig.document import Document
from pytest_quecfota.rig.places import Place, Problem

GROUP = "pytest_quecfota.supply_profiles"
SUFFIXES = (".yaml", ".yml")
Given = Union[str, "os.PathLike[str]", Mapping[str, Any]]


def is_file(profile: str) -> bool:
    """Whether `supply.profile` names a file."""
    return profile.endswith(SUFFIXES)


def name_of(profile: str) -> str:
    """The name of the profile that `supply.profile` names: of a file, the one that stands in it. Raises RigError."""
    return read(Path(profile)).name if is_file(profile) else profile


def find(profile: str) -> Profile:
    """The profile that a loaded rig names.

    Raises:
        RigError: its file is wrong; one line per problem.
        ValueError: there is none of that name; the text lists those there are.
    """
    if is_file(profile):
        return read(Path(profile))
    take_from_packages()
    return load_profile(profile)


def read(path: Path) -> Profile:
    """The profile in a YAML file. Raises RigError with one line per problem."""
    needed = "a supply profile needs at least `extends:` and `name:`"
    document = Document(kind="supply profile", shelf=FOLDER, needed=needed)
    documents.read(path, {}, document)
    return _validated(document.data if document.readable else None, document)


def take(given: Given | Iterable[Given], source: str) -> None:
    """Add the profiles that `source` (a package, a hook) gives: folders of YAML files, or mappings by profile name.

    Raises:
        RigError: one is wrong.
    """
    for item in [given] if isinstance(given, (str, os.PathLike, Mapping)) else given:
        if isinstance(item, Mapping):
            for name, data in item.items():
                shelf.add(_from_mapping(name, data, source))
            continue
        folder = Path(item)
        if not folder.is_dir():
            raise RigError([f"{source}: no folder of supply profiles {folder}"])
        for path in sorted(folder.iterdir()):
            if is_file(path.name):
                shelf.add(read(path))


@functools.cache
def take_from_packages() -> None:
    """Add the profiles of all installed packages, once. Raises RigError where one is wrong."""
    for entry in importlib.metadata.entry_points(group=GROUP):
        found = entry.load()
        take(found() if callable(found) else found, f"entry point {entry.value}")


def _placed(problem: Problem, error: ValidationError, document: Document) -> Problem:
    """What is wrong between two parts of a profile, told at the part it is about."""
    for detail in error.errors(include_url=False):
        if detail["type"] == "profile" and problem.text == detail["msg"]:
            return document.place(detail["ctx"]["where"].split(".")).problem(detail["msg"])
    return problem


def _from_mapping(name: str, data: Any, source: str) -> Profile:
    document = Document()
    document.values[()] = Place(Path(f"<{source}: {name}>"), 1, 1)
    return _validated({"name": name, **data} if isinstance(data, Mapping) else data, document)


def _validated(data: Any, document: Document) -> Profile:
    problems = list(document.problems)
    profile: Profile | None = None
    if data is not None:
        document.data = data
        try:
            profile = Profile.model_validate(data)
        except ValidationError as error:
            problems += [_placed(problem, error, document) for problem in wording.problems(error, document, Profile)]
    if profile is None or problems:
        raise RigError([str(problem) for problem in sorted(set(problems))])
    return profile
