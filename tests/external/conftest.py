"""One virtual bench for all tests with programs from outside: a process they know only by its ready line."""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

RIG = """\
name: outside
module: {model: BC25}
supply: {profile: keysight-e36300, channel: 1, nominal: {voltage: 3.3, current_limit: 1.0}, limits: {min: 2.1, max: 3.6}}
allow: [cuts]
virtual: {speed: 60}
"""
LIMIT = 30.0  # real seconds


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of a running bench with a BC25."""
    rig = tmp_path_factory.mktemp("outside") / "outside.yaml"
    rig.write_text(RIG)
    command = [sys.executable, "-m", "pytest_quecfota", "bench", "--rig", str(rig), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as bench:
        assert bench.stdout is not None
        try:
            assert select.select([bench.stdout], [], [], LIMIT)[0], "no ready line"
            yield json.loads(bench.stdout.readline())
        finally:
            bench.terminate()
            bench.wait(LIMIT)


@pytest.fixture
def port(ready: dict[str, str]) -> Path:
    """The module's serial port."""
    return Path(ready["at"])


@pytest.fixture
def program(request: pytest.FixtureRequest) -> str:
    """The path of the program the test names as its parameter; the test is skipped where it is not installed."""
    found = shutil.which(request.param)
    if found is None:
        pytest.skip(f"{request.param} is not installed: apt-get install {request.param}")
    return found
