"""What must not happen while a test waits for something else.

Two guards are armed by default: `UpdateFailed`, and a restart nobody announced. `Restarts` follows the stream from the
start of the timeline, because whether a `Ready` was announced depends on what came before it, not on who waits.
"""

from __future__ import annotations

import re

from pytest_quecfota.urc import Dfota, Downloaded, DownloadStarted, Ready, UpdateFailed, Updating, UpgradeOffered, Urc

#: Commands after which a module restarts or goes off by itself (Quectel AT manuals and DFOTA guides).
_RESTARTS = re.compile(rb"\s*AT\+(CFUN=\d,1|QRST\b|QPOWD\b|NRB\b|QFOTADL=)", re.IGNORECASE)

#: Stages of a classic upgrade from which on the module restarts as often as it likes (DFOTA guides).
_DFOTA_RESTARTS = frozenset({"HTTPEND", "FTPEND", "FILEEND", "HTTPSEND", "START", "UPDATING", "RESTORE", "END"})


class Restarts:
    """Knows whether the next `Ready` has been announced. Fed under the timeline's lock."""

    def __init__(self) -> None:
        self.announced: str | None = None
        self._meanwhile: str | None = None
        self._of_mcu = False
        self._mcu_components: set[str] = set()

    def announce(self, reason: str) -> None:
        """The next restart is expected: a reset, a cut, a power cycle."""
        self.announced = reason

    def announce_many(self, reason: str | None) -> None:
        """As many restarts as come are expected for that reason, until None says that it is over; one may still be on its way."""
        if reason is None and self._meanwhile is not None:
            self.announce(self._meanwhile)
        self._meanwhile = reason

    def sent(self, data: bytes) -> None:
        """A command went out; some restart the module."""
        if _RESTARTS.match(data):
            self.announce(data.decode("latin-1").strip())

    def step(self, urc: Urc) -> bool:
        """Take one URC; True for a restart nobody announced."""
        if isinstance(urc, Ready):
            announced, self.announced = self.announced, None
            return announced is None and self._meanwhile is None
        if isinstance(urc, (DownloadStarted, Downloaded)):
            self._component(urc.component)
        elif isinstance(urc, UpgradeOffered):
            self._of_mcu = urc.component in self._mcu_components
        elif isinstance(urc, Updating) and not self._of_mcu:
            self.announce("Updating")
        elif isinstance(urc, Dfota) and urc.stage in _DFOTA_RESTARTS:
            self.announce(f"Dfota {urc.stage}")
        return False

    def _component(self, name: str | None) -> None:
        """Only a component of the MCU is named when its download starts; the module's own is not."""
        self._of_mcu = name is not None
        if name is not None:
            self._mcu_components.add(name)


def forbids(urc: Urc, unannounced: bool) -> bool:
    """Whether a default guard objects to this URC; `unannounced` is what `Restarts.step` said of it."""
    return unannounced or isinstance(urc, UpdateFailed)
