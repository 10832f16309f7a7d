"""Every command of every dialect: in each of its spellings, with wrong arguments, and what the standard says of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml
from supply_lab import DP800, E36300, HMP, NGX, PROFILES, SPD, Bench, Client, run

from pytest_quecfota.virtual import dialect
from pytest_quecfota.virtual.scpi_tree import PatternNode, pattern_nodes


def spellings(pattern: str) -> list[str]:
    """A header in all its forms: short and long words in any mixture of case, words that may be left out with and without."""
    nodes = pattern_nodes(pattern)
    present = itertools.product(*[(True, False) if node.optional else (True,) for node in nodes])
    return [
        typed for choice in present for typed in _typed([n for n, there in zip(nodes, choice, strict=True) if there])
    ]


def _typed(nodes: list[PatternNode]) -> list[str]:
    number = ["1" if node.numbered else "" for node in nodes]
    short = [min(node.names, key=len) + digits for node, digits in zip(nodes, number, strict=True)]
    long = [max(node.names, key=len) + digits for node, digits in zip(nodes, number, strict=True)]
    mixed = [pair[index % 2].lower() for index, pair in enumerate(zip(short, long, strict=True))]
    return [":".join(words) for words in (short, long, mixed, [word.capitalize() for word in long])]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_header_is_understood_in_every_spelling(profile: str) -> None:
    loaded = dialect.load(profile)
    headers = yaml.safe_load((dialect.FOLDER / f"{profile}.yaml").read_text(encoding="utf-8"))["commands"]
    for header in headers:
        for typed in spellings(header):
            found = loaded.commands.find(typed.upper().split(":"))
            assert found is not None, typed
            assert found[0].header == header, typed


@pytest.mark.parametrize("profile", PROFILES)
def test_every_query_gives_one_answer_and_no_error_and_no_write_answers(profile: str) -> None:
    """Whatever can be asked is asked; whatever takes no argument is said; the answers that come are those that were asked for."""
    data = yaml.safe_load((dialect.FOLDER / f"{profile}.yaml").read_text(encoding="utf-8"))
    channel = {E36300: " (@1)", NGX: " (@1)", DP800: " CH1", SPD: " CH1"}.get(profile, "")
    fill = {HMP: ["ARB:DATA 3,1,1"], NGX: ["ARB:DATA 3,1,1,0"]}.get(profile, [])
    questions, orders = [], []
    for header, entry in data["commands"].items():
        short = spellings(header)[0]
        part = next(entry[way] for way in dialect.WAYS if way in entry)
        of_channel = loaded_command(profile, short).of_channel and "<n>" not in header
        if "call" not in entry:
            questions.append(short + "?" + (channel if of_channel else ""))
        elif not entry.get("takes") and part not in ("program.initiate", "program.trigger"):
            orders.append(short + (channel if of_channel else ""))

    async def body(_: Bench, client: Client) -> tuple[list[str], int]:
        for order in [*orders, *fill]:
            client.send(order)
        answers = [await client.ask(question) for question in questions if "SYST:ERR" not in question]
        return answers, await client.error()

    answers, error = run(body, profile=profile)
    assert error == 0
    assert all(answers)
    assert not any(";" in answer for answer in answers)


def loaded_command(profile: str, header: str) -> dialect.Command:
    found = dialect.load(profile).commands.find(header.upper().split(":"))
    assert found is not None
    return found[0]


def set_volts(profile: str) -> str:
    """How each of them sets output 1 and is asked for it: what is between the two halves is the value."""
    return {E36300: "VOLT {},(@1)", NGX: "VOLT {},(@1)", HMP: "VOLT {}", DP800: ":SOUR1:VOLT {}", SPD: "CH1:VOLT {}"}[
        profile
    ]


def ask_volts(profile: str) -> str:
    return {E36300: "VOLT? (@1)", NGX: "VOLT? (@1)", HMP: "VOLT?", DP800: ":SOUR1:VOLT?", SPD: "CH1:VOLT?"}[profile]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("value", "volts"),
    [
        ("3.5", 3.5),
        ("3.5V", 3.5),
        ("3500 mV", 3.5),
        ("3500000uv", 3.5),
        ("0.0035kV", 3.5),
        ("+35e-1", 3.5),
        (".35E+1 v", 3.5),
        ("00003.500", 3.5),
    ],
)
def test_a_number_may_be_written_in_many_ways(profile: str, value: str, volts: float) -> None:
    async def body(_: Bench, client: Client) -> tuple[float, int]:
        client.send(set_volts(profile).format(value))
        return float(await client.ask(ask_volts(profile))), await client.error()

    assert run(body, profile=profile) == (pytest.approx(volts), 0)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("99", -222),
        ("-0.1", -222),
        ("1e99", -222),
        ("1e99999", -123),
        ("1" * 300, -124),
        ("3 A", -131),
        ("3 VV", -131),
        ("high", -104),
        ("'3'", -104),
        ("3.3.3", -104),
        ("NAN", -104),
        ("1e", -131),
        ("#H3", -104),
        ("3,3,3", -108),
        ("'3", -151),
        ("3\x01", -101),
        ("ü", -101),
    ],
)
def test_what_is_no_number_or_out_of_range_changes_nothing(profile: str, value: str, code: int) -> None:
    async def body(bench: Bench, client: Client) -> tuple[int, float, bool, int]:
        client.send_bytes(set_volts(profile).format(value).encode("latin-1") + b"\n")
        error, volts = await client.error(), float(await client.ask(ask_volts(profile)))
        return error, volts, bench.rail.power_good, await client.error()

    assert run(body, profile=profile) == (code, pytest.approx(3.3), True, 0)


@pytest.mark.parametrize(("profile", "lowest", "highest", "default"), [(E36300, 0, 6.18, 0), (NGX, 0, 20.05, 0)])
def test_the_ends_of_a_range_have_names(profile: str, lowest: float, highest: float, default: float) -> None:
    async def body(_: Bench, client: Client) -> list[float]:
        asked = [float(await client.ask(f"VOLT? {name}")) for name in ("MIN", "MAXIMUM", "def")]
        await client.ask("VOLT:PROT 20;:OUTP OFF;*OPC?")
        answers = []
        for name in ("MAX", "minimum", "DEF"):
            client.send(f"VOLT {name}")
            answers.append(float(await client.ask("VOLT?")))
        return [*asked, *answers]

    assert run(body, profile=profile) == [lowest, highest, default, highest, lowest, default]


def test_a_supply_without_these_names_refuses_them() -> None:
    async def body(_: Bench, client: Client) -> tuple[int, int]:
        client.send("CH1:VOLT MAX")
        client.send("CH1:VOLT? MAX")
        return await client.error(), await client.error()

    assert run(body, profile=SPD) == (-104, -108)


@pytest.mark.parametrize("profile", [E36300, HMP, NGX, DP800])
def test_up_and_down_go_by_the_step_and_stay_in_range(profile: str) -> None:
    async def body(_: Bench, client: Client) -> tuple[list[float], int, int]:
        client.send("VOLT 3;:VOLT:STEP 0.25;:VOLT UP")
        first = float(await client.ask("VOLT?"))
        client.send("VOLT DOWN;:VOLT DOWN")
        second = float(await client.ask("VOLT?"))
        client.send("VOLT:STEP 5;:VOLT DOWN")
        return [first, second, float(await client.ask("VOLT?"))], await client.error(), await client.error()

    assert run(body, profile=profile) == ([3.25, 2.75, 2.75], -222, 0)


@pytest.mark.parametrize(
    ("message", "answers"),
    [
        ("VOLT 3.4;CURR 0.5;VOLT?;CURR?", "+3.40000000E+00;+5.00000000E-01"),
        ("SOUR:VOLT 3.4;CURR 0.5;:SOUR:CURR?;VOLT?", "+5.00000000E-01;+3.40000000E+00"),
        ("VOLT:PROT 4;:VOLT:PROT?;PROT:STAT?", "+4.00000000E+00;1"),
        ("MEAS:SCAL:VOLT? (@1);CURR? (@1)", "+3.30000000E+00;+5.00000000E-02"),
        ("VOLT?;*ESR?;*OPC?;CURR?", "+3.30000000E+00;128;1;+1.00000000E+00"),
        (";;VOLT?; ;", "+3.30000000E+00"),
        ("  VOLT?\t", "+3.30000000E+00"),
        ("VOLT?;:OUTP?;:SYST:VERS?", "+3.30000000E+00;1;1999.0"),
        ("DISP:TEXT 'a;b,c'';:VOLT 9';:DISP:TEXT?", '"a;b,c\';:VOLT 9"'),
        ("VOLT 3.4,(@1,2);VOLT? (@1:2)", "+3.40000000E+00,+3.40000000E+00"),
        ("VOLT 3.4,(@3:2);VOLT? (@3:1)", "+3.40000000E+00,+3.40000000E+00,+3.30000000E+00"),
        ("VOLT 3.4,(@2);VOLT 3.5,( @ 3 );VOLT? (@1,2,3)", "+3.30000000E+00,+3.40000000E+00,+3.50000000E+00"),
    ],
)
def test_units_of_a_message_go_on_from_the_path_of_the_one_before(message: str, answers: str) -> None:
    async def body(_: Bench, client: Client) -> tuple[str, int]:
        return await client.ask(message), await client.error()

    assert run(body) == (answers, 0)


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        ("VOLT:PROT 4;STAT ON;CURR 1", [-113, -113]),
        ("VOLT:PROT 4;OUTP OFF", [-113]),
        ("VOLT3.4", [-111]),
        ("VOLT?(@1)", [-111]),
        ("*IDN:FOO?", [-111]),
        (":*IDN?", [-102]),
        ("*IDN? 3", [-108]),
        ("*ESE", [-109]),
        ("*ESE 256", [-222]),
        ("*ESE -1", [-222]),
        ("*ESE 1,2", [-108]),
        ("*ESE 1e400", [-222]),
        ("*SAV 99", [-222]),
        ("VOLT 3,(@0)", [-222]),
        ("VOLT 3,(@1:99999999)", [-222]),
        ("VOLT 3,(@99999999999999999999)", [-222]),
        ("VOLT 3,(@)", [-108]),
        ("VOLT 9,(@2,1)", [-222]),
        ("APPL 3.3,99", [-222]),
        ("APPL 99,1", [-222]),
        ("LIST:VOLT 3,3,99,(@1)", [-222]),
        ("LIST:DWEL 1,,1,(@1)", [-104]),
        ("LIST:COUN 0,(@1)", [-222]),
        ("OUTP 'ON'", [-104]),
        ("OUTP 1.5", [-224]),
        ("DISP:TEXT 'a", [-151]),
        ("DISP:TEXT 'a'b'", [-151]),
        ("\x01\x02", [-101]),
        ("VOLT 3.3;%;VOLT 9", [-102]),
        ("FOO;BAR;VOLT 3.3", [-113, -113]),
        ("MEAS:VOLT 3", [-113]),
        ("ABOR?", [-113]),
        ("VOLT12345678:PROT 3", [-113]),
    ],
)
def test_each_mistake_is_one_error_in_its_turn(message: str, codes: list[int]) -> None:
    async def body(_: Bench, client: Client) -> tuple[list[int], str]:
        client.send(message)
        errors = [await client.error() for _ in codes]
        return errors, await client.ask("VOLT? (@1);:CURR? (@1);:OUTP? (@1);:SYST:ERR?")

    assert run(body) == (codes, '+3.30000000E+00;+1.00000000E+00;1;+0,"No error"')


@pytest.mark.parametrize("profile", [E36300, HMP, NGX, DP800])
def test_the_error_queue_keeps_the_first_ones_in_order_and_says_that_it_was_too_short(profile: str) -> None:
    async def body(_: Bench, client: Client) -> tuple[list[int], list[str]]:
        client.send("VOLT 99")
        for _ in range(30):
            client.send("FOO")
        client.send("*RST")  # does not empty it
        codes = [await client.error() for _ in range(21)]
        client.send("FOO;*CLS")
        return codes, [await client.ask("*ESR?"), str(await client.error())]

    codes, cleared = run(body, profile=profile)
    assert codes == [-222, *[-113] * 18, -350, 0]
    assert cleared == ["0", "0"]


@pytest.mark.parametrize("profile", [E36300, HMP, NGX, DP800])
def test_the_registers_of_the_standard(profile: str) -> None:
    async def body(_: Bench, client: Client) -> list[str]:
        seen = [await client.ask("*ESR?;*ESR?")]
        client.send("FOO;VOLT 99;*OPC")
        client.send("*ESE 32.4;*SRE #H20")
        seen.append(await client.ask("*ESE?;*SRE?;*STB?"))
        seen.append(await client.ask("*ESR?"))
        seen.append(await client.ask("*STB?"))
        seen.append(await client.ask("*CLS;*STB?;*ESR?;*TST?;*OPC?"))
        return seen

    assert run(body, profile=profile) == ["128;0", "32;32;100", "49", "4", "0;0;0;1"]


@pytest.mark.parametrize("profile", [E36300, HMP, DP800])
def test_settings_are_kept_and_recalled(profile: str) -> None:
    async def body(bench: Bench, client: Client) -> tuple[float, bool, float, int]:
        client.send("*SAV 1;:VOLT 2.9;*RST")
        after_reset = float(await client.ask("VOLT?"))
        off = bench.rail.power_good
        client.send("*RCL 1")
        return after_reset, off, float(await client.ask("VOLT?")), await client.error()

    assert run(body, profile=profile)[2:] == (3.3, 0)


# -- what each can play --------------------------------------------------------------------------------------------------


def played(profile: str, messages: list[str], seconds: float) -> tuple[list[tuple[str, float]], list[int], float]:
    """What the module's detector saw in that time from the last message on, the errors, and the voltage at the end."""

    async def body(bench: Bench, client: Client) -> Any:
        for message in messages[:-1]:
            client.send(message)
        error = await client.error()
        bench.events.clear()
        start = bench.clock.now()
        client.send(messages[-1])
        last = await client.error()
        await bench.clock.sleep(start + seconds - bench.clock.now())
        return [(name, when - start) for name, when in bench.events], [error, last], bench.rail.voltage()

    result: tuple[list[tuple[str, float]], list[int], float] = run(body, profile=profile)
    return result


