"""Serving a file or one range of it (RFC 9110, sections 13 and 14), read piece by piece while it is sent."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from .errors import Problem, answer, not_found

PIECE = 256 * 1024
_RANGE = re.compile(r"^bytes=(\d{0,19})-(\d{0,19})$")


class FileSlice(Response):
    """Part of a file as a response."""

    def __init__(self, path: Path, first: int, length: int, status: int, headers: dict[str, str]) -> None:
        self._path = path
        self._first = first
        self._length = length
        self.status_code = status
        self.background = None
        self.body = b""
        self.media_type = "application/octet-stream"
        self.init_headers({**headers, "content-length": str(length)})

    @classmethod
    def answering(cls, request: Request, path: Path | None, digest: str) -> Response:
        """The answer to a GET for the file of a digest: 200, 206, 304 or 416."""
        if path is None or not path.is_file():
            raise not_found("file", digest)
        size = path.stat().st_size
        tag = f'"{digest}"'
        headers = {"etag": tag, "accept-ranges": "bytes"}
        if tag in {part.strip() for part in request.headers.get("if-none-match", "").split(",")}:
            return Response(status_code=304, headers=headers)
        wanted = request.headers.get("range")
        found = _RANGE.match(wanted.replace(" ", "")) if wanted else None
        if found is None or request.headers.get("if-range", tag) != tag or found.group(0) == "bytes=-":
            return cls(path, 0, size, 200, headers)
        first, last = _bounds(found, size)
        if first >= size or last < first:
            return answer(416, f"the file has {size} bytes", {"content-range": f"bytes */{size}", **headers})
        headers["content-range"] = f"bytes {first}-{last}/{size}"
        return cls(path, first, last - first + 1, 206, headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        left = self._length if scope["method"] != "HEAD" else 0
        gone = asyncio.ensure_future(_gone(receive))
        try:
            with self._path.open("rb") as file:
                file.seek(self._first)
                while left > 0 and not gone.done():
                    piece = file.read(min(PIECE, left))
                    if not piece:
                        raise Problem(500, "the file ended early")
                    left -= len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
                    await asyncio.sleep(0)  # others have their turn; to a client that is gone, sending does not wait
        finally:
            gone.cancel()
        if not self._length or scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _bounds(found: re.Match[str], size: int) -> tuple[int, int]:
    first, last = found.groups()
    if not first:
        return max(size - int(last), 0), size - 1 if int(last) else -1
    return int(first), min(int(last) if last else size - 1, size - 1)
