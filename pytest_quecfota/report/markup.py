"""HTML without a template engine: what is not marked as HTML is escaped, so that no test name or log line becomes markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_VOID = frozenset({"img", "meta", "br", "hr", "link"})
#: Characters that neither HTML nor XML may hold, and half a surrogate pair, which UTF-8 may not.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()


def clean(text: str) -> str:
    """`text` with every character that a page or a picture may not hold shown as a middle dot."""
    return _FORBIDDEN.sub("·", text)


def html_of(content: object) -> Html:
    """Anything as HTML: `Html` as it is, None as nothing, iterables joined, the rest escaped."""
    if isinstance(content, Html):
        return content
    if content is None:
        return Html("")
    if isinstance(content, Iterable) and not isinstance(content, (str, bytes)):
        return Html("".join(html_of(part) for part in content))
    return Html(escape(clean(str(content))))


def element(name: str, /, *content: object, **attributes: object) -> Html:
    """`<name …>content</name>`; `class_` is `class`, underscores become dashes, True is a bare attribute, None none."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(clean(str(value)))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{html_of(content)}</{name}>")
