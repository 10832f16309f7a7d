"""The stages of an upgrade as the module must tell them, and the `Run` that comes of it, whoever the host is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_quecfota import urc
from pytest_quecfota.developer_center import Plan
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.module.device import Module
from pytest_quecfota.module.run import Outcome, Run
from pytest_quecfota.module.steps import step
from pytest_quecfota.timeline import Match, repeated, sequence

#: What follows `Updating` of the module's own firmware, by where its profile puts the success event (OTA-07).
ENDINGS: dict[str, tuple[type[urc.Urc], ...]] = {
    "before-restart": (urc.Updated, urc.Ready),
    "after-restart": (urc.Ready, urc.Updated),
    "after-reconnect": (urc.Ready, urc.Registered, urc.Subscribed, urc.Updated),
}
LADDER = (urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, repeated(urc.Updating))
STAGES = {
    urc.DownloadStarted: "download started",
    urc.Downloading: "downloading",
    urc.Downloaded: "downloaded",
    urc.Updating: "updating",
    urc.Ready: "restarted",
    urc.Updated: "updated",
    urc.UpdateFailed: "failed",
}


def watch_module(module: Module, component: str, mark: Any, *, patience: float = 0.0) -> Match:
    """From 10701 since `mark` to the new firmware, connected again (OTA-06, OTA-07).

    `patience`: module seconds beyond the model's own times, where somebody else connects the module again.
    """
    __tracebackhide__ = True
    timeline, timings = module.timeline, module.model.timings
    ending = ENDINGS[module.model.options.success_event]
    limit = timings.download_start + timings.download + timings.update + timings.reboot + timings.connect + patience
    with step(timeline, f"watch {component} download, update and restart"):
        match = timeline.events.expect(sequence(*LADDER, *ending), within=limit, since=mark, never=urc.UpdateFailed)
    with step(timeline, "wait for the module to connect by itself"):
        again = sequence(urc.Ready, urc.Registered, urc.Subscribed)
        timeline.events.expect(again, within=timings.connect + patience, since=mark)
    return match


class Judge:
    """Says what a run came to. `platform_agrees` tells what is wrong with the platform's view; None: it cannot be asked."""

    def __init__(self, module: Module, platform_agrees: Callable[[Plan], str | None] | None) -> None:
        self._module = module
        self._platform_agrees = platform_agrees

    def complaint(self, plan: Plan, running: str | None) -> str | None:
        """What belies a success that was told: another version runs, or the platform shows something else. None: nothing."""
        if running is not None and running != plan.target_version:
            return f"10705 came, yet {running} runs instead of {plan.target_version}"
        return self._platform_agrees(plan) if self._platform_agrees is not None else None

    def upgraded(self, plan: Plan, source: str, match: Match, mark: Any, running: str | None) -> Run:
        """A run that reported success, undisturbed: what version and platform say of it (OTA-07, OTA-08).

        Raises:
            ModuleError: it is none.
        """
        __tracebackhide__ = True
        timeline = self._module.timeline
        with step(timeline, "compare the running version and the platform's view"):
            complaint = self.complaint(plan, running)
            if complaint is not None:
                raise ModuleError(f"{plan.component} was not upgraded: {complaint} (OTA-07)")
            successes = timeline.events.seen(urc.Updated, since=mark)
            if len(successes) != 1:
                raise ModuleError(f"Updated (7,10705) came {len(successes)} times; exactly one is due (OTA-07)")
        reason = f"runs {running}" if running is not None else "10705 came; nobody asked the module which version runs"
        return self.run("upgraded", match, plan, source, mark, reason)

    def kept(self, plan: Plan, source: str, reason: str) -> Run:
        """Nothing was started, or it was refused."""
        return Run("kept", None, 0.0, {}, source, plan.target_version, 0, reason)

    def run(self, outcome: Outcome, match: Match | None, plan: Plan, source: str, mark: Any, reason: str) -> Run:
        """The run with its stages, as the timeline has them since `mark`."""
        timeline = self._module.timeline
        seen = timeline.events.seen(urc.Urc, since=mark)
        stages: dict[str, float] = {}
        for event in seen:
            name = STAGES.get(type(event))
            if name is not None:
                stages.setdefault(name, timeline.clock.between(mark.time, event.time))
        reboots = sum(isinstance(event, urc.Ready) for event in seen)
        end = match.urcs[-1].time if match is not None else timeline.now()
        duration = timeline.clock.between(mark.time, end)
        return Run(outcome, match, duration, stages, source, plan.target_version, reboots, reason)
