"""What must be reached: the user's table of speed and memory, as numbers. Ratios are ours against the contender."""

from __future__ import annotations

LINES_200K = {"labgrid": 15.0, "pytest-embedded": 200.0, "bare": 0.25}
"""Ours is at least so many times as fast."""

LINES_1M = {"labgrid": 20.0}
COST_GROWTH = 1.15
"""A line of a million may cost so many times what one of a hundred thousand costs."""

MEMORY_MIB = 32.0
"""Growth over a million lines."""

LATENCY_OF_BARE = 2.0
"""Our median is at most so many times that of a bare loop."""

WAITING_PERCENT = 0.5
"""Of a core."""

STARTUP_MS = 15.0
"""Of CPU, added to a run that uses no rig."""

TRIGGER_P99_MS = 1.0
"""From a URC on the wire to the command at the supply's socket, at p99, on loopback."""

SOTA_PERCENT = 95.0
"""Of what the byte rate allows, reading a file by blocks."""

CYCLE_SECONDS = 0.3
"""One upgrade of the virtual module at full speed."""

PER_TEST_MS = 5.0
"""Added by the fixtures of a rig that is up, without pictures and the health check's round trip."""
