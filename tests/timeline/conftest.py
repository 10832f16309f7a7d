"""Timelines that are closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from speaking import Module

from pytest_quecfota.timeline import Timeline


@pytest.fixture
def new(tmp_path: Path) -> Iterator[Callable[..., Timeline]]:
    """Makes timelines in a directory of their own and closes them."""
    made: list[Timeline] = []

    def make(**options: Any) -> Timeline:
        options.setdefault("directory", tmp_path / f"timeline-{len(made)}")
        made.append(Timeline(**options))
        return made[-1]

    yield make
    for timeline in made:
        timeline.close()


@pytest.fixture
def timeline(new: Callable[..., Timeline]) -> Timeline:
    return new()


@pytest.fixture
def module(timeline: Timeline) -> Module:
    return Module(timeline)
