"""Services that are there at once: one process has imported everything and forks a service whenever one is wanted.

A service forked here is a process like any other: `kill -9` takes all it has in memory. Run as a program, this is that
process; it reads the arguments of each service as a line of JSON.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from typing import Any

LIMIT = 30.0


class Nursery:
    """Where services come from; `close` ends it and what it has made."""

    def __init__(self) -> None:
        command = [sys.executable, __file__, str(os.getpid())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._rest = b""
        self._line()

    def _line(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        while b"\n" not in self._rest:
            there, _, _ = select.select([stdout], [], [], LIMIT)
            piece = os.read(stdout.fileno(), 65536) if there else b""
            assert piece, f"a service did not start: {self._rest!r}"
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return dict(json.loads(line))

    def service(self, *arguments: str) -> Child:
        """A service that is ready."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(arguments).encode() + b"\n")
        self._process.stdin.flush()
        return Child({**self._line(), **self._line()})  # the nursery names the process, the service says it is ready

    def close(self) -> None:
        self._process.communicate(timeout=10)


class Child:
    """One service."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.url: str = ready["url"]
        self.token: str = ready["token"]
        self.pid: int = ready["pid"]

    def kill(self) -> None:
        """Ends it as `kill -9` does; returns once it is gone."""
        handle = os.pidfd_open(self.pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            assert select.select([handle], [], [], LIMIT)[0], "the service is still there"
        finally:
            os.close(handle)


def _bear(parent: str, arguments: list[str]) -> None:
    """In the child: runs the service."""
    from pytest_quecfota.cloud import __main__ as cloud

    os._exit(cloud.main(["--json", "--parent", parent, *arguments]))


def _nurse(parent: str) -> None:
    import httpx  # noqa: F401
    import sqlalchemy.dialects.sqlite  # noqa: F401
    import uvicorn.lifespan.on
    import uvicorn.protocols.http.h11_impl  # noqa: F401

    from pytest_quecfota.cloud import connections, service  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("{}", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.close(0)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _bear(parent, json.loads(line))
        print(json.dumps({"pid": child}), flush=True)


if __name__ == "__main__":
    _nurse(sys.argv[1])
