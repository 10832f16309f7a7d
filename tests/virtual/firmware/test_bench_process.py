"""The bench as a process: its ready line, its control API, upgrades against the Developer Center, nothing left behind."""

import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bench_process import Answer, Running, bench, image
from strict_client import Strict

KEYS = {"ready", "at", "supply", "developer_center", "token", "product_key", "product_secret", "device_key", "control"}


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """One bench for all tests that leave it connected and idle."""
    began = time.monotonic()
    with bench(speed="max") as up:
        assert time.monotonic() - began < 8
        yield up


@pytest.fixture
def client(running: Running) -> Iterator[Strict]:
    """The module's port, the module ready and connected."""
    made = Strict(running.ready["at"])
    until(lambda: running.truth()["state"] == "running", 5)
    made.command("AT")
    if running.truth()["connection"] != 8:
        ready = running.ready
        made.ok(f'AT+QIOTCFG="productinfo","{ready["product_key"]}","{ready["product_secret"]}"')
        made.ok("AT+QIOTREG=2")
        made.until(rb"3,10200\r\n")
    yield made
    made.close()


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Ask again and again until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to hold"
        select.select([], [], [], 0.01)


def scpi(running: Running, text: str) -> str:
    """One message to the supply, and the answer where it asks."""
    _, host, port, _ = running.ready["supply"].split("::")
    with socket.create_connection((host, int(port)), 5) as instrument, instrument.makefile("r") as answers:
        instrument.sendall(text.encode() + b"\n*OPC?\n")
        return "".join(answers.readline() for _ in range(1 + text.count("?")))


def test_the_ready_line_has_all_its_keys(running: Running) -> None:
    assert set(running.ready) == KEYS
    assert running.ready["ready"] is True
    assert Path(running.ready["at"]).is_symlink()


def test_an_upgrade_against_the_developer_center(running: Running, client: Strict, tmp_path: Path) -> None:
    data = image(tmp_path, "BC25_FOTA_V2_0")
    running.component("BC25", "module")
    plan = running.plan({"identifier": "BC25", "package": running.package("BC25_FOTA_V2_0", data)})
    client.ok("AT+QIOTOTAREQ=1")
    client.until(rb'7,10700,"BC25","","BC25_FOTA_V2_0",30,-113,%d\r\n' % len(data))
    client.ok("AT+QIOTUPDATE=1")
    client.until(rb"RDY\r\n[\s\S]*7,10705\r\n[\s\S]*3,10200\r\n")
    assert client.ok("AT+CGMR") == b"BC25_FOTA_V2_0"
    truth = running.truth()
    assert (truth["version"], truth["image_digest"]) == ("BC25_FOTA_V2_0", hashlib.sha256(data).hexdigest())

    def upgraded() -> bool:
        devices = running.rest("GET", f"/plans/{plan}/devices")["items"]
        return bool(devices) and devices[0]["status"] == "Upgraded"

    until(upgraded, 5)


def test_a_sota_against_the_developer_center(running: Running, client: Strict) -> None:
    data = os.urandom(5000)
    client.ok('AT+QIOTMCUVER="STM32","1_0_0"')
    running.component("STM32", "mcu")
    running.plan({"identifier": "STM32", "package": running.package("2_0_0", data, "mcu")})
    client.ok("AT+QIOTOTAREQ=1")
    client.until(rb'7,10700,"STM32"[^\r]*\r\n')
    client.ok("AT+QIOTUPDATE=1")
    client.until(rb'7,10703,"STM32",5000,0,5000\r\n')
    read = b""
    while len(read) < len(data):
        read += _block(client, len(read))
    assert read == data
    client.ok("AT+QIOTUPDATE=3")
    client.until(rb"7,10704\r\n")
    client.ok('AT+QIOTMCUVER="STM32","2_0_0"')
    client.until(rb"7,10705\r\n")


def _block(client: Strict, start: int) -> bytes:
    client.write(b"AT+QIOTOTARD=%d,1024\r" % start)
    client.until(rb"\+QIOTOTARD: %d," % start)
    count = int(client.until(rb"\r\n"))
    data = client.take(count)
    assert client.take(8) == b"\r\n\r\nOK\r\n"
    return data


def test_the_supply_powers_the_module(running: Running, client: Strict) -> None:
    boots = running.truth()["boots"]
    scpi(running, "OUTP OFF,(@1)")
    until(lambda: not running.truth()["powered"], 5)
    scpi(running, "OUTP ON,(@1)")
    client.until(rb"\+CPIN: READY\r\n")
    client.until(rb"3,10200\r\n")
    assert running.truth()["boots"] == boots + 1


