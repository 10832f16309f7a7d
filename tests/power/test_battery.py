"""A battery in place of the supply: voltage follows current and charge, it lets go, and it is always taken away again."""

from __future__ import annotations

import math
import threading

import pytest
from metered import LIMIT, Meter

from pytest_quecfota.errors import BenchError, Reason, SupplyError
from pytest_quecfota.power.battery import Battery
from pytest_quecfota.power.battery_cell import Cell
from pytest_quecfota.power.battery_curves import load_curve
from pytest_quecfota.power.waveform import Level, Waveform
from pytest_quecfota.timeline import Timeline

SPEED = 600.0  # module seconds in a real one
RESTED = 3600.0  # module seconds after which the slow part of a sag is over


@pytest.fixture
def meter(scripted):
    return Meter(scripted)


@pytest.fixture
def timeline():
    made = Timeline(speed=SPEED)
    yield made
    made.close()


@pytest.fixture
def make(patient_supply, timeline, meter):
    """Makes a battery of Li-MnO2 on the scripted supply; ended at the latest after the test."""
    made: list[Battery] = []
    patient_supply.record = timeline.record

    def battery(charge=0.5, ohms=1.0, capacity=1000.0, **options):
        cell = Cell(load_curve("li-mno2"), charge=charge, internal_resistance=ohms, capacity=capacity)
        made.append(Battery(patient_supply, timeline, cell, **options))
        return made[-1]

    yield battery
    for each in made:
        with_error = each.error is not None
        try:
            each.end()
        except BenchError:
            assert with_error


def told(timeline, action):
    return [record for record in timeline.records("supply") if record["action"] == action]


def eventually(holds, within=LIMIT):
    waiting = threading.Event()
    for _ in range(round(within / 0.01)):
        if holds():
            return True
        waiting.wait(0.01)
    return False


# -- it follows --------------------------------------------------------------------------------------


def test_the_module_gets_the_cells_voltage_at_once_and_the_nominal_one_afterwards(scripted, make):
    with make(charge=0.42) as cell:
        assert float(scripted.state["voltage"]) == pytest.approx(2.90, abs=0.001)
        assert cell.is_running
    assert float(scripted.state["voltage"]) == 3.3
    assert scripted.state["output"] == "ON"
    assert not cell.is_running


def test_the_voltage_is_that_at_rest_less_current_times_resistance(scripted, meter, make):
    meter.amperes = 0.2
    with make(charge=0.5, ohms=1.0) as cell:
        due = load_curve("li-mno2").voltage(cell.charge) - 0.2 * 1.0 * load_curve("li-mno2").factor(cell.charge)
        assert eventually(lambda: abs(float(scripted.state["voltage"]) - due) < 0.002), scripted.state


def test_a_burst_sags_and_is_recovered_from(scripted, meter, make):
    with make(charge=0.5, ohms=1.0) as cell:
        rest = float(scripted.state["voltage"])
        meter.amperes = 0.5
        assert eventually(lambda: float(scripted.state["voltage"]) < rest - 0.5)
        meter.amperes = 0.0
        assert eventually(lambda: float(scripted.state["voltage"]) > rest - 0.01)
        assert cell.discharge.highest_current == 0.5
        assert cell.discharge.lowest < rest - 0.5


def test_the_charge_is_what_flowed_in_module_time(meter, make, timeline):
    """0.36 A out of 1 Ah is a tenth of a thousandth a module second."""
    meter.amperes = 0.36
    begin = timeline.now()
    with make(charge=1.0, ohms=0.01, capacity=1.0) as cell:
        meter.wait(5)
        passed = timeline.clock.between(begin, timeline.now())
        assert 0 < 1.0 - cell.charge < passed * 0.36 / 3600
        assert cell.discharge.drawn == pytest.approx((1.0 - cell.charge) * 1.0)


def test_the_charge_follows_a_clock_that_is_stepped(meter, make, timeline):
    meter.amperes = 0.36
    with make(charge=1.0, ohms=0.01, capacity=100.0) as cell:
        meter.wait(2)
        before = cell.charge
        timeline.stepped(3600)
        meter.wait(2)
        assert before - cell.charge >= 0.0036


def test_below_the_lower_limit_it_goes_and_that_counts_as_weak(scripted, meter, make, timeline):
    meter.amperes = 0.9
    with make(charge=0.5, ohms=1.0, cut_off=0) as cell:
        assert eventually(lambda: float(scripted.state["voltage"]) < 2.1)
        assert cell.weak == 1
    assert any("weak" in str(record.get("text")) for record in timeline.records("note"))


