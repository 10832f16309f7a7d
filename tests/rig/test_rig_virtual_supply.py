"""What a rig file may say of the virtual supply: it reaches the bench, and a mistake is told with its place."""

from __future__ import annotations

import pytest

from pytest_quecfota.rig.bench_document import document
from pytest_quecfota.virtual.document import SupplySpec, parse
from pytest_quecfota.virtual.supply_options import SupplyOptions

RIG = """\
module: {{model: BC25}}
supply: {{profile: keysight-e36300, nominal: {{voltage: 3.3, current_limit: 1.0}}}}
virtual:
  supply: {{{supply}}}
"""


def test_what_the_file_says_is_what_the_bench_is_built_with(rig_files):
    import json

    text = RIG.format(
        supply="latency: 20 ms, latency_jitter: 0.01, slew_rise: 40, slew_fall: 20, down_programmer: false, "
        "max_current: 800 mA, aperture: 0.1, voltage_noise: 2 mV, current_noise: 1 mA, voltage_resolution: 0.01, "
        "current_resolution: 5 mA, transport: hislip"
    )
    built: SupplySpec = parse(json.dumps(document(rig_files.load(text)))).supply
    assert built.options == SupplyOptions(
        latency=0.02,
        latency_jitter=0.01,
        slew_rise=40.0,
        slew_fall=20.0,
        down_programmer=False,
        max_current=0.8,
        aperture=0.1,
        voltage_noise=0.002,
        current_noise=0.001,
        voltage_resolution=0.01,
        current_resolution=0.005,
        transport="hislip",
    )


def test_nothing_said_leaves_the_supply_as_its_kind_has_it(rig_files):
    assert "options" not in document(rig_files.load(RIG.format(supply="")))["supply"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("latancy: 1", "bench.yaml:4:12: virtual.supply.latancy: unknown key; did you mean 'latency'?"),
        ("slew_rise: 0", "bench.yaml:4:23: virtual.supply.slew_rise: must be above 0, not 0; for example 40"),
        (
            "transport: gpib",
            "bench.yaml:4:23: virtual.supply.transport: must be 'socket' or 'hislip', not 'gpib'",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(rig_files, written, problem):
    assert rig_files.problems(RIG.format(supply=written)) == [problem]


@pytest.mark.parametrize(
    "written", ["latency: soon", "latency: -1", "max_current: 0", "down_programmer: 3", "voltage_noise: 1 A"]
)
def test_a_value_that_cannot_be_is_refused_at_its_place(rig_files, written):
    problems = rig_files.problems(RIG.format(supply=written))
    assert len(problems) == 1
    assert problems[0].startswith(
        f"bench.yaml:4:{12 + written.index(':') + 2}: virtual.supply.{written.split(':')[0]}: must"
    )
