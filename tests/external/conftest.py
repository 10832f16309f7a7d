"""One virtual bench for all tests with programs from outside: a process they know only by its ready line."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from outside_bench import running_bench


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The addresses of a running bench with a BC25."""
    with running_bench(tmp_path_factory.mktemp("outside")) as addresses:
        yield addresses


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
