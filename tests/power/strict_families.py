"""What instruments of each family understand, from their makers' command lists; see `strict_supply`."""

# ruff: noqa: ARG005  every handler is given the instrument and the match, whether it needs them or not

from __future__ import annotations

import re
from collections.abc import Iterator

from strict_supply import Family, Handler, Output, Refused, StrictSupply
from strict_table import (
    MANY,
    ON,
    SWITCH,
    N,
    Table,
    X,
    clear,
    do,
    initiate,
    next_error,
    number,
    numbers,
    say,
    select,
    spelt,
    start,
    stop,
    switch,
)


def keysight(name: str, identity: str, channels: int, *, n6705: bool = False) -> Family:
    """E36300 and N6705: a channel list behind everything."""

    def of(supply: StrictSupply, found: re.Match[str]) -> Output:
        return supply.outputs[int(found["c"])]

    channel = rf"\(@(?P<c>[1-{channels}])\)"
    t = Table(of, ("," + channel, " " + channel))
    t.both("[SOURce:]VOLTage[:LEVel]", X, number(of, "voltage", "{:+.8E}", volts=True))
    t.both("[SOURce:]CURRent[:LEVel]", X, number(of, "current", "{:+.8E}"))
    t.both("OUTPut[:STATe]", SWITCH, switch(of, "on"))
    t.query("MEASure:VOLTage", say(lambda s, f: f"{of(s, f).measured:+.8E}"))
    t.query("MEASure:CURRent", say(lambda s, f: f"{0.123 if of(s, f).on else 0:+.8E}"))
    t.both("[SOURce:]VOLTage:PROTection[:LEVel]", X, number(of, "over_voltage", "{:+.8E}"))
    t.command("[SOURce:]LIST:VOLTage", MANY, do(lambda s, f: setattr(of(s, f), "volts", numbers(f))))
    t.command("[SOURce:]LIST:DWELl", MANY, do(lambda s, f: setattr(of(s, f), "dwells", numbers(f))))
    t.command("[SOURce:]LIST:COUNt", X, do(lambda s, f: setattr(of(s, f), "count", int(f["x"]))))
    t.command("[SOURce:]LIST:TERMinate:LAST", SWITCH, do(lambda s, f: None))
    t.command("[SOURce:]VOLTage:MODE", "(?P<x>FIX|LIST|STEP)", do(lambda s, f: None))
    if n6705:
        t.query("STATus:QUEStionable:CONDition", say(lambda s, f: str(int("over_voltage" in of(s, f).tripped))))
        t.command("OUTPut:PROTection:CLEar", "", do(lambda s, f: clear(of(s, f), "over_voltage")))
        t.command("TRIGger:TRANsient:SOURce", "(?P<x>BUS|IMM)", do(lambda s, f: None))
        t.command("INITiate:TRANsient", "", do(lambda s, f: initiate(of(s, f))))
        t.command("TRIGger:TRANsient", "", do(lambda s, f: start(of(s, f))))
        t.command("ABORt:TRANsient", "", do(lambda s, f: stop(of(s, f))))
        t.command(
            "EMULation", "(?P<x>BATT|PS2Q|PS1Q)", do(lambda s, f: setattr(of(s, f), "emulating", f["x"] == "BATT"))
        )
        t.command("[SOURce:]RESistance[:LEVel]", X, do(lambda s, f: of(s, f).battery.update(resistance=float(f["x"]))))
        t.command("[SOURce:]RESistance:STATe", SWITCH, do(lambda s, f: setattr(of(s, f), "emulating", ON[f["x"]])))
    else:
        t.query("[SOURce:]VOLTage:PROTection:TRIPped", say(lambda s, f: str(int("over_voltage" in of(s, f).tripped))))
        t.command("[SOURce:]VOLTage:PROTection:CLEar", "", do(lambda s, f: clear(of(s, f), "over_voltage")))
        t.command("TRIGger:SOURce", "(?P<x>BUS|IMM)", do(lambda s, f: None))
        t.command("INITiate", "", do(lambda s, f: initiate(of(s, f))))
        t.command("ABORt", "", do(lambda s, f: stop(of(s, f))))
        t.whole(r"\*TRG", do(lambda s, _f: [start(o) for o in s.outputs.values() if o.ready]))
    t.common(next_error('{:+d},"{}"', '+0,"No error"'))
    return Family(name, identity, channels, tuple(t.rows), forbidden=("*RST", "*RCL 1"))


