"""A file of the host read block by block at 921,600 Bd: the share of the time in which the line was busy.

The virtual module's line keeps to the byte rate (ten bits a byte) at speed 1. What the rate allows is the time that all received
bytes take, echoes and headers included; what we need beyond it is our turn-around between two reads.
"""

from __future__ import annotations

import time

from benchmarks import targets
from benchmarks.live import Up, rig_at
from benchmarks.runs import median
from benchmarks.table import Row, judged, problems
from pytest_quecfota import repeated, sequence, urc
from pytest_quecfota.errors import BenchError, ModuleError
from pytest_quecfota.rig.orders import Orders

WHAT = "SOTA read by blocks at 921,600 Bd"
BAUD = 921_600
SIZE = 1 << 16
"""Bytes of the file: one block of the module."""


def share(up: Up) -> tuple[float, float]:
    """(share of the time that the received bytes take at the line's rate, the same of the file's bytes alone) of one reading."""
    rig, timeline = up.rig, up.timeline
    module, events = rig.module, timeline.events
    with Orders(rig).terminated_afterwards() as orders:
        plan = orders.sota(payload=bytes(range(256)) * (SIZE // 256))
        module.connect(mode=2)
        module.request_upgrade()
        mark = events.mark()
        module.confirm_upgrade()
        fetched = sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded)
        events.expect(fetched, within="15 min", since=mark)
        rig.clock.speed(1)
        module.at(f"AT+IPR={BAUD}")
        try:
            return _read(up)
        finally:
            module.at("AT+IPR=115200")
            rig.clock.restore()
            events.expect(
                urc.UpdateFailed, within="10 min", since=_another_version(up, plan.component, plan.source_version)
            )


def _read(up: Up) -> tuple[float, float]:
    module, since = up.rig.module, up.timeline.events.mark()
    done, began = 0, time.monotonic()
    while done < SIZE:
        done += len(module.read_block(done, min(module.model.block_length, SIZE - done)))
    took = time.monotonic() - began
    received = sum(len(str(record["data"])) for record in up.timeline.records("rx", since))
    return received * 10 / BAUD / took, done * 10 / BAUD / took


def _another_version(up: Up, component: str, version: str) -> object:
    """End the upgrade: a version that is not the target fails it; returns from where to look for that."""
    mark = up.timeline.events.mark()
    up.rig.module.set_mcu_version(component, version)
    return mark


def rows(*, count: int = 5) -> list[Row]:
    """The median share of `count` readings."""
    try:
        with rig_at("60") as up:
            found = [share(up) for _ in range(count)]
    except (BenchError, ModuleError) as error:
        return problems(WHAT, {"ours": str(error)})
    line, payload = (100 * median(values) for values in zip(*found, strict=True))
    text = f"{line:.1f} % of the line's time"
    note = f"{payload:.1f} % with the file's bytes alone"
    return [judged(WHAT, "ours", text, line, targets.SOTA_PERCENT, "%", at_least=True, note=note)]
