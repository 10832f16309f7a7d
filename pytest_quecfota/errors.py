"""What can go wrong, and whose fault it is.

Every error of the test side is one of these, so that a report can tell a faulty module from a faulty bench::

    AssertionError
      ModuleError          the module is at fault: the test fails
        CommandError       it answered ERROR, +CME ERROR or +CMS ERROR
        ModuleSilent       it did not answer in time (also a TimeoutError)
          ModuleBricked    powered, port fine, silent also after power-cycling
        HostError          the real MCU beside the module is at fault (`host: observed`)
    Exception
      BenchError           the bench is at fault: the test is broken, never failed
        PortLost           the serial port vanished and did not come back
        SupplyError        the instrument is silent, refuses, or answers nonsense
        DeveloperCenterError  the platform cannot be reached or refuses the tool
        LeaseLost          somebody else holds the rig now
    ValueError
      RigError             a rig file is wrong: file, line, column and what would be right
    RuntimeError
      RigHeld              another run holds the rig
      HostObserved         a real MCU owns the line: the plugin writes nothing (an uncaught one skips the test)

Nobody needs to parse texts: a bench error carries a `reason`.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence


class Reason(enum.Enum):
    """Why a bench could not do its part."""

    PORT_LOST = "port lost"
    PORT_BUSY = "port busy"
    SUPPLY_TIMEOUT = "supply timeout"
    SUPPLY_LOST = "supply lost"
    SUPPLY_REFUSED = "supply refused"
    SUPPLY_SCPI = "supply reported an error"
    SUPPLY_LIMIT = "supply limit"
    SUPPLY_PROTECTION = "supply protection tripped"
    PLATFORM_UNREACHABLE = "Developer Center unreachable"
    PLATFORM_REFUSED = "Developer Center refused"
    LEASE_LOST = "lease lost"
    BENCH_DIED = "virtual bench died"
    EVIDENCE_UNWRITABLE = "evidence cannot be written"
    CONFIGURATION = "configuration"
    WRONG_MODULE = "wrong module"


class ModuleError(AssertionError):
    """The module is at fault; the test fails, in whatever phase this is raised.

    Examples: a URC that is due does not come; the version after an upgrade is not the target; an unannounced restart.
    """

    def __init__(self, summary: str, *, detail: str = "") -> None:
        super().__init__(summary if not detail else f"{summary}\n{detail}")
        self.summary = summary
        self.detail = detail


class CommandError(ModuleError):
    """The module refused a command.

    Examples: AT+QIOTREG=1 without ProductKey answers ERROR; AT+CSQ? on a BG96 answers +CME ERROR: 3.
    """

    def __init__(self, command: str, final: str, lines: Sequence[str] = ()) -> None:
        super().__init__(f"{command} answered {final}")
        self.command = command
        self.final = final
        self.lines = tuple(lines)


class ModuleSilent(ModuleError, TimeoutError):
    """The module did not answer in time although its port works.

    Examples: no final result within the response time of the command; no RDY after power-on.
    """


class ModuleBricked(ModuleSilent):
    """Powered, its port works, and no sane answer even after power-cycling."""


class HostError(ModuleError):
    """The real MCU that is observed does not do its part; the test fails.

    Examples: it confirms although its battery is below the offer; it leaves out bytes of its file; it reads nothing for 60 s.
    """


class BenchError(Exception):
    """The bench is at fault; the test is broken, never failed.

    Examples: the serial adapter was unplugged; the supply does not answer `*IDN?`; the Developer Center is down.
    """

    def __init__(self, message: str, *, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


class PortLost(BenchError):
    """The serial port is gone and did not come back in time.

    Examples: the USB hub lost power; the adapter was unplugged; the virtual bench was killed.
    """

    def __init__(self, message: str, *, reason: Reason = Reason.PORT_LOST) -> None:
        super().__init__(message, reason=reason)


class SupplyError(BenchError):
    """The programmable supply did not do as it was told.

    Examples: its socket is closed; an answer came after its time-out; `SYST:ERR?` is not 0; a voltage over the limit.
    """


class DeveloperCenterError(BenchError):
    """The Developer Center cannot be asked, or refuses what the tool asks of it.

    Examples: connection refused; a 5xx; a token that is not accepted.
    """

    def __init__(
        self, message: str, *, reason: Reason = Reason.PLATFORM_UNREACHABLE, status: int | None = None
    ) -> None:
        super().__init__(message, reason=reason)
        self.status = status


class LeaseLost(BenchError):
    """The rig is no longer ours.

    Example: the lease file was removed and another run took the rig.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=Reason.LEASE_LOST)


class RigError(ValueError):
    """A rig file cannot be used. `problems`: one line each, `file:line:column: what is wrong; what would be right`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class RigHeld(RuntimeError):
    """Another run holds the rig; the text says who, since when and how to wait."""


class HostObserved(RuntimeError):
    """On this rig a real MCU talks to the module (`host: observed`): nothing may be written to the line.

    Examples: `module.at(...)`, `module.reset()` without a reset line; `upgrade(plan, confirm=False)`.
    """
