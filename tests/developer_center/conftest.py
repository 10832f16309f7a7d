"""A tiny platform and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tiny_platform import TinyPlatform

from pytest_quecfota.developer_center.http import Api

TOKEN = "t0p-s3cret-token"


@pytest.fixture
def platform() -> Iterator[TinyPlatform]:
    running = TinyPlatform()
    yield running
    running.close()


@pytest.fixture
def api(platform: TinyPlatform) -> Iterator[Api]:
    client = Api(platform.url, TOKEN, limit=5)
    yield client
    client.close()
