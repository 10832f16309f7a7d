"""The line that moves while an upgrade runs: stage, per cent, module seconds, volts; on a terminal, and not with `-q`.

`timeline.Progress` says what it says; here it is only drawn, below pytest's own line, by a thread of its own so that it moves also
in long silence. Before pytest writes the test's result it is wiped, and the cursor is back where pytest left it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import pytest

from pytest_quecfota.timeline import Progress, Timeline

FIRST = 1.0  # real seconds before a test is worth a line
EVERY = 0.5  # real seconds between two drawings
CLEAR = "\r\x1b[K"


class Screen:
    """The terminal itself, which stays reachable while pytest captures what tests print.

    Args:
        descriptor: the terminal; it is duplicated, and `close` closes the duplicate.
        column: how far pytest has written on its line.
    """

    def __init__(self, descriptor: int, column: Callable[[], int]) -> None:
        self._descriptor = os.dup(descriptor)
        self._column = column
        self._below = False

    def show(self, text: str) -> None:
        """Write `text` over what was shown before, on the line below pytest's."""
        width = (os.get_terminal_size(self._descriptor).columns or 80) - 1
        self._write(("" if self._below else "\n") + CLEAR + text[:width])
        self._below = True

    def wipe(self) -> None:
        """Take it away and go back to where pytest was."""
        if self._below:
            self._write(f"{CLEAR}\x1b[A\x1b[{self._column() + 1}G")
            self._below = False

    def close(self) -> None:
        """Let go of the terminal."""
        os.close(self._descriptor)

    def _write(self, text: str) -> None:
        os.write(self._descriptor, text.encode())


def screen_of(config: pytest.Config) -> Screen | None:
    """The terminal to draw on, None where there is none or it is to be quiet. Call it while nothing is captured."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not sys.stdout.isatty() or config.option.verbose < 0 or os.environ.get("TERM") == "dumb":
        return None
    writer = config.get_terminal_writer()
    return Screen(sys.stdout.fileno(), lambda: writer.width_of_current_line)


class MovingLine:
    """Draws the progress of one test until it is wiped; `name` stands before it, e.g. the module's model."""

    def __init__(self, screen: Screen, timeline: Timeline, name: str) -> None:
        self._screen = screen
        self._progress = Progress(timeline)
        self._name = name
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw, name="quecfota-progress", daemon=True)
        self._thread.start()

    def wipe(self) -> None:
        """Stop drawing and take the line away; a second time nothing happens."""
        if not self._over.is_set():
            self._over.set()
            self._thread.join(timeout=2)
            self._progress.close()
            self._screen.wipe()

    def _draw(self) -> None:
        pause = FIRST
        while not self._over.wait(pause):
            pause = EVERY
            self._screen.show(f"  {self._name}  {self._progress.text()}")
