"""The web page at `/`: the files of `web/`, read once, and the headers that keep anything else out of it."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from ..errors import not_found

router = APIRouter(include_in_schema=False)
WEB = Path(__file__).parent.parent / "web"
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@dataclasses.dataclass(frozen=True)
class Asset:
    """A file of the page."""

    body: bytes
    kind: str
    tag: str


@cache
def assets() -> dict[str, Asset]:
    """All files of the page by their name below `web/`; nothing else is ever served."""
    found = {}
    for path in sorted(WEB.rglob("*")):
        if path.suffix in KINDS:
            body = path.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            found[path.relative_to(WEB).as_posix()] = Asset(body, KINDS[path.suffix], tag)
    return found


def _served(request: Request, name: str) -> Response:
    asset = assets().get(name)
    if asset is None:
        raise not_found("page", name)
    headers = {**HEADERS, "ETag": asset.tag}
    if request.headers.get("if-none-match") == asset.tag:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, media_type=f"{asset.kind}; charset=utf-8", headers=headers)


@router.get("/")
async def show_page(request: Request) -> Response:
    """The page."""
    return _served(request, "index.html")


@router.get("/web/{name:path}")
async def show_asset(request: Request, name: str) -> Response:
    """A part of the page."""
    return _served(request, name)
