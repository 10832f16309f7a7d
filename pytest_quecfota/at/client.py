"""The AT client: sends a command, waits for its response.

Frames come from `link.wire` on its reader thread and are collected by an `Exchange`; the caller's thread waits here.
URCs between the lines of a response go to the timeline, not to the response. One command at a time: other threads wait
for their turn. After a time-out the client and the module are brought into step again before the next command
(`quarantine`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from time import monotonic
from typing import NoReturn

from pytest_quecfota.at import ownership
from pytest_quecfota.at.exchange import Exchange, Final
from pytest_quecfota.at.ownership import Asked
from pytest_quecfota.at.quarantine import Probe, Quarantine
from pytest_quecfota.at.response import BlockIncomplete, ModuleRestarted, Response
from pytest_quecfota.errors import BenchError, CommandError, ModuleSilent, PortLost
from pytest_quecfota.link.frames import Arm, Block, BlockRule, Frame
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.timeline import durations
from pytest_quecfota.timeline.clock import FASTEST, SHORTEST_WAIT, SLACK
from pytest_quecfota.urc import PoweredDown, Ready, Urc

_PROBES = 3
_BLOCK_STALL = 0.5
_ESCAPE = b"\x1b"


class Client:
    """Commands over `wire`, whose answers it takes until `close`.

    Parameters:
        speed: how many module seconds pass in a real one; may be changed between commands.
        response_time: module seconds within which a command is answered of which nothing else is said (QuecThing
            documentation, AT commands: 300 ms).
        line_end: what ends a command.
    """

    def __init__(self, wire: Wire, *, speed: float = 1.0, response_time: float = 0.3, line_end: str = "\r") -> None:
        self.speed = speed
        self.response_time = response_time
        self._wire = wire
        self._line_end = line_end.encode("ascii")
        self._turn = threading.RLock()
        self._pending: Exchange | Probe | None = None
        self._quarantine = Quarantine()
        self._echo: bool | None = None
        self._started = 0.0
        self._block_end = 0
        wire.attach(self)

    @property
    def wire(self) -> Wire:
        """The wire it talks over."""
        return self._wire

    def close(self) -> None:
        """Leave the wire to another client."""
        with self._turn:
            self._wire.arm(None)
            self._wire.attach(None)

    def command(
        self,
        text: str,
        timeout: float | str | None = None,
        *,
        prompt_data: bytes | None = None,
        block: BlockRule | None = None,
        restarts: bool = False,
    ) -> Response:
        """Send `text` and wait for its final result.

        Parameters:
            timeout: module seconds until the final result (default: `response_time`); behind a prompt it starts anew.
            prompt_data: sent, exactly as it is, when the module prompts for it.
            block: how raw data in the response is announced.
            restarts: the command restarts the module or switches it off: RDY or POWERED DOWN is as good as OK.

        Raises:
            CommandError: ERROR, +CME ERROR or +CMS ERROR.
            ModuleSilent: no answer in time; `BlockIncomplete` where data of a block is missing.
            ModuleRestarted: it restarted instead of answering.
            PortLost: the port is gone.
            ValueError: `text` is no command.
        """
        command = ownership.asked(text)
        seconds = self.response_time if timeout is None else durations.seconds(timeout)
        with self._turn:
            if self._quarantine.out_of_step is not None:
                self._get_in_step(command)
            return self._run(command, seconds, prompt_data, block, restarts)

    def hears(self, seconds: float) -> bool:
        """Whether the module answers a plain `AT` within so many real seconds; for whoever looks for it."""
        with self._turn:
            self._wire.arm(Arm())
            try:
                return self._probe(seconds, quiet=0.05)
            finally:
                self._wire.arm(Arm() if self._quarantine.out_of_step is not None else None)

    def real_seconds(self, module_seconds: float) -> float:
        """How long a wait of `module_seconds` lasts here: with slack on a sped-up bench, and never below one second."""
        slack = SLACK if self.speed > 1 else 0.0
        return max(module_seconds / min(self.speed, FASTEST) + slack, SHORTEST_WAIT)

    # -- on the reader thread ---------------------------------------------------------------------------------------

    def claims(self, frame: Frame, unsolicited: Urc | None) -> bool:
        """See `link.wire.Consumer`."""
        pending = self._pending
        if pending is not None:
            return pending.take(frame, unsolicited)
        return self._quarantine.out_of_step is not None and self._quarantine.take(frame, unsolicited)

    def passed(self, unsolicited: Urc) -> None:
        """See `link.wire.Consumer`."""
        if isinstance(unsolicited, (Ready, PoweredDown)):
            self._quarantine.clear()
            self._echo = None
            pending = self._pending
            if pending is not None and unsolicited.time >= self._wire.timeline.stamp(self._started):
                pending.passed(unsolicited)  # what was read before the command was sent does not end it

    def lost(self, error: BenchError) -> None:
        """See `link.wire.Consumer`."""
        pending = self._pending
        if pending is not None:
            pending.lost(error)

    def _answered(self, exchange: Exchange) -> None:
        final = exchange.final
        if final is not None:
            self._record(exchange.command, final)

    # -- on the caller's thread -------------------------------------------------------------------------------------

    def _run(
        self, command: Asked, seconds: float, data: bytes | None, block: BlockRule | None, restarts: bool
    ) -> Response:
        late = self._quarantine.due()
        exchange = Exchange(command, self._answered, data=data, restarts=restarts, echo=self._echo, late=late)
        absences = self._wire.absences
        self._wire.arm(Arm(prompt=data is not None, block=block))
        self._started = monotonic()
        self._pending = exchange
        try:
            self._wire.write(command.text.encode() + self._line_end)
            if data is not None and self._wait(exchange, lambda: exchange.prompted, seconds):
                self._wire.write(data, command=False)
            self._wait(exchange, lambda: False, seconds)
            if not exchange.done:
                self._pending = None
                self._give_up(exchange, seconds, absences, data is not None)
        finally:
            self._pending = None
            self._wire.arm(Arm() if self._quarantine.out_of_step is not None else None)
        return self._response(exchange)

    def _wait(self, exchange: Exchange, enough: Callable[[], bool], seconds: float) -> bool:
        """Wait until `enough` or the exchange is done; as long as bytes of a block come, the wait goes on."""
        deadline = monotonic() + self.real_seconds(seconds)
        received = 0  # not what is there by now: the first bytes may have come while the command was being written
        while not exchange.done and not enough():
            if exchange.signal.wait(deadline - monotonic()):
                continue
            if self._wire.block_received == received:
                break
            received = self._wire.block_received
            deadline = monotonic() + _BLOCK_STALL
        return enough() and not exchange.done

    def _response(self, exchange: Exchange) -> Response:
        command, final = exchange.command, exchange.final
        if exchange.error is not None:
            raise PortLost(str(exchange.error), reason=exchange.error.reason) from exchange.error
        if final is None:
            self._echo = None
            raise _restarted(exchange)
        self._echo = None if command.text.upper().startswith("ATE") else exchange.echoed
        if final.text.startswith(("ERROR", "+CM", "ABORTED")):
            raise CommandError(command.text, final.text, final.lines)
        block = None if exchange.block is None else exchange.block.payload
        if exchange.block is not None and self._lost_bytes(self._wire.block_end):
            raise _incomplete(command, exchange.block, "is not followed by CR LF as it should: bytes of it were lost")
        return Response(final.lines, list(final.values), self._duration(final.at), block, final.text, command.text)

    def _lost_bytes(self, end: bytes) -> bool:
        """Whether what follows a block shows that it swallowed some of it: no CR LF, or fewer than this module puts there."""
        between = len(end) - 1 if end[-1:] in (b"O", b"E") else 0
        fewer, self._block_end = 0 < between < self._block_end, max(between, self._block_end)
        return not end.startswith(b"\r\n") or fewer

    def _give_up(self, exchange: Exchange, seconds: float, absences: int, in_data: bool) -> None:
        """Time is up: raise what that means, or take the answer that was held back as late."""
        command = exchange.command
        partial = self._wire.abort_block()
        if exchange.held is not None and partial is None:
            self._quarantine.paid()
            exchange.final = exchange.held
            self._answered(exchange)
            return
        if self._wire.lost is not None or self._wire.absences != absences:
            raise PortLost(f"{self._wire.spec.name} vanished while {command.text} waited for its answer")
        self._quarantine.add(command, in_data=in_data)
        self._echo = exchange.echoed or self._echo
        self._wire.timeline.response(command.text, exchange.lines, "", monotonic() - self._started)
        waited = f"within {durations.spell(seconds)} of module time ({self.real_seconds(seconds):.3g} s here)"
        if partial is not None:
            raise _incomplete(command, partial, f"announced data of which {len(partial.payload)} bytes came {waited}")
        if exchange.block is not None:
            raise _incomplete(
                command, exchange.block, f"was followed by no final result {waited}: bytes of it were lost"
            )
        due = "the prompt" if in_data and not exchange.prompted else "a final result (OK, ERROR)"
        raise ModuleSilent(f"{command.text}: {due} did not come {waited}", detail=_received(exchange))

    def _get_in_step(self, command: Asked) -> None:
        """Make sure that what comes next answers what is sent next. Raises `ModuleSilent` where the module does not answer `AT`."""
        culprit = self._quarantine.out_of_step
        if self._quarantine.in_data:
            self._wire.write(_ESCAPE, command=False)
        within = self.real_seconds(self.response_time)
        quiet = max(0.1, self.response_time / min(self.speed, FASTEST))
        self._wire.arm(Arm())
        for _ in range(_PROBES):
            if self._probe(within, quiet):
                return
        self._raise_out_of_step(command, culprit, within)

    def _probe(self, within: float, quiet: float) -> bool:
        """Send `AT`; whether it was answered in `within` real seconds and then `quiet` ones brought nothing more."""
        probe = self._pending = Probe()
        try:
            self._wire.write(b"AT" + self._line_end, command=False)
            answered = probe.answered(within, quiet)
        finally:
            self._pending = None
        if probe.error is not None:
            raise PortLost(str(probe.error), reason=probe.error.reason) from probe.error
        if answered:
            self._quarantine.paid(probe.finals - 1)
            self._quarantine.in_step()
            self._echo = probe.echoed
        return answered

    def _raise_out_of_step(self, command: Asked, culprit: Asked | None, within: float) -> NoReturn:
        since = f" since {culprit.text} was not answered" if culprit is not None else ""
        raise ModuleSilent(
            f"{command.text} was not sent: the module does not answer AT{since} ({_PROBES} tries of {within:.3g} s)"
        )

    def _record(self, command: Asked, final: Final) -> None:
        self._wire.timeline.response(command.text, final.lines, final.text, final.at - self._started)

    def _duration(self, until: float) -> float:
        return (until - self._started) * (1.0 if math.isinf(self.speed) else self.speed)


def _restarted(exchange: Exchange) -> ModuleRestarted:
    line = exchange.ended_by.raw if exchange.ended_by is not None else ""
    what = "switched itself off" if isinstance(exchange.ended_by, PoweredDown) else "restarted"
    summary = f"the module {what} before it had answered {exchange.command.text}: {line}"
    return ModuleRestarted(summary, detail=_received(exchange), line=line)


def _incomplete(command: Asked, block: Block, what: str) -> BlockIncomplete:
    header = block.header.decode("utf-8", "backslashreplace")
    return BlockIncomplete(f"{command.text}: {header} {what}", header=header, received=block.payload)


def _received(exchange: Exchange) -> str:
    lines = exchange.lines
    echo = "its echo and " if exchange.echoed else ""
    if not lines:
        return f"received: {echo}nothing else" if echo else "received: nothing"
    return f"received: {echo}{len(lines)} lines, the last: {lines[-1]}"
