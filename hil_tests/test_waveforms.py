"""Waveforms on the supply: PWR-05 (inside its range nothing happens), PWR-06 (below it a clean restart, no half-alive state)."""

from __future__ import annotations

import pytest

from pytest_quecfota import urc
from pytest_quecfota.power.waveform import Level, Ramp, Waveform
from pytest_quecfota.power.waveform_catalogue import Catalogue

pytestmark = pytest.mark.needs("cuts")

LONGEST = 45 * 60  # module seconds of a waveform that the nightly run plays
SHIPPED = [definition.name for definition in Catalogue().definitions()]


def inside(supply, *, edge: float) -> Waveform:
    """Eight dips one after another, deeper and deeper, the last just above the least the module may be given."""
    nominal, least = supply.nominal.voltage, supply.limits.min + 0.1 * (supply.nominal.voltage - supply.limits.min)
    segments = []
    for k in range(1, 9):
        level = round(nominal - k / 8 * (nominal - least), 4)
        segments += [Ramp(nominal, level, edge), Level(level, 0.1), Ramp(level, nominal, edge), Level(nominal, 0.2)]
    return Waveform("dips-inside-the-range", tuple(segments))


def slow_inside(supply) -> Waveform:
    """Down to nearly the least the module may be given and up again, half a minute each way."""
    nominal, least = supply.nominal.voltage, supply.limits.min + 0.1 * (supply.nominal.voltage - supply.limits.min)
    return Waveform("slowly-inside-the-range", (Ramp(nominal, least, 30.0), Ramp(least, nominal, 30.0)))


def droop(supply) -> Waveform:
    """Single bursts where the supply is quick enough for them, else their average; skipped where that leaves the range."""
    try:
        shape = supply.player.plan("gsm_burst_droop").waveform
    except ValueError:
        shape = supply.player.find("transmit_sag")
    if shape.lowest < supply.limits.min:
        pytest.skip(f"{shape.name} goes down to {shape.lowest:g} V, this rig allows {supply.limits.min:g} V")
    return shape


INSIDE = {"dips": lambda supply: inside(supply, edge=0.05), "burst-droop": droop, "slowly": slow_inside}


def playable(supply, shape):
    """The waveform; skip where this supply cannot play it, saying why."""
    try:
        supply.player.plan(shape)
    except ValueError as error:
        pytest.skip(str(error))
    return shape


def play_or_skip(supply, shape):
    """Play it; skip where this supply cannot, saying why."""
    return supply.play(playable(supply, shape))


def check_alive(module, before, mark) -> None:
    """After a waveform the module is all there: it answers, is who it was, and runs what it ran."""
    module.wait_ready(since=mark)
    assert module.at("AT").final == "OK"
    assert module.identity() == before[0]
    assert module.firmware_version() == before[1]


def who(module):
    """What must be the same afterwards."""
    return module.identity(), module.firmware_version()


# -- PWR-05 ----------------------------------------------------------------------------------------


@pytest.mark.requirement("PWR-05")
@pytest.mark.module_time("60 min")
@pytest.mark.parametrize("shape", INSIDE)
def test_inside_the_range_an_upgrade_goes_on_as_if_nothing_were(fota_plan, upgrade, brownout, supply, shape):
    """Dips, droops and slow changes that stay in the supply range, while the download runs: no restart but the upgrade's own."""
    with brownout(at=urc.Downloading, waveform=playable(supply, INSIDE[shape](supply))) as disturbance:
        run = upgrade(fota_plan())
    assert disturbance.fired == 1
    assert run.outcome == "upgraded", run.reason
    assert run.reboots == 1


