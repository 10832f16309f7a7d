"""HTTP for a crowd: one kept connection and as little work as possible, so that the service is what is measured."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


class Answer:
    """Status and body, under the names that httpx gives them."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code = status
        self.content = body

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class QuickClient:
    """What a `SouthDevice` needs of a client."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
        self._connection.connect()

    def request(self, method: str, path: str, json: Any = None, headers: Any = None, **_: Any) -> Answer:
        body = None if json is None else _dumps(json)
        more = {"Content-Type": "application/json"} if body else {}
        self._connection.request(method, path, body, {**(headers or {}), **more})
        answer = self._connection.getresponse()
        return Answer(answer.status, answer.read())

    def close(self) -> None:
        self._connection.close()


def _dumps(value: Any) -> bytes:
    return json.dumps(value).encode()
