"""A complete little project for each test of the plugin: a rig file, some tests, run in a process of its own."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

VIRTUAL = """\
name: virtual
module: {model: BC25}
supply: {profile: keysight-e36300, channel: 1, nominal: {voltage: 3.3, current_limit: 1.0}, limits: {min: 2.1, max: 3.6}}
allow: [cuts]
mcu: [{component: STM32, version: "1_0_0"}]
developer_center: {kind: embedded}
virtual: {speed: 60}
"""


class Project:
    """A folder with tests and a virtual rig."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        (self.path / "rigs").mkdir()
        (self.path / "rigs" / "virtual.yaml").write_text(VIRTUAL)

    def run(self, *arguments: str, tests: str = "") -> pytest.RunResult:
        """Run pytest; `tests` is the text of its one test file."""
        if tests:
            self.pytester.makepyfile(test_it=tests)
        return self.pytester.runpytest_subprocess("--junitxml=junit.xml", *arguments, timeout=120)

    @property
    def evidence(self) -> Path:
        """The evidence of the last run."""
        return self.path / "evidence" / "latest"

    def allure(self) -> dict[str, dict[str, Any]]:
        """The Allure results by test name."""
        results = [json.loads(p.read_text()) for p in (self.evidence / "allure-results").glob("*-result.json")]
        return {result["name"]: result for result in results}

    def junit(self) -> dict[str, list[str]]:
        """What JUnit XML says of each test: the names of the elements in it (failure, error, skipped)."""
        tree = ElementTree.parse(self.path / "junit.xml")
        kept = {"failure", "error", "skipped"}
        found: dict[str, list[str]] = {}
        for case in tree.iter("testcase"):
            found.setdefault(case.attrib["name"], []).extend(child.tag for child in case if child.tag in kept)
        return found


class CutLine:
    """A TCP line to the supply that is cut for good as soon as somebody connects to `fuse`."""

    def __init__(self, address: str) -> None:
        _, host, port, _ = address.split("::")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._fuse = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._start(self._accept)
        self._start(self._wait_for_fuse)

    @property
    def address(self) -> str:
        """The VISA address of the line's near end."""
        return f"TCPIP::127.0.0.1::{self._listener.getsockname()[1]}::SOCKET"

    @property
    def fuse(self) -> int:
        """The port whose use cuts the line."""
        return int(self._fuse.getsockname()[1])

    def close(self) -> None:
        """Cut the line and wait for its threads."""
        self._cut()
        for listener in (self._listener, self._fuse):
            listener.close()
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        self._threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            near, _ = self._listener.accept()
            far = socket.create_connection(self._target)
            self._sockets += [near, far]
            self._start(self._pump, near, far)
            self._start(self._pump, far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                sink.sendall(data)

    def _wait_for_fuse(self) -> None:
        with contextlib.suppress(OSError):
            blown, _ = self._fuse.accept()
            self._cut()
            blown.close()

    def _cut(self) -> None:
        for end in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        with contextlib.suppress(OSError):
            self._fuse.shutdown(socket.SHUT_RDWR)


OUTSIDE = """\
name: outside
module:
  model: BC25
  port: {{url: {at}}}
  product_key: {product_key}
  product_secret: {product_secret}
supply:
  visa: {supply}
  profile: keysight-e36300
  channel: 1
  nominal: {{voltage: 3.3, current_limit: 1.0}}
  limits: {{min: 2.1, max: 3.6}}
allow: [cuts]
developer_center: {{kind: http, url: "{developer_center}", token: {token}}}
speed: 60
"""


@pytest.fixture
def outside_bench(project: Project) -> Iterator[CutLine]:
    """A bench that the run under test did not start: rig `outside`, whose supply hangs on a line that can be cut."""
    from pytest_quecfota.rig import load
    from pytest_quecfota.rig.bench import start

    with start(load(project.path / "rigs" / "virtual.yaml")) as bench:
        line = CutLine(bench.ready["supply"])
        text = OUTSIDE.format(**{**bench.ready, "supply": line.address})
        (project.path / "rigs" / "outside.yaml").write_text(text)
        yield line
        line.close()


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """An empty project with a virtual rig."""
    return Project(pytester)
