"""What a live rig does with its supply around tests: samples, batteries, and all of it put back."""

from __future__ import annotations

import csv
import threading
from pathlib import Path

import pytest
from live_bench import Bench, bench

from pytest_quecfota.errors import BenchError, Reason, SupplyError
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.timeline import Timeline

LIMIT = 5.0  # real seconds


@pytest.fixture(autouse=True)
def leases_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("QUECFOTA_RUN_DIR", str(tmp_path / "leases"))


@pytest.fixture
def parts(tmp_path):
    with bench(tmp_path) as made:
        made.instrument.script = measure(made)
        yield made


def measure(made: Bench):
    """What the scripted supply is set to is what it measures, at a tenth of an ampere."""

    def answer(query: str) -> bytes | None:
        on = made.instrument.state["output"] == "ON"
        if query.startswith("MEAS:VOLT"):
            return (made.instrument.state["voltage"] if on else "0").encode() + b"\n"
        return b"0.1\n" if query.startswith("MEAS:CURR") else None

    return answer


def with_rate(parts: Bench, rate: float) -> LiveRig:
    config = parts.load()
    return parts.live(config.model_copy(update={"supply": config.supply.model_copy(update={"sample_rate": rate})}))


@pytest.fixture
def live(parts: Bench) -> LiveRig:
    return with_rate(parts, 50)


def during(rig: LiveRig, folder: Path) -> Timeline:
    timeline = Timeline(folder, secrets=rig.secrets())
    rig.record_to(timeline)
    return timeline


def eventually(holds):
    waiting = threading.Event()
    return any(holds() or waiting.wait(0.01) for _ in range(round(LIMIT / 0.01)))


def rows(folder: Path) -> list[list[str]]:
    table = folder / "power.csv"
    return list(csv.reader(table.read_text().splitlines()))[1:] if table.exists() else []


def measured(parts: Bench) -> int:
    return sum("MEAS:" in message for message in parts.instrument.messages)


# -- samples -------------------------------------------------------------------------------------------


def test_a_test_is_sampled_from_its_beginning_to_its_end(parts, live, tmp_path):
    live.open_lines()
    assert measured(parts) == 0, "between tests nothing is asked"
    timeline = during(live, tmp_path / "test")
    assert eventually(lambda: len(rows(tmp_path / "test")) >= 3)
    live.record_to(None)
    timeline.close()
    times = [float(row[0]) for row in rows(tmp_path / "test")]
    assert times == sorted(times)
    assert rows(tmp_path / "test")[0][1:] == ["3.3000", "0.100000"]


def test_a_supply_that_is_opened_in_a_test_is_sampled_from_there_on(live, tmp_path):
    timeline = during(live, tmp_path / "test")
    live.open_lines()
    assert eventually(lambda: rows(tmp_path / "test"))
    live.record_to(None)
    timeline.close()


def test_no_rate_no_samples_but_those_of_the_test(parts, tmp_path):
    live = with_rate(parts, 0)
    timeline = during(live, tmp_path / "test")
    live.open_lines()
    live.supply.measure()
    assert not any(thread.name == "quecfota-sampler" for thread in threading.enumerate())
    live.record_to(None)
    timeline.close()
    assert len(rows(tmp_path / "test")) == 1


def test_a_supply_that_falls_silent_is_a_bench_fault_of_the_test_told_once(parts, live, tmp_path):
    live.open_lines()
    timeline = during(live, tmp_path / "test")
    assert eventually(lambda: rows(tmp_path / "test"))
    parts.instrument.stop_listening()
    parts.instrument.hang_up()
    with pytest.raises(BenchError) as caught:
        timeline.events.pause(LIMIT)
    assert caught.value.reason in {Reason.SUPPLY_LOST, Reason.SUPPLY_REFUSED, Reason.SUPPLY_TIMEOUT}
    assert len(list(timeline.records("fault"))) == 1
    live.record_to(None)
    timeline.close()
    with pytest.raises(SupplyError):
        live.close()  # it cannot be left in its safe state


