"""A battery on every family of supplies: by the instrument where it emulates batteries, else by the host's loop.

The instruments are strict (`strict_families`): after each test it must hold that they understood every message.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from strict_families import FAMILIES
from strict_supply import Output, StrictSupply

from pytest_quecfota.power import Profile, Supply, load_profile, profile_names
from pytest_quecfota.power.battery import Battery
from pytest_quecfota.power.battery_cell import Cell
from pytest_quecfota.power.battery_curves import load_curve
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.timeline import Timeline

SPEED = 60.0
EMULATING = sorted(name for name in profile_names() if load_profile(name).battery is not None)
TABLE = [name for name in EMULATING if load_profile(name).battery.kind == "table"]  # type: ignore[union-attr]


@pytest.fixture
def profile(request: pytest.FixtureRequest) -> Profile:
    """As it is, but in a hurry."""
    found = load_profile(request.param)
    quick = {"command_gap": 0.0, "quiet": 0.03}
    return found.model_copy(update={"transport": found.transport.model_copy(update=quick)})


@pytest.fixture
def strict(profile: Profile) -> Iterator[StrictSupply]:
    instrument = StrictSupply(FAMILIES[profile.name])
    yield instrument
    instrument.close()
    assert instrument.unknown == []
    assert instrument.rude == []


@pytest.fixture
def output(strict: StrictSupply) -> Output:
    return strict.outputs[1]


@pytest.fixture
def timeline() -> Iterator[Timeline]:
    made = Timeline(speed=SPEED)
    yield made
    made.close()


@pytest.fixture
def supply(strict: StrictSupply, profile: Profile) -> Iterator[Supply]:
    instrument = Instrument(strict.address, transport=profile.transport, setup=profile.setup_messages(1), limit=1.0)
    made = Supply(instrument, profile, channel=1, nominal=Setting(3.3, 1.0), limits=Limits(2.1, 3.6), may_cut=True)
    made.restore()
    yield made
    made.close()


def cell(charge: float = 0.42, chemistry: str = "li-mno2") -> Cell:
    return Cell(load_curve(chemistry), charge=charge, internal_resistance=0.2, capacity=1.2)


@pytest.mark.parametrize("profile", [name for name in profile_names() if name not in EMULATING], indirect=True)
def test_the_hosts_loop_plays_it_on_every_other_family(supply, output, timeline):
    with Battery(supply, timeline, cell()) as battery:
        assert battery.discharge.played_by == "host loop"
        assert output.voltage == pytest.approx(2.90, abs=0.05)
        battery.replace(1.0)
        assert output.voltage == pytest.approx(3.0, abs=0.05)
    assert (output.voltage, output.on) == (3.3, True)


@pytest.mark.parametrize("profile", EMULATING, indirect=True)
def test_an_instrument_that_emulates_batteries_is_loaded_with_the_cell(supply, output, strict, profile, timeline):
    with Battery(supply, timeline, cell()) as battery:
        assert battery.discharge.played_by.startswith(profile.title)
        if profile.battery.kind == "resistance":
            assert output.battery["resistance"] == pytest.approx(cell().resistance, abs=0.001)
            assert output.voltage == pytest.approx(2.90, abs=0.01)
            assert output.on
        else:
            assert output.emulating
            assert output.battery["charge"] == 42.0
            assert output.battery["capacity"] == 1.2
    assert not output.emulating
    assert (output.voltage, output.on) == (3.3, True)


@pytest.mark.parametrize("profile", [n for n in EMULATING if n not in ("keysight-n6705c",)], indirect=True)
def test_its_own_count_of_the_charge_is_believed(supply, output, timeline):
    with Battery(supply, timeline, cell()) as battery:
        output.battery["charge"] = 30.0
        battery._step()
        assert battery.charge == 0.3


@pytest.mark.parametrize("profile", EMULATING, indirect=True)
def test_another_cell_is_loaded_anew(supply, output, profile, timeline):
    with Battery(supply, timeline, cell()) as battery:
        battery.replace(0.9)
        assert battery.charge == pytest.approx(0.9, abs=0.001)
        if profile.battery.kind != "resistance":
            assert output.battery["charge"] == 90.0


@pytest.mark.parametrize("profile", EMULATING, indirect=True)
def test_a_protection_that_opens_ends_the_emulation_with_the_output_off(supply, output, timeline):
    with Battery(supply, timeline, cell(), cut_off=0.0) as battery:
        battery._open()
        assert not output.emulating
        assert not output.on
        battery.replace(1.0)
        assert output.on or output.emulating
        assert not battery.has_let_go
    assert (output.voltage, output.on) == (3.3, True)


@pytest.mark.parametrize("profile", TABLE, indirect=True)
def test_no_point_of_a_curve_is_above_the_rigs_upper_limit(supply, output, strict, profile, timeline):
    with Battery(supply, timeline, cell(chemistry="li-ion")):
        sent = next(unit for unit in strict.units if "MOD:DATA" in unit and "?" not in unit)
    numbers = [float(text) for text in sent.rpartition(" ")[2].split(",")]
    assert output.battery["points"] == 50
    assert max(numbers[1::3]) == 3.6
    assert numbers[0] == 0
    assert numbers[-3] == 100


@pytest.mark.parametrize("profile", EMULATING, indirect=True)
def test_one_that_cannot_be_started_leaves_an_ordinary_supply(supply, output, timeline):
    with pytest.raises(ValueError, match="at best"):
        Battery(supply, timeline, cell(), period=1e-6).start()
    assert not output.emulating
    assert (output.voltage, output.on) == (3.3, True)