def e36100() -> Family:
    def of(supply: StrictSupply, _found: re.Match[str]) -> Output:
        return supply.outputs[1]

    t = Table(of)
    t.both("[SOURce:]VOLTage[:LEVel]", X, number(of, "voltage", "{:+.8E}", volts=True))
    t.both("[SOURce:]CURRent[:LEVel]", X, number(of, "current", "{:+.8E}"))
    t.both("OUTPut:STATe", SWITCH, switch(of, "on"))
    t.query("MEASure:VOLTage", say(lambda s, f: f"{of(s, f).measured:+.8E}"))
    t.query("MEASure:CURRent", say(lambda s, f: f"{0.123 if of(s, f).on else 0:+.8E}"))
    t.both("VOLTage:PROTection[:LEVel]", X, number(of, "over_voltage", "{:+.8E}"))
    t.both("VOLTage:PROTection:STATe", SWITCH, switch(of, "over_voltage_on"))
    t.query("VOLTage:PROTection:TRIPped", say(lambda s, f: str(int("over_voltage" in of(s, f).tripped))))
    t.command("VOLTage:PROTection:CLEar", "", do(lambda s, f: clear(of(s, f), "over_voltage")))
    t.common(next_error('{:+d},"{}"', '+0,"No error"'))
    identity = "Keysight Technologies,E36103B,MY61001234,1.0.2"
    return Family("keysight-e36100", identity, 1, tuple(t.rows), forbidden=("*RST", "*RCL 2"))


def _selected(supply: StrictSupply, _found: re.Match[str]) -> Output:
    return supply.outputs[supply.selected]


def _of_x(supply: StrictSupply, found: re.Match[str]) -> Output:
    return supply.outputs[int(found["x"])]


def _rohde(t: Table) -> None:
    """What NGx and HMP have in common: the channel is selected first."""
    of = _selected
    t.both("INSTrument:NSELect", r"(?P<x>\d)", (do(select), say(lambda s, _f: str(s.selected))))
    t.both("[SOURce:]VOLTage[:LEVel]", X, number(of, "voltage", "{:.3f}", volts=True))
    t.both("[SOURce:]CURRent[:LEVel]", X, number(of, "current", "{:.4f}"))
    t.query("MEASure:VOLTage", say(lambda s, f: f"{of(s, f).measured:.3f}"))
    t.query("MEASure:CURRent", say(lambda s, f: f"{0.123 if of(s, f).on else 0:.4f}"))
    t.both("[SOURce:]VOLTage:PROTection:LEVel", X, number(of, "over_voltage", "{:.3f}"))
    t.query("[SOURce:]VOLTage:PROTection:TRIPped", say(lambda s, f: str(int("over_voltage" in of(s, f).tripped))))
    t.command("[SOURce:]VOLTage:PROTection:CLEar", "", do(lambda s, f: clear(of(s, f), "over_voltage")))
    t.command("ARBitrary:REPetitions", X, do(lambda s, f: setattr(of(s, f), "count", int(f["x"]))))
    t.common(next_error('{:d},"{}"', '0,"No error"'))


def _sequence(output: Output, values: list[float], width: int, least: float, most: float) -> None:
    if len(values) % width or not all(least <= dwell <= most for dwell in values[2::width]):
        raise Refused(-222, "Data out of range")
    output.volts, output.dwells = values[0::width], values[2::width]


