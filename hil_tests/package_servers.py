"""Servers on this machine from which a module fetches a package by itself: HTTP, HTTPS and FTP, for as long as a test runs."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

_POLL = 0.05  # real seconds between two looks at whether a server should end
_PATIENCE = 20.0  # real seconds a connection may say nothing
WAYS = ("http", "https", "ftp")


def can_serve(way: str) -> bool:
    """Whether this machine can: a certificate for HTTPS is made by the program openssl."""
    return way != "https" or shutil.which("openssl") is not None


@contextlib.contextmanager
def serving(folder: Path, way: str) -> Iterator[str]:
    """Serve the files of `folder` over `way`; gives the address they begin with."""
    server: socketserver.TCPServer = _MAKERS[way](folder)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL,))
    thread.start()
    try:
        yield f"{way}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Web(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    timeout = _PATIENCE

    def log_message(self, *_: object) -> None:
        """Nothing."""


class _WebServer(http.server.ThreadingHTTPServer):
    """A module that loses its power hangs up; that is no error of the server."""

    def handle_error(self, *_: object) -> None:
        """Nothing."""


def _web(folder: Path) -> socketserver.TCPServer:
    return _WebServer(("127.0.0.1", 0), functools.partial(_Web, directory=str(folder)))


def _secure_web(folder: Path) -> socketserver.TCPServer:
    server = _WebServer(("127.0.0.1", 0), functools.partial(_Web, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*_certificate(folder.parent))
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate and its key, made for this test."""
    certificate, key = folder / "server.crt", folder / "server.key"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    files = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words, *files], check=True, capture_output=True, timeout=_PATIENCE)
    return certificate, key


class _Ftp(socketserver.StreamRequestHandler):
    """As much of an FTP server as reading a file needs (RFC 959, RFC 2428)."""

    timeout = _PATIENCE
    folder: Path

    def handle(self) -> None:
        """One control connection."""
        self._passive: socket.socket | None = None
        self._say("220 ready")
        try:
            while line := self.rfile.readline(1024).decode("utf-8", "replace").strip():
                verb, _, rest = line.partition(" ")
                if verb.upper() == "RETR":
                    self._retrieve(rest)
                elif verb.upper() == "EPSV":
                    self._listen()
                else:
                    self._say(
                        {"USER": "331 password", "PASS": "230 in", "TYPE": "200 binary"}.get(verb.upper(), "502 no")
                    )
        finally:
            if self._passive is not None:
                self._passive.close()

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")

    def _listen(self) -> None:
        self._passive = socket.create_server(("127.0.0.1", 0))
        self._passive.settimeout(_PATIENCE)
        self._say(f"229 Entering (|||{self._passive.getsockname()[1]}|)")

    def _retrieve(self, path: str) -> None:
        file = self.folder / Path(path).name
        if self._passive is None or not file.is_file():
            self._say("550 no such file" if self._passive else "503 no data connection")
            return
        data, _ = self._passive.accept()
        self._say("150 coming")
        with data:
            data.sendall(file.read_bytes())
        self._say("226 done")


class _FtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A module that loses its power hangs up."""


def _ftp(folder: Path) -> socketserver.TCPServer:
    return _FtpServer(("127.0.0.1", 0), type("_FtpOfFolder", (_Ftp,), {"folder": folder}))


_MAKERS = {"http": _web, "https": _secure_web, "ftp": _ftp}