def test_an_ngx_sequence_may_have_steps_of_a_millisecond_and_a_thousand_rows() -> None:
    rows = "3.3,1,0.005,0,0,1,0.02,0," * 511 + "3.3,1,0.001,0,3.3,1,0.001,0"
    events, errors, volts = played(NGX, [f"ARB:DATA {rows}", "ARB:TRAN 1", "ARB 1"], 20)
    assert errors == [0, 0]
    assert len(events) == 2 * 511
    falls = [when for name, when in events if name == "down"]
    assert [after - before for before, after in itertools.pairwise(falls)] == pytest.approx([0.025] * 510, abs=1e-9)
    assert volts == pytest.approx(3.2975)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("3.3,1,0.0009,0", -222),
        ("3.3,1,0.001", -221),
        ("21,1,1,0", -222),
        ("3.3,99,1,0", -222),
        ("", -221),
    ],
)
def test_an_ngx_refuses_what_it_cannot_play(rows: str, code: int) -> None:
    async def body(_: Bench, client: Client) -> int:
        if rows:
            client.send(f"ARB:DATA {rows}")
        client.send("ARB:TRAN 1")
        return await client.error()

    assert run(body, profile=NGX) == code


@pytest.mark.parametrize(("profile", "columns", "steps"), [(HMP, 3, 128), (NGX, 4, 1024)])
def test_a_sequence_of_too_many_rows_is_refused(profile: str, columns: int, steps: int) -> None:
    row = ["3", "1", "1", "0"][:columns]

    async def body(_: Bench, client: Client) -> tuple[int, int]:
        client.send("ARB:DATA " + ",".join(row * steps))
        client.send("ARB:DATA " + ",".join(row * (steps + 1)))
        return await client.error(), await client.error()

    assert run(body, profile=profile) == (-223, 0)


