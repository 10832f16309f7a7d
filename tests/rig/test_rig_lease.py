"""A rig is held by one run at a time, and freed whatever ends the holder."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rig_texts import HARDWARE

from pytest_quecfota.errors import LeaseLost, RigHeld
from pytest_quecfota.rig import lease as leases

LIMIT = 10.0


@pytest.fixture(autouse=True)
def run_directory(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("QUECFOTA_RUN_DIR", str(tmp_path / "run"))
    return tmp_path / "run"


@pytest.fixture
def rig(rig_files):
    return rig_files.load(HARDWARE)


@pytest.fixture
def other_process(tmp_path, rig):
    """A process that holds the rig until its standard input ends; its pid and how to end it."""
    script = (
        "import sys; from pytest_quecfota import rig; from pytest_quecfota.rig import lease\n"
        "held = lease.hold(rig.load(sys.argv[1], environ={}))\n"
        "print('held', flush=True)\n"
        "if sys.stdin.readline() == 'release\\n': held.release(); print('released', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, "rigs/bench.yaml"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_free_rig_is_held_and_let_go(rig, run_directory):
    with leases.hold(rig) as lease:
        assert lease.held
        lease.check()
        assert len(list(run_directory.iterdir())) == 2
    assert not lease.held
    assert list(run_directory.iterdir()) == []
    lease.release()


def test_the_lease_says_who_holds_it(rig, run_directory):
    with leases.hold(rig):
        words = [json.loads(path.read_text()) for path in run_directory.iterdir()]
    assert {word["what"] for word in words} == {"port /dev/ttyUSB9", "visa TCPIP::192.0.2.50::5025::SOCKET"}
    assert {(word["pid"], word["rig"]) for word in words} == {(os.getpid(), "bench")}


def test_nobody_else_can_read_the_folder(rig, run_directory):
    with leases.hold(rig):
        assert run_directory.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_to_is_refused(rig, run_directory):
    run_directory.mkdir()
    run_directory.chmod(0o777)
    with pytest.raises(PermissionError, match="only you"):
        leases.hold(rig)


def test_a_held_rig_says_who_since_when_and_how_to_wait(rig, other_process):
    with pytest.raises(RigHeld) as caught:
        leases.hold(rig)
    assert re.fullmatch(
        rf"rig 'bench' is held: port /dev/ttyUSB9 is in use by pid {other_process.pid} \(\S+@\S+\)"
        r" since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d: -c rigs/bench.yaml; --rig-wait SECONDS waits for it",
        str(caught.value),
    )


def test_a_wait_that_is_too_short_says_how_long_it_was(rig, other_process):
    with pytest.raises(RigHeld, match=r"waited 0\.2 s"):
        leases.hold(rig, wait=0.2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_rig_is_free_when_its_holder_dies(rig, other_process, number):
    other_process.send_signal(number)
    with leases.hold(rig, wait=LIMIT):
        pass


def test_waiting_ends_when_the_holder_lets_go_and_lives_on(rig, other_process):
    other_process.stdin.write("release\n")
    other_process.stdin.flush()
    with leases.hold(rig, wait=LIMIT):
        assert other_process.poll() is None


def test_a_rig_whose_second_part_is_held_leaves_the_first_one_free(rig_files, rig, run_directory):
    supply_only = rig_files.load(HARDWARE.replace("ttyUSB9", "ttyUSB1"))
    port_only = rig_files.load(HARDWARE.replace("192.0.2.50", "192.0.2.51"))
    with leases.hold(supply_only):
        with pytest.raises(RigHeld, match=r"visa TCPIP::192\.0\.2\.50"):
            leases.hold(rig)
        with leases.hold(port_only):
            pass


def test_rigs_that_share_nothing_are_held_together(rig_files, rig):
    other = rig_files.load(HARDWARE.replace("ttyUSB9", "ttyUSB1").replace("192.0.2.50", "192.0.2.51"))
    with leases.hold(rig), leases.hold(other):
        pass


def test_the_same_port_under_another_name_is_the_same_rig(rig_files, tmp_path):
    device, by_id = tmp_path / "ttyUSB0", tmp_path / "by-id"
    device.touch()
    by_id.symlink_to(device)
    names = [str(device), str(by_id), f"spy://{device}?file=x", str(tmp_path / "." / "ttyUSB0")]
    keys = {leases.keys(rig_files.load(HARDWARE.replace("/dev/ttyUSB9", f"'{name}'"))) for name in names}
    assert len(keys) == 1


def test_the_same_supply_in_other_letters_is_the_same(rig_files, rig):
    assert leases.keys(rig) == leases.keys(rig_files.load(HARDWARE.replace("TCPIP::", "tcpip::")))


def test_a_child_does_not_keep_the_rig(rig, other_process):
    """A holder that is killed frees the rig although a forked child of it lives on."""
    script = (
        "import os, sys; from pytest_quecfota import rig; from pytest_quecfota.rig import lease\n"
        "held = lease.hold(rig.load(sys.argv[1], environ={}), wait=10)\n"
        "child = os.fork()\n"
        "if child == 0: sys.stdin.read(); os._exit(0)\n"
        "print(child, flush=True); sys.stdin.read()\n"
    )
    other_process.kill()
    reading, writing = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", script, "rigs/bench.yaml"], stdin=reading, stdout=subprocess.PIPE, text=True
    )
    os.close(reading)
    try:
        child = int(parent.stdout.readline())
        watch = os.pidfd_open(child)
        parent.kill()
        parent.wait(LIMIT)
        with leases.hold(rig, wait=LIMIT):
            assert select.select([watch], [], [], 0)[0] == [], "the child lives"
    finally:
        os.close(writing)
        parent.stdout.close()
    assert select.select([watch], [], [], LIMIT)[0]
    os.close(watch)


def test_a_lease_that_somebody_removed_is_lost(rig, run_directory):
    with leases.hold(rig) as lease:
        for path in run_directory.iterdir():
            path.unlink()
        with pytest.raises(LeaseLost):
            lease.check()


def test_of_many_threads_one_holds_it_at_a_time(rig):
    inside, most, wrong = [0], [0], []

    def work():
        try:
            for _ in range(5):
                with leases.hold(rig, wait=LIMIT):
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                    inside[0] -= 1
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert (wrong, most) == ([], [1])


def test_a_full_disk_does_not_keep_a_rig_from_being_held(rig, monkeypatch):
    """The lock is what counts; what cannot be written down is only whose it is."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(leases.os, "pwrite", full)
    with leases.hold(rig), pytest.raises(RigHeld, match="in use by another run"):
        leases.hold(rig)