def test_never_above_the_upper_limit_and_the_record_says_so(scripted, patient_supply, timeline, meter):
    cell = Cell(load_curve("li-ion"), charge=1.0)
    with Battery(patient_supply, timeline, cell) as battery:
        meter.wait(2)
        assert battery.voltage == 3.6
        assert battery.discharge.held
    assert scripted.highest == 3.6


# -- it lets go ----------------------------------------------------------------------------------------


def test_below_its_cut_off_voltage_the_output_goes_off_and_stays_so(scripted, meter, make, timeline):
    meter.amperes = 0.5
    with make(charge=0.5, ohms=3.0) as cell:
        assert cell.wait_let_go(within=RESTED)
        meter.wait(3)
        assert scripted.state["output"] == "OFF"
        assert (cell.has_let_go, cell.voltage) == (True, 0.0)
        assert cell.discharge.cut_offs == 1
        assert cell.discharge.cut_off_at >= 0
    assert scripted.state["output"] == "ON"
    assert [record["why"] for record in told(timeline, "battery has let go")] == ["below 2 V"]


def test_what_then_happens_is_sampled(meter, make, timeline):
    with make(charge=0.5, ohms=3.0) as cell:
        meter.amperes = 0.5
        assert cell.wait_let_go(within=RESTED)
        mark = timeline.events.mark()
        meter.wait(3)
        found = list(timeline.records("sample", since=mark))
        assert found
        assert found[-1]["voltage"] == 0


def test_an_empty_cell_lets_go_whatever_its_cut_off(meter, make, timeline):
    meter.amperes = 0.2
    with make(charge=0.01, ohms=0.01, capacity=0.001, cut_off=0) as cell:
        assert cell.wait_let_go(within=RESTED)
        assert cell.charge == 0
    assert [record["why"] for record in told(timeline, "battery has let go")] == ["empty"]


def test_waiting_for_it_to_let_go_ends_with_its_time(make, timeline):
    timeline.speed = 1.0  # no slack
    with make() as cell:
        assert not cell.wait_let_go(within="50 ms")


def test_another_cell_takes_its_place_when_told(scripted, meter, make):
    with make(charge=0.02, ohms=3.0) as cell:
        meter.amperes = 0.2
        assert cell.wait_let_go(within=RESTED)
        meter.amperes = 0.01
        cell.replace(0.9)
        assert scripted.state["output"] == "ON"
        assert not cell.has_let_go
        assert 2.9 < float(scripted.state["voltage"]) < 3.0


def test_a_full_cell_takes_its_place_by_itself_where_that_is_wanted(scripted, meter, make, timeline):
    with make(charge=0.01, ohms=0.01, capacity=0.001, replaced_after=60) as cell:
        meter.amperes = 0.2
        assert cell.wait_let_go(within=RESTED)
        meter.amperes = 0.0
        assert eventually(lambda: told(timeline, "battery replaced"))
        assert eventually(lambda: scripted.state["output"] == "ON")
        assert cell.charge > 0.9
    gone, back = told(timeline, "battery has let go")[0]["t"], told(timeline, "battery replaced")[0]["t"]
    assert timeline.clock.between(gone, back) >= 60


def test_somebody_who_switches_the_output_on_meets_the_same_weak_battery(patient_supply, scripted, meter, make):
    """A power cycle does not charge it: under the same load it lets go again."""
    with make(charge=0.5, ohms=3.0) as cell:
        meter.amperes = 0.5
        assert cell.wait_let_go(within=RESTED)
        patient_supply.on()
        assert eventually(lambda: cell.discharge.cut_offs == 2)
        assert scripted.state["output"] == "OFF"


# -- beside others -------------------------------------------------------------------------------------


def test_while_a_disturbance_is_armed_it_neither_asks_nor_sets(patient_supply, scripted, meter, make):
    with make(charge=0.5, capacity=0.1) as cell:
        meter.amperes = 0.5
        meter.wait(2)
        patient_supply.arm(Waveform("cut", (Level(0.0, 0.1),)))
        before, charge = len(scripted.messages), cell.charge
        assert eventually(lambda: cell.charge < charge), "the charge goes on running down"
        assert len(scripted.messages) == before
        patient_supply.disarm()
        meter.wait(2)
        assert cell.discharge.waited > 0


