"""One instrument behind VISA: who may speak, deadlines, no stale answer. How bytes travel: `session`.

* Opening a refused port succeeds: the instrument must answer `*IDN?` before it counts as open, and be the same one ever after.
* After a time-out the late answer would be taken for the next one: the session is closed and opened anew. So it is where something
  waits that nobody asked for.
* Between two messages lies the transport's `command_gap`. Whoever waits for it does not hold the line, so that a trigger's message
  goes out as soon as the instrument may be told anything at all.
* Every message is first shown to `censor`, which may refuse it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power.profiles import Transport
from pytest_quecfota.power.session import Session

ANSWER_LIMIT = 1.0  # seconds an instrument may take to answer: pyvisa-py spins on a dead peer until then
LINES = Transport(recommended="a socket with line feeds")


def _everything(_message: str) -> None:
    return None


class Instrument:
    """An instrument that is asked by one thread at a time.

    Hold `lock` to ask several things in a row with nobody in between; `send_at_once` does not wait for it.

    Args:
        address: the VISA address, e.g. `TCPIP::192.0.2.50::5025::SOCKET`.
        transport: line ends, serial settings, least time between two messages.
        setup: messages without answer that are sent whenever the connection is opened.
        limit: real seconds within which every answer must come.

    Raises:
        SupplyError: it cannot be reached, or does not answer `*IDN?`.
    """

    def __init__(
        self, address: str, *, transport: Transport = LINES, setup: Sequence[str] = (), limit: float = ANSWER_LIMIT
    ) -> None:
        self.address = address
        self.lock = threading.RLock()
        self.censor: Callable[[str], None] = _everything
        """Raises ValueError for a message that must not be sent."""
        self.identity = ""
        self._transport = transport
        self._setup = tuple(setup)
        self._limit = limit
        self._line = threading.RLock()  # one exchange at a time
        self._free = 0.0  # when the next message may be sent
        self._judged = b""  # what was prepared last: the censor has passed it
        self._pause = threading.Event()  # never set: waiting for it is waiting for the gap
        self._session: Session | None = None
        with self._line:
            self._open()

    def query(self, message: str, *, length: int | None = None) -> str:
        """Send `message` and return its answer without line end; a silent instrument is a `SupplyError`.

        `length`: of how many bytes the answer is, for families without a line end.
        """
        self.censor(message)
        with self.lock, self._turn(), self._told(message):
            session = self._in_step()
            self._send(session, message)
            answer = session.read(length)
            self._keep_apart()
            return answer if length is not None else answer.strip()

    def write(self, message: str) -> None:
        """Send `message`, which has no answer."""
        self.censor(message)
        with self.lock, self._turn(), self._told(message):
            self._send(self._in_step(), message)

    def send_at_once(self, message: bytes) -> None:
        """Send prepared bytes, line end included, with nothing in between: what an armed trigger calls.

        It waits for the exchange that is under way and for the rest of the gap after it, never for whoever holds `lock`. What
        `prepare` has made last was judged there, and is not judged again when every microsecond counts.
        """
        text = message.decode("ascii", "replace").strip()
        if message != self._judged:
            self.censor(text)
        with self._line, self._told(text):
            session = self._live()
            self._wait_for_gap()
            session.send(message)
            self._keep_apart()

    def line(self, message: str) -> bytes:
        """`message` as it goes over the line."""
        return (message + self._transport.write_termination).encode("ascii")

    def prepare(self, message: str) -> bytes:
        """`message` as `send_at_once` takes it. Raises `ValueError` where it must not be sent."""
        self.censor(message)
        self._judged = self.line(message)
        return self._judged

    def close(self) -> None:
        """Close the session; the instrument stays as it was set."""
        with self._line:
            session, self._session = self._session, None
            if session is not None:
                session.close()

    def reopen(self) -> None:
        """Drop the session with whatever may still arrive on it, and open a new one."""
        with self.lock, self._line:
            self.close()
            self._open()

    # -- inside: whoever is here holds the line --------------------------------------------------------

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold the line once the gap is over; while it is not, others may."""
        while True:
            with self._line:
                left = self._free - time.monotonic()
                if left <= 0:
                    yield
                    return
            self._pause.wait(left)

    def _send(self, session: Session, message: str) -> None:
        self._wait_for_gap()
        session.send(self.line(message))
        self._keep_apart()

    def _wait_for_gap(self) -> None:
        left = self._free - time.monotonic()
        if left > 0:
            self._pause.wait(left)

    def _keep_apart(self) -> None:
        self._free = time.monotonic() + self._transport.command_gap

    def _live(self) -> Session:
        if self._session is None:
            self._open()
        assert self._session is not None
        return self._session

    def _in_step(self) -> Session:
        """The session, with nothing waiting on it that would be taken for the next answer."""
        session = self._live()
        if session.has_unread():
            self.reopen()
        return self._live()

    def _open(self) -> None:
        with self._told("*IDN?"):
            session = self._session = Session(self.address, self._transport, self._limit)
            self._send(session, "*IDN?")
            identity = session.read().strip()
            self._keep_apart()
            self._recognise(identity)
            for message in self._setup:
                self._send(session, message)

    def _recognise(self, identity: str) -> None:
        """What answers is what answered first: anything else is another instrument, or an answer to another question."""
        if self.identity and identity != self.identity:
            self.close()
            raise SupplyError(
                f"supply {self.address} said it is {self.identity!r}, and now {identity!r}", reason=Reason.SUPPLY_LOST
            )
        self.identity = identity

    @contextlib.contextmanager
    def _told(self, message: str) -> Iterator[None]:
        """Turn whatever pyvisa raises into a `SupplyError` that says what was waited for."""
        import pyvisa.constants
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
