"""How a problem of a rig file is told: pydantic's findings and those of `checks`, as lines with file, line and column.

A table holds the words for each kind of error. A value is shown only where it cannot be a secret: never what came from
the environment, never under a key that nobody knows, only numbers and choices.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pytest_quecfota.rig.checks import Finding
from pytest_quecfota.rig.document import Document, Steps
from pytest_quecfota.rig.places import Problem, did_you_mean, nearest
from pytest_quecfota.rig.schema import Rig

_WORDS = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "model_type": "must be a map of names to values",
    "model_attributes_type": "must be a map of names to values",
    "dict_type": "must be a map of names to values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must not be empty",
    "missing": "missing",
    "union_tag_not_found": "kind: missing",
}
_SHOWS_VALUE = ("int_", "float_", "bool_", "greater_", "less_", "finite_", "literal_", "quantity")
_SECRET_NAMES = frozenset({"product_key", "product_secret", "token"})


def problem(document: Document, finding: Finding) -> Problem:
    """A finding of `checks` with its place."""
    named = ".".join(map(str, finding.steps))
    if finding.absent:
        what = "missing" + (f", and {finding.what}" if finding.what else "")
        return document.place_of_name(finding.steps[:-1]).problem(f"{named}: {what}", finding.remedy)
    hidden = finding.value is None or finding.steps in document.expanded
    what = finding.what if hidden else f"{finding.what}, not {finding.value!r}"
    place = document.place_of_name(finding.steps) if finding.at_name else document.place(finding.steps)
    return place.problem(f"{named}: {what}", finding.remedy)


def problems(error: ValidationError, document: Document, root: type[BaseModel] = Rig) -> Iterator[Problem]:
    """All findings of pydantic on a document that should be a `root`, without those that only follow from another."""
    found = [(detail, *_locate(detail["loc"], document.data, root)) for detail in error.errors(include_url=False)]
    meant = {
        (*steps[:-1], nearest(str(steps[-1]), spot.siblings))
        for detail, steps, spot in found
        if _is_unknown_key(detail)
    }
    for detail, steps, spot in found:
        told = any(steps[: len(broken)] == broken for broken in document.broken)
        elsewhere = detail["type"] == "missing" and (steps in meant or not document.complete)
        if not (told or elsewhere):
            yield _problem(detail, steps, spot, document)


def _is_unknown_key(detail: ErrorDetails) -> bool:
    return detail["type"] == "extra_forbidden"


def _problem(detail: ErrorDetails, steps: Steps, field: _Spot, document: Document) -> Problem:
    named = ".".join(map(str, steps))
    kind = detail["type"]
    if _is_unknown_key(detail):
        return document.place_of_name(steps).problem(
            f"{named}: unknown key", did_you_mean(str(steps[-1]), field.siblings)
        )
    where = document.place(steps)
    if kind == "missing":
        parent = document.place_of_name(steps[:-1])
        return parent.problem(f"{named}: missing", field.example)
    words = f"{named}{_words(detail, steps, document)}"
    return where.problem(words if named else words.removeprefix(": "), _remedy(detail, field))


def _words(detail: ErrorDetails, steps: Steps, document: Document) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    shown = _shown(detail, steps, document)
    if kind == "union_tag_not_found":
        return ".kind: missing"
    if kind in _WORDS:
        return f": {_WORDS[kind].format(**{name: _number(value) for name, value in context.items()})}{shown}"
    if kind == "literal_error":
        return f": must be {context['expected']}{shown}"
    if kind == "union_tag_invalid":
        not_this = "" if (*steps, "kind") in document.expanded else f", not {context['tag']!r}"
        return f".kind: must be one of {context['expected_tags']}{not_this}"
    if kind == "string_pattern_mismatch":
        return ": is not written as it should be"
    if kind == "value_error":
        return f": {context['error']}"
    return f": {detail['msg']}{shown}"


def _remedy(detail: ErrorDetails, field: _Spot) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "string_type" and isinstance(detail["input"], (int, float)):
        return "write it in quotes"
    if kind == "literal_error" and isinstance(detail["input"], str):
        near = did_you_mean(detail["input"], re.findall(r"'([^']*)'", context["expected"]))
        return near if near.startswith("did you") else ""
    if kind == "union_tag_invalid":
        near = did_you_mean(context["tag"], re.findall(r"'([^']*)'", context["expected_tags"]))
        return near if near.startswith("did you") else ""
    if kind == "union_tag_not_found":
        return f"one of {', '.join(field.tags)}"
    return field.example


def _shown(detail: ErrorDetails, steps: Steps, document: Document) -> str:
    value = detail["input"]
    secret = bool(_SECRET_NAMES & set(map(str, steps))) or steps in document.expanded
    if secret or not detail["type"].startswith(_SHOWS_VALUE) or not isinstance(value, (str, int, float, type(None))):
        return ""
    return f", not {'nothing' if value is None else repr(value)}"


class _Spot:
    """What the schema says about one place: names that may stand beside it, an example, the kinds of a union."""

    def __init__(self, siblings: Sequence[str], field: FieldInfo | None, tags: Sequence[str]) -> None:
        self.siblings = [name for name in siblings if name != "extends"] + (["extends"] if "module" in siblings else [])
        self.tags = tags
        told = [] if field is None else [field, *_inner_fields(field.annotation)]
        examples = [example for info in told for example in info.examples or ()]
        descriptions = [info.description for info in told if info.description]
        self.example = f"for example {examples[0]}" if examples else next(iter(descriptions), "")


def _locate(loc: tuple[int | str, ...], data: Any, root: type[BaseModel] = Rig) -> tuple[Steps, _Spot]:
    """Steps in the file for pydantic's `loc` (which also names members of unions), and what the schema says there."""
    steps: list[int | str] = []
    owners: list[type[BaseModel]] = [root]
    siblings: list[str] = _names(root)
    field: FieldInfo | None = None
    for step in loc:
        if step == "[key]":
            break
        members = [owner for owner in owners if step in _tags(owner)]
        if members and not (isinstance(data, Mapping) and step in data):
            owners = members
            continue
        if isinstance(step, int):
            data = data[step] if isinstance(data, list) and step < len(data) else None
        else:
            named = [name for owner in owners for name in _names(owner)]
            if field is not None and _is_map(field.annotation) and step not in named:
                siblings, field = [], None  # a name that anybody may choose
            else:
                siblings = sorted(set(named))
                field = next((found for owner in owners if (found := _field(owner, step)) is not None), None)
                owners = _models(field.annotation) if field else []
            data = data.get(step) if isinstance(data, Mapping) else None
        steps.append(step)
    return tuple(steps), _Spot(siblings, field, sorted({tag for owner in owners for tag in _tags(owner)}))


@functools.cache
def _names(owner: type[BaseModel]) -> list[str]:
    """The names that may stand in a map of that model, as they are written."""
    properties = owner.model_json_schema().get("properties", {})
    return [info.alias or name for name, info in owner.model_fields.items() if (info.alias or name) in properties]


def _field(owner: type[BaseModel], written: str) -> FieldInfo | None:
    return next((info for name, info in owner.model_fields.items() if (info.alias or name) == written), None)


def _is_map(annotation: Any) -> bool:
    return get_origin(annotation) is dict


def _inner_fields(annotation: Any) -> Iterator[FieldInfo]:
    """What is said of the members of a union, where the field itself says nothing."""
    for part in get_args(annotation):
        if isinstance(part, FieldInfo):
            yield part
        else:
            yield from _inner_fields(part)


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _tags(owner: type[BaseModel]) -> tuple[str, ...]:
    kind = owner.model_fields.get("kind")
    return get_args(kind.annotation) if kind is not None and get_origin(kind.annotation) is Literal else ()


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that may stand where `annotation` does, through unions, lists and Annotated."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, tuple, list, dict, Annotated):
        return [model for part in get_args(annotation) for model in _models(part)]
    return []