def ngx() -> Family:
    of = _selected
    t = Table(of)
    _rohde(t)
    t.both("OUTPut[:STATe]", SWITCH, switch(of, "on"))
    t.both("[SOURce:]VOLTage:PROTection[:STATe]", SWITCH, switch(of, "over_voltage_on"))
    t.command("ARBitrary:CLEar", "", do(lambda s, f: of(s, f).volts.clear()))
    t.command("ARBitrary:DATA", MANY, do(lambda s, f: _sequence(of(s, f), numbers(f), 4, 0.001, 60)))
    t.command("ARBitrary:BEHavior:END", "(?P<x>HOLD|OFF)", do(lambda s, f: None))
    t.command("ARBitrary:TRANsfer", r"(?P<x>\d)", do(lambda s, f: initiate(_of_x(s, f))))
    t.command("ARBitrary[:STATe]", "(?P<x>[01])", do(lambda s, f: (start if f["x"] == "1" else stop)(of(s, f))))
    t.command("BATTery:MODel:DATA", MANY, do(lambda s, f: of(s, f).battery.update(points=len(numbers(f)) / 3)))
    t.command("BATTery:MODel:CAPacity", X, do(lambda s, f: of(s, f).battery.update(capacity=float(f["x"]))))
    t.command("BATTery:MODel:CURRent:LIMit:REGular", X, do(lambda s, f: of(s, f).battery.update(limit=float(f["x"]))))
    t.command("BATTery:MODel:ISOC", X, do(lambda s, f: of(s, f).battery.update(charge=float(f["x"]))))
    t.command("BATTery:MODel:TRANsfer", r"(?P<x>\d)", do(lambda s, f: None))
    t.command(
        "BATTery:SIMulator[:ENABle]", "(?P<x>[01])", do(lambda s, f: setattr(of(s, f), "emulating", f["x"] == "1"))
    )
    t.command("BATTery:SIMulator:SOC", X, do(lambda s, f: of(s, f).battery.update(charge=float(f["x"]))))
    t.query("BATTery:SIMulator:SOC", say(lambda s, f: f"{of(s, f).battery['charge']:.2f}"))
    identity = "Rohde&Schwarz,NGM202,3638.4472k03/100001,03.068"
    return Family("rs-ngx", identity, 2, tuple(t.rows), most_volts=20.05, forbidden=("*RST", "*RCL 1"))


def hmp() -> Family:
    of = _selected
    t = Table(of)
    _rohde(t)
    t.both("OUTPut:SELect", "(?P<x>[01])", switch(of, "on"))
    t.command("OUTPut:GENeral", "(?P<x>[01])", do(lambda s, f: None))
    t.command("ARBitrary:DATA", MANY, do(lambda s, f: _sequence(of(s, f), numbers(f), 3, 0.06, 10)))
    t.command("ARBitrary:TRANsfer", r"(?P<x>\d)", do(lambda s, f: initiate(_of_x(s, f))))
    t.command("ARBitrary:STARt", r"(?P<x>\d)", do(lambda s, f: start(_of_x(s, f))))
    t.command("ARBitrary:STOP", r"(?P<x>\d)", do(lambda s, f: stop(_of_x(s, f))))
    t.command("SYSTem:REMote", "", do(lambda s, _f: setattr(s, "remote", True)))
    identity = "ROHDE&SCHWARZ,HMP4040,100001,HW50020001/SW2.62"
    return Family("rs-hmp4040", identity, 4, tuple(t.rows), forbidden=("*RST", "*RCL 1"))


def keithley_2230() -> Family:
    """The family of the example of a user's own profile."""
    of = _selected
    t = Table(of)
    t.both("INSTrument:NSELect", r"(?P<x>\d)", (do(select), say(lambda s, _f: str(s.selected))))
    t.both("[SOURce:]VOLTage[:LEVel]", X, number(of, "voltage", "{:.4f}", volts=True))
    t.both("[SOURce:]CURRent[:LEVel]", X, number(of, "current", "{:.4f}"))
    t.both("[SOURce:]OUTPut:ENABle", "(?P<x>[01])", switch(of, "on"))
    t.query("MEASure:VOLTage", say(lambda s, f: f"{of(s, f).measured:.4f}"))
    t.query("MEASure:CURRent", say(lambda s, f: f"{0.123 if of(s, f).on else 0:.4f}"))
    t.both("[SOURce:]VOLTage:LIMit[:LEVel]", X, number(of, "over_voltage", "{:.4f}"))
    t.both("[SOURce:]VOLTage:LIMit:STATe", "(?P<x>[01])", switch(of, "over_voltage_on"))
    t.common(next_error('{:d},"{}"', '0,"No error"'))
    identity = "Keithley Instruments,2230-30-1,802000001,1.16-1.04"
    return Family("keithley-2230", identity, 3, tuple(t.rows), forbidden=("*RST",))


