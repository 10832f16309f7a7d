"""A waveform stepped by the host: one message a level, each at its own moment, on a thread of its own.

Moments are reckoned from the first message on, so that no lateness adds up. The thread ends with the waveform, when it is
stopped, or with the first message that the supply does not take; who reads `error` then tells it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from pytest_quecfota.power.waveform import Level

CLOSING = 5.0  # real seconds the thread may take to end: a message under way, and its time-out


@dataclass(frozen=True)
class Sent:
    """One level: when it was due, when its message went out and when the supply had taken it (`time.monotonic`); its volts."""

    due: float
    sent: float
    acknowledged: float
    voltage: float

    @property
    def late(self) -> float:
        """Real seconds between its moment and the supply's word."""
        return self.acknowledged - self.due


class Stepping:
    """Tells a supply `levels` one after another and then `back`, beginning with the second: the first was sent at `start`.

    Args:
        tell: sends one level to the supply and returns when it was taken.
        back: puts the output back to what it was set to.
        idle: called with the real seconds until the next level is due, where there are some: may measure.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        tell: Callable[[Level], None],
        back: Callable[[], None],
        *,
        start: float,
        speed: float,
        idle: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self.start = start
        self.sent: list[Sent] = []
        self.error: BaseException | None = None
        self.over = threading.Event()
        self._levels, self._tell, self._back, self._idle = levels, tell, back, idle
        self._speed = speed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quecfota-waveform", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it where it is; the output stays as it was told last, unless the waveform was over."""
        self._stop.set()
        self._thread.join(CLOSING)

    @property
    def latest(self) -> float:
        """The worst lateness of a level, in real seconds."""
        return max((each.late for each in self.sent), default=0.0)

    def _run(self) -> None:
        try:
            at = 0.0
            for level, following in zip(self._levels, [*self._levels[1:], None], strict=True):
                at += level.dwell
                if not self._until(self.start + at / self._speed):
                    return
                before = monotonic()
                if following is None:
                    self._back()
                else:
                    self._tell(following)
                volts = -1.0 if following is None else following.voltage
                self.sent.append(Sent(self.start + at / self._speed, before, monotonic(), volts))
        except BaseException as error:
            self.error = error
        finally:
            self.over.set()

    def _until(self, due: float) -> bool:
        """Wait for a moment; False where it was stopped before."""
        left = due - monotonic()
        if left > 0 and not self._stop.is_set():
            self._idle(left)
        return not self._stop.wait(max(0.0, due - monotonic()))
