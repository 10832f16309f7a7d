"""Real time beside the bench's clock: an ordinary event loop in a thread of its own.

On the bench's loop every second is a module second, which HTTP libraries with time-outs of their own cannot know.
What talks to the outside (the southbound client, the control API) therefore runs here, in real seconds, and the bench
awaits it through `call`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from .clock import Clock

T = TypeVar("T")

_STOP_SECONDS = 2.0


class Outside:
    """Owns the thread and its loop; `close` ends both."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="bench-outside", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def call(self, clock: Clock | None, work: Coroutine[Any, Any, T], real_seconds: float) -> T:
        """Run `work` outside and return its result to the bench's loop.

        `clock`, where given, does not jump meanwhile (a request that ends soon; not a long poll).

        Raises:
            asyncio.TimeoutError: it took longer than `real_seconds`.
        """
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, real_seconds), self.loop)
        if clock is None:
            return await asyncio.wrap_future(future)
        with clock.outside():
            return await asyncio.wrap_future(future)

    def run(self, work: Coroutine[Any, Any, T], real_seconds: float) -> T:
        """Run `work` outside and wait for it in the calling thread; never from a coroutine."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, real_seconds), self.loop).result(
            real_seconds + 1
        )

    def close(self) -> None:
        """Cancel what still runs, stop the loop, join the thread."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(_cancel_rest(), self.loop).result(_STOP_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_STOP_SECONDS)
        self.loop.close()


async def _cancel_rest() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=_STOP_SECONDS / 2)
