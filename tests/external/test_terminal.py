"""A terminal program that somebody else wrote, on the virtual module's port: echo, and sane answers."""

from __future__ import annotations

import re
import select
import subprocess
from collections.abc import Iterator
from time import monotonic

import pytest

LIMIT = 10.0  # real seconds
ANSWERS = {
    "ATI": r"Quectel_Ltd\r\nQuectel_BC25\r\nRevision: \S*VIRTUAL\S*\r\n",
    "AT+CGMI": r"Quectel_Ltd\r\n",
    "AT+CGMM": r"Quectel_BC25\r\n",
    "AT+CGMR": r"BC25_FOTA_V1_0\r\n",
    "AT+CGSN=1": r"\+CGSN: \"?00\d{13}\"?\r\n",
    "AT+CSQ": r"\+CSQ: (?:[12]?\d|3[01]|99),(?:[0-7]|99)\r\n",
}


class Terminal:
    """A person at a terminal: types a command, reads until it is answered."""

    def __init__(self, program: str, port: object) -> None:
        command = [program, "-", f"{port},raw,echo=0"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)

    def type(self, text: str, until: bytes = rb"\r\n(?:OK|ERROR|\+CME ERROR: [^\r]+)\r\n") -> str:
        """Type a line and give what came on the screen."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(text.encode() + b"\r")
        screen, deadline = b"", monotonic() + LIMIT
        while not re.search(until, screen):
            left = deadline - monotonic()
            assert left > 0, f"{text}: {screen!r}"
            assert select.select([self._process.stdout], [], [], left)[0], f"{text}: {screen!r}"
            screen += self._process.stdout.read(4096)
        return screen.decode()

    def wake(self) -> None:
        """Type AT as a person does, again where a module that still boots has not heard it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        screen, deadline = b"", monotonic() + LIMIT
        while b"\r\nOK\r\n" not in screen:
            assert monotonic() < deadline, f"AT: {screen!r}"
            self._process.stdin.write(b"AT\r")
            while select.select([self._process.stdout], [], [], 0.5)[0]:
                screen += self._process.stdout.read(4096)

    def close(self) -> None:
        """Hang up."""
        self._process.terminate()
        self._process.communicate(timeout=LIMIT)


@pytest.fixture
def terminal(program: str, port: object) -> Iterator[Terminal]:
    opened = Terminal(program, port)
    try:
        opened.wake()
        yield opened
        opened.type("ATE1")
    finally:
        opened.close()


@pytest.mark.external
@pytest.mark.parametrize("program", ["socat"], indirect=True)
@pytest.mark.parametrize("command", ANSWERS)
def test_a_command_is_echoed_and_answered(terminal, command):
    screen = terminal.type(command)
    assert screen.startswith(f"{command}\r"), "what was typed comes back first"
    answer = screen.removeprefix(f"{command}\r").removeprefix("\r\n")
    assert re.fullmatch(ANSWERS[command] + r"\r\nOK\r\n", answer), screen


@pytest.mark.external
@pytest.mark.parametrize("program", ["socat"], indirect=True)
def test_the_bare_form_of_cgsn_is_answered_as_well(terminal):
    screen = terminal.type("AT+CGSN")
    assert re.search(r"\b\d{6,}\b", screen), screen
    assert screen.endswith("\r\nOK\r\n")


@pytest.mark.external
@pytest.mark.parametrize("program", ["socat"], indirect=True)
def test_what_is_no_command_is_an_error_and_the_next_one_is_fine(terminal):
    assert "ERROR" in terminal.type("AT+NOSUCHTHING")
    assert terminal.type("AT").endswith("\r\nOK\r\n")


@pytest.mark.external
@pytest.mark.parametrize("program", ["socat"], indirect=True)
def test_echo_can_be_switched_off(terminal):
    terminal.type("ATE0")
    assert "AT+CSQ\r" not in terminal.type("AT+CSQ")
