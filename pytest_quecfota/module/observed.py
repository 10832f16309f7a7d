"""A real MCU upgrades the module, or itself through the module; the plugin listens to both and judges.

`ObservedHost` takes the place of `Host` on a rig that says `host: observed`. Its `upgrade` waits for the MCU to do its part and
comes to the same outcomes. What the module does is judged as ever (OTA-01, OTA-06, OTA-07); what the MCU does is judged too,
and what is wrong with it is a `HostError`: the decision against battery and signal (OTA-05), and its reads of a file (`reading`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pytest_quecfota import urc
from pytest_quecfota.at.overheard import Heard
from pytest_quecfota.developer_center import Plan
from pytest_quecfota.errors import HostError, HostObserved, ModuleError
from pytest_quecfota.module.judging import Judge, watch_module
from pytest_quecfota.module.listening import ObservedModule
from pytest_quecfota.module.matching import check_offer
from pytest_quecfota.module.reading import Reading
from pytest_quecfota.module.run import Outcome, Run
from pytest_quecfota.module.steps import step
from pytest_quecfota.module.watching import Watch
from pytest_quecfota.timeline import Match

PATIENCE = (
    15 * 60.0
)  # module seconds a MCU may let pass: the platform offers by itself about every 10 min (QuecThing docs)
SURE = 2.0  # real seconds: a shorter pause on a bench that runs faster says nothing of the MCU

_DECISION = re.compile(r"AT\+QIOTUPDATE=([01])")


class ObservedHost:
    """Follows the MCU.

    Args:
        module: the module it talks to, listened to.
        since: the place in the timeline from which on the MCU may have begun: where the last plan was made.
        platform_agrees, cuts, settled: as of `Host`.
    """

    def __init__(
        self,
        module: ObservedModule,
        *,
        since: Callable[[], tuple[Any, int]],
        platform_agrees: Callable[[Plan], str | None] | None = None,
        cuts: Callable[[], int] = lambda: 0,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self.module = module
        self._since = since
        self._judge = Judge(module, platform_agrees)
        self._cuts = cuts
        self._settled = settled

    def upgrade(self, plan: Plan, *, confirm: bool = True, interrupt: Callable[[], Any] | None = None) -> Run:
        """Wait for the MCU to take one upgrade to its end, and judge what it and the module did.

        Args:
            plan: what the platform is to offer.
            confirm: must be True: the MCU decides.
            interrupt: called once the MCU has confirmed; the run then counts as disturbed.

        Raises:
            HostError: the MCU breaks OTA-05 or one of SOTA-02 to SOTA-07.
            ModuleError: the module breaks OTA-01, OTA-06, OTA-07 or a SOTA requirement, in an undisturbed run.
            HostObserved: `confirm=False` was asked for.
        """
        __tracebackhide__ = True
        if not confirm:
            raise HostObserved("upgrade(plan, confirm=False): the real MCU decides by itself (host: observed)")
        with Watch(self.module.timeline) as watch:
            course = _Course(self.module, plan, watch, *self._since())
            try:
                return self._follow(plan, course, interrupt)
            except ModuleError as error:
                if isinstance(error, HostError) or not (interrupt is not None or self._cuts() > 0):
                    raise
                return self._judge_aftermath(plan, course, error)

    def _follow(self, plan: Plan, course: _Course, interrupt: Callable[[], Any] | None) -> Run:
        """The path of an undisturbed upgrade."""
        __tracebackhide__ = True
        module, timeline = self.module, self.module.timeline
        with step(timeline, f"wait for the offer of {plan.component} to {plan.target_version}"):
            offer = course.offer()
        if offer is None:
            return self._judge.kept(plan, plan.source_version, f"no offer came within {PATIENCE:g} s")
        check_offer(offer, plan)
        with step(timeline, "watch what the MCU decides"):
            confirmed = course.decision()
            if confirmed is None:
                return self._judge.kept(
                    plan, plan.source_version, f"the MCU did not answer the offer within {PATIENCE:g} s"
                )
            against = self._against(offer)
            if confirmed and against is not None:
                raise HostError(f"the MCU confirmed although {against} (OTA-05)")
        if not confirmed:
            return self._judge.kept(plan, plan.source_version, f"the MCU refused: {against or 'it did not say why'}")
        if interrupt is not None:
            interrupt()
        if plan.component_type == "mcu":
            match: Match = course.file()
            running: str | None = plan.target_version
        else:
            match = watch_module(module, plan.component, course.mark, patience=PATIENCE)
            running = module.version_told()
        return self._judge.upgraded(plan, plan.source_version, match, course.mark, running)

    def _against(self, offer: urc.UpgradeOffered) -> str | None:
        """What, of what the module has told the MCU, stands against the offer. What it did not ask is not held against it."""
        module = self.module
        battery, signal = module.told("battery_percent"), module.told("signal_dbm")
        if isinstance(battery, float) and battery < offer.min_battery:
            return f"the battery, {battery:g} %, is below the {offer.min_battery} % of the offer"
        if isinstance(signal, float) and signal < offer.min_signal:
            return f"the signal, {signal:g} dBm, is below the {offer.min_signal} dBm of the offer"
        if battery is None or signal is None:
            missing = " and ".join(name for name, value in (("battery", battery), ("signal", signal)) if value is None)
            module.timeline.record("note", text=f"the MCU did not ask the module for {missing} before it decided")
        return None

    def _judge_aftermath(self, plan: Plan, course: _Course, error: ModuleError) -> Run:
        """A disturbed run left its path: what became of it, as far as the MCU shows."""
        timeline = self.module.timeline
        timeline.record("note", text=f"left the path of an undisturbed upgrade: {error.summary}")
        self._settled()
        with step(timeline, "wait for MCU and module to find back"):
            ended = course.ended_well()
        outcome: Outcome = "upgraded"
        complaint = self._judge.complaint(plan, self._running(plan)) if ended else None
        reason = f"7,10705 came after the disturbance; {plan.target_version} runs"
        if complaint is not None:
            outcome, reason = "false-success", complaint
        elif not ended and course.silent():
            outcome, reason = "bricked", "neither a URC nor an answer came from the module after the disturbance"
        elif not ended:
            outcome, reason = "stuck", f"the module answers the MCU, yet no upgrade was completed within {PATIENCE:g} s"
        return self._judge.run(outcome, None, plan, plan.source_version, course.mark, reason)

    def _running(self, plan: Plan) -> str | None:
        return plan.target_version if plan.component_type == "mcu" else self.module.version_told()


class _Course:
    """One upgrade as it goes by, from a mark and a number of exchanges on."""

    def __init__(self, module: ObservedModule, plan: Plan, watch: Watch, mark: Any, exchanges: int) -> None:
        self.module = module
        self.plan = plan
        self.mark = mark
        self._watch = watch
        self._exchanges = exchanges
        self._next = mark
        self._last_word: float | None = None

    def offer(self) -> urc.UpgradeOffered | None:
        """The offer of the plan's component, None where it does not come."""
        return self._watch.until(self._offered, PATIENCE)

    def decision(self) -> bool | None:
        """Whether the MCU confirmed (or the download began without it), None where it let the offer lie."""
        return self._watch.until(self._decided, PATIENCE, quiet=True)

    def file(self) -> Match:
        """Follow the MCU through its file to success. Raises `HostError`, `ModuleError`."""
        __tracebackhide__ = True
        module, timeline, timings = self.module, self.module.timeline, self.module.model.timings
        reading = Reading(self.plan.component, self.plan.target_version, module.model)
        patience = max(timings.mcu_update, timings.download) + timings.connect
        with step(timeline, f"watch the MCU fetch and install {self.plan.component}"):
            end = self._watch.until(lambda: self._read_on(reading), patience, quiet=True)
            if isinstance(end, urc.Updated) and reading.version is None:  # the tap is read by another thread
                self._watch.until(lambda: self._read_on(reading) or reading.version, 1.0)
            if end is None:
                raise ModuleError(
                    f"neither 7,10705 nor 7,10706 came, and nothing else for {patience:g} s (SOTA-06, SOTA-07)"
                )
            if isinstance(end, urc.UpdateFailed):
                raise reading.why_failed(self._pause(end.time))
        with step(timeline, f"compare the {reading.reads} reads of the MCU with what was announced"):
            reading.check()
        return timeline.events.expect(urc.Updated, within=1, since=self.mark)

    def ended_well(self) -> bool:
        """Whether success is told, at the latest once nothing has happened for a long time."""
        seen = self.module.timeline.events.seen
        return bool(self._watch.until(lambda: seen(urc.Updated, since=self.mark) or None, PATIENCE, quiet=True))

    def silent(self) -> bool:
        """Whether the module has said nothing since its last restart or cut."""
        seen = self.module.timeline.events.seen(urc.Urc, since=self._next)
        return not seen and not any(heard.final for heard in self.module.overhearing.after(self._exchanges)[0])

    def _offered(self) -> urc.UpgradeOffered | None:
        for offer in reversed(self.module.timeline.events.seen(urc.UpgradeOffered, since=self.mark)):
            if isinstance(offer, urc.UpgradeOffered) and offer.component == self.plan.component:
                return offer
        return None

    def _decided(self) -> bool | None:
        offer = self._offered()
        if offer is None:
            return None
        for heard in self.module.overhearing.after(self._exchanges)[0]:
            found = _DECISION.fullmatch(heard.command.replace(" ", "").upper())
            if found is None or not heard.final or self.module.timeline.stamp(heard.answered) < offer.time:
                continue
            if heard.final != "OK":
                raise ModuleError(f"{heard.command} answered {heard.final} although there is an offer (OTA-03, OTA-04)")
            return found[1] == "1"
        return self._began() or None

    def _began(self) -> bool:
        return bool(self.module.timeline.events.seen(urc.DownloadStarted, since=self.mark))

    def _read_on(self, reading: Reading) -> urc.Updated | urc.UpdateFailed | None:
        """Give `reading` what has happened since the last call, in its order; the end, once it has come."""
        timeline = self.module.timeline
        with timeline.lock:
            events = timeline.events.seen(urc.Urc, since=self._next)
            self._next = timeline.events.mark()
        exchanges, self._exchanges = self.module.overhearing.after(self._exchanges)
        happened: list[tuple[float, urc.Urc | Heard]] = [(event.time, event) for event in events]
        happened += [(timeline.stamp(heard.answered), heard) for heard in exchanges]
        for _, what in sorted(happened, key=lambda pair: pair[0]):
            if isinstance(what, Heard):
                self._see_pause(reading, timeline.stamp(what.sent))
                reading.heard(what)
            else:
                reading.came(what)
                self._last_word = what.time if isinstance(what, urc.Downloaded) else self._last_word
        return next((e for e in events if isinstance(e, (urc.Updated, urc.UpdateFailed))), None)

    def _see_pause(self, reading: Reading, sent: float) -> None:
        """A pause before this word of the MCU that is longer than the module has to wait."""
        limit = self.module.model.timings.block_read
        pause, self._last_word = self._pause(sent), sent
        if reading.reading and pause > limit:
            problem = HostError(f"the MCU read nothing for {pause:.0f} s; the module waits {limit:g} s (SOTA-07)")
            reading.problems.append(problem)

    def _pause(self, until: float) -> float:
        """Module seconds since the MCU's last word (or since a block was there); 0 where that is too short to tell."""
        if self._last_word is None or until - self._last_word < SURE:
            return 0.0
        return self.module.timeline.clock.between(self._last_word, until)
