"""Steps: what the host does, as a person would say it; they become `step` records and steps of the report."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from pytest_quecfota.timeline import Timeline


@contextlib.contextmanager
def step(timeline: Timeline, name: str) -> Iterator[None]:
    """Record that `name` begins and how it ended; an error passes through."""
    timeline.record("step", name=name, phase="start")
    try:
        yield
    except BaseException as error:
        timeline.record("step", name=name, phase="end", error=str(error).partition("\n")[0])
        raise
    timeline.record("step", name=name, phase="end")
