"""A line between MCU and module with a tap on each direction: a pty for the MCU, two TCP servers for who listens.

`python tee.py PORT LINK`: PORT is the module's; LINK becomes the MCU's. Prints one line, {"module": port, "host": port}, then
copies until it is ended. What is said is handed on first and shown to the taps then, as with two adapters that are a little late.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sys
import tty
from pathlib import Path


def main(port: str, link: str) -> None:
    """Copy for ever."""
    module = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    master, slave = os.openpty()
    for terminal in (module, slave):
        tty.setraw(terminal)
    Path(link).symlink_to(os.ttyname(slave))
    taps = {"module": socket.create_server(("127.0.0.1", 0)), "host": socket.create_server(("127.0.0.1", 0))}
    listeners: dict[str, list[socket.socket]] = {"module": [], "host": []}
    print(json.dumps({name: server.getsockname()[1] for name, server in taps.items()}), flush=True)
    while True:
        ready = select.select([module, master, *taps.values()], [], [])[0]
        for name, server in taps.items():
            if server in ready:
                listeners[name].append(server.accept()[0])
        for source, sink, name in ((module, master, "module"), (master, module, "host")):
            if source in ready:
                data = os.read(source, 4096)
                hand_on(sink, data)
                for listener in listeners[name]:
                    with contextlib.suppress(OSError):
                        listener.sendall(data)


def hand_on(sink: int, data: bytes) -> None:
    """Write all of it."""
    while data:
        select.select([], [sink], [])
        data = data[os.write(sink, data) :]


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, OSError):
        main(*sys.argv[1:])
