"""`quecfota bench` and `quecfota cloud` as processes: where they are, and that nothing is left when they are told to stop."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

KEYS = {"ready", "at", "supply", "developer_center", "token", "product_key", "product_secret", "device_key", "control"}
LIMIT = 30.0  # real seconds


def ready_line(running: subprocess.Popen[bytes]) -> bytes:
    assert running.stdout is not None
    assert select.select([running.stdout], [], [], LIMIT)[0], "no ready line"
    return running.stdout.readline()


def processes_of(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += processes_of(int(child))
    return found


def gone(pid: int) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 5)[0])
    finally:
        os.close(handle)


def status_of(url: str, token: str) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_bench_says_where_it_is_and_leaves_nothing_when_told_to_stop(start):
    before = set(Path(tempfile.gettempdir()).iterdir())
    running = start("bench", "--rig", "virtual", "--json")
    ready = json.loads(ready_line(running))
    assert set(ready) == KEYS
    assert ready["ready"] is True
    assert Path(ready["at"]).is_char_device()
    assert re.fullmatch(r"TCPIP::127\.0\.0\.1::\d+::SOCKET", ready["supply"])
    with urllib.request.urlopen(ready["control"] + "/truth", timeout=10) as answer:
        assert json.load(answer)["powered"] is True
    everybody = processes_of(running.pid)
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0
    assert [pid for pid in everybody if not gone(pid)] == []
    assert not Path(ready["at"]).is_symlink()
    assert set(Path(tempfile.gettempdir()).iterdir()) - before == set()


def test_a_bench_for_people_says_the_same_in_words_until_they_interrupt_it(start, folder):
    running = start("bench", "--rig", "virtual", "--state", "kept")
    lines = [ready_line(running).decode() for _ in KEYS]
    assert {line.split()[0] for line in lines} == KEYS
    everybody = processes_of(running.pid)
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 0
    assert [pid for pid in everybody if not gone(pid)] == []
    assert any((folder / "kept").iterdir()), "--state keeps what the module has in its flash"


def test_a_bench_that_dies_is_no_answer_and_is_told(start):
    running = start("bench", "--rig", "virtual", "--json")
    ready_line(running)
    everybody = processes_of(running.pid)
    os.kill(everybody[1], signal.SIGKILL)
    assert running.wait(10) == 3
    assert running.stderr is not None
    assert b"died (signal SIGKILL)" in running.stderr.read()
    assert [pid for pid in everybody if not gone(pid)] == []


def test_a_folder_that_cannot_be_written_is_told_without_a_traceback(process):
    said = process("bench", "--rig", "virtual", "--state", "/proc/nowhere")
    assert said.code in {2, 3}
    assert "/proc/nowhere" in said.err
    assert "Traceback" not in said.err


def test_the_cloud_says_where_it_is_and_takes_its_token_only(start):
    running = start("cloud", "--json")
    ready = json.loads(ready_line(running))
    assert set(ready) == {"ready", "url", "token"}
    assert [status_of(ready["url"] + "/api/v1/projects", token) for token in (ready["token"], "wrong")] == [200, 401]
    running.send_signal(signal.SIGTERM)
    assert running.wait(10) == 0


def test_the_cloud_for_people_prints_one_line(start):
    running = start("cloud", "--data", "kept")
    assert b"http://127.0.0.1:" in ready_line(running)
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 0
    assert running.stdout is not None
    assert running.stdout.read() == b""


def test_a_port_that_is_taken_is_told_without_a_traceback(process):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = process("cloud", "--port", taken.getsockname()[1])
    assert said.code != 0
    assert "cannot listen" in said.err
    assert "Traceback" not in said.err
