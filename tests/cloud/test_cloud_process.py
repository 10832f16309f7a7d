"""The service as a process: starting, ending, dying, coming back."""

from __future__ import annotations

import signal
import sqlite3
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cloud_process import CloudProcess
from shop import Shop

from pytest_quecfota.cloud import migrations, tables
from pytest_quecfota.cloud.center import Center
from pytest_quecfota.cloud.clock import MappedClock, OwnClock
from pytest_quecfota.cloud.store import CannotOpen, Store


def client(process: CloudProcess) -> httpx.Client:
    return httpx.Client(base_url=process.url, timeout=10, verify=False)


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    first = CloudProcess(tmp_path)
    with client(first) as http:
        shop = Shop(http, first.token, http)
        product = shop.product()
        plan = shop.plan(product)
        device = shop.device(product).up()
        (task,) = device.request()
        device.told(task, "received", "confirmed", "downloading")
        shown, log = shop.shown(plan), shop.log(plan, device)
    assert first.stop() == (0, "")
    second = CloudProcess(tmp_path)
    with client(second) as http:
        again = Shop(http, second.token, http)
        assert again.shown(plan) == shown
        assert again.log(plan, device) == log
        assert http.get("/api/v1/plans", headers={"Authorization": f"Bearer {first.token}"}).status_code == 401
        device.http = http
        assert device.call("POST", "/report", {}).json()["code"] == 10473
        device.connect().told(task, "downloaded", "updating")
        device.version = "V2"
        device.connect().told(task, "succeeded")
        assert again.statuses(plan, device)[0] == "Upgraded"
    assert second.stop() == (0, "")


def test_what_a_crash_leaves_of_an_upload_is_removed_at_the_next_start(tmp_path: Path) -> None:
    Center(tmp_path, OwnClock()).close()
    (tmp_path / "incoming" / "half").write_bytes(b"half an upload")
    (tmp_path / "files" / ("0" * 64)).write_bytes(b"a file without a row")
    Center(tmp_path, OwnClock()).close()
    assert [*(tmp_path / "incoming").iterdir(), *(tmp_path / "files").iterdir()] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_within_two_seconds_with_open_polls_and_streams(tmp_path: Path, number: signal.Signals) -> None:
    process = CloudProcess(None, env={"TMPDIR": str(tmp_path)})
    assert [p.name.startswith("quecfota-cloud-") for p in tmp_path.iterdir()] == [True]
    with client(process) as http, client(process) as other, ThreadPoolExecutor(1) as pool:
        shop = Shop(http, process.token, other)
        product = shop.product()
        plan = shop.plan(product)
        device = shop.device(product).up()
        headers = {"Authorization": f"Bearer {process.token}"}
        with http.stream("GET", f"/api/v1/plans/{plan['id']}/events", headers=headers) as stream:
            next(stream.iter_lines())
            poll = pool.submit(device.poll, 60)
            begin = time.monotonic()
            process.process.send_signal(number)
            assert process.ended() == (0, "")
            assert time.monotonic() - begin < 2.0
            try:
                assert poll.result(timeout=10) == []
            except httpx.TransportError:
                pass  # the poll had not arrived yet
    assert list(tmp_path.iterdir()) == [], "a data directory of its own ends with the service"


def test_a_token_is_stored_hashed_only_and_ends_with_the_next_start(tmp_path: Path) -> None:
    center = Center(tmp_path, OwnClock(), "a token of my own")
    assert center.admits("a token of my own")
    center.close()
    assert b"a token of my own" not in b"".join(p.read_bytes() for p in tmp_path.iterdir() if p.is_file())
    center = Center(tmp_path, OwnClock())
    assert not center.admits("a token of my own")
    assert center.admits(center.token)
    center.close()


def test_a_port_in_use_is_said_in_one_line(service: CloudProcess, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"cannot listen on 127.0.0.1:\d+"):
        CloudProcess(tmp_path, "--port", service.url.rsplit(":", 1)[1])


def test_the_migrated_tables_are_those_the_program_uses(tmp_path: Path) -> None:
    Store(tmp_path / "a.sqlite").close()
    Store(tmp_path / "a.sqlite").close()
    connection = sqlite3.connect(tmp_path / "a.sqlite")
    try:
        for table in tables.METADATA.sorted_tables:
            made = {row[1]: bool(row[3]) for row in connection.execute(f"PRAGMA table_info({table.name})")}
            assert set(made) == {column.name for column in table.columns}
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [
            (n,) for n in range(1, len(migrations.STEPS) + 1)
        ]
        connection.execute("INSERT INTO schema_version VALUES (999)")
        connection.commit()
    finally:
        connection.close()
    with pytest.raises(CannotOpen, match="of version 999"):
        Store(tmp_path / "a.sqlite")


def published(path: Path, sequence: int = 2, module: float = 0.0, speed: float = 0.0) -> None:
    path.write_bytes(struct.pack("<Qdddd", sequence, time.monotonic(), module, speed, 1_000_000.0))


def test_the_clock_of_a_bench_is_read_at_every_call(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    published(path, module=100.0)
    clock = MappedClock(path)
    try:
        assert clock.now() == 1_000_100.0
        with path.open("r+b") as file:
            file.write(struct.pack("<Qdddd", 4, time.monotonic(), 7300.0, 0.0, 1_000_000.0))
        assert clock.now() == 1_007_300.0
        with path.open("r+b") as file:
            file.write(struct.pack("<Qdddd", 6, time.monotonic() - 10, 0.0, 60.0, 1_000_000.0))
        assert clock.now() == pytest.approx(1_000_600.0, abs=30.0)
        with path.open("r+b") as file:
            file.write(struct.pack("<Qdddd", 8, time.monotonic() - 10, 5.0, float("inf"), 1_000_000.0))
        assert clock.now() == 1_000_005.0
    finally:
        clock.close()


def test_ones_own_clock_steps_and_keeps_its_time_when_its_speed_changes() -> None:
    clock = OwnClock()
    begin = clock.now()
    clock.set(0.0, 7200.0)
    assert clock.now() == pytest.approx(begin + 7200.0, abs=5.0)
    frozen = clock.now()
    clock.set(1.0, None)
    assert clock.now() == pytest.approx(frozen, abs=5.0)


def test_a_service_of_a_bench_follows_its_clock_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    published(path)
    token = {"OUR_TOKEN": "our own token"}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bench:
        options = ("--clock", str(path), "--token-env", "OUR_TOKEN")
        process = CloudProcess(tmp_path / "data", *options, parent=bench.pid, env=token)
        with client(process) as http:
            assert process.token == "our own token"
            shop = Shop(http, process.token, http)
            assert shop.now() == "1970-01-12T13:46:40.000+00:00"
            assert shop.call("POST", "/control/clock", json={"step": 1}).status_code == 409
            product = shop.product()
            shop.plan(product)
            device = shop.device(product).up()
            published(path, sequence=4, module=600.0)
            (message,) = device.poll(5)
            assert message["type"] == "plan"
        bench.kill()
        bench.wait(timeout=10)
    assert process.ended() == (0, "")