def test_control_turns_radio_line_clock_and_defects(running: Running, client: Strict) -> None:
    assert running.control("/radio", signal_dbm=-95) == {"signal_dbm": -95, "attached": True, "loss": 0}
    assert client.ok("AT+CSQ") == b"+CSQ: 9,99"
    running.control("/radio", signal_dbm=-85)
    running.control("/defects", names=["silent"])
    client.write(b"AT\r")
    assert client.silence(0.05) == b""
    assert running.control("/defects", names=[]) == {"names": []}
    running.control("/line", duplicate=1)
    client.write(b"AT\r")
    client.until(rb"OK\r\n\r\nOK\r\n")
    assert running.control("/line", duplicate=0)["duplicate"] == 0
    before = running.control("/clock", speed=1)["now"]
    stepped = running.control("/clock", step=100)
    assert 100 <= stepped["now"] - before < 105
    assert stepped["speed"] == 1
    assert running.control("/clock", speed="max", step=0)["speed"] == "max"


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/radio", {"loss": 2}, "loss: "),
        ("/radio", {"signal": -85}, "signal: "),
        ("/line", {"drop": -1}, "drop: "),
        ("/clock", {"speed": 0}, "speed"),
        ("/clock", {"step": -1}, "step: "),
        ("/defects", {"names": ["nosuch"]}, "nosuch: "),
        ("/defects", {}, "names: "),
    ],
)
def test_control_refuses_what_cannot_be(running: Running, path: str, body: dict[str, object], named: str) -> None:
    with pytest.raises(Answer) as refused:
        running.control(path, **body)
    assert refused.value.status == 422
    assert named in json.loads(refused.value.body)["detail"]


@pytest.mark.external
@pytest.mark.skipif(not shutil.which("gammu"), reason="gammu is not installed (Debian package gammu)")
def test_gammu_identifies_the_module(running: Running, client: Strict, tmp_path: Path) -> None:
    del client
    config = tmp_path / "gammurc"
    config.write_text(f"[gammu]\ndevice={running.ready['at']}\nconnection=at115200\n")
    done = subprocess.run(
        ["gammu", "-c", str(config), "--identify"], capture_output=True, text=True, timeout=30, check=True
    )
    shown = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in done.stdout.splitlines())}
    assert shown["Manufacturer"] == "Quectel_Ltd"
    assert "BC25" in shown["Model"]
    assert shown["Firmware"].startswith("BC25_FOTA_V")
    assert shown["IMEI"] == running.ready["device_key"]


def folders() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("quecfota-bench-*"))


def test_a_bench_on_a_socket_speaks_the_same_and_sigterm_ends_everything_within_two_seconds() -> None:
    before = folders()
    with bench(module={"transport": "socket"}, speed="max") as up:
        assert folders() - before
        host, port = up.ready["at"].removeprefix("socket://").split(":")
        until(lambda: up.truth()["state"] == "running", 5)
        with socket.create_connection((host, int(port)), 5) as line:
            line.sendall(b"ATE0\rATI\r")
            text = b""
            while not text.endswith(b"VIRTUALR01A01\r\n\r\nOK\r\n"):
                text += line.recv(1000)
        center = up.ready["developer_center"].removeprefix("http://").split(":")
        began = time.monotonic()
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(5) == 0
        assert time.monotonic() - began < 2
    assert not folders() - before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((center[0], int(center[1])), 1)


def test_the_death_of_its_parent_ends_the_bench() -> None:
    before = folders()
    parent = subprocess.Popen(["sleep", "60"])
    with bench(parent=parent.pid) as up:
        parent.kill()
        parent.wait()
        assert up.process.wait(5) == 0
    assert not folders() - before


def test_what_a_killed_bench_left_is_swept_and_its_developer_center_ends() -> None:
    before = folders()
    with bench() as up:
        center = up.ready["developer_center"].removeprefix("http://").split(":")
        up.process.kill()
        up.process.wait(5)
        assert folders() - before

    def gone() -> bool:
        try:
            socket.create_connection((center[0], int(center[1])), 1).close()
        except ConnectionRefusedError:
            return True
        return False

    until(gone, 5)
    with bench():
        assert len(folders() - before) == 1
    assert not folders() - before


def test_state_is_kept_between_two_benches(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    keys = []
    for connects in (True, False):
        with bench(state=state, speed="max") as up:
            client = Strict(up.ready["at"])
            keys.append((up.ready["product_key"], up.ready["product_secret"]))
            until(lambda up=up: up.truth()["state"] == "running", 5)
            if connects:
                client.command("AT")
                client.ok(f'AT+QIOTCFG="productinfo","{keys[0][0]}","{keys[0][1]}"')
                client.ok("AT+QIOTREG=2")
            text = client.until(rb"3,10200\r\n", 10)
            assert (b"1,10200" in text) == connects
            client.close()
    assert keys[0] == keys[1]
