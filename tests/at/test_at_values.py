"""Parameter values: text to Python and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.at.values import of_line, parse, render


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('1,"a",-3', [1, "a", -3]),
        ("", []),
        ("  ", []),
        ("8", [8]),
        ('"BC25","","V2,0",30,-113,2563', ["BC25", "", "V2,0", 30, -113, 2563]),
        ("READY", ["READY"]),
        ('"productinfo",<pk>,<ps>', ["productinfo", "<pk>", "<ps>"]),
        ("(0-2)", ["(0-2)"]),
        ("(0,1),(1-1024)", ["(0,1)", "(1-1024)"]),
        ('(0,"a,b"),2', ['(0,"a,b")', 2]),
        (",1,", [None, 1, None]),
        ("0, 57%", [0, "57%"]),
        ("0017,00", ["0017", "00"]),
        ("866123450000017", [866123450000017]),
        ('"unfinished', ['"unfinished']),
        ("(unfinished,1", ["(unfinished", 1]),
        ("1" * 40, ["1" * 40]),
    ],
)
def test_values_of_a_line(text, values):
    assert parse(text) == values


def test_render_writes_what_a_module_wants():
    assert render("productinfo", "p111", "cd==") == '"productinfo","p111","cd=="'
    assert render(0, 1024) == "0,1024"
    assert render("STM32", None, True) == '"STM32",,1'


@pytest.mark.parametrize(
    ("value", "error"), [('a"b', ValueError), ("a\r", ValueError), (1.5, TypeError), (b"x", TypeError)]
)
def test_render_refuses_what_cannot_be_sent(value, error):
    with pytest.raises(error):
        render(value)


@given(
    st.lists(
        st.one_of(
            st.integers(min_value=-(10**18), max_value=10**18),
            st.text(st.characters(codec="utf-8", exclude_characters='"', exclude_categories=["Cc", "Cs"])),
        ),
        min_size=1,
    )
)
def test_what_is_rendered_is_parsed_back(values):
    assert parse(render(*values)) == values


@given(st.text())
def test_parse_never_raises(text):
    parse(text)


def test_values_of_a_named_line_only():
    assert of_line("+CSQ: 16,99", {"+CSQ"}) == [16, 99]
    assert of_line('+QIOTCFG:"server",1,"mqtt://x:1883"', {"+QIOTCFG"}) == ["server", 1, "mqtt://x:1883"]
    assert of_line("+CEREG: 1", {"+CSQ"}) is None
    assert of_line("Quectel", {"+CSQ"}) is None
