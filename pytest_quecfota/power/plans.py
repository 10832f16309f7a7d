"""How a supply will play a waveform: by its own engine or stepped by the host, with which levels, and how exactly.

Decided from the profile alone, before anything is sent: what cannot be played, or not as exactly as demanded, is a ValueError.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_quecfota.power.precision import Precision
from pytest_quecfota.power.profiles import Profile
from pytest_quecfota.power.profiles.engines import Engine
from pytest_quecfota.power.waveform import Level, Segment, Waveform
from pytest_quecfota.power.waveform_steps import Grid, sample
from pytest_quecfota.timeline import durations

HOST_STEP = 0.02  # real seconds: how late a message of the host may reach a supply, on a busy machine
HOST_TICK = 1e-6  # seconds: what the host rounds moments to
COARSE = "its steps are larger than the {:.3g} mV of its source"
COARSER = 0.001  # volts that rounding may add to half a step
TAIL = 10.0  # real seconds at the nominal voltage behind a waveform, where an engine would switch off at its end


@dataclass(frozen=True)
class PlayPlan:
    """How `waveform` is played: `steps` levels, `count` times over by the engine itself; errors as in `Steps`."""

    waveform: Waveform
    mode: str
    levels: tuple[Level, ...]
    count: int
    time_error: float
    voltage_error: float
    notes: tuple[str, ...] = ()

    @property
    def claimed(self) -> Precision:
        """What is promised."""
        return Precision(self.time_error, self.voltage_error)

    @property
    def by_host(self) -> bool:
        """Whether the host tells the supply each level."""
        return self.mode == "host"


@dataclass(frozen=True)
class Bench:
    """What a plan needs to know of a rig: its supply's profile, the nominal voltage (V), module seconds per real second."""

    profile: Profile
    nominal: float
    speed: float = 1.0


def plan(waveform: Waveform, bench: Bench, demanded: Precision | None = None) -> PlayPlan:
    """The best way to play `waveform` on a bench.

    Raises:
        ValueError: it cannot play it, or not with the precision demanded.
    """
    demanded = demanded or Precision()
    usual = max(0.001, 0.0025 * waveform.highest) if waveform.step is None else waveform.step / 2
    rounding = bench.profile.resolution.voltage / 2
    finest = usual if demanded.voltage is None else min(usual, max(1e-4, demanded.voltage - rounding))
    found: list[PlayPlan] = []
    refusals: list[str] = []
    for make in (_by_engine, _by_host):
        try:
            found.append(make(waveform, bench, finest))
        except ValueError as error:
            refusals.append(str(error))
    kept = [each for each in found if not demanded.missing(each.time_error, each.voltage_error)]
    if kept:
        best = min(kept, key=lambda each: (_too_coarse(each), _score(each)))
        coarse = (COARSE.format(1000 * (waveform.step or 0)),) if _too_coarse(best) else ()
        return replace(best, notes=(*best.notes, *coarse))
    refusals += [f"{_way(each.mode)} it is {_exactness(each)} exact" for each in found]
    asked = f" with a precision of {demanded}" if demanded != Precision() else ""
    raise ValueError(f"{bench.profile.title} cannot play {waveform.name}{asked}: {'; '.join(refusals)}")


def _too_coarse(made: PlayPlan) -> bool:
    """Whether it is played by larger steps than its source allows."""
    step = made.waveform.step
    return step is not None and made.voltage_error > step / 2 + COARSER


def _score(made: PlayPlan) -> float:
    """Errors in units of the waveform: the less, the better; an engine before the host where both are as good."""
    shortest = min(segment.dwell for segment in made.waveform.all_segments())
    return made.voltage_error / max(made.waveform.highest, 0.1) + made.time_error / shortest + 1e-6 * made.by_host


def _by_engine(waveform: Waveform, bench: Bench, finest: float) -> PlayPlan:
    engine = bench.profile.list_engine
    if engine is None:
        raise ValueError("it has no list engine")
    tail = _tail(engine, waveform, bench)
    grid = Grid(engine.min_dwell, engine.max_dwell, engine.dwell_resolution, engine.max_steps - len(tail))
    looped = waveform.count > 1 and not waveform.lead and not tail and _counts(engine)
    try:
        steps = sample(waveform.segments if looped else waveform.all_segments(), grid, finest=finest)
    except ValueError as error:
        raise ValueError(f"by its own {engine.kind} {error}") from None
    count = waveform.count if looped else 1
    drift = (count - 1) * abs(steps.duration - sum(s.dwell for s in waveform.segments)) if looped else 0.0
    notes = ("switched off means 0 V here: a list cannot open the output",) if waveform.switches_off else ()
    levels = (*steps.levels, *tail)
    time_error = steps.time_error + drift + settling(bench.profile)
    voltage_error = steps.voltage_error + bench.profile.resolution.voltage / 2
    return PlayPlan(waveform, engine.kind, levels, count, time_error, voltage_error, notes)


def _tail(engine: Engine, waveform: Waveform, bench: Bench) -> tuple[Level, ...]:
    """What an engine plays behind the waveform, where it would not go back to the setting by itself."""
    last = waveform.segments[-1]
    ends_well = isinstance(last, Level) and last.voltage == bench.nominal
    if engine.ends == "setting" or (engine.ends == "last" and ends_well):
        return ()
    dwell = engine.min_dwell if engine.ends == "last" else TAIL * bench.speed
    return (Level(bench.nominal, min(engine.max_dwell, max(dwell, engine.min_dwell))),)


def _counts(engine: Engine) -> bool:
    return any("{count" in text for text in engine.load)


def _by_host(waveform: Waveform, bench: Bench, finest: float) -> PlayPlan:
    late = host_step(bench.profile) * bench.speed
    row = tuple(waveform.all_segments())
    engine = bench.profile.list_engine
    slow = engine is None or engine.min_dwell > host_step(bench.profile)  # nothing else plays what is short
    once = slow and _is_one_level(row, bench.nominal)
    least = min(late, *(segment.dwell for segment in row)) if once else late
    try:
        steps = sample(row, Grid(least, float("inf"), HOST_TICK), finest=finest)
    except ValueError as error:
        raise ValueError(f"stepped by the host {error}") from None
    voltage_error = steps.voltage_error + bench.profile.resolution.voltage / 2
    return PlayPlan(waveform, "host", steps.levels, 1, steps.time_error + late + settling(bench.profile), voltage_error)


def _is_one_level(row: tuple[Segment, ...], nominal: float) -> bool:
    """A plain cut or dip, perhaps delayed: played however short it is on this clock, where nothing else can play it."""
    away = [segment for segment in row if segment.lowest != segment.highest or segment.first != nominal]
    return len(away) == 1 and isinstance(away[0], Level)


def host_step(profile: Profile) -> float:
    """Real seconds by which a level that the host sends may be late: our own part, and the gaps the supply needs.

    Switching on is a second command; where commands are not joined, each is a message with a question behind it.
    """
    joined = profile.compound is not None and profile.commands.error is not None
    messages = 1 if joined else 4
    return HOST_STEP + messages * profile.transport.command_gap


def settling(profile: Profile) -> float:
    """Seconds the output takes to follow a new level, 0 where the profile does not know: part of what is promised."""
    return (profile.slew.settle or 0.0) if profile.slew is not None else 0.0


def _way(mode: str) -> str:
    return "stepped by the host" if mode == "host" else f"by its own {mode}"


def _exactness(made: PlayPlan) -> str:
    return f"{durations.spell(made.time_error)} and {1000 * made.voltage_error:.3g} mV"
