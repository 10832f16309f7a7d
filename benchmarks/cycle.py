"""A whole upgrade of the virtual module, as fast as it goes: plan, offer, download, installation, restart, success."""

from __future__ import annotations

import time

from benchmarks import targets
from benchmarks.live import Up, rig_at
from benchmarks.runs import median, percentile
from benchmarks.table import Row, judged, problems
from pytest_quecfota.errors import BenchError, ModuleError
from pytest_quecfota.rig.orders import Orders

WHAT = "a FOTA cycle at full speed"


def cycles(up: Up, count: int, kind: str = "full") -> tuple[list[float], list[float]]:
    """Real seconds of each of `count` upgrades: with its plan made and ended, and the upgrade alone."""
    whole, upgrade = [], []
    for _ in range(count):
        began = time.monotonic()
        with Orders(up.rig).terminated_afterwards() as orders:
            plan = orders.fota(kind=kind)  # type: ignore[arg-type]
            ordered = time.monotonic()
            run = up.rig.host().upgrade(plan)
            upgrade.append(time.monotonic() - ordered)
        if run.outcome != "upgraded":
            raise ModuleError(f"the upgrade ended as {run.outcome}: {run.reason}")
        whole.append(time.monotonic() - began)
    return whole, upgrade


def rows(*, count: int = 20) -> list[Row]:
    """Median and slowest, with and without what the Developer Center is asked for around it."""
    try:
        with rig_at("max") as up:
            cycles(up, 1)  # brings up what is imported at the first use
            whole, upgrade = cycles(up, count)
    except (BenchError, ModuleError) as error:
        return problems(WHAT, {"ours": str(error)})
    took = median(whole)
    parts = f"{median(upgrade):.3f} s without making the plan"
    text = f"{took:.3f} s, p99 {percentile(whole, 0.99):.3f} s"
    return [judged(WHAT, "ours", text, took, targets.CYCLE_SECONDS, "s", note=parts)]
