"""One open VISA session: bytes out, answers in, whatever it travels over.

pyvisa-py needs care in a few places, and this module is where it is taken:

* Nagle is left on for sockets and cannot be switched off through its attribute: it is switched off on the socket itself, else a
  second write waits 40 ms for the peer's delayed acknowledgement. HiSLIP has it off.
* On a connection that the instrument has closed it would spin until its limit: that is looked for before each message.
* An address that leads nowhere raises a bare `Exception`: it becomes an `OSError`.
* A serial line without line ends (Korad) must be told that no character ends an answer: these are read by their length, or until
  the line is quiet.
"""

from __future__ import annotations

import contextlib
import functools
import re
import select
import socket
from typing import Any

from pytest_quecfota.power.profiles import Transport

SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)
LONGEST = 4096  # bytes of an answer without an end


@functools.cache
def _resources() -> Any:
    """The one resource manager of the process: closing it would close every session, so nobody does."""
    import pyvisa

    return pyvisa.ResourceManager("@py")


class Session:
    """A connection to `address` as `transport` says; every answer within `limit` real seconds.

    Raises (everything): what pyvisa and the line raise; `Instrument` says what it means.
    """

    def __init__(self, address: str, transport: Transport, limit: float) -> None:
        self._visa = _connected(address, int(limit * 1000))
        self._transport = transport
        self._limit = int(limit * 1000)
        self._visa.timeout = self._limit
        self._visa.read_termination = transport.read_termination or None
        self._visa.write_termination = transport.write_termination
        try:
            _set_serial(self._visa, transport)
        except Exception as error:  # termios has an error of its own, which is no OSError
            self.close()
            raise OSError(f"the line does not take {transport.serial}: {error}") from error
        line = _socket_of(self._visa)
        if line is not None:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, message: bytes) -> None:
        """Send bytes as they are, line end included."""
        self._visa.write_raw(message)

    def read(self, length: int | None = None) -> str:
        """The next answer: `length` bytes, else up to the line end, else until nothing more comes."""
        if length is not None:
            return bytes(self._visa.read_bytes(length, chunk_size=length)).decode("latin-1")
        if self._transport.read_termination:
            return str(self._visa.read())
        return self._until_quiet().decode("ascii")

    def has_unread(self) -> bool:
        """Whether something waits to be read; `ConnectionResetError` where the instrument has closed the connection."""
        line = _socket_of(self._visa)
        if line is None:
            return _waiting(self._visa) > 0
        if getattr(_below(self._visa), "_pending_buffer", b""):
            return True
        if not select.select([line], [], [], 0)[0]:
            return False
        if not line.recv(1, socket.MSG_PEEK):
            raise ConnectionResetError("the instrument has closed the connection")
        return True

    def close(self) -> None:
        """Close it, whatever state it is in."""
        with contextlib.suppress(Exception):  # the peer may be gone; there is nothing left to save
            self._visa.close()

    def _until_quiet(self) -> bytes:
        """The first byte within the limit, then all that follow one another closely enough."""
        from pyvisa.errors import VisaIOError

        told = bytes(self._visa.read_bytes(1))
        self._visa.timeout = max(1, int(self._transport.quiet * 1000))
        try:
            with contextlib.suppress(VisaIOError):
                while len(told) < LONGEST:
                    told += bytes(self._visa.read_bytes(1))
        finally:
            self._visa.timeout = self._limit
        return told


def _connected(address: str, milliseconds: int) -> Any:
    """A pyvisa session; an address that leads nowhere is an `OSError` here."""
    found = SOCKET.fullmatch(address)
    if found is not None:
        socket.getaddrinfo(found["host"], int(found["port"]), socket.AF_INET)  # pyvisa-py would forget its open socket
    try:
        return _resources().open_resource(address, open_timeout=milliseconds)
    except Exception as error:
        if type(error) is Exception:
            raise OSError(str(error)) from error
        raise


def _set_serial(session: Any, transport: Transport) -> None:
    """Baud, bits, parity and what ends an answer, where the session is a serial line."""
    from pyvisa import constants

    if session.interface_type != constants.InterfaceType.asrl:
        return
    line = transport.serial
    if line is not None:
        session.baud_rate = line.baudrate
        session.data_bits = line.data_bits
        session.parity = constants.Parity[line.parity]
        session.stop_bits = constants.StopBits.one if line.stop_bits == 1 else constants.StopBits.two
    if not transport.read_termination:
        session.set_visa_attribute(constants.ResourceAttribute.asrl_end_in, constants.SerialTermination.none)


def _below(session: Any) -> Any:
    """What pyvisa-py keeps of a session; None with other back ends."""
    sessions = getattr(session.visalib, "sessions", None)
    return sessions[session.session] if sessions is not None else None


def _socket_of(session: Any) -> socket.socket | None:
    interface = getattr(_below(session), "interface", None)
    return interface if isinstance(interface, socket.socket) else None


def _waiting(session: Any) -> int:
    """Bytes that lie on a serial line; 0 where that cannot be known."""
    interface = getattr(_below(session), "interface", None)
    return int(getattr(interface, "in_waiting", 0) or 0)
