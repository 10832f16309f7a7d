"""pyserial 3.5 behind `Port`, and the places where it must be stopped from losing bytes or dying aloud.

* It flushes what a device has received when it opens it: not here.
* Its rfc2217 client asks for a purge that ser2net 4.6 does not answer, calls deprecated methods, and its thread prints a traceback
  when the connection dies: not here.
* It reads `socket://` byte by byte: `port` opens sockets itself.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import serial
from serial import rfc2217

_POLL_SECONDS = 0.2


class _Device(serial.Serial):
    """A local device that keeps what came before it was opened."""

    def _reset_input_buffer(self) -> None:
        return None


class _Rfc2217(rfc2217.Serial):
    """A remote port that is not purged when it is opened, and whose thread ends quietly: `read` tells what happened."""

    def reset_input_buffer(self) -> None:
        return None

    def reset_output_buffer(self) -> None:
        return None

    def _telnet_read_loop(self) -> None:
        buffer = self._read_buffer  # type: ignore[attr-defined]
        try:
            super()._telnet_read_loop()  # type: ignore[misc]
        except (OSError, AttributeError):
            buffer.put(None)


def open_url(url: str, baudrate: int) -> Any:
    """pyserial's open object for `url`. Raises `OSError` or `ValueError` as pyserial does."""
    if url.startswith("rfc2217://"):
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"serial\.rfc2217")
        return _Rfc2217(url, baudrate=baudrate, timeout=_POLL_SECONDS)
    if "://" not in url:
        return _Device(url, baudrate=baudrate, timeout=0, exclusive=True)
    device = serial.serial_for_url(url, baudrate=baudrate, timeout=_POLL_SECONDS, do_not_open=True)
    if isinstance(device, serial.Serial):
        device.exclusive = True
    device.open()
    return device


class PyserialPort:
    """A `Port` on an object of pyserial; it notices `cancel` within 0.2 s where pyserial cannot be woken."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self._cancelled = False

    def read(self, seconds: float | None) -> bytes:
        """See `Port.read`; without limit it returns b"" after 0.2 s all the same."""
        device = self._device
        if self._cancelled:
            self._cancelled = False
            return b""
        timeout = _POLL_SECONDS if seconds is None else min(seconds, _POLL_SECONDS)
        if device.timeout != timeout:
            device.timeout = timeout
        try:
            data = bytes(device.read(device.in_waiting or 1))
            waiting = device.in_waiting if data else 0
            return data + bytes(device.read(waiting)) if waiting else data
        except (TypeError, AttributeError) as error:
            raise OSError(f"the port was closed while it was read: {error}") from error

    def write(self, data: bytes, seconds: float) -> None:
        """See `Port.write`; the time limit is pyserial's where it has one (not for rfc2217 and loop)."""
        if isinstance(self._device, serial.Serial):
            self._device.write_timeout = seconds
        try:
            self._device.write(data)
        except serial.SerialTimeoutException as error:
            raise TimeoutError(f"the port did not take {len(data)} bytes in {seconds:g} s") from error

    def change_rate(self, baudrate: int) -> bool:
        """See `Port.change_rate`."""
        self._device.baudrate = baudrate
        return True

    def set_line(self, name: str, asserted: bool) -> bool:
        """See `Port.set_line`."""
        setattr(self._device, name, asserted)
        return True

    def cancel(self) -> None:
        """See `Port.cancel`."""
        self._cancelled = True
        if hasattr(self._device, "cancel_read"):
            self._device.cancel_read()

    def close(self) -> None:
        """See `Port.close`. The file of `spy://` is closed too, which pyserial forgets."""
        self._device.close()
        dump = getattr(getattr(self._device, "formatter", None), "output", None)
        if dump is not None and dump is not sys.stderr:
            dump.close()
