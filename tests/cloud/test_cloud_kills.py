"""`kill -9` of the service at random moments: what it has accepted is there afterwards, devices go on, the plan ends right.

CI takes the short form; the full one: `QUECFOTA_CLOUD_KILLS=100 pytest tests/cloud/test_cloud_kills.py`.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from cloud_nursery import Nursery
from quick_client import QuickClient
from shop import Shop, fresh
from south_device import SouthDevice

KILLS = int(os.environ.get("QUECFOTA_CLOUD_KILLS", "10"))
STEPS = ("received", "confirmed", "ready", "downloading", "downloaded", "updating")
TOKEN = "the-token-of-this-test"
ENDS = OSError, httpx.TransportError, http.client.HTTPException
PATIENCE = 60.0


class Lost(Exception):
    """The session is gone: the service was started anew."""


class Mortal:
    """A service that is killed and comes back under the same address; devices wait for it and go on."""

    def __init__(self, data: Path, nursery: Nursery) -> None:
        self.data = data
        self._nursery = nursery
        self._up = threading.Condition()
        self._alive = True
        self.accepted = 0
        self._service = self._start("0")
        self.url = self._service.url

    def _start(self, port: str) -> Any:
        return self._nursery.service("--data", str(self.data), "--port", port, "--token-env", "OUR_TOKEN")

    def kill_after(self, calls: int, moment: float) -> None:
        """Kills the service a moment (in seconds) after so many more calls were answered, and starts it again."""
        with self._up:
            wanted = self.accepted + calls
            assert self._up.wait_for(lambda: self.accepted >= wanted, PATIENCE)
            self._up.wait(moment)  # any moment of the next call is as good as another
            self._alive = False
        self._service.kill()
        self._service = self._start(self.url.rsplit(":", 1)[1])
        with self._up:
            self._alive = True
            self._up.notify_all()

    def through(self, call: Callable[[], Any], again: Callable[[], Any] = lambda: None) -> Any:
        """Makes a call, over and over until it is answered; `again` comes first after a restart."""
        while True:
            try:
                answer = call()
            except (*ENDS, Lost, ValueError):
                with self._up:
                    assert self._up.wait_for(lambda: self._alive, PATIENCE)
                if call is not again:
                    self.through(again, again)
                continue
            with self._up:
                self.accepted += 1
                self._up.notify_all()
            return answer

    def close(self) -> None:
        self._service.kill()


def told(device: SouthDevice, task: dict[str, Any], step: str) -> None:
    answer = device.status(task, step)
    if answer.status_code == 401:
        raise Lost
    assert answer.status_code == 200, (device.dk, step, answer.text)


def asked(device: SouthDevice) -> list[dict[str, Any]]:
    answer = device.call("POST", "/ota/request", {**device.versions, "sha256": False, "status": device.readings})
    if answer.status_code == 401:
        raise Lost
    return list(answer.json()["tasks"])


class Client:
    """A connection that is opened anew after each end of the service."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: QuickClient | None = None

    def request(self, *arguments: Any, **more: Any) -> Any:
        try:
            self._client = self._client or QuickClient(self._url)
            return self._client.request(*arguments, **more)
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def life(mortal: Mortal, product: dict[str, Any], secret: str, dk: str) -> None:
    """A device from its connection to the new version, whatever happens to the service."""
    client = Client(mortal.url)
    try:
        device = SouthDevice(client, product, dk)  # type: ignore[arg-type]
        device.secret = secret
        mortal.through(device.connect)
        tasks: list[dict[str, Any]] = []
        while not tasks:
            tasks = mortal.through(lambda: asked(device), device.connect)
        for step in STEPS:
            mortal.through(lambda step=step: told(device, tasks[0], step), device.connect)
        device.version = "V2"
        mortal.through(device.connect, device.connect)
        mortal.through(lambda: told(device, tasks[0], "succeeded"), device.connect)
    finally:
        client.close()


