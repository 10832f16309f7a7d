"""What a test waits for, as data.

A pattern is a URC class, or made of patterns::

    sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, then(urc.Updating, within="30 s"))

Patterns are values without behaviour: `nfa` compiles them, `expectations` runs them over the URCs of the timeline,
`explain` prints them. Nonsense is refused here, with a `TypeError` or `ValueError`, when the test writes it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from pytest_quecfota.timeline import durations
from pytest_quecfota.urc import Urc


@dataclass(frozen=True)
class Where:
    """A URC of a class whose fields have certain values. Made by `where`, or from a bare class."""

    cls: type[Urc]
    wanted: tuple[tuple[str, object], ...] = ()

    def matches(self, urc: Urc) -> bool:
        """Whether `urc` is what is meant; what a predicate raises comes out here."""
        if not self.wanted or not isinstance(urc, self.cls):
            return isinstance(urc, self.cls)
        return all(_agrees(getattr(urc, name), value) for name, value in self.wanted)

    def differences(self, urc: Urc) -> list[str]:
        """For a URC of the class: each field that is not as wanted, and how it is."""
        return [
            f"{name}={getattr(urc, name)!r} (wanted {_spelt(value)})"
            for name, value in self.wanted
            if not _agrees(getattr(urc, name), value)
        ]


@dataclass(frozen=True)
class Sequence:
    """Each element after the one before it."""

    elements: tuple[Node, ...]


@dataclass(frozen=True)
class Repeated:
    """An element several times in a row; it is complete at `at_least`, more are taken."""

    element: Node
    at_least: int = 1


@dataclass(frozen=True)
class OneOf:
    """Whichever of the choices comes."""

    choices: tuple[Node, ...]


@dataclass(frozen=True)
class Then:
    """An element that must be complete within `within` module seconds after the match before it."""

    element: Node
    within: float
    spelt: str


Node = Where | Sequence | Repeated | OneOf | Then
Pattern = type[Urc] | Node


def where(cls: type[Urc], /, **fields: object) -> Where:
    """A URC of `cls` whose fields equal the given values, or for which the given predicates hold.

    A callable is asked with the field's value; it runs on the thread that reads the port, so it must be quick.
    Raises `TypeError` where `cls` is no URC class or has no such field.
    """
    _check_class(cls)
    names = [field.name for field in dataclasses.fields(cls)]
    unknown = [name for name in fields if name not in names]
    if unknown:
        raise TypeError(f"{cls.__name__} has no field {', '.join(map(repr, unknown))}; it has {', '.join(names)}")
    return Where(cls, tuple(fields.items()))


def sequence(*elements: Pattern) -> Sequence:
    """The elements in this order. URCs that no element means are skipped; one that comes out of order fails at once."""
    return Sequence(_nodes("sequence", elements))


def repeated(element: Pattern, at_least: int = 1) -> Repeated:
    """`element` several times in a row, at least `at_least` times; with 0 it may be missing."""
    if not isinstance(at_least, int) or isinstance(at_least, bool):
        raise TypeError(f"at_least is a number of times, not {at_least!r}")
    if at_least < 0:
        raise ValueError(f"at_least is not negative, not {at_least}")
    return Repeated(node(element), at_least)


def one_of(*choices: Pattern) -> OneOf:
    """Whichever of the choices comes first."""
    return OneOf(_nodes("one_of", choices))


def then(element: Pattern, within: float | str) -> Then:
    """`element`, with a deadline of its own: complete within `within` module seconds after the match before it.

    As the first element of a pattern it counts from where the expectation starts. `repeated` is complete at its minimum.
    """
    return Then(node(element), durations.seconds(within), durations.spell(within))


def node(pattern: object) -> Node:
    """The pattern as a node: a bare class becomes `Where`. Raises `TypeError` for anything that is no pattern."""
    if isinstance(pattern, (Where, Sequence, Repeated, OneOf, Then)):
        return pattern
    _check_class(pattern)
    assert isinstance(pattern, type)
    return Where(pattern)


def leaves(pattern: Node) -> tuple[Where, ...]:
    """Every URC the pattern means, in the order written, without duplicates: its alphabet."""
    if isinstance(pattern, Where):
        return (pattern,)
    parts = pattern.elements if isinstance(pattern, Sequence) else ()
    parts = pattern.choices if isinstance(pattern, OneOf) else parts
    parts = (pattern.element,) if isinstance(pattern, (Repeated, Then)) else parts
    found: list[Where] = []
    for leaf in (leaf for part in parts for leaf in leaves(part)):
        if leaf not in found:
            found.append(leaf)
    return tuple(found)


def describe(pattern: Node, *, inner: bool = False) -> str:
    """The pattern as a person would say it: `DownloadStarted, Downloading…, Downloaded`."""
    if isinstance(pattern, Where):
        fields = ", ".join(f"{name}={_spelt(value)}" for name, value in pattern.wanted)
        return f"{pattern.cls.__name__}({fields})" if fields else pattern.cls.__name__
    if isinstance(pattern, Repeated):
        element = describe(pattern.element, inner=True)
        times = {0: "… or none", 1: "…"}.get(pattern.at_least, f"… at least {pattern.at_least} times")
        return element + times
    if isinstance(pattern, Then):
        return f"{describe(pattern.element, inner=True)} within {pattern.spelt}"
    if isinstance(pattern, Sequence):
        text = ", ".join(describe(element, inner=True) for element in pattern.elements)
        return f"({text})" if inner and len(pattern.elements) > 1 else text
    text = " or ".join(describe(choice, inner=True) for choice in pattern.choices)
    return f"({text})" if inner and len(pattern.choices) > 1 else text


def _nodes(name: str, parts: tuple[Pattern, ...]) -> tuple[Node, ...]:
    if not parts:
        raise TypeError(f"{name}() needs at least one pattern")
    return tuple(node(part) for part in parts)


def _check_class(pattern: object) -> None:
    if isinstance(pattern, type) and issubclass(pattern, Urc):
        return
    hint = f"; write {type(pattern).__name__}, the class, or where({type(pattern).__name__}, …)"
    raise TypeError(
        f"{pattern!r} is no pattern: a URC class, where, sequence, repeated, one_of or then is needed"
        + (hint if isinstance(pattern, Urc) else "")
    )


def _agrees(value: object, wanted: object) -> bool:
    return bool(wanted(value)) if callable(wanted) else value == wanted


def _spelt(wanted: object) -> str:
    name = getattr(wanted, "__name__", None)
    if not callable(wanted) or name is None:
        return repr(wanted)
    return "a predicate" if name == "<lambda>" else f"{name}(…)"
