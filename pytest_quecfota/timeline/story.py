"""Records as lines a person reads: the table in a failure text, stages reached, the state of the bench.

Takes entries of the history; repeats are drawn together. Times are module seconds since a mark.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_quecfota import urc as vocabulary
from pytest_quecfota.timeline.clock import ModuleClock
from pytest_quecfota.timeline.history import Entry, Mark
from pytest_quecfota.urc import Urc

#: Rows of a table; what is older is only in the files.
ROWS = 40

_REMARK_COLUMN = 64
_SYMBOLS = {"tx": ">", "response": "<", "urc": "*"}


@dataclass
class Row:
    """One or several equal records: real times of the first and the last, how many, and the text."""

    first: float
    last: float
    symbol: str
    text: str
    key: object
    count: int = 1
    holds: Urc | None = None
    end: bool = False


def table(entries: Sequence[Entry], mark: Mark, clock: ModuleClock, urc: Urc | float, remark: str) -> list[str]:
    """The records as lines. The URC that decided carries the remark, or the real time at which the wait was over."""
    marked = urc if isinstance(urc, Urc) else None
    rows = list(_rows(entries, marked))
    if isinstance(urc, float):
        later = next((number for number, row in enumerate(rows) if row.first > urc), len(rows))
        rows.insert(later, Row(urc, urc, ".", "", None, end=True))
    lines = [_spelt(row, mark, clock) for row in rows]
    for number, row in enumerate(rows):
        if row.holds is not None or row.end:
            lines[number] = f"{lines[number]:<{_REMARK_COLUMN}}<- {remark}"
    if len(lines) > ROWS:
        lines = [f"{'…':>8}    {len(lines) - ROWS + 1} earlier lines are in the files", *lines[1 - ROWS :]]
    return lines


def stages(urcs: Iterable[Urc], since: Callable[[float], float]) -> str:
    """URCs as a list of stages: `DownloadStarted +0.9 s, Downloading x3, last +41.2 s`."""
    told = []
    for name, group in groupby(urcs, lambda urc: type(urc).__name__):
        same = list(group)
        at = offset(since(same[-1].time))
        told.append(f"{name} {at}" if len(same) == 1 else f"{name} x{len(same)}, last {at}")
    return ", ".join(told)


def offset(seconds: float) -> str:
    """Module seconds after a mark: `+41.2 s`."""
    return f"{seconds:+.3f} s" if abs(seconds) < 0.1 else f"{seconds:+.1f} s"


def wall_clock(unix: float) -> str:
    """A local time of day with milliseconds."""
    moment = datetime.datetime.fromtimestamp(unix).astimezone()
    return moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def bench(supply: Mapping[str, object], sample: Mapping[str, object]) -> str:
    """The state of the supply in a few words."""
    told = []
    voltage = sample.get("voltage", supply.get("voltage"))
    if supply.get("output") is False:
        told.append("off")
    elif isinstance(voltage, (int, float)):
        told.append(f"{voltage:.2f} V")
    current = sample.get("current")
    if isinstance(current, (int, float)):
        told.append(f"{current * 1000:.0f} mA")
    if not told and not supply:
        return "supply unknown"
    disturbance = supply.get("disturbance")
    told.append(f"disturbance {disturbance}" if disturbance else "no disturbance")
    return "supply " + ", ".join(told)


def text_of(entry: Entry) -> str:
    """One record in one line."""
    if isinstance(entry.body, Urc):
        return urc_text(entry.body)
    if entry.kind == "tx":
        return _one_line(str(entry.body.get("data", "")))
    if entry.kind == "response":
        return str(entry.body.get("final", ""))
    name = next((key for key in ("text", "name", "action") if entry.body.get(key) is not None), "")
    rest = [f"{key} {value}" for key, value in entry.body.items() if key != name and value is not None]
    return _one_line(" ".join(filter(None, [f"{entry.kind}:", str(entry.body.get(name, "")), ", ".join(rest)])))


def urc_text(urc: Urc) -> str:
    """A URC by its name and what it carries."""
    if isinstance(urc, vocabulary.Unknown):
        return f"Unknown {_one_line(urc.raw)!r}"
    fields = {name: value for name, value in vocabulary.fields(urc).items() if value is not None}
    told = ", ".join(f"{name}={value!r}" for name, value in fields.items())
    return _one_line(f"{type(urc).__name__}({told})" if told else type(urc).__name__)


def _rows(entries: Sequence[Entry], marked: Urc | None) -> Iterable[Row]:
    last: Row | None = None
    for entry in entries:
        if entry.kind == "response":
            for line in _lines(entry.body):
                yield from [last] if last else []
                last = Row(entry.time, entry.time, "<", _one_line(line), None)
        row = Row(entry.time, entry.time, _SYMBOLS.get(entry.kind, "#"), text_of(entry), _key(entry))
        row.holds = marked if entry.body is marked else None
        if last and row.key is not None and last.key == row.key and row.holds is None:
            last.last, last.count, last.text = row.last, last.count + 1, type(entry.body).__name__
            continue
        if last:
            yield last
        last = row
    if last:
        yield last


def _lines(body: object) -> list[str]:
    lines = body.get("lines", ()) if isinstance(body, Mapping) else ()
    return [str(line) for line in lines]


def _key(entry: Entry) -> object:
    """What makes two URCs in a row one line: their class, and the stage of a classic upgrade."""
    return (type(entry.body), getattr(entry.body, "stage", None)) if isinstance(entry.body, Urc) else None


def _spelt(row: Row, mark: Mark, clock: ModuleClock) -> str:
    first, last = clock.between(mark.time, row.first), clock.between(mark.time, row.last)
    if row.count > 1:
        return f"{'…':>9}  {row.symbol} {row.text} x{row.count} ({first:+.1f} … {last:+.1f})"
    return f"{first:>+9.2f}  {row.symbol} {row.text}"


def _one_line(text: str, width: int = 100) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
