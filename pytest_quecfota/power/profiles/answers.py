"""How answers are read: plain numbers, numbers with a unit or a name in front, status words, bytes of a fixed number."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pytest_quecfota.power.profiles.data import Data, Regex

NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
WITH_UNIT = re.compile(rf"(?P<number>{NUMBER.pattern})\s*[a-zA-Z]{{0,2}}")
NO_NUMBER = 9.9e37  # SCPI 1999, 7.2.1.4: what an instrument answers for "infinite"; "not a number" is a little more


class Answer(Data):
    """One answer.

    `length`: so many bytes, for families without a line end. `pattern`: what must stand there, its first group (or all of it)
    is what counts. `word`: a status word, of which `bits` (by channel; 0 for every channel) say yes; `byte` is one raw byte.
    Without `word`, `says_yes` and `says_no` are the texts that say so.
    """

    length: Annotated[int, Field(ge=1, le=4096)] | None = None
    pattern: Regex | None = None
    word: Literal["decimal", "hex", "byte"] | None = None
    bits: dict[int, int] = Field(default_factory=dict)
    says_yes: Regex = r"(?i)\+?1|ON|YES"
    says_no: Regex = r"(?i)[+-]?0|OFF|NO|NONE"

    @model_validator(mode="after")
    def _word_has_bits(self) -> Answer:
        if (self.word is None) != (not self.bits):
            raise ValueError("word and bits go together: which bits of the status word say yes")
        return self

    def number(self, text: str) -> float | None:
        """The number of an answer; None where there is none."""
        told = self._part(text)
        found = WITH_UNIT.fullmatch(told) if told is not None else None
        if found is None or abs(float(found["number"])) >= NO_NUMBER:
            return None
        return float(found["number"])

    def flag(self, text: str, channel: int) -> bool | None:
        """Whether the answer says yes for `channel`; None where it says neither."""
        if self.word is not None:
            value = self._word(text)
            return None if value is None else bool(value & self.bits.get(channel, self.bits.get(0, 0)))
        told = self._part(text)
        if told is None:
            return None
        if re.fullmatch(self.says_yes, told):
            return True
        return False if re.fullmatch(self.says_no, told) else None

    def _word(self, text: str) -> int | None:
        told = self._part(text)
        if told is None:
            return None
        try:
            if self.word == "byte":
                return told.encode("latin-1")[0]
            return int(told, 16 if self.word == "hex" else 10)
        except (ValueError, IndexError):
            return None

    def _part(self, text: str) -> str | None:
        if self.word == "byte":
            return text
        if self.pattern is None:
            return text.strip()
        found = re.fullmatch(self.pattern, text.strip())
        return None if found is None else found[1] if found.re.groups else found[0]
