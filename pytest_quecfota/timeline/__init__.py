"""The timeline: the record of a test, its store on disk, expectations over it, and how a failure is explained.

`link` adds bytes and URCs, `at` commands and responses, `power` and `developer_center` what they did; tests wait for
URCs through `Timeline.events`. `report` reads the stored records (`store.read`). Patterns are in `patterns`.
"""

from __future__ import annotations

from pytest_quecfota.timeline.actions import Subscription
from pytest_quecfota.timeline.durations import seconds
from pytest_quecfota.timeline.expectations import Events
from pytest_quecfota.timeline.explain import Failure
from pytest_quecfota.timeline.history import Mark
from pytest_quecfota.timeline.live import Progress
from pytest_quecfota.timeline.patterns import Pattern, one_of, repeated, sequence, then, where
from pytest_quecfota.timeline.record import Timeline
from pytest_quecfota.timeline.waiting import Cause, Match

__all__ = [
    "Cause",
    "Events",
    "Failure",
    "Mark",
    "Match",
    "Pattern",
    "Progress",
    "Subscription",
    "Timeline",
    "one_of",
    "repeated",
    "seconds",
    "sequence",
    "then",
    "where",
]
