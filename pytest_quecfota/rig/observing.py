"""What a rig with a real MCU (`host: observed`) is made of: its two lines, both only read, and what is put together from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_quecfota.at.overheard import Overhearing
from pytest_quecfota.developer_center import ServiceCenter
from pytest_quecfota.errors import DeveloperCenterError
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.tap import Tap
from pytest_quecfota.module import ObservedHost, ObservedModule
from pytest_quecfota.rig.keys import presses
from pytest_quecfota.timeline import Timeline

if TYPE_CHECKING:
    from pytest_quecfota.rig.live import LiveRig

_TOLD = re.compile(r'AT\+QIOTMCUVER="([^"]+)"\s*,\s*"([^"]+)"', re.IGNORECASE)


class Observing:
    """The observed side of `rig`: opened once, closed with it. Raises `PortLost` where a line cannot be opened."""

    def __init__(self, rig: LiveRig) -> None:
        self._rig = rig
        tap = rig.config.module.tap
        assert tap is not None  # the loader asks for it
        spec = PortSpec(tap.url or "", tap.baudrate, tap.usb_path, tap.interface)
        self._tap = Tap(spec, rig.timeline)
        self.overhearing = Overhearing(rig.wire, self._tap)
        self._timeline = rig.timeline
        self._since: Any = rig.timeline.start
        self._exchanges = 0

    def close(self) -> None:
        """Give the tap back."""
        self._tap.close()

    def record_to(self, timeline: Timeline) -> None:
        """Another test begins, or the time between tests."""
        self._tap.record_to(timeline)
        self._timeline, self._since = timeline, timeline.start
        self._exchanges = self.overhearing.after(0)[1]

    def plan_is_made(self) -> None:
        """A plan is about to be activated: from here on the MCU may begin with it."""
        self._since = self._timeline.events.mark()
        self._exchanges = self.overhearing.after(0)[1]

    def module(self) -> ObservedModule:
        """The module as far as it can be seen from outside."""
        rig = self._rig
        supply = rig.supply if "cuts" in rig.config.allow else None
        return ObservedModule(
            self.overhearing,
            rig.model,
            timeline=lambda: rig.timeline,
            supply=supply,
            **presses(rig),
            ask_version=lambda: self._platform_knows(None),
        )

    def host(self, **options: Any) -> ObservedHost:
        """The MCU, watched."""
        module = self._rig.module
        assert isinstance(module, ObservedModule)
        return ObservedHost(module, since=lambda: (self._since, self._exchanges), **options)

    def version_of(self, component: str) -> str | None:
        """The version of its own component that the MCU has told, or the platform knows; None: nobody has said."""
        heard, _ = self.overhearing.after(0)
        for exchange in reversed(heard):
            told = _TOLD.fullmatch(exchange.command)
            if told is not None and told[1] == component and exchange.final == "OK":
                return told[2]
        return self._platform_knows(component)

    def _platform_knows(self, component: str | None) -> str | None:
        """The version of a component of the MCU, or (None) of the module, as the platform has it; None: it does not know."""
        center = self._rig.__dict__.get("developer_center")
        if not isinstance(center, ServiceCenter):
            return None
        try:
            versions = center.versions().get("versions") or {}
        except DeveloperCenterError as error:
            if error.status == 404:  # a device that has never connected
                return None
            raise
        found = versions.get("module") if component is None else (versions.get("mcu") or {}).get(component)
        return str(found) if found else None
