"""A YAML file as a tree in which every value knows where it stands.

Read through PyYAML's `compose`, which keeps marks that `load` drops. Scalars follow the core schema of YAML 1.2,
because the older rules hold traps for rig files: `off` would be false, `1_0_0` the number 100, `12:30` the number
750. `extends` is resolved here (maps are merged, lists replaced), and so are `${VAR}` and `${VAR:-default}`, after
merging, so that a variable that a rig overrides need not be set. Problems are collected, not raised: a person wants
to see them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pytest_quecfota.rig.places import Place, Problem, did_you_mean

Steps = tuple[str | int, ...]

MAX_VALUES = 5_000
MAX_EXTENDS = 16
NEEDED = "a rig needs at least `module:`"

_USUAL_CAUSES = "tabs and missing spaces after ':' are the usual causes"
_IN_QUOTES = 'inside { } and [ ] write "${NAME}" in quotes'
_KINDS = ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge", "value")
_RESOLVED = frozenset(f"tag:yaml.org,2002:{kind}" for kind in _KINDS)  # what PyYAML says of values without a tag
_BROKEN = object()

_VARIABLE = re.compile(
    r"\$(?:(?P<escaped>\$)(?=\{)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<bad>\{))"
)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,40}|0x[0-9a-fA-F]{1,40}|0o[0-7]{1,40}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Value:
    """One value: a scalar, a map of name to Entry, or a list of Value, and its place."""

    place: Place
    content: Any


@dataclass(frozen=True)
class Entry:
    """A name of a map with its own place, and its value."""

    place: Place
    value: Value


@dataclass
class Document:
    """Plain data of a rig file and the place of everything in it."""

    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[Steps, Place] = field(default_factory=dict)
    values: dict[Steps, Place] = field(default_factory=dict)
    expanded: set[Steps] = field(default_factory=set)  # hold text from the environment: never to be printed
    broken: set[Steps] = field(default_factory=set)  # a problem has been told already
    problems: list[Problem] = field(default_factory=list)
    readable: bool = False  # the file itself holds a map
    complete: bool = True  # false where a file it extends could not be read: what is missing may stand there
    kind: str = "rig file"
    needed: str = NEEDED  # what an empty file is told
    shelf: Path | None = None  # a folder whose files may be extended by their name alone

    def place(self, steps: Sequence[str | int]) -> Place:
        """Where the value at `steps` stands, or the nearest thing above it."""
        path = tuple(steps)
        while path and path not in self.values:
            path = path[:-1]
        return self.values[path]

    def place_of_name(self, steps: Sequence[str | int]) -> Place:
        """Where the name of the value at `steps` stands."""
        return self.keys.get(tuple(steps)) or self.place(steps)


def read(path: Path, environ: Mapping[str, str], document: Document | None = None) -> Document:
    """The file at `path` with all it extends, and every problem that can be seen before its meaning is known.

    `document`: an empty one to read into, where it is to be read with other settings.
    """
    document = Document() if document is None else document
    document.values[()] = Place(path, 1, 1)
    root = _with_extends(path, document, ())
    if root is not None:
        document.readable = True
        document.data = _flatten(root, (), document, environ)
    return document


def _with_extends(path: Path, document: Document, above: tuple[Path, ...]) -> Value | None:
    root = _compose(path, document.problems, document.needed)
    if root is None:
        return None
    if not isinstance(root.content, dict):
        empty = root.content is None
        what = "is empty" if empty else f"a {document.kind} is a map of names to values"
        document.problems.append(root.place.problem(what, document.needed))
        return None
    entry = root.content.pop("extends", None)
    if entry is None:
        return root
    below = _extended(path, entry.value, document, (*above, path))
    if below is None:
        document.complete = False
        return root
    return _merge(below, root)


def _extended(path: Path, value: Value, document: Document, chain: tuple[Path, ...]) -> Value | None:
    problems = document.problems
    if not isinstance(value.content, str) or not value.content:
        problems.append(value.place.problem("extends: names one file, as text"))
        return None
    target = path.parent / value.content
    if document.shelf is not None and (document.shelf / f"{value.content}.yaml").is_file():
        target = document.shelf / f"{value.content}.yaml"
    seen = [known.resolve() for known in chain]
    if target.resolve() in seen or len(chain) > MAX_EXTENDS:
        links = " -> ".join(str(p) for p in (*chain, target))
        problems.append(value.place.problem(f"extends: goes round in a circle: {links}"))
        return None
    if not target.is_file():
        found = ", ".join(sorted(p.name for p in target.parent.glob("*.y*ml"))) if target.parent.is_dir() else ""
        remedy = f"there are {found}" if found else ""
        if document.shelf is not None:
            remedy = did_you_mean(value.content, [p.stem for p in document.shelf.glob("*.yaml")])
        problems.append(value.place.problem(f"extends: no file {target}", remedy))
        return None
    return _with_extends(target, document, chain)


def _merge(below: Value, above: Value) -> Value:
    if not (isinstance(below.content, dict) and isinstance(above.content, dict)):
        return above
    merged = dict(below.content)
    for name, entry in above.content.items():
        under = merged.get(name)
        merged[name] = Entry(entry.place, _merge(under.value, entry.value)) if under else entry
    return Value(above.place, merged)


def _compose(path: Path, problems: list[Problem], needed: str) -> Value | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        problems.append(Place(path, 1, 1).problem(f"is not UTF-8 text: byte {error.start} is wrong"))
    except OSError as error:
        problems.append(Place(path, 1, 1).problem(f"cannot be read: {error.strerror}"))
    except yaml.MarkedYAMLError as error:
        problems.append(_syntax_problem(path, error, text))
    except RecursionError:
        problems.append(Place(path, 1, 1).problem("is nested too deeply", needed))
    except yaml.YAMLError as error:
        problems.append(Place(path, 1, 1).problem(f"is not YAML: {' '.join(str(error).split())}"))
    else:
        if node is not None:
            return _Builder(path, problems).build(node)
        problems.append(Place(path, 1, 1).problem("is empty", needed))
    return None


def _syntax_problem(path: Path, error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path, 1, 1)
    what = "; ".join(part for part in (error.problem, error.context) if part)
    line = text.splitlines()[place.line - 1] if place.line <= len(text.splitlines()) else ""
    return place.problem(f"is not YAML: {what}", _IN_QUOTES if "${" in line else _USUAL_CAUSES)


@dataclass
class _Builder:
    """Turns PyYAML's nodes into Values and tells what a rig file may not hold."""

    path: Path
    problems: list[Problem]
    _open: list[int] = field(default_factory=list)
    _count: int = 0

    def build(self, node: Node) -> Value:
        place = Place(self.path, node.start_mark.line + 1, node.start_mark.column + 1)
        self._count += 1
        if id(node) in self._open or self._count > MAX_VALUES:
            if self._count <= MAX_VALUES + 1:
                self.problems.append(place.problem("an alias refers to itself, or the file is far too large"))
            return Value(place, _BROKEN)
        self._open.append(id(node))
        try:
            return Value(place, self._content(node, place))
        finally:
            self._open.pop()

    def _content(self, node: Node, place: Place) -> Any:
        if node.tag.startswith(("!", "tag:")) and node.tag not in _RESOLVED:
            self.problems.append(place.problem(f"the tag {node.tag} has no meaning here"))
            return _BROKEN
        if isinstance(node, MappingNode):
            return dict(self._entries(node))
        if isinstance(node, SequenceNode):
            return [self.build(item) for item in node.value]
        return scalar(node) if isinstance(node, ScalarNode) else None

    def _entries(self, node: MappingNode) -> Iterator[tuple[str, Entry]]:
        first: dict[str, Place] = {}
        for key, value in node.value:
            place = Place(self.path, key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, ScalarNode):
                self.problems.append(place.problem("a name must be text"))
            elif key.value in first:
                self.problems.append(
                    place.problem(f"{key.value}: stands here a second time; first in line {first[key.value].line}")
                )
            else:
                first[key.value] = place
                yield key.value, Entry(place, self.build(value))


