"""What is played is what was asked: measured by a program of its own, at the supply's terminals and at the module.

The bench runs at speed 1. `measuring_script` asks the virtual supply over its socket and the bench for the module's own voltage
while `supply.play` plays; here both are held against the formula of the waveform, within the precision that was claimed.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_quecfota.power import Supply, load_profile
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.precision import Played
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.power.waveform import Level, Ramp, Sine, Waveform

LIMIT = 30.0  # real seconds
FALLING = 0.02  # seconds the virtual supply needs to pull the module's capacitors down
AGE = 0.06  # seconds the clock of a virtual bench may be behind on a busy machine: it lingers for 0.05
DROP = 0.006  # volts lost in the line of this bench, and by rounding
RIG = """\
name: measured
module: {{model: BC25}}
supply: {{profile: {profile}, channel: 1, nominal: {{voltage: 3.3, current_limit: 1.0}}, limits: {{min: 2.1, max: 3.6}}}}
allow: [cuts]
virtual: {{speed: 1, rail: {{line_resistance_ohm: 0.01}}}}
"""
SHAPE = Waveform(
    "everything",
    (
        Level(2.6, 0.3),
        Ramp(2.6, 3.2, 0.6),
        Sine(3.0, 0.2, 1.0, 1.0),
        Level(2.2, 0.2),
        Level(0.0, 0.2),
        Level(3.3, 0.3),
    ),
)


def asked(t: float) -> float:
    """The waveform above, written once more by hand."""
    if t < 0 or t >= 2.3:
        return 3.3
    if t < 0.3:
        return 2.6
    if t < 0.9:
        return 2.6 + (t - 0.3)
    if t < 1.9:
        return 3.0 + 0.2 * math.sin(2 * math.pi * (t - 0.9))
    return 2.2 if t < 2.1 else 0.0


@dataclass(frozen=True)
class Bench:
    """A running bench and the supply on it."""

    supply: Supply
    address: str
    control: str


@pytest.fixture
def bench(request, tmp_path: Path) -> Iterator[Bench]:
    rig = tmp_path / "measured.yaml"
    rig.write_text(RIG.format(profile=request.param))
    command = [sys.executable, "-m", "pytest_quecfota", "bench", "--rig", str(rig), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        ready = json.loads(running.stdout.readline())
        profile = load_profile(request.param)
        instrument = Instrument(ready["supply"], transport=profile.transport, setup=profile.setup)
        nominal, limits = Setting(3.3, 1.0), Limits(2.1, 3.6)
        supply = Supply(instrument, profile, channel=1, nominal=nominal, limits=limits, may_cut=True)
        yield Bench(supply, ready["supply"], ready["control"])
        supply.close()
        running.terminate()


def play_measured(bench: Bench, precision: str) -> tuple[Played, float, float, list[dict[str, float]]]:
    """Play it while the script measures: the account, between which moments it began, and the readings."""
    _, host, port, _ = bench.address.split("::")
    query = bench.supply.profile.single("measure_voltage", channel=1)
    script = str(Path(__file__).parent / "measuring_script.py")
    begun: list[float] = []

    def note(_kind: str, **fields: object) -> None:
        if fields.get("action") == "sent":
            begun.append(time.monotonic())

    bench.supply.record = note
    command = [sys.executable, script, host, port, query, bench.control]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as measuring:
        assert measuring.stdout is not None
        assert measuring.stdout.readline() == "ready\n"
        before = time.monotonic()
        played = bench.supply.play(SHAPE, precision)
        said, _ = measuring.communicate("end\n", timeout=LIMIT)
    assert measuring.returncode == 0
    return played, before, begun[0], [json.loads(line) for line in said.splitlines()]


def wrong(readings: list[dict[str, float]], start: tuple[float, float], time_error: float, volts: float) -> list[str]:
    """The readings that are nowhere near what was asked within the time they may have been taken at."""
    found = []
    for reading in readings:
        first = reading["asked"] - start[1] - time_error - AGE
        last = reading["answered"] - start[0] + time_error
        near = [asked(first + (last - first) * k / 200) for k in range(201)]
        if not min(near) - volts <= reading["volts"] <= max(near) + volts:
            found.append(f"{reading} at {first:.4f} to {last:.4f} s: {min(near):.3f} to {max(near):.3f} V asked")
    return found


@pytest.mark.parametrize(
    ("bench", "precision", "mode"),
    [
        ("keysight-e36300", "60 ms, 15 mV", "list"),
        ("rs-hmp4040", "60 ms, 50 mV", "arb"),
        ("rigol-dp800", "200 ms, 50 mV", "host"),
    ],
    indirect=["bench"],
)
def test_an_independent_program_measures_what_was_asked(bench, precision, mode):
    """Terminals and module follow the waveform within the precision claimed, which keeps the precision demanded."""
    played, sent, begun, readings = play_measured(bench, precision)
    assert played.mode == mode
    assert played.claimed.time is not None
    assert played.claimed.voltage is not None
    assert played.claimed.time <= 0.06
    assert played.time_error <= 0.2, "the host on a busy machine; what an engine plays is as exact as promised"
    assert played.voltage_error <= 0.05
    assert SHAPE.duration - 0.01 <= played.duration < SHAPE.duration + 1
    during = [r for r in readings if begun <= r["asked"] and r["answered"] <= begun + SHAPE.duration]
    time_error = max(played.claimed.time, played.time_error, FALLING)
    for what in ("supply", "module"):
        row = [r for r in during if r["what"] == what]
        assert len(row) > 20
        assert wrong(row, (sent, begun), time_error, played.claimed.voltage + DROP) == []
        assert min(r["volts"] for r in row) < 0.05, "it was seen at 0 V"
        late = (sent + 0.3, begun + 0.3)
        assert wrong(row, late, time_error, played.claimed.voltage + DROP), (
            "the same check sees a waveform that is late"
        )
    after = [r["volts"] for r in readings if r["asked"] > begun + SHAPE.duration + 0.3]
    assert all(volts == pytest.approx(3.3, abs=0.02) for volts in after)
    if mode != "host":
        check_own_readings(played)


def check_own_readings(played: Played) -> None:
    """`Played.measured` says the same: readings of the same run, near what was asked."""
    assert len(played.measured) > 20
    steady = [m for m in played.measured if 0.12 < m.t < 0.24]
    assert steady
    assert all(m.voltage == pytest.approx(m.asked, abs=0.01) for m in steady)
    assert played.lowest == pytest.approx(0, abs=0.05)
