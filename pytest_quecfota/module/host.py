"""The host that plays the MCU beside the module: it upgrades the module, or itself through the module, to the end.

What it may decide, it decides as the platform's documentation tells a host to: battery and signal against the offer, then confirm
or refuse. What it sees is judged by the requirements OTA-01, OTA-05, OTA-06, OTA-07 and SOTA-02 to SOTA-06.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_quecfota import urc
from pytest_quecfota.developer_center import Plan
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.module.aftermath import Aftermath, NoOffer
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
        self._platform_agrees = platform_agrees
        self._follow_up = follow_up
        self._cuts = cuts
        self._settled = settled

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
        with step(timeline, f"ask for the upgrade of {plan.component} to {plan.target_version}"):
            offer = module.request_upgrade()
        if offer is None:
            return self._kept(plan, source, "no offer came")
        check_offer(offer, plan)
        decision = self.decide(offer, confirm)
        if not decision.confirm:
            with step(timeline, f"refuse: {decision.reason}"):
                module.refuse_upgrade()
            return self._kept(plan, source, decision.reason)
        with step(timeline, "confirm"):
            mark = timeline.events.mark()
            module.confirm_upgrade()
        if interrupt is not None:
            interrupt()
        watch = self._update_self if plan.component_type == "mcu" else self._watch_module
        return self._judge(plan, source, watch(plan, mark), mark)

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
            follow_up=self._follow_up,
            cuts=self._cuts,
            settled=self._settled,
        )
        outcome, reason = aftermath.judge()
        return self._run(outcome, None, plan, source, mark, reason)

    def _play_again(self, plan: Plan) -> None:
        """One more upgrade, undisturbed: what proves that the module still can."""
        module = self.module
        module.connect(mode=2)
        if module.request_upgrade() is None:
            raise NoOffer(f"no offer (7,10700) of {plan.name} came")
        mark = module.timeline.events.mark()
        module.confirm_upgrade()
        self._watch_module(plan, mark)
        running = module.firmware_version()
        if running != plan.target_version:
            raise ModuleError(f"runs {running} after a further upgrade to {plan.target_version}")

    def running(self, plan: Plan) -> str:
        """The version that runs now of what the plan upgrades."""
        return plan.source_version if plan.component_type == "mcu" else self.module.firmware_version()

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

    # -- the module's own firmware -----------------------------------------------------------------

    def _watch_module(self, plan: Plan, mark: Any) -> Match:
        """From 10701 to the new firmware, connected again."""
        __tracebackhide__ = True
        module, timeline = self.module, self.module.timeline
        timings = module.model.timings
        ending = ENDINGS[module.model.options.success_event]
        limit = timings.download_start + timings.download + timings.update + timings.reboot + timings.connect
        with step(timeline, f"watch {plan.component} download, update and restart"):
            match = timeline.events.expect(sequence(*LADDER, *ending), within=limit, since=mark, never=urc.UpdateFailed)
        with step(timeline, "wait for the module to connect by itself"):
            timeline.events.expect(sequence(urc.Ready, urc.Registered, urc.Subscribed), timings.connect, since=mark)
        return match

    # -- the host's own firmware -------------------------------------------------------------------

    def _update_self(self, plan: Plan, mark: Any) -> Match:
        """Fetch the file block by block, compare its digests, report the new version (SOTA-02 to SOTA-06)."""
        __tracebackhide__ = True
        module, timeline = self.module, self.module.timeline
        timings = module.model.timings
        with step(timeline, f"fetch the file of {plan.component}"):
            begun = timeline.events.expect(
                sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded),
                within=timings.download_start + timings.download,
                since=mark,
            )
            started, done = begun.urcs[0], begun.urcs[-1]
            assert isinstance(started, urc.DownloadStarted)
            assert isinstance(done, urc.Downloaded)
            content = self._read_file(done)
            check_digests(started, content)
        with step(timeline, "update the host and report its new version"):
            again = timeline.events.mark()
            module.report_updating()
            timeline.events.expect(urc.Updating, within=timings.response + 5, since=again)
            module.set_mcu_version(plan.component, plan.target_version)
            return timeline.events.expect(urc.Updated, within=timings.connect, since=again)

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
            found = timeline.events.expect(urc.Downloaded, within=module.model.timings.download, since=mark)
            block = found.urcs[-1]  # type: ignore[assignment]

    def _piece(self, start: int, length: int) -> bytes:
        piece = self.module.read_block(start, length)
        if not piece:
            raise ModuleError(f"no bytes at offset {start} although {length} are due (SOTA-03)")
        return piece

    # -- the verdict -------------------------------------------------------------------------------

    def _kept(self, plan: Plan, source: str, reason: str) -> Run:
        return Run("kept", None, 0.0, {}, source, plan.target_version, 0, reason)

    def _judge(self, plan: Plan, source: str, match: Match, mark: Any) -> Run:
        """What the version and the platform say of a run that reported success (OTA-07, OTA-08)."""
        __tracebackhide__ = True
        timeline = self.module.timeline
        with step(timeline, "compare the running version and the platform's view"):
            running = plan.target_version if plan.component_type == "mcu" else self.module.firmware_version()
            outcome: Outcome = "upgraded"
            reason = f"runs {running}"
            if running != plan.target_version:
                outcome, reason = "false-success", f"10705 came, yet {running} runs instead of {plan.target_version}"
            elif (complaint := self._platform_agrees(plan) if self._platform_agrees else None) is not None:
                outcome, reason = "false-success", complaint
            successes = timeline.events.seen(urc.Updated, since=mark)
            if outcome == "upgraded" and len(successes) != 1:
                raise ModuleError(f"Updated (7,10705) came {len(successes)} times; exactly one is due (OTA-07)")
        if outcome != "upgraded":
            raise ModuleError(f"{plan.component} was not upgraded: {reason} (OTA-07)")
        return self._run(outcome, match, plan, source, mark, reason)

    def _run(self, outcome: Outcome, match: Match | None, plan: Plan, source: str, mark: Any, reason: str) -> Run:
        """The run with its stages, as the timeline has them."""
        timeline = self.module.timeline
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


def _failed_as_due(error: ModuleError, plan: Plan) -> bool:
    """Whether the module told a failure (10706) of a plan that was made to fail."""
    failure = getattr(error, "failure", None)
    return plan.order.must_fail and isinstance(getattr(failure, "instead", None), urc.UpdateFailed)


def check_offer(offer: urc.UpgradeOffered, plan: Plan) -> None:
    """Compare 10700 with what the plan says (OTA-01, PLAN-05).

    Raises:
        ModuleError: naming each field that differs.
    """
    due = plan.offer
    wrong = [
        f"{name} is {got!r}, due {wanted!r}"
        for name, got, wanted in (
            ("component", offer.component, due.component),
            ("target version", offer.target_version, due.target_version),
            ("battery", offer.min_battery, due.min_battery),
            ("signal", offer.min_signal, due.min_signal),
            ("size", offer.size, due.size),
        )
        if wanted is not None and got != wanted
    ]
    if offer.source_version not in due.source_versions:
        wrong.append(f"source version is {offer.source_version!r}, due {' or '.join(map(repr, due.source_versions))}")
    if wrong:
        raise ModuleError(f"the offer (7,10700) is not what the plan says: {'; '.join(wrong)} (OTA-01)")


def check_digests(started: urc.DownloadStarted, content: bytes) -> None:
    """Compare length and digests of 10701 with the bytes read (SOTA-02); what 10701 does not carry is not compared.

    Raises:
        ModuleError: naming each that differs.
    """
    found = {
        "length": (started.size, len(content)),
        "MD5": (started.md5 and started.md5.lower(), hashlib.md5(content).hexdigest()),
        "CRC": (started.crc, zlib.crc32(content)),
        "SHA-256": (started.sha256 and started.sha256.lower(), hashlib.sha256(content).hexdigest()),
    }
    wrong = [f"{name} is {real}, 10701 said {said}" for name, (said, real) in found.items() if said not in {None, real}]
    if wrong:
        raise ModuleError(f"the file read is not the file announced: {'; '.join(wrong)} (SOTA-02)")
