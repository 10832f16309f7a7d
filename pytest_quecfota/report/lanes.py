"""Where labels go in a lane of events, so that five are readable and five hundred too.

Pure layout: events and a width in, marks and placed labels out. Repeats of the same event become one with a count;
where there is no room, the less telling labels are left out (their marks stay).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_quecfota.report.course import Event
from pytest_quecfota.report.markup import clean
from pytest_quecfota.report.palette import PRIORITY

_GAP = 8.0
_ORDER = {tone: rank for rank, tone in enumerate(PRIORITY)}


@dataclass(frozen=True)
class Group:
    """One event, or several of the same text with nothing else of their lane in between."""

    text: str
    tone: str
    times: tuple[float, ...]

    @property
    def start(self) -> float:
        """Time of the first."""
        return self.times[0]

    @property
    def label(self) -> str:
        """The text, with `×n` where there are several."""
        return self.text if len(self.times) == 1 else f"{self.text} ×{len(self.times)}"


@dataclass(frozen=True)
class Label:
    """A label of a group in row `row` (0 is nearest to the marks), its left edge `left` in the units of the width."""

    group: Group
    row: int
    left: float
    before: bool  # it stands left of its mark, at the right end of the lane


def grouped(events: Iterable[Event], *, pause: float = math.inf) -> list[Group]:
    """Events of one lane in order of time; repeats are one group unless more than `pause` seconds lie between."""
    groups: list[tuple[str, str, list[float]]] = []
    for event in sorted(events, key=lambda event: event.t):
        if groups and groups[-1][0] == event.text and event.t - groups[-1][2][-1] <= pause:
            groups[-1][2].append(event.t)
        else:
            groups.append((event.text, event.tone, [event.t]))
    return [Group(text, tone, tuple(times)) for text, tone, times in groups]


def shortened(text: str, longest: int = 34) -> str:
    """`text` on one line that a picture may hold, cut to `longest` characters with an ellipsis."""
    text = clean(" ".join(text.split()))
    return text if len(text) <= longest else text[: longest - 1] + "…"


def width_of(text: str, size: float) -> float:
    """About how wide `text` is in a sans-serif font of that height; rather too wide than too narrow."""
    wide = sum(character.isupper() or character in "+=→×%&@_" for character in text)
    return size * (0.57 * len(text) + 0.14 * wide)


def placed(groups: Sequence[Group], *, start: float, end: float, width: float, size: float, rows: int) -> list[Label]:
    """Labels for as many groups as find room in `rows` rows of `width`, the most telling first.

    `size` is the height of the font. A label begins at its mark (near the right end it ends there), and no
    line from a mark down to its label crosses another label.
    """
    scale = width / (end - start) if end > start else 0.0
    boxes = [_Box.of(group, (group.start - start) * scale, size, width) for group in groups]
    telling = sorted(boxes, key=lambda box: (_ORDER.get(box.group.tone, len(_ORDER)), box.at))
    kept: list[list[_Box]] = [[] for _ in range(rows)]
    for box in telling:
        next((row for row in kept if not any(map(box.overlaps, row))), []).append(box)
    chosen = sorted((box for row in kept for box in row), key=lambda box: (box.before, -box.at))
    final: list[list[_Box]] = [[] for _ in range(rows)]
    for box in chosen:
        for number in range(rows):
            if box.fits(final, number):
                final[number].append(box)
                break
    labels = [Label(box.group, row, box.left, box.before) for row, found in enumerate(final) for box in found]
    return sorted(labels, key=lambda label: (label.group.start, label.row))


@dataclass(frozen=True)
class _Box:
    """The room a label takes across, and where its mark is."""

    group: Group
    at: float
    left: float
    right: float
    before: bool

    @classmethod
    def of(cls, group: Group, at: float, size: float, width: float) -> _Box:
        room = width_of(shortened(group.label), size) + _GAP
        before = at + room > width
        left = max(0.0, at - room) if before else at
        return cls(group, at, left, left + room, before)

    def overlaps(self, other: _Box) -> bool:
        return self.left < other.right and other.left < self.right

    def crosses(self, other: _Box) -> bool:
        """Whether the line down from this one's mark runs through the other's label."""
        return other.left + 1 < self.at < other.right - _GAP / 2

    def fits(self, rows: Sequence[Sequence[_Box]], number: int) -> bool:
        return (
            not any(map(self.overlaps, rows[number]))
            and not any(self.crosses(nearer) for row in rows[:number] for nearer in row)
            and not any(deeper.crosses(self) for row in rows[number + 1 :] for deeper in row)
        )


def thinned(times: Sequence[float], *, start: float, end: float, most: int) -> list[float]:
    """At most about `most` of the times, one per equal slice: enough marks to see where they are."""
    if len(times) <= most or end <= start:
        return list(times)
    slices = {int((t - start) / (end - start) * most): t for t in reversed(times)}
    return sorted(slices.values())
