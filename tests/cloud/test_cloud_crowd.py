"""Many devices at once through one plan, and the service dying in the middle of it.

CI takes the short forms. The full ones, some five minutes:
`QUECFOTA_CLOUD_DEVICES=1000 QUECFOTA_CLOUD_KILLS=100 pytest tests/cloud/test_cloud_crowd.py`.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloud_process import CloudProcess
from shop import Shop, fresh
from south_device import SouthDevice

DEVICES = int(os.environ.get("QUECFOTA_CLOUD_DEVICES", "100"))
KILLS = int(os.environ.get("QUECFOTA_CLOUD_KILLS", "3"))
AT_ONCE = 8
"""Threads that play devices; each plays many, one step of one after one of another."""
GROWTH = 1.6
"""By how much the CPU time per device may grow from a fifth of the devices to all of them."""
USABLE_SECONDS = 2.0
STEPS = ("received", "confirmed", "ready", "downloading", "downloaded", "updating")
TOKEN = "the token of this test"


def each(act: Callable[[SouthDevice], None], devices: list[SouthDevice], clients: list[httpx.Client]) -> None:
    """Does one step with all devices, several at a time; a client belongs to one thread."""

    def some(number: int) -> None:
        for device in devices[number::AT_ONCE]:
            device.http = clients[number]
            act(device)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(some, range(AT_ONCE)))


def begin(device: SouthDevice) -> None:
    device.up()
    tasks = device.request()
    device.task = tasks[0] if tasks else None  # type: ignore[attr-defined]


def end(device: SouthDevice) -> None:
    device.version = "V2"
    device.connect().told(device.task, "succeeded")  # type: ignore[attr-defined]


def cpu_seconds(pid: int) -> float:
    """What a process has worked so far; unlike the clock it does not mind who else is at work on this machine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def crowd(shop: Shop, pid: int, clients: list[httpx.Client], count: int) -> tuple[float, float, dict[str, Any]]:
    """A plan with this many devices, a tenth of them black-listed and a tenth failing once.

    Returns the service's CPU seconds per device, the slowest look at the monitoring in seconds, and the plan's counts.
    """
    product = shop.product()
    devices = [shop.device(product) for _ in range(count)]
    black, failing = devices[::10], devices[1::10]
    keys = [device.dk for device in devices]
    plan = shop.plan(product, whitelist=[*keys, "neverseen1"], blacklist=[d.dk for d in black])
    looks: list[float] = []
    over = threading.Event()

    def watch() -> None:
        with httpx.Client(base_url=shop.http.base_url, timeout=30) as http:
            watching = Shop(http, shop.token, http)
            while not over.wait(0.2):
                before = time.monotonic()
                watching.ok("GET", f"/plans/{plan['id']}/devices?limit=100")
                looks.append(time.monotonic() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = cpu_seconds(pid)
    try:
        each(begin, devices, clients)
        assert [d.dk for d in devices if not d.task] == [d.dk for d in black]  # type: ignore[attr-defined]
        chosen = [d for d in devices if d.task]  # type: ignore[attr-defined]
        for step in STEPS:
            each(lambda d, step=step: d.told(d.task, step) and None, chosen, clients)  # type: ignore[misc]
        each(lambda d: d.told(d.task, "failed") and None, failing, clients)  # type: ignore[attr-defined]
        each(end, [d for d in chosen if d not in failing], clients)
        for device in failing:
            assert shop.statuses(plan, device)[0] == "Upgrade Failed"
            shop.ok("POST", f"/plans/{plan['id']}/devices/{device.dk}/retry")
        each(begin_again, failing, clients)
        each(end, failing, clients)
    finally:
        over.set()
        watcher.join(timeout=30)
    return (cpu_seconds(pid) - started) / count, max(looks, default=0.0), shop.shown(plan)["counts"]


def begin_again(device: SouthDevice) -> None:
    (task,) = device.request()
    device.task = task  # type: ignore[attr-defined]
    device.told(task, *STEPS)


@pytest.fixture
def clients(service: CloudProcess) -> Iterator[list[httpx.Client]]:
    opened = [httpx.Client(base_url=service.url, timeout=30, verify=False) for _ in range(AT_ONCE)]
    yield opened
    for client in opened:
        client.close()


@pytest.mark.timeout(60 + DEVICES)
def test_a_crowd_goes_through_one_plan_and_each_device_costs_the_same(
    service: CloudProcess, shop: Shop, clients: list[httpx.Client]
) -> None:
    pid = service.process.pid
    few, _, _ = crowd(shop, pid, clients, max(DEVICES // 5, 20))
    each_takes, slowest_look, counts = crowd(shop, pid, clients, DEVICES)
    costs = f"{each_takes * 1000:.1f} ms of CPU each, {few * 1000:.1f} ms with a fifth"
    print(f"{DEVICES} devices: {costs}; slowest look {slowest_look:.2f} s")
    black = len(range(0, DEVICES, 10))
    assert (counts["devices"], counts["upgraded"], counts["failed"]) == (DEVICES - black + 1, DEVICES - black, 0)
    assert each_takes < few * GROWTH + 0.005
    assert slowest_look < USABLE_SECONDS, "the monitoring stays usable"


class Mortal:
    """A service that is killed and comes back under the same address; devices wait for it and go on."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._up = threading.Condition()
        self._alive = True
        self.accepted = 0
        self.process = CloudProcess(data, "--token-env", "OUR_TOKEN", env={"OUR_TOKEN": TOKEN})
        self.url = self.process.url

    def kill_after(self, calls: int) -> None:
        """Kills the service once so many more calls were answered, and starts it again."""
        with self._up:
            wanted = self.accepted + calls
            assert self._up.wait_for(lambda: self.accepted >= wanted, 30)
            self._alive = False
        self.process.kill()
        port = self.url.rsplit(":", 1)[1]
        self.process = CloudProcess(self._data, "--token-env", "OUR_TOKEN", "--port", port, env={"OUR_TOKEN": TOKEN})
        with self._up:
            self._alive = True
            self._up.notify_all()

    def through(self, call: Callable[[], Any], again: Callable[[], Any] = lambda: None) -> Any:
        """Makes a call, over and over until it is answered; `again` comes first after a restart."""
        while True:
            try:
                answer = call()
            except (httpx.TransportError, Lost):
                with self._up:
                    assert self._up.wait_for(lambda: self._alive, 30)
                if call is not again:
                    self.through(again, again)
                continue
            with self._up:
                self.accepted += 1
                self._up.notify_all()
            return answer


class Lost(Exception):
    """The session is gone: the service was started anew."""


def report(device: SouthDevice, task: dict[str, Any], step: str) -> None:
    answer = device.status(task, step)
    if answer.status_code == 401:
        raise Lost
    assert answer.is_success, (device.dk, step, answer.text)


def ask(device: SouthDevice) -> list[dict[str, Any]]:
    answer = device.call("POST", "/ota/request", {**device.versions, "sha256": False, "status": device.readings})
    if answer.status_code == 401:
        raise Lost
    return list(answer.json()["tasks"])


def life(mortal: Mortal, product: dict[str, Any], secret_of: dict[str, str], dk: str) -> None:
    """A device from its connection to the new version, whatever happens to the service."""
    with httpx.Client(base_url=mortal.url, timeout=10, verify=False) as http:
        device = SouthDevice(http, product, dk)
        device.secret = secret_of[dk]
        mortal.through(device.connect)
        tasks: list[dict[str, Any]] = []
        while not tasks:
            tasks = mortal.through(lambda: ask(device), device.connect)
        for step in STEPS:
            mortal.through(lambda step=step: report(device, tasks[0], step), device.connect)
        device.version = "V2"
        mortal.through(device.connect, device.connect)
        mortal.through(lambda: report(device, tasks[0], "succeeded"), device.connect)


@pytest.mark.timeout(60 + 5 * KILLS)
def test_kill_9_at_random_moments_of_a_plan_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    moments = random.Random(int(os.environ.get("QUECFOTA_SEED", "1")))
    mortal = Mortal(tmp_path)
    try:
        for _ in range(KILLS):
            with httpx.Client(base_url=mortal.url, timeout=10, verify=False) as http:
                shop = Shop(http, TOKEN, http)
                product = shop.product()
                package = shop.package("V2")
                secret_of = {
                    dk: shop.device(product, dk=dk).authenticate().secret for dk in (fresh("mortal") for _ in range(4))
                }
                plan = shop.plan(product, components=[{"identifier": shop.component(), "package": package["id"]}])
            with ThreadPoolExecutor(len(secret_of)) as pool:
                lives = [pool.submit(life, mortal, product, secret_of, dk) for dk in secret_of]
                mortal.kill_after(moments.randint(1, 24))
                for one in lives:
                    one.result(timeout=60)
            with httpx.Client(base_url=mortal.url, timeout=10, verify=False) as http:
                shop = Shop(http, TOKEN, http)
                assert shop.ok("GET", f"/packages/{package['id']}") == package
                assert shop.shown(plan)["counts"]["upgraded"] == len(secret_of)
                for dk in secret_of:
                    log = "\n".join(
                        line["text"] for line in shop.ok("GET", f"/plans/{plan['id']}/devices/{dk}/log")["items"]
                    )
                    told = (
                        "Plan is Available",
                        "Device Confirmed",
                        "Waiting to Download",
                        "Downloading",
                        "Download Successful",
                        "Upgrading",
                    )
                    assert [word for word in told if word not in log] == []
    finally:
        mortal.process.kill()
