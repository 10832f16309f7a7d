"""The sampler: it measures all through a test, never while a disturbance is armed, and is told and let go of like any part."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
from metered import LIMIT, Meter

from pytest_quecfota.errors import BenchError, Reason, SupplyError
from pytest_quecfota.power.sampler import HEADER, SHARE, TABLE, PowerRecord, Sampler
from pytest_quecfota.report import power_table, reading
from pytest_quecfota.timeline import Timeline

RATE = 100.0  # samples a real second: much for little time


@pytest.fixture
def meter(scripted):
    return Meter(scripted)


class Run:
    """A sampler on the scripted supply, and the timeline of one test."""

    def __init__(self, supply, folder: Path, rate: float) -> None:
        self.timeline = Timeline(folder / "test")
        self.record = PowerRecord(lambda: self.timeline)
        supply.record = self.record.record
        self.faults: list[BenchError] = []
        self.told = threading.Event()
        self.sampler = Sampler(supply, rate, self._fault)

    def begin(self) -> None:
        self.record.begin(self.timeline.directory)
        self.sampler.resume()

    def end(self) -> None:
        self.record.begin(None)
        self.sampler.pause()

    def close(self) -> None:
        self.end()
        self.sampler.close()
        self.timeline.close()

    @property
    def table(self) -> Path:
        return self.timeline.directory / TABLE

    def _fault(self, error: BenchError) -> None:
        self.faults.append(error)
        self.told.set()


@pytest.fixture
def make_run(patient_supply, tmp_path, meter):
    made: list[Run] = []

    def make(rate: float = RATE, supply=None) -> Run:
        made.append(Run(supply or patient_supply, tmp_path, rate))
        return made[-1]

    yield make
    for run in made:
        run.close()


@pytest.fixture
def run(make_run):
    return make_run()


def rows(path: Path) -> list[list[float]]:
    with path.open(newline="") as file:
        return [[float(value) for value in row] for row in list(csv.reader(file))[1:]]


def test_it_measures_from_the_beginning_of_a_test_to_its_end_and_not_beside(run, meter):
    assert meter.count(threading.Event(), 0.05) == 0
    run.begin()
    meter.wait(5)
    run.end()
    meter.count(threading.Event(), 0.05)  # one may have been under way
    assert meter.count(threading.Event(), 0.1) == 0


def test_the_first_sample_comes_at_once(make_run, meter):
    run = make_run(rate=0.01)
    run.begin()
    meter.wait(1)


def test_samples_go_into_the_timeline_and_the_table_with_the_same_times(run, meter):
    meter.amperes = 0.182
    run.begin()
    meter.wait(10)
    run.end()
    samples = [[round(r[name], 6) for name in ("t", "voltage", "current")] for r in run.timeline.records("sample")]
    table = rows(run.table)
    assert len(table) >= 9
    assert table == samples[: len(table)]
    assert table[0][1:] == [3.3, 0.182]


def test_the_tables_times_never_fall_however_many_measure(run, meter, patient_supply):
    run.begin()
    threads = [threading.Thread(target=lambda: [patient_supply.measure() for _ in range(30)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    run.end()
    times = [row[0] for row in rows(run.table)]
    assert len(times) >= 90
    assert times == sorted(times)


def test_the_table_is_the_one_that_the_report_would_make(run, meter):
    run.begin()
    meter.wait(5)
    run.end()
    assert power_table.TABLE == TABLE
    assert power_table.write(run.timeline.directory) == run.table, "one that is there is kept"
    kept = run.table.read_bytes()
    assert kept.startswith(HEADER)
    run.table.unlink()
    run.timeline.close()
    assert reading.read(run.timeline.directory).samples
    power_table.write(run.timeline.directory)
    assert run.table.read_bytes().startswith(kept)


def test_a_test_without_samples_has_no_table(run):
    run.record.begin(run.timeline.directory)
    run.end()
    assert not run.table.exists()


def test_every_test_has_a_table_of_its_own(run, meter, tmp_path):
    run.begin()
    meter.wait(3)
    run.end()
    first, run.timeline = run.timeline, Timeline(tmp_path / "second")
    run.begin()
    meter.wait(3)
    run.end()
    assert rows(first.directory / TABLE)
    assert rows(run.table)
    first.close()


def test_while_a_disturbance_is_armed_nothing_is_asked(run, meter, scripted, patient_supply):
    run.begin()
    meter.wait(2)
    with patient_supply.instrument.lock:
        patient_supply.armed = True
    before = len(scripted.messages)
    assert meter.count(threading.Event(), 0.2) == 0
    assert len(scripted.messages) == before
    patient_supply.armed = False
    meter.wait(2)


def test_a_slow_instrument_slows_it_and_leaves_the_line_to_the_test(make_run, meter, scripted):
    """It takes no more than its share of the instrument's time, whatever the rate says."""
    answer, held = scripted.script, threading.Event()

    def late(query):
        if query.startswith("MEAS:CURR"):
            held.wait(0.05)
        return answer(query)

    scripted.script = late
    run = make_run()
    run.begin()
    seconds = 1.0
    count = meter.count(threading.Event(), seconds)
    assert 1 <= count <= 1 + seconds * SHARE / 0.05


