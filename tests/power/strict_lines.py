"""Strict instruments behind other lines than a socket: a serial line (a pty), and HiSLIP with its two channels."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import socket
import struct
import threading
import tty

from strict_supply import StrictSupply

LIMIT = 5.0  # real seconds a thread may take to end
HEADER = struct.Struct("!2sBBIQ")
INITIALIZE, ANSWERED, ASYNC, ASYNC_ANSWERED, DATA, DATA_END, SIZE, SIZE_ANSWERED = 0, 1, 17, 18, 6, 7, 15, 16


class SerialLine:
    """A serial line to `supply`; `address` is its VISA name."""

    def __init__(self, supply: StrictSupply) -> None:
        self._supply = supply
        self._ours, self._theirs = pty.openpty()
        tty.setraw(self._theirs)
        self.address = f"ASRL{os.ttyname(self._theirs)}::INSTR"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="strict-serial")
        self._thread.start()

    def close(self) -> None:
        """End its thread."""
        self._over.set()
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()
        os.close(self._ours)
        os.close(self._theirs)

    def _work(self) -> None:
        held = b""
        while not self._over.is_set():
            if select.select([self._ours], [], [], 0.05)[0]:
                answers, held = self._supply.hear(held, os.read(self._ours, 4096))
                for answer in answers:
                    os.write(self._ours, answer)


class HislipLine:
    """A HiSLIP server (IVI-6.1, synchronized mode) in front of `supply`; `address` is its VISA name."""

    def __init__(self, supply: StrictSupply) -> None:
        self._supply = supply
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"TCPIP::127.0.0.1::hislip0,{self._listener.getsockname()[1]}::INSTR"
        self._links: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def close(self) -> None:
        """End its threads."""
        for end in (self._listener, *self._links):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
        for end in (self._listener, *self._links):
            end.close()

    def _start(self, work: object, *arguments: object) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, name="strict-hislip"))  # type: ignore[arg-type]
        self._threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._listener.accept()
                self._links.append(link)
                self._start(self._serve, link)

    def _serve(self, link: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), link.makefile("rb") as stream:
            text = b""
            while True:
                _, kind, _, parameter, length = HEADER.unpack(_exactly(stream, HEADER.size))
                payload = _exactly(stream, length)
                if kind == INITIALIZE:
                    link.sendall(HEADER.pack(b"HS", ANSWERED, 0, 0x0100 << 16 | 1, 0))
                elif kind == ASYNC:
                    link.sendall(HEADER.pack(b"HS", ASYNC_ANSWERED, 0, 0, 0))
                elif kind == SIZE:
                    link.sendall(HEADER.pack(b"HS", SIZE_ANSWERED, 0, 0, 8) + payload)
                elif kind in (DATA, DATA_END):
                    text += payload
                    if kind == DATA_END:
                        answers, text = self._supply.hear(b"", text)
                        for answer in answers:
                            link.sendall(HEADER.pack(b"HS", DATA_END, 0, parameter, len(answer)) + answer)


def _exactly(stream: object, length: int) -> bytes:
    data: bytes = stream.read(length)  # type: ignore[attr-defined]
    if len(data) < length:
        raise EOFError
    return data