class Person:
    """Adds packages and makes plans as long as devices are at work; keeps what was answered as created."""

    def __init__(self, mortal: Mortal, product: dict[str, Any], component: str) -> None:
        self._mortal, self._product, self._component = mortal, product, component
        self.packages: list[tuple[dict[str, Any], bytes]] = []
        self.plans: list[dict[str, Any]] = []

    def work(self, over: threading.Event) -> None:
        with httpx.Client(base_url=self._mortal.url, timeout=10, verify=False) as client:
            shop = Shop(client, TOKEN, client)
            while not over.is_set():
                content = os.urandom(100_000)
                try:
                    package = shop.package("V3", content=content)
                    self.packages.append((package, content))
                    part = {"identifier": self._component, "package": package["id"]}
                    self.plans.append(shop.plan(self._product, components=[part], activate=False))
                except (*ENDS, ValueError):
                    over.wait(0.02)

    def check(self, shop: Shop, data: Path) -> None:
        """All that was answered is there, bytes included."""
        for package, content in self.packages:
            assert shop.ok("GET", f"/packages/{package['id']}") == package
            digest = package["files"][0]["sha256"]
            assert (data / "files" / digest).read_bytes() == content
            assert hashlib.sha256(content).hexdigest() == digest
        for plan in self.plans:
            assert {**shop.shown(plan), "counts": None} == {**plan, "counts": None}


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    os.environ["OUR_TOKEN"] = TOKEN
    try:
        opened = Nursery()
    finally:
        del os.environ["OUR_TOKEN"]
    yield opened
    opened.close()


@pytest.fixture
def mortal(tmp_path: Path, nursery: Nursery) -> Iterator[Mortal]:
    started = Mortal(tmp_path, nursery)
    yield started
    started.close()


@pytest.mark.timeout(60 + 6 * KILLS)
def test_kill_9_at_random_moments_of_a_plan_loses_nothing_that_was_accepted(mortal: Mortal) -> None:
    seed = int(os.environ.get("QUECFOTA_SEED", "1"))
    moments = random.Random(seed)
    accepted = 0
    for number in range(KILLS):
        accepted += one_plan(mortal, moments.randint(1, 40), moments.uniform(0, 0.02), f"kill {number} of seed {seed}")
    print(f"{KILLS} kills; {accepted} packages and plans were accepted meanwhile")
    assert accepted > KILLS, "a person has been at work"


def one_plan(mortal: Mortal, calls: int, moment: float, which: str) -> int:
    """A plan of four devices with one kill in it; returns how many packages and plans a person has made meanwhile."""
    with httpx.Client(base_url=mortal.url, timeout=30, verify=False) as client:
        shop = Shop(client, TOKEN, client)
        product, component = shop.product(), shop.component()
        package = shop.package("V2")
        secrets = {dk: shop.device(product, dk=dk).authenticate().secret for dk in (fresh("mortal") for _ in range(4))}
        plan = shop.plan(product, components=[{"identifier": component, "package": package["id"]}])
    person, over = Person(mortal, product, component), threading.Event()
    with ThreadPoolExecutor(len(secrets) + 1) as pool:
        busy = pool.submit(person.work, over)
        try:
            lives = [pool.submit(life, mortal, product, secret, dk) for dk, secret in secrets.items()]
            mortal.kill_after(calls, moment)
            for one in lives:
                one.result(timeout=PATIENCE)
        finally:
            over.set()
        busy.result(timeout=PATIENCE)
    with httpx.Client(base_url=mortal.url, timeout=30, verify=False) as client:
        shop = Shop(client, TOKEN, client)
        assert shop.ok("GET", f"/packages/{package['id']}") == package, which
        assert shop.shown(plan)["counts"]["upgraded"] == len(secrets), which
        for dk in secrets:
            lacking = [word for word in TOLD if word not in "\n".join(shop.log(plan, shop.device(product, dk=dk)))]
            assert lacking == [], f"{which}: {dk}"
        person.check(shop, mortal.data)
        assert list((mortal.data / "incoming").iterdir()) == []
    return len(person.packages) + len(person.plans)


TOLD = (
    "Plan is Available",
    "Device Confirmed",
    "Waiting to Download",
    "Downloading",
    "Download Successful",
    ": Upgrading",
    "consistent with the targeted version",
)
