"""What `quecfota waveform` does: lists the waveforms, shows one, draws it, writes it as a table or as a supply's messages."""

from __future__ import annotations

import argparse

from pytest_quecfota.power.plans import Bench, PlayPlan, plan
from pytest_quecfota.power.precision import precision
from pytest_quecfota.power.profiles import Profile, load_profile
from pytest_quecfota.power.waveform import Level, Segment, Waveform
from pytest_quecfota.power.waveform_catalogue import FAMILY_NAMES, Catalogue
from pytest_quecfota.power.waveform_drawing import in_text, svg, table
from pytest_quecfota.power.waveform_scale import Scale
from pytest_quecfota.timeline import durations

YES, NO = 0, 1
SHOWN = 24  # segments that are printed one by one
CURRENT_LIMIT = 1.0  # amperes in messages that need one


def run(options: argparse.Namespace) -> int:
    """Do what was asked; 1 where that supply cannot play it. Raises ValueError for a name that is none."""
    catalogue = Catalogue(options.waveforms)
    if options.name is None:
        print(_listed(catalogue))
        return YES
    scale = _scale(options)
    shape = catalogue.find(options.name, scale)
    if options.scpi is not None:
        return _print_messages(shape, load_profile(options.scpi), scale, options)
    if options.draw is not None:
        svg(shape, options.draw)
        print(options.draw)
    else:
        print(table(shape) if options.csv else _shown(shape, scale))
    return YES


def _scale(options: argparse.Namespace) -> Scale:
    from pytest_quecfota import models

    supply = models.load(options.model).supply

    def given(value: float | None, otherwise: float) -> float:
        return otherwise if value is None else value

    made = Scale(given(options.nominal, supply.nominal), given(options.min, supply.min), given(options.max, supply.max))
    if not 0 < made.min <= made.nominal:
        raise ValueError(f"a rail needs 0 V < min <= nominal, not {made.min:g} V and {made.nominal:g} V")
    return made


def _listed(catalogue: Catalogue) -> str:
    rows = catalogue.definitions()
    width = max(len(row.name) for row in rows)
    lines = [f"{row.name:{width}}  {row.mark:10}  {row.title}" for row in rows]
    aliases = [f"{row.name} is also {', '.join(row.aliases)}" for row in rows if row.aliases]
    return "\n".join([*lines, "", f"and names that say what they do: {FAMILY_NAMES}", *aliases])


def _shown(shape: Waveform, scale: Scale) -> str:
    head = [shape.name + (f": {shape.title}" if shape.title else "")]
    if shape.source:
        head.append(f"source    {shape.source} ({shape.mark})")
    head.append(f"rail      nominal {scale.nominal:g} V, minimum {scale.min:g} V")
    rounds = f", {shape.count} rounds" if shape.count > 1 else ""
    head.append(f"lasts     {durations.spell(shape.duration)}{rounds}; {shape.lowest:.3f} to {shape.highest:.3f} V")
    rows = [f"{at:10.4g} s  {durations.spell(s.dwell):>10}  {s.text}" for at, s in _with_times(shape)]
    more = [f"             … {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return "\n".join([*head, "", *rows[:SHOWN], *more, "", in_text(shape, scale.nominal)])


def _with_times(shape: Waveform) -> list[tuple[float, Segment]]:
    at, rows = 0.0, []
    for segment in (*shape.lead, *shape.segments):
        rows.append((at, segment))
        at += segment.dwell
    return rows


def _print_messages(shape: Waveform, profile: Profile, scale: Scale, options: argparse.Namespace) -> int:
    demanded = precision(options.precision)
    try:
        made = plan(shape, Bench(profile, scale.nominal), demanded)
    except ValueError as error:
        print(error)
        return NO
    print(_messages(made, profile, scale, options.channel))
    return YES


def _messages(made: PlayPlan, profile: Profile, scale: Scale, channel: int) -> str:
    how = "stepped by the host" if made.by_host else "by itself"
    head = [f"# {profile.title}, {how}: {len(made.levels)} levels, within {made.claimed}"]
    head += [f"# {note}" for note in made.notes]
    engine = profile.list_engine
    if made.by_host or engine is None:
        return "\n".join([*head, *_stepped(made, profile, scale.nominal, channel)])
    rows = [(level.voltage, level.dwell) for level in made.levels]
    loaded = engine.load_messages(rows, channel=channel, current=CURRENT_LIMIT, count=made.count)
    return "\n".join([*head, *loaded, engine.start.format(channel=channel)])


def _stepped(made: PlayPlan, profile: Profile, nominal: float, channel: int) -> list[str]:
    """Each message with the second it is sent at."""
    lines, at, is_off = [], 0.0, False
    for level in (*made.levels, Level(nominal, 0.0)):
        names = ["off"] if level.open else ["voltage", "on"] if is_off else ["voltage"]
        said = [profile.single(name, channel=channel, voltage=level.voltage) for name in names]
        lines += [f"{at:.6f}  {message}" for message in said]
        at, is_off = at + level.dwell, level.open
    return lines