def _timer_row(supply: StrictSupply, found: re.Match[str], output: Output, first: int, most: int) -> None:
    row, volts, dwell = int(found["row"]) - first, float(found["v"]), float(found["t"])
    if not 0 <= row < most or not dwell.is_integer():
        raise Refused(-222, "Data out of range")
    output.volts += [0.0] * (row + 1 - len(output.volts))
    output.dwells += [0.0] * (row + 1 - len(output.dwells))
    output.volts[row], output.dwells[row] = volts, dwell


def rigol() -> Family:
    def by_header(supply: StrictSupply, found: re.Match[str]) -> Output:
        return supply.outputs[int(found["n"])]

    def of(supply: StrictSupply, found: re.Match[str]) -> Output:
        return supply.outputs[int(found["c"])]

    ch = r"CH(?P<c>[123])"
    row = rf"(?P<row>\d+),(?P<v>{N}),{N},(?P<t>{N})"
    t = Table(by_header)
    t.both("SOURce<n>:VOLTage", X, number(by_header, "voltage", "{:.3f}", volts=True))
    t.both("SOURce<n>:CURRent", X, number(by_header, "current", "{:.3f}"))
    put, get = switch(of, "on", ("OFF", "ON"))
    t.whole(rf"{spelt('OUTPut')}\s+{ch},{SWITCH}", put)
    t.whole(rf"{spelt('OUTPut')}\?\s+{ch}", get)
    t.whole(rf"{spelt('MEASure:VOLTage')}\?\s+{ch}", say(lambda s, f: f"{of(s, f).measured:.4f}"))
    t.whole(rf"{spelt('MEASure:CURRent')}\?\s+{ch}", say(lambda s, f: f"{0.123 if of(s, f).on else 0:.4f}"))
    for head, name in (("OVP", "over_voltage"), ("OCP", "over_current")):
        put, get = number(of, name, "{:.3f}")
        t.whole(rf"{spelt('OUTPut')}:{head}:VAL(?:ue)?\s+{ch},{X}", put)
        t.whole(rf"{spelt('OUTPut')}:{head}:VAL(?:ue)?\?\s+{ch}", get)
        put, get = switch(of, f"{name}_on", ("OFF", "ON"))
        t.whole(rf"{spelt('OUTPut')}:{head}\s+{ch},{SWITCH}", put)
        asks = rf"{spelt('OUTPut')}:{head}:QUES\?\s+{ch}"
        t.whole(asks, say(lambda s, f, name=name: "YES" if name in of(s, f).tripped else "NO"))
        t.whole(rf"{spelt('OUTPut')}:{head}:CLEAR\s+{ch}", do(lambda s, f, name=name: clear(of(s, f), name)))
    t.whole(rf"{spelt('INSTrument')}\s+{ch}", do(lambda s, f: setattr(s, "selected", int(f["c"]))))
    here = _selected
    t.whole(rf"{spelt('TIMEr:PARAmeter')}\s+{row}", do(lambda s, f: _timer_row(s, f, here(s, f), 0, 2048)))
    t.whole(rf"{spelt('TIMEr')}:GROUPs?\s+(?P<x>\d+)", do(lambda s, f: _cut(here(s, f), int(f["x"]))))
    t.whole(rf"{spelt('TIMEr')}:CYCLEs?\s+N,(?P<x>\d+)", do(lambda s, f: setattr(here(s, f), "count", int(f["x"]))))
    t.whole(rf"{spelt('TIMEr:ENDState')}\s+(?:OFF|LAST)", do(lambda s, f: initiate(here(s, f))))
    t.whole(rf"{spelt('TIMEr')}\s+{SWITCH}", do(lambda s, f: (start if f["x"] == "ON" else stop)(here(s, f))))
    t.common(next_error('{:d},"{}"', '0,"No error"'))
    identity = "RIGOL TECHNOLOGIES,DP831,DP8B000000001,00.01.16"
    forbidden = (":SOUR1:VOLT:PROT:CLE", "SOURCE:VOLTAGE:PROTECTION:CLEAR", "*RST", "*RCL 1")
    return Family("rigol-dp800", identity, 3, tuple(t.rows), forbidden=forbidden)


