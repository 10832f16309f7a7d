"""A Developer Center of a few lines, at the end of a real socket: it remembers every request and answers as it is told."""

from __future__ import annotations

import contextlib
import email
import email.policy
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> list[tuple[str, str | None, bytes]]:
        """The parts of a multipart body: name, file name, content; read by the standard library's own parser."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + self.body, policy=email.policy.HTTP)
        return [
            (
                str(part.get_param("name", header="content-disposition")),
                part.get_filename(),
                part.get_payload(decode=True),
            )
            for part in message.iter_parts()
        ]


@dataclass(frozen=True)
class Answer:
    """What to say: `drop` closes the connection after the answer without a word, `cut` instead of it."""

    status: int = 200
    body: Any = None
    drop: bool = False
    cut: bool = False

    @property
    def content(self) -> bytes:
        return (
            self.body if isinstance(self.body, bytes) else b"" if self.body is None else json.dumps(self.body).encode()
        )


class TinyPlatform:
    """`answers` gives an `Answer` for a request; `requests` has all of them in order."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._connections: list[socket.socket] = []
        self.answers: Callable[[Request], Answer] = lambda _request: Answer(body={"items": []})
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                platform._connections.append(self.connection)

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                request = Request(self.command, self.path, headers, body, self.client_address[1])
                platform.requests.append(request)
                answer = platform.answers(request)
                self.close_connection = answer.drop or answer.cut
                if answer.cut:
                    return
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_GET = do_POST = handle_any

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = False

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that has left is no error here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def always(self, answer: Answer) -> None:
        """Give the same answer to everything from now on."""
        self.answers = lambda _request: answer

    def close(self) -> None:
        """End the threads, close the port and what is still connected."""
        self._server.shutdown()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join(5)
