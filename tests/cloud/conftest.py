"""One service for the whole run, and per test a client of its own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from cloud_process import CloudProcess
from shop import Shop


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    process = CloudProcess(tmp_path_factory.mktemp("cloud"))
    yield process
    code, errors = process.stop()
    assert (code, errors) == (0, "")


@pytest.fixture
def shop(service: CloudProcess) -> Iterator[Shop]:
    with (
        httpx.Client(base_url=service.url, timeout=10, verify=False) as http,
        httpx.Client(base_url=service.url, timeout=10, verify=False) as south,
    ):
        yield Shop(http, service.token, south)
