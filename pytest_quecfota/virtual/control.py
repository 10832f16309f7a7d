"""The control API: what is really the case on the bench, and the knobs a test of the tool turns (HTTP, JSON, loopback
only).

The server runs on the outside loop, in real time; what it serves is in `control_api`, imported late because it is
heavy.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from .outside import Outside

if TYPE_CHECKING:
    import uvicorn

    from .control_api import Knobs

_START_SECONDS = 20.0
_STOP_SECONDS = 1.0


class Control:
    """The HTTP server of the control API. `url` is there once `start` has returned."""

    def __init__(self, outside: Outside, knobs: Knobs, bench_loop: asyncio.AbstractEventLoop) -> None:
        self._outside = outside
        self._knobs = knobs
        self._bench_loop = bench_loop
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve; called on the bench's loop."""
        await self._outside.call(None, self._start(), _START_SECONDS)

    async def stop(self) -> None:
        """Stop serving; called on the bench's loop."""
        await self._outside.call(None, self._stop(), _STOP_SECONDS * 2)
        self._socket.close()

    async def _start(self) -> None:
        import uvicorn

        from .control_api import build

        app = build(self._knobs, self._bench_loop)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1, ws="none", loop="none"
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(self._server.serve(sockets=[self._socket]))

    async def _stop(self) -> None:
        if self._server and self._serving:
            self._server.should_exit = True
            _, pending = await asyncio.wait({self._serving}, timeout=_STOP_SECONDS)
            for task in pending:
                task.cancel()
