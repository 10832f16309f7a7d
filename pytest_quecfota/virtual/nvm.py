"""Non-volatile memory: a small journal of JSON values in flash, for what a module keeps over a loss of power.

Two banks take turns. A bank is a header, then records; each record sets and deletes keys together and has its length and
CRC in front. When a bank is full, or its end was torn, the other one is erased and gets everything that is live, and last a
record that closes this copy; only a bank with that record counts, and of two the one with the higher sequence number.
Cut at any flash operation, a mount finds every key with its old or its new value, all keys of one `update` alike.
"""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .flash import Flash

_HEADER = struct.Struct("<4sII")  # magic, sequence, CRC of both
_RECORD = struct.Struct("<HHI")  # length of the body, its complement, CRC of the body
_MAGIC = b"QNV1"
_CLOSED = b"[]"
_ALIGN = 4


class NvmFull(RuntimeError):
    """The live values do not fit into one bank."""


@dataclass(frozen=True)
class _Bank:
    sequence: int
    values: dict[str, Any]
    end: int
    clean: bool


class Nvm:
    """Key-value store in `size` bytes of flash from `base` on: an even number of whole sectors.

    Values are what JSON can carry. Reading is from memory; a change is in flash when its coroutine returns.
    """

    def __init__(self, flash: Flash, base: int, size: int) -> None:
        if base % flash.sector or size % (2 * flash.sector) or not size:
            raise ValueError("an NVM needs an even number of whole sectors")
        self._flash = flash
        self._base = base
        self._bank_size = size // 2
        self._one_at_a_time = asyncio.Lock()
        self.mount()

    # -- reading -------------------------------------------------------------------------------------------------

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or `default`."""
        return self._values.get(key, default)

    def items(self) -> Iterable[tuple[str, Any]]:
        """All keys with their values."""
        return list(self._values.items())

    def mount(self) -> None:
        """Read the journal anew, as after power-on."""
        banks = [self._scan(index) for index in (0, 1)]
        valid = [(bank.sequence, index) for index, bank in enumerate(banks) if bank is not None]
        self._active = max(valid)[1] if valid else 1
        bank = banks[self._active]
        self._sequence = bank.sequence if bank else 0
        self._values = bank.values if bank else {}
        self._end = bank.end if bank else self._bank_size
        self._clean = bank.clean if bank else False

    # -- writing -------------------------------------------------------------------------------------------------

    async def set(self, key: str, value: Any) -> None:
        """Set one key. Raises NvmFull, and TypeError where JSON cannot carry the value."""
        await self.update({key: value})

    async def delete(self, key: str) -> None:
        """Remove one key if it is there."""
        await self.update({}, delete=[key])

    async def update(self, values: Mapping[str, Any], *, delete: Iterable[str] = ()) -> None:
        """Set and remove several keys at once: after a cut all are new or none is. What does not change is not written."""
        async with self._one_at_a_time:
            await self._update(values, delete)

    async def _update(self, values: Mapping[str, Any], delete: Iterable[str]) -> None:
        changed = {key: value for key, value in values.items() if key not in self._values or self._values[key] != value}
        gone = [key for key in delete if key in self._values and key not in values]
        if not changed and not gone:
            return
        after = {key: value for key, value in self._values.items() if key not in gone} | changed
        record = _record(_body([changed, gone]))
        if self._clean and self._end + len(record) <= self._bank_size:
            self._clean = False
            await self._flash.program(self._address(self._active) + self._end, record)
            self._end += len(record)
            self._clean = True
        else:
            await self._copy(after)
        self._values = json.loads(json.dumps(after))

    async def erase(self) -> None:
        """Forget everything (a factory reset); a cut leaves the old values or none."""
        async with self._one_at_a_time:
            await self._copy({})
            self._values = {}

    # -- inside --------------------------------------------------------------------------------------------------

    def _address(self, index: int) -> int:
        return self._base + index * self._bank_size

    async def _copy(self, values: dict[str, Any]) -> None:
        """Write all live values into the other bank, close it, and go on there."""
        target = 1 - self._active
        sequence = self._sequence + 1
        content = _header(sequence) + (_record(_body([values, []])) if values else b"")
        closing = _record(_CLOSED)
        if len(content) + len(closing) > self._bank_size:
            raise NvmFull(f"{len(content)} bytes do not fit into a bank of {self._bank_size}")
        address = self._address(target)
        for sector in range(address, address + self._bank_size, self._flash.sector):
            await self._flash.erase(sector)
        await self._flash.program(address, content)
        await self._flash.program(address + len(content), closing)
        self._active, self._sequence = target, sequence
        self._end, self._clean = len(content) + len(closing), True

    def _scan(self, index: int) -> _Bank | None:
        raw = self._flash.read(self._address(index), self._bank_size)
        magic, sequence, crc = _HEADER.unpack_from(raw)
        if magic != _MAGIC or crc != zlib.crc32(raw[:8]):
            return None
        values: dict[str, Any] = {}
        closed = False
        position = _HEADER.size
        while (found := _read_record(raw, position)) is not None:
            body, position = found
            if body == _CLOSED:
                closed = True
                continue
            changed, gone = json.loads(body)
            values.update(changed)
            for key in gone:
                values.pop(key, None)
        clean = raw.count(0xFF, position) == self._bank_size - position
        return _Bank(sequence, values, position, clean) if closed else None


def _body(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _header(sequence: int) -> bytes:
    start = _MAGIC + sequence.to_bytes(4, "little")
    return start + zlib.crc32(start).to_bytes(4, "little")


def _record(body: bytes) -> bytes:
    if len(body) > 0xFFFE:
        raise NvmFull(f"a record of {len(body)} bytes")
    head = _RECORD.pack(len(body), len(body) ^ 0xFFFF, zlib.crc32(body))
    return head + body + b"\x00" * (-len(body) % _ALIGN)


def _read_record(raw: bytes, position: int) -> tuple[bytes, int] | None:
    """The record at a position and where the next begins; None where there is no whole, sound one."""
    if position + _RECORD.size > len(raw):
        return None
    length, complement, crc = _RECORD.unpack_from(raw, position)
    begin = position + _RECORD.size
    if length ^ complement != 0xFFFF or begin + length > len(raw):
        return None
    body = raw[begin : begin + length]
    if zlib.crc32(body) != crc:
        return None
    return body, min(len(raw), begin + length + (-length % _ALIGN))