def test_an_interpolated_row_of_an_ngx_goes_evenly_to_the_next_level() -> None:
    async def body(bench: Bench, client: Client) -> list[float]:
        client.send("ARB:DATA 3.3,1,1,1,1.3,1,1,0,1.3,1,1,1,3.3,1,1,0;:ARB:TRAN 1;:ARB 1")
        seen = []
        for _ in range(4):
            await bench.clock.sleep(0.5)
            seen.append(bench.rail.terminal_voltage())
            await bench.clock.sleep(0.5)
        return seen

    assert run(body, profile=NGX) == pytest.approx([2.3, 1.3, 2.3, 3.3], abs=0.01)


@pytest.mark.parametrize(("end", "volts", "on"), [("HOLD", 2.9, True), ("OFF", 0.0, False)])
def test_an_ngx_holds_the_last_level_or_turns_off(end: str, volts: float, on: bool) -> None:
    async def body(bench: Bench, client: Client) -> tuple[float, bool]:
        client.send(f"ARB:DATA 3.3,1,1,0,2.9,1,1,0;:ARB:BEH:END {end};:ARB:TRAN 1;:ARB 1")
        await bench.clock.sleep(60)
        return float(await client.ask("MEAS:VOLT?")), bench.supply.main.output

    assert run(body, profile=NGX) == (pytest.approx(volts, abs=0.01), on)


