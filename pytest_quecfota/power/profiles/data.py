"""What all parts of a supply profile are made of: strict frozen data, regular expressions and message templates."""

from __future__ import annotations

import re
import string
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _message(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError("a message is printable ASCII; line ends are added by the transport")
    try:
        places(text)
    except ValueError as error:
        raise ValueError(f"not a template: {error}") from None
    return text


Regex = Annotated[str, AfterValidator(_regex)]
Message = Annotated[str, Field(min_length=1), AfterValidator(_message)]
Seconds = Annotated[float, Field(gt=0, lt=1e9)]


class Data(BaseModel):
    """A map of a profile: unknown names are errors, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def places(template: str) -> frozenset[str]:
    """The names in braces of a template."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name is not None)


def fill(template: str, **values: Any) -> str:
    """A template with its places filled in."""
    return template.format(**values)
