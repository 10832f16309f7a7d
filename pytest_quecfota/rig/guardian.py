"""Puts a rig back into its safe state when the run dies, whatever kills it.

A supply left at 2.2 V or switched off in the middle of a disturbance outlives the run that did it. So a second
process, in a session of its own, holds one end of a pipe and the messages that make the instruments safe. Says the
run `bye`, it ends and sends nothing; ends the pipe without that word, or dies the run, it sends them, within two
seconds, and notes what it did.

`Guardian` is the run's side. `python -m pytest_quecfota.rig.guardian` is the process; it reads lines: first a JSON
object {"restore": [{"visa", "messages", "terminator"?, "gap"?, "serial"?}], "parent": pid, "note": path or null}, later further
such objects that replace it, at last `bye`. It imports only the standard library, and pyvisa where an address is not
a plain socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

LIMIT = 2.0  # real seconds for all messages together
START_LIMIT = 10.0  # real seconds until the process watches

_SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+|\[[^\]]+\])::(?P<port>\d+)::SOCKET", re.IGNORECASE)
_live: weakref.WeakSet[Guardian] = weakref.WeakSet()


class Guardian:
    """The run's side: start it before the supply is touched, dismiss it after the safe state has been restored."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        _live.add(self)

    @classmethod
    def start(cls, restore: Sequence[Mapping[str, Any]], note: Path | None = None) -> Guardian:
        """Start the process and wait until it watches.

        `restore` holds {visa, messages} and optionally terminator (default a line feed) and gap (seconds between messages).
        Raises OSError where it does not come up.
        """
        command = [sys.executable, "-m", "pytest_quecfota.rig.guardian"]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        guardian = cls(process)
        assert process.stdout is not None
        try:
            guardian.update(restore, note)
            ready, _, _ = select.select([process.stdout], [], [], START_LIMIT)
            if not ready or not process.stdout.readline():
                raise OSError(f"the guardian does not watch after {START_LIMIT:g} s")
        except BaseException:
            process.kill()
            guardian._close()
            raise
        return guardian

    @property
    def pid(self) -> int:
        """The process that watches."""
        return self._process.pid

    def update(self, restore: Sequence[Mapping[str, Any]], note: Path | None = None) -> None:
        """Replace what would be sent."""
        where = None if note is None else os.fspath(note.absolute())
        self._say(json.dumps({"restore": [dict(item) for item in restore], "parent": os.getpid(), "note": where}))

    def dismiss(self) -> None:
        """All is well: end the process without a message. Harmless when called twice."""
        with contextlib.suppress(BrokenPipeError, ValueError):  # it ended by itself, or was dismissed before
            self._say("bye")
        self._close()

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(LIMIT + 1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _forget(self) -> None:
        """In a forked child: its copy of the pipe must not keep the guardian waiting."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                os.close(self._process.stdin.fileno())

    def __enter__(self) -> Guardian:
        return self

    def __exit__(self, _kind: object, _error: object, _trace: TracebackType | None) -> None:
        self.dismiss()


def _let_go_in_child() -> None:
    for guardian in list(_live):
        guardian._forget()


os.register_at_fork(after_in_child=_let_go_in_child)


def watch(pipe: int, ready: int) -> None:
    """The process: read orders from `pipe` until it ends or the run dies; then restore, unless it said `bye`."""
    orders: dict[str, Any] = {}
    rest = b""
    parent: int | None = None
    while True:
        readable, _, _ = select.select([pipe, *([] if parent is None else [parent])], [], [])
        chunk = os.read(pipe, 65536) if pipe in readable else b""
        *lines, rest = (rest + chunk).split(b"\n")
        if b"bye" in lines:
            return
        for line in lines:
            orders = json.loads(line)
            if parent is None:
                parent = _process_handle(orders["parent"])
                os.write(ready, b"ready\n")
        if not chunk:
            break
    restore(orders.get("restore", ()), orders.get("note"))


def restore(instruments: Sequence[Mapping[str, Any]], note: str | None, limit: float = LIMIT) -> None:
    """Send every instrument its messages, all at once, and note what came of it, within `limit` real seconds."""
    deadline = time.monotonic() + limit
    outcomes: list[dict[str, Any]] = [
        {"visa": item["visa"], "sent": [], "error": "not done in time"} for item in instruments
    ]
    threads = [
        threading.Thread(target=_make_safe, args=(item, outcome, deadline), daemon=True)
        for item, outcome in zip(instruments, outcomes, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if note is not None:
        with contextlib.suppress(OSError):
            words = {"time": time.time(), "why": "the run ended without restoring the rig", "instruments": outcomes}
            with Path(note).open("a", encoding="utf-8") as file:
                file.write(json.dumps(words) + "\n")


def _make_safe(item: Mapping[str, Any], outcome: dict[str, Any], deadline: float) -> None:
    address = _SOCKET.fullmatch(item["visa"])
    send = _send_by_socket if address else _send_by_visa
    while time.monotonic() < deadline:
        outcome["sent"] = []
        try:
            send(item, outcome["sent"], deadline)
        except Exception as error:  # whatever a VISA library raises: noted, and tried again while there is time
            outcome["error"] = f"{type(error).__name__}: {error}"
            select.select([], [], [], 0.05)  # an instrument may need a moment to see that the dead run's link is gone
        else:
            outcome["error"] = None
            return


def _send_by_socket(item: Mapping[str, Any], sent: list[str], deadline: float) -> None:
    address = _SOCKET.fullmatch(item["visa"])
    assert address is not None
    where = (address["host"].strip("[]"), int(address["port"]))
    with socket.create_connection(where, timeout=max(0.05, deadline - time.monotonic())) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for message in item["messages"]:
            link.sendall(f"{message}{item.get('terminator', chr(10))}".encode())
            sent.append(message)
            if message.rstrip().endswith("?"):
                link.recv(4096)
            else:
                select.select([link], [], [], item.get("gap", 0.0))
        link.shutdown(socket.SHUT_WR)
        link.settimeout(max(0.05, min(0.3, deadline - time.monotonic())))
        with contextlib.suppress(
            OSError
        ):  # until it has read everything: closing at once could drop what is on the way
            while link.recv(4096):
                pass


def _send_by_visa(item: Mapping[str, Any], sent: list[str], deadline: float) -> None:
    import pyvisa

    resource: Any = pyvisa.ResourceManager("@py").open_resource(item["visa"])
    try:
        resource.timeout = max(50, int((deadline - time.monotonic()) * 1000))
        resource.write_termination = item.get("terminator", "\n")
        _set_line(resource, item.get("serial"))
        for message in item["messages"]:
            resource.write(message)
            sent.append(message)
            select.select([], [], [], item.get("gap", 0.0))
    finally:
        resource.close()


def _set_line(resource: Any, serial: Mapping[str, Any] | None) -> None:
    """Baud, bits, parity, where the address is a serial line."""
    from pyvisa import constants

    if serial is not None and resource.interface_type == constants.InterfaceType.asrl:
        resource.baud_rate = serial["baudrate"]
        resource.data_bits = serial["data_bits"]
        resource.parity = constants.Parity[serial["parity"]]
        resource.stop_bits = constants.StopBits.one if serial["stop_bits"] == 1 else constants.StopBits.two


def _process_handle(pid: int) -> int | None:
    """A descriptor that becomes readable when the process dies; None where there is none: the pipe has to do."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return None


def main() -> None:
    """Entry point of the process; deaf to the signals that end the run it watches."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin.fileno(), sys.stdout.fileno())
    os._exit(0)  # threads that still wait for an instrument are not waited for


if __name__ == "__main__":
    main()
