"""Files anywhere on the net, as AT+QFOTADL fetches them: over HTTP, HTTPS or FTP, without the device's session.

The module does not check the certificate of an HTTPS server: Quectel modules do so only where AT+QSSLCFG says so, which no upgrade
guide asks for. What goes wrong is a `DownloadFailed` with the result code of the LTE Standard(A) DFOTA guide V1.5.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import ftp
from .clock import Clock
from .outside import Outside
from .radio import Radio

if TYPE_CHECKING:
    import httpx

_CALL_SECONDS = 10.0
_TIMED_OUT, _BAD_URL, _NOT_CONNECTED, _NOT_READ, _REFUSED = 702, 711, 716, 717, 723


class DownloadFailed(Exception):
    """A file could not be had; `code` is what AT+QFOTADL names it."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code


class Elsewhere:
    """The module's way to servers that are not the platform."""

    def __init__(self, outside: Outside, clock: Clock, radio: Radio) -> None:
        self._outside = outside
        self._clock = clock
        self._radio = radio
        self._client: httpx.AsyncClient | None = None
        self._whole: tuple[str, bytes] = ("", b"")

    async def piece(self, url: str, start: int, length: int, most: int) -> tuple[bytes, int]:
        """Bytes of a file from `start` on, and the size of the whole; a file above `most` bytes need not be whole.

        A server that knows no ranges sends all of it each time; of that the bytes asked for are returned. A file on an FTP server
        comes in one go and is handed out in pieces. Raises DownloadFailed.
        """
        over_ftp = urlsplit(url).scheme.lower() == "ftp"
        if self._radio.loses():
            self._whole = ("", b"")
            raise DownloadFailed(ftp.TIMED_OUT if over_ftp else _TIMED_OUT, "no coverage")
        if over_ftp:
            return await self._from_ftp(url, start, length, most)
        return await self._from_web(url, start, length)

    def close(self) -> None:
        """Drop the connections; called when the bench ends, never from a coroutine."""
        client, self._client = self._client, None
        if client is not None:
            self._outside.run(client.aclose(), _CALL_SECONDS)

    async def _from_ftp(self, url: str, start: int, length: int, most: int) -> tuple[bytes, int]:
        if self._whole[0] != url:
            try:
                content = await self._outside.call(self._clock, ftp.fetch(url, most + 1), _CALL_SECONDS)
            except ftp.FtpError as error:
                raise DownloadFailed(error.code, str(error)) from None
            except asyncio.TimeoutError:
                raise DownloadFailed(ftp.TIMED_OUT) from None
            if not content:
                raise DownloadFailed(ftp.NO_FILE, "the file is empty")
            self._whole = (url, content)
        content = self._whole[1]
        if start + length >= len(content):
            self._whole = ("", b"")
        return content[start : start + length], len(content)

    async def _from_web(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        import httpx

        headers = {"Range": f"bytes={start}-{start + length - 1}"}
        try:
            response = await self._outside.call(self._clock, self._get(url, headers), _CALL_SECONDS)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise DownloadFailed(_BAD_URL, str(error)) from None
        except httpx.ConnectError as error:
            raise DownloadFailed(_NOT_CONNECTED, str(error)) from None
        except (httpx.TimeoutException, asyncio.TimeoutError):
            raise DownloadFailed(_TIMED_OUT) from None
        except httpx.HTTPError as error:
            raise DownloadFailed(_NOT_READ, str(error)) from None
        data: bytes = response.content
        if response.status_code == 206:
            return data, int(response.headers["Content-Range"].rpartition("/")[2])
        if response.status_code != 200 or not data:
            raise DownloadFailed(_REFUSED, f"HTTP {response.status_code}")
        return data[start : start + length], len(data)

    async def _get(self, url: str, headers: dict[str, str]) -> Any:
        """Runs on the outside loop, which owns the connection pool."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=None, trust_env=False, verify=False)
        return await self._client.get(url, headers=headers)