@pytest.mark.parametrize(
    ("profile", "message", "code"),
    [
        (HMP, "ARB:DATA 3,1,0.059;:ARB:TRAN 1", -222),
        (HMP, "ARB:DATA 3,1,10.1;:ARB:TRAN 1", -222),
        (HMP, "ARB:REP 256", -222),
        (HMP, "ARB:STAR 5", -222),
        (HMP, "ARB:SAVE 4", -222),
        (HMP, "VOLT OUT1,3", -108),
        (HMP, "MEAS:VOLT? OUT1", -108),
        (DP800, ":TIME:PARA 0,3.3,1,0.99", -222),
        (DP800, ":TIME:PARA 0,3.3,1,1.5", -222),
        (DP800, ":TIME:PARA 2048,3.3,1,2", -222),
        (DP800, ":TIME:GROUP 2049", -222),
        (DP800, ":SOUR1:VOLT CH2,3", -108),
        (SPD, "TIME:SET CH1,0,3.3,1,2", -222),
        (SPD, "TIME:SET CH1,6,3.3,1,2", -222),
        (SPD, "TIME:SET CH1,1,3.3,1,1.5", -222),
        (SPD, "TIME:SET CH1,1,33,1,2", -222),
        (SPD, "TIME:SET? CH1,6", -222),
        (SPD, "TIME:SET CH1,1,3.3,1", -109),
        (SPD, "*OPC?", -113),
    ],
)
def test_each_dialect_keeps_the_limits_of_its_tables(profile: str, message: str, code: int) -> None:
    async def body(_: Bench, client: Client) -> tuple[int, int]:
        client.send(message)
        return await client.error(), await client.error()

    assert run(body, profile=profile) == (code, 0)


