"""The host that plays the MCU beside the module: it upgrades the module, or itself through the module, to the end.

What it may decide, it decides as the platform's documentation tells a host to: battery and signal against the offer, then confirm
or refuse. What it sees is judged by the requirements OTA-01, OTA-05, OTA-06, OTA-07 and SOTA-02 to SOTA-06.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_quecfota import urc
from pytest_quecfota.developer_center import Plan
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.module.aftermath import Aftermath, NoOffer
from pytest_quecfota.module.device import Module
from pytest_quecfota.module.judging import Judge, watch_module
from pytest_quecfota.module.matching import check_digests, check_offer
from pytest_quecfota.module.run import Run
from pytest_quecfota.module.steps import step
from pytest_quecfota.timeline import Match, one_of, repeated, sequence

STAGE = one_of(urc.DownloadStarted, urc.Downloading, urc.Downloaded, urc.Updating, urc.Updated, urc.UpdateFailed)


@dataclass(frozen=True)
class Decision:
    """Whether the host confirms, and why not."""

    confirm: bool
    reason: str


class Host:
    """Plays the MCU.

    Args:
        module: the module it talks to.
        block: the longest piece of a file it reads at once, in bytes.
        platform_agrees: asks the platform whether it shows the upgrade as done; None where it cannot be asked.
        follow_up: another valid plan, to prove after a failure that the module can still be upgraded; None where none can be had.
        cuts: how many disturbances were played since the test began.
        settled: waits until the supply is back at rest after a disturbance.
    """

    def __init__(
        self,
        module: Module,
        *,
        platform_agrees: Callable[[Plan], str | None] | None = None,
        follow_up: Callable[[], Plan] | None = None,
        cuts: Callable[[], int] = lambda: 0,
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self.module = module
        self._judge = Judge(module, platform_agrees)
        self._follow_up = follow_up
        self._cuts = cuts
        self._settled = settled
        self._own: dict[str, str] = {}

    def upgrade(self, plan: Plan, *, confirm: bool = True, interrupt: Callable[[], Any] | None = None) -> Run:
        """Play one upgrade to its end: connect, ask, decide, confirm, restart, reconnect, compare.

        Args:
            plan: what the platform is to offer.
            confirm: refuse the offer where False.
            interrupt: called once the upgrade is confirmed; the run then counts as disturbed.

        Raises:
            ModuleError: an undisturbed run breaks OTA-01, OTA-06 or OTA-07.
            BenchError: the bench is at fault.
        """
        __tracebackhide__ = True
        source = self.running(plan)
        begin = self.module.timeline.events.mark()
        try:
            return self._play(plan, source, confirm, interrupt)
        except ModuleError as error:
            if not (interrupt is not None or self._cuts() > 0 or _failed_as_due(error, plan)):
                raise
            return self._judge_aftermath(plan, source, begin, error)

    def _play(self, plan: Plan, source: str, confirm: bool, interrupt: Callable[[], Any] | None) -> Run:
        """The path of an undisturbed upgrade."""
        __tracebackhide__ = True
        module, timeline = self.module, self.module.timeline
        with step(timeline, "connect"):
            module.connect(mode=2)
        asked = timeline.events.mark()
        with step(timeline, f"ask for the upgrade of {plan.component} to {plan.target_version}"):
            offer = module.request_upgrade()
        if offer is None:
            return self._judge.kept(plan, source, "no offer came")
        check_offer(offer, plan)
        by_itself = module.model.options.silent_plan_confirmed_by == "module" and plan.component_type == "module"
        decision = Decision(True, "") if by_itself else self.decide(offer, confirm)
        if not decision.confirm:
            with step(timeline, f"refuse: {decision.reason}"):
                module.refuse_upgrade()
            return self._judge.kept(plan, source, decision.reason)
        with step(timeline, "the module confirms by itself" if by_itself else "confirm"):
            mark = asked if by_itself else timeline.events.mark()
            if not by_itself:
                module.confirm_upgrade()
        if interrupt is not None:
            interrupt()
        if plan.component_type == "mcu":
            match, running = self._update_self(plan, mark), plan.target_version
        else:
            match = watch_module(module, plan.component, mark)
            running = module.firmware_version()
        return self._judge.upgraded(plan, source, match, mark, running)

    def _judge_aftermath(self, plan: Plan, source: str, mark: Any, error: ModuleError) -> Run:
        """A disturbed run left its path, or a plan that must fail did: what became of it."""
        __tracebackhide__ = True
        self.module.timeline.record("note", text=f"left the path of an undisturbed upgrade: {error.summary}")
        aftermath = Aftermath(
            self.module,
            plan,
            source,
            mark,
            play=self._play_again,
            follow_up=self._follow_up if plan.component_type == "module" else None,
            running=lambda: self.running(plan),
            resume=lambda: self._finish_own(plan, mark),
            cuts=self._cuts,
            settled=self._settled,
        )
        outcome, reason = aftermath.judge()
        return self._judge.run(outcome, None, plan, source, mark, reason)

    def _play_again(self, plan: Plan) -> None:
        """One more upgrade, undisturbed: what proves that the module still can."""
        module = self.module
        module.connect(mode=2)
        if module.request_upgrade() is None:
            raise NoOffer(f"no offer (7,10700) of {plan.name} came")
        mark = module.timeline.events.mark()
        module.confirm_upgrade()
        if plan.component_type == "mcu":
            self._update_self(plan, mark)
        else:
            watch_module(module, plan.component, mark)
        running = self.running(plan)
        if running != plan.target_version:
            raise ModuleError(f"runs {running} after a further upgrade to {plan.target_version}")

    def running(self, plan: Plan) -> str:
        """The version that runs now of what the plan upgrades; of our own component the one we have told last."""
        if plan.component_type == "mcu":
            return self._own.get(plan.component, plan.source_version)
        return self.module.firmware_version()

    def decide(self, offer: urc.UpgradeOffered, wanted: bool = True) -> Decision:
        """Battery and signal against the offer (OTA-05): what the module cannot tell does not count against it."""
        battery, signal = self.module.battery_percent(), self.module.signal_dbm()
        if battery is not None and battery < offer.min_battery:
            return Decision(False, f"battery {battery} % is below the {offer.min_battery} % of the offer")
        if signal is None:
            return Decision(False, f"no signal; the offer asks for {offer.min_signal} dBm")
        if signal < offer.min_signal:
            return Decision(False, f"signal {signal} dBm is below the {offer.min_signal} dBm of the offer")
        return Decision(wanted, "" if wanted else "the host was told to refuse")

    # -- the host's own firmware -------------------------------------------------------------------

    def _update_self(self, plan: Plan, mark: Any) -> Match:
        """Fetch the file block by block, compare its digests, report the new version (SOTA-02 to SOTA-06)."""
        __tracebackhide__ = True
        module, timeline = self.module, self.module.timeline
        timings = module.model.timings
        with step(timeline, f"fetch the file of {plan.component}"):
            before_read = (urc.Updating,) if module.model.options.mcu_updating_event == "before-read" else ()
            begun = timeline.events.expect(
                sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, *before_read),
                within=timings.download_start + timings.download,
                since=mark,
                never=urc.Ready,  # what it had of the file is gone then
            )
            started, done = begun.urcs[0], begun.urcs[-1 - len(before_read)]
            assert isinstance(started, urc.DownloadStarted)
            assert isinstance(done, urc.Downloaded)
            content = self._read_file(done)
            check_digests(started, content, crc=module.model.options.crc)
        with step(timeline, "update the host and report its new version"):
            again = timeline.events.mark()
            module.report_updating()
            if not before_read:
                timeline.events.expect(urc.Updating, within=timings.response + 5, since=again)
            return self._become(plan, again)

    def _become(self, plan: Plan, since: Any) -> Match:
        """Tell the new version of our own; the module then tells the success."""
        module = self.module
        module.set_mcu_version(plan.component, plan.target_version)
        match = module.timeline.events.expect(urc.Updated, within=module.model.timings.connect, since=since)
        self._own[plan.component] = plan.target_version
        return match

    def _finish_own(self, plan: Plan, mark: Any) -> None:
        """After a restart the module waits again for the version of a host that was updating itself (SOTA-08)."""
        said = self.module.timeline.events.seen(STAGE, since=mark)
        if plan.component_type == "mcu" and said and isinstance(said[-1], urc.Updating):
            self._become(plan, mark)

    def _read_file(self, first: urc.Downloaded) -> bytes:
        module, timeline = self.module, self.module.timeline
        content = bytearray()
        block = first
        while True:
            start, length, size = block.start or 0, block.length or 0, block.size or 0
            while len(content) < start + length:
                wanted = min(module.model.block_length, start + length - len(content))
                content += self._piece(len(content), wanted)
            if len(content) >= size:
                return bytes(content)
            mark = timeline.events.mark()
            module.next_block()
            found = timeline.events.expect(
                urc.Downloaded, within=module.model.timings.download, since=mark, never=urc.Ready
            )
            block = found.urcs[-1]  # type: ignore[assignment]

    def _piece(self, start: int, length: int) -> bytes:
        piece = self.module.read_block(start, length)
        if not piece:
            raise ModuleError(f"no bytes at offset {start} although {length} are due (SOTA-03)")
        return piece


def _failed_as_due(error: ModuleError, plan: Plan) -> bool:
    """Whether the module told a failure (10706) of a plan that was made to fail."""
    failure = getattr(error, "failure", None)
    return plan.order.must_fail and isinstance(getattr(failure, "instead", None), urc.UpdateFailed)