def scalar(node: ScalarNode) -> Any:
    """The value of a scalar by YAML 1.2's core schema; quoted text is text."""
    text: str = node.value
    if node.style is not None:
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _flatten(value: Value, steps: Steps, document: Document, environ: Mapping[str, str]) -> Any:
    document.values[steps] = value.place
    if value.content is _BROKEN:
        document.broken.add(steps)
        return None
    if isinstance(value.content, dict):
        out: dict[str, Any] = {}
        for name, entry in value.content.items():
            here = (*steps, name)
            document.keys[here] = entry.place
            out[name] = _flatten(entry.value, here, document, environ)
        return out
    if isinstance(value.content, list):
        return [_flatten(item, (*steps, index), document, environ) for index, item in enumerate(value.content)]
    if isinstance(value.content, str) and "$" in value.content:
        return _expand(value, steps, document, environ)
    return value.content


def _expand(value: Value, steps: Steps, document: Document, environ: Mapping[str, str]) -> str:
    dotted = ".".join(map(str, steps))

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$"
        if match["bad"]:
            document.problems.append(
                value.place.problem(f"{dotted}: '${{' without a name", "${NAME}, or $${ for the characters")
            )
            document.broken.add(steps)
            return ""
        document.expanded.add(steps)
        found = environ.get(match["name"])
        if match["default"] is not None:
            return found or match["default"]
        if found is None:
            document.problems.append(
                value.place.problem(
                    f"{dotted}: the environment variable {match['name']} is not set", f"export {match['name']}=…"
                )
            )
            document.broken.add(steps)
        return found or ""

    return _VARIABLE.sub(replace, value.content)
