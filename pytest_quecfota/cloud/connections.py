"""Connections that cannot be held for nothing: uvicorn's protocol with a limit to how long it waits for a slow client.

uvicorn bounds only the time between two requests. Here a client has `patience` real seconds for the head of a request and
for its body (an upload is watched piece by piece in `api.upload`), and as long for taking any part of an answer; a
connection over its limit is answered 408 where that is still possible, and closed.
"""

from __future__ import annotations

import asyncio
import json
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

UPLOADS = "/api/v1/packages"
_LATE = json.dumps(
    {"type": "about:blank", "title": "Request Timeout", "status": 408, "detail": "the request did not come to its end"}
).encode()
_TOO_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/problem+json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(_LATE), _LATE)
)
_HEAD, _BODY = "head", "body"


def raise_file_limit() -> None:
    """Lets the process have as many connections as the system allows it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class PatientProtocol(H11Protocol):
    """One connection; `patience` is set on a subclass by whoever starts the server.

    A module on a bad line needs a second or two for its head.
    """

    patience = 20.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._awaited: str | None = None
        self._late: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._late, self._unread):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self.patience, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _due(self) -> str | None:
        """What the client still owes: the rest of a head, the rest of a body, or nothing."""
        theirs = self.conn.their_state
        if theirs is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0]):
            return _HEAD
        return _BODY if theirs is h11.SEND_BODY and self.scope["path"] != UPLOADS else None

    def _watch(self) -> None:
        """Gives the client its time for what it owes now; what trickles in does not prolong it."""
        due = self._due()
        if due == self._awaited:
            return
        self._awaited = due
        if self._late is not None:
            self._late.cancel()
            self._late = None
        if due is not None:
            self._late = self.loop.call_later(self.patience, self._give_up)

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.write(_TOO_LATE)
        self.transport.close()


def patient(seconds: float) -> type[PatientProtocol]:
    """The protocol with this patience, in real seconds."""
    return type("PatientProtocol", (PatientProtocol,), {"patience": seconds})
