"""The air between the module and the platform: how strong, attached or not, how lossy.

Set by the control API (and later by an attenuator), read by the modem (AT+CSQ, attachment) and by everything that
talks to the platform: a call needs `usable`, and each try is lost with the probability `loss`.
"""

from __future__ import annotations

import asyncio
import random

#: Below this no exchange succeeds; AT+CSQ then shows 99. 3GPP TS 27.007 maps -113 dBm to 0.
WEAKEST_DBM = -113.0


class Radio:
    """Signal in dBm, whether the network lets the module in, and the share of exchanges that get lost (0–1)."""

    def __init__(self, signal_dbm: float, rng: random.Random) -> None:
        self.signal_dbm = signal_dbm
        self.attached = True
        self.loss = 0.0
        self._rng = rng
        self._changed = asyncio.Event()

    @property
    def usable(self) -> bool:
        """Whether the module can be on the network at all."""
        return self.attached and self.signal_dbm >= WEAKEST_DBM

    @property
    def csq(self) -> int:
        """Signal as AT+CSQ counts it: 0–31, 99 unknown."""
        if not self.usable:
            return 99
        return max(0, min(31, round((self.signal_dbm + 113) / 2)))

    def loses(self) -> bool:
        """Whether this one exchange gets lost on the air."""
        return not self.usable or (self.loss > 0 and self._rng.random() < self.loss)

    def set(self, *, signal_dbm: float | None = None, attached: bool | None = None, loss: float | None = None) -> None:
        """Change the conditions (None leaves as it is) and tell whoever waits in `changed`."""
        if loss is not None and not 0 <= loss <= 1:
            raise ValueError(f"loss: {loss!r}; 0 to 1")
        if signal_dbm is not None and not -200 <= signal_dbm <= 0:
            raise ValueError(f"signal_dbm: {signal_dbm!r}; -200 to 0 dBm")
        self.signal_dbm = self.signal_dbm if signal_dbm is None else float(signal_dbm)
        self.attached = self.attached if attached is None else attached
        self.loss = self.loss if loss is None else float(loss)
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Return when the conditions change next."""
        await self._changed.wait()
