"""Waveforms as data: YAML files with units, checked when they are read; what is wrong is told with file, line and remedy.

A file maps names to waveforms. `read` gives `Definition`s, which do not know the rail yet; `Definition.on(scale)` is the
waveform in volts. The kinds of segments stand in `waveform_segments`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pytest_quecfota.power.waveform import Waveform
from pytest_quecfota.power.waveform_scale import Scale, SourceScale, Volts, level, source_scale
from pytest_quecfota.power.waveform_segments import KINDS, Context, Draft, Field

MARKS = ("confirmed", "remembered", "own")
KEYS = ("title", "source", "mark", "aliases", "scale", "count", "step", "segments")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,59}")

#: Names that belong to a standard or a maker's norm: only a waveform whose numbers were read there may bear them.
STANDARDS = re.compile(r"(?i)^(iso|lv|vw|bmw|renault|mbn|gs|din|sae)_?\d|^(bmw|renault|vw|mbn)_")


@dataclass(frozen=True)
class Definition:
    """A waveform before it is put on a rail; `place` is file and line."""

    name: str
    place: str
    title: str
    source: str
    mark: str
    aliases: tuple[str, ...]
    count: int
    step: Volts | None
    drafts: tuple[Draft, ...]

    def on(self, scale: Scale) -> Waveform:
        """The waveform in volts on that rail.

        Raises:
            ValueError: what it asks for cannot be on this rail.
        """
        context = Context(scale, scale.nominal)
        try:
            segments = [segment for draft in self.drafts for segment in draft(context)]
            step = None if self.step is None else self.step.on(scale)
            made = Waveform(self.name, tuple(segments), self.count, step=step)
            return replace(made, title=self.title, source=self.source, mark=self.mark)
        except ValueError as error:
            raise ValueError(f"{self.place}: {error}") from None


def read(path: Path) -> list[Definition]:
    """The waveforms of a file.

    Raises:
        ValueError: the first thing that is wrong, with file, line and what would be right.
        OSError: the file cannot be read.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise ValueError(f"{path}{line}: not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(root, MappingNode):
        raise ValueError(f"{path}:1: a waveform file maps names to waveforms")
    return [_definition(path, name, name_node, node) for name, name_node, node in _entries(path, root)]


def _definition(path: Path, name: str, name_node: Node, node: Node) -> Definition:
    place = _place(path, name_node)
    if not isinstance(node, MappingNode):
        raise ValueError(f"{place}: {name} is a map with {', '.join(KEYS)}")
    rows = {key: (key_node, value) for key, key_node, value in _entries(path, node, known=KEYS)}
    for key in ("title", "source", "mark", "segments"):
        if key not in rows:
            raise ValueError(f"{place}: {name} needs {key}")

    def given(key: str, check: Callable[[Any], Any], default: Any = None) -> Any:
        return _checked(path, rows[key][1], check, key) if key in rows else default

    mark = given("mark", _one_of(MARKS))
    aliases = given("aliases", _names, ())
    for each in (name, *aliases):
        if NAME.fullmatch(each) is None:
            raise ValueError(
                f"{place}: {each!r} is no name: letters, digits and _, beginning with a letter, 3 to 60 of them"
            )
        if mark != "confirmed" and STANDARDS.search(each):
            raise ValueError(
                f"{place}: {each} bears the name of a standard, but its numbers are {mark}: give it a describing name"
            )
    scale = given("scale", source_scale, source_scale(None))
    segments = rows["segments"][1]
    if not isinstance(segments, SequenceNode) or not segments.value:
        raise ValueError(f"{_place(path, segments)}: segments is a list: - {{hold: 0 V, for: 500 ms}}")
    drafts = tuple(_draft(path, each, scale) for each in segments.value)
    title, source = given("title", _text), given("source", _text)
    count, step = given("count", _count, 1), given("step", lambda text: level(text, scale))
    return Definition(name, place, title, source, mark, aliases, count, step, drafts)


def _draft(path: Path, node: Node, scale: SourceScale) -> Draft:
    """One segment: a map whose first key says its kind."""
    if not isinstance(node, MappingNode) or not node.value:
        raise ValueError(f"{_place(path, node)}: a segment is a map, such as {{hold: 0 V, for: 500 ms}}")
    rows = _entries(path, node)
    name, name_node, _ = rows[0]
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"{_place(path, name_node)}: no segment {name!r}; {_near(name, KINDS)}")
    values: dict[str, Any] = {}
    for key, key_node, value in rows:
        if key not in kind.keys:
            raise ValueError(f"{_place(path, key_node)}: {name} has no {key!r}; {_near(key, kind.keys)}")
        if kind.keys[key].inner:
            if not isinstance(value, SequenceNode):
                raise ValueError(f"{_place(path, value)}: {key} is a list of segments")
            values[key] = tuple(_draft(path, each, scale) for each in value.value)
        else:
            values[key] = _checked(path, value, _with(kind.keys[key], scale), key)
    missing = [key for key, field in kind.keys.items() if field.needed and key not in values]
    if missing:
        raise ValueError(f"{_place(path, node)}: {name} needs {', '.join(missing)}: {kind.example}")
    try:
        return kind.make(values)
    except ValueError as error:
        raise ValueError(f"{_place(path, node)}: {error}") from None


def _with(field: Field, scale: SourceScale) -> Callable[[Any], Any]:
    return lambda given: field.read(given, scale)


# -- YAML with places ----------------------------------------------------------------------------------


def _entries(path: Path, node: MappingNode, known: Iterable[str] | None = None) -> list[tuple[str, Node, Node]]:
    """Key, its node and the value's node, in order; a key that comes twice or is unknown is an error."""
    seen: dict[str, tuple[str, Node, Node]] = {}
    for key_node, value in node.value:
        key = key_node.value if isinstance(key_node, ScalarNode) else ""
        if not key:
            raise ValueError(f"{_place(path, key_node)}: a name is expected here")
        if key in seen:
            raise ValueError(f"{_place(path, key_node)}: {key} stands here twice")
        if known is not None and key not in known:
            raise ValueError(f"{_place(path, key_node)}: unknown key {key!r}; {_near(key, known)}")
        seen[key] = (key, key_node, value)
    return list(seen.values())


def _plain(node: Node) -> Any:
    """A node as text, list or map of text: units are read by whoever expects them."""
    if isinstance(node, SequenceNode):
        return [_plain(each) for each in node.value]
    if isinstance(node, MappingNode):
        return {_plain(key): _plain(value) for key, value in node.value}
    return node.value


def _checked(path: Path, node: Node, check: Callable[[Any], Any], key: str) -> Any:
    try:
        return check(_plain(node))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{_place(path, node)}: {key}: {error}") from None


def _place(path: Path, node: Node) -> str:
    return f"{path}:{node.start_mark.line + 1}"


def _near(name: str, known: Iterable[str] | Mapping[str, Any]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    def check(given: Any) -> str:
        if given not in words:
            raise ValueError(f"{given!r}: must be {' or '.join(words)}")
        return str(given)

    return check


def _text(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise ValueError("must be text")
    return " ".join(given.split())


def _names(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise ValueError("must be a list of names")
    return tuple(given)


def _count(given: Any) -> int:
    if not isinstance(given, str) or not re.fullmatch(r"[1-9]\d{0,5}", given):
        raise ValueError(f"{given!r}: must be a whole number from 1 on")
    return int(given)
