"""A file of the host's firmware as it was seen to go over the wire: which bytes the MCU read, and what they are worth.

Fed with the URCs and exchanges of one SOTA in their order; `observed` asks at the end what was wrong. Judged are SOTA-02 to
SOTA-07: exactly the blocks were read, each byte once or with the same content, within the module's time, and the digests of
10701 are those of the bytes read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_quecfota import urc
from pytest_quecfota.at.overheard import Heard
from pytest_quecfota.errors import HostError, ModuleError
from pytest_quecfota.models import Model
from pytest_quecfota.module.matching import check_digests

_READ = re.compile(r"AT\+QIOTOTARD=\s*(\d+)\s*,\s*(\d+)", re.IGNORECASE)
_VERSION = re.compile(r'AT\+QIOTMCUVER="([^"]*)"\s*,\s*"([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """Bytes of the file: from `start` up to, not with, `end`."""

    start: int
    end: int


class Reading:
    """The file of one component on its way to the version `target`. `problems`: what was wrong so far, oldest first."""

    def __init__(self, component: str, target: str, model: Model) -> None:
        self.component = component
        self.target = target
        self.problems: list[ModuleError] = []
        self.reads = 0
        self.version: str | None = None
        self.reported = False
        self._model = model
        self._started: urc.DownloadStarted | None = None
        self._block: Span | None = None
        self._blocks: list[Span] = []
        self._content = bytearray()
        self._known = bytearray()

    @property
    def reading(self) -> bool:
        """A block is in the module and the file is not read to its end: the 60 s of SOTA-07 count."""
        return self._block is not None and not self.reported

    @property
    def updating(self) -> bool:
        """The MCU has said that it updates itself, and has told no version since."""
        return self.reported and self.version is None

    def came(self, event: urc.Urc) -> None:
        """A URC came."""
        if isinstance(event, urc.DownloadStarted) and event.component == self.component:
            self._started = event
            self._content = bytearray(event.size or 0)
            self._known = bytearray(event.size or 0)
            self._blocks.clear()
        elif isinstance(event, urc.Downloaded) and event.component == self.component:
            start = event.start or 0
            self._block = Span(start, start + (event.length or 0))
            self._blocks.append(self._block)

    def heard(self, exchange: Heard) -> None:
        """The MCU sent a command and got its answer, or none."""
        read, told = _READ.fullmatch(exchange.command), _VERSION.fullmatch(exchange.command)
        if read is not None:
            self._read(int(read[1]) - self._model.options.otard_first_offset, int(read[2]), exchange)
        elif exchange.final == "OK" and told is not None and told[1] == self.component and self._started is not None:
            self.version = told[2]
        elif exchange.final == "OK" and exchange.command == self._model.verb("report_updating").command:
            self.reported = True

    def check(self) -> None:
        """The upgrade has succeeded: raise what was wrong with it all the same.

        Raises:
            HostError: the MCU's part: bytes left out, no report, another version, a read at the wrong place.
            ModuleError: the module's: wrong bytes, a read that should have been answered.
        """
        started = self._started
        if started is None:
            raise ModuleError(f"no DownloadStarted (7,10701) of {self.component} came (SOTA-02)")
        if self.problems:
            raise self.problems[0]
        missing = self.missing()
        if missing is not None:
            raise HostError(
                f"the MCU never read the bytes {missing.start} to {missing.end - 1} of the {len(self._known)} of its file "
                f"(SOTA-02, SOTA-03)"
            )
        check_digests(started, bytes(self._content), crc=self._model.options.crc)
        if not self.reported and self._model.options.mcu_updating_event == "after-report":
            raise HostError("the MCU took its file without reporting that it updates itself, AT+QIOTUPDATE=3 (SOTA-06)")
        if self.version != self.target:
            raise HostError(
                f"the MCU told the version {self.version!r}, the plan's target is {self.target!r} (SOTA-06)"
            )

    def why_failed(self, silent: float) -> ModuleError:
        """Who is to blame for 10706, which came `silent` module seconds after the MCU's last word."""
        timings = self._model.timings
        if self.problems:
            return self.problems[0]
        if self.version is not None and self.version != self.target:
            return HostError(
                f"7,10706 came: the MCU told the version {self.version!r} instead of {self.target!r} (SOTA-06)"
            )
        if self.updating and silent >= timings.mcu_update:
            return HostError(f"7,10706 came: the MCU told no new version for {silent:.0f} s (SOTA-07)")
        if self.reading and silent >= timings.block_read:
            return HostError(f"7,10706 came: the MCU has read nothing for {silent:.0f} s (SOTA-07)")
        return ModuleError(f"UpdateFailed (7,10706) came {silent:.0f} s after the MCU's last command")

    def missing(self) -> Span | None:
        """The first bytes that were not read; None where there are none."""
        start = self._known.find(0)
        if start < 0:
            return None
        end = self._known.find(1, start)
        return Span(start, end if end >= 0 else len(self._known))

    def _read(self, start: int, length: int, exchange: Heard) -> None:
        block = self._block
        inside = block is not None and length > 0 and block.start <= start < block.end
        where = f"AT+QIOTOTARD: {length} bytes from {start}"
        if exchange.final != "OK" or exchange.block is None:
            if exchange.final and inside:
                self.problems.append(
                    ModuleError(f"{where} are in the block, yet it answered {exchange.final} (SOTA-03)")
                )
            elif exchange.final:
                at_hand = f"{block.start} to {block.end - 1}" if block is not None else "none"
                self.problems.append(HostError(f"{where} are not in the block at hand, {at_hand} (SOTA-04)"))
            return
        if block is None or not inside:
            self.problems.append(ModuleError(f"{where} are not in the block at hand, yet they were answered (SOTA-04)"))
            return
        self.reads += 1
        self._take(start, min(length, block.end - start), exchange.block, where)

    def _take(self, start: int, due: int, data: bytes, where: str) -> None:
        if len(data) != due:
            self.problems.append(ModuleError(f"{where}: {len(data)} bytes came instead of {due} (SOTA-03)"))
            return
        end = start + due
        before = bytes(self._content[start:end])
        again = self._known[start:end]
        if any(known and old != new for known, old, new in zip(again, before, data, strict=True)):
            self.problems.append(ModuleError(f"{where}: other bytes than when they were read before (SOTA-03)"))
        self._content[start:end] = data
        self._known[start:end] = b"\1" * due
