"""What kind of supply the virtual one is: its commands, its way of answering and its ratings, read from `supplies/*.yaml`.

A dialect is data. Each command names, in a header pattern, a property or method of `channel.Channel`, of its program or its
protection (`program.…`, `protection.…`), of the instrument (`supply.Supply`), of its sequence memory or its status registers
(`sequence.…`, `status.…`), and the kinds of its arguments; nothing here knows a maker. A dialect that names what does not
exist is one clear `DialectError`.
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
from .protection import Protection
from .scpi_tree import HeaderTree, short
from .supply_sequence import Sequence as SequenceMemory
from .supply_status import Status

FOLDER = Path(__file__).parent / "supplies"
KINDS = frozenset({"volts", "amps", "watts", "seconds", "integer", "number", "switch", "word", "text", "string"})
WAYS = ("property", "read", "call")
_COMMAND_KEYS = frozenset({*WAYS, "kind", "takes", "many", "words", "answer", "optional", "infinite", "step", "asks"})
_PARTS_OF_CHANNEL: dict[str, type] = {"": Channel, "program": Program, "protection": Protection}
_PARTS_OF_SUPPLY: dict[str, type] = {"sequence": SequenceMemory, "status": Status}
_KEYS = frozenset(
    {
        "name",
        "identity",
        "unconfirmed",
        "common",
        "channels",
        "channel_words",
        "channel_lists",
        "channel_arguments",
        "bounds",
    }
    | {"aperture", "sequence_columns", "opc_waits_for_transients", "has_master_switch", "has_hislip"}
    | {"errors", "answers", "commands"}
)
_BOUNDS = ("MINimum", "MAXimum", "DEFault")


class DialectError(ValueError):
    """A dialect file that cannot be used; the text names the file, the command and what is wrong."""


@dataclass(frozen=True)
class Command:
    """One command: what it does (`way`) with the property or method `name`, and its arguments.

    `kinds` are the kinds of the arguments, of which the last `optional` may be missing, and the last may come any number of
    times (`many`). `words` are what a `word` may be; `infinite` allows INF; `step` names the setting that UP and DOWN go by.
    `answer` overrides the dialect's format (two words for a switch); a query of the command calls `asks`, with a number.
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
    step: str = ""
    asks: str = ""
    answer: str | tuple[str, str] | None = None


@dataclass(frozen=True)
class Dialect:
    """One kind of supply, whole.

    `channel_arguments`: a channel's name may stand before the values. `bounds`: the words for the ends of a range that it knows,
    each with its short form. `aperture`: module seconds over which it averages a reading.
    """

    name: str
    identity: str
    common: frozenset[str]
    ratings: Mapping[int, Rating]
    channel_words: Mapping[str, int]
    channel_lists: bool
    channel_arguments: bool
    bounds: Mapping[str, str]
    aperture: float
    sequence_columns: int
    error_format: str
    error_queue_per_session: bool
    error_queue_size: int
    answers: Mapping[str, Any]
    opc_waits_for_transients: bool
    has_master_switch: bool
    has_hislip: bool
    commands: HeaderTree[Command]
    unconfirmed: tuple[str, ...] = ()

    def render(self, kind: str, value: object) -> str:
        """A value as this supply prints it."""
        if isinstance(value, (list, tuple)):
            return ",".join(self.render(kind, item) for item in value)
        if kind == "switch":
            words: Sequence[str] = self.answers["switch"]
            return words[bool(value)]
        if kind == "string":
            return '"' + str(value).replace('"', '""') + '"'
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

    if unknown := set(data) - _KEYS:
        raise DialectError(f"{where}: unknown {sorted(unknown)}; there are {sorted(_KEYS)}")
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
            channel_arguments=bool(data.get("channel_arguments", False)),
            bounds=_bounds(where, data.get("bounds", _BOUNDS)),
            aperture=float(data.get("aperture", 0.0)),
            sequence_columns=int(data.get("sequence_columns", 3)),
            error_format=errors["format"],
            error_queue_per_session=bool(errors.get("per_session", False)),
            error_queue_size=int(errors.get("size", 20)),
            answers=data["answers"],
            opc_waits_for_transients=bool(data.get("opc_waits_for_transients", False)),
            has_master_switch=bool(data.get("has_master_switch", False)),
            has_hislip=bool(data.get("has_hislip", False)),
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
    of_channel = _has(_PARTS_OF_CHANNEL, name)
    if not (of_channel or _has({"": instrument, **_PARTS_OF_SUPPLY}, name)):
        raise DialectError(f"{problem}: neither a channel nor the instrument has {name!r}")
    for key in ("step", "asks"):
        if key in entry and not (of_channel and _has(_PARTS_OF_CHANNEL, entry[key])):
            raise DialectError(f"{problem}: {key}: a channel has no {entry[key]!r}")
    kinds = tuple(entry["takes"]) if "takes" in entry else (entry["kind"],) if "kind" in entry else ()
    if wrong := [kind for kind in kinds if kind not in KINDS]:
        raise DialectError(f"{problem}: unknown kinds {wrong}; there are {sorted(KINDS)}")
    words = entry.get("words", ())
    if wrong := [word for word in words if not isinstance(word, str)]:
        raise DialectError(f"{problem}: words: {wrong}; texts are expected (YAML takes OFF for a switch: quote it)")
    return Command(
        header=header,
        way=ways[0],
        name=name,
        kinds=kinds,
        of_channel=of_channel,
        many=bool(entry.get("many", False)),
        optional=int(entry.get("optional", 0)),
        words=tuple(words),
        infinite=bool(entry.get("infinite", False)),
        step=str(entry.get("step", "")),
        asks=str(entry.get("asks", "")),
        answer=tuple(entry["answer"]) if isinstance(entry.get("answer"), list) else entry.get("answer"),
    )


def _has(parts: Mapping[str, type], name: str) -> bool:
    """Whether a part has a property, a method, or declares a plain setting of that name (`name` or `part.name`)."""
    part, _, last = name.rpartition(".")
    room = parts.get(part)
    return room is not None and not last.startswith("_") and (hasattr(room, last) or last in room.__annotations__)


def _bounds(where: str, words: Sequence[str]) -> dict[str, str]:
    """MIN and MINIMUM both stand for MIN, and so on."""
    if unknown := [word for word in words if word not in _BOUNDS]:
        raise DialectError(f"{where}: bounds: unknown {unknown}; there are {', '.join(_BOUNDS)}")
    return {form: short(word) for word in words for form in (short(word), word.upper())}


def _enter(tree: HeaderTree[Command], command: Command) -> None:
    try:
        tree.add(command.header, command)
    except ValueError as problem:
        raise DialectError(str(problem)) from None
