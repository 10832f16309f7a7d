"""The fast port: poll and read on a non-blocking file descriptor of a tty or a socket.

A read waits in the kernel without using the processor; a pipe to itself ends it at once.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from time import monotonic

_LARGEST_READ = 64 * 1024
_MORE_IS_LIKELY = 2048
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL
_EMPTY_READS = 3
_WRITE_PATIENCE = 0.2


class DescriptorPort:
    """A `Port` on `descriptor`, which is set non-blocking and stays owned by whoever gave `release` to close it.

    `change` sets its `baudrate`, `dtr` or `rts`; None: it has none.
    """

    def __init__(
        self, descriptor: int, release: Callable[[], None], change: Callable[[str, int], None] | None = None
    ) -> None:
        self._change = change
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._release: Callable[[], None] | None = release
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._readable = select.poll()
        self._readable.register(descriptor, select.POLLIN)
        self._readable.register(self._wake_read, select.POLLIN)
        self._view = memoryview(bytearray(_LARGEST_READ))
        self._empty_reads = 0
        self._cancelled = False
        self._pipe_in_use = threading.Lock()

    def read(self, seconds: float | None) -> bytes:
        """See `Port.read`."""
        ready = self._readable.poll(None if seconds is None else max(0, round(seconds * 1000)))
        for descriptor, events in ready:
            if descriptor == self._wake_read:
                os.read(descriptor, 64)
                return b""
            size = self._read_into(0)
            if size:
                self._empty_reads = 0
                return self._gathered(size)
            self._empty_reads += 1
            if events & _GONE or self._empty_reads >= _EMPTY_READS:
                raise OSError(
                    "the port says that there is data and has none: unplugged, or another program reads it too"
                )
        return b""

    def write(self, data: bytes, seconds: float) -> None:
        """See `Port.write`."""
        deadline = monotonic() + seconds
        writable = select.poll()
        writable.register(self._descriptor, select.POLLOUT)
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:
                self._wait_writable(
                    writable, deadline, f"the port took {len(data) - len(view)} of {len(data)} bytes in {seconds:g} s"
                )

    def change_rate(self, baudrate: int) -> bool:
        """See `Port.change_rate`."""
        return self._changed("baudrate", baudrate)

    def set_line(self, name: str, asserted: bool) -> bool:
        """See `Port.set_line`."""
        return self._changed(name, asserted)

    def _changed(self, name: str, value: int) -> bool:
        if self._change is None:
            return False
        self._change(name, value)
        return True

    def cancel(self) -> None:
        """See `Port.cancel`."""
        self._cancelled = True
        with self._pipe_in_use:
            if self._release is not None:
                os.write(self._wake_write, b"x")

    def close(self) -> None:
        """See `Port.close`."""
        with self._pipe_in_use:
            release, self._release = self._release, None
            if release is None:
                return
            os.close(self._wake_read)
            os.close(self._wake_write)
        release()

    def _wait_writable(self, writable: select.poll, deadline: float, problem: str) -> None:
        while not writable.poll(min(_WRITE_PATIENCE, max(0.0, deadline - monotonic())) * 1000):
            if self._cancelled:
                raise OSError("the port was closed while it was written to")
            if monotonic() >= deadline:
                raise TimeoutError(problem)

    def _read_into(self, start: int) -> int:
        try:
            return os.readv(self._descriptor, [self._view[start:]])
        except BlockingIOError:
            return 0

    def _gathered(self, size: int) -> bytes:
        """A pty gives 4 KiB at a time: what has piled up meanwhile is one chunk."""
        more = size if size >= _MORE_IS_LIKELY else 0
        while more and size < _LARGEST_READ:
            try:
                more = self._read_into(size)
            except OSError:
                break  # the next read says so again
            size += more
        return bytes(self._view[:size])
