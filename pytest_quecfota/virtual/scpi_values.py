"""Arguments of SCPI commands, typed: numbers with units, switches, words, strings, channel lists (SCPI-99, volume 1, chapter 7).

What cannot be read raises `scpi.ScpiError` with the standard's number; whether a value is in range is for whoever takes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal

from .scpi import ScpiError
from .scpi_tree import short

_NUMBER = re.compile(
    r"(?P<mantissa>[+-]?(?:\d+\.?\d*|\.\d+))(?:[eE](?P<exponent>[+-]?\d+))?\s*(?P<unit>[A-Za-z]*)", re.ASCII
)
_OTHER_BASES = {"H": (16, "0123456789ABCDEF"), "Q": (8, "01234567"), "B": (2, "01")}
_PREFIXES = {"": 0, "K": 3, "M": -3, "U": -6, "N": -9}
_UNITS = {"volts": "V", "amps": "A", "watts": "W", "seconds": "S", "integer": "", "number": ""}
_SWITCH = {"ON": True, "1": True, "OFF": False, "0": False}
_MOST_DIGITS = 255
_LARGEST_EXPONENT = 32000
_LARGEST_CHANNEL = 999


def number(text: str, kind: str) -> float:
    """A numeric argument of a kind (`volts`, `amps`, `watts`, `seconds`, `integer`, `number`), in the kind's unit.

    An integer is rounded to the nearest, and may be in another base (`#H1F`). Raises ScpiError: -104 no number, -123, -124 too
    long, -131 a unit that does not fit, -222 beyond any range.
    """
    if kind == "integer" and text.startswith("#"):
        return float(_other_base(text))
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ScpiError(-104)
    value = _scaled(match["mantissa"], match["exponent"] or "0", _power(match["unit"].upper(), _UNITS[kind]))
    return float(math.floor(value + 0.5)) if kind == "integer" else value


def _scaled(mantissa: str, exponent: str, power: int) -> float:
    if len(mantissa) > _MOST_DIGITS:
        raise ScpiError(-124)
    if len(exponent) > len(str(-_LARGEST_EXPONENT)) or abs(int(exponent)) > _LARGEST_EXPONENT:
        raise ScpiError(-123)
    value = float(Decimal(f"{mantissa}e{int(exponent) + power}"))
    if not math.isfinite(value):
        raise ScpiError(-222)
    return value


def _power(suffix: str, unit: str) -> int:
    """The power of ten that a unit with its prefix stands for."""
    if not suffix:
        return 0
    if not unit or not suffix.endswith(unit) or suffix[: -len(unit)] not in _PREFIXES:
        raise ScpiError(-131)
    return _PREFIXES[suffix[: -len(unit)]]


def _other_base(text: str) -> int:
    base, digits = _OTHER_BASES.get(text[1:2].upper(), (0, ""))
    body = text[2:].upper()
    if not body or any(digit not in digits for digit in body):
        raise ScpiError(-104)
    if len(body) > _MOST_DIGITS:
        raise ScpiError(-124)
    return int(body, base)


def switch(text: str) -> bool:
    """ON, OFF, 1 or 0. Raises ScpiError."""
    try:
        return _SWITCH[text.upper()]
    except KeyError:
        raise ScpiError(-224 if _NUMBER.fullmatch(text) else _not_a_word(text)) from None


def word(text: str, choices: Iterable[str]) -> str:
    """One of several words in short or long form (`IMMediate`); returns its short form. Raises ScpiError."""
    typed = text.upper()
    for choice in choices:
        if typed in (short(choice), choice.upper()):
            return short(choice)
    raise ScpiError(-224 if typed[:1].isalpha() else _not_a_word(text))


def string(text: str) -> str:
    """What stands between quotes; a bare word stands for itself."""
    if text[:1] in ("'", '"'):
        return text[1:-1].replace(2 * text[0], text[0])
    return text


def _not_a_word(text: str) -> int:
    return -141 if text[:1].isalpha() else -104


_CHANNELS = re.compile(r"\(\s*@\s*(\d+(?:\s*:\s*\d+)?(?:\s*,\s*\d+(?:\s*:\s*\d+)?)*)\s*\)", re.ASCII)


def channel_list(text: str) -> list[int] | None:
    """The channels of `(@1,3:4)`, in this order; None where the text is not a channel list.

    Raises ScpiError (-222) for numbers that no instrument has.
    """
    match = _CHANNELS.fullmatch(text)
    if match is None:
        return None
    channels: list[int] = []
    for part in match[1].split(","):
        first, _, last = part.partition(":")
        low, high = _channel(first), _channel(last or first)
        channels += range(low, high + 1) if low <= high else range(low, high - 1, -1)
        if len(channels) > _LARGEST_CHANNEL:
            raise ScpiError(-222)
    return channels


def _channel(text: str) -> int:
    digits = text.strip().lstrip("0")
    if len(digits) > len(str(_LARGEST_CHANNEL)):
        raise ScpiError(-222)
    return int(digits or 0)
