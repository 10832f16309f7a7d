"""A module at another baud rate is found; one that finds its rate by itself is woken."""

from __future__ import annotations

import termios

import pytest

from pytest_quecfota.at import baudrates
from pytest_quecfota.at.baudrates import RATES, answering_rate


@pytest.fixture
def speaks_at(module):
    """Let the module answer at one rate only: at any other it hears garbage, and says so with some."""

    def only(rate, deaf=0):
        heard = {"good": 0}

        def answer(_item):
            code = termios.tcgetattr(module._slave)[5]
            if code != getattr(termios, f"B{rate}"):
                return b"\xfe\x80\x00\xf8"
            heard["good"] += 1
            return b"AT\r\r\nOK\r\n" if heard["good"] > deaf else b""

        module.otherwise = answer

    return only


@pytest.mark.parametrize("rate", [9600, 230400])
def test_the_rate_at_which_it_answers_is_found_and_the_ports_own_is_set_again(module, client, speaks_at, rate):
    speaks_at(rate)
    assert answering_rate(client, seconds=0.1) == rate
    assert termios.tcgetattr(module._slave)[5] == termios.B115200


def test_a_module_that_first_has_to_find_its_rate_is_asked_twice(client, speaks_at):
    speaks_at(57600, deaf=1)
    assert answering_rate(client, seconds=0.1) == 57600


def test_a_module_that_is_silent_at_every_rate_has_none(module, client, monkeypatch):
    monkeypatch.setattr(baudrates, "RATES", RATES[:2])
    module.otherwise = b""
    assert answering_rate(client, seconds=0.05) is None


def test_a_line_without_a_rate_is_not_searched(client, monkeypatch):
    monkeypatch.setattr(client.wire, "change_rate", lambda _rate: False)
    assert answering_rate(client) is None


def test_it_can_be_spoken_to_after_the_search(module, client, speaks_at):
    speaks_at(115200)
    assert answering_rate(client, seconds=0.05) is None
    assert client.command("AT").final == "OK"