def _cut(output: Output, count: int) -> None:
    del output.volts[count:], output.dwells[count:]


def siglent() -> Family:
    def by_header(supply: StrictSupply, found: re.Match[str]) -> Output:
        return supply.outputs[int(found["n"])]

    def of(supply: StrictSupply, found: re.Match[str]) -> Output:
        return supply.outputs[int(found["c"])]

    def status(supply: StrictSupply, _found: re.Match[str]) -> str:
        bits = sum(bit for n, bit in ((1, 0x10), (2, 0x20)) if supply.outputs[n].on)
        return f"0x{bits | 0x4:x}"

    def row(supply: StrictSupply, found: re.Match[str]) -> None:
        _timer_row(supply, found, of(supply, found), 1, 5)
        of(supply, found).ready = any(of(supply, found).dwells)

    ch = r"CH(?P<c>[12])"
    t = Table(by_header)
    t.both("CH<n>:VOLTage", X, number(by_header, "voltage", "{:.3f}", volts=True))
    t.both("CH<n>:CURRent", X, number(by_header, "current", "{:.3f}"))
    t.whole(rf"{spelt('OUTPut')}\s+{ch},(?P<x>ON|OFF)", switch(of, "on")[0])
    t.whole(rf"{spelt('MEASure:VOLTage')}\?\s+{ch}", say(lambda s, f: f"{of(s, f).measured:.3f}"))
    t.whole(rf"{spelt('MEASure:CURRent')}\?\s+{ch}", say(lambda s, f: f"{0.123 if of(s, f).on else 0:.3f}"))
    t.query("SYSTem:STATus", status)
    t.whole(rf"{spelt('TIMEr:SET')}\s+{ch},(?P<row>\d),(?P<v>{N}),{N},(?P<t>{N})", do(row))
    t.whole(rf"{spelt('TIMEr')}\s+{ch},(?P<x>ON|OFF)", do(lambda s, f: (start if f["x"] == "ON" else stop)(of(s, f))))
    t.common(next_error("{:d}  {}", "0  No Error"), opc=False)
    identity = "Siglent Technologies,SPD3303X,SPD3XGB0000001,1.01.01.02.05,V3.0"
    forbidden = ("OUTPut:TRACK 1", "OUTP:TRACK 2", "*RCL 1")
    return Family("siglent-spd3303x", identity, 2, tuple(t.rows), joins=False, gap=0.1, forbidden=forbidden)


