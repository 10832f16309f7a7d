"""`power.csv`: the samples of a test as a table, for a spreadsheet.

Written from the timeline after the test, where the sampler did not write it itself.
"""

from __future__ import annotations

from pathlib import Path

from pytest_quecfota.report import reading, whole

TABLE = "power.csv"


def write(directory: Path) -> Path | None:
    """Write `power.csv` (seconds, volts, amperes) beside a timeline that has samples; None where it has none.

    A table that is there already is kept. Raises `OSError` where it cannot be written.
    """
    target = directory / TABLE
    if target.is_file():
        return target
    samples = reading.read(directory).samples
    if not samples:
        return None
    rows = [f"{t:.6f},{volts:.4f},{amperes:.6f}\n" for t, volts, amperes in samples]
    whole.write(target, "time_s,voltage_v,current_a\n" + "".join(rows))
    return target
