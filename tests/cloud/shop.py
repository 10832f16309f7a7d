"""Products, packages, components and plans for tests, each call with a name of its own."""

from __future__ import annotations

import datetime
import itertools
import time
from collections.abc import Callable
from typing import Any

import httpx
from south_device import SouthDevice

_NUMBERS = itertools.count(1)


def fresh(prefix: str) -> str:
    return f"{prefix}{next(_NUMBERS)}"


def eventually(look: Callable[[], Any], wanted: Any, seconds: float = 10.0) -> bool:
    """Looks again until the service's own ticker has done its part; each look is a call, so nothing spins."""
    deadline = time.monotonic() + seconds
    while look() != wanted:
        assert time.monotonic() < deadline, f"{look()!r} is not {wanted!r} after {seconds} s"
    return True


class Shop:
    """What a test needs of the platform; every call must succeed."""

    def __init__(self, http: httpx.Client, token: str, south: httpx.Client) -> None:
        self.http = http
        self.token = token
        self.south = south

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **more)

    def ok(self, method: str, path: str, **more: Any) -> Any:
        answer = self.call(method, f"/api/v1{path}", **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def refused(self, status: int, method: str, path: str, **more: Any) -> str:
        answer = self.call(method, f"/api/v1{path}", **more)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        return str(answer.json()["detail"])

    def step(self, minutes: float = 0, seconds: float = 0) -> None:
        answer = self.call("POST", "/control/clock", json={"step": minutes * 60 + seconds})
        assert answer.is_success, answer.text

    def now(self) -> str:
        return str(self.call("GET", "/control/clock").json()["now"])

    def later(self, minutes: float) -> str:
        """The platform's time, so many minutes from now."""
        return (datetime.datetime.fromisoformat(self.now()) + datetime.timedelta(minutes=minutes)).isoformat()

    def wait_for_plan(self, plan: dict[str, Any], status: str) -> None:
        """Waits until the service's ticker has moved a plan."""
        eventually(lambda: self.shown(plan)["status"], status)

    def product(self) -> dict[str, Any]:
        return dict(self.ok("POST", "/products", json={"name": fresh("product")}))

    def device(self, product: dict[str, Any], version: str = "V1", dk: str | None = None) -> SouthDevice:
        return SouthDevice(self.south, product, dk or fresh("device"), version)

    def package(self, target: str = "V2", **more: Any) -> dict[str, Any]:
        content = more.pop("content", b"firmware " + target.encode() * 100)
        data = {"name": fresh("package"), "component_type": "module", "target_version": target, **more}
        return dict(self.ok("POST", "/packages", data=data, files=[("files", ("image.bin", content))]))

    def component(self, kind: str = "module") -> str:
        identifier = fresh(kind.upper())
        self.ok("POST", "/components", json={"name": identifier, "identifier": identifier, "type": kind})
        return identifier

    def plan(self, product: dict[str, Any], *, activate: bool = True, **fields: Any) -> dict[str, Any]:
        if "components" not in fields:
            target = fields.pop("target", "V2")
            fields["components"] = [{"identifier": self.component(), "package": self.package(target)["id"]}]
        wanted = {"name": fresh("plan"), "product_key": product["product_key"], **fields}
        plan = self.ok("POST", "/plans", json=wanted)
        return dict(self.ok("POST", f"/plans/{plan['id']}/activate")) if activate else dict(plan)

    def act(self, plan: dict[str, Any], action: str) -> dict[str, Any]:
        return dict(self.ok("POST", f"/plans/{plan['id']}/{action}"))

    def shown(self, plan: dict[str, Any]) -> dict[str, Any]:
        return dict(self.ok("GET", f"/plans/{plan['id']}"))

    def state(self, plan: dict[str, Any], device: SouthDevice | str) -> dict[str, Any]:
        dk = device if isinstance(device, str) else device.dk
        return dict(self.ok("GET", f"/plans/{plan['id']}/devices/{dk}"))

    def statuses(self, plan: dict[str, Any], device: SouthDevice) -> tuple[str, list[str]]:
        state = self.state(plan, device)
        return state["status"], [component["status"] for component in state["components"]]

    def log(self, plan: dict[str, Any], device: SouthDevice) -> list[str]:
        lines = self.ok("GET", f"/plans/{plan['id']}/devices/{device.dk}/log")["items"]
        return [line["text"] for line in lines]
