"""One open port, whatever its URL: a device, a TCP socket, or anything else pyserial knows.

`open_port` turns a `PortSpec` of the rig into a `Port`; `wire` reads and writes it. Three kinds:

* a device (`/dev/…`, `hwgrep://…`, or `usb_path` and `interface`): set up by pyserial, read by poll and read on its
  descriptor (`descriptor.DescriptorPort`). It is locked against other programs that also ask for a lock (flock); ModemManager
  does not ask, see the how-to on benches. What the module said before the port was opened is not thrown away.
* `socket://host:port`: the socket itself, without Nagle's delay (pyserial 3.5 reads it byte by byte).
* everything else (`rfc2217://`, `loop://`, `spy://`): pyserial's own object (`pyserial_port.PyserialPort`). An rfc2217
  server whose port has no modem lines needs `?ign_set_control`.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from pytest_quecfota.errors import PortLost, Reason

_CONNECT_SECONDS = 5.0
_ADVICE = {
    errno.ENOENT: "no such device; is the adapter plugged in?",
    errno.EACCES: "no permission; add the user to the group that owns the device (dialout)",
    errno.EBUSY: "another program holds it",
    errno.EAGAIN: "another program holds it",
    errno.ECONNREFUSED: "nobody listens there",
}
_BUSY = {errno.EBUSY, errno.EAGAIN}


@dataclass(frozen=True, slots=True)
class PortSpec:
    """Where a port is. Either `url` (any pyserial URL), or `usb_path` (like "1-1.3") with the `interface` of that device."""

    url: str = ""
    baudrate: int = 115200
    usb_path: str | None = None
    interface: int | None = None

    @property
    def name(self) -> str:
        """How people call it: its URL, or its place on USB."""
        if self.url:
            return self.url
        return f"usb {self.usb_path}" if self.interface is None else f"usb {self.usb_path} interface {self.interface}"


class Port(Protocol):
    """An open port. One thread reads, another may write, cancel and close. Errors are `OSError`s: the port is gone."""

    def read(self, seconds: float | None) -> bytes:
        """What has come, at once; waits for it up to `seconds` (None: for ever). b"" after that time or `cancel`."""

    def write(self, data: bytes, seconds: float) -> None:
        """Hand all of `data` to the port within `seconds`, else `TimeoutError`."""

    def change_rate(self, baudrate: int) -> bool:
        """Go on at another baud rate; False where the port has none to change."""

    def set_line(self, name: str, asserted: bool) -> bool:
        """Set the modem line `dtr` or `rts`; False where the port has none."""

    def cancel(self) -> None:
        """End, before `close`, the `read` that waits now or comes next and the `write` that is stuck."""

    def close(self) -> None:
        """Give the port back. A second call does nothing."""


def open_port(spec: PortSpec) -> Port:
    """Open the port once, without waiting for it to appear.

    Raises `PortLost`: with `Reason.PORT_BUSY` where another program holds it, else `Reason.PORT_LOST`.
    """
    try:
        url = spec.url or find(spec)
        if url.startswith("socket://"):
            return _open_socket(url)
        return _open_serial(url, spec.baudrate)
    except PortLost:
        raise
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        advice = _ADVICE.get(number, "") if isinstance(number, int) else ""
        reason = Reason.PORT_BUSY if number in _BUSY else Reason.PORT_LOST
        raise PortLost(f"cannot open {spec.name}: {advice or error}", reason=reason) from error


def find(spec: PortSpec) -> str:
    """The device at `usb_path` and `interface` as it is called now. Raises `PortLost` naming what is there instead."""
    from serial.tools import list_ports

    seen = []
    for port in list_ports.comports():
        if not port.location:
            continue
        path, _, interface = port.location.partition(":")
        number = int(interface.rpartition(".")[2]) if interface.rpartition(".")[2].isdigit() else None
        if path == spec.usb_path and spec.interface in (None, number):
            return str(port.device)
        seen.append(f"{port.location} ({port.device})")
    raise PortLost(f"cannot open {spec.name}: not on USB; there are {', '.join(sorted(seen)) or 'no USB ports'}")


def is_there(spec: PortSpec) -> bool:
    """Whether opening is worth a try: a device's path exists; of a URL nobody can tell, so yes."""
    if spec.url.startswith("/"):
        return Path(spec.url).exists()
    if spec.url:
        return True
    try:
        return bool(find(spec))
    except PortLost:
        return False


def pty_behind(spec: PortSpec) -> tuple[str, int, int] | None:
    """Which pseudo-terminal the path leads to, and by which link; None for anything else.

    A pty whose master was closed never comes back, but its number is given to whoever asks next: to open it again would
    be to take a stranger's terminal. Only where a link was laid anew is it worth another try.
    """
    path = Path(spec.url)
    try:
        target = str(path.resolve())
        link = path.lstat()
    except OSError:
        return None
    if not target.startswith("/dev/pts/"):
        return None
    return (target, link.st_ino, link.st_mtime_ns) if path.is_symlink() else (target, 0, 0)


def _open_socket(url: str) -> Port:
    from pytest_quecfota.link.descriptor import DescriptorPort

    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"{url} is not socket://host:port")
    connection = socket.create_connection((parts.hostname, parts.port), timeout=_CONNECT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    return DescriptorPort(connection.fileno(), connection.close)


def _open_serial(url: str, baudrate: int) -> Port:
    import serial

    from pytest_quecfota.link import pyserial_port
    from pytest_quecfota.link.descriptor import DescriptorPort

    device = pyserial_port.open_url(url, baudrate)
    if isinstance(device, serial.Serial) and type(device).read is serial.Serial.read:
        return DescriptorPort(device.fileno(), device.close, lambda name, value: setattr(device, name, value))
    return pyserial_port.PyserialPort(device)
