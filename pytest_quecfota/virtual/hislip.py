"""The virtual supply's other door: HiSLIP (IVI-6.1), two connections to one port, messages with an end of their own.

The first connection of a client carries messages and answers, the second everything that must not wait behind them: device clear,
status byte, locks. Here a query is INTERRUPTED (-410) where the client sends on without having read the answer before; on the plain
socket (`supply_session`) nothing tells that. Overlapped mode and encryption are not offered.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from .scpi import BLANKS, ScpiError
from .supply_session import LONGEST_MESSAGE, Conversation

if TYPE_CHECKING:
    from .supply import Supply

HEAD = struct.Struct("!2sBBIQ")
(
    INITIALIZE,
    INITIALIZE_RESPONSE,
    FATAL_ERROR,
    ERROR,
    ASYNC_LOCK,
    ASYNC_LOCK_RESPONSE,
    DATA,
    DATA_END,
    CLEAR_COMPLETE,
    CLEAR_ACKNOWLEDGE,
    ASYNC_REMOTE_LOCAL,
    ASYNC_REMOTE_LOCAL_RESPONSE,
    TRIGGER,
    INTERRUPTED,
    ASYNC_INTERRUPTED,
    ASYNC_MAX_SIZE,
    ASYNC_MAX_SIZE_RESPONSE,
    ASYNC_INITIALIZE,
    ASYNC_INITIALIZE_RESPONSE,
    ASYNC_CLEAR,
    _,
    ASYNC_STATUS,
    ASYNC_STATUS_RESPONSE,
    ASYNC_CLEAR_ACKNOWLEDGE,
    ASYNC_LOCK_INFO,
    ASYNC_LOCK_INFO_RESPONSE,
) = range(26)
VERSION, VENDOR = 0x0100, int.from_bytes(b"QF", "big")
BAD_HEADER, NO_SECOND_CHANNEL, BAD_INITIALIZATION = 1, 2, 3
UNKNOWN_TYPE, TOO_LARGE = 1, 4
MESSAGE_AVAILABLE = 1 << 4
"""Bit of the status byte: an answer has not been read."""


class Client:
    """One client: its two connections, the message being put together, whether its last answer was read."""

    def __init__(self, number: int, supply: Supply, messages: Connection) -> None:
        self.number = number
        self.supply = supply
        self.conversation = Conversation(supply, lambda _: None, lambda: None)
        self.messages = messages
        self.asides: Connection | None = None
        self._parts = bytearray()
        self._unread = False

    def take(self, kind: int, read: bool, message_id: int, payload: bytes) -> None:
        """A part of a message, its end, or a trigger."""
        if self._unread and not read:
            self.conversation.put(ScpiError(-410))
            self.messages.send(INTERRUPTED, 0, message_id)
            if self.asides is not None:
                self.asides.send(ASYNC_INTERRUPTED, 0, message_id)
        self._unread = False
        self._parts += payload
        if len(self._parts) > LONGEST_MESSAGE:
            self._parts.clear()
            self.conversation.put(ScpiError(-363))
        elif kind == TRIGGER:
            self.conversation.put("*TRG")
        elif kind == DATA_END:
            text, self._parts = self._parts.decode("latin-1"), bytearray()
            for line in text.split("\n"):
                if line.strip(BLANKS):
                    self.conversation.put(line.strip(BLANKS), lambda answer: self._answer(answer, message_id))

    def status(self, read: bool) -> int:
        """The status byte."""
        self._unread = self._unread and not read
        self.supply.status.errors = self.conversation.errors
        return self.supply.status.byte | (MESSAGE_AVAILABLE if self._unread else 0)

    def clear(self) -> None:
        """Device clear: forget what was being said and answered."""
        self._parts.clear()
        self._unread = False
        self.conversation.clear()

    def close(self) -> None:
        """The client is gone."""
        self.conversation.clear()
        for connection in (self.messages, self.asides):
            if connection is not None:
                connection.abort()

    def _answer(self, answer: str, message_id: int) -> None:
        self._unread = True
        self.messages.send(DATA_END, 0, message_id, (answer + "\n").encode("latin-1", "replace"))


class Clients:
    """The clients of one supply, by the number each was given, and who of them holds the lock."""

    def __init__(self, supply: Supply) -> None:
        self._supply = supply
        self._numbers = itertools.count(1)
        self._open: dict[int, Client] = {}
        self.holder: Client | None = None

    def connection(self) -> Connection:
        """A connection that has just come."""
        return Connection(self)

    def begin(self, messages: Connection) -> Client:
        """A client introduces itself."""
        client = Client(next(self._numbers) & 0xFFFF, self._supply, messages)
        self._open[client.number] = client
        return client

    def find(self, number: int) -> Client | None:
        """The client a second connection says it belongs to."""
        return self._open.get(number)

    def end(self, client: Client) -> None:
        """One of its connections is gone: so is the client."""
        if self._open.pop(client.number, None) is not None:
            self.holder = None if self.holder is client else self.holder
            client.close()

    def close(self) -> None:
        """Drop all."""
        for client in list(self._open.values()):
            self.end(client)


class Connection(asyncio.Protocol):
    """One connection: cuts the stream into messages of the protocol, and knows whose it is once it has been told."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._client: Client | None = None
        self._transport: asyncio.Transport | None = None
        self._input = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answers leave at once."""
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a Protocol's
        """The client is gone, whichever of its connections this was."""
        self._transport = None
        if self._client is not None:
            self._clients.end(self._client)

    def abort(self) -> None:
        """Drop it."""
        if self._transport is not None:
            self._transport.abort()

    def send(self, kind: int, control: int, parameter: int, payload: bytes = b"") -> None:
        """One message of the protocol."""
        if self._transport is not None:
            self._transport.write(HEAD.pack(b"HS", kind, control, parameter, len(payload)) + payload)

    def data_received(self, data: bytes) -> None:
        """Take whole messages out of the input."""
        self._input += data
        while self._transport is not None and len(self._input) >= HEAD.size:
            prologue, kind, control, parameter, length = HEAD.unpack_from(self._input)
            if prologue != b"HS" or length > 2 * LONGEST_MESSAGE:
                self._fatal(BAD_HEADER)
                return
            if len(self._input) < HEAD.size + length:
                return
            payload = bytes(self._input[HEAD.size : HEAD.size + length])
            del self._input[: HEAD.size + length]
            self._message(kind, control, parameter, payload)

    # -- inside --------------------------------------------------------------------------------------------------

    def _message(self, kind: int, control: int, parameter: int, payload: bytes) -> None:
        if self._client is None:
            self._introduce(kind, parameter)
        elif self is self._client.messages:
            self._said(self._client, kind, control, parameter, payload)
        elif kind in _ASIDE:
            _ASIDE[kind](self, self._client, control, payload)
        else:
            self.send(ERROR, UNKNOWN_TYPE, 0)

    def _introduce(self, kind: int, parameter: int) -> None:
        if kind == INITIALIZE:
            self._client = self._clients.begin(self)
            self.send(INITIALIZE_RESPONSE, 0, VERSION << 16 | self._client.number)
            return
        client = self._clients.find(parameter & 0xFFFF) if kind == ASYNC_INITIALIZE else None
        if client is None or client.asides is not None:
            self._fatal(BAD_INITIALIZATION)
            return
        self._client, client.asides = client, self
        self.send(ASYNC_INITIALIZE_RESPONSE, 0, VENDOR)

    def _said(self, client: Client, kind: int, control: int, parameter: int, payload: bytes) -> None:
        """What comes on the connection for messages."""
        if client.asides is None:
            self._fatal(NO_SECOND_CHANNEL)
        elif kind in (DATA, DATA_END, TRIGGER):
            client.take(kind, bool(control & 1), parameter, payload)
        elif kind == CLEAR_COMPLETE:
            client.clear()
            self.send(CLEAR_ACKNOWLEDGE, 0, 0)
        else:
            self.send(ERROR, UNKNOWN_TYPE, 0)

    def _fatal(self, code: int) -> None:
        self.send(FATAL_ERROR, code, 0)
        if self._transport is not None:
            self._transport.close()

    def _size(self, _client: Client, _control: int, _payload: bytes) -> None:
        self.send(ASYNC_MAX_SIZE_RESPONSE, 0, 0, struct.pack("!Q", LONGEST_MESSAGE))

    def _clear(self, client: Client, _control: int, _payload: bytes) -> None:
        client.clear()
        self.send(ASYNC_CLEAR_ACKNOWLEDGE, 0, 0)

    def _status(self, client: Client, control: int, _payload: bytes) -> None:
        self.send(ASYNC_STATUS_RESPONSE, client.status(bool(control & 1)), 0)

    def _remote(self, _client: Client, _control: int, _payload: bytes) -> None:
        self.send(ASYNC_REMOTE_LOCAL_RESPONSE, 0, 0)

    def _lock(self, client: Client, control: int, _payload: bytes) -> None:
        """Give the lock to one at a time; nobody waits for it here."""
        free = self._clients.holder in (None, client)
        if free:
            self._clients.holder = client if control else None
        self.send(ASYNC_LOCK_RESPONSE, int(free), 0)

    def _lock_info(self, _client: Client, _control: int, _payload: bytes) -> None:
        held = int(self._clients.holder is not None)
        self.send(ASYNC_LOCK_INFO_RESPONSE, held, held)


_ASIDE: dict[int, Callable[[Connection, Client, int, bytes], None]] = {
    ASYNC_MAX_SIZE: Connection._size,
    ASYNC_CLEAR: Connection._clear,
    ASYNC_STATUS: Connection._status,
    ASYNC_REMOTE_LOCAL: Connection._remote,
    ASYNC_LOCK: Connection._lock,
    ASYNC_LOCK_INFO: Connection._lock_info,
}
"""What comes on the second connection."""
