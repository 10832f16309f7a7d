"""What every URC has in common.

A URC (unsolicited result code) is a line the module sends by itself. `urc.parsing` makes these objects from lines, the
timeline records them, patterns compare them. All are frozen; `raw` and `time` never take part in a comparison, so a
test may write down the URC it expects without them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Value = int | str | bytes | None
"""One printed value: a number, a text, a payload as received, or None where nothing stands between two commas."""


@dataclass(frozen=True, slots=True)
class Urc:
    """The base of all URCs.

    Parameters:
        raw: the line as printed, without surrounding white space and line noise.
        time: when it arrived, in real seconds since the start of the timeline.
    """

    raw: str = field(default="", kw_only=True, compare=False, repr=False)
    time: float = field(default=0.0, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unknown(Urc):
    """A line that has no type here. Nothing is lost: it is in `raw`. Two of them are equal whatever they say."""

    def __repr__(self) -> str:
        return f"Unknown(raw={self.raw!r})"


def fields(urc: Urc) -> dict[str, Any]:
    """The public fields without `raw` and `time`, as JSON takes them: tuples become lists, a payload becomes text."""
    names: tuple[str, ...] = urc.__match_args__
    return {name: _plain(getattr(urc, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value
