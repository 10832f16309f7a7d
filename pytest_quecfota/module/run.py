"""What one upgrade came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pytest_quecfota.timeline import Match

Outcome = Literal["upgraded", "kept", "recovered", "false-success", "stuck", "bricked", "bench-fault"]


@dataclass(frozen=True)
class Run:
    """One upgrade, played to its end.

    `stages` holds when each stage was reached, in module seconds after the host confirmed; `duration` is in module seconds;
    `match` is None where the upgrade was never confirmed; `reason` says in words why it ended as it did.
    """

    outcome: Outcome
    match: Match | None
    duration: float
    stages: Mapping[str, float]
    source_version: str
    target_version: str
    reboots: int
    reason: str
