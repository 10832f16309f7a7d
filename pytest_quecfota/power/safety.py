"""What may be sent to a supply at all: judged message by message, whoever sends it.

The rig's upper limit holds for every message that carries a voltage: settings, lists, sequences, batteries, and what a test sends
by itself. Below the lower limit goes nothing on a rig that does not allow cuts. What a profile says is never sent, is not. The
usual SCPI spellings are known here, a family's own are in its profile (`carriers`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pytest_quecfota.power.profiles import Carrier, Profile

USUAL = (
    Carrier(
        pattern=r"(?i)VOLT(?:AGE)?(?::LEV(?:EL)?)?(?::(?:IMM(?:EDIATE)?|TRIG(?:GERED)?))?(?::AMPL(?:ITUDE)?)?\s+(?P<volts>.+)"
    ),
    Carrier(pattern=r"(?i)APPL(?:Y)?\s+(?:(?:CH|OUT|P|N)\w*\s*,)?\s*(?P<volts>[^,]+)"),
)
"""Messages that carry a voltage in SCPI: `VOLT 3.8`, `SOUR1:VOLT:LEV 3.8`, `LIST:VOLT 3.8,2.6,(@1)`, `APPL 3.8,2`."""
AMONG_CHANNELS = re.compile(r"\(@[^)]*\)")
_QUANTITY = re.compile(r"(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>[mk]?V)?", re.IGNORECASE)
_UNITS = {"": 1.0, "v": 1.0, "mv": 1e-3, "kv": 1e3}
_LEAST = frozenset({"MIN", "MINIMUM"})


class Censor:
    """Refuses messages: `censor(message)` raises ValueError saying which rule of which profile, or which limit.

    Args:
        profile: what is never sent, and how this family writes voltages.
        least, most: the rig's limits in volts.
        may_go_below: whether the rig allows less than `least` now.
    """

    def __init__(self, profile: Profile, *, least: float, most: float, may_go_below: Callable[[], bool]) -> None:
        self._profile = profile
        self._least = least
        self._most = most
        self._may_go_below = may_go_below
        self._never = [(re.compile(pattern), why) for pattern, why in profile.never.items()]
        carriers = (*USUAL, *profile.carriers)
        self._carriers = [(re.compile(c.pattern), c.offset, c.stride) for c in carriers]

    def __call__(self, message: str) -> None:
        for pattern, why in self._never:
            if pattern.search(message):
                raise ValueError(
                    f"{message!r} is never sent to a {self._profile.title}: {why} "
                    f"(profile {self._profile.name}, never: {pattern.pattern})"
                )
        if message.endswith("?"):
            return
        for text in self._voltages(message):
            self._judge(message, text)

    def _voltages(self, message: str) -> Iterator[str]:
        """The texts in `message` that are voltages."""
        for unit in AMONG_CHANNELS.sub("", message).split(";"):
            for pattern, offset, stride in self._carriers:
                found = pattern.search(unit)
                if found is not None:
                    texts = [text.strip(" \"'") for text in found["volts"].split(",")]
                    yield from filter(None, texts[offset::stride])

    def _judge(self, message: str, text: str) -> None:
        volts = 0.0 if text.upper() in _LEAST else _volts(text)
        if volts is None:
            raise ValueError(
                f"{message!r}: nobody can hold {text!r} against this rig's limit of {self._most:g} V; not sent"
            )
        if volts > self._most:
            raise ValueError(
                f"{message!r} would give {volts:g} V, above this rig's limit of {self._most:g} V; not sent"
            )
        if volts < self._least and not self._may_go_below():
            raise ValueError(
                f"{message!r} would give {volts:g} V, below this rig's limit of {self._least:g} V; "
                "not sent: add `allow: [cuts]` to the rig"
            )


def _volts(text: str) -> float | None:
    found = _QUANTITY.fullmatch(text)
    return None if found is None else float(found["number"]) * _UNITS[(found["unit"] or "").lower()]
