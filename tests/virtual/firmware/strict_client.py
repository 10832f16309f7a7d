"""A strict client of the module's serial port: bytes, and nothing of the test side's code.

It knows what the QuecThing documents show of the wire: echo, CR LF around lines, `": "` after a name, raw data right on the line
after its header, CR LF after the data.
"""

from __future__ import annotations

import os
import re
import select
import time
import tty

FINAL = re.compile(rb"\r\n(OK|ERROR|\+CME ERROR: [^\r]*)\r\n")


class Strict:
    """One open port. All limits are real seconds."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self.seen = b""
        self._taken = 0

    def close(self) -> None:
        os.close(self.fd)

    def write(self, data: bytes, seconds: float = 5.0) -> None:
        """All of `data`, as fast as the port takes it."""
        deadline = time.monotonic() + seconds
        while data:
            assert select.select([], [self.fd], [], max(0.0, deadline - time.monotonic()))[1], "the port takes no more"
            try:
                data = data[os.write(self.fd, data) :]
            except BlockingIOError:
                assert time.monotonic() < deadline, "the port takes no more"

    def until(self, pattern: bytes | re.Pattern[bytes], seconds: float = 5.0) -> bytes:
        """Read until `pattern` has come; returns everything since the last call up to its end."""
        compiled = re.compile(pattern) if isinstance(pattern, bytes) else pattern
        deadline = time.monotonic() + seconds
        while True:
            match = compiled.search(self.seen, self._taken)
            if match:
                taken, self._taken = self.seen[self._taken : match.end()], match.end()
                return taken
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(
                    f"{pattern!r} did not come in {seconds} s; since then: {self.seen[self._taken :]!r}"
                )
            self._read(left)

    def take(self, count: int, seconds: float = 5.0) -> bytes:
        """Exactly `count` bytes."""
        deadline = time.monotonic() + seconds
        while len(self.seen) - self._taken < count:
            left = deadline - time.monotonic()
            assert left > 0, f"{count} bytes did not come in {seconds} s"
            self._read(left)
        taken = self.seen[self._taken : self._taken + count]
        self._taken += count
        return taken

    def drain(self) -> bytes:
        """Whatever has come already."""
        while select.select([self.fd], [], [], 0)[0]:
            self.seen += os.read(self.fd, 65536)
        taken, self._taken = self.seen[self._taken :], len(self.seen)
        return taken

    def silence(self, seconds: float) -> bytes:
        """Whatever comes in `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._read(left)
        taken, self._taken = self.seen[self._taken :], len(self.seen)
        return taken

    def command(self, text: str, seconds: float = 5.0) -> bytes:
        """Send a command line; returns what came after its echo, up to and with the final result."""
        self.write(text.encode() + b"\r")
        self.until(re.escape(text.encode()) + b"\r", seconds)
        return self.until(FINAL, seconds)

    def ok(self, text: str) -> bytes:
        """`command` that must end in OK; returns the information without CR LF around it."""
        answer = self.command(text)
        assert answer.endswith(b"\r\nOK\r\n"), answer
        return answer[: -len(b"\r\nOK\r\n")].strip(b"\r\n")

    def _read(self, seconds: float) -> None:
        if select.select([self.fd], [], [], seconds)[0]:
            data = os.read(self.fd, 65536)
            if not data:
                raise OSError("the port has hung up")
            self.seen += data
