"""The module's NOR flash: erase a sector to 0xFF, program a page by clearing bits, tear when the power goes.

The cells are a file mapped into memory (what was done survives the end of the process) or a plain buffer. An operation is
one sector erase or one page program. With a clock each takes its real duration; consecutive pages of one call are timed
together and settled page by page, so that a cut meets exactly the page being programmed. Without a clock everything
happens at once: storage can be run without the rest, operation by operation (`immediately`).

A cut tears the operation under way: a program leaves a prefix and one half-programmed word, an erase a mixture of old and
erased bits. It comes from outside (the task is cancelled, or `cut()` is called at the moment of brown-out), or is planned
(`plan_cut`), which raises `PowerCut`. Atomic operations are no test: a torn trailer write is what bricked real devices
(MCUboot issue 1966).
"""

from __future__ import annotations

import asyncio
import mmap
import os
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from .clock import Clock

T = TypeVar("T")
WORD = 4


class FlashError(ValueError):
    """An access that the part cannot do: outside of it, or not aligned."""


class PowerCut(Exception):
    """The power went at a planned operation."""


@dataclass(frozen=True)
class Timings:
    """Typical durations of a serial NOR part, in module seconds (a page program 0.7 ms, a 4 KiB erase 45 ms)."""

    page_program: float = 0.0007
    sector_erase: float = 0.045


@dataclass(frozen=True)
class Operation:
    """One erase or page program about to be done; `index` counts from 0 since the flash was opened."""

    index: int
    kind: Literal["erase", "program"]
    address: int
    size: int


@dataclass(frozen=True)
class _Batch:
    """Operations under way on the clock: pages of one program call, or one erase."""

    started: float
    each: float
    operations: list[tuple[int, bytes | None]]


