"""The guardian restores the safe state when a run dies, and only then."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from pytest_quecfota.rig import guardian as guardians
from pytest_quecfota.rig.guardian import Guardian

SAFE = ["ABOR", "VOLT 3.3,(@1)", "OUTP ON,(@1)"]
RUN = """
import json, sys
from pytest_quecfota.rig.guardian import Guardian
guardian = Guardian.start(json.loads(sys.argv[1]))
print(guardian.pid, flush=True)
word = sys.stdin.readline()
if word == "bye\\n": guardian.dismiss()
"""


class FakeSupply:
    """A socket that takes lines; `wait_for` blocks until so many lines of one link came."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def visa(self) -> str:
        return f"TCPIP::127.0.0.1::{self._server.getsockname()[1]}::SOCKET"

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                link, _ = self._server.accept()
                with link, link.makefile("rb") as lines:
                    for line in lines:
                        with self._changed:
                            self._lines.append(line.decode().rstrip("\n"))
                            self._changed.notify_all()
                        if line.endswith(b"?\n"):
                            link.sendall(b"1\n")

    def wait_for(self, count: int, limit: float) -> list[str]:
        with self._changed:
            self._changed.wait_for(lambda: len(self._lines) >= count, limit)
            return list(self._lines)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)


@pytest.fixture
def supply():
    made = FakeSupply()
    yield made
    made.close()


@pytest.fixture
def run(supply):
    """A run with a guardian, and the guardian's pid."""
    restore = json.dumps([{"visa": supply.visa, "messages": SAFE}])
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, restore], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    process.guardian = int(process.stdout.readline())
    yield process
    process.kill()
    process.communicate()
    ended(process.guardian)


def ended(pid: int, limit: float = 5.0) -> bool:
    """Whether the process ends within the limit; it is not our child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], limit)[0])
    finally:
        os.close(handle)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_a_run_that_is_killed_leaves_a_safe_supply_within_two_seconds(supply, run, number):
    began = time.monotonic()
    run.send_signal(number)
    assert supply.wait_for(len(SAFE), 2.0) == SAFE
    assert time.monotonic() - began < 2.0
    assert ended(run.guardian)


def test_a_run_that_ends_without_a_word_leaves_a_safe_supply(supply, run):
    run.communicate(b"\n")
    assert supply.wait_for(len(SAFE), 2.0) == SAFE


def test_a_run_that_says_goodbye_leaves_the_supply_alone(supply, run):
    run.communicate(b"bye\n")
    assert ended(run.guardian)
    assert supply.wait_for(1, 0.0) == []


def test_ctrl_c_to_the_whole_group_does_not_take_the_guardian_along(supply, run):
    os.killpg(run.pid, signal.SIGINT)
    assert supply.wait_for(len(SAFE), 2.0) == SAFE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_guardian_is_deaf_to_what_ends_the_run(supply, run, number):
    os.kill(run.guardian, number)
    run.kill()
    assert supply.wait_for(len(SAFE), 2.0) == SAFE


def test_a_forked_child_that_lives_on_does_not_keep_it_waiting(supply):
    script = RUN.replace("word = ", "import os\nif os.fork() == 0: sys.stdin.read(); os._exit(0)\nword = ")
    restore = json.dumps([{"visa": supply.visa, "messages": SAFE}])
    reading, writing = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", script, restore], stdin=reading, stdout=subprocess.PIPE)
    os.close(reading)
    try:
        guardian = int(process.stdout.readline())
        process.kill()
        process.wait(5)
        assert supply.wait_for(len(SAFE), 2.0) == SAFE
    finally:
        os.close(writing)
        process.stdout.close()
    assert ended(guardian)


def test_what_it_would_send_can_be_replaced(supply, tmp_path):
    note = tmp_path / "guardian.log"
    with Guardian.start([{"visa": supply.visa, "messages": ["VOLT 1"]}]) as guardian:
        guardian.update([{"visa": supply.visa, "messages": ["VOLT 2", "*OPC?"], "gap": 0.01}], note)
        guardian._process.stdin.close()
        assert supply.wait_for(2, 2.0) == ["VOLT 2", "*OPC?"]
        guardian._process.wait(5)
    words = json.loads(note.read_text())
    assert words["instruments"] == [{"visa": supply.visa, "sent": ["VOLT 2", "*OPC?"], "error": None}]


def test_dismissing_twice_does_no_harm(supply):
    guardian = Guardian.start([{"visa": supply.visa, "messages": SAFE}])
    guardian.dismiss()
    guardian.dismiss()
    assert supply.wait_for(1, 0.0) == []


def test_an_instrument_that_is_gone_is_noted_and_does_not_delay_the_others(supply, tmp_path):
    note = tmp_path / "note"
    gone = "TCPIP::127.0.0.1::1::SOCKET"
    instruments = [{"visa": gone, "messages": ["X"]}, {"visa": supply.visa, "messages": SAFE}]
    began = time.monotonic()
    guardians.restore(instruments, str(note), limit=0.6)
    assert time.monotonic() - began < 2.0
    words = json.loads(note.read_text())["instruments"]
    assert words[0]["sent"] == []
    assert "ConnectionRefusedError" in words[0]["error"]
    assert words[1] == {"visa": supply.visa, "sent": SAFE, "error": None}


def test_its_start_needs_none_of_the_rig_rooms_libraries():
    heavy = ["pydantic", "yaml", "pyvisa", "pytest", "serial"]
    script = f"import sys, pytest_quecfota.rig.guardian; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_an_instrument_on_a_serial_line_is_reached_through_visa(tmp_path):
    ours, theirs = pty.openpty()
    note = tmp_path / "note"
    try:
        visa = f"ASRL{os.ttyname(theirs)}::INSTR"
        guardians.restore([{"visa": visa, "messages": ["VSET1:3.30", "OUT1"], "gap": 0.05}], str(note), limit=5.0)
        assert os.read(ours, 100) == b"VSET1:3.30\nOUT1\n"
    finally:
        os.close(ours)
        os.close(theirs)
    assert json.loads(note.read_text())["instruments"][0]["error"] is None
