"""What a command brings: its `Response`, or the errors that say why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_quecfota.at.values import Value
from pytest_quecfota.errors import ModuleError, ModuleSilent


@dataclass(frozen=True, slots=True)
class Response:
    """A command that was answered with `OK`.

    Parameters:
        lines: its information lines, stripped, without echo, URCs and final result.
        values: the parameters of the first of them that bears the command's name.
        duration: module seconds from the command to the final result.
        block: the raw data, where a block was asked for and came.
        final: the line that ended it.
        command: what was sent.
    """

    lines: tuple[str, ...] = ()
    values: list[Value] = field(default_factory=list)
    duration: float = 0.0
    block: bytes | None = None
    final: str = "OK"
    command: str = ""


class ModuleRestarted(ModuleError):
    """The module restarted, or switched itself off, before it had answered.

    Examples: RDY comes while AT+QIOTOTARD waits; POWERED DOWN comes instead of OK.
    """

    def __init__(self, summary: str, *, detail: str = "", line: str = "") -> None:
        super().__init__(summary, detail=detail)
        self.line = line


class BlockIncomplete(ModuleSilent):
    """Raw data ended before it was complete. `received` is what came, including what may have followed the data.

    Examples: the UART lost bytes; the module died while it sent a block.
    """

    def __init__(self, summary: str, *, detail: str = "", header: str = "", received: bytes = b"") -> None:
        super().__init__(summary, detail=detail)
        self.header = header
        self.received = received
