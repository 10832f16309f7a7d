"""The virtual supply as its clients see it, and what its output does to the rail."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import yaml
from supply_lab import DP800, HMP, SPD, Bench, Client, run

from pytest_quecfota.virtual import dialect
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.dialect import DialectError
from pytest_quecfota.virtual.rail import Rail
from pytest_quecfota.virtual.supply import Supply

# -- messages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("VOLT?", "+3.30000000E+00"),
        ("volt? (@1)", "+3.30000000E+00"),
        ("Source:Voltage:Level:Immediate:Amplitude? (@1,2)", "+3.30000000E+00,+0.00000000E+00"),
        ("VOLT? MAX", "+6.18000000E+00"),
        ("CURR?;:VOLT?", "+1.00000000E+00;+3.30000000E+00"),
        ("OUTP?", "1"),
        ("OUTP? (@1:3)", "1,0,0"),
        ("APPL? CH1", '"+3.300000,+1.000000"'),
        ("MEAS:VOLT? (@1);CURR? (@1)", "+3.30000000E+00;+5.00000000E-02"),
        ("INST:NSEL 2;NSEL?;SEL?", "2;CH2"),
        ("VOLT 3.8;:OUTP ON;*OPC?", "1"),
        ("VOLT:PROT 4.5,(@1);:VOLT:PROT? (@1);PROT:TRIP? (@1)", "+4.50000000E+00;0"),
        ("SYST:ERR?", '+0,"No error"'),
        ("SYST:VERS?", "1999.0"),
        ("*TST?", "0"),
        ("TRIG:SOUR? (@1)", "BUS"),
        ("LIST:VOLT 1,2,3,(@1);VOLT:POIN? (@1);:LIST:VOLT? (@1)", "3;+1.00000000E+00,+2.00000000E+00,+3.00000000E+00"),
    ],
)
def test_the_e36300_answers(message: str, answer: str) -> None:
    async def body(_: Bench, client: Client) -> tuple[str, int]:
        return await client.ask(message), await client.error()

    assert run(body) == (answer, 0)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("BLAH 3", -113),
        ("VOLT:LEVEL:BLAH 3", -113),
        ("VOLTA 3", -113),
        ("LIST:VOLT 1,(@1);OUTP ON", -113),
        ("MEAS:VOLT 3", -113),
        ("*FOO?", -113),
        ("3.8", -102),
        ("VOLT", -109),
        ("VOLT 1,2", -108),
        ("VOLT 99", -222),
        ("VOLT -1", -222),
        ("VOLT high", -104),
        ("VOLT 3 A", -131),
        ("VOLT 3,(@4)", -222),
        ("OUTP MAYBE", -141),
        ("INST:NSEL 4", -222),
        ("OUTP 2", -224),
        ("VOLT:MODE SINE,(@1)", -224),
        ("*TRG", -211),
        ("INIT (@1);:INIT (@1)", -213),
        ("VOLT:MODE LIST,(@1);:LIST:VOLT 1,2,3,(@1);DWEL 1,2,(@1);:INIT (@1)", -221),
        ("LIST:VOLT " + ",".join(["1"] * 101) + ",(@1)", -223),
    ],
)
def test_what_it_does_not_take_is_an_error_in_the_queue_and_gets_no_answer(message: str, code: int) -> None:
    async def body(_: Bench, client: Client) -> tuple[int, int]:
        client.send(message)
        return await client.error(), await client.error()

    assert run(body) == (code, 0)


def test_it_says_that_it_is_virtual() -> None:
    async def body(_: Bench, client: Client) -> str:
        return await client.ask("*IDN?")

    assert run(body).startswith("Keysight Technologies,E36312A,VIRTUAL")


def test_the_error_queue_overflows_and_is_cleared() -> None:
    async def body(_: Bench, client: Client) -> tuple[list[int], int]:
        for _ in range(30):
            client.send("BLAH")
        codes = [await client.error() for _ in range(21)]
        client.send("BLAH")
        client.send("*CLS")
        return codes, await client.error()

    codes, after = run(body)
    assert codes == [-113] * 19 + [-350, 0]
    assert after == 0


def test_the_event_status_tells_the_class_of_an_error() -> None:
    async def body(_: Bench, client: Client) -> list[str]:
        await client.ask("*ESR?")
        client.send("BLAH")
        client.send("VOLT 99")
        return [await client.ask("*ESR?"), await client.ask("*ESR?"), await client.ask("*STB?")]

    assert run(body) == ["48", "0", "4"]


def test_a_message_may_come_in_pieces_and_many_at_once() -> None:
    async def body(_: Bench, client: Client) -> list[str]:
        client._writer.write(b"VO")
        await asyncio.sleep(0)
        client._writer.write(b"LT?\r\nCURR?\n*OPC?\n")
        return [await client.read() for _ in range(3)]

    assert run(body) == ["+3.30000000E+00", "+1.00000000E+00", "1"]


def test_clients_do_not_disturb_each_other() -> None:
    async def body(bench: Bench, client: Client) -> tuple[list[str], int, int]:
        other = await bench.client()
        other.send("BLAH")

        async def hammer(one: Client, message: str) -> set[str]:
            return {await one.ask(message) for _ in range(50)}

        answers = await asyncio.gather(hammer(client, "VOLT?"), hammer(other, "CURR?"))
        return [*answers[0], *answers[1]], await client.error(), await other.error()

    assert run(body) == (["+3.30000000E+00", "+1.00000000E+00"], 0, -113)


def test_a_client_that_goes_in_the_middle_harms_nobody() -> None:
    async def body(bench: Bench, client: Client) -> str:
        other = await bench.client()
        other.send("LIST:DWEL 100,(@1);:VOLT:MODE LIST,(@1);:INIT (@1);*TRG;*OPC?")
        await bench.clock.sleep(0.01)
        await other.close()
        bench.clients.remove(other)
        return await client.ask("VOLT?")

    assert run(body, speed=1000) == "+3.30000000E+00"


def test_latency_delays_answers_in_module_time() -> None:
    async def body(bench: Bench, client: Client) -> float:
        start = bench.clock.now()
        await client.ask("VOLT?;CURR?")
        return bench.clock.now() - start

    assert run(body, latency=0.5) == pytest.approx(0.5, abs=0.1)


def test_answers_leave_without_delay() -> None:
    async def body(bench: Bench, client: Client) -> bool:
        await client.ask("*OPC?")
        session = next(iter(bench.supply._sessions))
        assert session._transport is not None
        real = session._transport.get_extra_info("socket")
        return bool(real.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    assert run(body)


# -- the output and the rail --------------------------------------------------------------------------------------------


def test_the_module_goes_and_comes_with_the_output() -> None:
    async def body(bench: Bench, client: Client) -> tuple[list[str], float, float]:
        await client.ask("OUTP OFF,(@1);*OPC?")
        off = float(await client.ask("MEAS:VOLT? (@1)"))
        await client.ask("OUTP ON,(@1);*OPC?")
        on = float(await client.ask("MEAS:VOLT? (@1)"))
        return [name for name, _ in bench.events], off, on

    events, off, on = run(body)
    assert events == ["up", "down", "up"]
    assert off < 0.1
    assert on == pytest.approx(3.3)


def test_other_outputs_do_not_feed_the_module() -> None:
    async def body(bench: Bench, client: Client) -> tuple[str, float]:
        answer = await client.ask("VOLT 12,(@2);:OUTP ON,(@2);:OUTP OFF,(@3);:MEAS:VOLT? (@2)")
        return answer, bench.rail.voltage()

    answer, rail = run(body)
    assert float(answer) == 12
    assert rail == pytest.approx(3.2975)


def test_over_voltage_protection_trips_until_it_is_cleared() -> None:
    async def body(bench: Bench, client: Client) -> tuple[list[str], int]:
        tripped = await client.ask("VOLT:PROT 3.6,(@1);:VOLT 3.7,(@1);:VOLT:PROT:TRIP? (@1);:OUTP? (@1)")
        client.send("OUTP ON,(@1)")
        conflict = await client.error()
        cleared = await client.ask("VOLT 3.3,(@1);:VOLT:PROT:CLE (@1);:OUTP ON,(@1);:VOLT:PROT:TRIP? (@1);:OUTP? (@1)")
        return [tripped, cleared], conflict

    assert run(body) == (["1;0", "0;1"], -221)


def test_over_current_protection_trips_after_its_delay() -> None:
    async def body(bench: Bench, client: Client) -> tuple[str, str]:
        client.send("CURR:PROT:STAT ON,(@1)")
        await client.ask("*OPC?")
        bench.rail.set_load(2.0)
        await bench.clock.sleep(0.01)
        early = await client.ask("CURR:PROT:TRIP? (@1);:OUTP? (@1)")
        await bench.clock.sleep(0.2)
        return early, await client.ask("CURR:PROT:TRIP? (@1);:OUTP? (@1)")

    assert run(body) == ("0;1", "1;0")


def test_reset_turns_everything_off() -> None:
    async def body(bench: Bench, client: Client) -> str:
        return await client.ask("*RST;*OPC?;:OUTP? (@1);:VOLT? (@1);:VOLT:MODE? (@1)")

    assert run(body) == "1;0;+0.00000000E+00;FIX"


LIST = (
    "LIST:VOLT 3.3,0,3.3,(@1);DWEL 0.2,0.5,0.1,(@1);COUN 3,(@1);TERM:LAST OFF,(@1);:CURR:MODE FIX,(@1);"
    ":VOLT:MODE LIST,(@1);:TRIG:SOUR BUS,(@1);:INIT (@1)"
)


@pytest.mark.parametrize("speed", [50, "max"])
def test_a_list_is_played_exactly(speed: Any) -> None:
    async def body(bench: Bench, client: Client) -> tuple[list[tuple[str, float]], float, int]:
        client.send(LIST)
        assert await client.error() == 0
        bench.events.clear()
        await client.ask("*TRG;SYST:ERR?")
        await client.ask("*OPC?")
        return bench.events, bench.rail.voltage(), await client.error()

    events, volts, error = run(body, speed=speed)
    names = [name for name, _ in events]
    times = [when for _, when in events]
    assert names == ["down", "up"] * 3
    assert [after - before for before, after in zip(times[::2], times[2::2], strict=False)] == pytest.approx(
        [0.8, 0.8], abs=1e-9
    )
    assert times[1] - times[0] == pytest.approx(0.5, abs=0.02)
    assert (volts, error) == (pytest.approx(3.2975), 0)


def test_the_last_step_may_stay() -> None:
    async def body(bench: Bench, client: Client) -> str:
        client.send("LIST:VOLT 3.0,2.5,(@1);DWEL 0.1,(@1);TERM:LAST ON,(@1);:VOLT:MODE LIST,(@1);:INIT (@1);*TRG")
        await client.ask("*OPC?")
        return await client.ask("VOLT? (@1);:MEAS:VOLT? (@1)")

    assert run(body) == "+2.50000000E+00;+2.50000000E+00"


def test_a_triggered_step_changes_the_setting() -> None:
    async def body(bench: Bench, client: Client) -> str:
        return await client.ask("VOLT:TRIG 2.6,(@1);:VOLT:MODE STEP,(@1);:INIT (@1);:VOLT? (@1);*TRG;:VOLT? (@1);*OPC?")

    assert run(body) == "+3.30000000E+00;+2.60000000E+00;1"


def test_abort_gives_the_setting_back() -> None:
    async def body(bench: Bench, client: Client) -> tuple[float, float]:
        await client.ask("LIST:VOLT 2.5,(@1);DWEL 1000,(@1);:VOLT:MODE LIST,(@1);:INIT (@1);*TRG;SYST:ERR?")
        low = float(await client.ask("MEAS:VOLT? (@1)"))
        client.send("ABOR (@1)")
        return low, float(await client.ask("MEAS:VOLT? (@1)"))

    assert run(body, speed=50) == pytest.approx((2.5, 3.3))


def test_an_immediate_trigger_source_needs_no_trigger() -> None:
    async def body(bench: Bench, client: Client) -> list[str]:
        bench.events.clear()
        client.send("LIST:VOLT 0,(@1);DWEL 0.3,(@1);:VOLT:MODE LIST,(@1);:TRIG:SOUR IMM,(@1);:INIT (@1)")
        await client.ask("*OPC?")
        await bench.clock.sleep(0.1)
        return [name for name, _ in bench.events]

    assert run(body) == ["down", "up"]


# -- other people's clients ---------------------------------------------------------------------------------------------


def test_pyvisa_sets_switches_and_reads_it() -> None:
    def script(address: str) -> tuple[str, float, float, str]:
        import pyvisa

        manager = pyvisa.ResourceManager("@py")
        supply = manager.open_resource(address, read_termination="\n", write_termination="\n", timeout=5000)
        try:
            identity = supply.query("*IDN?")
            supply.write("VOLT 3.6,(@1)")
            up = float(supply.query("MEAS:VOLT? (@1)"))
            supply.write("OUTP OFF,(@1)")
            down = float(supply.query("MEAS:VOLT? (@1)"))
            return identity, up, down, supply.query("SYST:ERR?")
        finally:
            supply.close()

    async def body(bench: Bench, _: Client) -> Any:
        with bench.clock.outside():
            return await asyncio.get_running_loop().run_in_executor(None, script, bench.supply.address)

    identity, up, down, error = run(body, speed=1)
    assert "VIRTUAL" in identity
    assert (up, error) == (pytest.approx(3.6), '+0,"No error"')
    assert down < 0.2


# -- dialects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", dialect.names())
def test_every_dialect_can_be_loaded_and_says_that_it_is_virtual(name: str) -> None:
    loaded = dialect.load(name)
    assert loaded.name == name
    assert "VIRTUAL" in loaded.identity


@pytest.mark.parametrize(
    ("profile", "message", "answer"),
    [
        (HMP, "INST OUT1;:VOLT 3.5;:VOLT?", "3.500"),
        (HMP, "INST:NSEL 2;:INST?;:INST:NSEL?", "OUT2;2"),
        (HMP, "INST:SEL OUTPut3;NSEL?", "3"),
        (HMP, "OUTP:SEL?;GEN?;:MEAS:CURR?", "1;1;0.0500"),
        (HMP, "OUTP:GEN 0;:MEAS:VOLT?", "0.000"),
        (HMP, "OUTP OFF;:OUTP:SEL?;:MEAS:VOLT?", "0;0.000"),
        (HMP, "APPL 3.4,0.5;APPL?", "3.400, 0.5000"),
        (HMP, "VOLT:PROT 3.6;:VOLT 3.7;:VOLT:PROT:TRIP?", "1"),
        (DP800, ":SOUR1:VOLT 3.5;:SOUR1:VOLT?;:SOUR2:VOLT?", "3.5000;0.0000"),
        (DP800, ":APPL CH1,3.4,0.5;:APPL? CH1", "CH1:8V/5A,3.400,0.500"),
        (DP800, ":OUTP CH1,OFF;:OUTP? CH1;:MEAS? CH1", "OFF;0.0000"),
        (DP800, ":MEAS:ALL? CH1", "3.3000,0.0500,0.165"),
        (DP800, ":OUTP:OVP:VAL CH1,3.6;:SOUR1:VOLT 3.7;:OUTP:OVP:QUES? CH1;:OUTP? CH1", "YES;OFF"),
        (DP800, ":OUTP:OVP:VAL CH1,3.6;:SOUR1:VOLT 3.7;:SOUR1:VOLT 3.3;:SOUR1:VOLT:PROT:CLE;:OUTP? CH1", "ON"),
        (DP800, ":TIME:CYCLE N,3;:TIME:CYCLE?;:OUTP:MODE? CH1", "N,3;CV"),
        (SPD, "CH1:VOLT 3.5;:CH1:VOLT?;:CH2:VOLT?", "3.500;0.000"),
        (SPD, "MEAS:VOLT? CH1", "3.300"),
        (SPD, "SYST:STAT?", "0x14"),
        (SPD, "OUTP CH1,OFF;:SYST:STAT?;:MEAS:VOLT? CH1", "0x4;0.000"),
        (SPD, "INST CH2;INST?", "CH2"),
        (SPD, "SYST:ERR?", "0  No Error"),
    ],
)
def test_other_dialects_answer_in_their_way(profile: str, message: str, answer: str) -> None:
    async def body(_: Bench, client: Client) -> str:
        return await client.ask(message)

    assert run(body, profile=profile).replace("No error", "No Error") == answer


@pytest.mark.parametrize(
    ("profile", "message", "code"),
    [
        (HMP, "VOLT 3,(@1)", -108),
        (HMP, "ARB:DATA 3,1;:ARB:TRAN 1", -221),
        (HMP, "ARB:DATA 3,1,0.001;:ARB:TRAN 1", -222),
        (HMP, "ARB:TRAN 7", -222),
        (HMP, "LIST:VOLT 1", -113),
        (DP800, ":SOUR4:VOLT 1", -114),
        (DP800, ":TIME:PARA 1,3.3,1,0.5", -222),
        (DP800, ":TIME ON", -221),
        (SPD, "OUTP? CH1", -113),
        (SPD, "VOLT:PROT 3", -113),
        (SPD, "*RST", -113),
        (SPD, "TIME:SET CH1,9,3.3,1,1", -222),
    ],
)
def test_other_dialects_are_as_strict(profile: str, message: str, code: int) -> None:
    async def body(_: Bench, client: Client) -> int:
        client.send(message)
        return int((await client.ask("SYST:ERR?")).replace(" ", ",").split(",")[0])

    assert run(body, profile=profile) == code


@pytest.mark.parametrize(
    ("profile", "messages"),
    [
        (HMP, ["ARB:DATA 3.3,1,0.2,0,1,0.5,3.3,1,0.1;:ARB:REP 2;TRAN 1;STAR 1"]),
        (
            DP800,
            [":TIME:PARA 0,3.3,1,2;:TIME:PARA 1,0,1,5;:TIME:PARA 2,3.3,1,1;GROUP 3;CYCLE N,2;ENDS LAST", ":TIME ON"],
        ),
    ],
)
def test_other_dialects_play_their_tables_exactly(profile: str, messages: list[str]) -> None:
    async def body(bench: Bench, client: Client) -> list[tuple[str, float]]:
        for message in messages:
            client.send(message)
        bench.events.clear()
        assert (await client.ask("SYST:ERR?")).startswith("0")
        await bench.clock.sleep(30)
        return bench.events

    events = run(body, profile=profile)
    assert [name for name, _ in events] == ["down", "up"] * 2
    period = events[2][1] - events[0][1]
    assert period == pytest.approx({HMP: 0.8, DP800: 8.0}[profile], abs=1e-9)


def test_an_unknown_profile_is_refused_naming_those_there_are() -> None:
    with pytest.raises(DialectError, match="keysight-e36300"):
        dialect.load("acme")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"identity": "Keysight,E36312A,MY1,1"}, "virtual"),
        ({"commands": {"VOLTage": {"property": "volume", "kind": "volts"}}}, "volume"),
        ({"commands": {"VOLTage": {"property": "voltage", "kind": "ohms"}}}, "ohms"),
        ({"commands": {"VOLTage": {"property": "voltage", "colour": "red"}}}, "colour"),
        ({"commands": {"VOLTage": {"kind": "volts"}}}, "needs one of"),
        ({"commands": {"VOLTage": {"property": "_voltage", "kind": "volts"}}}, "_voltage"),
        ({"commands": {"VOLTage": {"property": "program._rows", "kind": "volts"}}}, "_rows"),
        ({"channels": {1: {"voltage": [0, 5], "amps": [0, 1]}}}, "amps"),
    ],
)
def test_a_dialect_with_a_mistake_is_one_clear_error(change: dict[str, Any], problem: str) -> None:
    data = yaml.safe_load((dialect.FOLDER / "keysight-e36300.yaml").read_text(encoding="utf-8"))
    with pytest.raises(DialectError, match=problem):
        dialect.from_data("mine.yaml", {**data, **change})


def test_an_output_it_does_not_have_is_refused() -> None:
    clock = Clock("max")
    with pytest.raises(ValueError, match=r"\[1, 2, 3\]"):
        Supply(clock, Rail(clock), channel=4)