def keithley_2281s() -> Family:
    def of(supply: StrictSupply, _found: re.Match[str]) -> Output:
        return supply.outputs[1]

    def save(supply: StrictSupply, _found: re.Match[str]) -> None:
        if len(supply.outputs[1].volts) != len(supply.outputs[1].dwells):
            raise Refused(202, "List lengths not equivalent")

    quoted = rf'"(?P<x>{N}(?:,{N})*)"'
    t = Table(of)
    t.both("[SOURce:]VOLTage[:LEVel]", X, number(of, "voltage", "{:.4f}", volts=True))
    t.both("[SOURce:]CURRent[:LEVel]", X, number(of, "current", "{:.4f}"))
    t.both("OUTPut:STATe", SWITCH, switch(of, "on"))
    t.query("MEASure:VOLTage", say(lambda s, f: f"+1.230000E-01A,{of(s, f).measured:+.6E}V,+1.000000E+00s"))
    t.query("MEASure:CURRent", say(lambda s, f: f"{0.123 if of(s, f).on else 0:+.6E}A,+3.300000E+00V,+1.000000E+00s"))
    t.both("[SOURce:]VOLTage:LIMit", X, number(of, "over_voltage", "{:.3f}"))
    t.query("OUTPut:PROTection:TRIPped", say(lambda s, f: "OVP" if "over_voltage" in of(s, f).tripped else "NONE"))
    t.whole(rf":LIST1:VOLT\s+{quoted}", do(lambda s, f: setattr(of(s, f), "volts", numbers(f))))
    t.whole(rf":LIST1:CURR\s+{quoted}", do(lambda s, f: None))
    t.whole(rf":LIST1:DWEL\s+{quoted}", do(lambda s, f: setattr(of(s, f), "dwells", numbers(f))))
    t.whole(r":LIST:SAVE:INTE\s+1", do(save))
    t.whole(r":LIST:RCL\s+1|:LIST:MCOMP\s+SWEEP|:LIST:HTIM(?:e)?\s+TIME|:ARM:SOUR\s+BUS", do(lambda s, f: None))
    t.whole(r":ARM:COUN\s+(?P<x>\d+)", do(lambda s, f: setattr(of(s, f), "count", int(f["x"]))))
    t.whole(r":TRIG:COUN\s+(?P<x>\d+)|:LIST:STAT\s+ON", do(lambda s, f: None))
    t.whole(r":INIT", do(lambda s, f: initiate(of(s, f))))
    t.whole(r"\*TRG", do(lambda s, f: start(of(s, f))))
    t.whole(r":ABOR|:LIST:STAT\s+OFF", do(lambda s, f: stop(of(s, f))))
    t.command("ENTRy:FUNCtion", "(?P<x>POWER|SIMULATOR)", do(lambda s, f: None))
    t.whole(r":BATT:SIM:METH\s+DYN|:BATT:MOD:RCL\s+[1-9]", do(lambda s, f: None))
    for head, name in (("VOC:FULL", "full"), ("VOC:EMPT", "empty"), ("CURR:LIM", "limit"), ("CAP:LIM", "capacity")):
        t.whole(rf":BATT:SIM:{head}\s+{X}", do(lambda s, f, name=name: of(s, f).battery.update({name: float(f["x"])})))
    t.whole(rf":BATT:SIM:RES:OFFS\s+{X}", do(lambda s, f: of(s, f).battery.update(resistance=float(f["x"]))))
    t.whole(rf":BATT:SIM:SOC\s+{X}", do(lambda s, f: of(s, f).battery.update(charge=float(f["x"]))))
    t.whole(r":BATT:SIM:SOC\?", say(lambda s, f: f"{of(s, f).battery['charge']:.1f}%"))
    t.whole(r":BATT:OUTP\s+(?P<x>ON|OFF)", do(lambda s, f: setattr(of(s, f), "emulating", f["x"] == "ON")))
    t.common(next_error('{:d},"{}"', '0,"No error"'))
    identity = "KEITHLEY INSTRUMENTS,MODEL 2281S-20-6,4000001,01.08b"
    forbidden = ("*RST", "*RCL 1")
    return Family("keithley-2281s", identity, 1, tuple(t.rows), joins=False, most_volts=20, forbidden=forbidden)


