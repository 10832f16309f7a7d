"""From a line of a transcript to what was on the wire.

Terminal programs put a time stamp, a log prefix or a direction mark before what they saw, show control characters as
text (`<CR><LF>`, `\\r\\n`), or print what they read as a Python or C literal. `Splitter` takes all that away and keeps
who spoke, where it is known. The notes in our own `uart.log` count as empty lines. It is tolerant: what it does not
understand stays part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pytest_quecfota.urc.base import Unknown
from pytest_quecfota.urc.grammar import URC_NAME, recognised
from pytest_quecfota.urc.parsing import parse

HOST = "host"
MODULE = "module"

Gap = tuple[int, int, int]
"""Bytes of a line end on the wire, under three readings: as in the file, always LF, always CR LF."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TX = r"(?i:TX|SEND|SENT|OUT|WRITE)"
_RX = r"(?i:RX|RECV|RECEIVED|IN|READ)"
_MARK = re.compile(
    rf"(?:[\[<(](?P<tx>{_TX})[\])>]|[\[<(](?P<rx>{_RX})[\])>]"
    r"|(?P<tx_word>(?i:TX)(?: ?:|(?= ))|(?i:SEND|SENT|WRITE) ?:)|(?P<rx_word>(?i:RX)(?: ?:|(?= ))|(?i:RECV|RECEIVED|READ) ?:)"
    r"|(?P<tx_arrow>发?→◇?|>>+|-+>)|(?P<rx_arrow>收?←◆?|<<+|<-+)) ?"
)
_ARROW = re.compile(r"(?:(?P<tx>>)|(?P<rx><)) (?:… )?(?=\S)")
_NOTE = re.compile(r" *\d+\.\d{6} # ")
_PREFIX = re.compile(
    r"\[[^\[\]]{0,60}\][ \t]*"
    r"|\([^()]{0,40}\):?[ \t]*"
    r"|<[A-Za-z0-9]{1,8}>[ \t]*"
    r"|[+-]?\d[\d:.,/TZ+-]*(?:ms|s)?[|:]?[ \t]+"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[ \t]+"
    r"|(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|DBG|INF|WRN|ERR)[:|]?[ \t]+"
    r"|[A-Z][ \t]+"
    r"|[\w./-]{1,40}(?:\[\d+\])?[:|][ \t]+"
    r"|[|*#-]+[ \t]+"
    r"|(?:\\x[0-9a-f]{2})+"
)
_INNER_URC = re.compile(rf"(?<=[\s\]>)|:]){URC_NAME.pattern}")
_LITERAL = re.compile(r"""b?(['"])((?:(?!\1).|\1(?=.))*)\1""")
_VISIBLE = re.compile(
    r"(?:<CR>|\[CR\]|<0x0D>|␍)?(?:<LF>|\[LF\]|<0x0A>|␊)|<CR>|\[CR\]|<0x0D>|␍|\\r\\n|\\x0d\\x0a|\\r$|\r+", re.IGNORECASE
)
_STRIPPED = " \t\r\n\x00\xff\udcff"
_PREFIX_PARTS = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """What one line, or one part of a line between visible control characters, carried.

    Parameters:
        number: 1-based line of the transcript.
        sender: `HOST`, `MODULE`, or None where nothing says it.
        body: the bytes as shown (invalid UTF-8 as lone surrogates), only the mark removed.
        text: the same without log prefix, white space and line noise.
        gap: the line end after it.
    """

    number: int
    sender: str | None
    body: str
    text: str
    gap: Gap

    @property
    def size(self) -> int:
        """Length of the body, in bytes."""
        return len(self.body.encode("utf-8", "surrogateescape"))


class Splitter:
    """Cuts numbered lines into pieces. A mark that stands alone holds for the next line that has none."""

    def __init__(self) -> None:
        self._standing: str | None = None

    def split(self, lines: Iterable[str]) -> Iterator[Piece]:
        """All pieces of all lines, empty ones too: they count in blocks of data."""
        for number, line in enumerate(lines, start=1):
            yield from self._line(number, line.removeprefix("\ufeff") if number == 1 else line)

    def _line(self, number: int, line: str) -> Iterator[Piece]:
        content = line.removesuffix("\n")
        shown = content.rstrip("\r")
        end: Gap = (len(content) - len(shown) + 1, 1, 2)
        shown = _ANSI.sub("", shown)
        sender, body = self._sender(shown)
        parts, gaps = _visible(body, end)
        for part, gap in zip(parts, gaps, strict=True):
            yield Piece(number, sender, part, _text(part), gap)

    def _sender(self, shown: str) -> tuple[str | None, str]:
        sender, body = (None, "") if _NOTE.match(shown) else mark(shown)
        if not body.strip(_STRIPPED):
            self._standing = sender or self._standing
        else:
            sender = sender or self._standing
            self._standing = None
        return sender, body


def mark(shown: str) -> tuple[str | None, str]:
    """Who speaks on a line, and the line behind the mark (all of it where there is none)."""
    rest, stamped = shown, False
    for _ in range(_PREFIX_PARTS):
        found = _MARK.match(rest) or _arrow(rest, stamped)
        if found is not None and found.lastgroup is not None:
            return (HOST if found.lastgroup.startswith("tx") else MODULE), rest[found.end() :]
        prefix = _PREFIX.match(rest) or re.match(r"[ \t]+", rest)
        if prefix is None:
            break
        stamped = stamped or any(map(str.isdecimal, prefix[0]))
        rest = rest[prefix.end() :]
    return None, shown


def _arrow(rest: str, stamped: bool) -> re.Match[str] | None:
    """`> ` or `< ` as a mark: after a time stamp, or before what is plainly a command or an answer (not a prompt)."""
    found = _ARROW.match(rest)
    return found if found is not None and (stamped or recognised(rest[found.end() :].strip())) else None


def _visible(body: str, end: Gap) -> tuple[list[str], list[Gap]]:
    """The parts between visible control characters, and the line end after each."""
    literal = _LITERAL.search(body) if "\\r" in body or "\\n" in body else None
    if literal is not None and literal.end() == len(body.rstrip()) and "\\n" in literal[2]:
        body = literal[2]
    parts: list[str] = []
    gaps: list[Gap] = []
    position = 0
    for control in _VISIBLE.finditer(body):
        parts.append(body[position : control.start()])
        real = control[0].count("\r")
        gaps.append((real, 1, 2) if real else (2, 1, 2))
        position = control.end()
    if position < len(body) or not parts:
        parts.append(body[position:])
        gaps.append(end)
    return parts, gaps


def _text(body: str) -> str:
    """The body without log prefix, if behind one stands something that a module or a host says."""
    whole = rest = body.strip(_STRIPPED)
    for _ in range(_PREFIX_PARTS):
        if not rest or recognised(rest):
            break
        prefix = _PREFIX.match(rest)
        if prefix is None:
            rest = ""
            break
        rest = rest[prefix.end() :]
    text = rest or _inner(whole) or whole
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _inner(whole: str) -> str | None:
    """A URC at the end of a line whose prefix has words of its own (syslog, a tool's chatter), not inside quotes."""
    for found in _INNER_URC.finditer(whole):
        if whole.count('"', 0, found.start()) % 2 == 0 and not isinstance(parse(whole[found.start() :]), Unknown):
            return whole[found.start() :]
    return None
