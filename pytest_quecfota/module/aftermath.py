"""What became of an upgrade that did not go straight to its end: the outcome, judged by asking module and platform.

After a disturbance, or a failure the module told, the module is brought back, its version is read, and a further upgrade shows
whether it still can be upgraded. The words are those of `Outcome`; nothing is guessed from the events alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from pytest_quecfota import urc
from pytest_quecfota.developer_center import Plan, Unavailable
from pytest_quecfota.errors import DeveloperCenterError, ModuleBricked, ModuleError, ModuleSilent
from pytest_quecfota.module.device import Module
from pytest_quecfota.module.run import Outcome
from pytest_quecfota.module.steps import step
from pytest_quecfota.timeline import one_of

ENDS = one_of(urc.Updated, urc.UpdateFailed)
SETTLING = 120.0  # module seconds in which the module may tell by itself what became of the upgrade
TRIES = 3  # offers that may be asked for before the module counts as stuck


class NoOffer(ModuleError):
    """No offer came although a plan stands."""


class Aftermath:
    """Judges a disturbed or failed upgrade of `plan` that began at `mark` from version `source`.

    Args:
        module: the module, which may be anywhere between dead and done.
        play: plays one more upgrade of a plan, undisturbed, and returns normally where it succeeds.
        follow_up: another valid plan, where the plan itself brings no further offer; None where none can be had.
        running: the version of the plan's component that runs now.
        resume: lets a host go on with what it had begun, where the module still waits for it.
        cuts: how often the module was disturbed so far; a further upgrade may be disturbed too.
        settled: waits until the supply is at rest.
    """

    def __init__(
        self,
        module: Module,
        plan: Plan,
        source: str,
        mark: Any,
        *,
        play: Callable[[Plan], object],
        follow_up: Callable[[], Plan] | None,
        running: Callable[[], str],
        resume: Callable[[], None] = lambda: None,
        cuts: Callable[[], int] = lambda: 0,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self.module = module
        self.plan = plan
        self.source = source
        self._mark = mark
        self._play = play
        self._follow_up = follow_up
        self._running = running
        self._resume = resume
        self._cuts = cuts
        self._settled = settled

    def judge(self) -> tuple[Outcome, str]:
        """The outcome and why; the module is connected afterwards where that can be."""
        timeline = self.module.timeline
        self._settled()
        try:
            with step(timeline, "bring the module back after the disturbance"):
                self.revive()
                self.module.connect(mode=2)
                self._resume()
        except ModuleBricked as bricked:
            return "bricked", bricked.summary
        except ModuleError as error:
            return "stuck", f"it answers, but does not connect any more: {error.summary}"
        with step(timeline, "let the module tell what became of the upgrade"):
            told = self._told()
        running = self._running()
        lie = self._false_success(running, isinstance(told, urc.Updated))
        if lie is not None:
            return "false-success", lie
        if running == self.plan.target_version and self._status_once(told) in {None, "Upgraded"}:
            return "upgraded", f"runs {running}"
        if running not in {self.source, self.plan.target_version}:
            return "stuck", f"runs {running}, which is neither the source nor the target version"
        self._await_report(told)
        return self._try_again(running)

    def revive(self) -> None:
        """The module answers again, by itself or after power-cycling.

        Raises:
            ModuleBricked: it stays silent.
        """
        module = self.module
        if module.answers():
            return
        try:
            module.power_cycle()
        except ModuleBricked:
            raise
        except ModuleSilent as silent:
            raise ModuleBricked(f"the module stays silent: {silent.summary}") from silent

    def _told(self) -> urc.Urc | None:
        """Success or failure as the module told it, waited for where it was installing: before that it has nothing to tell."""
        events = self.module.timeline.events
        ends = events.seen(ENDS, since=self._mark)
        if not ends and events.seen(urc.Updating, since=self._mark):
            found = events.wait(ENDS, within=SETTLING, since=self._mark, guards=False)
            ends = list(found.urcs) if found is not None else []
        return ends[-1] if ends else None

    def _false_success(self, running: str, module_says: bool) -> str | None:
        if running == self.plan.target_version:
            return None
        if module_says:
            return f"the module reported 10705, yet runs {running} instead of {self.plan.target_version}"
        if self._platform_status() == "Upgraded":
            return f"the platform shows the upgrade as done, yet the module runs {running}"
        return None

    def _await_report(self, told: urc.Urc | None) -> None:
        """A failure the module told reaches the platform a little later; until then a request brings no offer."""
        if isinstance(told, urc.UpdateFailed) and self.plan.monitored:
            self.plan.wait_status("Upgrade Failed", within=self.module.model.timings.offer)

    def _status_once(self, told: urc.Urc | None) -> str | None:
        """What the platform shows; of a success the module told, once its report is there."""
        if not (isinstance(told, urc.Updated) and self.plan.monitored):
            return self._platform_status()
        return self.plan.wait_status("Upgraded", "Upgrade Failed", within=self.module.model.timings.connect).status

    def _platform_status(self) -> str | None:
        return self.plan.device().status if self.plan.monitored else None

    def _try_again(self, running: str) -> tuple[Outcome, str]:
        """A further upgrade: the same plan where it still applies, else another one."""
        with step(self.module.timeline, "prove that the module can still be upgraded"):
            for _ in range(TRIES):
                cuts = self._cuts()
                plan = self._plan_for(running)
                if plan is None:
                    return "kept", f"runs {running}; no further plan can be had to prove that it can be upgraded"
                try:
                    self._play(plan)
                except NoOffer:
                    continue
                except ModuleError as error:
                    if self._cuts() == cuts:
                        return "stuck", f"runs {running}, and a further upgrade failed: {error.summary}"
                    return self.judge()  # that one was disturbed too: what became of it?
                return (
                    "recovered",
                    f"ran {running} after the disturbance; a further upgrade to {plan.target_version} worked",
                )
        return "stuck", f"runs {running}, and no further upgrade was offered"

    def _plan_for(self, running: str) -> Plan | None:
        if running == self.source and self._offers_again():
            return self.plan
        if self._follow_up is None:
            return None
        with contextlib.suppress(Unavailable):
            return self._follow_up()
        return None

    def _offers_again(self) -> bool:
        """Whether the plan itself still stands: retried where the platform has given the device up; one made to fail is not."""
        if self.plan.order.must_fail:
            return False
        if self._platform_status() == "Upgrade Failed":
            with contextlib.suppress(DeveloperCenterError):
                self.plan.retry()
                return True
            return False
        return True
