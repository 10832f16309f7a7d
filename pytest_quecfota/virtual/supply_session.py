"""Clients of the virtual supply: bytes in, messages carried out in order, answers out.

A `Conversation` is one client's messages and answers, whatever brings them; a `Session` is the plain socket: messages end with a
line feed. A message that has to wait holds the later ones of its client only. What a client sends faster than it is worked on,
or does not read, stays in its own socket: the bench keeps a bounded amount.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from .scpi import BLANKS, ScpiError
from .supply_message import Message

if TYPE_CHECKING:
    from .supply import Supply

LONGEST_MESSAGE = 64 * 1024
"""Bytes of a message; a longer one is refused whole (-363)."""
MOST_WAITING = 256
"""Messages of one client that are kept; then nothing more is read from it until they are done."""


class Conversation:
    """Messages of one client, in order. `answer(text)` is called with what a message answers, `idle()` when all are done."""

    def __init__(self, supply: Supply, answer: Callable[[str], object], idle: Callable[[], object]) -> None:
        self.errors = supply.new_error_queue()
        self._supply = supply
        self._answer = answer
        self._idle = idle
        self._messages: deque[tuple[str | ScpiError, Callable[[str], object]]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._held = False

    @property
    def waiting(self) -> int:
        """Messages that are not carried out yet."""
        return len(self._messages) + (self._worker is not None)

    def put(self, message: str | ScpiError, answer: Callable[[str], object] | None = None) -> None:
        """Carry out a message after those before it, at once where nothing has to be waited for. An error that came instead
        of a message is queued in its turn. `answer` is called instead of the conversation's own."""
        self._messages.append((message, answer or self._answer))
        if self._worker is None:
            self._work_on()

    def hold(self, held: bool) -> None:
        """Begin no further message while held."""
        self._held = held
        if not held and self._worker is None:
            self._work_on()

    def clear(self) -> None:
        """Forget what waits; what is being carried out is not carried out further."""
        self._messages.clear()
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    def _work_on(self) -> None:
        """Carry out messages until one has to wait; then a task does, and goes on with the rest."""
        while self._messages and not self._held:
            given, answer = self._messages.popleft()
            if isinstance(given, ScpiError):
                self._supply.status.errors = self.errors
                self._supply.status.report(given)
                continue
            message = Message(self._supply, self.errors, given)
            latency = self._supply.latency
            if latency <= 0 and message.run():
                _finish(message, answer)
                continue
            self._worker = asyncio.ensure_future(self._wait(message, answer, latency))
            return
        if not self._messages:
            self._idle()

    async def _wait(self, message: Message, answer: Callable[[str], object], latency: float) -> None:
        done = False
        if message.waits_for is None:
            await self._supply.clock.sleep(latency)
            done = message.run()
        while not done:
            assert message.waits_for is not None
            await message.waits_for
            done = message.run()
        self._worker = None
        _finish(message, answer)
        self._work_on()


def _finish(message: Message, answer: Callable[[str], object]) -> None:
    if message.answers:
        answer(";".join(message.answers))


class Session(asyncio.Protocol):
    """A client on the plain socket; `siblings` is the set of open sessions it enters and leaves."""

    def __init__(self, supply: Supply, siblings: set[Session]) -> None:
        self._conversation = Conversation(supply, self._write, self._idle)
        self._siblings = siblings
        self._transport: asyncio.Transport | None = None
        self._input = bytearray()
        self._too_long = False
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection; answers leave at once."""
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport
        self._siblings.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a Protocol's
        """The client is gone."""
        self._siblings.discard(self)
        self._transport = None
        self._conversation.clear()

    def eof_received(self) -> bool:
        """The client says no more, but may still read: the connection stays until all is answered."""
        self._ended = True
        return bool(self._conversation.waiting)

    def abort(self) -> None:
        """Drop the client."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Cut the input into messages."""
        self._input += data
        if b"\n" in data:
            *lines, rest = self._input.split(b"\n")
            for line in lines:
                self._message(line)
            self._input = rest
        if len(self._input) > LONGEST_MESSAGE:
            self._too_long = True
            self._input.clear()
        if self._conversation.waiting >= MOST_WAITING and self._transport is not None:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        """The client does not read its answers: do nothing more for it."""
        self._conversation.hold(True)

    def resume_writing(self) -> None:
        """It does again."""
        self._conversation.hold(False)

    def _message(self, line: bytearray) -> None:
        if self._too_long or len(line) > LONGEST_MESSAGE:
            self._too_long = False
            self._conversation.put(ScpiError(-363))
        elif text := line.decode("latin-1").strip(BLANKS):
            self._conversation.put(text)

    def _write(self, answer: str) -> None:
        if self._transport is not None:
            self._transport.write((answer + "\n").encode("latin-1", "replace"))

    def _idle(self) -> None:
        if self._transport is None:
            return
        if self._ended:
            self._transport.close()
        else:
            self._transport.resume_reading()
