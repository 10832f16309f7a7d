"""A small FTP client for AT+QFOTADL="ftp://…": one file, read in passive mode (RFC 959, RFC 2428).

It runs on the outside loop. What goes wrong is a `FtpError` with the result code that the LTE Standard(A) DFOTA guide V1.5 gives;
its codes 614 to 629 are the server's replies 421 to 552 in their order.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from urllib.parse import unquote, urlsplit

UNKNOWN, NO_ADDRESS, NOT_CONNECTED, CLOSED, TIMED_OUT, BAD_PARAMETER = 601, 604, 605, 608, 609, 610
DATA_CLOSED, BAD_PATH, NO_FILE = 607, 612, 617
_REPLIES = (421, 425, 426, 450, 451, 452, 500, 501, 502, 503, 504, 530, 532, 550, 551, 552)
#: Result code by the server's reply.
RESULTS = {reply: 614 + number for number, reply in enumerate(_REPLIES)}

_PASSIVE = re.compile(rb"\(\|\|\|(\d{1,5})\|\)")


class FtpError(Exception):
    """The file could not be had; `code` is the guide's result code."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code


async def fetch(url: str, most: int) -> bytes:
    """The file at `ftp://[user[:password]@]host[:port]/path`, of which at most `most` bytes are read.

    Raises:
        FtpError: saying why not.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 21
    except ValueError:
        raise FtpError(BAD_PARAMETER, url) from None
    path = unquote(parts.path.lstrip("/"))
    if not host:
        raise FtpError(BAD_PARAMETER, url)
    if not path:
        raise FtpError(BAD_PATH, url)
    session = await _connected(host, port)
    try:
        await session.log_in(unquote(parts.username or "anonymous"), unquote(parts.password or "guest"))
        return await session.read(path, most)
    except (ConnectionError, asyncio.IncompleteReadError):
        raise FtpError(CLOSED) from None
    finally:
        await session.close()


async def _connected(host: str, port: int) -> _Session:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except socket.gaierror as error:
        raise FtpError(NO_ADDRESS, str(error)) from None
    except OSError as error:
        raise FtpError(NOT_CONNECTED, str(error)) from None
    return _Session(host, reader, writer)


class _Session:
    """One control connection."""

    def __init__(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._host = host
        self._reader, self._writer = reader, writer

    async def log_in(self, user: str, password: str) -> None:
        await self._reply()
        if (await self._say(f"USER {user}"))[0] == 331:
            await self._say(f"PASS {password}")
        await self._say("TYPE I")

    async def read(self, path: str, most: int) -> bytes:
        _, text = await self._say("EPSV")
        passive = _PASSIVE.search(text)
        if passive is None:
            raise FtpError(RESULTS[425], "no passive mode")
        try:
            reader, writer = await asyncio.open_connection(self._host, int(passive[1]))
        except OSError as error:
            raise FtpError(RESULTS[425], str(error)) from None
        try:
            await self._say(f"RETR {path}")
            content = await _at_most(reader, most)
        finally:
            await _closed(writer)
        if len(content) < most:
            await self._reply()
        return content

    async def close(self) -> None:
        await _closed(self._writer)

    async def _say(self, command: str) -> tuple[int, bytes]:
        if "\r" in command or "\n" in command:
            raise FtpError(BAD_PARAMETER, "line ends in the URL")
        self._writer.write(command.encode() + b"\r\n")
        await self._writer.drain()
        return await self._reply()

    async def _reply(self) -> tuple[int, bytes]:
        """The next reply, the lines of a longer one together. Raises FtpError for one that says no."""
        text = line = await self._reader.readuntil(b"\n")
        while line[3:4] == b"-":
            line = await self._reader.readuntil(b"\n")
            if not line.startswith(text[:3]):
                line = text[:3] + b"-"
        try:
            code = int(line[:3])
        except ValueError:
            raise FtpError(UNKNOWN, repr(line)) from None
        if code >= 400:
            raise FtpError(RESULTS.get(code, UNKNOWN), line.decode("latin-1").strip())
        return code, line


async def _at_most(reader: asyncio.StreamReader, most: int) -> bytes:
    content = bytearray()
    while len(content) < most:
        try:
            piece = await reader.read(min(65536, most - len(content)))
        except ConnectionError as error:
            raise FtpError(DATA_CLOSED, str(error)) from None
        if not piece:
            break
        content += piece
    return bytes(content)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
