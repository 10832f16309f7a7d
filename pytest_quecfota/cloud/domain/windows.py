"""Time zones, push periods and push rounds.

Times are Unix seconds; a push period is whole hours in the plan's time zone, `(0, 24)` being the whole day
(Developer Center documentation, "Upgrade plan": pushed about every 10 minutes, at 10:00, 10:10, ...).
"""

from __future__ import annotations

import datetime
import re

PUSH_EVERY = 600.0
"""Seconds of platform time between two push rounds."""

_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?$")
_PERIOD = re.compile(r"^([01]\d|2[0-4]):00-([01]\d|2[0-4]):00$")
PERIOD_PATTERN = r"^([01][0-9]|2[0-3]):00-([01][0-9]|2[0-4]):00$"


def zone(name: str) -> datetime.tzinfo:
    """Time zone of a name: `UTC`, `+08:00`, `UTC+8`, or one of the IANA data base; raises ValueError."""
    if name.upper() in {"UTC", "GMT", "Z"}:
        return datetime.timezone.utc
    offset = _OFFSET.match(name)
    if offset:
        sign, hours, minutes = offset.groups()
        delta = datetime.timedelta(hours=int(hours), minutes=int(minutes or 0))
        if delta > datetime.timedelta(hours=14):
            raise ValueError(f"{name!r} is no time zone: offsets end at 14 hours")
        return datetime.timezone(delta if sign == "+" else -delta)
    return _named_zone(name)


def _named_zone(name: str) -> datetime.tzinfo:
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; right would be UTC, +08:00 or Asia/Shanghai") from None


def hours(period: str) -> tuple[int, int]:
    """`"22:00-02:00"` -> (22, 2); raises ValueError where it is not at least one whole hour."""
    found = _PERIOD.match(period)
    if not found:
        raise ValueError(f'{period!r} is no period of whole hours such as "00:00-24:00"')
    first, last = int(found[1]), int(found[2])
    if first == 24 or first == last:
        raise ValueError(f"{period!r} is shorter than one hour; the whole day is 00:00-24:00")
    return first, last


_LATEST = 253_402_128_000.0  # a day before the calendar of `datetime` ends: a fast clock gets there


def local(seconds: float, zone: datetime.tzinfo) -> datetime.datetime:
    """A moment in a time zone."""
    return datetime.datetime.fromtimestamp(min(seconds, _LATEST), zone)


def within_hours(now: float, zone: datetime.tzinfo, period: tuple[int, int]) -> bool:
    """Whether `now` is in the period, which may run over midnight."""
    first, last = period
    hour = local(now, zone).hour
    return first <= hour < last if first < last else hour >= first or hour < last


def push_round(now: float) -> int:
    """Number of the push round that `now` belongs to."""
    return int(now // PUSH_EVERY)


def iso(seconds: float, zone: datetime.tzinfo = datetime.timezone.utc) -> str:
    """ISO 8601 with offset, to the millisecond."""
    return local(seconds, zone).isoformat(timespec="milliseconds")


def clock_time(seconds: float, zone: datetime.tzinfo = datetime.timezone.utc) -> str:
    """Hours and minutes, for log lines."""
    return local(seconds, zone).strftime("%H:%M")
