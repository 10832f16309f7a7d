"""What a test has left of an upgrade, read from its timeline: an open offer, a download without an end, a used-up plan."""

from __future__ import annotations

from pytest_quecfota import urc
from pytest_quecfota.models import Model
from pytest_quecfota.timeline import Timeline

ENDS = (urc.Updated, urc.UpdateFailed)


def left_open(timeline: Timeline) -> type[urc.Urc] | None:
    """The last of offer and download start that nothing followed; None where nothing is open."""
    kinds = (urc.UpgradeOffered, urc.DownloadStarted, *ENDS)
    seen = [type(u) for u in timeline.events.seen(urc.Urc) if isinstance(u, kinds)]
    return seen[-1] if seen and seen[-1] not in ENDS else None


def was_refused(timeline: Timeline, model: Model) -> bool:
    """Whether the module took a refusal: a prepared plan then offers nothing for its rejection time."""
    return _answered(timeline, model.verb("refuse_upgrade").command)


def asked_in_vain(timeline: Timeline, model: Model) -> bool:
    """Whether an upgrade was asked for and never offered."""
    stem = model.verb("request_upgrade").command.partition("=")[0]
    return _answered(timeline, stem) and not timeline.events.seen(urc.UpgradeOffered)


def _answered(timeline: Timeline, stem: str) -> bool:
    return any(str(r["command"]).startswith(stem) and r["final"] == "OK" for r in timeline.records("response"))
