"""A virtual rig as a test has it: up, recorded, with its module introduced. For what is measured on a whole rig."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_quecfota.rig import load
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.timeline import Timeline

_RIG = """\
name: bench
module: {{model: BC25}}
supply: {{profile: keysight-e36300, channel: 1, nominal: {{voltage: 3.3, current_limit: 1.0}}, limits: {{min: 2.1, max: 3.6}}}}
allow: [cuts]
mcu: [{{component: STM32, version: "1_0_0"}}]
developer_center: {{kind: embedded}}
virtual: {{speed: {speed}}}
"""


@dataclass(frozen=True)
class Up:
    """A rig and where it records."""

    rig: LiveRig
    timeline: Timeline


@contextlib.contextmanager
def rig_at(speed: str) -> Iterator[Up]:
    """A virtual rig whose clock runs `speed` times faster (`max`: as it can), with everything brought up; then taken down."""
    with tempfile.TemporaryDirectory(prefix="bench-quecfota-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        (folder / "bench.yaml").write_text(_RIG.format(speed=speed))
        rig = LiveRig(load(folder / "bench.yaml"), directory=folder / "run", run="bench")
        stack.callback(rig.close)
        rig.start()
        timeline = Timeline(folder / "timeline", speed=rig.speed, secrets=rig.secrets())
        stack.callback(timeline.close)
        rig.record_to(timeline)
        _ = rig.module, rig.developer_center
        yield Up(rig, timeline)
        rig.record_to(None)
