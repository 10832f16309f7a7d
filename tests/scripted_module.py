"""A BC25 of a few lines on a real pty: echo, answers and events, as told; everything it heard is kept."""

from __future__ import annotations

import os
import re
import select
import threading
import tty
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

LIMIT = 5.0
V1, V2 = "BC25_FOTA_V1_0", "BC25_FOTA_V2_0"
OFFER = f'+QIOTEVT: 7,10700,"BC25","{V1}","{V2}",30,-113,2563'
CONNECTED = ["+QIOTEVT: 2,10200", "+QIOTEVT: 3,10200"]
BOOT = ["RDY", "+CFUN: 1", "+CPIN: READY"]
LADDER = [f"+QIOTEVT: 7,{code}" for code in (10701, 10702, 10702, 10703, 10704, 10704)]
SUCCESS = "+QIOTEVT: 7,10705"
UPGRADE = [*LADDER, *BOOT, SUCCESS, *CONNECTED]
OK, ERROR = "OK", "ERROR"

#: What a command is answered with: the lines of the response, the last one final.
Reply = Sequence[str | bytes] | Callable[[], "Reply | None"] | None


class ScriptedModule:
    """Answers each command with what `replies` has for it, then says the lines `after` has for it.

    A reply of None is silence, a callable is asked for it. `version` is what runs; it becomes `installs` at the next RDY that comes
    after an update event. `state` is what AT+QIOTSTATE tells; 3,10200 and 6,10200 change it.
    """

    def __init__(self, link: Path) -> None:
        self.version, self.installs, self.state = V1, V2, 1
        self.heard: list[str] = []
        self.replies: dict[str, Reply] = {
            "ATI": ["Quectel", "BC25", "Revision: BC25_FOTA_V1_0", OK],
            "AT+CGMI": ["Quectel", OK],
            "AT+CGMM": ["BC25", OK],
            "AT+CGMR": lambda: [self.version, OK],
            "AT+CGSN=1": ["+CGSN: 866123450000017", OK],
            "AT+CSQ": ["+CSQ: 20,99", OK],
            "AT+CBC": ["+CBC: 0,80,3300", OK],
            "AT+QIOTSTATE?": lambda: [f"+QIOTSTATE: {self.state}", OK],
        }
        self.after: dict[str, Sequence[str | bytes]] = {
            "AT+QIOTREG=1": CONNECTED,
            "AT+QIOTREG=2": CONNECTED,
            "AT+QIOTREG=0": ["+QIOTEVT: 6,10200"],
            "AT+QIOTOTAREQ=1": [OFFER],
            "AT+QIOTUPDATE=1": UPGRADE,
            "AT+QRST=1": BOOT,
        }
        self._updating = False
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        link.symlink_to(os.ttyname(self._slave))
        self.path = str(link)
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="scripted-module")
        self._thread.start()

    def say(self, *lines: str | bytes) -> None:
        """Lines nobody asked for; bytes go out as they are."""
        for line in lines:
            self._write(line if isinstance(line, bytes) else f"\r\n{line}\r\n".encode())
            self._follow(line)

    def said(self, begin: str) -> list[str]:
        """The commands it heard that begin so."""
        return [command for command in self.heard if command.startswith(begin)]

    def close(self) -> None:
        """End the thread and the pty; a second time nothing happens."""
        if self._thread.is_alive():
            os.write(self._woken, b"x")
            self._thread.join(LIMIT)
            assert not self._thread.is_alive()
            for descriptor in (self._master, self._slave, self._wake, self._woken):
                os.close(descriptor)
            Path(self.path).unlink()

    def _follow(self, line: str | bytes) -> None:
        """What a line it says means for itself."""
        if line == "+QIOTEVT: 3,10200":
            self.state = 8
        elif line == "+QIOTEVT: 6,10200":
            self.state = 1
        elif line == "+QIOTEVT: 7,10704":
            self._updating = True
        elif line == "RDY" and self._updating:
            self.version, self._updating = self.installs, False

    def _serve(self) -> None:
        held = b""
        while self._wake not in select.select([self._master, self._wake], [], [])[0]:
            held += os.read(self._master, 4096)
            *commands, held = re.split(rb"\r", held)
            for command in commands:
                self._react(command.decode())

    def _react(self, command: str) -> None:
        reply = self.replies.get(command, [OK])
        while callable(reply):
            reply = reply()
        self.heard.append(command)
        if reply is None:
            return
        self._write(command.encode() + b"\r")
        for line in reply:
            self._write(line if isinstance(line, bytes) else f"\r\n{line}\r\n".encode())
        if reply[-1] == OK or not reply:
            self.say(*self.after.get(command, ()))

    def _write(self, data: bytes) -> None:
        deadline = monotonic() + LIMIT
        while data:
            assert select.select([], [self._master], [], max(0, deadline - monotonic()))[1], "nobody reads"
            data = data[os.write(self._master, data[:4096]) :]