def test_a_silent_supply_is_told_once_and_tried_again_by_the_next_test(make_run, make_supply, meter):
    run = make_run(supply=make_supply(limit=0.2))
    run.begin()
    meter.wait(2)
    meter.silent.set()
    assert run.told.wait(LIMIT)
    assert isinstance(run.faults[0], SupplyError)
    assert run.faults[0].reason is Reason.SUPPLY_TIMEOUT
    assert meter.count(threading.Event(), 0.3) == 0
    assert len(run.faults) == 1
    meter.silent.clear()
    run.end()
    run.begin()
    meter.wait(2)
    assert len(run.faults) == 1


def test_what_goes_wrong_after_a_test_is_not_told_to_the_next_one(make_run, meter, scripted):
    """The sample that failed was begun in the test before; if the supply is still silent, the next sample finds out."""
    answer, asked, go = scripted.script, threading.Event(), threading.Event()

    def held(query):
        if query.startswith("MEAS:VOLT") and not go.is_set():
            asked.set()
            go.wait(LIMIT)
            return b"garbage\n"
        return answer(query)

    scripted.script = held
    run = make_run()
    run.begin()
    assert asked.wait(LIMIT)
    run.end()
    run.begin()
    go.set()
    meter.wait(2)
    assert run.faults == []


def test_it_ends_with_the_run_and_twice_is_harmless(make_run):
    before = threading.active_count()
    run = make_run()
    run.begin()
    run.sampler.close()
    run.sampler.close()
    assert not any(thread.name == "quecfota-sampler" for thread in threading.enumerate())
    assert threading.active_count() <= before


def test_waiting_costs_next_to_nothing(make_run, meter):
    """With nothing due the thread sleeps: it does not poll."""
    run = make_run(rate=0.01)
    run.begin()
    meter.wait(1)
    before = time.process_time()
    threading.Event().wait(0.5)
    assert time.process_time() - before < 0.1


def test_memory_does_not_grow_with_the_samples(tmp_path):
    """Samples are on disk only: ten hours at four a second would else be 144,000 records."""
    timeline = Timeline(tmp_path)
    record = PowerRecord(lambda: timeline)
    record.begin(tmp_path)

    def samples(count: int) -> None:
        for number in range(count):
            record.record("sample", voltage=3.3, current=number / 1000)

    samples(500)
    tracemalloc.start()
    try:
        samples(2_000)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        record.begin(None)
        timeline.close()
    assert grown < 40_000, "bytes, of 2,000 samples"
    assert len(rows(tmp_path / TABLE)) == 2_500


def test_a_table_that_cannot_be_written_is_a_bench_fault_told_once(run, meter):
    (run.timeline.directory / TABLE).mkdir()
    run.begin()
    meter.wait(3)
    run.end()
    assert isinstance(run.timeline.broken, BenchError)
    assert run.timeline.broken.reason is Reason.EVIDENCE_UNWRITABLE
    assert len(list(run.timeline.records("fault"))) == 1


KILLED = """
import pathlib, sys, threading
from pytest_quecfota.power.sampler import PowerRecord, Sampler
from pytest_quecfota.timeline import Timeline

folder = pathlib.Path(sys.argv[1])
timeline = Timeline(folder)
record = PowerRecord(lambda: timeline)

class Supply:
    number = 0
    def measure_between(self):
        self.number += 1
        record.record("sample", voltage=3.3, current=self.number / 1000)
        print(self.number, flush=True)

record.begin(folder)
Sampler(Supply(), 1000, print).resume()
threading.Event().wait(60)
"""


def test_after_kill_9_the_table_holds_what_was_measured(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for _ in range(50):
            last = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate(timeout=LIMIT)
    table = rows(tmp_path / TABLE)
    assert len(table) >= last
    assert [round(row[2] * 1000) for row in table] == list(range(1, len(table) + 1))
