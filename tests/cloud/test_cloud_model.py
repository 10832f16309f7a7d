"""The platform against a model of it: random lives of two plans and three devices.

The model knows only what a user of the platform is told: lists, time, states, versions. After every step the platform's
answer and its monitoring must be those of the model.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from hand_clock import HandClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from pytest_quecfota.cloud import fleet, monitoring, planning, tables, ticking
from pytest_quecfota.cloud.center import Center
from pytest_quecfota.cloud.domain.states import Event
from pytest_quecfota.cloud.errors import Problem
from pytest_quecfota.cloud.upgrading import DeviceUpgrades

PK = "pkmodel"
HOUR = 3600.0
DEVICES = ["dev0", "dev1"]
LISTS = [frozenset[str]()] * 3 + [frozenset({"dev0"}), frozenset({"dev1"})]
VERSIONS = ["V1", "V2", "V3"]
RUNNING = {"Upgrade Confirmed", "Downloading", "Download Succeeded", "Upgrading"}
OVER = {"Upgrade Failed", "Upgrade Succeeded", "No Update Required"}
REJECTION = 30 * 60.0


@dataclasses.dataclass
class Device:
    version: str = "V1"


@dataclasses.dataclass
class Entry:
    """One device in one plan."""

    status: str = "Plan Not Received"
    refused_until: float = 0.0
    tries: int = 0
    known: bool = False
    begun: bool = False
    restarted: bool = False


@dataclasses.dataclass
class Plan:
    id: int
    target: str
    white: frozenset[str]
    black: frozenset[str]
    end: float
    retries: int
    status: str = "Inactivated"
    activated: float = 0.0
    entries: dict[str, Entry] = dataclasses.field(default_factory=dict)

    def has(self, dk: str) -> bool:
        return dk not in self.black and (not self.white or dk in self.white)

    def entry(self, dk: str) -> Entry:
        return self.entries.setdefault(dk, Entry())

    @property
    def in_force(self) -> bool:
        return self.status in {"To be Upgraded", "Upgrading"}


class Platform(RuleBasedStateMachine):
    """Does the same to the platform and to the model."""

    plans = Bundle("plans")

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory(prefix="cloud-model-")
        self.clock = HandClock()
        self.center = Center(Path(self.directory.name), self.clock)
        self.devices = {dk: Device() for dk in DEVICES}
        self.model: list[Plan] = []
        self.tasks: dict[tuple[int, str], int] = {}
        with self.center.transaction() as tx:
            tx.insert(tables.products, {"name": "m", "product_key": PK, "product_secret": "s", "created": 0.0})
            for dk in DEVICES:
                fleet.register(tx, 0.0, PK, dk, secret="s", module_version="V1")
            for target in VERSIONS:
                row = {"name": target, "component_type": "module", "package_type": "full", "source_version": ""}
                row |= {"target_version": target, "remarks": "", "state": "Not Verified", "created": 0.0}
                file = {"name": "a.bin", "size": 1, "sha256": "0", "md5": "0", "crc": 0}
                tx.insert(tables.packages, {**row, "files": [file]})

    def teardown(self) -> None:
        self.center.close()
        self.directory.cleanup()

    # -- people ---------------------------------------------------------------------------------------------------

    @rule(
        target=plans,
        goal=st.sampled_from(["V2", "V3"]),
        white=st.sampled_from(LISTS),
        black=st.sampled_from(LISTS),
        hours=st.integers(1, 5),
        retries=st.integers(0, 2),
        in_force=st.sampled_from([True, True, True, False]),
    )
    @precondition(lambda self: len(self.model) < 3)
    def create(
        self, goal: str, white: frozenset[str], black: frozenset[str], hours: int, retries: int, in_force: bool
    ) -> Plan:
        now, number = self.clock.now(), len(self.model) + 1
        with self.center.transaction() as tx:
            wish = planning.ComponentWish("BC25", package=VERSIONS.index(goal) + 1)
            definition = planning.Definition(
                name=f"plan {number}",
                product_key=PK,
                components=(planning.resolve(tx, wish),),
                start=now,
                end=now + hours * HOUR,
                whitelist=tuple(sorted(white)),
                blacklist=tuple(sorted(black)),
                rejection_minutes=int(REJECTION / 60),
                strategy={"retries": retries},
            )
            key = planning.insert(self.center, tx, definition)
        plan = Plan(key, goal, white, black, now + hours * HOUR, retries)
        self.model.append(plan)
        if in_force:
            self.activate(plan)
        return plan

    def act(self, plan: Plan, action: Any) -> bool:
        try:
            with self.center.transaction() as tx:
                action(self.center, tx, plan.id)
        except Problem:
            return False
        return True

    @rule(plan=plans, action=st.sampled_from(["activate", "suspend", "resume", "resume", "terminate"]))
    def administer(self, plan: Plan, action: str) -> None:
        getattr(self, action)(plan)

    def activate(self, plan: Plan) -> None:
        done = self.act(plan, planning.activate)
        assert done == (plan.status == "Inactivated" and self.clock.now() < plan.end)
        if done:
            plan.status, plan.activated = "To be Upgraded", self.clock.now()

    def suspend(self, plan: Plan) -> None:
        assert self.act(plan, planning.suspend) == plan.in_force
        if plan.in_force:
            plan.status = "Suspended"

    def resume(self, plan: Plan) -> None:
        assert self.act(plan, planning.resume) == (plan.status == "Suspended")
        if plan.status == "Suspended":
            begun = any(entry.begun for entry in plan.entries.values())
            plan.status = "Upgrading" if begun else "To be Upgraded"

    def terminate(self, plan: Plan) -> None:
        possible = plan.in_force or plan.status == "Suspended"
        assert self.act(plan, planning.terminate) == possible
        if possible:
            plan.status = "Forced Terminated"
            self.fail_all(plan, {"Plan Not Received", "Plan Received", "Download Failed"})

    def fail_all(self, plan: Plan, states: set[str]) -> None:
        for dk in DEVICES:
            if plan.has(dk) and plan.entry(dk).status in states:
                plan.entry(dk).status = "Upgrade Failed"

    @rule(plan=plans, dk=st.sampled_from(DEVICES))
    def cancel(self, plan: Plan, dk: str) -> None:
        entry = plan.entry(dk) if plan.has(dk) else None
        waits = entry is not None and entry.status not in RUNNING | OVER and plan.status != "Inactivated"
        if entry is not None and entry.status in RUNNING - {"Upgrading"}:
            return  # asked of the device, and answered later: tests of their own
        done = self.act(plan, lambda center, tx, key: monitoring.cancel(center, tx, planning.one(center, tx, key), dk))
        assert done == waits
        if entry is not None and waits:
            entry.status = "Upgrade Failed"

    # -- time -----------------------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 10, 29, 31, 119]))
    def step(self, minutes: int) -> None:
        self.clock.set(None, minutes * 60.0)
        ticking.end_plans(self.center)
        for plan in self.model:
            if (plan.in_force or plan.status == "Suspended") and self.clock.now() >= plan.end:
                plan.status = "Ended"
                self.fail_all(plan, {"Plan Not Received", "Plan Received", "Download Failed", *RUNNING})

    # -- devices --------------------------------------------------------------------------------------------------

    def call(self, dk: str, action: Any, *, connecting: bool = False) -> Any:
        with self.center.transaction() as tx:
            row = fleet.row_of(tx, PK, dk)
            assert row is not None
            more = {"connections": row["connections"] + 1} if connecting else {}
            device = fleet.note(self.center, tx, row, fleet.Report(self.devices[dk].version), **more)
            upgrades = DeviceUpgrades(self.center, tx, device)
            answer = action(upgrades)
            upgrades.close()
            return answer

    def see(self, dk: str) -> None:
        """What every report of a version means for the open upgrades."""
        version = self.devices[dk].version
        for plan in self.model:
            entry = plan.entries.get(dk)
            if entry is not None and entry.status not in OVER and entry.known and version == plan.target:
                begun = entry.status in RUNNING | {"Download Failed"}
                entry.status = "Upgrade Succeeded" if begun else "No Update Required"

    @rule(dk=st.sampled_from(DEVICES), version=st.sampled_from([*VERSIONS, "V0"]))
    def restart(self, dk: str, version: str) -> None:
        self.devices[dk].version = version
        self.call(dk, lambda upgrades: upgrades.see_versions(), connecting=True)
        self.see(dk)
        for plan in self.model:
            if dk in plan.entries:
                plan.entries[dk].restarted = True

    @rule(
        dk=st.sampled_from(DEVICES),
        steps=st.sampled_from([[5], [5, 6], [5, 8], [5, 8, 9], [5, 8, 9], [5, 8, 9, 12], [9, 5]]),
        back=st.sampled_from([None, *VERSIONS]),
    )
    def upgrade(self, dk: str, steps: list[int], back: str | None) -> None:
        self.request(dk)
        for plan in self.model:
            self.confirm(plan, dk)
            for step in steps:
                self.report(plan, dk, step)
        if back is not None:
            self.restart(dk, back)

    @rule(dk=st.sampled_from(DEVICES))
    def request(self, dk: str) -> None:
        offered = self.call(dk, lambda upgrades: upgrades.offer(asked=True))
        expected = self.expected_offer(dk)
        assert [task["target_version"] for task in offered] == ([expected.target] if expected else [])
        if expected:
            self.tasks[expected.id, dk] = int(offered[0]["task"])

    def expected_offer(self, dk: str) -> Plan | None:
        version, now = self.devices[dk].version, self.clock.now()
        self.see(dk)
        for plan in self.model:  # an update that did not happen is seen when the device asks after a restart
            entry = plan.entries.get(dk)
            if entry is not None and entry.status == "Upgrading" and entry.restarted:
                entry.status = "Upgrade Failed"
        busy = [p for p in self.model if dk in p.entries and p.entries[dk].status in RUNNING]
        for plan in sorted(self.model, key=lambda p: (p.activated, p.id)):
            if not (plan.in_force and now < plan.end and plan.has(dk) and (not busy or plan in busy)):
                continue
            entry = plan.entry(dk)
            entry.known = True
            if entry.status in {"Upgrade Failed", "Upgrade Succeeded", "Upgrading"} or now < entry.refused_until:
                continue
            if version == plan.target:
                entry.status = "No Update Required" if entry.status not in RUNNING else entry.status
                continue
            if entry.status == "No Update Required":
                entry.status = "Plan Not Received"
            return plan
        return None

    def entry_of(self, plan: Plan, dk: str) -> Entry | None:
        return plan.entries.get(dk) if (plan.id, dk) in self.tasks else None

    def tell(self, plan: Plan, dk: str, event: Event) -> bool:
        task = self.tasks[plan.id, dk]
        outcome = self.call(dk, lambda upgrades: upgrades.status(task, event))
        return outcome.refusal is None

    def begin(self, plan: Plan, entry: Entry) -> None:
        entry.begun = True
        if plan.status == "To be Upgraded":
            plan.status = "Upgrading"

    def may_begin(self, plan: Plan, entry: Entry) -> bool:
        return plan.in_force or entry.begun

    def confirm(self, plan: Plan, dk: str) -> None:
        entry = self.entry_of(plan, dk)
        if entry is None or entry.status in RUNNING:
            return
        possible = entry.status not in OVER and self.may_begin(plan, entry)
        assert self.tell(plan, dk, Event.CONFIRMED) == possible
        if possible:
            entry.status = "Upgrade Confirmed"
            entry.restarted = False
            self.begin(plan, entry)

    @rule(plan=plans, dk=st.sampled_from(DEVICES))
    def refuse(self, plan: Plan, dk: str) -> None:
        entry = self.entry_of(plan, dk)
        if entry is None or entry.status not in {"Plan Not Received", "Plan Received"}:
            return
        assert self.tell(plan, dk, Event.REFUSED)
        entry.status, entry.refused_until = "Plan Received", self.clock.now() + REJECTION

    def report(self, plan: Plan, dk: str, step: int) -> None:
        entry = self.entry_of(plan, dk)
        if entry is None or entry.status not in RUNNING:
            return
        steps = {
            5: {
                "Upgrade Confirmed": "Downloading",
                "Downloading": "Downloading",
                "Download Succeeded": "Download Succeeded",
            },
            6: dict.fromkeys(RUNNING - {"Upgrading"}, "Download Failed"),
            8: {**dict.fromkeys(RUNNING, "Download Succeeded"), "Upgrading": "Upgrading"},
            9: dict.fromkeys(RUNNING, "Upgrading"),
            12: dict.fromkeys(RUNNING, "Upgrade Failed"),
        }
        after = steps[step].get(entry.status)
        assert self.tell(plan, dk, Event(step)) == (after is not None)
        if after is None:
            return
        entry.status = after
        entry.restarted = False
        if step == 6:
            entry.tries += 1
            entry.status = "Upgrade Failed" if entry.tries > plan.retries else after

    # -- what must hold -------------------------------------------------------------------------------------------

    @invariant()
    def monitoring_shows_what_happened(self) -> None:
        with self.center.transaction() as tx:
            for plan in self.model:
                found = planning.one(self.center, tx, plan.id)
                assert found.status.value == plan.status
                shown, total = monitoring.devices(self.center, tx, found, None, 0, 100)
                assert [d["dk"] for d in shown] == [dk for dk in DEVICES if plan.has(dk)]
                expected = [plan.entries.get(d["dk"], Entry()).status for d in shown]
                assert [d["components"][0]["status"] for d in shown] == expected
                counts = monitoring.counts(tx, found)
                assert counts.pop("devices") == total == sum(counts.values())


TestPlatform = Platform.TestCase
TestPlatform.settings = settings(
    max_examples=20, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
