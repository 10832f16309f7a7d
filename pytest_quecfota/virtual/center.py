"""The Developer Center of the bench: its process, and the product whose device the virtual module is.

Started as `python -m pytest_quecfota.cloud` on the bench's clock file; the product is made over its REST API. Where
the document names a running one instead (`kind: http`), only the product is made there.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from .document import CenterSpec, ModuleSpec
from .workspace import Workspace

_READY_SECONDS = 20.0
_END_SECONDS = 1.5
_CALL_SECONDS = 10.0


class CenterError(RuntimeError):
    """The Developer Center did not start, or does not take the product."""


class Center:
    """The platform. `url` and `token` are there once `ready` has returned."""

    def __init__(self, spec: CenterSpec, workspace: Workspace) -> None:
        self.url = (spec.url or "").rstrip("/")
        self.token = spec.token or ""
        self._process: subprocess.Popen[str] | None = None
        if spec.kind == "embedded":
            self._process = _start(workspace.center, workspace.clock)
        elif not self.url:
            raise CenterError(f"developer_center: kind {spec.kind!r} needs a url")

    def ready(self) -> None:
        """Wait until the process serves; blocks, at most until it ends or is ended."""
        if self._process is None or self._process.stdout is None:
            return
        line = self._process.stdout.readline()
        try:
            said = json.loads(line)
        except ValueError:
            raise CenterError(f"the Developer Center did not start: it said {line!r}") from None
        self.url, self.token = said["url"], said["token"]

    async def product(self, module: ModuleSpec, keys: Path) -> tuple[str, str]:
        """Make the product of the module's keys (or of new ones); returns product key and secret.

        Raises:
            CenterError: the platform refuses.
        """
        import httpx

        pk, ps = _keys(module, keys)
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=_CALL_SECONDS, trust_env=False
        ) as client:
            known = await client.get("/api/v1/products")
            if known.is_success and any(item.get("product_key") == pk for item in known.json()["items"]):
                return pk, ps
            body = {"name": f"{module.model} {pk}", "product_key": pk, "product_secret": ps}
            answer = await client.post("/api/v1/products", json=body)
        if not answer.is_success:
            raise CenterError(f"the Developer Center takes no product: {answer.status_code} {answer.text}")
        return pk, ps

    def close(self) -> None:
        """End the process if it is ours."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _start(data: Path, clock: Path) -> subprocess.Popen[str]:
    data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pytest_quecfota.cloud", "--host", "127.0.0.1", "--port", "0", "--json"]
    command += ["--data", str(data), "--clock", str(clock), "--parent", str(os.getpid())]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def _keys(module: ModuleSpec, keys: Path) -> tuple[str, str]:
    """Product key and secret: the document's, those of an earlier run on the same state, or new ones."""
    if module.product_key and module.product_secret:
        return module.product_key, module.product_secret
    if keys.exists():
        kept = json.loads(keys.read_text(encoding="utf-8"))
        return kept["product_key"], kept["product_secret"]
    made = {"product_key": f"p{secrets.token_hex(3)}", "product_secret": secrets.token_urlsafe(12)}
    keys.write_text(json.dumps(made), encoding="utf-8")
    return made["product_key"], made["product_secret"]
