"""A MCU beside a module, by the letter of the QuecThing documents: plain os.read and os.write, nothing of the tool's code.

`Line` is the serial line and takes nothing for granted: a line ends with CR LF and holds neither alone; a name is followed by
`": "`; raw data begins right on the line after its header and is followed by CR LF; only the CR LF before a line may be
missing, and the blank line before a final result may be there or not. Everything else is a `NotAsDocumented`.

`Mcu` lives on it: it connects, asks for upgrades, decides, reads its file, reports. Run as a program it goes on until it is
ended, which makes it the real MCU of the tests of observed hosts: `python strict_mcu.py PORT '{"key": …}'`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import sys
import time
import tty
import zlib
from collections import deque

FINALS = (b"OK", b"ERROR")
INFORMATION = re.compile(rb"\+[A-Z]+: .*", re.DOTALL)
TEXT = re.compile(rb"[\x20-\x7e]+")
HEADER = re.compile(rb"\+QIOTOTARD: (\d+),(\d+)")
SECONDS = 20.0


class NotAsDocumented(AssertionError):
    """The module said something that a peer by the letter cannot read."""


class Line:
    """A serial line, read strictly. `seen`: every byte that came; `events`: the URCs that nobody has taken yet."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        if os.isatty(self.fd):
            tty.setraw(self.fd)
        self.seen = bytearray()
        self.events: deque[bytes] = deque()
        self._at = 0
        self._echo: bytes | None = None

    def close(self) -> None:
        os.close(self.fd)

    def settle(self, quiet: float = 0.2) -> None:
        """Let go of what comes until it is quiet: what was left for the MCU before."""
        while select.select([self.fd], [], [], quiet)[0] and os.read(self.fd, 65536):
            pass

    def forget(self) -> None:
        """Half lines and events of before mean nothing any more."""
        self.events.clear()
        self._at = len(self.seen)
        self._echo = None

    def send(self, text: str) -> None:
        """A command line; its echo is expected, byte for byte, but need not come."""
        self._echo = text.encode() + b"\r"
        self._write(self._echo)

    def line(self, seconds: float = SECONDS) -> bytes:
        """The next line that is not blank, without its CR LF."""
        deadline = time.monotonic() + seconds
        while True:
            found = self._line()
            if found is None:
                self._more(deadline)
            elif found:
                return found

    def raw(self, length: int, seconds: float = SECONDS) -> bytes:
        """Exactly so many bytes, whatever they are, and the CR LF after them."""
        deadline = time.monotonic() + seconds
        while len(self.seen) - self._at < length + 2:
            self._more(deadline)
        data = bytes(self.seen[self._at : self._at + length])
        if self.seen[self._at + length : self._at + length + 2] != b"\r\n":
            raise NotAsDocumented(f"no CR LF after the {length} bytes: {self._rest(length)!r}")
        self._at += length + 2
        return data

    def command(self, text: str, seconds: float = SECONDS) -> tuple[list[bytes], bytes, bytes | None]:
        """Send and read the response: information lines, final result, raw data."""
        self.send(text)
        lines: list[bytes] = []
        data = None
        while True:
            line = self.line(seconds)
            header = HEADER.fullmatch(line) if text.upper().startswith("AT+QIOTOTARD=") else None
            if line in FINALS or line.startswith(b"+CME ERROR: "):
                return lines, line, data
            if header is not None:
                lines.append(line)
                data = self.raw(int(header[2]), seconds)
            elif line.startswith((b"+QIOTEVT: ", b"+QIND: ")) or line == b"RDY":
                self.events.append(line)
            else:
                lines.append(line)

    def ok(self, text: str) -> list[bytes]:
        """A command that must be answered OK; its information lines."""
        lines, final, _ = self.command(text)
        if final != b"OK":
            raise NotAsDocumented(f"{text} answered {final!r}")
        return lines

    def event(self, *begins: bytes, seconds: float = SECONDS) -> bytes:
        """The next event that begins with one of these; others are let go."""
        deadline = time.monotonic() + seconds
        while True:
            line = self.events.popleft() if self.events else self.line(max(0.0, deadline - time.monotonic()))
            if line.startswith(begins):
                return line

    def _line(self) -> bytes | None:
        """The next line, b"" for a blank one and for an echo, None where its end has not come."""
        rest = self.seen[self._at :]
        if self._echo is not None and rest.startswith(self._echo):
            self._at += len(self._echo)
            self._echo = None
            return b""
        end = rest.find(b"\r\n")
        if end < 0:
            return None
        line = bytes(rest[:end])
        self._at += end + 2
        if line and TEXT.fullmatch(line) is None:
            raise NotAsDocumented(f"a line with control characters in it: {line!r}")
        if line.startswith(b"+") and INFORMATION.fullmatch(line) is None:
            raise NotAsDocumented(f"no colon and space after the name: {line!r}")
        if line in FINALS:
            self._echo = None
        return line

    def _more(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            raise TimeoutError(f"nothing more came; the last was {self._rest(0)[-200:]!r}")
        data = os.read(self.fd, 65536)
        if not data:
            raise OSError("the line has hung up")
        self.seen += data

    def _rest(self, offset: int) -> bytes:
        return bytes(self.seen[max(0, self._at + offset - 80) :])

    def _write(self, data: bytes) -> None:
        while data:
            select.select([], [self.fd], [], SECONDS)
            data = data[os.write(self.fd, data) :]


class Mcu:
    """The program of a MCU. `habits` says what it does otherwise than it should, and how it is told apart:

    key, secret: what it writes with AT+QIOTCFG (left alone where not given). component, version: of its own firmware. piece:
    bytes of one read. resilient: it survives a module that loses its power. refuse, confirm_anyway, leave_out, read_twice,
    pause (seconds before its second read), no_report, report_version: its bad habits.
    """

    def __init__(self, line: Line, **habits: object) -> None:
        self.line = line
        self.habits = {"component": "STM32", "version": "1_0_0", "piece": 1024, **habits}
        self.content = bytearray()
        self.blocks = 0
        self.started: list[str] = []

    def connect(self) -> None:
        """Configure and connect, also after every restart."""
        line, habits = self.line, self.habits
        lines, _, _ = line.command("AT+QIOTSTATE?")
        if lines and lines[0] == b"+QIOTSTATE: 8":
            return
        if habits.get("key") and self._product() != f'{habits["key"]}","{habits["secret"]}'.encode():
            line.ok(f'AT+QIOTCFG="productinfo","{habits["key"]}","{habits["secret"]}"')
        line.ok("AT+QIOTREG=2")
        line.event(b"+QIOTEVT: 3,10200")

    def tell_version(self) -> None:
        self.line.ok(f'AT+QIOTMCUVER="{self.habits["component"]}","{self.habits["version"]}"')

    def offered(self, seconds: float) -> list[str] | None:
        """Ask for an upgrade; the fields of the offer, None where none comes."""
        self.line.ok("AT+QIOTOTAREQ=1")
        try:
            return fields(self.line.event(b"+QIOTEVT: 7,10700", seconds=seconds))
        except TimeoutError:
            return None

    def accepts(self, offer: list[str]) -> bool:
        """Whether battery and signal meet the offer."""
        battery = int(self.line.ok("AT+CBC")[0].split(b",")[1] or b"100")
        signal = -113 + 2 * int(self.line.ok("AT+CSQ")[0][len("+CSQ: ") :].split(b",")[0])
        good = battery >= int(offer[5]) and signal >= int(offer[6])
        return (good or bool(self.habits.get("confirm_anyway"))) and not self.habits.get("refuse")

    def take(self, offer: list[str]) -> None:
        """Answer the offer and play it to its end."""
        if not self.accepts(offer):
            self.line.ok("AT+QIOTUPDATE=0")
            return
        self.line.ok("AT+QIOTUPDATE=1")
        if offer[2] == self.habits["component"]:
            self.upgrade_myself(offer[4])
        else:
            if self.line.event(b"+QIOTEVT: 7,10705", b"+QIOTEVT: 7,10706", b"RDY", seconds=60) == b"RDY":
                self.line.event(b"+QIOTEVT: 7,10705", b"+QIOTEVT: 7,10706", b"+QIOTEVT: 3,10200", seconds=5)
            self.connect()
            self.line.ok("AT+CGMR")

    def upgrade_myself(self, target: str) -> None:
        """Fetch the file, compare length, MD5, CRC and SHA-256, report, tell the new version."""
        line = self.line
        self.started = fields(line.event(b"+QIOTEVT: 7,10701"))
        self.content.clear()
        while True:
            done = fields(line.event(b"+QIOTEVT: 7,10703"))
            self.blocks += 1
            self.read_block(int(done[4]), int(done[5]))
            if len(self.content) >= int(done[3]):
                break
            line.ok("AT+QIOTUPDATE=2")
        if not self.habits.get("leave_out"):
            self.compare()
        if not self.habits.get("no_report"):
            line.ok("AT+QIOTUPDATE=3")
            line.event(b"+QIOTEVT: 7,10704")
        self.habits["version"] = self.habits.get("report_version") or target
        self.tell_version()
        line.event(b"+QIOTEVT: 7,10705", b"+QIOTEVT: 7,10706")

    def read_block(self, start: int, length: int) -> None:
        """Every byte of a block."""
        if len(self.content) != start:
            raise NotAsDocumented(f"a block from {start} where {len(self.content)} is due")
        piece = int(str(self.habits["piece"]))
        while (at := len(self.content)) < start + length:
            if self.habits.get("leave_out") and at == start + piece:
                self.content += bytes(min(piece, start + length - at))
                continue
            if self.habits.get("pause") and at == start + piece:
                time.sleep(float(str(self.habits.pop("pause"))))
            self.content += self.read(at, min(piece, start + length - at))
            if self.habits.get("read_twice"):
                self.read(at, 10)

    def read(self, start: int, length: int) -> bytes:
        """One read, whose header must say what is in it."""
        lines, final, data = self.line.command(f"AT+QIOTOTARD={start},{length}")
        if final != b"OK" or data is None or lines != [b"+QIOTOTARD: %d,%d" % (start, len(data))]:
            raise NotAsDocumented(f"AT+QIOTOTARD={start},{length} answered {lines} {final!r}")
        return data

    def compare(self) -> None:
        """What 10701 has announced against what was read."""
        content = bytes(self.content)
        found = [
            str(len(content)),
            hashlib.md5(content).hexdigest(),
            str(zlib.crc32(content)),
            hashlib.sha256(content).hexdigest(),
        ]
        if self.started[3:] != found:
            raise NotAsDocumented(f"announced {self.started[3:]}, read {found}")

    def live(self) -> None:
        """Ask for upgrades until the line hangs up; with `resilient`, begin anew where the module does not speak by the letter."""
        while True:
            try:
                self._live()
            except (NotAsDocumented, TimeoutError):
                if not self.habits.get("resilient"):
                    raise
            self.line.forget()

    def _live(self) -> None:
        self.line.settle()
        self.line.ok("AT")
        self.connect()
        self.tell_version()
        self.line.ok("AT+CGMR")
        while True:
            offer = self.offered(1.0)
            if offer is not None:
                self.take(offer)

    def _product(self) -> bytes:
        return b",".join(self.line.ok('AT+QIOTCFG="productinfo"')[0].split(b",")[1:3]).strip(b'"')


def fields(line: bytes) -> list[str]:
    """The values of an event: type, code, and what follows, without quotes."""
    return [value.strip('"') for value in line.decode().partition(": ")[2].split(",")]


if __name__ == "__main__":
    Mcu(Line(sys.argv[1]), **json.loads(sys.argv[2])).live()
