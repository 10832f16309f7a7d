"""SCPI text: headers in every form, paths of compound messages, typed arguments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.virtual import scpi, scpi_tree, scpi_values
from pytest_quecfota.virtual.scpi import ScpiError, Unit
from pytest_quecfota.virtual.scpi_tree import HeaderTree

VOLT = "[SOURce:]VOLTage[:LEVel][:IMMediate][:AMPLitude]"
TREE: HeaderTree[str] = HeaderTree()
for pattern in (
    VOLT,
    "[SOURce:]VOLTage:PROTection[:LEVel]",
    "CH<n>:CURRent",
    "SYSTem:ERRor[:NEXT]",
    "OUTPut<n>[:STATe]",
):
    TREE.add(pattern, pattern)


@pytest.mark.parametrize(
    "typed", ["VOLT", "VOLTAGE", "SOUR:VOLT", "SOURCE:VOLTAGE:LEV:IMM:AMPL", "VOLT:IMM", "VOLT:LEVEL:AMPLITUDE"]
)
def test_short_and_long_forms_and_left_out_words_mean_the_same(typed: str) -> None:
    assert TREE.find(typed.split(":")) == (VOLT, None)


@pytest.mark.parametrize("typed", ["VOLTA", "VOL", "SOUR", "LEV", "VOLT:PROT:LEVE", "SYST", "ERR", "CH2", "VOLT2", ""])
def test_what_is_not_in_the_tree_is_not_found(typed: str) -> None:
    assert TREE.find(typed.split(":")) is None


@pytest.mark.parametrize(("typed", "number"), [("CH2:CURR", 2), ("CH:CURRENT", 1), ("OUTP3", 3), ("OUTPUT1:STAT", 1)])
def test_numbers_in_headers_are_told(typed: str, number: int) -> None:
    found = TREE.find(typed.split(":"))
    assert found is not None
    assert found[1] == number


@pytest.mark.parametrize("pattern", ["", "[VOLTage]", "VOLT age", "VOLTage[", "1VOLT"])
def test_a_header_pattern_that_cannot_be_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        scpi_tree.pattern_nodes(pattern)


def test_two_patterns_may_not_mean_the_same() -> None:
    tree: HeaderTree[str] = HeaderTree()
    tree.add("VOLTage[:LEVel]", "one")
    with pytest.raises(ValueError, match="already"):
        tree.add("VOLTage", "another")


def test_a_message_is_cut_into_units() -> None:
    assert scpi.units(":VOLT 3.8,(@1,2);OUTP ON;*OPC?;disp:text 'a;b'") == [
        Unit(("VOLT",), True, False, False, ("3.8", "(@1,2)")),
        Unit(("OUTP",), False, False, False, ("ON",)),
        Unit(("*OPC",), False, True, True, ()),
        Unit(("DISP", "TEXT"), False, False, False, ("'a;b'",)),
    ]


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    for unit in scpi.units(text):
        assert isinstance(unit, (Unit, ScpiError))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("3.8", "volts", 3.8),
        ("3800mV", "volts", 3.8),
        ("3.8 V", "volts", 3.8),
        ("+.5E1", "amps", 5.0),
        ("10 ms", "seconds", 0.01),
    ],
)
def test_numbers_have_units(text: str, kind: str, value: float) -> None:
    assert scpi_values.number(text, kind) == value


@pytest.mark.parametrize(
    ("text", "kind", "code"),
    [("three", "volts", -104), ("3 A", "volts", -131), ("3 V", "integer", -131), ("", "volts", -104)],
)
def test_what_is_no_number_is_the_standards_error(text: str, kind: str, code: int) -> None:
    with pytest.raises(ScpiError) as caught:
        scpi_values.number(text, kind)
    assert caught.value.code == code


def test_channel_lists_have_ranges() -> None:
    assert scpi_values.channel_list("(@1,3:5)") == [1, 3, 4, 5]
    assert scpi_values.channel_list("1") is None
