"""A supply that is killed, slow or lying: every action ends in a bench fault within its limit, and no false reading is used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from lying_line import LyingLine
from scripted_instrument import ScriptedInstrument

from pytest_quecfota.errors import SupplyError
from pytest_quecfota.power import Reading, Supply, load_profile
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.supply import Limits, Setting

LIMIT = 0.3  # real seconds the supply has for an answer; a slow one takes longer
BAD = [mode for mode in LyingLine.MODES if mode != "honest"]
ACTIONS: dict[str, Callable[[Supply], object]] = {
    "measure": Supply.measure,
    "set": lambda supply: supply.set(voltage=3.0),
    "off": Supply.off,
    "restore": Supply.restore,
    "setting": Supply.setting,
    "output": Supply.output,
    "check": Supply.check,
    "protect": Supply.protect,
}


@pytest.fixture
def line(scripted: ScriptedInstrument) -> Iterator[LyingLine]:
    line = LyingLine(("127.0.0.1", scripted.port))
    yield line
    line.close()


@pytest.fixture
def supply(line: LyingLine) -> Iterator[Supply]:
    instrument = Instrument(line.address, limit=LIMIT)
    profile = load_profile("keysight-e36300")
    supply = Supply(instrument, profile, channel=1, nominal=Setting(3.3, 1.0), limits=Limits(2.1, 3.6), may_cut=True)
    supply.protect()
    yield supply
    supply.close()


def hidden(mode: str, action: str) -> bool:
    """Whether the answer to an action may be like the one before it, so that only the next reading shows that it was."""
    return mode == "stale" and action in {"set", "off"}


@pytest.mark.parametrize(("action", "mode"), [(a, m) for a in ACTIONS for m in BAD if not hidden(m, a)])
def test_every_action_ends_as_a_bench_fault_within_its_limit(line, supply, action, mode):
    line.do(mode)
    started = time.monotonic()
    with pytest.raises(SupplyError):
        ACTIONS[action](supply)
    assert time.monotonic() - started < 4 * LIMIT + 1


@pytest.mark.parametrize("mode", [mode for mode in BAD if mode != "killed"])
def test_what_lied_once_and_is_honest_again_is_believed_again(line, supply, scripted, mode):
    line.do(mode)
    for _ in range(3):
        with pytest.raises(SupplyError):
            supply.measure()
    line.do("honest")
    readings = 0
    for _ in range(3):  # a late answer may still spoil the first tries
        try:
            reading = supply.measure()
        except SupplyError:
            continue
        assert 3.1 <= reading.voltage < 3.2
        assert 0.5 <= reading.current < 0.6
        readings += 1
    assert readings


def test_no_reading_is_ever_that_of_another_moment_or_question(line, supply):
    """The line goes bad and good again at random moments, while one thread reads: what it gets is right, or an error."""
    wrong: list[Reading] = []
    seen = {"readings": 0, "errors": 0}
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                reading = supply.measure()
            except SupplyError:
                seen["errors"] += 1
                continue
            seen["readings"] += 1
            if not (3.1 <= reading.voltage < 3.2 and 0.5 <= reading.current < 0.6):
                wrong.append(reading)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(6):
        for mode in ("stale", "partial", "garbage", "wrong"):
            line.do(mode)
            over.wait(0.03)
            line.do("honest")
            over.wait(0.05)
    over.set()
    reader.join(10)
    assert not reader.is_alive()
    assert wrong == []
    assert min(seen.values()) > 0, seen


def test_four_threads_on_a_line_that_goes_bad_get_no_wrong_answer(line, supply):
    errors: list[BaseException] = []
    wrong: list[object] = []

    def work(action: Callable[[], object], right: Callable[[object], bool]) -> None:
        for _ in range(40):
            try:
                found = action()
            except SupplyError:
                continue
            except BaseException as error:
                errors.append(error)
                return
            if not right(found):
                wrong.append(found)

    told = Setting(3.3, 1.0)
    jobs = [
        (supply.measure, lambda r: 3.1 <= r.voltage < 3.2 and 0.5 <= r.current < 0.6),
        (supply.setting, lambda found: found == told),
        (supply.output, lambda found: found is True),
        (supply.restore, lambda found: found is None),
    ]
    threads = [threading.Thread(target=work, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for mode in ("garbage", "honest", "partial", "honest", "wrong", "honest"):
        line.do(mode)
        threads[0].join(0.05)
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert errors == []
    assert wrong == []
