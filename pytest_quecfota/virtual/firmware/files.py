"""AT+QFUPL, AT+QFDWL, AT+QFLST, AT+QFDEL, AT+QFLDS: a file the host puts into the module, for AT+QFOTADL to install.

Sources: a published fwupd flow for AT+QFUPL (CONNECT, an `A` per 1024 bytes where acknowledgements are on, size and checksum at the
end) and an EG18 log for AT+QFLST. Our choice: the file system holds one file, in the area where upgrades are staged, so that a
further file or a download takes its place; drives and folders in a name (`UFS:`, `/data/ufs/`) are dropped. Only models whose
family installs from a file have these commands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .classic_families import family_of
from .commands import Answer, AtError, Command, Handler, Integer, Text, table
from .memory import Memory

if TYPE_CHECKING:
    from .core import Firmware

_KEY = "file"
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,80}")
_PATIENCE = 5
_ACKNOWLEDGED = 1024


def checksum(content: bytes) -> int:
    """The exclusive-or of all 16-bit words, an odd byte at the end as the upper half of one."""
    padded = content + b"\x00" * (len(content) % 2)
    found = 0
    for index in range(0, len(padded), 2):
        found ^= padded[index] << 8 | padded[index + 1]
    return found


def base_name(path: str) -> str:
    """The file's name without drive and folders. Raises AtError for a name that is none."""
    name = re.split(r"[:/]", path)[-1]
    if not _NAME.fullmatch(name):
        raise AtError
    return name


@dataclass(frozen=True)
class File:
    """The file that is there."""

    name: str
    content: bytes

    @classmethod
    def found(cls, memory: Memory) -> File | None:
        """The file, if nothing has taken its place since it was put there."""
        note = memory.get(_KEY)
        if not note:
            return None
        try:
            content = memory.staged()
        except ValueError:
            return None
        same = (len(content), checksum(content)) == (note["size"], note["checksum"])
        return cls(str(note["name"]), content) if same else None

    @classmethod
    def kept(cls, memory: Memory, path: str) -> File:
        """The file of that name. Raises AtError where there is none."""
        file = cls.found(memory)
        if file is None or file.name != base_name(path):
            raise AtError
        return file

    @property
    def summary(self) -> str:
        """Size and checksum as the commands print them."""
        return f"{len(self.content)},{checksum(self.content):x}"


def _offered(firmware: Firmware) -> None:
    family = family_of(firmware.board.data.model)
    if family is None or not family.files:
        raise AtError


def _test(text: str = "") -> Handler:
    async def show(firmware: Firmware) -> Answer:
        _offered(firmware)
        return (text,) if text else ()

    return show


async def _upload(
    firmware: Firmware, path: str, size: int, patience: int | None = None, ack: int | None = None
) -> Answer:
    _offered(firmware)
    name, memory, at = base_name(path), firmware.memory, 0
    if size > memory.capacity or firmware.classic.busy or firmware.upgrades.status:
        raise AtError
    await memory.discard()
    await memory.stage_begin(size, "")
    async for piece in firmware.at.stream(size, b"CONNECT\r\n", float(patience or _PATIENCE), _ACKNOWLEDGED):
        await memory.stage_write(at, piece)
        at += len(piece)
        if ack and len(piece) == _ACKNOWLEDGED:
            firmware.board.uart.send(b"A")
    file = File(name, memory.staged())
    await memory.update({_KEY: {"name": name, "size": size, "checksum": checksum(file.content)}})
    return (f"+QFUPL: {file.summary}",)


async def _download(firmware: Firmware, path: str) -> Answer:
    _offered(firmware)
    file = File.kept(firmware.memory, path)
    return ("CONNECT", file.content, f"+QFDWL: {file.summary}")


async def _list(firmware: Firmware, pattern: str = "*") -> Answer:
    _offered(firmware)
    file = File.found(firmware.memory)
    shown = file is not None and (pattern in ("*", "UFS", "UFS:*") or base_name(pattern) == file.name)
    return (f'+QFLST: "UFS:{file.name}",{len(file.content)}',) if file and shown else ()


async def _delete(firmware: Firmware, pattern: str) -> Answer:
    _offered(firmware)
    if pattern != "*":
        File.kept(firmware.memory, pattern)
    if File.found(firmware.memory):
        await firmware.memory.discard()
        await firmware.memory.update({_KEY: None})
    return ()


async def _room(firmware: Firmware, _drive: str = "UFS") -> Answer:
    _offered(firmware)
    file, total = File.found(firmware.memory), firmware.memory.capacity
    return (f"+QFLDS: {total - len(file.content) if file else total},{total}",)


_PATH = Text(80, 1)

COMMANDS = table(
    Command(
        "+QFUPL",
        test=_test("+QFUPL: <filename>,(1-<freesize>),(1-65535),(0,1)"),
        write=_upload,
        parameters=(_PATH, Integer(1, 2**31), Integer(1, 65535, optional=True), Integer(0, 1, optional=True)),
    ),
    Command("+QFDWL", test=_test("+QFDWL: <filename>"), write=_download, parameters=(_PATH,)),
    Command("+QFLST", test=_test(), write=_list, execute=_list, parameters=(_PATH,)),
    Command("+QFDEL", test=_test("+QFDEL: <filename>"), write=_delete, parameters=(_PATH,)),
    Command("+QFLDS", test=_test("+QFLDS: <name_pattern>"), write=_room, execute=_room, parameters=(_PATH,)),
)
