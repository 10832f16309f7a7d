"""Supplies that are slow, weak or noisy: what the options of the virtual one do to its output, its answers and its readings."""

from __future__ import annotations

import math
import statistics

import pytest
from supply_lab import DP800, E36300, Bench, Client, run

from pytest_quecfota.virtual.document import DocumentError, parse
from pytest_quecfota.virtual.supply_options import SupplyOptions


def test_a_slow_supply_takes_its_time_for_every_message() -> None:
    async def body(bench: Bench, client: Client) -> list[float]:
        start, seen = bench.clock.now(), []
        for message in ("VOLT?", "CURR?", "*OPC?"):
            await client.ask(message)
            seen.append(bench.clock.now() - start)
        return seen

    assert run(body, latency=0.5) == pytest.approx([0.5, 1.0, 1.5], abs=0.05)


def test_jitter_is_added_at_random_within_its_bounds_and_the_same_for_the_same_seed() -> None:
    async def body(bench: Bench, client: Client) -> list[float]:
        return [bench.supply.latency for _ in range(200)]

    taken = run(body, latency=0.1, latency_jitter=0.2)
    assert all(0.1 <= one <= 0.3 for one in taken)
    assert max(taken) - min(taken) > 0.15
    assert run(body, latency=0.1, latency_jitter=0.2) == taken


def test_what_was_armed_before_is_played_exactly_however_slow_the_supply_is() -> None:
    async def body(bench: Bench, client: Client) -> float:
        client.send("LIST:VOLT 3.3,0,3.3,(@1);DWEL 0.2,0.5,0.1,(@1);COUN 2,(@1);:VOLT:MODE LIST,(@1);:INIT (@1)")
        await client.error()
        bench.events.clear()
        client.send("*TRG")
        await bench.clock.sleep(5)
        falls = [when for name, when in bench.events if name == "down"]
        return falls[1] - falls[0]

    assert run(body, latency=0.3, latency_jitter=0.3) == pytest.approx(0.8, abs=1e-9)


@pytest.mark.parametrize(("rise", "fall"), [(10.0, 5.0), (1000.0, 2.0)])
def test_slew_is_how_fast_the_output_moves(rise: float, fall: float) -> None:
    async def body(bench: Bench, client: Client) -> tuple[float, float]:
        client.send("VOLT 2.3,(@1)")
        await client.ask("*OPC?")
        begin = bench.rail.source_voltage
        await bench.clock.sleep(0.1)
        falling = (begin - bench.rail.source_voltage) / 0.1
        await bench.clock.sleep(5)
        client.send("VOLT 3.3,(@1)")
        await client.ask("*OPC?")
        start, begin = bench.clock.now(), bench.rail.source_voltage
        await bench.clock.sleep(0.0005)
        return (bench.rail.source_voltage - begin) / (bench.clock.now() - start), falling

    rising, falling = run(body, slew_rise=rise, slew_fall=fall)
    assert (rising, falling) == pytest.approx((rise, fall), rel=0.01)


def falls_off(bench: Bench, start: float) -> float:
    return next(when for name, when in bench.events if name == "down") - start


def test_without_a_down_programmer_only_the_module_discharges_the_rail() -> None:
    async def body(bench: Bench, client: Client) -> float:
        bench.events.clear()
        start = bench.clock.now()
        client.send("OUTP OFF,(@1)")
        await bench.clock.sleep(5)
        return falls_off(bench, start)

    alone = run(body, down_programmer=False)
    assert alone == pytest.approx(570e-6 * (3.2975 - 2.1) / 0.05, rel=0.02)
    assert run(body) < 0.6 * alone


def test_a_level_below_the_rails_is_reached_by_the_load_alone_without_a_down_programmer() -> None:
    async def body(bench: Bench, client: Client) -> tuple[float, float]:
        bench.rail.set_load(0.001)
        client.send("VOLT 2.5,(@1)")
        await client.ask("*OPC?")
        await bench.clock.sleep(0.1)
        early = bench.rail.voltage()
        await bench.clock.sleep(2)
        return early, bench.rail.voltage()

    early, late = run(body, down_programmer=False)
    assert early == pytest.approx(3.3 - 0.1 * 0.001 / 570e-6, abs=0.02)
    assert late == pytest.approx(2.5, abs=0.01)


@pytest.mark.parametrize("profile", [E36300, DP800])
def test_a_load_beyond_the_limit_is_constant_current_and_the_voltage_falls(profile: str) -> None:
    """2 A drawn at a limit of 1 A: the hold-up capacitance gives the rest, at 1 A / 570 uF."""

    async def body(bench: Bench, client: Client) -> tuple[float, float, bool, float]:
        bench.rail.set_load(2.0)
        await bench.clock.sleep(0.0003)
        volts, amps, limiting = bench.rail.voltage(), bench.rail.current(), bench.supply.main.constant_current
        await bench.clock.sleep(0.1)
        return volts, amps, limiting, bench.rail.voltage()

    volts, amps, limiting, after = run(body, profile=profile)
    assert volts == pytest.approx(3.2975 - 0.0003 * 1.0 / 570e-6, abs=0.05)
    assert (amps, limiting, after) == (1.0, True, 0.0)


