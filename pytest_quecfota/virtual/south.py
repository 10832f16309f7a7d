"""The southbound client: how the virtual module talks to the Developer Center (JSON over HTTP under /south/v1).

The protocol is the project's own. The product secret authenticates a device once and brings its device secret; that
secret signs each connect and brings a session. Every call has a real time limit and holds the bench's clock still at
speed `max`; the long poll does not. What goes wrong on the way is a `NetworkLost`, what the platform refuses is a
`Refused` with the event code it names.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .clock import Clock
from .elsewhere import Elsewhere
from .outside import Outside
from .radio import Radio

if TYPE_CHECKING:
    import httpx

_CALL_SECONDS = 10.0
_POLL_SECONDS = 25
_PREFIX = "/south/v1"

#: Event code where the platform refuses without naming one.
_UNSPECIFIED = 10500


class NetworkLost(Exception):
    """The exchange did not get through: no coverage, lost on the air, platform unreachable, no answer in time."""


class Refused(Exception):
    """The platform answered no; `code` is the event code it names."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code


class South:
    """One device's line to the platform at `base_url`; `session` is what `connect` brought, None while offline."""

    def __init__(self, outside: Outside, clock: Clock, radio: Radio, base_url: str) -> None:
        self._outside = outside
        self._clock = clock
        self._radio = radio
        self.base_url = base_url
        #: Servers that are not the platform.
        self.elsewhere = Elsewhere(outside, clock, radio)
        self._client: httpx.AsyncClient | None = None
        self.session: str | None = None

    async def authenticate(self, product_key: str, product_secret: str, device_key: str) -> str:
        """Activate the device; returns its device secret. Raises NetworkLost, Refused."""
        body = _signed(product_key, device_key, product_secret)
        return str((await self._post("/authenticate", body, session=False))["device_secret"])

    async def connect(self, product_key: str, device_key: str, secret: str, facts: Mapping[str, Any]) -> None:
        """Come online with what the device reports of itself (`facts`). Raises NetworkLost, Refused."""
        body = {**_signed(product_key, device_key, secret), **facts}
        self.session = str((await self._post("/connect", body, session=False))["session"])

    async def disconnect(self) -> None:
        """Go offline. Raises NetworkLost, Refused; the session is gone in any case."""
        try:
            await self._post("/disconnect", {})
        finally:
            self.session = None

    async def request_upgrade(self, facts: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Ask for a plan; the tasks of the one that applies, or none. Raises NetworkLost, Refused."""
        return list((await self._post("/ota/request", facts))["tasks"])

    async def report_status(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Report the status of a task; a confirmed one is answered with its firmware. Raises NetworkLost, Refused."""
        return await self._post("/ota/status", facts)

    async def report(self, facts: Mapping[str, Any]) -> None:
        """Report versions and state. Raises NetworkLost, Refused."""
        await self._post("/report", facts)

    async def messages(self) -> list[dict[str, Any]]:
        """Wait for what the platform pushes; empty after a while of silence. Raises NetworkLost, Refused."""
        self._need_network()
        work = self._send("GET", f"/messages?wait={_POLL_SECONDS}", headers=self._headers())
        response = await self._guarded(self._outside.call(None, work, _POLL_SECONDS + _CALL_SECONDS))
        return list(_payload(response)["messages"])

    async def fetch(self, url: str, start: int, length: int, etag: str | None = None) -> tuple[bytes, str | None]:
        """Bytes `start` … of a file, at most `length`, and its ETag; `etag` demands the same file as before.

        Raises:
            NetworkLost: it did not get through. Refused: gone, or not the same file any more.
        """
        self._need_network()
        headers = {**self._headers(), "Range": f"bytes={start}-{start + length - 1}"}
        if etag:
            headers["If-Range"] = etag
        response = await self._guarded(
            self._outside.call(self._clock, self._send("GET", url, headers=headers), _CALL_SECONDS)
        )
        if response.status_code not in (200, 206):
            raise Refused(_UNSPECIFIED, f"HTTP {response.status_code}")
        whole = response.status_code == 200
        if whole and etag and start:
            raise Refused(_UNSPECIFIED, "the file has changed")
        data = response.content[start : start + length] if whole else response.content
        return data, response.headers.get("ETag")

    def close(self) -> None:
        """Drop the connections; called when the bench ends, never from a coroutine."""
        self.elsewhere.close()
        client, self._client = self._client, None
        if client is not None:
            self._outside.run(client.aclose(), _CALL_SECONDS)

    async def _post(self, path: str, body: Mapping[str, Any], *, session: bool = True) -> dict[str, Any]:
        self._need_network()
        headers = self._headers() if session else {}
        work = self._send("POST", path, json=dict(body), headers=headers)
        return _payload(await self._guarded(self._outside.call(self._clock, work, _CALL_SECONDS)))

    def _need_network(self) -> None:
        if self._radio.loses():
            raise NetworkLost("no coverage")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.session}"} if self.session else {}

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Runs on the outside loop, which owns the connection pool."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(base_url=self.base_url, timeout=None, trust_env=False)
        url = path if path.startswith(("http://", "https://", "/south/")) else _PREFIX + path
        return await self._client.request(method, url, **options)

    @staticmethod
    async def _guarded(call: Any) -> httpx.Response:
        import httpx

        try:
            response: httpx.Response = await call
        except (httpx.HTTPError, asyncio.TimeoutError) as error:
            raise NetworkLost(str(error) or type(error).__name__) from None
        return response


def _signed(product_key: str, device_key: str, secret: str) -> dict[str, str]:
    nonce = secrets.token_hex(16)
    text = f"{product_key}\n{device_key}\n{nonce}".encode()
    signature = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {"product_key": product_key, "device_key": device_key, "nonce": nonce, "signature": signature}


def _payload(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of a good answer.

    Raises:
        Refused: the platform said no; with the code of its problem document where there is one.
    """
    if response.status_code == 204:
        return {}
    try:
        body = response.json()
    except ValueError:
        body = {}
    if response.is_success and isinstance(body, dict):
        return body
    code = body.get("code") if isinstance(body, dict) else None
    detail = body.get("detail", "") if isinstance(body, dict) else ""
    raise Refused(code if isinstance(code, int) else _UNSPECIFIED, str(detail))
