"""Waiting for a port that vanished: a USB device that restarts, an adapter that was unplugged, a server that was restarted.

The wire has closed its old port before it asks here (a device that is held open comes back under another name). `wait`
looks for the path, lets it settle (udev sets owner and mode a moment after the device appears) and opens it, again and
again up to the limit.
"""

from __future__ import annotations

import threading
from time import monotonic

from pytest_quecfota.errors import PortLost, Reason
from pytest_quecfota.link.port import Port, PortSpec, is_there, open_port, pty_behind

_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.25


class Reopening:
    """Opens `spec` again within `limit` real seconds; `settle` seconds pass between its return and the first try."""

    def __init__(self, spec: PortSpec, limit: float, settle: float) -> None:
        self._spec = spec
        self._limit = limit
        self._settle = settle
        self._pty = pty_behind(spec)

    def wait(self, closing: threading.Event, why: OSError) -> Port | None:
        """The open port, or None where `closing` was set. Raises `PortLost` after the limit, saying what was waited for."""
        deadline = monotonic() + self._limit
        pause, missing, last = _FIRST_PAUSE, False, str(why)
        while not closing.is_set():
            if self._is_back():
                if missing and closing.wait(self._settle):
                    return None
                missing = False
                try:
                    return self._open()
                except PortLost as error:
                    last = str(error)
            else:
                missing = True
                last = "it is not there"
            if monotonic() >= deadline:
                raise PortLost(
                    f"{self._spec.name} vanished ({why}); waited {self._limit:g} s for it to come back: {last}",
                    reason=Reason.PORT_LOST,
                )
            closing.wait(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return None

    def _is_back(self) -> bool:
        """The path leads to something that may be the port; the pty that has just died is not."""
        return is_there(self._spec) and (self._pty is None or pty_behind(self._spec) != self._pty)

    def _open(self) -> Port:
        pty = pty_behind(self._spec)
        port = open_port(self._spec)
        self._pty = pty
        return port
