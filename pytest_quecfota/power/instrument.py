"""One SCPI instrument behind VISA: a lock, deadlines, no stale answer.

pyvisa-py needs care in a few places, and this module is where it is taken:

* Nagle is left on for sockets and cannot be switched off through its attribute: it is switched off on the socket
  itself, else a second write waits 40 ms for the peer's delayed acknowledgement.
* Opening a refused port succeeds: the instrument must answer `*IDN?` before it counts as open.
* After a time-out the late answer would be taken for the next one: the session is closed and opened anew. So it is where a line
  waits that nobody asked for.
* On a connection that the instrument has closed it would spin until its limit: that is looked for before each message.
* An address that leads nowhere raises a bare `Exception`: it becomes a `SupplyError` like everything else.
"""

from __future__ import annotations

import contextlib
import functools
import re
import select
import socket
import threading
import time
from typing import Any

from pytest_quecfota.errors import Reason, SupplyError

ANSWER_LIMIT = 1.0  # seconds an instrument may take to answer: pyvisa-py spins on a dead peer until then
SOCKET = re.compile(r"TCPIP\d*::(?P<host>[^:]+)::(?P<port>\d+)::SOCKET", re.IGNORECASE)


@functools.cache
def _resources() -> Any:
    """The one resource manager of the process: closing it would close every session, so nobody does."""
    import pyvisa

    return pyvisa.ResourceManager("@py")


class Instrument:
    """A SCPI instrument that is asked by one thread at a time.

    Args:
        address: the VISA address, e.g. `TCPIP::192.0.2.50::5025::SOCKET`.
        read_termination, write_termination: line ends.
        limit: real seconds within which every answer must come.

    Raises:
        SupplyError: it cannot be reached, or does not answer `*IDN?`.
    """

    def __init__(
        self,
        address: str,
        *,
        read_termination: str = "\n",
        write_termination: str = "\n",
        limit: float = ANSWER_LIMIT,
    ) -> None:
        self.address = address
        self.lock = threading.RLock()
        self._terminations = (read_termination, write_termination)
        self._limit = limit
        self._session: Any = None
        self.identity = self._open()

    def query(self, message: str) -> str:
        """Send `message` and return its answer without line end; a silent instrument is a `SupplyError`."""
        with self.lock, self._told(message):
            return str(self._in_step().query(message)).strip()

    def write(self, message: str) -> None:
        """Send `message`, which has no answer."""
        with self.lock, self._told(message):
            self._in_step().write(message)

    def send_at_once(self, message: bytes) -> None:
        """Send prepared bytes, line end included, with nothing in between: what an armed trigger calls."""
        with self.lock, self._told(message.decode("ascii", "replace").strip()):
            self._live().write_raw(message)

    def close(self) -> None:
        """Close the session; the instrument stays as it was set."""
        with self.lock:
            session, self._session = self._session, None
            if session is not None:
                with contextlib.suppress(Exception):  # the peer may be gone; there is nothing left to save
                    session.close()

    def reopen(self) -> None:
        """Drop the session with whatever may still arrive on it, and open a new one."""
        with self.lock:
            self.close()
            self.identity = self._open()

    def _live(self) -> Any:
        if self._session is None:
            self.identity = self._open()
        return self._session

    def _in_step(self) -> Any:
        """The session, with nothing waiting on it that would be taken for the next answer."""
        session = self._live()
        if _has_unread(session):
            self.reopen()
        return self._session

    def _open(self) -> str:
        with self.lock, self._told("*IDN?"):
            session = self._session = _connected(self.address, int(self._limit * 1000))
            session.read_termination, session.write_termination = self._terminations
            session.timeout = int(self._limit * 1000)
            _without_nagle(session)
            return str(session.query("*IDN?")).strip()

    @contextlib.contextmanager
    def _told(self, message: str) -> Any:
        """Turn whatever pyvisa raises into a `SupplyError` that says what was waited for."""
        import pyvisa.errors

        started = time.monotonic()
        try:
            yield
        except SupplyError:
            raise
        except pyvisa.errors.VisaIOError as error:
            self.close()
            waited = time.monotonic() - started
            if error.error_code == pyvisa.constants.StatusCode.error_timeout:
                raise SupplyError(
                    f"supply {self.address} gave no answer to {message!r} within {waited:.1f} s",
                    reason=Reason.SUPPLY_TIMEOUT,
                ) from None
            raise SupplyError(
                f"supply {self.address}: {message!r} failed: {error.description}", reason=Reason.SUPPLY_LOST
            ) from None
        except ConnectionRefusedError:
            self.close()
            raise SupplyError(
                f"supply {self.address} refused the connection ({message!r})", reason=Reason.SUPPLY_REFUSED
            ) from None
        except (OSError, pyvisa.errors.Error, TypeError, ValueError) as error:
            # TypeError: pyvisa-py's select on a socket closed under it; ValueError: an unusable address or answer.
            self.close()
            raise SupplyError(
                f"supply {self.address}: {message!r} failed: {error}", reason=Reason.SUPPLY_LOST
            ) from error


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


def _below(session: Any) -> Any:
    """What pyvisa-py keeps of a session; None with other back ends."""
    sessions = getattr(session.visalib, "sessions", None)
    return sessions[session.session] if sessions is not None else None


def _socket_of(session: Any) -> socket.socket | None:
    interface = getattr(_below(session), "interface", None)
    return interface if isinstance(interface, socket.socket) else None


def _without_nagle(session: Any) -> None:
    """Switch Nagle off on the socket below a pyvisa-py session; other back ends have it off already."""
    line = _socket_of(session)
    if line is not None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _has_unread(session: Any) -> bool:
    """Whether something waits to be read; `ConnectionResetError` where the instrument has closed the connection."""
    line = _socket_of(session)
    if line is None:
        return False
    if getattr(_below(session), "_pending_buffer", b""):
        return True
    if not select.select([line], [], [], 0)[0]:
        return False
    if not line.recv(1, socket.MSG_PEEK):
        raise ConnectionResetError("the instrument has closed the connection")
    return True
