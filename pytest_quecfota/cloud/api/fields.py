"""Fields and shapes that several resources share."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints

from ..domain import rules
from ..domain.windows import iso
from ..errors import not_found

_NUMBER = re.compile(r"[-+]?[0-9_.]*(?:e[-+]?[0-9]+)?", re.IGNORECASE)


def a_number(value: Any) -> Any:
    """Refuses what JSON does not call a number."""
    if isinstance(value, bool | str):
        raise ValueError("a number is needed")
    return value


def _a_text(value: Any) -> Any:
    a_number_as_text = isinstance(value, str) and _NUMBER.fullmatch(value.strip())
    if a_number_as_text or not isinstance(value, str | datetime.datetime | None):
        raise ValueError("a time in ISO 8601 is needed")
    return value


A_NUMBER = BeforeValidator(a_number)
"""Comes last in an `Annotated`, so that limits before it are described."""
Truth = Annotated[bool, Strict()]
Moment = Annotated[datetime.datetime, BeforeValidator(_a_text)]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=rules.NAME_LENGTH, pattern=rules.NAME),
]
Version = Annotated[str, StringConstraints(pattern=rules.VERSION)]
DeviceKey = Annotated[str, StringConstraints(pattern=rules.DEVICE_KEY)]
ProductKey = Annotated[str, StringConstraints(pattern=rules.PRODUCT_KEY)]
Identifier = Annotated[str, StringConstraints(pattern=rules.IDENTIFIER)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}$")]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-01-31T08:00:00.000+00:00"])]
Offset = Annotated[int, Query(ge=0, le=1_000_000_000)]
Limit = Annotated[int, Query(ge=1, le=10_000)]

Item = TypeVar("Item")


class Input(BaseModel):
    """A request body: unknown names are refused, so that a misspelt field is seen."""

    model_config = ConfigDict(extra="forbid")


class Listing(BaseModel, Generic[Item]):
    """A list: one page of it, and how many there are."""

    items: list[Item]
    total: int


def number(text: str, what: str) -> int:
    """An id of a path as a number; what cannot be one is not found."""
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    raise not_found(what, text)


def moment(seconds: float | None) -> str | None:
    """A stored time as the API shows it."""
    return None if seconds is None else iso(seconds)


def page(items: list[dict[str, Any]], total: int) -> dict[str, Any]:
    """A `Listing`."""
    return {"items": items, "total": total}
