"""The course of one test: what reports draw and tell of it. `reading` makes it from a timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Lanes from top to bottom, and how they are called.
LANES = {name: name for name in ("module", "host", "test", "supply", "platform")}

#: What happened of a disturbance, in order of time, and how a picture calls it.
DISTURBANCE_MARKS = {
    "armed": "armed",
    "seen": "URC seen",
    "sent": "sent",
    "acknowledged": "acknowledged",
    "low": "voltage low",
    "gone": "module gone",
    "ended": "waveform over",
    "restored": "supply restored",
    "back": "module back",
}


@dataclass(frozen=True)
class Event:
    """One thing that happened at `t` seconds after the start; `tone` picks its colour, `detail` its full text."""

    t: float
    lane: str
    text: str
    tone: str = "other"
    detail: str = ""


@dataclass(frozen=True)
class Span:
    """Something that lasted: a stage or a step, in seconds after the start."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class Disturbance:
    """One disturbance: its bracket by mark name, and the waveform that was asked for as (seconds, volts)."""

    name: str
    marks: Mapping[str, float]
    waveform: tuple[tuple[float, float], ...] = ()

    @property
    def trigger(self) -> float:
        """When the moment for it came: the URC was seen, else the message was sent."""
        return min(self.marks.get(key, float("inf")) for key in ("seen", "sent")) if self.fired else self.start

    @property
    def fired(self) -> bool:
        """Whether it was played at all; one that was armed and whose URC never came was not."""
        return bool(self.marks.keys() - {"armed"})

    @property
    def start(self) -> float:
        """When it began to act on the supply, as near as was seen."""
        acting = [self.marks[key] for key in ("sent", "acknowledged", "low", "gone", "seen") if key in self.marks]
        return acting[0] if acting else min(self.marks.values(), default=0.0)

    @property
    def end(self) -> float:
        """When the supply was whole again, else the last that is known of it.

        That it was restored is noted when the test leaves the block of the disturbance, which may be much later.
        """
        over = [self.marks[key] for key in ("ended", "restored") if key in self.marks]
        planned = self.start + self.waveform[-1][0] if self.waveform else self.start
        return max([self.start, *over[:1]] if over else [planned, self.marks.get("gone", planned)])

    @property
    def last(self) -> float:
        """The last thing known of what it did, such as the module's return."""
        return max([self.end, *(t for name, t in self.marks.items() if name != "restored")])


@dataclass
class Course:
    """All of one test that a report shows; times in real seconds after the start of its timeline."""

    events: list[Event] = field(default_factory=list)
    samples: list[tuple[float, float, float]] = field(default_factory=list)
    settings: list[tuple[float, float]] = field(default_factory=list)
    stages: list[Span] = field(default_factory=list)
    steps: list[Span] = field(default_factory=list)
    disturbances: list[Disturbance] = field(default_factory=list)
    faults: list[Event] = field(default_factory=list)
    speed: float = 1.0
    end: float = 0.0

    @property
    def is_empty(self) -> bool:
        """Nothing to draw: no event and no sample."""
        return not (self.events or self.samples or self.settings)
