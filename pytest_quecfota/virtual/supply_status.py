"""Status registers and error queues of the virtual supply (IEEE 488.2, SCPI-99 volume 1, chapter 9).

Dialects name what is here as `status.<name>`. Errors go into the queue of the client being served, or into one for all, as the
dialect says; conditions are read from the outputs when somebody asks.
"""

from __future__ import annotations

from .channel import Channel
from .scpi import ScpiError

POWER_ON, COMMAND, EXECUTION, DEVICE, QUERY, COMPLETE = 128, 32, 16, 8, 4, 1
"""Bits of the standard event status register."""
_CLASSES = {1: COMMAND, 2: EXECUTION, 3: DEVICE, 4: QUERY}


class ErrorQueue:
    """The errors nobody has read yet, the oldest first; the last place says that some were lost (-350)."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._errors: list[ScpiError] = []

    def __bool__(self) -> bool:
        return bool(self._errors)

    def put(self, error: ScpiError) -> None:
        """Queue an error, or the loss of it."""
        if len(self._errors) < self._size:
            self._errors.append(error)
        else:
            self._errors[-1] = ScpiError(-350)

    def take(self) -> ScpiError | None:
        """The oldest error, which is forgotten."""
        return self._errors.pop(0) if self._errors else None

    def clear(self) -> None:
        """Forget all."""
        self._errors.clear()


class Status:
    """The registers of one instrument. `errors` is the queue that counts for whoever is being served; the enable registers are
    plain settings."""

    def __init__(self, channels: dict[int, Channel], queue: ErrorQueue) -> None:
        self._channels = channels
        self.errors = queue
        self.event = POWER_ON
        self.event_enable = 0
        self.request_enable = 0
        self._awaits_completion = False

    def report(self, error: ScpiError) -> None:
        """Queue an error and set the bit of its class."""
        self.errors.put(error)
        self.event |= _CLASSES.get(-error.code // 100, DEVICE)

    def clear(self) -> None:
        """*CLS: empties the error queue and the event register."""
        self.errors.clear()
        self.event = 0
        self._awaits_completion = False

    def await_completion(self) -> None:
        """*OPC: its bit is to be set once nothing is pending."""
        self._awaits_completion = True

    def completed(self) -> None:
        """Nothing is pending any more."""
        if self._awaits_completion:
            self._awaits_completion = False
            self.event |= COMPLETE

    def read_event(self) -> int:
        """*ESR?: the register, which this clears."""
        value, self.event = self.event, 0
        return value

    @property
    def byte(self) -> int:
        """*STB?: bit 2 errors, 3 questionable, 5 event status, 6 request."""
        byte = bool(self.errors) << 2 | bool(self.questionable_condition) << 3
        byte |= bool(self.event & self.event_enable) << 5
        return byte | bool(byte & self.request_enable & ~64) << 6

    @property
    def questionable_condition(self) -> int:
        """Bit 0: an output tripped on voltage; 1: on current; 9 on: constant current of output 1, 2, …"""
        protections = [channel.protection for channel in self._channels.values()]
        over_voltage = any(protection.ovp_tripped for protection in protections)
        over_current = any(protection.ocp_tripped for protection in protections)
        limiting = sum(1 << (8 + number) for number, channel in self._channels.items() if channel.constant_current)
        return over_voltage | over_current << 1 | limiting

    @property
    def questionable_event(self) -> int:
        """The same; nothing is latched."""
        return self.questionable_condition

    @property
    def operation_condition(self) -> int:
        """Bit 5: an output waits for a trigger; bit 6: a transient is running."""
        programs = [channel.program for channel in self._channels.values()]
        return any(program.armed for program in programs) << 5 | any(program.busy for program in programs) << 6

    @property
    def word(self) -> int:
        """Siglent's status word. Bits 0, 1: outputs 1, 2 fold back; 2, 3: independent (1); 4, 5: they are on; 6, 7: they play a
        table."""
        word = 1 << 2
        for bit, channel in enumerate(list(self._channels.values())[:2]):
            word |= channel.constant_current << bit | channel.output << 4 + bit | channel.program.busy << 6 + bit
        return word