@pytest.mark.nightly
@pytest.mark.requirement("PWR-05")
@pytest.mark.module_time("60 min")
@pytest.mark.parametrize("at", [urc.DownloadStarted, urc.Updating], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("shape", INSIDE)
def test_inside_the_range_no_step_of_an_upgrade_minds(fota_plan, upgrade, brownout, supply, shape, at):
    """The same at the beginning of the download and while flash is written."""
    with brownout(at=at, waveform=playable(supply, INSIDE[shape](supply))) as disturbance:
        run = upgrade(fota_plan())
    assert disturbance.fired == 1
    assert run.outcome == "upgraded", run.reason
    assert run.reboots == 1


@pytest.mark.requirement("PWR-05")
@pytest.mark.module_time("20 min")
def test_inside_the_range_an_idle_module_does_not_restart(module, events, supply):
    """A module that is awake prints no start while the supply stays in its range."""
    before, mark = who(module), events.mark()
    for shape in (inside(supply, edge=0.05), droop(supply)):
        play_or_skip(supply, shape)
    assert module.at("AT").final == "OK"
    assert not events.seen(urc.Ready, since=mark)
    assert who(module) == before


# -- PWR-06 ----------------------------------------------------------------------------------------


@pytest.mark.requirement("PWR-06")
@pytest.mark.module_time("60 min")
@pytest.mark.parametrize("share", [0.0, 0.5], ids=["to-nothing", "to-half"])
def test_a_dip_below_the_range_is_one_clean_restart(module, events, supply, fota_plan, upgrade, share):
    """Half a second far below the range: the module starts once, is who it was, and can be upgraded."""
    before, mark = who(module), events.mark()
    play_or_skip(supply, Waveform("dip-below", (Level(round(share * supply.limits.min, 4), 0.5),)))
    check_alive(module, before, mark)
    assert len(events.seen(urc.Ready, since=mark)) == 1
    assert upgrade(fota_plan()).outcome == "upgraded"


@pytest.mark.requirement("PWR-06")
@pytest.mark.module_time("60 min")
@pytest.mark.parametrize(
    "shape",
    ["ramp-10s", *(pytest.param(n, marks=pytest.mark.nightly) for n in ("hold_up_discharge", "iso7637_pulse4_12"))],
)
def test_a_slow_fall_and_rise_leaves_no_half_alive_state(module, events, supply, fota_plan, upgrade, shape):
    """Voltage that goes slowly through the brown-out level, both ways: afterwards the module is all there and can be upgraded."""
    before, mark = who(module), events.mark()
    play_or_skip(supply, shape)
    check_alive(module, before, mark)
    assert upgrade(fota_plan()).outcome == "upgraded"


@pytest.mark.requirement("PWR-06")
@pytest.mark.module_time("60 min")
def test_the_stepped_reset_profile_leaves_no_half_alive_state(module, events, supply, fota_plan, upgrade):
    """Drops of one second, each 5 % deeper: the short form of the reset profile."""
    before, mark = who(module), events.mark()
    play_or_skip(supply, "steps-1s")
    check_alive(module, before, mark)
    assert upgrade(fota_plan()).outcome == "upgraded"


@pytest.mark.nightly
@pytest.mark.requirement("PWR-05", "PWR-06")
@pytest.mark.module_time("120 min")
@pytest.mark.parametrize("name", SHIPPED)
def test_no_named_waveform_leaves_a_half_alive_state(module, events, supply, fota_plan, upgrade, name):
    """Each waveform that is shipped and that this supply can play, in full; then the module is all there and can be upgraded."""
    shape = supply.player.find(name)
    if shape.duration > LONGEST:
        pytest.skip(f"{name} lasts {shape.duration / 60:g} min")
    before, mark = who(module), events.mark()
    play_or_skip(supply, name)
    if shape.falls(supply.limits.min):
        module.wait_ready(since=mark)
    else:
        assert not events.seen(urc.Ready, since=mark)
    assert module.at("AT").final == "OK"
    assert who(module) == before
    assert upgrade(fota_plan()).outcome == "upgraded"


@pytest.mark.nightly
@pytest.mark.requirement("PWR-06")
@pytest.mark.module_time("120 min")
@pytest.mark.parametrize("shape", ["steps-1s", "ramp-10s", "iso16750_momentary_drop_12C"])
def test_a_waveform_in_the_middle_of_an_upgrade_leaves_a_module_that_can_be_upgraded(
    fota_plan, upgrade, brownout, supply, shape
):
    """The same while flash is written: restarts as often as it takes, and then source or target version, and a further upgrade."""
    with brownout(at=urc.Updating, after=0.5, waveform=playable(supply, shape)) as disturbance:
        run = upgrade(fota_plan())
    assert disturbance.fired == 1
    assert run.outcome in {"upgraded", "recovered"}, run.reason
    assert upgrade(fota_plan()).outcome == "upgraded"
