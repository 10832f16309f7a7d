"""The fixtures: what a test asks for, it gets, brought up when it is first asked for and put back afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_quecfota.developer_center import Plan
    from pytest_quecfota.module import Module, Run
    from pytest_quecfota.power import Supply
    from pytest_quecfota.power.battery import Battery
    from pytest_quecfota.power.disturbance import Disturbance
    from pytest_quecfota.rig.live import LiveRig
    from pytest_quecfota.timeline import Events, Timeline

SESSION = pytest.StashKey[Any]()

__all__ = [
    "_lines",
    "battery",
    "brownout",
    "developer_center",
    "events",
    "evidence",
    "fota_plan",
    "module",
    "rig",
    "sota_plan",
    "supply",
    "timeline",
    "upgrade",
]


def uses_rig(item: pytest.Item) -> bool:
    """Whether a test asks for our `rig`, directly or through other fixtures; not for a fixture of its own of that name."""
    info = getattr(item, "_fixtureinfo", None)
    definitions = info.name2fixturedefs.get("rig", ()) if info is not None else ()
    return any(definition.func.__module__ == __name__ for definition in definitions[-1:])


@pytest.fixture(scope="session")
def rig(request: pytest.FixtureRequest) -> Iterator[LiveRig]:
    """The rig of this run: its parts, its clock, what it can do."""
    live = request.config.stash[SESSION].live(getattr(request, "param", None))
    live.start()
    yield live
    live.close()


@pytest.fixture(scope="session")
def _lines(rig: LiveRig) -> None:
    """The lines to module and supply, open for the whole run."""
    rig.open_lines()


@pytest.fixture(scope="session")
def developer_center(rig: LiveRig) -> Any:
    """The Developer Center of the rig."""
    return rig.developer_center


@pytest.fixture
def timeline(rig: LiveRig, request: pytest.FixtureRequest) -> Iterator[Timeline]:
    """The one record of this test; whatever the test changed on the rig is put back when it is let go."""
    session = request.config.stash[SESSION]
    session.refuse_blocked(rig)
    yield rig.timeline
    session.put_back(rig)


@pytest.fixture
def evidence(timeline: Timeline) -> Path:
    """The folder of this test's evidence."""
    assert timeline.directory is not None
    return timeline.directory


@pytest.fixture
def events(timeline: Timeline, _lines: None) -> Events:
    """The event stream of this test: `expect`, `expect_none`, `seen`, `mark`, `on`."""
    return timeline.events


@pytest.fixture
def module(rig: LiveRig, timeline: Timeline, _lines: None, request: pytest.FixtureRequest) -> Module:
    """The device under test, awake and disconnected."""
    request.config.stash[SESSION].check_health(rig)
    rig.uses("module")
    return rig.module


@pytest.fixture
def supply(rig: LiveRig, timeline: Timeline, _lines: None) -> Supply:
    """The programmable supply; nominal again after the test."""
    if rig.supply is None:
        pytest.skip(f"rig {rig.name} has no supply")
    rig.uses("supply")
    return rig.supply


@pytest.fixture
def fota_plan(rig: LiveRig, module: Module, timeline: Timeline, developer_center: Any) -> Iterator[Callable[..., Plan]]:
    """Make an activated plan that upgrades the module's firmware; it is terminated after the test."""
    from pytest_quecfota.rig.orders import Orders

    with Orders(rig).terminated_afterwards() as orders:
        yield orders.fota


@pytest.fixture
def sota_plan(rig: LiveRig, module: Module, timeline: Timeline, developer_center: Any) -> Iterator[Callable[..., Plan]]:
    """Make an activated plan that upgrades a component of the host; it is terminated after the test."""
    from pytest_quecfota.rig.orders import Orders

    with Orders(rig).terminated_afterwards() as orders:
        yield orders.sota


@pytest.fixture
def upgrade(rig: LiveRig, module: Module, timeline: Timeline, developer_center: Any) -> Iterator[Callable[..., Run]]:
    """Play the host through one upgrade, to its end, and judge what became of it."""
    from pytest_quecfota.rig.orders import Orders

    with Orders(rig).terminated_afterwards() as further:
        yield rig.host(further.fota).upgrade


@pytest.fixture
def brownout(rig: LiveRig, module: Module, supply: Supply) -> Callable[..., Disturbance]:
    """Disturb the module's power when a URC comes: `with brownout(at=urc.Updating, after=0.2, waveform="cut-500ms"):`."""
    return rig.disturb


@pytest.fixture
def battery(rig: LiveRig, module: Module, supply: Supply) -> Iterator[Callable[..., Battery]]:
    """Let the module live on a battery: `with battery("li-ion", charge=0.3, internal_resistance=0.15) as cell:`."""
    yield rig.battery
    rig.power.take_batteries()
