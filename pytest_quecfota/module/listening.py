"""The module of an observed host: a real MCU owns its line, the plugin reads both directions and writes nothing.

Every verb that would write raises `HostObserved`. What the MCU has asked by itself can be told: the running version, and what
battery and signal it has been shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_quecfota import urc
from pytest_quecfota.at.overheard import Heard, Overhearing
from pytest_quecfota.at.response import Response
from pytest_quecfota.errors import HostObserved, ModuleSilent
from pytest_quecfota.models import Model
from pytest_quecfota.module.device import Module, PowerSwitch, picked
from pytest_quecfota.module.watching import Watch
from pytest_quecfota.timeline import Timeline, one_of


class ObservedModule(Module):
    """The device under test beside a real MCU.

    Args:
        overhearing: what MCU and module say to each other.
        model, timeline, supply, press_reset, press_pwrkey: as of `Module`.
        ask_version: the running version as the platform knows it; None where it cannot be asked.
    """

    def __init__(
        self,
        overhearing: Overhearing,
        model: Model,
        *,
        timeline: Callable[[], Timeline],
        supply: PowerSwitch | None = None,
        press_reset: Callable[[float], None] | None = None,
        press_pwrkey: Callable[[float], None] | None = None,
        ask_version: Callable[[], str | None] = lambda: None,
    ) -> None:
        super().__init__(
            overhearing,
            model,
            timeline=timeline,
            supply=supply,
            press_reset=press_reset,
            press_pwrkey=press_pwrkey,
        )
        self.overhearing = overhearing
        self._ask_version = ask_version

    def told(self, verb: str, *, since: float = 0.0) -> Any:
        """What the module last answered the MCU to a verb's command, after `since` (`time.monotonic`); None: it was not asked."""
        heard = self.overhearing.last(self.model.verb(verb).command)
        return None if heard is None or heard.answered < since else self.value(verb, heard)

    def value(self, verb: str, heard: Heard) -> Any:
        """The value of an answer, as the model's data says where it stands."""
        response = Response(tuple(heard.lines), list(heard.values), 0.0, heard.block, heard.final, heard.command)
        return picked(self.model.verb(verb).pick, response, heard.command)

    def version_told(self) -> str | None:
        """The running version as the module has told it to the MCU since its last start; None: it was not asked."""
        told = self.told("firmware_version", since=self.overhearing.restarted)
        return None if told is None else str(told)

    def firmware_version(self) -> str:
        """As `version_told`, else what the platform knows; waited for as long as a module may take to connect.

        Raises:
            HostObserved: nobody says it by then.
        """
        with Watch(self.timeline) as watch:
            version = watch.until(lambda: self.version_told() or self._ask_version(), self.model.timings.connect)
        if version is None:
            asked = self.model.verb("firmware_version").command
            raise HostObserved(
                f"nobody knows the running version: the MCU did not ask ({asked}), nor can the platform say"
            )
        return version

    def answers(self, tries: int = 1) -> bool:
        """Nothing may be asked: it counts as answering until the MCU gets no answer to `tries` commands in a row or more."""
        heard, _ = self.overhearing.after(0)
        return not heard or any(exchange.final for exchange in heard[-max(tries, 3) :])

    def wait_ready(self, since: Any = None) -> None:
        """Wait for the start to be printed. Raises `ModuleSilent` where it does not come in the model's time."""
        within = self.model.timings.boot
        found = self.timeline.events.wait(one_of(urc.Ready, urc.AppReady), within=within, since=since, guards=False)
        if found is None:
            raise ModuleSilent(f"no {self.model.boot.first} within {within:g} s")
