"""The AT interpreter: bytes from the UART to requests, requests to handlers, answers and URCs back to the UART.

One task takes the input in order: it edits and echoes a line up to CR, carries its commands out, and then goes on, so
that input during a command waits. Every response and every URC leaves as one message, so that URCs come between lines
and never within one. Sources: ITU-T V.250 (line grammar, echo, A/, result codes), QuecThing SDK 2.9.0 (information,
empty line, OK).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .commands import CME_TEXT, AtError, Command
from .syntax import BadCommand, Request, parse_line

if TYPE_CHECKING:
    from .core import Firmware

CRLF = b"\r\n"
LONGEST_LINE = 2048
#: Module seconds the host has to send the data it announced.
DATA_TIMEOUT = 60.0
#: What the defect `slow-answers` makes of an answer to an AT+QIOT command (s).
_SLOW = 0.9
_ERASERS = (0x08, 0x7F)
_SLASH = 0x2F


@dataclass
class LineSettings:
    """What ATE, ATV, ATQ, AT+CMEE and AT+CSCS set."""

    echo: bool = True
    verbose: bool = True
    quiet: bool = False
    cmee: int = 1
    character_set: str = "GSM"


class Interpreter:
    """The command line of one run of the firmware."""

    def __init__(self, firmware: Firmware, commands: Mapping[str, Command]) -> None:
        self._firmware = firmware
        self._commands = commands
        self._uart = firmware.board.uart
        self._defects = firmware.board.defects
        self._lead = CRLF if firmware.options.leading_crlf else b""
        self.settings = LineSettings(echo=firmware.options.echo)
        self._input = bytearray()
        self._arrived = asyncio.Event()
        self._line = bytearray()
        self._previous = ""
        self._data_mode = False
        self._held: list[bytes] = []
        self._afterwards: list[Callable[[], None]] = []

    def feed(self, data: bytes) -> None:
        """Take what the host sent."""
        self._input += data
        self._arrived.set()

    async def run(self) -> None:
        """Carry out command lines for ever."""
        while True:
            line = await self._next_line()
            if line:
                await self._carry_out(line)

    def urc(self, line: str, data: bytes | None = None) -> None:
        """Print an unsolicited line, `data` raw behind it; held back while the host sends data after a prompt."""
        message = self._lead + _on_the_wire(line) + CRLF
        if data is not None:
            message += data + CRLF
        if self._data_mode:
            self._held.append(message)
        else:
            self._uart.send(message)

    async def data(self, length: int, prompt: bytes = b"> ") -> bytes:
        """Prompt for exactly `length` bytes and return them, whatever they are.

        Raises:
            AtError: they did not come in time.
        """
        pieces = [piece async for piece in self.stream(length, prompt, DATA_TIMEOUT, length)]
        return b"".join(pieces)

    async def stream(self, length: int, prompt: bytes, patience: float, most: int = 1024) -> AsyncIterator[bytes]:
        """Prompt for exactly `length` bytes and hand them on `most` at a time, for each of which the host has `patience` seconds.

        Raises:
            AtError: they did not come in time.
        """
        self._data_mode = True
        if self._input.startswith(b"\n"):
            del self._input[:1]  # the command line ended in CR LF
        self._uart.send(CRLF + prompt)
        try:
            for start in range(0, length, most):
                take = self._take(min(most, length - start))
                yield await self._firmware.board.clock.wait_for(take, patience)
        except asyncio.TimeoutError:
            raise AtError from None
        finally:
            self._data_mode = False

    def after_response(self, action: Callable[[], None]) -> None:
        """Call `action` once the final result of the command now running has left."""
        self._afterwards.append(action)

    async def _take(self, length: int) -> bytes:
        while len(self._input) < length:
            self._arrived.clear()
            await self._arrived.wait()
        data = bytes(self._input[:length])
        del self._input[:length]
        return data

    async def _next_line(self) -> str:
        while True:
            while not self._input:
                self._arrived.clear()
                await self._arrived.wait()
            line = self._edit()
            if line is not None:
                return line

    def _edit(self) -> str | None:
        """Move input into the line, echoing it; the line once it is complete."""
        end = self._input.find(b"\r")
        taken = bytes(self._input if end < 0 else self._input[: end + 1])
        for count, byte in enumerate(taken, start=1):
            if byte in _ERASERS:
                del self._line[-1:]
            elif (
                byte not in b"\r\n" and len(self._line) <= LONGEST_LINE
            ):  # one more than fits shows that it is too long
                self._line.append(byte)
            if byte == _SLASH and self._line.upper() == b"A/":
                self._accept(taken[:count])
                self._line.clear()
                return self._previous
        self._accept(taken)
        if end < 0:
            return None
        line = bytes(self._line)
        self._line.clear()
        return self._recognise(line)

    def _accept(self, taken: bytes) -> None:
        """These bytes of the input are done with; the host sees them again."""
        del self._input[: len(taken)]
        if self.settings.echo and not self._defects.active("silent"):
            self._uart.send(taken)

    @staticmethod
    def _recognise(line: bytes) -> str:
        """The command in the line; noise before AT is skipped, a line without it is none."""
        start = line.upper().find(b"AT")
        return line[start:].decode("latin-1") if start >= 0 else ""

    async def _carry_out(self, line: str) -> None:
        self._previous = line
        if self._defects.active("silent"):
            return
        try:
            if len(line) > LONGEST_LINE:
                raise BadCommand(line)
            for request in parse_line(line):
                await self._one(request)
        except BadCommand:
            self._final(b"ERROR")
        except _Refused as refused:
            self._final(self._error(refused.code, refused.plain))
        else:
            self._final(b"OK")
        await self._finish()

    async def _one(self, request: Request) -> None:
        command = self._commands.get(request.name)
        if command is None:
            raise BadCommand(request.name)
        if self._defects.active("slow-answers") and request.name.startswith("+QIOT"):
            await self._firmware.board.clock.sleep(_SLOW)
        try:
            answer = await command.answer(self._firmware, request)
        except AtError as error:
            raise _Refused(error.code, plain=command.plain_error) from None
        if answer:
            self._information(answer)

    def _information(self, answer: Sequence[str | bytes]) -> None:
        lines = [line if isinstance(line, bytes) else _on_the_wire(line) for line in answer]
        lead = self._lead if self.settings.verbose else b""
        self._uart.send(lead + CRLF.join(lines) + CRLF)

    def _error(self, code: int, plain: bool = False) -> bytes:
        if self.settings.cmee == 0 or plain:
            return b"ERROR"
        detail = str(code) if self.settings.cmee == 1 else CME_TEXT[code]
        return f"+CME ERROR: {detail}".encode()

    def _final(self, result: bytes) -> None:
        if self.settings.quiet:
            return
        if self.settings.verbose:
            self._uart.send(CRLF + result + CRLF)
        else:
            self._uart.send({b"OK": b"0", b"ERROR": b"4"}.get(result, result) + b"\r")

    async def _finish(self) -> None:
        for message in self._held:
            self._uart.send(message)
        self._held.clear()
        if self._afterwards:
            actions, self._afterwards = self._afterwards, []
            await self._uart.drained()
            for action in actions:
                action()


def _on_the_wire(line: str) -> bytes:
    """What came as single bytes goes as single bytes; what no byte can say goes as UTF-8."""
    try:
        return line.encode("latin-1")
    except UnicodeEncodeError:
        return line.encode()


class _Refused(Exception):
    """A command of the line was refused; the line ends here."""

    def __init__(self, code: int, *, plain: bool) -> None:
        super().__init__(code)
        self.code = code
        self.plain = plain
