"""What the tests of the timeline share: a module that speaks into one, a thread that waits on one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pytest_quecfota import urc
from pytest_quecfota.timeline import Timeline

#: No test waits longer for something that must happen, in real seconds.
PATIENCE = 10.0

#: What a module prints while it upgrades itself.
LINES = {
    urc.UpgradeOffered: '+QIOTEVT: 7,10700,"BC25","BC25_FOTA_V1_0","BC25_FOTA_V2_0",30,-113,2563',
    urc.DownloadStarted: "+QIOTEVT: 7,10701",
    urc.Downloading: "+QIOTEVT: 7,10702",
    urc.Downloaded: "+QIOTEVT: 7,10703",
    urc.Updating: "+QIOTEVT: 7,10704",
    urc.Updated: "+QIOTEVT: 7,10705",
    urc.UpdateFailed: "+QIOTEVT: 7,10706",
    urc.Registered: "+QIOTEVT: 2,10200",
    urc.Subscribed: "+QIOTEVT: 3,10200",
    urc.Ready: "RDY",
}


class Module:
    """Speaks into a timeline as the reader thread of a port would."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.zero = timeline.now()

    def command(self, text: str = "AT+QIOTUPDATE=1", final: str = "OK") -> None:
        """A command is sent and answered; `at` counts from here."""
        self.timeline.sent(text.encode() + b"\r\n")
        self.zero = self.timeline.last_command.time
        self.timeline.response(text, [], final, 0.0)

    def says(self, what: type[urc.Urc] | str | urc.Urc, at: float | None = None) -> urc.Urc:
        """One URC, `at` real seconds after the last command (by default now)."""
        time = self.timeline.now() if at is None else self.zero + at
        if isinstance(what, urc.Urc):
            said = what
        else:
            line = what if isinstance(what, str) else LINES[what]
            said = urc.parse(line, time)
        self.timeline.received(f"\r\n{said.raw}\r\n".encode(), time)
        self.timeline.urc(said)
        return said

    def upgrades(self, *skipped: type[urc.Urc], at: float = 0.0) -> None:
        """The usual order of events, 10 s apart, without some."""
        order = (urc.DownloadStarted, urc.Downloading, urc.Downloading, urc.Downloaded, urc.Updating, urc.Updated)
        for number, cls in enumerate(order):
            if cls not in skipped:
                self.says(cls, at + 10.0 * number)


class Task:
    """A thread that runs one call; `result` gives what it returned or raises what it raised."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._outcome: list[Any] = []
        self._error: list[BaseException] = []
        self.thread = threading.Thread(target=self._run, args=(call,), daemon=True)
        self.thread.start()

    def _run(self, call: Callable[[], Any]) -> None:
        try:
            self._outcome.append(call())
        except BaseException as error:
            self._error.append(error)

    def result(self) -> Any:
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), "it still waits"
        if self._error:
            raise self._error[0]
        return self._outcome[0]


def until(holds: Callable[[], bool]) -> None:
    """Look again and again until something holds; a deadline, no sleeping in between but the smallest wait there is."""
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.001)):
        if holds():
            return
        pause.wait(0.001)
    raise AssertionError("it never came to hold")


def waits(timeline: Timeline, number: int = 1) -> None:
    """Until so many expectations sleep."""
    until(lambda: timeline.events.waiting >= number)
