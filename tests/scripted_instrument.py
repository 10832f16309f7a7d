"""A strict supply on a TCP socket: it takes only what an E36300 would, remembers every byte, and misbehaves when told to."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

IDENTITY = "Keysight Technologies,E36312A,MY12345678,1.0.4"
LIMIT = 5.0  # real seconds

NUMBER = r"([-+]?[\d.]+)"
SETTINGS = {
    "voltage": re.compile(rf"VOLT {NUMBER},\(@1\)"),
    "current": re.compile(rf"CURR {NUMBER},\(@1\)"),
    "output": re.compile(r"OUTP (ON|OFF),\(@1\)"),
}
PROTECTION = re.compile(rf"VOLT:PROT {NUMBER},\(@1\)|VOLT:PROT:CLE \(@1\)")
LIST = re.compile(
    r"LIST:(?:VOLT|DWEL) [\d.,]+,\(@1\)|LIST:COUN \d+,\(@1\)|LIST:TERM:LAST OFF,\(@1\)|VOLT:MODE (?:LIST|FIX),\(@1\)"
    r"|TRIG:SOUR BUS,\(@1\)|INIT \(@1\)|ABOR \(@1\)|\*TRG|\*CLS"
)


class ScriptedInstrument:
    """Listens from the first moment; `close` ends all its threads.

    `script` is asked before the instrument answers a query: bytes are sent as they are (none: silence), None leaves it alone.
    `switched` is told when the output is switched on or off.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.raw = bytearray()
        self.identity = IDENTITY
        self.state = {"voltage": "3.3000", "current": "1.0000", "output": "ON"}
        self.protection = "6.6000"
        self.tripped = False
        self.highest = 0.0
        self.errors: list[str] = []
        self.script: Callable[[str], bytes | None] = lambda _query: None
        self.switched: Callable[[bool], None] = lambda _on: None
        self.connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._measured = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"TCPIP::127.0.0.1::{self.port}::SOCKET"
        self._threads = [threading.Thread(target=self._accept, name="scripted-instrument")]
        self._threads[0].start()

    def send(self, number: int, data: bytes) -> None:
        """Say something nobody asked for, on the connection with that number; it may be gone."""
        with contextlib.suppress(OSError):
            self.connections[number].sendall(data)

    def hang_up(self) -> None:
        """Close every connection; new ones are taken."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def stop_listening(self) -> None:
        """As if it were switched off: connections are refused."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(LIMIT)

    def close(self) -> None:
        """Switch it off, and see that all threads ended."""
        self.stop_listening()
        self.hang_up()
        for thread in self._threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
        for connection in self.connections:
            connection.close()

    def since(self, count: int) -> list[str]:
        """The messages after the first `count`."""
        return self.messages[count:]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), name="scripted-instrument-session")
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        held = b""
        with contextlib.suppress(OSError):
            while data := connection.recv(4096):
                self.raw += data
                *lines, held = (held + data).split(b"\n")
                for line in lines:
                    answer = self._answer(line.decode("ascii"))
                    if answer:
                        connection.sendall(answer)

    def _answer(self, message: str) -> bytes:
        with self._lock:
            self.messages.append(message)
            return b"".join(self._one(part) for part in message.split(";:"))

    def _one(self, command: str) -> bytes:
        if not command.endswith("?") and "? " not in command:
            self._set(command)
            return b""
        scripted = self.script(command)
        return (self._query(command) + "\n").encode() if scripted is None else scripted

    def _set(self, command: str) -> None:
        for name, form in SETTINGS.items():
            if found := form.fullmatch(command):
                before, self.state[name] = self.state[name], found[1]
                if name == "voltage":
                    self.highest = max(self.highest, float(found[1]))
                if name == "output" and found[1] != before:
                    self.switched(found[1] == "ON")
                return
        if found := PROTECTION.fullmatch(command):
            if found[1] is None:
                self.tripped = False
            else:
                self.protection = found[1]
            return
        if not LIST.fullmatch(command):
            self.errors.append('-113,"Undefined header"')

    def _query(self, command: str) -> str:
        """Each kind of answer lies in a range of its own, so that one taken for another is seen."""
        self._measured += 1
        answers = {
            "*IDN?": self.identity,
            "*OPC?": "1",
            "VOLT? (@1)": self.state["voltage"],
            "CURR? (@1)": self.state["current"],
            "VOLT:PROT? (@1)": self.protection,
            "VOLT:PROT:TRIP? (@1)": str(int(self.tripped)),
            "OUTP? (@1)": str(int(self.state["output"] == "ON")),
            "MEAS:VOLT? (@1)": f"{3.1 + self._measured / 1e6:.6f}",
            "MEAS:CURR? (@1)": f"{0.5 + self._measured / 1e6:.6f}",
        }
        if command == "SYST:ERR?":
            return self.errors.pop(0) if self.errors else '+0,"No error"'
        return answers[command]


@contextlib.contextmanager
def connected_to(port: int) -> Iterator[list[socket.socket]]:
    """The sockets of this process that are connected to `port` on loopback, whoever opened them."""
    with contextlib.ExitStack() as copies:
        found = []
        for descriptor in _sockets():
            copy = copies.enter_context(socket.fromfd(descriptor, socket.AF_INET, socket.SOCK_STREAM))
            with contextlib.suppress(OSError):
                if copy.getpeername()[1:] == (port,):
                    found.append(copy)
        yield found


def _sockets() -> list[int]:
    found = []
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):
            if str(descriptor.readlink()).startswith("socket:"):
                found.append(int(descriptor.name))
    return found
