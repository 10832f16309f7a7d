"""A scripted instrument and a supply that drives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scripted_instrument import ScriptedInstrument

from pytest_quecfota.power import Supply, load_profile
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.supply import Limits, Setting

IMPATIENT = 0.2  # real seconds the instrument has to answer


@pytest.fixture
def scripted() -> Iterator[ScriptedInstrument]:
    instrument = ScriptedInstrument()
    yield instrument
    instrument.close()


@pytest.fixture
def make_supply(scripted: ScriptedInstrument) -> Iterator[Callable[..., Supply]]:
    """Makes a supply on the scripted instrument; 3.3 V, limits 2.1 to 3.6 V."""
    made: list[Supply] = []

    def make(*, may_cut: bool = True, limit: float = IMPATIENT) -> Supply:
        made.append(
            Supply(
                Instrument(scripted.address, limit=limit),
                load_profile("keysight-e36300"),
                channel=1,
                nominal=Setting(3.3, 1.0),
                limits=Limits(2.1, 3.6),
                may_cut=may_cut,
            )
        )
        return made[-1]

    yield make
    for supply in made:
        supply.close()


@pytest.fixture
def supply(make_supply: Callable[..., Supply]) -> Supply:
    return make_supply()


@pytest.fixture
def patient_supply(make_supply: Callable[..., Supply]) -> Supply:
    """With the real limit, for tests that are busy rather than silent."""
    return make_supply(limit=1.0)
