"""NOR flash: what operations do, how long they take, what a cut leaves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.virtual import loop
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.flash import Flash, FlashError, Operation, PowerCut, Timings, immediately

SECTOR, PAGE = 512, 64


def small(**options: Any) -> Flash:
    return Flash(None, 8 * SECTOR, sector=SECTOR, page=PAGE, **options)


def timed(body: Callable[[Clock, Flash], Coroutine[Any, Any, Any]]) -> Any:
    clock = Clock("max")
    flash = small(clock=clock, timings=Timings(page_program=0.001, sector_erase=0.1))
    return loop.run(body(clock, flash), clock)


def test_programming_only_clears_bits() -> None:
    flash = small()
    immediately(flash.program(10, b"\x0f\xff"))
    immediately(flash.program(10, b"\xf3\x55"))
    assert flash.read(10, 2) == b"\x03\x55"


def test_erasing_sets_a_whole_sector_and_nothing_else() -> None:
    flash = small()
    immediately(flash.program(0, b"\x00" * (2 * SECTOR)))
    immediately(flash.erase(SECTOR))
    assert flash.read(0, 2 * SECTOR) == b"\x00" * SECTOR + b"\xff" * SECTOR


def test_a_program_is_one_operation_per_page() -> None:
    flash = small()
    immediately(flash.program(PAGE - 1, b"\x00" * (PAGE + 2)))
    assert flash.operations == 3


@pytest.mark.parametrize(("address", "length"), [(-1, 1), (8 * SECTOR, 1), (0, 8 * SECTOR + 1), (0, -1)])
def test_an_access_outside_is_refused(address: int, length: int) -> None:
    with pytest.raises(FlashError):
        small().read(address, length)


def test_erasing_in_the_middle_of_a_sector_is_refused() -> None:
    with pytest.raises(FlashError, match="beginning of a sector"):
        immediately(small().erase(PAGE))


def test_operations_take_their_time_and_wait_for_each_other() -> None:
    async def body(clock: Clock, flash: Flash) -> tuple[float, float, bool]:
        start = clock.now()
        first = asyncio.ensure_future(flash.program(0, b"\x00" * SECTOR))
        second = asyncio.ensure_future(flash.erase(SECTOR))
        await asyncio.sleep(0)
        busy = flash.busy
        await first
        after_first = clock.now() - start
        await second
        return after_first, clock.now() - start, busy

    assert timed(body) == pytest.approx((0.008, 0.108, True))


@pytest.mark.parametrize("by", ["cancel", "cut"])
def test_a_cut_leaves_whole_pages_one_torn_page_and_untouched_ones(by: str) -> None:
    async def body(clock: Clock, flash: Flash) -> tuple[bytes, int]:
        task = asyncio.ensure_future(flash.program(0, b"\x00" * SECTOR))
        await clock.sleep(0.0035)
        if by == "cut":
            flash.cut()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return flash.read(0, SECTOR), flash.operations

    cells, operations = timed(body)
    half = 3 * PAGE + PAGE // 2
    assert cells[:half] == bytes(half)
    assert cells[half + 4 :] == b"\xff" * (SECTOR - half - 4)
    assert operations == 4


def test_progress_is_counted_while_a_call_runs() -> None:
    async def body(clock: Clock, flash: Flash) -> int:
        task = asyncio.ensure_future(flash.program(0, b"\x00" * SECTOR))
        await clock.sleep(0.0035)
        count = flash.operations
        await task
        return count

    assert timed(body) == 3


def test_a_cut_erase_is_a_mixture() -> None:
    async def body(clock: Clock, flash: Flash) -> bytes:
        flash.load(bytes(8 * SECTOR))
        task = asyncio.ensure_future(flash.erase(0))
        await clock.sleep(0.05)
        flash.cut()
        task.cancel()
        await asyncio.wait({task})
        return flash.read(0, SECTOR)

    cells = timed(body)
    assert 0.3 * SECTOR < cells.count(0xFF) < 0.8 * SECTOR
    assert len(set(cells)) > 10


def test_the_flash_works_on_after_a_cut() -> None:
    async def body(clock: Clock, flash: Flash) -> bytes:
        task = asyncio.ensure_future(flash.erase(0))
        await clock.sleep(0.05)
        task.cancel()
        await asyncio.wait({task})
        await flash.write_sector(0, b"\x42" * SECTOR)
        return flash.read(0, SECTOR)

    assert timed(body) == b"\x42" * SECTOR


@given(
    data=st.binary(min_size=1, max_size=3 * PAGE),
    at=st.integers(0, 3),
    tear=st.one_of(st.none(), st.floats(0, 1)),
    seed=st.integers(0, 9),
)
@settings(max_examples=60, deadline=None)
def test_a_torn_program_is_between_nothing_and_all(data: bytes, at: int, tear: float | None, seed: int) -> None:
    flash = small(seed=seed)
    flash.plan_cut(at, tear)
    try:
        immediately(flash.program(0, data))
    except PowerCut:
        whole = at * PAGE
        assert flash.read(0, whole) == data[:whole]
        if tear is None:
            assert flash.is_erased(whole, SECTOR - whole)
    else:
        assert at * PAGE >= len(data)
    for cell, wanted in zip(flash.read(0, len(data)), data, strict=True):
        assert cell & wanted == wanted


def test_the_same_seed_tears_alike() -> None:
    def torn(seed: int) -> bytes:
        flash = small(seed=seed)
        flash.load(bytes(8 * SECTOR))
        flash.plan_cut(0, 0.5)
        with pytest.raises(PowerCut):
            immediately(flash.erase(0))
        return flash.dump()

    assert torn(1) == torn(1) != torn(2)


def test_every_operation_is_announced_before_it_is_done() -> None:
    flash = small()
    seen: list[tuple[Operation, bytes]] = []
    flash.on_operation = lambda operation: seen.append((operation, flash.read(0, 2)))
    immediately(flash.program(0, b"\x00\x00"))
    immediately(flash.erase(0))
    assert seen == [
        (Operation(0, "program", 0, 2), b"\xff\xff"),
        (Operation(1, "erase", 0, SECTOR), b"\x00\x00"),
    ]


def test_cells_in_a_file_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    program = (
        "import os, pathlib, sys\n"
        "from pytest_quecfota.virtual.flash import Flash, immediately\n"
        "flash = Flash(pathlib.Path(sys.argv[1]), 8192)\n"
        "immediately(flash.program(100, b'kept'))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", program, os.fspath(path)], check=False, timeout=30)
    assert killed.returncode == -9
    flash = Flash(path, 8192)
    try:
        assert flash.read(100, 4) == b"kept"
        assert flash.is_erased(200, 100)
    finally:
        flash.close()


def test_a_file_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    path.write_bytes(b"\xff" * 4096)
    with pytest.raises(FlashError, match="4096 bytes"):
        Flash(path, 8192)
