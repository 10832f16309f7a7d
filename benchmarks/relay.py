"""The two lines of a cut: a pty on which a URC is written, and the supply's socket, at which the cut's command is seen.

A process of its own, standard library only, so that one clock stamps both ends. It passes on what is said to the supply behind it,
and when told `GO` on its standard input it writes one URC and waits for the message `--message` on the way to the supply.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import socket
import sys
import time
import tty

URC = b"\r\n+QIOTEVT: 7,10702\r\n"
BACK = b"\r\nRDY\r\n"  # the module after the cut, so that nobody waits for it
LIMIT = 10.0  # real seconds until the command must have come


class Relay:
    """Both lines, served by one thread."""

    def __init__(self, supply: str, message: bytes) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self._listener = socket.create_server(("127.0.0.1", 0))
        host, port = supply.rsplit(":", 1)
        self._supply = (host, int(port))
        self._message = message
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._near: set[socket.socket] = set()
        self._came: float | None = None
        self._pauses = random.Random(1)

    def say_where(self) -> None:
        """Print the names of both lines."""
        words = {
            "port": os.ttyname(self._slave),
            "supply": f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET",
        }
        print(json.dumps(words), flush=True)

    def serve(self) -> None:
        """Until standard input is closed."""
        while True:
            ready, _, _ = select.select([sys.stdin, self._master, self._listener, *self._pairs], [], [])
            if sys.stdin in ready:
                if not sys.stdin.readline():
                    return
                self._measure()
                continue  # what else was ready has been served meanwhile
            for each in ready:
                self._move(each)

    def _measure(self) -> None:
        quiet = time.monotonic() + self._pauses.uniform(0.005, 0.030)
        while (left := quiet - time.monotonic()) > 0:
            self._wait(left)
        self._came = None
        sent = time.monotonic()
        os.write(self._master, URC)
        while self._came is None and time.monotonic() < sent + LIMIT:
            self._wait(0.5)
        os.write(self._master, BACK)
        print(json.dumps({"delay": None if self._came is None else self._came - sent}), flush=True)

    def _wait(self, seconds: float) -> None:
        for each in select.select([self._master, self._listener, *self._pairs], [], [], seconds)[0]:
            self._move(each)

    def _move(self, source: object) -> None:
        if source == self._master:
            os.read(self._master, 4096)  # what the module is told does not matter
        elif source is self._listener:
            near, _ = self._listener.accept()
            far = socket.create_connection(self._supply)
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.update({near: far, far: near})
            self._near.add(near)
        elif isinstance(source, socket.socket) and source in self._pairs:
            self._pass_on(source)

    def _pass_on(self, source: socket.socket) -> None:
        data = source.recv(65536)
        if source in self._near and self._message in data and self._came is None:
            self._came = time.monotonic()
        other = self._pairs[source]
        if data:
            other.sendall(data)
            return
        for end in (source, other):
            self._pairs.pop(end, None)
            end.close()


def main() -> None:
    """Serve until the benchmark closes our standard input."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--supply", required=True, help="host:port")
    parser.add_argument("--message", required=True, help="what the cut's command begins with")
    asked = parser.parse_args()
    relay = Relay(asked.supply, asked.message.encode())
    relay.say_where()
    relay.serve()


if __name__ == "__main__":
    main()