def tti() -> Family:
    def of(supply: StrictSupply, found: re.Match[str]) -> Output:
        return supply.outputs[int(found["n"])]

    def events(supply: StrictSupply, found: re.Match[str]) -> str:
        names = {"over_voltage": 0x04, "over_current": 0x08}
        return str(sum(bit for name, bit in names.items() if name in of(supply, found).tripped))

    def status(supply: StrictSupply, _found: re.Match[str]) -> str:
        value, supply.status = supply.status, 0
        return str(value)

    def execution(supply: StrictSupply, _found: re.Match[str]) -> str:
        value = "100" if supply.errors else "0"
        supply.errors.clear()
        return value

    n = r"(?P<n>[12])"
    t = Table(of)
    for head, name in (("V", "voltage"), ("I", "current")):
        put, _ = number(of, name, "", volts=head == "V")
        t.whole(rf"{head}{n} {X}", put)
        t.whole(rf"{head}{n}\?", say(lambda s, f, h=head, m=name: f"{h}{f['n']} {getattr(of(s, f), m):.3f}"))
    t.whole(rf"V{n}O\?", say(lambda s, f: f"{of(s, f).measured:.3f}V"))
    t.whole(rf"I{n}O\?", say(lambda s, f: f"{0.123 if of(s, f).on else 0:.3f}A"))
    t.whole(rf"OP{n} (?P<x>[01])", switch(of, "on")[0])
    t.whole(rf"OP{n}\?", switch(of, "on")[1])
    for head, name in (("V", "over_voltage"), ("C", "over_current")):
        t.whole(rf"O{head}P{n} {X}", number(of, name, "")[0])
        t.whole(rf"O{head}P{n}\?", say(lambda s, f, h=head, m=name: f"{h}P{f['n']} {getattr(of(s, f), m):.2f}"))
    t.whole(rf"LSR{n}\?", events)
    t.whole(r"TRIPRST", do(lambda s, _f: [clear(o, "over_voltage", "over_current") for o in s.outputs.values()]))
    t.whole(r"\*ESR\?", status)
    t.whole(r"EER\?", execution)
    t.whole(r"QER\?", say(lambda s, _f: "0"))
    t.whole(r"\*IDN\?", say(lambda s, _f: s.family.identity))
    identity = "THURLBY THANDAR, CPX400DP, 279730, 1.00-1.00"
    forbidden = ("*RST", "OPALL 1", "RCL1 1")
    ends = (b"\n", b"\r\n")
    return Family("tti-plx", identity, 2, tuple(t.rows), ends=ends, joins=False, most_volts=60, forbidden=forbidden)


def korad() -> Family:
    def of(supply: StrictSupply, _found: re.Match[str]) -> Output:
        return supply.outputs[1]

    def status(supply: StrictSupply, _found: re.Match[str]) -> bytes:
        return bytes([0x01 | (0x40 if supply.outputs[1].on else 0)])

    def setting(name: str) -> Handler:
        def put(supply: StrictSupply, found: re.Match[str]) -> None:
            if float(found["x"]) <= supply.family.most_volts:  # else it keeps silent and does nothing
                setattr(supply.outputs[1], name, float(found["x"]))

        return put

    t = Table(of)
    t.whole(r"\*IDN\?", say(lambda s, _f: s.family.identity))
    t.whole(r"VSET1:(?P<x>\d{1,2}\.\d\d)", setting("voltage"))
    t.whole(r"ISET1:(?P<x>\d\.\d{3})", setting("current"))
    t.whole(r"VSET1\?", say(lambda s, f: f"{of(s, f).voltage:05.2f}"))
    t.whole(r"ISET1\?", say(lambda s, f: f"{of(s, f).current:.3f}"))
    t.whole(r"VOUT1\?", say(lambda s, f: f"{of(s, f).measured:05.2f}"))
    t.whole(r"IOUT1\?", say(lambda s, f: f"{0.123 if of(s, f).on else 0:.3f}"))
    t.whole(r"OUT(?P<x>[01])", switch(of, "on")[0])
    t.whole(r"STATUS\?", status)
    ends = (b"", b"")
    forbidden = ("RCL1", "TRACK1")
    return Family(
        "korad-ka3005p", "KORADKA3005PV2.0", 1, tuple(t.rows), ends=ends, joins=False, gap=0.08, forbidden=forbidden
    )


def families() -> Iterator[Family]:
    """One of each."""
    yield keysight("keysight-e36300", "Keysight Technologies,E36312A,MY00000001,2.1.0", 3)
    yield keysight("keysight-n6705c", "Keysight Technologies,N6705C,MY00000002,F.01.01", 4, n6705=True)
    yield from (e36100(), ngx(), hmp(), rigol(), siglent(), keithley_2281s(), tti(), korad(), keithley_2230())


FAMILIES = {family.name: family for family in families()}
