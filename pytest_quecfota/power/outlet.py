"""What playing waveforms needs of a supply, and no more: `supply.Supply` is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pytest_quecfota.power.dialogue import Dialogue
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.profiles import Profile


class Range(Protocol):
    """What the module stands, in volts."""

    @property
    def min(self) -> float:
        """The least, in volts."""

    @property
    def max(self) -> float:
        """The most, in volts."""


class Nominal(Protocol):
    """What the supply gives when nothing is disturbed."""

    @property
    def voltage(self) -> float:
        """In volts."""

    @property
    def current_limit(self) -> float:
        """In amperes."""


class Reads(Protocol):
    """A reading at the terminals."""

    @property
    def voltage(self) -> float:
        """In volts."""


class Outlet(Protocol):
    """What the player needs of a supply."""

    instrument: Instrument
    dialogue: Dialogue
    profile: Profile
    channel: int
    may_cut: bool
    armed: bool
    record: Callable[..., object]

    @property
    def limits(self) -> Range:
        """The least and the most the module may be given."""

    @property
    def nominal(self) -> Nominal:
        """What it gives when nothing is disturbed."""

    def measure(self) -> Reads:
        """Volts and amperes now."""

    def setting(self) -> object:
        """What the supply says it is set to."""

    def restore(self) -> None:
        """Back to the nominal setting, output on."""
