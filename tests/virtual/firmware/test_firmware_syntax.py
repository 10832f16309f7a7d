"""A command line becomes requests, or is refused; never anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.virtual.firmware.syntax import BadCommand, Form, Request, parse_line, parse_values


@pytest.mark.parametrize(
    ("line", "requests"),
    [
        ("AT", []),
        ("at", []),
        ("ATI", [("I", Form.EXECUTE, ())]),
        ("ATE0V1", [("E", Form.EXECUTE, (0,)), ("V", Form.EXECUTE, (1,))]),
        ("AT&F", [("&F", Form.EXECUTE, ())]),
        ("ATS0=1", [("S", Form.WRITE, (0, 1))]),
        ("AT+CSQ", [("+CSQ", Form.EXECUTE, ())]),
        ("AT+CSQ;+CBC", [("+CSQ", Form.EXECUTE, ()), ("+CBC", Form.EXECUTE, ())]),
        ("ATE1+CSQ", [("E", Form.EXECUTE, (1,)), ("+CSQ", Form.EXECUTE, ())]),
        ("AT+QIOTREG?", [("+QIOTREG", Form.READ, ())]),
        ("at+qiotreg=?", [("+QIOTREG", Form.TEST, ())]),
        ('AT+QIOTCFG="buffer",1', [("+QIOTCFG", Form.WRITE, ("buffer", 1))]),
        ('AT+QIOTCFG="a;b,c"', [("+QIOTCFG", Form.WRITE, ("a;b,c",))]),
        ('AT+QIOTCFG="dk_ds",', [("+QIOTCFG", Form.WRITE, ("dk_ds", None))]),
        ("AT+X=-113", [("+X", Form.WRITE, (-113,))]),
    ],
)
def test_a_line_is_cut_into_its_requests(line: str, requests: list[tuple[str, Form, tuple[object, ...]]]) -> None:
    assert [(one.name, one.form, one.values) for one in parse_line(line)] == requests


@pytest.mark.parametrize("line", ["", "XT", "AT+QIOTREG=a", 'AT+X="open', "AT+X=1 2", "AT+", "AT?", "AT+X=1.5", "AT=1"])
def test_what_is_not_the_grammar_is_refused(line: str) -> None:
    with pytest.raises(BadCommand):
        parse_line(line)


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        requests = parse_line("AT" + text)
    except BadCommand:
        return
    assert all(isinstance(one, Request) for one in requests)


CONTROL = "".join(map(chr, (*range(0x20), 0x7F)))
TEXT = st.text(st.characters(blacklist_characters='"' + CONTROL))


@given(st.text(st.sampled_from(CONTROL), min_size=1, max_size=3))
def test_control_characters_are_no_part_of_a_string(text: str) -> None:
    with pytest.raises(BadCommand):
        parse_values(f'"a{text}b"')


@given(st.lists(st.none() | st.integers(-(10**9), 10**9) | TEXT, min_size=1))
def test_values_survive_being_written_and_parsed(values: list[int | str | None]) -> None:
    written = ",".join("" if one is None else f'"{one}"' if isinstance(one, str) else str(one) for one in values)
    assert parse_values(written) == tuple(values)