class Relay:
    """A supply of another package: no instrument, no settings."""

    def __init__(self) -> None:
        self.nominal, self.limits = Setting(3.3, 1.0), Limits(2.1, 3.6)
        self.record = print

    def tell(self):
        self.record("supply", action="is", voltage=3.3)

    def measure(self):
        self.record("sample", voltage=3.3, current=0.0)

    def safe_messages(self, _state):
        return []

    def close(self):
        pass


class SampledRelay(Relay):
    def measure_between(self):
        self.measure()


@pytest.mark.parametrize("kind", [Relay, SampledRelay])
def test_a_supply_of_another_package_is_measured_once_or_sampled_where_it_can_be(parts, tmp_path, kind):
    live = parts.live(make_supply=lambda _rig: kind())
    live.open_lines()
    timeline = during(live, tmp_path / "test")
    due = 2 if kind is SampledRelay else 1
    assert eventually(lambda: len(rows(tmp_path / "test")) >= due)
    live.record_to(None)
    timeline.close()
    assert kind is SampledRelay or len(rows(tmp_path / "test")) == 1


def test_a_silent_supply_of_another_package_is_told_by_whoever_needs_it(parts, tmp_path):
    class Silent(Relay):
        def measure(self):
            raise SupplyError("silent", reason=Reason.SUPPLY_TIMEOUT)

    live = parts.live(make_supply=lambda _rig: Silent())
    live.open_lines()
    timeline = during(live, tmp_path / "test")
    assert timeline.broken is None
    live.record_to(None)
    timeline.close()


def test_the_sampler_ends_with_the_rig(live):
    live.open_lines()
    assert any(thread.name == "quecfota-sampler" for thread in threading.enumerate())
    live.close()
    assert not any(thread.name == "quecfota-sampler" for thread in threading.enumerate())


# -- batteries -----------------------------------------------------------------------------------------


def test_a_battery_that_a_test_leaves_is_taken_away_when_the_rig_is_put_back(parts, live, tmp_path):
    timeline = during(live, tmp_path / "test")
    live.open_lines()
    cell = live.battery(charge=0.42, internal_resistance=0.0)
    assert float(parts.instrument.state["voltage"]) == pytest.approx(2.90, abs=0.001)
    assert live.put_back() == []
    assert not cell.is_running
    assert parts.instrument.state["voltage"] == "3.3000"
    live.record_to(None)
    timeline.close()


def test_without_a_name_the_chemistry_suits_the_rig(live, tmp_path):
    timeline = during(live, tmp_path / "test")
    with live.battery() as cell:
        assert cell.discharge.chemistry == "li-mno2"
    live.record_to(None)
    timeline.close()


def test_one_battery_at_a_time(live, tmp_path):
    timeline = during(live, tmp_path / "test")
    with live.battery(), pytest.raises(ValueError, match="lives on a battery already"):
        live.battery()
    with live.battery():
        pass
    live.record_to(None)
    timeline.close()


@pytest.mark.parametrize("allow", ["[]", None])
def test_a_rig_without_supply_or_leave_has_no_batteries(parts, allow):
    live = parts.live(parts.load(supply=allow is not None, allow=allow or "[]"))
    with pytest.raises(ValueError, match=r"allows no batteries; give it a supply and `allow: \[cuts\]`"):
        live.battery()


@pytest.mark.parametrize(
    "wrong",
    [{"chemistry": "li-po"}, {"charge": 30}, {"capacity": "1 A"}, {"period": "1"}, {"replaced_after": -1}],
    ids=str,
)
def test_a_wrong_argument_is_the_callers_and_nothing_is_sent(parts, live, wrong):
    live.open_lines()
    before = len(parts.instrument.messages)
    with pytest.raises(ValueError):
        live.battery(**wrong)
    assert len(parts.instrument.messages) == before


def test_a_weak_battery_disturbs_what_runs_and_is_replaced_before_it_is_judged(parts, live, tmp_path):
    timeline = during(live, tmp_path / "test")
    live.open_lines()
    assert live.power.disturbed() == 0
    cell = live.battery(charge=0.5, internal_resistance=15.0, cut_off=0.0)
    assert eventually(lambda: live.power.disturbed() == 1)
    live.power.settle()
    assert not cell.is_running
    assert parts.instrument.state["voltage"] == "3.3000"
    live.record_to(None)
    timeline.close()
    assert live.power.disturbed() == 0, "another test begins undisturbed"
