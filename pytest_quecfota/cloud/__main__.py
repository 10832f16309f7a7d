"""The service as a process: `python -m pytest_quecfota.cloud --data DIR [--port N] [--clock FILE] [--parent PID] [--json]`.

It prints one line when it is ready, serves until SIGTERM, SIGINT or the death of its parent, and ends within two seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .center import Center

GRACE_SECONDS = 1
WRONG_USE = 2


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="quecfota cloud", description="The embedded Developer Center.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument(
        "--data", type=Path, help="directory that keeps everything (default: one that ends with the service)"
    )
    parser.add_argument("--clock", type=Path, help="clock file of a virtual bench (default: a clock of its own)")
    parser.add_argument("--parent", type=int, help="process whose death ends the service")
    parser.add_argument("--token-env", metavar="VAR", help="environment variable with the token (default: a new one)")
    parser.add_argument(
        "--patience", type=float, default=20.0, metavar="SECONDS", help="real seconds a slow client has (default: 20)"
    )
    parser.add_argument("--json", action="store_true", help="print the ready line as JSON")
    return parser.parse_args(argv)


def _wrong_use(text: str) -> SystemExit:
    """Says in one line what is wrong; the exit code is that of wrong use."""
    print(f"quecfota cloud: {text}", file=sys.stderr)
    return SystemExit(WRONG_USE)


def _token(variable: str | None) -> str | None:
    if variable is None:
        return None
    token = os.environ.get(variable, "")
    if len(token) < 8:
        raise _wrong_use(f"{variable} must hold a token of at least 8 characters")
    return token


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio then turns Nagle off
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _wrong_use(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.listen(2048)
    return listener


def _announce(options: argparse.Namespace, listener: socket.socket, token: str) -> None:
    host = f"[{options.host}]" if ":" in options.host else options.host
    url = f"http://{host}:{listener.getsockname()[1]}"
    if options.json:
        print(json.dumps({"ready": True, "url": url, "token": token}), flush=True)
    else:
        print(f"Developer Center ready at {url}  token {token}", flush=True)


@contextlib.contextmanager
def _watching(loop: asyncio.AbstractEventLoop, parent: int | None, stop: Callable[[], None]) -> Iterator[None]:
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    watch: int | None = None
    if parent is not None:
        try:
            watch = os.pidfd_open(parent)
            loop.add_reader(watch, stop)
        except ProcessLookupError:
            stop()
    try:
        yield
    finally:
        if watch is not None:
            loop.remove_reader(watch)
            os.close(watch)


def _open(options: argparse.Namespace) -> Center:
    from sqlalchemy.exc import DatabaseError

    from .center import Center
    from .clock import MappedClock, OwnClock
    from .store import CannotOpen

    clock = MappedClock(options.clock) if options.clock else OwnClock()
    try:
        return Center(options.data, clock, _token(options.token_env))
    except (CannotOpen, OSError) as error:
        raise _wrong_use(f"{options.data}: {error}") from error
    except DatabaseError as error:
        raise _wrong_use(f"{options.data}: the data base cannot be read: {error.orig}") from error


async def _serve(options: argparse.Namespace, listener: socket.socket) -> None:
    import uvicorn

    from .connections import patient, raise_file_limit
    from .service import create_app

    raise_file_limit()
    center = _open(options)
    center.patience = options.patience
    token = center.token

    class Server(uvicorn.Server):
        """Announces itself once it listens; signals are ours."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            gc.freeze()
            gc.enable()
            if self.started:
                _announce(options, listener, token)

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    server = Server(
        uvicorn.Config(
            create_app(center),
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            timeout_keep_alive=75,
            ws="none",
            http=patient(options.patience),
            loop="asyncio",
        )
    )

    def stop() -> None:
        center.stop()
        server.should_exit = True

    try:
        with _watching(asyncio.get_running_loop(), options.parent, stop):
            await server.serve([listener])
    finally:
        center.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the service; returns the exit code."""
    gc.disable()  # until it is ready: importing makes no garbage worth looking for
    options = _arguments(argv)
    with contextlib.ExitStack() as stack:
        if options.data is None:
            options.data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quecfota-cloud-")))
        listener = stack.enter_context(contextlib.closing(_listen(options.host, options.port)))
        asyncio.run(_serve(options, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
