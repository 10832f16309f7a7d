"""uart.log: what went over the wire, as a person reads it.

Takes the same bytes as the rx and tx records and returns text with a stamp before every line::

        0.000213 > AT+QIOTUPDATE=1
        0.018220 < OK
        0.902113 < +QIOTEVT: 7,10701

`>` is what the host sent, `<` what the module sent, `#` what happened beside the wire. A line that arrived in pieces is
one line; where something came between the pieces the rest goes on with an ellipsis. No state but "is a line open".
"""

from __future__ import annotations

_ELLIPSIS = "… ".encode()
_SPELT = {c: f"\\x{c:02x}" for c in (*range(32), 127) if c not in b"\t\r\n"}


class UartLog:
    """Turns pieces of the stream into stamped lines. One per file."""

    def __init__(self) -> None:
        self._open = False  # the last line is one of the module's, not ended yet
        self._cut = False  # it was ended by us, something else had to be written

    def received(self, t: float, data: bytes, plain: bool) -> bytes:
        """Lines for bytes from the module. HOT: a handful of C calls, whatever the number of lines.

        `plain` says that there are no bytes but printable ASCII, tabs and line ends.
        """
        text = _line_ends(data if plain else _spelt_out(data))
        if not text:
            return b""
        stamp = b"%12.6f < " % t
        stamped = text.replace(b"\n", b"\n" + stamp)
        if not self._open:
            continued = self._cut and not text.startswith(b"\n")
            stamped = stamp + (_ELLIPSIS if continued else b"") + stamped
        blank = stamp + b"\n"
        if blank in stamped:
            stamped = stamped.replace(blank, b"")
        self._cut = False
        self._open = not text.endswith(b"\n")
        return stamped if self._open else stamped[: -len(stamp)]

    def sent(self, t: float, data: bytes) -> bytes:
        """Lines for bytes to the module."""
        return self._between(b"%12.6f > " % t, _line_ends(_spelt_out(data)))

    def remark(self, t: float, text: str) -> bytes:
        """Lines for what happened beside the wire: supply, step, note, fault."""
        return self._between(b"%12.6f # " % t, _spelt_out(text.encode("utf-8", "backslashreplace")))

    def _between(self, stamp: bytes, text: bytes) -> bytes:
        lead = b""
        if self._open:
            lead, self._open, self._cut = b"\n", False, True
        return lead + stamp + text.strip(b"\n").replace(b"\n", b"\n" + stamp) + b"\n"


def _spelt_out(data: bytes) -> bytes:
    """Bytes as UTF-8 text, control characters and what is no UTF-8 spelt `\\x1b`."""
    return data.decode("utf-8", "backslashreplace").translate(_SPELT).encode("utf-8")


def _line_ends(data: bytes) -> bytes:
    """LF at line ends instead of CR LF or CR CR LF; a CR in the middle of a line is spelt out."""
    bare = data.replace(b"\r", b"")
    if len(data) - len(bare) == bare.count(b"\n"):
        return bare
    data = data.replace(b"\r\n", b"\n").replace(b"\r\n", b"\n")
    return data.removesuffix(b"\r").replace(b"\r", b"\\r")
