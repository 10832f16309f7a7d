"""AT+QFOTADL="http…": the classic upgrade without a platform: download, restart, installation by the boot loader.

The download is real and paced like any other of the model; what the boot loader then prints is `classic_install`. The words
and codes are those of the model's family (`classic_families`). Not played: FTP, and the upload over the serial line (FILE:).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..boot import PackageError
from ..delta import MAGIC as DELTA
from ..delta import WrongSource
from ..south import DownloadFailed
from .board import Kind
from .classic_families import Family, family_of
from .commands import Answer, AtError, Command, Integer, Text, table

if TYPE_CHECKING:
    from .core import Firmware

KEY = "classic"
_SCHEMES = ("http://", "https://")
_NO_ROOM = 511


def say(stage: str, *values: object) -> str:
    """The line of a stage."""
    return "+QIND: " + ",".join(['"FOTA"', f'"{stage}"', *map(str, values)])


def family(firmware: Firmware) -> Family:
    """The model's family. Raises AtError where it has no such command."""
    found = family_of(firmware.board.data.model)
    if found is None:
        raise AtError
    return found


async def _test(firmware: Firmware) -> Answer:
    return ("+QFOTADL: <url>,(0,1),(0,5-100),(0,5-100)" if family(firmware).counts else "+QFOTADL: <url>",)


async def _update(firmware: Firmware, url: str, *counts: int | None) -> Answer:
    kind = family(firmware)
    _, download, update = (*counts, None, None, None)[:3]
    given = [count for count in (download, update) if count is not None]
    if not url.lower().startswith(_SCHEMES) or len(url) > kind.longest_url or (counts and not kind.counts):
        raise AtError
    if any(0 < count < 5 for count in given) or firmware.memory.get(KEY):
        raise AtError
    steps = [
        fallback if count is None else _step(count)
        for count, fallback in ((download, kind.download_step), (update, kind.update_step))
    ]
    firmware.at.after_response(lambda: firmware.begin(_fetch_and_install(firmware, kind, url, *steps)))
    return ()


def _step(count: int) -> int:
    """Per cent between two lines where at most `count` are wanted."""
    return -(-100 // count) if count else 0


async def _fetch_and_install(firmware: Firmware, kind: Family, url: str, download: int, update: int) -> None:
    firmware.at.urc(say("HTTPSTART"))
    try:
        size = await _download(firmware, kind, url, download)
    except DownloadFailed as failure:
        firmware.at.urc(say("HTTPEND", kind.download_code or failure.code))
        return
    firmware.at.urc(say("HTTPEND", 0))
    if size > firmware.memory.capacity:
        firmware.at.urc(say("END", _NO_ROOM))
        return
    package: Kind = "delta" if firmware.memory.staged().startswith(DELTA) else "full"
    note: dict[str, Any] = {"code": _judged(firmware, kind, package), "step": update, "restoring": False}
    await firmware.memory.update({KEY: note})
    await firmware.memory.commit(package)
    await firmware.board.uart.drained()
    firmware.restart()


async def _download(firmware: Firmware, kind: Family, url: str, step: int) -> int:
    """Fetch the package into the staging area; returns its size. Raises DownloadFailed."""
    board, memory = firmware.board, firmware.memory
    network, south = board.data.network, board.south
    at, shown, due = 0, 0, board.clock.now()
    size = 1
    with board.load.during("receive"):
        while at < size:
            piece, size = await south.download(url, at, network.chunk)
            if size > memory.capacity:
                return size
            if at == 0:
                await memory.stage_begin(size, "")
            await memory.stage_write(at, piece)
            at += len(piece)
            due += len(piece) / network.bytes_per_second
            await board.clock.sleep_until(due)
            done = 100 * at // size
            if step and done >= shown + step:
                shown = done
                firmware.at.urc(say("DOWNLOADING", f"{done}{kind.sign}"))
    return size


def _judged(firmware: Firmware, kind: Family, package: Kind) -> int:
    """What END will say of the package that is staged; 0 where it is good."""
    try:
        firmware.memory.staged_target(package)
    except PackageError as problem:
        if isinstance(problem.__cause__, WrongSource):
            cause = "source"
        elif problem.__cause__ is None:
            cause = "project"
        else:
            cause = "damaged"
        return kind.codes.get(cause, kind.codes["failed"])
    return 0


COMMANDS = table(
    Command(
        "+QFOTADL",
        test=_test,
        write=_update,
        parameters=(
            Text(255, 1),
            Integer(0, 1, optional=True),
            Integer(0, 100, optional=True),
            Integer(0, 100, optional=True),
        ),
        plain_error=True,
    )
)
