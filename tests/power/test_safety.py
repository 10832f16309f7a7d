"""What may be sent at all: the rig's limits hold in every spelling of every message, whoever sends it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.power import load_profile
from pytest_quecfota.power.safety import Censor


def censor(name: str = "keysight-e36300", *, may_cut: bool = True) -> Censor:
    return Censor(load_profile(name), least=2.1, most=3.6, may_go_below=lambda: may_cut)


TOO_MUCH = [
    "VOLT 3.61",
    "volt 3.7,(@1)",
    "VOLTAGE 12",
    "SOUR:VOLT 5",
    ":SOURCE:VOLTAGE:LEVEL:IMMEDIATE:AMPLITUDE 4",
    "SOUR2:VOLT:LEV 4",
    "VOLT:TRIG 4.2",
    "VOLT 3700mV",
    "VOLT 3.7 V",
    "VOLT 0.0037kV",
    "VOLT 1e1",
    "CURR 1;:VOLT 4;:OUTP ON",
    "OUTP ON;VOLT 4",
    "LIST:VOLT 3.3,2.6,3.61,(@1)",
    "LIST:VOLT 3.3, 4.0",
    "APPL 3.8,2",
    "APPL 3.8,2,(@1)",
    ":APPLY CH1,5,1",
    "VOLT 4,(@1,2)",
]
NOT_TO_BE_JUDGED = ["VOLT MAX", "VOLT DEF", "VOLT UP", "VOLT 3.3.3", "VOLT nan", "LIST:VOLT 3.3,INF"]
FINE = [
    "VOLT 3.6",
    "VOLT 3600 mV,(@1)",
    "VOLT 2.1",
    "VOLT? MAX",
    "VOLT? (@1)",
    "VOLT:PROT 4.5,(@1)",
    "VOLT:MODE LIST,(@1)",
    "VOLT:STEP 5",
    "MEAS:VOLT? (@1)",
    "CURR 9",
    "LIST:DWEL 10,20",
    "LIST:VOLT 3.3,2.6,3.6,(@1)",
    "APPL 3.6,20",
    "OUTP ON,(@3)",
    "*TRG",
    "DISP:TEXT 'VOLTS 5'",
]


@pytest.mark.parametrize("message", TOO_MUCH)
def test_more_than_the_rig_allows_is_refused_in_every_spelling(message):
    with pytest.raises(ValueError, match=r"above this rig's limit of 3\.6 V; not sent"):
        censor()(message)


@pytest.mark.parametrize("message", NOT_TO_BE_JUDGED)
def test_what_nobody_can_judge_is_refused(message):
    with pytest.raises(ValueError, match=r"nobody can hold"):
        censor()(message)


@pytest.mark.parametrize("message", FINE)
def test_everything_else_goes(message):
    censor()(message)
    censor(may_cut=False)(message)


@pytest.mark.parametrize("message", ["VOLT 2.0", "VOLT 0", "VOLT MIN", "LIST:VOLT 3.3,0,(@1)", "APPL 1,1"])
def test_less_than_the_rig_allows_goes_only_where_it_allows_cuts(message):
    censor()(message)
    with pytest.raises(ValueError, match=r"below this rig's limit of 2\.1 V.*allow: \[cuts\]"):
        censor(may_cut=False)(message)


@given(volts=st.floats(-10, 50), digits=st.integers(0, 6))
def test_a_voltage_goes_exactly_where_it_lies_within_the_limits(volts, digits):
    text = f"{volts:.{digits}f}"
    for name in ("keysight-e36300", "tti-plx", "korad-ka3005p", "siglent-spd3303x", "rigol-dp800"):
        judge = censor(name, may_cut=False)
        profile = load_profile(name)
        message = profile.single("voltage", channel=1, voltage=1.5, current=1.0)
        message = message.replace(next(n for n in ("1.5000", "1.500", "1.50") if n in message), text)
        if 2.1 <= float(text) <= 3.6:
            judge(message)
        else:
            with pytest.raises(ValueError, match="not sent"):
                judge(message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rs-hmp4040", "ARB:DATA 3.3,1,0.1,3.7,1,0.1"),
        ("rs-hmp4040", "ARBITRARY:DATA 5,1,0.1"),
        ("rs-ngx", "ARB:DATA 3.3,1,0.1,0,4,1,0.1,0"),
        ("rs-ngx", "BATT:MOD:DATA 0,2.5,0.1,100,4.2,0.1"),
        ("rigol-dp800", ":TIME:PARA 3,12,1,2"),
        ("rigol-dp800", ":TIMER:PARAMETER 3,12,1,2"),
        ("siglent-spd3303x", "TIMER:SET CH1,2,5,1,3"),
        ("siglent-spd3303x", "CH1:VOLTage 5"),
        ("keithley-2281s", ':LIST1:VOLT "3.3,4"'),
        ("keithley-2281s", ':LIST2:VOLT:APPE "4"'),
        ("keithley-2281s", ":BATT:SIM:VOC:FULL 4.2"),
        ("tti-plx", "V1 4"),
        ("tti-plx", "V2V 4"),
        ("korad-ka3005p", "VSET1:04.20"),
    ],
)
def test_a_familys_own_messages_are_known_too(name, message):
    with pytest.raises(ValueError, match=r"above this rig's limit"):
        censor(name)(message)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rs-hmp4040", "ARB:DATA 3.3,10,10,2.5,10,10"),
        ("rs-ngx", "BATT:MOD:DATA 0,2.5,9,100,3.5,9"),
        ("rigol-dp800", ":TIME:PARA 9,3.3,5,7"),
        ("tti-plx", "OVP1 5"),
        ("tti-plx", "V1?"),
        ("korad-ka3005p", "ISET1:5.000"),
    ],
)
def test_numbers_that_are_no_voltages_are_none(name, message):
    censor(name)(message)
