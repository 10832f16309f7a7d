"""AT+QFOTADL: the classic upgrade without a platform: a package is fetched, the module restarts, the boot loader installs it.

A package comes over HTTP, HTTPS or FTP, from the file system (`files`) or over the serial line; what the boot loader then
prints is `classic_install`. Words, codes and ways are those of the model's family (`classic_families`). Not documented, our
choice: mode 1 ("at once") says START before the restart, mode 0 after it; FILE:<length> asks for the bytes with CONNECT and
tells its stages behind OK; a MiniFOTA fetches both files before its first restart; while a QuecThing upgrade is under way the
command is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..boot import PackageError
from ..delta import MAGIC as DELTA
from ..delta import WrongSource
from ..elsewhere import DownloadFailed
from .board import Kind
from .classic_families import FIXED, FTP, HTTP, HTTPS, PATH, UPLOAD, Family, family_of
from .commands import Answer, Anything, AtError, Command, Integer, table
from .files import File
from .plan import OPEN_FOR_PLANS
from .syntax import Value

if TYPE_CHECKING:
    from .core import Firmware

KEY = "classic"
#: Set by a defect: nothing is taken any more.
STUCK = "classic_stuck"
_NO_ROOM, _FILE_FAILED = 511, 500
_UPLOAD_PATIENCE = 60.0
_PROBE, _PROBED = 2, "010003"
_COPY_SECONDS = 2.0
_CHANGED = 717


def say(stage: str, *values: object) -> str:
    """The line of a stage."""
    return "+QIND: " + ",".join(['"FOTA"', f'"{stage}"', *map(str, values)])


class Classic:
    """The classic upgrade of one run of the firmware, up to the restart."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware
        self._memory = firmware.memory
        self._defects = firmware.board.defects
        self.busy = False

    def begin(self, family: Family, way: str, source: str, mode: int, downloads: int, updates: int) -> None:
        """Fetch from `source` and install; returns at once."""
        self.busy = True
        self._firmware.begin(self._run(family, way, source, mode, downloads, updates))

    async def _run(self, family: Family, way: str, source: str, mode: int, downloads: int, updates: int) -> None:
        try:
            size = await self._fetched(family, way, source, downloads)
        finally:
            self.busy = False
        if size > self._memory.capacity:
            self._tell("END", family.codes.get("room", _NO_ROOM))
        elif size:
            await self._install(family, updates, at_once=family.counts and mode == 1)

    async def _fetched(self, family: Family, way: str, source: str, downloads: int) -> int:
        """Bytes that are staged now; 0 where that failed, which has been told."""
        if way in (PATH, FIXED):
            return len(self._memory.staged())
        word = self._word(way)
        self._tell(f"{word}START")
        if way == UPLOAD:
            await self._copy(downloads)
            self._tell(f"{word}END", 0)
            return int(source)
        try:
            size = await self._download(family, source, downloads)
        except DownloadFailed as failure:
            code = family.download_code or failure.code
            self._tell(f"{word}END", 0 if self._defects.active("dfota-hides-failure") else code)
            return 0
        self._tell(f"{word}END", 0)
        return size

    def _word(self, way: str) -> str:
        spelt_out = way == HTTPS and self._firmware.options.dfota_https_words == "https"
        return {FTP: "FTP", UPLOAD: "FILE"}.get(way, "HTTPS" if spelt_out else "HTTP")

    async def _copy(self, lines: int) -> None:
        """What came over the serial line is in flash; it is told like a download."""
        for number in range(1, lines + 1):
            await self._firmware.board.clock.sleep(_COPY_SECONDS / lines)
            self._tell("DOWNLOADING", number)

    async def _download(self, family: Family, url: str, lines: int) -> int:
        """Fetch the package, or its parts one behind another, into the staging area; returns its size. Raises DownloadFailed."""
        board, memory = self._firmware.board, self._memory
        network, elsewhere = board.data.network, board.south.elsewhere
        told, at, due = 0, 0, board.clock.now()
        with board.load.during("receive"):
            sizes = [(await elsewhere.piece(url + ending, 0, 1, memory.capacity))[1] for ending in family.parts]
            total = sum(sizes)
            if total > memory.capacity:
                return total
            await memory.discard()
            await memory.stage_begin(total, "")
            for ending, size in zip(family.parts, sizes, strict=True):
                end, begun = at + size, at
                while at < end:
                    piece, now = await elsewhere.piece(url + ending, at - begun, network.chunk, memory.capacity)
                    if now != size:
                        raise DownloadFailed(_CHANGED, "the file has changed")
                    await memory.stage_write(at, piece)
                    at += len(piece)
                    due += len(piece) / network.bytes_per_second
                    await board.clock.sleep_until(due)
                    told = self._progress(family, 100 * at // total, lines, told)
        return total

    def _progress(self, family: Family, done: int, lines: int, told: int) -> int:
        """Say DOWNLOADING as often as is due; returns how many lines were."""
        number = done * lines // 100
        while family.numbered and told < number:
            told += 1
            self._tell("DOWNLOADING", told)
        if number > told:
            self._tell("DOWNLOADING", f"{done}{family.sign}")
        return number

    async def _install(self, family: Family, updates: int, *, at_once: bool) -> None:
        memory = self._memory
        package: Kind = "delta" if memory.staged().startswith(DELTA) else "full"
        note: dict[str, Any] = {
            "code": self._judged(family, package),
            "lines": updates,
            "restoring": False,
            "started": at_once,
            "attempts": 0,
            "phase": 1 if family.small else 0,
        }
        await memory.update({KEY: note})
        await memory.commit(package)
        if at_once:
            self._tell("START")
        await self._firmware.board.uart.drained()
        self._firmware.restart()

    def _judged(self, family: Family, package: Kind) -> int:
        """What END will say of the package that is staged; 0 where it is good."""
        try:
            self._memory.staged_target(package)
        except PackageError as problem:
            if isinstance(problem.__cause__, WrongSource):
                cause = "source"
            elif problem.__cause__ is None:
                cause = "project"
            else:
                cause = "damaged"
            return family.codes.get(cause, family.codes["failed"])
        return 0

    def _tell(self, stage: str, *values: object) -> None:
        self._firmware.at.urc(say(stage, *values))


async def _test(firmware: Firmware) -> Answer:
    family = _family(firmware)
    return ("+QFOTADL: <url>,(0,1),(0,5-100),(0,5-100)" if family.counts else "+QFOTADL: <url>",)


def _family(firmware: Firmware) -> Family:
    found = family_of(firmware.board.data.model)
    if found is None:
        raise AtError
    return found


async def _update(firmware: Firmware, source: Value, *counts: int | None) -> Answer:
    family = _family(firmware)
    mode, downloads, updates = (*counts, None, None, None)[:3]
    if (counts and not family.counts) or any(count and count < 5 for count in (downloads, updates)):
        raise AtError
    memory = firmware.memory
    busy = firmware.classic.busy or memory.get(KEY) or memory.get(STUCK)
    busy = busy or firmware.upgrades.status not in OPEN_FOR_PLANS
    way, name = _way(firmware, family, source)
    if way not in family.ways or busy or (mode == _PROBE and way != UPLOAD):
        raise AtError
    if mode == _PROBE:
        return (_PROBED,)
    if way == UPLOAD:
        await _uploaded(firmware, int(name))
    lines = [
        most if count is None else count for count, most in ((downloads, family.downloads), (updates, family.updates))
    ]
    firmware.at.after_response(lambda: firmware.classic.begin(family, way, name, mode or 0, *lines))
    return ()


def _way(firmware: Firmware, family: Family, source: Value) -> tuple[str, str]:
    """How the package comes, and its address, length or name. Raises AtError where the text says none of them."""
    if source == 1:
        return FIXED, File.kept(firmware.memory, family.fixed_file).name
    if not isinstance(source, str) or not 0 < len(source) <= family.longest_url:
        raise AtError
    head, colon, rest = source.partition(":")
    if head == "FILE" and colon:
        if not rest.isdecimal() or not 0 < int(rest) <= firmware.memory.capacity:
            raise AtError
        return UPLOAD, rest
    scheme = head.lower() if colon else ""
    if scheme in (HTTP, HTTPS, FTP):
        if not _addressed(source):
            raise AtError
        return scheme, source
    return PATH, File.kept(firmware.memory, source).name


def _addressed(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


async def _uploaded(firmware: Firmware, length: int) -> None:
    """Take the package from the serial line into the staging area. Raises AtError where it does not come."""
    memory, at = firmware.memory, 0
    await memory.discard()
    await memory.stage_begin(length, "")
    try:
        async for piece in firmware.at.stream(length, b"CONNECT\r\n", _UPLOAD_PATIENCE):
            await memory.stage_write(at, piece)
            at += len(piece)
    except AtError:
        firmware.at.urc(say("FILESTART"))
        firmware.at.urc(say("FILEEND", _FILE_FAILED))
        raise


COMMANDS = table(
    Command(
        "+QFOTADL",
        test=_test,
        write=_update,
        parameters=(
            Anything(optional=False),
            Integer(0, 2, optional=True),
            Integer(0, 100, optional=True),
            Integer(0, 100, optional=True),
        ),
        plain_error=True,
    )
)
