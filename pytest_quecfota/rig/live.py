"""A rig that is held and up: the port, the module, the supply and the Developer Center behind it, each opened when first asked for.

One `LiveRig` lives as long as the run. Between tests it puts back what was changed; where that fails it is *poisoned*, and the
next test first recovers it by power-cycling (or a reset, where the rig may not cut). A module that stays silent then is the
module's fault, and everything after it is blocked.
"""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_quecfota.at.client import Client
from pytest_quecfota.at.overheard import Overhearing
from pytest_quecfota.developer_center import ManualCenter, Plan, PlanOrder, ServiceCenter
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.models import Model, load
from pytest_quecfota.module import Host, Module, ObservedHost
from pytest_quecfota.power import Supply
from pytest_quecfota.rig import bench as benches
from pytest_quecfota.rig import parts, place
from pytest_quecfota.rig.caretaker import Caretaker
from pytest_quecfota.rig.clock import Clock
from pytest_quecfota.rig.firmware import Firmware
from pytest_quecfota.rig.keys import presses
from pytest_quecfota.rig.lease import Lease, hold
from pytest_quecfota.rig.leftovers import asked_in_vain, was_refused
from pytest_quecfota.rig.observing import Observing
from pytest_quecfota.rig.power import Power
from pytest_quecfota.rig.schema import Rig
from pytest_quecfota.timeline import Timeline

REOPEN = 30.0  # real seconds a vanished port may stay away: a USB module restarts meanwhile
REOPEN_VIRTUAL = 5.0  # the same where our own bench makes the port
REAL_SPEED_AT_MAX = 1000.0  # what waits are divided by on a rig that runs as fast as it can; never below 1 real second


