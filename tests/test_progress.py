"""The moving line: below pytest's own, cut to the terminal's width, gone without a trace before pytest goes on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator

import pytest
from live_bench import bench

from pytest_quecfota import progress
from pytest_quecfota.progress import MovingLine, Screen, screen_of
from pytest_quecfota.timeline import Timeline

WIDTH = 40
LIMIT = 20.0  # real seconds


class Terminal:
    """A terminal's end of a pty, and a picture of its screen: it knows CR, LF, erase line, cursor up and column."""

    def __init__(self, width: int = WIDTH) -> None:
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        self.came = b""
        self.lines, self.row, self.column = [""], 0, 0

    def read(self, until: bytes = b"", seconds: float = LIMIT) -> bytes:
        """What has come since, at least up to `until`."""
        came = b""
        while select.select([self.master], [], [], 0 if until in came else seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # nobody has it open any more
                break
            came += data
        assert until in came, came
        self.came += came
        for piece in re.findall(r"\x1b\[\d*[A-Za-z]|[^\x1b]", came.decode()):
            self._draw(piece)
        return came

    def _draw(self, piece: str) -> None:
        if piece == "\r":
            self.column = 0
        elif piece == "\n":
            self.row += 1
            self.lines += [""] * (self.row + 1 - len(self.lines))
        elif piece == "\x1b[K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif piece.endswith("A"):
            self.row -= int(piece[2:-1] or 1)
        elif piece.endswith("G"):
            self.column = int(piece[2:-1] or 1) - 1
        elif not piece.startswith("\x1b"):
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + piece + line[self.column + 1 :]
            self.column += 1

    def close(self) -> None:
        """Close both ends."""
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


@pytest.fixture
def screen(terminal: Terminal) -> Iterator[Screen]:
    """A screen on which pytest has written `test_it.py ` so far."""
    os.write(terminal.slave, b"test_it.py ")
    made = Screen(terminal.slave, lambda: len("test_it.py "))
    yield made
    made.close()


@pytest.fixture
def timeline() -> Iterator[Timeline]:
    made = Timeline()
    yield made
    made.close()


def test_the_line_stands_below_pytests_own(terminal, screen):
    screen.show("downloading 42 %")
    terminal.read(b"42 %")
    assert terminal.lines == ["test_it.py ", "downloading 42 %"]


def test_what_is_shown_replaces_what_was_shown_before(terminal, screen):
    screen.show("downloading 42 %  12 s")
    screen.show("updating")
    terminal.read(b"updating")
    assert terminal.lines == ["test_it.py ", "updating"]


def test_wiped_nothing_is_left_and_pytest_goes_on_where_it_was(terminal, screen):
    screen.show("updating")
    screen.wipe()
    os.write(terminal.slave, b".")
    terminal.read(b"G.")
    assert terminal.lines == ["test_it.py .", ""]


def test_wiping_what_was_never_shown_writes_nothing(terminal, screen):
    terminal.read(b"test_it.py ")
    screen.wipe()
    screen.wipe()
    assert terminal.read() == b""


def test_a_long_line_is_cut_so_that_it_does_not_wrap(terminal, screen):
    screen.show("x" * 200)
    terminal.read(b"xxx")
    assert terminal.lines[1] == "x" * (WIDTH - 1)


def test_a_terminal_that_does_not_know_its_width_is_taken_for_eighty_columns(screen, terminal):
    fcntl.ioctl(terminal.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    screen.show("x" * 200)
    terminal.read(b"xxx")
    assert terminal.lines[1] == "x" * 79


def test_a_moving_line_follows_the_timeline_until_it_is_wiped(terminal, screen, timeline, monkeypatch):
    monkeypatch.setattr(progress, "FIRST", 0.01)
    monkeypatch.setattr(progress, "EVERY", 0.01)
    line = MovingLine(screen, timeline, "BC25")
    timeline.record("sample", voltage=3.3, current=0.1)
    terminal.read(b"BC25  waiting  0 s  3.30 V")
    line.wipe()
    line.wipe()
    terminal.read()
    assert terminal.lines == ["test_it.py ", ""]


def test_a_short_test_shows_nothing_at_all(terminal, screen, timeline):
    line = MovingLine(screen, timeline, "BC25")
    line.wipe()
    assert terminal.read(b"test_it.py ") == b"test_it.py "


TESTS = """
def test_long(module, events):
    module.at("AT+CSQ")
    events.pause(1.2 * 60)

def test_short(rig): pass
"""


@pytest.fixture
def in_a_terminal(tmp_path, monkeypatch):
    """Runs pytest in a pty on a scripted bench; gives what came and the screen as it stood in the end."""
    monkeypatch.setenv("QUECFOTA_RUN_DIR", str(tmp_path / "leases"))
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def run(*arguments: str) -> Terminal:
        with bench(tmp_path) as parts, contextlib.closing(Terminal(100)) as terminal:
            parts.load(more="speed: 60")
            command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rig", "bench.yaml", *arguments]
            environment = {**os.environ, "TERM": "xterm"}
            with subprocess.Popen(
                command, cwd=tmp_path, stdout=terminal.slave, stderr=subprocess.STDOUT, env=environment
            ) as done:
                while done.poll() is None:
                    terminal.read(seconds=0.1)
                terminal.read(seconds=0.1)
            assert done.returncode == 0, terminal.came.decode()
            return terminal

    return run


def test_a_run_in_a_terminal_shows_the_line_while_a_test_runs_and_leaves_none(in_a_terminal):
    terminal = in_a_terminal("--color=no")
    assert re.search(rb"BC25  \w+  \d+ s  3\.10 V", terminal.came), "stage, module seconds, volts measured"
    assert "test_it.py .." in "\n".join(terminal.lines)
    assert not any("BC25  " in line for line in terminal.lines)


@pytest.mark.parametrize(
    ("arguments", "term", "shown"),
    [([], "xterm", True), (["-v"], "xterm", True), (["-q"], "xterm", False), ([], "dumb", False)],
    ids=["plain", "verbose", "quiet", "dumb-terminal"],
)
def test_a_quiet_run_or_a_dumb_terminal_gets_none(pytester, terminal, monkeypatch, arguments, term, shown):
    config = pytester.parseconfigure("-p", "no:hypothesispytest", *arguments)
    monkeypatch.setenv("TERM", term)
    with os.fdopen(os.dup(terminal.slave), "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        screen = screen_of(config)
    if screen is not None:
        screen.close()
    assert (screen is not None) is shown


def test_what_is_no_terminal_gets_none(pytester, monkeypatch, tmp_path):
    config = pytester.parseconfigure("-p", "no:hypothesispytest")
    with (tmp_path / "log").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert screen_of(config) is None
