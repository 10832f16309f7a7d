"""Who keeps a live rig usable between tests: wakes and identifies the module, recovers it, puts back what a test changed.

Where putting back fails the rig is *poisoned*: before the next test the module is power-cycled, or reset where the rig may not cut.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_quecfota import urc
from pytest_quecfota.at.baudrates import answering_rate
from pytest_quecfota.at.client import Client
from pytest_quecfota.errors import BenchError, CommandError, ModuleBricked, ModuleError, ModuleSilent, Reason
from pytest_quecfota.module import Identity, Module
from pytest_quecfota.rig.leftovers import left_open

if TYPE_CHECKING:
    from pytest_quecfota.rig.live import LiveRig


class Caretaker:
    """Keeps `rig` usable."""

    def __init__(self, rig: LiveRig) -> None:
        self._rig = rig
        self.poisoned: str | None = None
        """Why the rig has to be recovered before its next test."""

    def introduce(self, module: Module) -> Identity:
        """Wake the module, see that it is the one meant, and give it the rig's product: what tests start from.

        Raises:
            ModuleSilent: it does not wake up.
            BenchError: it is another module.
        """
        supply = self._rig.supply
        if supply is not None:
            supply.restore()
        if not module.answers(tries=3):  # one that finds its rate by itself may not understand the first AT
            self._see_the_rate()
            if not self._woken(module):
                self._restart(module)
        identity = self._identified(module)
        self._give_product(module)
        module.forget_changes()
        return identity

    def check_health(self, module: Module) -> None:
        """Before a test: the module answers; a poisoned rig is recovered first.

        Raises:
            ModuleBricked: powered, port fine, silent, also after power-cycling.
            BenchError: the bench is at fault.
        """
        if self.poisoned is not None:
            reason, self.poisoned = self.poisoned, None
            self._rig.timeline.record("note", text=f"recovering the rig: {reason}")
            self._recover(module)
        elif not module.answers(tries=1):
            self._recover(module)

    def put_back(self, used: set[str], module: Module | None) -> list[BaseException]:
        """After a test that used these parts: undo what it changed. Returns what went wrong; the rig is then poisoned."""
        problems: list[BaseException] = []
        supply = self._rig.supply if "supply" in used else None
        undo = [self._rig.restore_clock]
        undo += [self._rig.power.take_batteries, supply.restore] if supply is not None else []
        undo += [lambda: self._settle(module)] if module is not None and "module" in used and not self.poisoned else []
        for step in undo:
            try:
                step()
            except (ModuleError, BenchError, ValueError) as error:
                problems.append(error)
        if problems:
            self.poisoned = str(problems[0]).partition("\n")[0]
        return problems

    @staticmethod
    def _woken(module: Module) -> bool:
        """Whether a module that was off came up when its PWRKEY was pressed."""
        with contextlib.suppress(ModuleSilent):
            return module.wake()
        return False

    def _see_the_rate(self) -> None:
        """A silent module may speak at another rate than the rig file says. Raises `BenchError` where it does."""
        client = self._rig.client
        rate = None if self._rig.is_virtual or not isinstance(client, Client) else answering_rate(client)
        if rate is not None:
            own = client.wire.spec.baudrate
            raise BenchError(
                f"the module answers at {rate} baud, the rig file says {own}: write module.port.baudrate: {rate}, "
                f"or set the module by AT+IPR={own};&W",
                reason=Reason.CONFIGURATION,
            )

    def _identified(self, module: Module) -> Identity:
        rig = self._rig.config
        identity = module.identity()
        self._rig.timeline.record("note", text=f"module: {identity}")
        if rig.module.imei and identity.imei != rig.module.imei:
            raise BenchError(
                f"the module on {rig.module.port} has IMEI {identity.imei}, the rig file asks for {rig.module.imei}",
                reason=Reason.WRONG_MODULE,
            )
        return identity

    def _give_product(self, module: Module) -> None:
        key, secret = self._rig.config.product()
        if not key or not secret:
            return
        found = module.at(module.model.verb("product_info").command).values
        if [str(value) for value in found[1:3]] != [key, secret]:
            module.disconnect()
            module.configure("productinfo", key, secret)

    def _recover(self, module: Module) -> None:
        """Bring the module back to life."""
        if self._rig.supply is not None:
            self._rig.supply.restore()
        try:
            self._restart(module)
        except ModuleBricked:
            raise
        except ModuleSilent as silent:
            raise ModuleBricked(f"the module stays silent: {silent}") from silent
        self._back_to_baseline(module)

    def _restart(self, module: Module) -> None:
        if self._rig.supply is not None and "cuts" in self._rig.config.allow:
            module.power_cycle()
        else:
            module.reset()

    def _settle(self, module: Module) -> None:
        """End what the test has left of an upgrade, then disconnect and undo settings.

        An offer is refused where its plan has ended with the test anyway. A person's plan must not be: a refusal lasts for hours,
        a restart forgets the offer.
        """
        left = left_open(self._rig.timeline)
        if left is urc.UpgradeOffered and self._rig.plans_end_with_their_test():
            with contextlib.suppress(CommandError):  # it was answered already
                module.refuse_upgrade()
        elif left is not None:
            self._restart(module)
        self._back_to_baseline(module)

    @staticmethod
    def _back_to_baseline(module: Module) -> None:
        module.disconnect()
        module.put_back()
