"""What a supply plays by itself: lists of levels, arbitrary sequences, batteries; as templates and limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pytest_quecfota.power.profiles.data import Data, Message, Seconds, fill, places

_POINT = frozenset({"index", "channel", "voltage", "current", "dwell"})
_LOAD = frozenset({"channel", "voltages", "currents", "dwells", "points", "count", "current", "steps"})
_CHANNEL = frozenset({"channel"})


class Engine(Data):
    """A list (`kind: list`) or arbitrary sequence (`arb`): how a waveform is loaded, started and taken away; times in seconds.

    Levels reach the supply in one of three ways: `load` names `{voltages}`, `{dwells}` and `{currents}` (comma-separated
    numbers); or `point` is the text of one level, all joined with "," to what `load` names as `{points}`; or, where `point`
    holds `{index}`, each level is a message of its own, sent before `load`. `{count}` is how often all is played, `{steps}`
    how many levels there are, `{current}` the current limit.

    `prepare` is sent before everything else. `unused` is sent for every `{index}` up to `max_steps` that is not used, where steps
    of an earlier waveform would be played on.

    `ends` is what the output holds when it is over: the `setting` from before, the `last` level, or nothing (`off`).
    """

    kind: Literal["list", "arb"] = "list"
    min_dwell: Seconds
    max_dwell: Seconds = 3600.0
    dwell_resolution: Seconds = 0.001
    max_steps: Annotated[int, Field(ge=2)]
    interpolates: bool = False
    first_index: Annotated[int, Field(ge=0)] = 1
    prepare: tuple[Message, ...] = ()
    load: tuple[Message, ...] = ()
    point: Message | None = None
    unused: Message | None = None
    start: Message
    disarm: tuple[Message, ...]
    acknowledge: Message | None = None
    ends: Literal["setting", "last", "off"] = "setting"

    @model_validator(mode="after")
    def _sound(self) -> Engine:
        if self.max_dwell < self.min_dwell:
            raise ValueError(f"max_dwell {self.max_dwell:g} s is below min_dwell {self.min_dwell:g} s")
        if self.dwell_resolution > self.min_dwell:
            raise ValueError(f"dwell_resolution {self.dwell_resolution:g} s is above min_dwell {self.min_dwell:g} s")
        joined = any("points" in places(text) for text in self.load)
        if joined != (self.point is not None and "index" not in places(self.point)):
            raise ValueError("{points} in load needs `point` without {index}, and the other way round")
        if self.point is None and not any("voltages" in places(text) for text in self.load):
            raise ValueError("load names no levels: it needs {voltages} and {dwells}, or {points} with `point`")
        return self

    def load_messages(
        self, levels: Iterable[tuple[float, float]], *, channel: int, current: float, count: int = 1
    ) -> list[str]:
        """What loads `levels` (volts, seconds) `count` times at a current limit (A), everything but the start."""
        rows = list(levels)
        told = [] if self.point is None else [self._point(n, row, channel, current) for n, row in enumerate(rows)]
        single = self.point is not None and "index" in places(self.point)
        values = {
            "channel": channel,
            "voltages": ",".join(f"{volts:.4f}" for volts, _ in rows),
            "dwells": ",".join(f"{dwell:.6g}" for _, dwell in rows),
            "currents": ",".join(f"{current:.4f}" for _ in rows),
            "points": "" if single else ",".join(told),
            "count": count,
            "steps": len(rows),
            "current": current,
        }
        rest = range(len(rows) + self.first_index, self.max_steps + self.first_index) if self.unused else ()
        empty = [fill(self.unused or "", index=index, channel=channel) for index in rest]
        first = [fill(text, channel=channel) for text in self.prepare]
        return [*first, *(told if single else ()), *empty, *(fill(text, **values) for text in self.load)]

    def start_message(self, channel: int) -> str:
        """What starts a loaded waveform."""
        return fill(self.start, channel=channel)

    def disarm_messages(self, channel: int) -> list[str]:
        """What takes a loaded or playing waveform away."""
        return [fill(text, channel=channel) for text in self.disarm]

    def templates(self) -> Iterator[tuple[str, tuple[str, ...], frozenset[str]]]:
        """Each template with where it stands and what may be filled in."""
        yield "list.prepare", self.prepare, _CHANNEL
        yield "list.load", self.load, _LOAD
        yield "list.point", (self.point,) if self.point else (), _POINT
        yield "list.unused", (self.unused,) if self.unused else (), frozenset({"index", "channel"})
        yield "list.start", (self.start,), _CHANNEL
        yield "list.disarm", self.disarm, _CHANNEL
        yield "list.acknowledge", (self.acknowledge,) if self.acknowledge else (), _CHANNEL

    def _point(self, number: int, row: tuple[float, float], channel: int, current: float) -> str:
        assert self.point is not None
        volts, dwell = row
        index = number + self.first_index
        return fill(self.point, index=index, channel=channel, voltage=volts, current=current, dwell=dwell)


_BATTERY = frozenset(
    {"channel", "capacity", "charge", "resistance", "voltage", "current", "points", "full", "empty", "number"}
)
_BATTERY_POINT = frozenset({"index", "channel", "charge", "voltage", "resistance"})


class BatteryEngine(Data):
    """A battery that the instrument emulates.

    `kind` says how much of it: `table` takes a curve of charge, open-circuit voltage and resistance; `stored` recalls a model of
    its own (`{number}`); `resistance` sags by an internal resistance alone, the charge is followed by the host.

    Places: `{capacity}` (Ah), `{charge}` (%), `{resistance}` (ohm), `{voltage}` (V now), `{full}` and `{empty}` (V), `{current}`
    (A, the limit); `point` is one row of the curve, with `{index}` where each is a message of its own, else joined to `{points}`.
    """

    kind: Literal["table", "stored", "resistance"]
    load: tuple[Message, ...] = ()
    point: Message | None = None
    max_points: Annotated[int, Field(ge=2)] | None = None
    mode: tuple[Message, ...] = ()
    start: tuple[Message, ...] = ()
    stop: tuple[Message, ...]
    charge: Message | None = None
    soc: Message | None = None

    @model_validator(mode="after")
    def _sound(self) -> BatteryEngine:
        if self.kind == "table" and (self.point is None or self.max_points is None):
            raise ValueError("kind: table needs `point` and `max_points`")
        return self

    def templates(self) -> Iterator[tuple[str, tuple[str, ...], frozenset[str]]]:
        """Each template with where it stands and what may be filled in."""
        for name in ("load", "mode", "start", "stop"):
            yield f"battery.{name}", getattr(self, name), _BATTERY
        yield "battery.point", (self.point,) if self.point else (), _BATTERY_POINT
        yield "battery.charge", (self.charge,) if self.charge else (), _BATTERY
        yield "battery.soc", (self.soc,) if self.soc else (), _CHANNEL
