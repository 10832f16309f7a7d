"""What the terminal's progress line says while a test runs: stage, per cent, module seconds, volts.

`Progress` listens to a timeline and boils its records down to one short text; the plugin prints it where there is a
terminal. Nothing is printed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Protocol

from pytest_quecfota.timeline.clock import ModuleClock

#: The stage a URC stands for.
STAGES = {
    "Authenticated": "activated",
    "Registered": "connected",
    "Subscribed": "connected",
    "Deregistered": "disconnected",
    "UpgradeOffered": "offered",
    "DownloadStarted": "downloading",
    "Downloading": "downloading",
    "Downloaded": "downloaded",
    "Updating": "updating",
    "Ready": "restarted",
    "Updated": "updated",
    "UpdateFailed": "failed",
    "PoweredDown": "powered down",
    "UnderVoltage": "under-voltage",
}

#: URCs with which an upgrade begins: the seconds count from here.
_BEGINNINGS = frozenset({"UpgradeOffered", "DownloadStarted"})

#: Reading a block of an MCU's file: offset and length (QuecThing documentation, AT+QIOTOTARD).
_BLOCK_READ = re.compile(r"AT\+QIOTOTARD=(\d+),(\d+)", re.IGNORECASE)

Record = Mapping[str, object]


class Watched(Protocol):
    """What progress needs of a timeline."""

    @property
    def clock(self) -> ModuleClock:
        """Real and module seconds."""

    def now(self) -> float:
        """Real seconds since the start."""

    def listen(self, listener: Callable[[Record], None]) -> Callable[[], None]:
        """Show every new record to a listener."""


class Progress:
    """Follows one timeline. `text` may be asked at any time from any thread; `close` ends the listening."""

    def __init__(self, timeline: Watched) -> None:
        self.stage = "waiting"
        self.percent: int | None = None
        self.count = 0  # URCs of this stage
        self.volts: float | None = None
        self._began = timeline.now()
        self._size: int | None = None
        self._timeline = timeline
        self._unlisten = timeline.listen(self._take)

    def text(self) -> str:
        """One line: `downloading 42 %  12 s  3.30 V`."""
        done = f" {self.percent} %" if self.percent is not None else f" x{self.count}" if self.count > 1 else ""
        elapsed = self._timeline.clock.between(self._began, self._timeline.now())
        volts = f"  {self.volts:.2f} V" if self.volts is not None else ""
        return f"{self.stage}{done}  {max(elapsed, 0.0):.0f} s{volts}"

    def close(self) -> None:
        """Stop listening."""
        self._unlisten()

    def _take(self, record: Record) -> None:
        take = {"urc": self._urc, "response": self._response, "platform": self._platform}.get(str(record["kind"]))
        if take is not None:
            take(record)
        elif record["kind"] in ("supply", "sample"):
            self._power(record)

    def _urc(self, record: Record) -> None:
        name, fields = str(record["name"]), record["fields"]
        assert isinstance(fields, Mapping)
        if name == "Dfota":
            self._enter(str(fields["stage"]).lower(), fields["value"])
        elif name in STAGES:
            if name in _BEGINNINGS:
                self._began, self._size = _number(record["t"]) or 0.0, None
            self._enter(STAGES[name], None)
        self._size = _whole(fields.get("size")) if name == "DownloadStarted" else self._size

    def _enter(self, stage: str, percent: object) -> None:
        same = stage == self.stage
        self.count = self.count + 1 if same else 1
        self.percent = _whole(percent) if percent is not None or not same else self.percent
        self.stage = stage

    def _response(self, record: Record) -> None:
        """A block of the MCU's file was read: how much of it is there now."""
        read = _BLOCK_READ.match(str(record["command"]))
        if read and self._size and record["final"] == "OK":
            self._enter("reading", min(100, 100 * (int(read[1]) + int(read[2])) // self._size))

    def _platform(self, record: Record) -> None:
        progress = _whole(record.get("progress"))
        if progress is not None:
            self.percent = progress

    def _power(self, record: Record) -> None:
        if record.get("output") is False:
            self.volts = 0.0
        volts = _number(record.get("voltage"))
        if volts is not None and record.get("output") is not False:
            self.volts = volts


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None
