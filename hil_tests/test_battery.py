"""The module on a battery instead of a supply: PWR-01 and PWR-07, with real discharge curves."""

from __future__ import annotations

import pytest

from pytest_quecfota import urc
from pytest_quecfota.power.battery_curves import load_curve

pytestmark = pytest.mark.needs("battery")

LOW = 0.12  # of its charge
SOUND = {"upgraded", "kept", "recovered"}
#: A virtual clock for the tests of bursts: at full speed a burst is over between two measurements.
UNHURRIED = {"nb": 30, "cellular": 10}
#: Where a cell may run empty: between these two.
STAGES = {"downloading": (urc.DownloadStarted, urc.Downloaded), "installing": (urc.Updating, urc.Ready)}


def follows(rig, low, full):
    """Whether the module's reading follows its supply; on a virtual rig it must, unless the rig file fixes it."""
    if low is not None and full is not None and low < full:
        return True
    text = f"the battery reads {full} % full and {low} % at a charge of {LOW:.0%}: it does not follow the supply"
    if rig.is_virtual and rig.config.virtual.battery_percent is None:
        pytest.fail(text)
    pytest.skip(text)


@pytest.mark.requirement("PWR-01", "OTA-05")
@pytest.mark.needs("plans")
@pytest.mark.module_time("90 min")
def test_a_discharged_battery_keeps_an_upgrade_from_starting_and_a_full_one_does_not(
    rig, module, events, battery, fota_plan, upgrade
):
    """Low on its discharge curve the offer is refused; with a full cell in its place the same offer is taken."""
    with battery(charge=1.0) as cell:
        full = module.battery_percent()
        cell.replace(LOW)
        low = module.battery_percent()
        assert follows(rig, low, full)
        least = {"min_battery": (low + full + 1) // 2}
        plan = fota_plan(strategy=least)
        source = module.firmware_version()
        assert upgrade(plan).outcome == "kept"
        assert not events.seen(urc.DownloadStarted)
        assert module.firmware_version() == source
        plan.terminate()
        cell.replace(1.0)
        assert upgrade(fota_plan(strategy=least)).outcome == "upgraded"


@pytest.mark.requirement("PWR-01")
@pytest.mark.module_time("30 min")
@pytest.mark.parametrize(
    "chemistry",
    [None, *(pytest.param(name, marks=pytest.mark.nightly) for name in ("li-ion", "li-mno2", "li-socl2"))],
    ids=lambda name: name or "suitable",
)
def test_the_modules_reading_follows_the_discharge_curve(rig, module, battery, supply, chemistry):
    """From full to nearly empty, what the module reads never rises; on a suitable cell it ends below where it began."""
    told = []
    if chemistry is not None and load_curve(chemistry).full < supply.limits.min:
        pytest.skip(f"a full {chemistry} cell is below what the module stands")
    with battery(chemistry, charge=1.0, internal_resistance=0.05) as cell:
        for charge in (1.0, 0.6, 0.3, 0.1, 0.05):
            cell.replace(charge)
            if cell.has_let_go or cell.voltage < supply.limits.min:
                break  # below what the module stands: others test that
            told.append(module.battery_percent())
            if rig.is_virtual:
                assert abs(rig.control("/truth")["voltage"] - cell.voltage) < 0.03, "the module has another voltage"
    if None in told:
        pytest.skip("the module does not know its battery")
    if chemistry is None:  # others may be flat where the module measures
        assert follows(rig, told[-1], told[0])
    assert told == sorted(told, reverse=True)


def resistance_to_the_limit(rig, module, battery, supply):
    """Ohms at which what the module draws while it connects, as the loop sees it, takes a cell down to the lower limit."""
    if rig.is_virtual:
        rig.clock.speed(UNHURRIED[rig.model.flavour])
    with battery(charge=0.6, internal_resistance=0.0) as cell:
        spare = cell.voltage - supply.limits.min
        module.disconnect()
        module.connect()
    return spare / cell.discharge.highest_current


@pytest.mark.requirement("PWR-07")
@pytest.mark.module_time("90 min")
def test_bursts_that_sag_within_the_supply_range_are_survived(rig, module, battery, supply, fota_plan, upgrade):
    """A cell whose resistance takes half of what lies between its voltage and the lower limit changes nothing."""
    ohms = 0.5 * resistance_to_the_limit(rig, module, battery, supply)
    with battery(charge=0.6, internal_resistance=ohms) as cell:
        rest = cell.voltage
        run = upgrade(fota_plan())
    if cell.weak:
        pytest.skip("the upgrade drew more than twice what connecting draws: the cell fell below the supply range")
    assert run.outcome == "upgraded", run.reason
    assert cell.discharge.lowest < rest, "it never sagged: nothing was tested"


@pytest.mark.requirement("PWR-07")
@pytest.mark.module_time("180 min")
@pytest.mark.parametrize(
    "depth", [2.0, pytest.param(1.5, marks=pytest.mark.nightly), pytest.param(4.0, marks=pytest.mark.nightly)]
)
def test_bursts_that_sag_below_it_leave_nothing_half_done(rig, module, battery, supply, fota_plan, upgrade, depth):
    """A cell so weak that each burst takes the module below its range: survived or refused, and upgraded on good power."""
    ohms = depth * resistance_to_the_limit(rig, module, battery, supply)
    source, plan = module.firmware_version(), fota_plan()
    module.disconnect()  # so that it has to transmit
    with battery(charge=0.6, internal_resistance=ohms, cut_off=0.0) as cell:
        run = upgrade(plan)
    assert cell.weak, "it never fell below the supply range: nothing was tested"
    check_whole(module, run, plan, source, fota_plan, upgrade)


@pytest.mark.requirement("PWR-07", "PWR-04")
@pytest.mark.module_time("240 min")
@pytest.mark.parametrize("part", [0.8, *(pytest.param(n / 10, marks=pytest.mark.nightly) for n in (1, 3, 5, 7, 9))])
@pytest.mark.parametrize("stage", STAGES)
def test_a_cell_that_runs_empty_on_the_way_leaves_nothing_half_done(
    rig, module, events, battery, fota_plan, upgrade, stage, part
):
    """A cell with just the charge that brings an upgrade so far lets go there; a fresh one takes its place a little later."""
    taken = {}
    module.connect()  # before both, so that both cells serve for the same
    with battery(charge=1.0, internal_resistance=0.0) as cell:
        watched = [
            events.on(event, lambda _urc, event=event: taken.setdefault(event, cell.discharge.drawn))
            for event in STAGES[stage]
        ]
        assert upgrade(fota_plan()).outcome == "upgraded"
        for handle in watched:
            handle.cancel()
    begin, end = (taken[event] for event in STAGES[stage])
    source, plan = module.firmware_version(), fota_plan()
    capacity = begin + part * (end - begin)
    with battery(charge=1.0, capacity=capacity, internal_resistance=0.0, cut_off=0.0, replaced_after="20 s") as cell:
        run = upgrade(plan)
    if not cell.discharge.cut_offs and not rig.is_virtual:
        pytest.skip("this upgrade took less charge than the one before it: the cell did not run empty")
    assert cell.discharge.cut_offs >= 1, "it did not run empty: nothing was tested"
    check_whole(module, run, plan, source, fota_plan, upgrade)


def check_whole(module, run, plan, source, fota_plan, upgrade):
    """The module runs one of both versions, nobody claims a false success, and on good power an upgrade works."""
    assert run.outcome in SOUND, run.reason
    assert module.answers(), "on good power it does not come back by itself"
    running = module.firmware_version()
    assert running in {source, plan.target_version}
    if run.outcome == "kept":
        plan.terminate()
    if run.outcome != "recovered":  # that one was proven by a further upgrade already
        assert upgrade(fota_plan()).outcome == "upgraded"