def test_the_siglents_timer_plays_its_five_groups_and_tells_so() -> None:
    async def body(bench: Bench, client: Client) -> tuple[list[str], list[tuple[str, float]], int]:
        for group, volts in enumerate((3.3, 0, 3.0, 0, 3.3), 1):
            client.send(f"TIME:SET CH1,{group},{volts},1,{group}")
        said = [await client.ask("TIME:SET? CH1,4"), await client.ask("SYST:STAT?")]
        bench.events.clear()
        client.send("TIME CH1,ON")
        said.append(await client.ask("SYST:STAT?"))
        start = bench.clock.now()
        await bench.clock.sleep(20)
        said.append(await client.ask("SYST:STAT?"))
        return said, [(name, round(when - start)) for name, when in bench.events], await client.error()

    said, events, error = run(body, profile=SPD)
    assert said == ["0.000,1.000,4", "0x14", "0x54", "0x14"]
    assert events == [("down", 1), ("up", 3), ("down", 6), ("up", 10)]
    assert error == 0


def test_the_siglents_status_word_tells_constant_current_and_both_outputs() -> None:
    async def body(bench: Bench, client: Client) -> list[str]:
        client.send("OUTP CH2,ON")
        seen = [await client.ask("SYST:STAT?")]
        bench.rail.set_load(1.5)
        await bench.clock.sleep(0.1)
        seen.append(await client.ask("SYST:STAT?"))
        client.send("OUTP CH1,OFF")
        seen.append(await client.ask("SYST:STAT?"))
        return seen

    assert run(body, profile=SPD) == ["0x34", "0x35", "0x24"]


def test_the_rigols_protection_has_two_ways_to_be_cleared_and_one_of_them_turns_it_on() -> None:
    async def body(bench: Bench, client: Client) -> list[tuple[str, bool]]:
        seen = []
        for clear in (":OUTP:OVP:CLEAR CH1", ":SOUR1:VOLT:PROT:CLE"):
            await client.ask(":OUTP:OVP:VAL CH1,3.5;:SOUR1:VOLT 3.6;*OPC?")
            tripped = await client.ask(":OUTP:OVP:QUES? CH1;:OUTP? CH1")
            client.send(":SOUR1:VOLT 3.3")
            client.send(clear)
            seen.append((tripped, (await client.ask(":OUTP:OVP:QUES? CH1;:OUTP? CH1"))))
            client.send(":OUTP CH1,ON")
        return seen

    assert run(body, profile=DP800) == [("YES;OFF", "NO;OFF"), ("YES;OFF", "NO;ON")]
