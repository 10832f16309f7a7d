"""A scripted module, a wire to it, and the verbs over it, with the timings of a model that is in a hurry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_module import ScriptedModule

from pytest_quecfota import models
from pytest_quecfota.at.client import Client
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.models import Model
from pytest_quecfota.module import Module
from pytest_quecfota.timeline import Timeline

SOON = 0.25  # seconds in which a module that will not speak is given up


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[ScriptedModule]:
    module = ScriptedModule(tmp_path / "module")
    yield module
    module.close()


@pytest.fixture
def timeline() -> Iterator[Timeline]:
    timeline = Timeline()
    yield timeline
    timeline.close()


@pytest.fixture
def model() -> Model:
    """BC25, with what is waited for in vain cut short."""
    known = models.load("BC25")
    hurry = {"offer": SOON, "boot": SOON, "ready": SOON, "off": 0.01, "disconnect": 2.0, "connect": 2.0}
    return known.model_copy(update={"timings": known.timings.model_copy(update=hurry)})


@pytest.fixture
def client(scripted: ScriptedModule, timeline: Timeline) -> Iterator[Client]:
    with Wire(PortSpec(scripted.path), timeline, reopen_within=0.2, settle=0.0) as wire:
        client = Client(wire)
        yield client
        client.close()


@pytest.fixture
def module(client: Client, model: Model, timeline: Timeline) -> Module:
    """The verbs over the scripted module, without a supply."""
    return Module(client, model, timeline=lambda: timeline)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    """A client that does not give silence a whole second each time."""
    monkeypatch.setattr("pytest_quecfota.at.client.SHORTEST_WAIT", 0.05)
    client.response_time = 0.05
