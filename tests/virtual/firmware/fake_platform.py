"""A small platform for the module's southbound calls, scripted by the test: what it offers, whom it refuses, what was reported."""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "device-secret"


class FakePlatform:
    """Serves until closed. `refuse[path]` is a (status, code) a call is answered with; `reports` are (status, body)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.tasks: list[dict[str, Any]] = []
        self.refuse: dict[str, tuple[int, int]] = {}
        self.md5: str | None = None
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.arrived = threading.Condition()
        self._messages: list[dict[str, Any]] = []
        self._ended = False
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                self.answer(*platform.post(self.path.removeprefix("/south/v1"), body))

            def do_GET(self) -> None:
                if self.path.startswith("/south/v1/messages"):
                    self.answer(200, {"messages": platform.messages()})
                elif self.path in platform.files:
                    self.send_file(platform.files[self.path])
                else:
                    self.answer(404, {})

            def answer(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                self.wfile.flush()

            def send_file(self, content: bytes) -> None:
                first, last = (int(one) for one in self.headers["Range"].removeprefix("bytes=").split("-"))
                piece = content[first : last + 1]
                self.send_response(206)
                self.send_header("Content-Length", str(len(piece)))
                self.send_header("Content-Range", f"bytes {first}-{first + len(piece) - 1}/{len(content)}")
                self.send_header("ETag", f'"{hashlib.md5(content).hexdigest()}"')
                self.end_headers()
                self.wfile.write(piece)
                self.wfile.flush()

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """A module that loses its power hangs up; that is no error of the platform."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        with self.arrived:
            self._ended = True
            self.arrived.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def offer(self, component: str, target: str, data: bytes, **fields: Any) -> dict[str, Any]:
        """Have a plan with one more component."""
        path = f"/south/v1/files/{hashlib.sha256(data).hexdigest()}"
        self.files[path] = data
        task = {
            "task": f"t{len(self.tasks) + 1}",
            "component": component,
            "type": "module",
            "source_version": "",
            "target_version": target,
            "package_type": "full",
            "min_battery": 30,
            "min_signal": -113,
            "size": len(data),
            **fields,
        }
        self.tasks.append(task)
        return task

    def push(self, message: dict[str, Any]) -> None:
        with self.arrived:
            self._messages.append(message)
            self.arrived.notify_all()

    def messages(self) -> list[dict[str, Any]]:
        with self.arrived:
            self.arrived.wait_for(lambda: self._messages or self._ended, 20)
            found, self._messages = self._messages, []
            return found

    def statuses(self, task: str = "t1") -> list[int]:
        """The statuses reported of a task, without repetitions."""
        found = [body["status"] for path, body in self.calls if path == "/ota/status" and body["task"] == task]
        return [status for index, status in enumerate(found) if index == 0 or found[index - 1] != status]

    def wait_for(self, path: str, seconds: float = 5.0, **fields: Any) -> dict[str, Any]:
        """The first call of `path` with these fields, waited for if it has not come yet."""

        def found() -> dict[str, Any] | None:
            fitting = (body for called, body in self.calls if called == path and fields.items() <= body.items())
            return next(fitting, None)

        with self.arrived:
            assert self.arrived.wait_for(found, seconds), f"{path} {fields} was not called; calls: {self.calls}"
            body = found()
            assert body is not None
            return body

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.arrived:
            self.calls.append((path, body))
            self.arrived.notify_all()
        if path in self.refuse:
            status, code = self.refuse[path]
            return status, {"code": code, "detail": "refused by the test"}
        if path == "/authenticate":
            return 200, {"device_secret": SECRET}
        if path == "/connect":
            return 200, {"session": "s1"}
        if path == "/ota/request":
            return 200, {"tasks": self.tasks}
        if path == "/ota/status" and body["status"] == 2:
            return 200, {"firmware": self._firmware(body["task"])}
        return 200, {}

    def _firmware(self, task_id: str) -> dict[str, Any]:
        index = next(index for index, task in enumerate(self.tasks) if task["task"] == task_id)
        path = list(self.files)[index]
        data = self.files[path]
        return {
            "url": path,
            "size": len(data),
            "md5": self.md5 or hashlib.md5(data).hexdigest(),
            "crc": zlib.crc32(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "package_type": "full",
        }
