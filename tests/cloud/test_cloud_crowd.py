"""Many devices at once through one plan, while people watch: every one ends right, and a thousand cost as much each as a
hundred.

`QUECFOTA_CLOUD_DEVICES=2000 pytest tests/cloud/test_cloud_crowd.py` takes another number of devices.
"""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloud_process import CloudProcess
from quick_client import QuickClient
from shop import Shop
from south_device import SouthDevice

DEVICES = int(os.environ.get("QUECFOTA_CLOUD_DEVICES", "1000"))
FEW = 100
AT_ONCE = 8
"""Threads that play devices; each plays many, one step of one after one of another."""
GROWTH = 1.3
"""By how much the CPU time per device may grow from `FEW` devices to all of them."""
USABLE_SECONDS = 2.0
STEPS = ("received", "confirmed", "ready", "downloading", "downloaded", "updating")
NEVER_SEEN = "neverseen1"
Act = Callable[[SouthDevice], None]


def each(act: Act, devices: list[SouthDevice], clients: list[QuickClient]) -> None:
    """Does one step with all devices, several at a time; a client belongs to one thread."""

    def some(number: int) -> None:
        for device in devices[number::AT_ONCE]:
            device.http = clients[number]  # type: ignore[assignment]
            act(device)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(some, range(AT_ONCE)))


def begin(device: SouthDevice) -> None:
    device.up()
    tasks = device.request()
    device.task = tasks[0] if tasks else None  # type: ignore[attr-defined]


def begin_again(device: SouthDevice) -> None:
    (task,) = device.request()
    device.task = task  # type: ignore[attr-defined]
    device.told(task, *STEPS)


def end(device: SouthDevice) -> None:
    device.version = "V2"
    device.connect().told(device.task, "succeeded")  # type: ignore[attr-defined]


def tell(step: str) -> Act:
    return lambda device: device.told(device.task, step) and None  # type: ignore[attr-defined,func-returns-value]


def cpu_seconds(pid: int) -> float:
    """What a process has worked so far; unlike the clock it does not mind who else is at work on this machine."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Watched:
    """What somebody at the monitoring page has seen: how long each look took, and the newest state of each device."""

    looks: list[float] = dataclasses.field(default_factory=list)
    states: dict[str, str] = dataclasses.field(default_factory=dict)

    def slowest(self) -> float:
        return max(self.looks, default=0.0)


class Watcher:
    """Somebody at the monitoring page: what it asks for, again and again, and its stream of events."""

    def __init__(self, url: str, token: str, plan: str) -> None:
        self._base = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._plan = plan
        self._over = threading.Event()
        self._streaming = threading.Event()
        self.seen = Watched()
        self._threads = [threading.Thread(target=self._look), threading.Thread(target=self._listen)]
        for thread in self._threads:
            thread.start()
        assert self._streaming.wait(30)

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self._base, timeout=30, verify=False, headers=self._headers)

    def _look(self) -> None:
        with self._client() as http:
            while not self._over.wait(0.2):
                before = time.monotonic()
                for path in ("/", f"/api/v1/plans/{self._plan}", f"/api/v1/plans/{self._plan}/devices?limit=100"):
                    assert http.get(path).is_success
                self.seen.looks.append(time.monotonic() - before)

    def _listen(self) -> None:
        with self._client() as http, http.stream("GET", f"/api/v1/plans/{self._plan}/events") as stream:
            name, over = "", False
            for line in stream.iter_lines():
                self._streaming.set()
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif name == "device" and line.startswith("data: "):
                    device = json.loads(line.removeprefix("data: "))
                    self.seen.states[device["dk"]] = device["status"]
                elif name == "plan" and line.startswith("data: "):
                    over = '"Forced Terminated"' in line
                elif name == "counts" and over:  # what comes last of the news of one moment
                    return

    def close(self) -> Watched:
        """The plan is terminated, which ends the stream after all that was to be told."""
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=30)
        return self.seen


def crowd(shop: Shop, url: str, pid: int, clients: list[QuickClient], count: int) -> tuple[float, Watched]:
    """A plan with this many devices, a tenth of them black-listed and a tenth failing once.

    Returns the service's CPU seconds per device, and what was seen of the plan meanwhile.
    """
    product = shop.product()
    devices = [shop.device(product) for _ in range(count)]
    black, failing = devices[::10], devices[1::10]
    keys = [device.dk for device in devices]
    plan = shop.plan(product, whitelist=[*keys, NEVER_SEEN], blacklist=[d.dk for d in black])
    watcher = Watcher(url, shop.token, plan["id"])
    started = cpu_seconds(pid)
    try:
        each(begin, devices, clients)
        assert [d.dk for d in devices if not d.task] == [d.dk for d in black]  # type: ignore[attr-defined]
        chosen = [d for d in devices if d.task]  # type: ignore[attr-defined]
        for step in STEPS:
            each(tell(step), chosen, clients)
        each(tell("failed"), failing, clients)
        each(end, [d for d in chosen if d not in failing], clients)
        retried = shop.ok("POST", f"/plans/{plan['id']}/retry", json={})
        assert (sorted(retried["retried"]), retried["refused"]) == (sorted(d.dk for d in failing), [])
        each(begin_again, failing, clients)
        each(end, failing, clients)
        spent = (cpu_seconds(pid) - started) / count
        judge(shop, plan, {device.dk for device in chosen})
    finally:
        shop.act(plan, "terminate")
        seen = watcher.close()
    assert {dk for dk, status in seen.states.items() if status == "Upgraded"} == {device.dk for device in chosen}
    return spent, seen


def judge(shop: Shop, plan: dict[str, Any], chosen: set[str]) -> None:
    """Every device of the plan is where it belongs, and no other is in it."""
    found = shop.ok("GET", f"/plans/{plan['id']}/devices?limit=10000")["items"]
    assert {device["dk"]: device["status"] for device in found} == {
        **dict.fromkeys(chosen, "Upgraded"),
        NEVER_SEEN: "Not Upgraded",
    }
    shown = shop.shown(plan)
    assert (shown["counts"]["upgraded"], shown["counts"]["failed"], shown["success_rate"]) == (len(chosen), 0, 1.0)
    assert sum(device["retries"] for device in found) == len(range(1, len(chosen) * 10 // 9, 10))


@pytest.fixture
def clients(service: CloudProcess) -> Iterator[list[QuickClient]]:
    opened = [QuickClient(service.url) for _ in range(AT_ONCE)]
    yield opened
    for client in opened:
        client.close()


@pytest.mark.timeout(60 + DEVICES)
def test_a_crowd_goes_through_one_plan_and_each_device_costs_the_same(
    service: CloudProcess, shop: Shop, clients: list[QuickClient]
) -> None:
    pid = service.process.pid
    crowd(shop, service.url, pid, clients, FEW // 5)  # what is done once only is done before anything is measured
    few, _ = crowd(shop, service.url, pid, clients, FEW)
    many, seen = crowd(shop, service.url, pid, clients, DEVICES)
    costs = f"{many * 1000:.1f} ms of CPU each, {few * 1000:.1f} ms with {FEW}"
    print(f"{DEVICES} devices: {costs}; {len(seen.looks)} looks, the slowest {seen.slowest():.2f} s")
    assert many < few * GROWTH
    assert seen.looks
    assert seen.slowest() < USABLE_SECONDS, "the monitoring stays usable"
