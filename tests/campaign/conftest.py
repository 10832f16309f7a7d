"""The virtual rig as the campaign tests use it: up once, one timeline per upgrade, and its ground truth."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_quecfota.module import Run
from pytest_quecfota.rig import load
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.rig.orders import Orders
from pytest_quecfota.timeline import Timeline

RIG = """\
name: cuts
module: {model: BC25}
supply: {profile: keysight-e36300, channel: 1, nominal: {voltage: 3.3, current_limit: 1.0}, limits: {min: 2.1, max: 3.6}}
allow: [cuts]
developer_center: {kind: embedded}
virtual: {speed: 60}
"""
#: What the virtual module needs, with slack (module seconds): a dead one is not waited for as long as for a real one.
TIMINGS = {"download_start": 20, "download": 60, "update": 30, "reboot": 30, "connect": 60}


class Proving:
    """A virtual rig on which one upgrade after another is disturbed, and what its bench knows to be true."""

    def __init__(self, rig: LiveRig, folder: Path) -> None:
        self.rig = rig
        self._folder = folder
        self._number = 0

    def upgrade(self, kind: str, **disturbance: Any) -> tuple[Run, int]:
        """One upgrade, disturbed where a disturbance is given; the run, and how often the module lost its power."""
        rig = self.rig
        with self._recorded(), Orders(rig).terminated_afterwards() as orders:
            rig.check_health()
            play = rig.host(orders.fota).upgrade
            plan = orders.fota(kind=kind)
            if not disturbance:
                return play(plan), 0
            with rig.disturb(**disturbance) as cut:
                run = play(plan)
            return run, cut.fired

    def truth(self) -> dict[str, Any]:
        """What is the case, as the bench says."""
        found: dict[str, Any] = self.rig.control("/truth")
        return found

    def digest(self, version: str) -> str:
        """SHA-256 of the image of a version."""
        return hashlib.sha256(self.rig.firmware.image(version)).hexdigest()

    @contextlib.contextmanager
    def _recorded(self) -> Iterator[None]:
        self._number += 1
        timeline = Timeline(self._folder / f"{self._number:04}", speed=self.rig.speed, secrets=self.rig.secrets())
        self.rig.record_to(timeline)
        try:
            yield
        finally:
            self.rig.record_to(None)
            timeline.close()


@pytest.fixture
def proving(tmp_path: Path) -> Iterator[Callable[..., Proving]]:
    """Bring a virtual rig up, with a module that has the defects given."""
    (tmp_path / "cuts.yaml").write_text(RIG)
    with contextlib.ExitStack() as stack:

        def start(*defects: str) -> Proving:
            rig = LiveRig(load(tmp_path / "cuts.yaml"), directory=tmp_path / "run", run="cuts", defects=defects)
            stack.callback(rig.close)
            quick = rig.model.timings.model_copy(update=TIMINGS)
            vars(rig)["model"] = rig.model.model_copy(update={"timings": quick})
            rig.start()
            return Proving(rig, tmp_path / "timelines")

        yield start
