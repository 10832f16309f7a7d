"""The supply's own protections: set above the rig's limits, looked at, and told for what they are when they have switched off.

They are the second line: the first is that nothing above the limits is ever sent (`safety`). The over-voltage level lies 5 % above
`limits.max`, or the profile's `margin` where that is more, so that overshoot and the level's own accuracy do not trip it; the
over-current level 10 % above the current limit, where a family has one of its own. The rig file may give both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power.dialogue import Dialogue
from pytest_quecfota.power.profiles import Guard

ABOVE_VOLTAGE = 1.05
ABOVE_CURRENT = 1.1
STEP = 0.01  # volts and amperes: levels are rounded up to it
NEAR = 0.02  # volts or amperes, or 2 %: what is read back is what was set

_SAID = {
    "over_voltage": "the over-voltage protection of output {channel} has switched it off: more than {level:g} V stood there",
    "over_current": "the over-current protection of output {channel} has switched it off: "
    "the module or its wiring drew more than {level:g} A",
}


@dataclass(frozen=True)
class _Watched:
    """A protection with its level in volts or amperes."""

    name: str
    guard: Guard
    level: float


class Protections:
    """The protections of one output.

    Args:
        levels: what is set, in volts and amperes, by name; those the family lacks are left out.
    """

    def __init__(self, dialogue: Dialogue, levels: Mapping[str, float]) -> None:
        self._dialogue = dialogue
        guards = {name: getattr(dialogue.profile.protection, name) for name in levels}
        self._watched = [_Watched(name, guard, levels[name]) for name, guard in guards.items() if guard is not None]
        self._now = self.levels
        self._seen: str | None = None

    @property
    def levels(self) -> dict[str, float]:
        """What is set after each test: volts and amperes by protection."""
        return {watched.name: watched.level for watched in self._watched}

    def set_up(self) -> None:
        """Set every level, switch the protections on, and see that the supply took them."""
        with self._dialogue.instrument.lock:
            for watched in self._watched:
                self._set(watched)

    def follow(self, current_limit: float) -> None:
        """Let the over-current level rise with a higher current limit, until `put_back`."""
        for watched in self._watched:
            if watched.name == "over_current":
                level = max(watched.level, over_current_level(watched.guard, current_limit))
                if level != self._now[watched.name]:
                    self._set(replace(watched, level=level))

    def put_back(self) -> str | None:
        """Set what a test has changed as it was, and make the supply ready again; what had switched it off, if anything."""
        tripped = self.tripped()
        self._seen = None
        if tripped is not None:
            self._clear()
        for watched in self._watched:
            if tripped is not None or self._now[watched.name] != watched.level:
                self._set(watched)
        return tripped

    def tripped(self) -> str | None:
        """What has switched the output off since `put_back`, as a sentence; None where nothing has."""
        told: dict[str, str] = {}  # one answer may hold the bits of both, and may be cleared by reading
        if self._seen is not None or not any(watched.guard.tripped for watched in self._watched):
            return self._seen
        with self._dialogue.in_step():
            for watched in self._watched:
                guard = watched.guard
                if guard.tripped is None:
                    continue
                message = guard.tripped.format(channel=self._dialogue.channel)
                if message not in told:
                    told[message] = self._dialogue.instrument.query(message, length=guard.trip.length)
                if self._dialogue.flag_in(message, told[message], guard.trip):
                    level = self._now[watched.name]
                    self._seen = _SAID[watched.name].format(channel=self._dialogue.channel, level=level)
                    break
        return self._seen

    def _set(self, watched: _Watched) -> None:
        self._dialogue.say(*watched.guard.set_messages(self._dialogue.channel, watched.level))
        self._compare(watched)
        self._now[watched.name] = watched.level

    def _clear(self) -> None:
        """Make the supply ready again; the output is switched off first, so that clearing alone does not power the module."""
        messages = [text for watched in self._watched for text in watched.guard.clear]
        with self._dialogue.instrument.lock:
            self._dialogue.tell("off")
            self._dialogue.say(*(text.format(channel=self._dialogue.channel) for text in dict.fromkeys(messages)))

    def _compare(self, watched: _Watched) -> None:
        guard = watched.guard
        if guard.read is None:
            return
        message = guard.read.format(channel=self._dialogue.channel)
        found = self._dialogue.number_of(message, guard.level)
        if abs(found - watched.level) > max(NEAR, NEAR * watched.level):
            raise SupplyError(
                f"supply was told {watched.level:g} as its {watched.name.replace('_', '-')} level and says {found:g} ({message})",
                reason=Reason.SUPPLY_SCPI,
            )


def over_voltage_level(guard: Guard | None, most: float) -> float:
    """Volts for the protection of a module that stands `most` volts."""
    margin = guard.margin if guard is not None else 0.0
    return _rounded_up(max(most * ABOVE_VOLTAGE, most + margin))


def over_current_level(guard: Guard | None, limit: float) -> float:
    """Amperes for the protection above a current limit of `limit` amperes."""
    margin = guard.margin if guard is not None else 0.0
    return _rounded_up(max(limit * ABOVE_CURRENT, limit + margin))


def _rounded_up(value: float) -> float:
    return round(math.ceil(round(value / STEP, 6)) * STEP, 6)
