"""JSON over HTTP to a Developer Center, with deadlines and one kind of error.

The standard library's client is enough here: a handful of small calls to one host, from one thread at a time.
"""

from __future__ import annotations

import http.client
import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pytest_quecfota.errors import DeveloperCenterError, Reason

LIMIT = 10.0  # real seconds for one call


class Api:
    """Calls below `<url>/api/v1`, authorised by `token`, over one connection that is opened anew when it was lost."""

    def __init__(self, url: str, token: str, *, limit: float = LIMIT) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_possible_port(parts):
            raise DeveloperCenterError(
                f"{url!r} is no address of a Developer Center; it would be http://host:port",
                reason=Reason.CONFIGURATION,
            )
        if not (token.isascii() and token.isprintable()):
            raise DeveloperCenterError(
                f"the token for {url} has characters that none has; look for a line break or a dash in its variable",
                reason=Reason.CONFIGURATION,
            )
        self.url = url
        maker = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = maker(parts.hostname, parts.port, timeout=limit)
        self._base = parts.path.rstrip("/") + "/api/v1"
        self._token = token
        self._lock = threading.Lock()

    def get(self, path: str) -> Any:
        """The JSON at `path`."""
        return self._call("GET", path)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send `body` as JSON and return the answer's JSON, `None` where it is empty."""
        payload = None if body is None else json.dumps(body).encode()
        return self._call("POST", path, payload, "application/json")

    def upload(self, path: str, fields: Mapping[str, str], files: Sequence[tuple[str, bytes]]) -> Any:
        """Send a form with `files` (name, content) as multipart."""
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        for name, content in files:
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
            parts += [head.encode(), b"Content-Type: application/octet-stream\r\n\r\n", content, b"\r\n"]
        parts.append(f"--{boundary}--\r\n".encode())
        return self._call("POST", path, b"".join(parts), f"multipart/form-data; boundary={boundary}")

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _call(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        with self._lock:
            status, text = self._exchange(method, self._base + path, body, headers)
        try:
            if 200 <= status < 300:
                return json.loads(text) if text.strip() else None
            why = _problem(text)
        except ValueError:
            why = f"no JSON but {text[:60]!r}; is it a Developer Center?"
        raise DeveloperCenterError(
            f"Developer Center {self.url} answered {status} to {method} {path}: {self._without_token(why)}",
            reason=Reason.PLATFORM_REFUSED,
            status=status,
        )

    def _without_token(self, text: str) -> str:
        return text.replace(self._token, "***") if self._token else text

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """One request and its answer. A kept connection that the other side closed meanwhile is opened once more."""
        for kept in (self._connection.sock is not None, False):
            try:
                self._connection.request(method, path, body, headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError) as error:
                self._connection.close()
                gone = isinstance(error, (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError))
                if not (kept and gone):
                    why = str(error) or type(error).__name__
                    raise DeveloperCenterError(
                        f"Developer Center {self.url} cannot be reached ({method} {path}): {why}"
                    ) from error
        raise AssertionError("unreachable")


def _has_possible_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _problem(text: bytes) -> str:
    """The human part of a problem+json answer."""
    try:
        document = json.loads(text)
        return str(document.get("detail") or document.get("title") or document)
    except (ValueError, AttributeError):
        return text[:200].decode(errors="replace") or "(nothing)"