class Flash:
    """NOR flash of `size` bytes with sectors and pages of the given sizes (bytes); see the module's text.

    `path` None keeps the cells in memory. `seed` makes torn operations repeatable. `on_operation` is called before each
    operation; what it raises (a `PowerCut`, say) prevents it.
    """

    def __init__(
        self,
        path: Path | None,
        size: int,
        *,
        sector: int = 4096,
        page: int = 256,
        clock: Clock | None = None,
        timings: Timings | None = None,
        seed: int = 0,
    ) -> None:
        if size <= 0 or size % sector or sector % page or page % WORD:
            raise FlashError(f"{size} bytes are not whole sectors of {sector}, or these not whole pages of {page}")
        self.size = size
        self.sector = sector
        self.page = page
        self.clock = clock
        self.timings = timings or Timings()
        self.on_operation: Callable[[Operation], object] | None = None
        self._random = random.Random(seed)
        self._done = 0
        self._batch: _Batch | None = None
        self._one_at_a_time = asyncio.Lock()
        self._cut_at: int | None = None
        self._cut_tear: float | None = None
        self._path = path
        self._cells: bytearray | mmap.mmap = bytearray(b"\xff" * size) if path is None else _mapped(path, size)

    # -- reading -------------------------------------------------------------------------------------------------

    def read(self, address: int, length: int) -> bytes:
        """Bytes as they stand in the cells. Raises FlashError outside of the part."""
        self._check(address, length)
        return bytes(self._cells[address : address + length])

    def is_erased(self, address: int, length: int) -> bool:
        """Whether a range reads 0xFF throughout."""
        return self.read(address, length) == b"\xff" * length

    @property
    def operations(self) -> int:
        """Operations done so far (a torn one counts), those of a running call up to now included."""
        return self._done + self._completed()

    @property
    def busy(self) -> bool:
        """Whether an operation is under way on the clock."""
        return self._batch is not None

    # -- writing -------------------------------------------------------------------------------------------------

    async def erase(self, address: int) -> None:
        """Erase the sector that begins at `address` (one operation)."""
        self._check(address, self.sector)
        if address % self.sector:
            raise FlashError(f"0x{address:x} is not the beginning of a sector")
        await self._perform([(address, None)], self.timings.sector_erase)

    async def program(self, address: int, data: bytes) -> None:
        """Program `data`, page by page (one operation each): bits can only be cleared."""
        self._check(address, len(data))
        pages: list[tuple[int, bytes | None]] = []
        position = 0
        while position < len(data):
            take = self.page - (address + position) % self.page
            pages.append((address + position, data[position : position + take]))
            position += take
        await self._perform(pages, self.timings.page_program)

    async def write_sector(self, address: int, data: bytes) -> None:
        """Erase a sector where it is not erased yet, then program up to one sector of data."""
        if not self.is_erased(address, self.sector):
            await self.erase(address)
        await self.program(address, data)

    # -- losing power --------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """The power goes now: what is under way is done as far as it got, the operation being done is torn."""
        batch = self._batch
        if batch is None:
            return
        self._batch = None
        assert self.clock is not None
        elapsed = (self.clock.now() - batch.started) / batch.each if batch.each else float(len(batch.operations))
        whole = min(int(elapsed + 1e-6), len(batch.operations))
        for address, data in batch.operations[:whole]:
            self._apply(address, data)
        if whole < len(batch.operations):
            self._done += 1
            self._tear(*batch.operations[whole], min(1.0, max(0.0, elapsed - whole)))

    def plan_cut(self, operation: int | None, tear: float | None = None) -> None:
        """Cut the power at the operation with this number (`operations` counts them): before it, or with `tear` in the
        middle of it, when that fraction of it is done. Raises PowerCut there. None: no cut is planned any more."""
        self._cut_at = operation
        self._cut_tear = tear

    def reseed(self, seed: int) -> None:
        """Begin anew with what is random in torn operations."""
        self._random.seed(seed)

    def dump(self) -> bytes:
        """All cells, as a programmer on the bench would read them."""
        return self.read(0, self.size)

    def load(self, cells: bytes) -> None:
        """Put all cells into a known state, without any operation. Raises FlashError for another size."""
        if len(cells) != self.size:
            raise FlashError(f"{len(cells)} bytes for {self.size} bytes of flash")
        self._cells[:] = cells

    def close(self) -> None:
        """Write the cells back to their file and unmap it."""
        if isinstance(self._cells, mmap.mmap):
            self._cells.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _check(self, address: int, length: int) -> None:
        if min(address, length) < 0 or address + length > self.size:
            raise FlashError(f"0x{address:x} + {length} bytes lie outside of {self.size} bytes of flash")

    async def _perform(self, operations: list[tuple[int, bytes | None]], each: float) -> None:
        async with self._one_at_a_time:
            if self._cut_at is None and self.on_operation is None:
                await self._do(operations, each)
                return
            for operation in operations:
                self._announce(*operation)
                await self._do([operation], each)

    async def _do(self, operations: list[tuple[int, bytes | None]], each: float) -> None:
        if self.clock is None:
            for address, data in operations:
                self._apply(address, data)
            return
        self._batch = batch = _Batch(self.clock.now(), each, operations)
        try:
            await self.clock.sleep(each * len(operations))
        finally:
            if self._batch is batch:
                self._settle(batch)

    def _settle(self, batch: _Batch) -> None:
        assert self.clock is not None
        if self.clock.now() < batch.started + batch.each * len(batch.operations) - 1e-9:
            self.cut()
            return
        self._batch = None
        for address, data in batch.operations:
            self._apply(address, data)

    def _announce(self, address: int, data: bytes | None) -> None:
        """Tell whoever watches about the next operation, or cut the power there if that was planned."""
        if self._cut_at is not None and self._done >= self._cut_at:
            self._planned_cut(address, data)
        if self.on_operation is not None:
            kind: Literal["erase", "program"] = "erase" if data is None else "program"
            self.on_operation(Operation(self._done, kind, address, self.sector if data is None else len(data)))

    def _planned_cut(self, address: int, data: bytes | None) -> None:
        tear, number = self._cut_tear, self._done
        self._cut_at = self._cut_tear = None
        if tear is not None:
            self._done += 1
            self._tear(address, data, tear)
        raise PowerCut(f"at flash operation {number}")

    def _completed(self) -> int:
        batch = self._batch
        if batch is None or self.clock is None or not batch.each:
            return 0
        return min(int((self.clock.now() - batch.started) / batch.each + 1e-6), len(batch.operations))

    def _apply(self, address: int, data: bytes | None) -> None:
        self._done += 1
        if data is None:
            self._cells[address : address + self.sector] = b"\xff" * self.sector
        else:
            self._clear_bits(address, data)

    def _clear_bits(self, address: int, data: bytes) -> None:
        old = self._cells[address : address + len(data)]
        if old.count(0xFF) != len(data):
            data = _and(old, data)
        self._cells[address : address + len(data)] = data

    def _tear(self, address: int, data: bytes | None, fraction: float) -> None:
        if data is None:
            self._tear_erase(address, fraction)
        else:
            self._tear_program(address, data, fraction)

    def _tear_program(self, address: int, data: bytes, fraction: float) -> None:
        """A prefix is programmed; of the word after it some of the bits to be cleared are."""
        prefix = min(len(data), int(len(data) * fraction)) // WORD * WORD
        self._clear_bits(address, data[:prefix])
        word = data[prefix : prefix + WORD]
        if word:
            spared = self._random.getrandbits(8 * len(word)).to_bytes(len(word), "little")
            self._clear_bits(address + prefix, _or(word, spared))

    def _tear_erase(self, address: int, fraction: float) -> None:
        """Some bytes are erased, some as they were, some in between."""
        old = self.read(address, self.sector)
        size = self.sector
        weak = _random_mask(self._random, size, fraction)
        self._cells[address : address + size] = _or(old, weak)


def immediately(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of the storage that has no clock to wait for; returns its result, raises what it raises."""
    try:
        work.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    raise RuntimeError("this storage has a clock: it must be run on the bench's loop")


def _mapped(path: Path, size: int) -> mmap.mmap:
    """The cells in a file, made erased where it does not exist. Raises FlashError for a file of another size."""
    if not path.exists():
        fresh = path.with_name(path.name + ".new")
        fresh.write_bytes(b"\xff" * size)
        fresh.replace(path)
    if path.stat().st_size != size:
        raise FlashError(f"{path} has {path.stat().st_size} bytes, the flash has {size}")
    descriptor = os.open(path, os.O_RDWR)
    try:
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _and(first: bytes | bytearray, second: bytes) -> bytes:
    return (int.from_bytes(first, "little") & int.from_bytes(second, "little")).to_bytes(len(second), "little")


def _or(first: bytes, second: bytes) -> bytes:
    return (int.from_bytes(first, "little") | int.from_bytes(second, "little")).to_bytes(len(second), "little")


def _random_mask(source: random.Random, size: int, fraction: float) -> bytes:
    """`size` bytes in which about `fraction` of the bytes are 0xFF and the others have fewer bits, the rarer the fraction."""
    erased = bytes(0xFF if source.random() < fraction else 0 for _ in range(size))
    partly = (source.getrandbits(8 * size) & source.getrandbits(8 * size)).to_bytes(size, "little")
    return _or(erased, partly) if fraction > 0 else erased
