"""A bench as its own process, and plain HTTP to its control API and Developer Center (nothing of the package's code)."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "speed": 60,
    "module": {"model": "BC25", "flavour": "nb", "version": "BC25_FOTA_V1_0"},
    "supply": {"profile": "keysight-e36300", "channel": 1, "nominal": {"voltage": 3.3, "current_limit": 1.0}},
}


class Answer(Exception):
    """The server said no; `status` and `body` are what it said."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status} {body!r}")
        self.status, self.body = status, body


def call(method: str, url: str, body: Any = None, token: str | None = None, kind: str = "application/json") -> Any:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": kind}, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise Answer(error.code, error.read()) from None
    return json.loads(text) if text else None


class Running:
    """A bench that is up: its process, and what it announced."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process, self.ready = process, ready

    def truth(self) -> dict[str, Any]:
        return call("GET", self.ready["control"] + "/truth")

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        return call("POST", self.ready["control"] + path, body)

    def rest(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        return call(method, self.ready["developer_center"] + "/api/v1" + path, body, self.ready["token"], kind)

    def package(self, target: str, data: bytes, component_type: str = "module", source: str = "") -> str:
        """Upload a package; returns its id."""
        fields = {
            "name": f"package {uuid.uuid4().hex[:8]}",
            "component_type": component_type,
            "package_type": "delta" if source else "full",
            "target_version": target,
            **({"source_version": source} if source else {}),
        }
        edge = uuid.uuid4().hex
        part = f"--{edge}\r\nContent-Disposition: form-data; name="
        body = "".join(f'{part}"{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()).encode()
        body += f'{part}"files"; filename="f.bin"\r\n\r\n'.encode() + data + f"\r\n--{edge}--\r\n".encode()
        return self.rest("POST", "/packages", body, f"multipart/form-data; boundary={edge}")["id"]

    def plan(self, *components: dict[str, Any], **fields: Any) -> str:
        """Make and activate a plan of the given components; returns its id."""
        plan = self.rest(
            "POST",
            "/plans",
            {
                "name": f"plan {uuid.uuid4().hex[:8]}",
                "product_key": self.ready["product_key"],
                "mode": "silent",
                "components": list(components),
                **fields,
            },
        )
        self.rest("POST", f"/plans/{plan['id']}/activate")
        return plan["id"]

    def component(self, identifier: str, kind: str) -> None:
        with contextlib.suppress(Answer):
            self.rest("POST", "/components", {"name": identifier, "identifier": identifier, "type": kind})


def image(folder: Path, version: str, model: str = "BC25", size: int = 40_000) -> bytes:
    """A firmware image, made by the bench's own command."""
    path = folder / f"{version}.bin"
    command = [sys.executable, "-m", "pytest_quecfota.virtual", "image", "--model", model, "--version", version]
    subprocess.run([*command, "--size", str(size), "-o", str(path)], check=True, timeout=20)
    return path.read_bytes()


@contextlib.contextmanager
def bench(**changes: Any) -> Iterator[Running]:
    """A bench of `DOCUMENT` with some keys replaced (`module` is merged); ended on the way out."""
    module = {**DOCUMENT["module"], **changes.pop("module", {})}
    document = {**DOCUMENT, **changes, "module": module}
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_quecfota.virtual", "--document", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps(document))
        process.stdin.close()
        line = process.stdout.readline()
        assert line, "the bench said nothing"
        yield Running(process, json.loads(line))
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
