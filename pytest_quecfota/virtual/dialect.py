"""What kind of supply the virtual one is: its commands, its way of answering and its ratings, read from `supplies/*.yaml`.

A dialect is data. Each command names, in a header pattern, a property or method of `channel.Channel`, of its program
(`program.…`) or of the instrument (`supply.Supply`), and the kinds of its arguments; nothing here knows a maker. A dialect
that names what does not exist is one clear `DialectError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .channel import Channel
from .outlet import Rating
from .program import Program
from .scpi import HeaderTree

FOLDER = Path(__file__).parent / "supplies"
KINDS = frozenset({"volts", "amps", "watts", "seconds", "integer", "number", "switch", "word", "text"})
WAYS = ("property", "read", "call")
_COMMAND_KEYS = frozenset({*WAYS, "kind", "takes", "many", "words", "answer", "optional", "infinite"})


class DialectError(ValueError):
    """A dialect file that cannot be used; the text names the file, the command and what is wrong."""


@dataclass(frozen=True)
class Command:
    """One command: what it does (`way`) with the property or method `name`, and its arguments.

    `kinds` are the kinds of the arguments, of which the last `optional` may be missing, and the last may come any number of
    times (`many`). `words` are what a `word` may be; `infinite` allows INF. `answer` overrides the dialect's format (two words
    for a switch).
    """

    header: str
    way: str
    name: str
    kinds: tuple[str, ...]
    of_channel: bool
    many: bool = False
    optional: int = 0
    words: tuple[str, ...] = ()
    infinite: bool = False
    answer: str | tuple[str, str] | None = None


@dataclass(frozen=True)
class Dialect:
    """One kind of supply, whole."""

    name: str
    identity: str
    common: frozenset[str]
    ratings: Mapping[int, Rating]
    channel_words: Mapping[str, int]
    channel_lists: bool
    error_format: str
    error_queue_per_session: bool
    error_queue_size: int
    answers: Mapping[str, Any]
    opc_waits_for_transients: bool
    has_master_switch: bool
    commands: HeaderTree[Command]
    unconfirmed: tuple[str, ...] = ()

    def render(self, kind: str, value: object) -> str:
        """A value as this supply prints it."""
        if isinstance(value, (list, tuple)):
            return ",".join(self.render(kind, item) for item in value)
        if kind == "switch":
            words: Sequence[str] = self.answers["switch"]
            return words[bool(value)]
        if kind in ("word", "text") or value == float("inf"):
            return "9.9E37" if value == float("inf") else str(value)
        style: str = self.answers[kind]
        return style.format(int(value) if kind == "integer" else value)  # type: ignore[call-overload]


def names() -> list[str]:
    """The dialects there are."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def load(name: str) -> Dialect:
    """The dialect of a profile name. Raises DialectError."""
    path = FOLDER / f"{name}.yaml"
    if name not in names():
        raise DialectError(f"there is no virtual supply {name!r}; there are {', '.join(names())}")
    return from_data(path.name, yaml.safe_load(path.read_text(encoding="utf-8")))


def from_data(where: str, data: Mapping[str, Any]) -> Dialect:
    """A dialect from what a file holds. Raises DialectError saying where and what."""
    from .supply import Supply

    try:
        ratings = {int(number): _rating(where, entry) for number, entry in data["channels"].items()}
        tree: HeaderTree[Command] = HeaderTree()
        for header, entry in data["commands"].items():
            _enter(tree, _command(where, header, entry, Supply))
        errors = data["errors"]
        dialect = Dialect(
            name=data["name"],
            identity=data["identity"],
            common=frozenset(data["common"]),
            ratings=ratings,
            channel_words={word.upper(): int(number) for word, number in data.get("channel_words", {}).items()},
            channel_lists=bool(data.get("channel_lists", False)),
            error_format=errors["format"],
            error_queue_per_session=bool(errors.get("per_session", False)),
            error_queue_size=int(errors.get("size", 20)),
            answers=data["answers"],
            opc_waits_for_transients=bool(data.get("opc_waits_for_transients", False)),
            has_master_switch=bool(data.get("has_master_switch", False)),
            commands=tree,
            unconfirmed=tuple(data.get("unconfirmed", ())),
        )
    except KeyError as missing:
        raise DialectError(f"{where}: {missing.args[0]} is missing") from None
    if "VIRTUAL" not in dialect.identity.upper():
        raise DialectError(f"{where}: the identity must say that the supply is virtual")
    return dialect


def _rating(where: str, entry: Mapping[str, Any]) -> Rating:
    known = {item.name for item in fields(Rating)}
    if unknown := set(entry) - known:
        raise DialectError(f"{where}: channels: unknown {sorted(unknown)}; there are {sorted(known)}")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return Rating(**values)


def _command(where: str, header: str, entry: Mapping[str, Any], instrument: type) -> Command:
    problem = f"{where}: {header}"
    if unknown := set(entry) - _COMMAND_KEYS:
        raise DialectError(f"{problem}: unknown {sorted(unknown)}")
    ways = [way for way in WAYS if way in entry]
    if len(ways) != 1:
        raise DialectError(f"{problem}: needs one of {', '.join(WAYS)}")
    name = entry[ways[0]]
    part, _, rest = name.partition(".")
    of_channel = _has(Program, rest) if part == "program" else _has(Channel, name)
    if not (of_channel or _has(instrument, name)) or rest.startswith("_") or name.startswith("_"):
        raise DialectError(f"{problem}: neither a channel nor the instrument has {name!r}")
    kinds = tuple(entry["takes"]) if "takes" in entry else (entry["kind"],) if "kind" in entry else ()
    if wrong := [kind for kind in kinds if kind not in KINDS]:
        raise DialectError(f"{problem}: unknown kinds {wrong}; there are {sorted(KINDS)}")
    return Command(
        header=header,
        way=ways[0],
        name=name,
        kinds=kinds,
        of_channel=of_channel,
        many=bool(entry.get("many", False)),
        optional=int(entry.get("optional", 0)),
        words=tuple(str(word) for word in entry.get("words", ())),
        infinite=bool(entry.get("infinite", False)),
        answer=tuple(entry["answer"]) if isinstance(entry.get("answer"), list) else entry.get("answer"),
    )


def _has(room: type, name: str) -> bool:
    """Whether a class has a property, a method, or declares a plain setting of that name."""
    return hasattr(room, name) or name in room.__annotations__


def _enter(tree: HeaderTree[Command], command: Command) -> None:
    try:
        tree.add(command.header, command)
    except ValueError as problem:
        raise DialectError(str(problem)) from None