def test_a_cell_that_is_replaced_meanwhile_is_in_place_when_the_disturbance_is_over(patient_supply, scripted, make):
    with make(charge=0.42) as cell:
        patient_supply.arm(Waveform("cut", (Level(0.0, 0.1),)))
        before = len(scripted.messages)
        cell.replace(1.0)
        assert len(scripted.messages) == before
        patient_supply.disarm()
        assert eventually(lambda: float(scripted.state["voltage"]) == pytest.approx(3.0, abs=0.001))


def test_what_somebody_else_sets_is_set_back(patient_supply, scripted, meter, make):
    with make(charge=0.42) as cell:
        patient_supply.restore()
        assert eventually(lambda: float(scripted.state["voltage"]) < 3.0)
        assert cell.voltage < 3.0


def test_a_silent_supply_ends_the_tests_wait_as_a_bench_fault(meter, make, timeline):
    cell = make().start()
    meter.silent.set()
    with pytest.raises(SupplyError) as caught:
        cell.wait_let_go(within=RESTED)
    assert caught.value.reason is Reason.SUPPLY_TIMEOUT
    assert timeline.broken is caught.value
    with pytest.raises(SupplyError):
        cell.end()
    assert len(list(timeline.records("fault"))) == 1


def test_an_error_of_the_test_is_not_hidden_by_that_of_the_supply(meter, make, timeline):
    with pytest.raises(RuntimeError, match="of the test"), make():
        meter.silent.set()
        assert eventually(lambda: timeline.broken is not None)
        raise RuntimeError("of the test")


def test_a_rig_that_allows_no_cuts_has_no_batteries(make_supply, scripted, timeline, meter):
    supply = make_supply(may_cut=False, limit=1.0)
    before = len(scripted.messages)
    with pytest.raises(ValueError, match=r"allow: \[cuts\]"):
        Battery(supply, timeline, Cell(load_curve("li-mno2"))).start()
    assert len(scripted.messages) == before


# -- how fast it is ------------------------------------------------------------------------------------


def test_it_says_how_fast_its_loop_was(meter, make):
    with make() as cell:
        meter.wait(5)
    done = cell.discharge
    assert done.steps >= 5
    assert done.played_by == "host loop"
    assert 0 < done.period == pytest.approx(done.real_period * SPEED, rel=0.05)
    assert done.longest >= done.period


def test_a_rate_that_the_rig_can_give_is_given(make):
    with make(period=SPEED * 0.5) as cell:
        pass
    assert cell.discharge.period < SPEED * 0.5


def test_a_rate_that_the_rig_cannot_give_is_refused_and_nothing_stays_changed(scripted, make):
    with pytest.raises(ValueError, match=r"every .* s at best, every 0\.001 s is asked for"):
        make(period=0.001).start()
    assert float(scripted.state["voltage"]) == 3.3


def test_where_nobody_knows_module_time_no_rate_can_be_demanded(make, timeline):
    timeline.speed = math.inf
    with pytest.raises(ValueError, match="at best"):
        make(period=10.0).start()


def test_the_lock_is_free_for_the_trigger_while_a_disturbance_is_armed(patient_supply, make):
    with make() as cell:
        patient_supply.arm(Waveform("cut", (Level(0.0, 0.1),)))
        with patient_supply.instrument.lock:
            before = cell.discharge.waited
            assert eventually(lambda: cell.discharge.waited > before), "the loop waits for the lock"
        patient_supply.disarm()


def test_a_loop_that_became_slower_than_needed_is_a_bench_fault(scripted, meter, make):
    """A slow answer later on: the test's demand was not met, so it proves nothing."""
    slow, answer, held = threading.Event(), scripted.script, threading.Event()

    def late(query):
        if slow.is_set() and query.startswith("MEAS:CURR"):
            held.wait(0.3)
        return answer(query)

    scripted.script = late
    cell = make(period=SPEED * 0.1).start()
    slow.set()
    meter.wait(4)
    slow.clear()
    with pytest.raises(BenchError, match="on average"):
        cell.end()
    assert float(scripted.state["voltage"]) == 3.3


def test_what_is_from_memory_is_in_its_record(make, timeline):
    with make() as cell:
        pass
    assert any(text.startswith("resistance") for text in cell.discharge.remembered)
    assert "resistance" in told(timeline, "battery taken away")[0]["remembered"]
