from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.timeline.store import is_plain
from pytest_quecfota.timeline.uart_log import UartLog


def received(log: UartLog, t: float, data: bytes) -> str:
    return log.received(t, data, is_plain(data)).decode()


def test_every_line_has_a_stamp_and_a_direction() -> None:
    log = UartLog()
    text = log.sent(0.5, b"AT+QIOTUPDATE=1\r\n").decode() + received(log, 1.25, b"\r\nOK\r\n\r\n+QIOTEVT: 7,10701\r\n")
    assert text == "    0.500000 > AT+QIOTUPDATE=1\n    1.250000 < OK\n    1.250000 < +QIOTEVT: 7,10701\n"


def test_a_line_in_two_reads_is_one_line() -> None:
    log = UartLog()
    assert received(log, 1, b"+QIOTEVT: 7,1") + received(log, 2, b"0701\r\nRDY\r\n") == (
        "    1.000000 < +QIOTEVT: 7,10701\n    2.000000 < RDY\n"
    )


def test_a_line_interrupted_by_a_command_goes_on_with_an_ellipsis() -> None:
    log = UartLog()
    text = received(log, 1, b"+QIOT") + log.sent(2, b"AT\r").decode() + received(log, 3, b"EVT: 7,10701\r\n")
    assert text == "    1.000000 < +QIOT\n    2.000000 > AT\n    3.000000 < … EVT: 7,10701\n"


def test_a_line_end_after_a_command_is_no_line() -> None:
    log = UartLog()
    text = received(log, 1, b"OK\r") + log.sent(2, b"AT\r").decode() + received(log, 3, b"\nRDY\r\n")
    assert text == "    1.000000 < OK\n    2.000000 > AT\n    3.000000 < RDY\n"


def test_controls_and_what_is_no_utf8_are_spelt_out() -> None:
    assert received(UartLog(), 0, b"\x00\x1b[0m\xff \xe4\xb8\xad\r\n") == "    0.000000 < \\x00\\x1b[0m\\xff 中\n"


def test_double_carriage_returns_are_one_line_end_and_lone_ones_are_shown() -> None:
    assert received(UartLog(), 0, b"AT\r\r\nOK\r\r\n") == "    0.000000 < AT\n    0.000000 < OK\n"
    assert received(UartLog(), 0, b"a\rb\r\nc\r\n") == "    0.000000 < a\\rb\n    0.000000 < c\n"


def test_a_remark_of_several_lines_keeps_its_mark() -> None:
    assert UartLog().remark(1, "supply off\nnow") == b"    1.000000 # supply off\n    1.000000 # now\n"


@given(
    st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=6), max_size=6),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_any_cutting_gives_the_same_lines(lines: list[str], cuts: list[int]) -> None:
    data = "".join(f"{line}\r\n" for line in lines).encode()
    borders = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    log = UartLog()
    pieces = [data[a:b] for a, b in pairwise(borders)]
    text = "".join(received(log, 0, piece) for piece in pieces)
    assert [line[15:] for line in text.splitlines()] == lines
