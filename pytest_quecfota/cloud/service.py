"""The FastAPI application around a `Center`: routes, errors, limits, and its OpenAPI description."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import errors, openapi, south, ticking
from .api import access, components, control, devices, enduser, lists, monitoring, packages, page, plans, projects
from .center import Center
from .live import Turns

JSON_BYTES = 4 * 1024 * 1024
"""What a body that is no upload may have at most."""
_UPLOADS = "/api/v1/packages"


class Porter:
    """Lets modules in by turns, and refuses bodies longer than any call needs without reading them into memory."""

    def __init__(self, app: ASGIApp, turns: Turns) -> None:
        self._app = app
        self._turns = turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == _UPLOADS:
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(south.router.prefix):
            await self._turns.take()
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > JSON_BYTES:
                raise HTTPException(413, f"a body has at most {JSON_BYTES} bytes")
            return message

        await self._app(scope, counted, send)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    center: Center = app.state.center
    ticker = asyncio.create_task(ticking.run(center))
    try:
        yield
    finally:
        center.stop()
        await ticker


def create_app(center: Center) -> FastAPI:
    """The application; whoever opened the center closes it after the application's end."""
    app = FastAPI(
        title="Developer Center",
        summary="OTA upgrade platform for virtual modules",
        version="1",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.center = center
    errors.install(app)
    app.add_middleware(Porter, turns=center.turns)
    app.include_router(south.router)  # first: routes are looked at in order, and modules call most
    guarded = [Depends(access.person)]
    for resource in (projects, devices, components, packages, plans, lists, monitoring):
        app.include_router(resource.router, prefix="/api/v1", dependencies=guarded)
    for router in (enduser.router, enduser.plain, control.router):
        app.include_router(router, dependencies=guarded)
    app.include_router(page.router)
    openapi.describe(app)
    return app
