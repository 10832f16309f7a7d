"""What is known of the bench beside the URCs: supply, last measurement, last command, last bytes.

The timeline keeps `Surroundings` up to date with every record; a failure text tells them as a `Context`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_quecfota.timeline.clock import ModuleClock


@dataclass(frozen=True)
class Context:
    """What a failure text says about the bench.

    Parameters:
        started: wall clock at the start of the timeline, in Unix seconds.
        clock: real and module seconds.
        supply: the last known setting of the supply: voltage (V), output (bool), disturbance (text).
        sample: the last measurement since that setting: voltage (V), current (A).
        command: the last command the test sent, and its real time.
        received: real time and end of the last bytes that came, if any.
        files: where to look further.
        mask: takes the secrets out of a text.
    """

    started: float
    clock: ModuleClock
    supply: Mapping[str, object] = field(default_factory=dict)
    sample: Mapping[str, object] = field(default_factory=dict)
    command: tuple[float, str] | None = None
    received: tuple[float, bytes] | None = None
    files: tuple[str, ...] = ()
    mask: Callable[[str], str] = str


@dataclass
class Surroundings:
    """The newest of each; changed under the timeline's lock."""

    supply: dict[str, object] = field(default_factory=dict)
    sample: dict[str, object] = field(default_factory=dict)
    command: tuple[float, str] | None = None
    received: tuple[float, bytes] | None = None

    def recorded(self, kind: str, fields: Mapping[str, object]) -> None:
        """A record beside the wire was added."""
        if kind == "supply":
            self.supply.update(fields)
            if fields.get("action") == "restored":
                self.supply["disturbance"] = None
            self.sample = {}
        elif kind == "sample":
            self.sample = dict(fields)
