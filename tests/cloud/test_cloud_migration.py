"""Data directories of other versions: an older one goes on where it stood, a newer or broken one is refused in one line."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from cloud_process import CloudProcess
from shop import Shop
from south_device import SouthDevice

from pytest_quecfota.cloud import migrations, tables
from pytest_quecfota.cloud.held import Held
from pytest_quecfota.cloud.store import CannotOpen

FIRST_VERSION = Path(__file__).parent / "data" / "first_version.sql"
CONTENT = b"firmware " + b"V2" * 100
APP = "/v2/quecota/enduserapi"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The data directory of a service of the first version, stopped in the middle of an upgrade."""
    with closing(sqlite3.connect(tmp_path / "center.sqlite")) as connection:
        connection.executescript(FIRST_VERSION.read_text())
    return tmp_path


@pytest.fixture
def shop(old: Path) -> Iterator[Shop]:
    """A service of today on the old data."""
    process = CloudProcess(old)
    with httpx.Client(base_url=process.url, timeout=10, verify=False) as http:
        yield Shop(http, process.token, http)
    assert process.stop() == (0, "")


def device(shop: Shop, dk: str) -> SouthDevice:
    secrets = {"dev1x": "bb693d0c6c7dcd653fd568469c29e60e", "dev2x": "60dd2bc914a45bb335092f720c122590"}
    found = SouthDevice(shop.south, {"product_key": "pkold", "product_secret": "secretold"}, dk)
    found.secret = secrets[dk]
    return found.connect()


def columns(path: Path) -> dict[str, set[str]]:
    with closing(sqlite3.connect(path)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} for name in names}


def test_the_stored_data_are_those_of_the_first_version(old: Path) -> None:
    """Otherwise the tests below would show nothing."""
    assert "auto_upgrade" not in columns(old / "center.sqlite")["devices"]
    with closing(sqlite3.connect(old / "center.sqlite")) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(1,)]


def test_an_upgrade_of_the_first_version_goes_on_and_ends_right(shop: Shop, old: Path) -> None:
    (plan,) = shop.ok("GET", "/plans?status=Upgrading")["items"]
    at_work = device(shop, "dev1x")
    before = shop.log(plan, at_work)
    assert shop.statuses(plan, at_work) == ("Upgrading", ["Downloading"])
    assert before[-1] == "Reported upgrade status of component BC25 : Downloading."
    task = {"task": "1", "target_version": "V2"}
    at_work.told(task, "downloaded", "updating")
    at_work.version = "V2"
    at_work.connect().told(task, "succeeded")
    assert shop.statuses(plan, at_work) == ("Upgraded", ["Upgrade Succeeded"])
    assert shop.log(plan, at_work)[: len(before)] == before
    made = columns(old / "center.sqlite")
    assert {t.name: {c.name for c in t.columns} for t in tables.METADATA.sorted_tables}.items() <= made.items()
    with closing(sqlite3.connect(old / "center.sqlite")) as connection:
        done = [row[0] for row in connection.execute("SELECT version FROM schema_version ORDER BY version")]
    assert done == list(range(1, len(migrations.STEPS) + 1))


def test_what_is_new_works_on_old_data(shop: Shop) -> None:
    waiting = device(shop, "dev2x")
    waiting.version = "V1"
    plan = next(p for p in shop.ok("GET", "/plans")["items"] if p["mode"] == "user-confirmed")
    shop.act(next(p for p in shop.ok("GET", "/plans")["items"] if p["mode"] == "silent"), "suspend")
    assert waiting.request() == []
    wanted = {"pk": "pkold", "dk": "dev2x", "autoUpgrade": True}
    assert shop.call("POST", f"{APP}/setAutoUpgradeSwitch", json=wanted).status_code == 200
    (task,) = waiting.request()
    waiting.upgrade(task)
    assert shop.statuses(plan, waiting)[0] == "Upgraded"
    named = {"pk": "pkold", "dk": "dev2x", "planId": plan["id"]}
    assert shop.call("POST", f"{APP}/deleteDeviceUpgrade", json=[named]).json()["data"]["successList"] == [named]


def test_data_of_a_newer_version_are_refused_and_left_as_they_are(old: Path) -> None:
    with closing(sqlite3.connect(old / "center.sqlite")) as connection:
        connection.execute("INSERT INTO schema_version VALUES (999)")
        connection.commit()
    before = columns(old / "center.sqlite")
    with pytest.raises(RuntimeError) as refused:
        CloudProcess(old)
    (line,) = str(refused.value).removeprefix("the service did not start: ").strip().splitlines()
    assert line.startswith(f"quecfota cloud: {old}: its data are of version 999, this program knows up to ")
    assert columns(old / "center.sqlite") == before


def test_a_migration_that_fails_changes_nothing(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pytest_quecfota.cloud.store import Store

    before = columns(old / "center.sqlite")
    steps = (*migrations.STEPS[:1], (migrations.STEPS[1][0], "ALTER TABLE nosuch ADD COLUMN x INTEGER"))
    monkeypatch.setattr(migrations, "STEPS", steps)
    with pytest.raises(Exception, match="nosuch"):
        Store(old / "center.sqlite")
    assert columns(old / "center.sqlite") == before


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: (path / "center.sqlite").write_bytes(b"no data base" * 100), "the data base cannot be read"),
        (lambda path: (path / "files").write_bytes(b""), "files"),
    ],
    ids=["no-data-base", "no-folder"],
)
def test_a_directory_that_cannot_be_used_is_said_in_one_line(tmp_path: Path, spoil: object, why: str) -> None:
    spoil(tmp_path)  # type: ignore[operator]
    with pytest.raises(RuntimeError) as refused:
        CloudProcess(tmp_path)
    (line,) = str(refused.value).removeprefix("the service did not start: ").strip().splitlines()
    assert line.startswith(f"quecfota cloud: {tmp_path}: ")
    assert why in line


def test_what_cannot_be_started_exits_with_the_code_of_wrong_use(old: Path) -> None:
    with closing(sqlite3.connect(old / "center.sqlite")) as connection:
        connection.execute("INSERT INTO schema_version VALUES (999)")
        connection.commit()
    command = [sys.executable, "-m", "pytest_quecfota.cloud", "--data", str(old)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_service_that_is_just_ending_is_waited_for(tmp_path: Path) -> None:
    """A bench that was killed is back before its platform has noticed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bench:
        first = CloudProcess(tmp_path, parent=bench.pid)
        bench.kill()
        bench.wait(timeout=10)
        again = CloudProcess(tmp_path)
    assert first.ended() == (0, "")
    assert again.stop() == (0, "")


def test_a_directory_is_free_again_once_its_service_is_closed(tmp_path: Path) -> None:
    first = Held(tmp_path)
    with pytest.raises(CannotOpen, match=f"process {os.getpid()}"):
        Held(tmp_path)
    first.close()
    Held(tmp_path).close()


def test_two_services_never_share_a_directory(tmp_path: Path) -> None:
    first = CloudProcess(tmp_path)
    try:
        with pytest.raises(RuntimeError, match=rf"another service \(process {first.process.pid}\) is at work in it"):
            CloudProcess(tmp_path)
    finally:
        first.kill()
    again = CloudProcess(tmp_path)  # one that was killed does not hold it any more
    assert again.stop() == (0, "")
