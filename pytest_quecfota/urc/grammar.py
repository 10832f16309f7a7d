"""The kinds of lines an AT exchange is made of, by their form alone.

Used by `urc.marks` (is this something a module or a host says?) and `urc.exchange` (which of the two, and why). Forms:
ITU-T V.250, 3GPP TS 27.007, Quectel AT manuals; QuecThing documentation for the commands with data.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from pytest_quecfota.urc.parsing import NAMES, WORDS

COMMAND = re.compile(
    r"(?i:AT)(?:(?i:[EHIOAQVXZ]\d*|&[A-Z]\d*|S\d+=\d+|D[\dTP*#+][^\s]*);?)*(?:[+$%^#*\\][^\s=?].*)?", re.DOTALL
)
FINAL = re.compile(r"OK|ERROR|\+CM[ES] ERROR\b.*|NO CARRIER|NO ANSWER|NO DIALTONE|BUSY|ABORTED|SEND (?:OK|FAIL)")
RESPONSE = re.compile(r"\+([A-Z][A-Z0-9]{1,23}) ?: ?.*", re.DOTALL)
PROMPT = re.compile(r">(?: (.*))?", re.DOTALL)
ELISION = re.compile(r"(?:data)?\.{3,}|…|<data>", re.IGNORECASE)
BOOT_ROM = re.compile(r"[0-9A-Z]{2}: [0-9A-F]{4} [0-9A-F]{4}(?: \[[0-9A-F]{4}\])?|Leaving the BROM")

_ANY = re.compile(
    "|".join(f"(?:{form.pattern})" for form in (COMMAND, FINAL, RESPONSE, PROMPT, BOOT_ROM))
    + f"|(?i:{ELISION.pattern})",
    re.DOTALL,
)
URC_NAME = re.compile("(?:" + "|".join(re.escape(name) for name in sorted(NAMES)) + "):")
NAMES_BARE = frozenset(name[1:] for name in NAMES)

_QUOTED = re.compile(r'"[^"]*"?')
_PART = re.compile(r"\+([A-Za-z][A-Za-z0-9]*) *(=\?|\?)?")
_SENDING = re.compile(r"(?i:AT\+QIOT(?:SEND|MODELTD|SUBSEND|SUBTSLTD))=(.*)", re.DOTALL)
_BLOCK = re.compile(
    r"\+(?:QIOTOTARD: *\d+,(?P<read>\d{1,5})|QIOT(?:MODEL)?RD: *(?P<own>\d{1,5}),\d+,\d+"
    r'|QIOTSUB(?:TSL)?RD: *"[^"]*","[^"]*",(?P<sub>\d{1,5}),\d+,\d+)'
)
# fmt: off
_ONLY_RESPONSES = frozenset({
    "CSQ", "CESQ", "QCSQ", "CBC", "CGATT", "CGSN", "CGMI", "CGMM", "CGMR", "CIMI",
    "CCID", "QCCID", "COPS", "CCLK", "CGDCONT", "CGPADDR", "CMEE", "CSUB", "QGMR", "QCFG",
    "QFLST", "QFUPL", "QFDEL", "QFOTADL", "QIACT", "QENG", "QNWINFO", "QTEMP", "IPR",
})
# fmt: on


@dataclass(frozen=True)
class Command:
    """A command that was sent; concatenated ones (`AT+CEREG?;+CSQ`) count each."""

    text: str

    @cached_property
    def names(self) -> frozenset[str]:
        """The names after the plus signs, in capitals."""
        return frozenset(match[1].upper() for match in self._parts())

    @cached_property
    def queries(self) -> frozenset[str]:
        """Those of them that ask (`?`, `=?`), and so are answered by a line of the same name."""
        return frozenset(match[1].upper() for match in self._parts() if match[2])

    @cached_property
    def data_length(self) -> int | None:
        """How many bytes the host sends after the prompt; None if the command does not say."""
        match = _SENDING.fullmatch(self.text)
        if match is None:
            return None
        numbers = [part for part in match[1].split(",") if part.strip().isdecimal()]
        own = 1 if not match[1].startswith('"') else 0
        return int(numbers[own].strip()) if len(numbers) > own and len(numbers[own]) < 7 else None

    def _parts(self) -> list[re.Match[str]]:
        return list(_PART.finditer(_QUOTED.sub("", self.text)))


def is_only_response(name: str) -> bool:
    """Whether a line `+NAME: …` is always an answer, never sent by itself."""
    return name in _ONLY_RESPONSES or (name.startswith("QIOT") and name not in NAMES_BARE)


def block_length(text: str) -> int | None:
    """How many bytes of data follow this response line; None if none do."""
    match = _BLOCK.fullmatch(text)
    if match is None:
        return None
    return int(match["read"] or match["own"] or match["sub"]) or None


def begins_like_urc(text: str) -> bool:
    """Whether a line claims to be a URC, even if it is cut short or damaged."""
    name, colon, _ = text.partition(":")
    return (bool(colon) and name in NAMES) or text in WORDS


def recognised(text: str) -> bool:
    """Whether a line is something that a host or a module says, without knowing what came before it."""
    return _ANY.fullmatch(text) is not None or text in WORDS
