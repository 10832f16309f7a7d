"""A scripted instrument whose current a test sets, and that says when it was measured again."""

from __future__ import annotations

import threading

from scripted_instrument import ScriptedInstrument

LIMIT = 5.0  # real seconds

VOLTS, AMPERES = "MEAS:VOLT? (@1)", "MEAS:CURR? (@1)"


class Meter:
    """Lets `instrument` measure what it is set to, and `amperes` where its output is on."""

    def __init__(self, instrument: ScriptedInstrument) -> None:
        self.instrument = instrument
        self.amperes = 0.0
        self.silent = threading.Event()
        self.measured = 0
        self._more = threading.Condition()
        instrument.script = self._answer

    def wait(self, more: int = 2) -> None:
        """Until the current was measured so many times more."""
        with self._more:
            due = self.measured + more
            assert self._more.wait_for(lambda: self.measured >= due, LIMIT), "nobody measures"

    def count(self, during: threading.Event, seconds: float) -> int:
        """How often the current is measured within so many real seconds (or until `during` is set)."""
        before = self.measured
        during.wait(seconds)
        return self.measured - before

    def _answer(self, query: str) -> bytes | None:
        if query not in (VOLTS, AMPERES):
            return None
        if self.silent.is_set():
            return b""
        on = self.instrument.state["output"] == "ON"
        if query == VOLTS:
            return f"{float(self.instrument.state['voltage']) if on else 0.0:.6f}\n".encode()
        with self._more:
            self.measured += 1
            self._more.notify_all()
        return f"{self.amperes if on else 0.0:.6f}\n".encode()
