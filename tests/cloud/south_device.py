"""A device of the tests: speaks the southbound protocol and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
from typing import Any

import httpx

STATUSES = {
    "received": 1,
    "confirmed": 2,
    "refused": 3,
    "ready": 4,
    "downloading": 5,
    "download failed": 6,
    "downloaded": 8,
    "updating": 9,
    "succeeded": 11,
    "failed": 12,
}


class SouthDevice:
    """One device; `http` is closed by whoever made it."""

    def __init__(self, http: httpx.Client, product: dict[str, Any], dk: str, version: str = "V1") -> None:
        self.http = http
        self.product = product
        self.dk = dk
        self.version = version
        self.mcu: dict[str, str] = {}
        self.readings: dict[str, int] = {"battery": 80, "signal": -80, "voltage_mv": 3300, "free_space": 500_000}
        self.secret = ""
        self.session = ""
        self._nonces = (secrets.token_hex(8) for _ in itertools.count())

    def call(self, method: str, path: str, json: Any = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.session}"} if self.session else {}
        return self.http.request(
            method, f"/south/v1{path}", json=json, headers={**headers, **more.pop("headers", {})}, **more
        )

    def signed(self, secret: str) -> dict[str, str]:
        nonce, pk = next(self._nonces), self.product["product_key"]
        text = f"{pk}\n{self.dk}\n{nonce}".encode()
        signature = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        return {"product_key": pk, "device_key": self.dk, "nonce": nonce, "signature": signature}

    @property
    def versions(self) -> dict[str, Any]:
        return {"module_version": self.version, "mcu_versions": self.mcu}

    def authenticate(self) -> SouthDevice:
        answer = self.call("POST", "/authenticate", self.signed(self.product["product_secret"]))
        assert answer.status_code == 200, answer.text
        self.secret = answer.json()["device_secret"]
        return self

    def connect(self) -> SouthDevice:
        body = {**self.signed(self.secret), **self.versions, "model": "BC25", "status": self.readings}
        answer = self.call("POST", "/connect", body)
        assert answer.status_code == 200, answer.text
        self.session = answer.json()["session"]
        return self

    def up(self) -> SouthDevice:
        return self.authenticate().connect()

    def request(self) -> list[dict[str, Any]]:
        answer = self.call("POST", "/ota/request", {**self.versions, "sha256": False, "status": self.readings})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["tasks"])

    def status(self, task: dict[str, Any], name: str, progress: int | None = None) -> httpx.Response:
        body = {"task": task["task"], "status": STATUSES[name], "progress": progress, **self.versions}
        return self.call("POST", "/ota/status", body)

    def told(self, task: dict[str, Any], *names: str) -> dict[str, Any]:
        """Reports states that must all be accepted; returns the last answer."""
        answer: dict[str, Any] = {}
        for name in names:
            response = self.status(task, name)
            assert response.status_code == 200, f"{name}: {response.text}"
            answer = response.json()
        return answer

    def report(self) -> None:
        answer = self.call("POST", "/report", {**self.versions, "status": self.readings})
        assert answer.status_code == 200, answer.text

    def poll(self, wait: float = 0.0) -> list[dict[str, Any]]:
        answer = self.call("GET", f"/messages?wait={wait}", timeout=70.0)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["messages"])

    def upgrade(self, task: dict[str, Any], version: str | None = None) -> None:
        """A whole module upgrade; `version` is what the module comes back with."""
        self.told(task, "received", "confirmed", "ready", "downloading", "downloaded", "updating")
        self.version = task["target_version"] if version is None else version
        self.connect()
        self.told(task, "succeeded")