def test_a_burst_browns_out_at_a_low_limit_and_not_at_a_high_one() -> None:
    async def body(bench: Bench, client: Client) -> list[str]:
        bench.events.clear()
        for _ in range(5):
            bench.rail.set_load(2.0)
            await bench.clock.sleep(577e-6)
            bench.rail.set_load(0.05)
            await bench.clock.sleep(4.038e-3)
        return [name for name, _ in bench.events]

    assert run(body, rail={"threshold": 2.6})[:2] == ["down", "up"]
    assert run(body, rail={"threshold": 2.6, "capacitance_uf": 4700}) == []


def test_a_weak_supply_folds_back_before_the_limit_that_is_set() -> None:
    async def body(bench: Bench, client: Client) -> tuple[float, float, str]:
        set_to = float(await client.ask("CURR? (@1)"))
        bench.rail.set_load(0.6)
        await bench.clock.sleep(0.0002)
        amps = bench.rail.current()
        return set_to, amps, await client.ask("SYST:ERR?")

    assert run(body, max_current=0.4) == (1.0, 0.4, '+0,"No error"')


def test_a_reading_is_the_average_over_the_aperture() -> None:
    """2 A for 577 us of every 4.615 ms over 0.1 A in between: the meter shows their mean, the output stays at its level."""

    async def body(bench: Bench, client: Client) -> tuple[float, float]:
        client.send("CURR 3,(@1)")
        await client.ask("*OPC?")
        for _ in range(20):
            bench.rail.set_load(2.0)
            await bench.clock.sleep(577e-6)
            bench.rail.set_load(0.1)
            await bench.clock.sleep(4.615e-3 - 577e-6)
        return float(await client.ask("MEAS:CURR? (@1)")), float(await client.ask("MEAS:VOLT? (@1)"))

    mean = (2.0 * 577e-6 + 0.1 * (4.615e-3 - 577e-6)) / 4.615e-3
    assert run(body, aperture=10 * 4.615e-3) == (pytest.approx(mean, rel=0.1), pytest.approx(3.3))
    assert run(body, aperture=0.0)[0] < 0.2


def test_a_reading_never_reaches_back_before_the_last_setting() -> None:
    async def body(bench: Bench, client: Client) -> list[float]:
        seen = []
        for volts in (3.0, 2.5, 3.3):
            client.send(f"VOLT {volts},(@1)")
            seen.append(float(await client.ask("MEAS:VOLT? (@1)")))
        return seen

    assert run(body, aperture=10.0) == pytest.approx([3.0, 2.5, 3.3], abs=1e-3)


def test_noise_and_resolution_are_those_of_the_readings_only() -> None:
    async def body(bench: Bench, client: Client) -> tuple[list[float], list[float], float]:
        volts = [float(await client.ask("MEAS:VOLT? (@1)")) for _ in range(400)]
        amps = [float(await client.ask("MEAS:CURR? (@1)")) for _ in range(50)]
        return volts, amps, bench.rail.terminal_voltage()

    volts, amps, real = run(body, voltage_noise=0.01, current_resolution=0.03)
    assert statistics.stdev(volts) == pytest.approx(0.01, rel=0.2)
    assert statistics.fmean(volts) == pytest.approx(3.3, abs=0.002)
    assert set(amps) == {0.06}
    assert real == pytest.approx(3.3)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"latency": -1}, "supply.options.latency: -1"),
        ({"latency": "soon"}, "supply.options.latency: 'soon'"),
        ({"slew_rise": 0}, "slew_rise: 0; a number above 0"),
        ({"max_current": 0}, "max_current"),
        ({"colour": 1}, "supply.options.colour: unknown"),
        ({"down_programmer": "no"}, "down_programmer"),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_its_name(options: dict[str, object], problem: str) -> None:
    import json

    with pytest.raises(DocumentError, match=problem):
        parse(json.dumps({"supply": {"options": options}}))


def test_the_options_reach_the_bench_and_are_off_by_default() -> None:
    assert parse("{}").supply.options == SupplyOptions()
    document = parse('{"supply": {"options": {"latency": 0.02, "max_current": 1, "down_programmer": false}}}')
    assert document.supply.options == SupplyOptions(latency=0.02, max_current=1.0, down_programmer=False)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="aperture"):
        SupplyOptions(aperture=math.nan)