class LiveRig:
    """What `rig` gives to tests.

    Args:
        config: the rig file, loaded.
        directory: where the bench's log and the timeline between tests go.
        run: makes names on the platform unique.
        defects, seed: what the virtual module is made with.
        firmware: a folder of real firmware.
        wait: real seconds to wait for a rig that another run holds.
        center, supply: overrides by hooks of other packages.
    """

    def __init__(
        self,
        config: Rig,
        *,
        directory: Path,
        run: str,
        defects: Sequence[str] = (),
        seed: int | None = None,
        firmware: Path | None = None,
        wait: float = 0.0,
        make_center: Callable[[Rig], Any] = lambda _rig: None,
        make_supply: Callable[[Rig], Any] = lambda _rig: None,
    ) -> None:
        self.config = config
        self.name = config.name
        self.run = run
        self._care = Caretaker(self)
        self.bricked_by: str | None = None
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._defects = tuple(defects)
        self._seed = seed
        self._firmware_folder = firmware
        self._wait = wait
        self._make_center = make_center
        self._make_supply = make_supply
        self._closers: list[Callable[[], None]] = []
        self._idle: Timeline | None = None
        self._timeline: Timeline | None = None
        self._used: set[str] = set()
        self.power = Power(self)
        self.disturb, self.battery = self.power.disturb, self.power.battery
        self._plans: list[Plan] = []
        self._lease: Lease | None = None
        self._bench: benches.Bench | None = None

    # -- what it is --------------------------------------------------------------------------------

    @property
    def is_virtual(self) -> bool:
        """Whether our own bench simulates it."""
        return self.config.is_virtual

    @property
    def speed(self) -> float:
        """How many module seconds pass in a real one."""
        return REAL_SPEED_AT_MAX if math.isinf(self.config.speed) else self.config.speed

    @functools.cached_property
    def model(self) -> Model:
        """What is known of the module, with the rig's overrides."""
        overrides = self.config.module.profile
        return load(self.config.module.model).with_options(overrides or {})

    @property
    def defects(self) -> tuple[str, ...]:
        """The faults the virtual module was given."""
        return self._defects

    def capabilities(self) -> frozenset[str]:
        """What tests may need of it."""
        return self.config.capabilities()

    @property
    def timeline(self) -> Timeline:
        """The timeline that records now: the running test's, or the one between tests."""
        if self._timeline is not None:
            return self._timeline
        if self._idle is None:
            try:
                self._idle = Timeline(self._directory / "between-tests", speed=self.speed, secrets=self.secrets())
            except OSError:  # a full disk; the run goes on, and the tests tell
                self._idle = Timeline(None, speed=self.speed, secrets=self.secrets())
        return self._idle

    def secrets(self) -> list[str]:
        """What may stand in no record: product secret, tokens."""
        return self.config.secrets()

    # -- life --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Hold the rig and, where it is virtual, start its bench.

        Raises:
            RigHeld: another run has it.
            BenchError: the virtual bench does not start.
        """
        if self._lease is not None:
            return
        held = contextlib.ExitStack()
        self._closers.append(held.close)
        self.config = held.enter_context(place.acquired(self.config))
        if self.config.needs_bench:
            log = self._directory / "bench.log"
            self._bench = benches.start(self.config, defects=self._defects, seed=self._seed, log=log)
            self._closers.append(self._bench.stop)
            self.config = self._bench.rig
            self.timeline.hide(self.secrets())
        self._lease = hold(self.config, wait=self._wait)
        self._closers.append(self._lease.release)

    def close(self) -> None:
        """Let go of everything, newest first; what fails does not keep the rest from being closed."""
        failures: list[BaseException] = []
        while self._closers:
            try:
                self._closers.pop()()
            except Exception as error:
                failures.append(error)
        if self._idle is not None:
            self._idle.close()
            self._idle = None
        self._lease = None
        if failures:
            raise failures[0]

    # -- parts -------------------------------------------------------------------------------------

    def open_lines(self) -> None:
        """Open the module's port and the supply, which then stay open."""
        _ = self.client, self.supply

    @functools.cached_property
    def clock(self) -> Clock:
        """The bench's clock; only virtual rigs have one that can be set."""
        return Clock(self._bench, self._speed_changed, lambda seconds: self.timeline.stepped(seconds))

    @functools.cached_property
    def control(self) -> Callable[..., Any]:
        """Calls of the virtual bench's control interface: `control("/truth")`."""
        if self._bench is None:
            raise ValueError(f"rig {self.name} is not virtual: it has no control interface")
        return self._bench.control

    @property
    def bench_process(self) -> int:
        """The process of the virtual bench."""
        if self._bench is None:
            raise ValueError(f"rig {self.name} is not virtual: it has no bench process")
        return self._bench.pid

    @functools.cached_property
    def wire(self) -> Wire:
        """The module's port, read by its one thread."""
        port = self.config.module.port
        assert port is not None  # the loader asks for it, or the bench has filled it in
        spec = PortSpec(port.url or "", port.baudrate, port.usb_path, port.interface)
        away = REOPEN_VIRTUAL if self._bench else REOPEN
        wire = Wire(spec, self.timeline, reopen_within=away, read_only=self.config.host == "observed")
        self._closers.append(wire.close)
        return wire

    @functools.cached_property
    def client(self) -> Client | Overhearing:
        """The AT client on the port; on a rig with a real MCU what takes its place, and sends nothing."""
        return Client(self.wire, speed=self.speed) if self.observing is None else self.observing.overhearing

    @functools.cached_property
    def observing(self) -> Observing | None:
        """Both lines of a real MCU, listened to; None where the host is played."""
        if self.config.host == "played":
            return None
        observing = Observing(self)
        self._closers.append(observing.close)
        return observing

    @functools.cached_property
    def supply(self) -> Supply | None:
        """The programmable supply, None where the rig has none."""
        supply: Supply | None = self._make_supply(self.config) or parts.open_supply(self.config)
        if supply is None:
            return None
        self._closers.append(supply.close)
        if self._bench is None:
            guardian = parts.guard(self.config, supply, self._directory / "guardian.log")
            self._closers.append(guardian.dismiss)
        safe = self.config.supply.safe_state if self.config.supply is not None else "nominal"
        if isinstance(supply, Supply):  # one of another package knows itself how it is to be left
            self._closers.append(lambda: supply.make_safe(safe))
        self._closers.append(self.power.take(supply, during_a_test=self._timeline is not None))
        return supply

    @functools.cached_property
    def module(self) -> Module:
        """The module, awake, identified and configured for the rig's product."""
        if self.observing is not None:
            return self.observing.module()
        may_cut = "cuts" in self.config.allow
        supply = self.supply if may_cut else None
        module = Module(self.client, self.model, timeline=lambda: self.timeline, supply=supply, **presses(self))
        self.identity = self._care.introduce(module)
        return module

    @functools.cached_property
    def developer_center(self) -> Any:
        """The Developer Center of the rig file, or the one a hook gave."""
        made = self._make_center(self.config)
        if made is None:
            made = parts.make_center(self.config, run=self.run, device_key=self._device_key)
        self._closers.append(made.close)
        made.open()
        if self._bench is None and isinstance(made, ServiceCenter):
            for name in made.end_leftovers():
                self.timeline.record("platform", action="plan of a killed run terminated", name=name)
        return made

    def check_platform(self) -> None:
        """After the module's fault was found: was it the platform's, which is gone?

        Raises:
            DeveloperCenterError: it cannot be reached any more.
        """
        center = self.__dict__.get("developer_center")
        if isinstance(center, ServiceCenter):
            center.open()

    def check_supply(self) -> None:
        """After the module's fault was found: raises SupplyError where a protection had switched its power off."""
        supply = self.__dict__.get("supply")
        if isinstance(supply, Supply):
            supply.check()

    @functools.cached_property
    def firmware(self) -> Firmware:
        """Images and patches for this rig's module."""
        return Firmware(self.model.name, self._firmware_folder)

    # -- around a test -----------------------------------------------------------------------------

    def record_to(self, timeline: Timeline | None) -> None:
        """Let everything be recorded in the timeline of a test; None: between tests."""
        self._timeline = timeline
        self._used.clear()
        self._plans.clear()
        if "wire" in self.__dict__:
            self.wire.record_to(self.timeline)
        if self.__dict__.get("observing") is not None:
            self.__dict__["observing"].record_to(self.timeline)
        self.power.begin_test(timeline, self.__dict__.get("supply"))

    def check_health(self) -> None:
        """Before a test: the module answers; see `Caretaker.check_health`."""
        self._care.check_health(self.module)

    def put_back(self) -> list[BaseException]:
        """After a test: undo what it changed; see `Caretaker.put_back`."""
        center = self.__dict__.get("developer_center")
        if isinstance(center, ManualCenter) and self._plans and was_refused(self.timeline, self.model):
            center.mark_used_up(self._plans[-1])
        return self._care.put_back(self._used, self.__dict__.get("module"))

    def plans_end_with_their_test(self) -> bool:
        """Whether the Developer Center can be driven, so that no plan outlives its test."""
        center = self.__dict__.get("developer_center")
        return center is not None and bool(center.plans)

    def restore_clock(self) -> None:
        """The speed the bench was started with, where a test changed it."""
        if "clock" in self.__dict__:
            self.clock.restore()

    def uses(self, part: str) -> None:
        """A test was given `part`: it is put back afterwards."""
        if self.config.host == "played" or part != "module":  # a real MCU puts its module back itself
            self._used.add(part)

    def order(self, order: PlanOrder, *, running: str) -> Plan:
        """A plan on the Developer Center."""
        if self.observing is not None:
            self.observing.plan_is_made()
        plan: Plan = self.developer_center.order(order, running=running)
        self._plans.append(plan)
        plan.pause = lambda seconds: self.timeline.events.pause(seconds)
        self.timeline.record("platform", action="plan activated", name=plan.name, target=plan.target_version)
        return plan

    @property
    def component(self) -> str:
        """The identifier of the module's own component on the platform."""
        return self.model.component

    def mcu(self, component: str | None = None) -> tuple[str, str]:
        """A component of the host and the version it starts from, as the rig file lists them under `mcu`.

        Raises:
            ValueError: the rig file lists none of that name.
        """
        listed = {mcu.component: mcu.version for mcu in self.config.mcu}
        name = component or next(iter(listed), None)
        if name is None or name not in listed:
            raise ValueError(
                f"rig {self.name} has no component {name!r} of the host; mcu: lists {sorted(listed) or 'none'}"
            )
        told = self.observing.version_of(name) if self.observing is not None else None
        return name, told or listed[name]

    def tell_version(self, component: str, version: str) -> None:
        """Tell the module the version of a component of the host; a real MCU does that itself."""
        if self.observing is None:
            self.module.set_mcu_version(component, version)
            self.uses("mcu")

    def host(self, follow_up: Callable[[], Plan] | None = None) -> Host | ObservedHost:
        """Who upgrades on this rig: we play the MCU, or watch it. `follow_up` gives a further plan where one is needed as proof."""
        center = self.developer_center
        agrees = self._platform_agrees if center.monitoring else None
        if self.observing is not None:
            power = self.power
            return self.observing.host(platform_agrees=agrees, cuts=power.disturbed, settled=power.settle)
        return Host(
            self.module,
            platform_agrees=agrees,
            follow_up=follow_up if center.plans else None,
            cuts=self.power.disturbed,
            settled=self.power.settle,
        )

    def used_up(self) -> str | None:
        """Why the running test could not do what it wanted: the plan a person prepared brings no offer any more."""
        center = self.__dict__.get("developer_center")
        if not isinstance(center, ManualCenter) or not self._plans or not asked_in_vain(self.timeline, self.model):
            return None
        center.mark_used_up(self._plans[-1])
        return f"{self._plans[-1].name} applies, yet brings no offer: it is used up"

    # -- inside ------------------------------------------------------------------------------------

    def _speed_changed(self, speed: float) -> None:
        self.timeline.speed = speed
        if "client" in self.__dict__:
            self.client.speed = speed

    def _device_key(self) -> str:
        """The device's name on the platform: what the bench says, else the IMEI."""
        if self._bench is not None:
            return str(self._bench.ready["device_key"])
        return self.config.module.imei or self.module.identity().imei

    def _platform_agrees(self, plan: Plan) -> str | None:
        """What is wrong with the platform's view of a finished upgrade, None where it shows the success."""
        state = plan.wait_status("Upgraded", "Upgrade Failed", within=self.model.timings.connect)
        self.timeline.record("platform", action="asked", plan=plan.name, status=state.status)
        return None if state.status == "Upgraded" else f"the platform shows {state.status!r} instead of 'Upgraded'"
