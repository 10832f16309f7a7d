"""Whose line is it?"""

from __future__ import annotations

import pytest

from pytest_quecfota import urc
from pytest_quecfota.at.ownership import Whose, asked, is_final, whose


@pytest.mark.parametrize(
    ("command", "names", "queries"),
    [
        ("AT", set(), False),
        ("ATI", set(), False),
        ("at+csq", {"+CSQ"}, False),
        ("AT+CEREG?", {"+CEREG"}, True),
        ("AT+QIOTCFG=?", {"+QIOTCFG"}, True),
        ('AT+QIOTCFG="productinfo","a;+CSQ?","b"', {"+QIOTCFG"}, False),
        ("AT+CSQ;+CREG?", {"+CSQ", "+CREG"}, True),
    ],
)
def test_what_a_command_asks(command, names, queries):
    found = asked(command)
    assert (found.names, found.queries) == (names, queries)


@pytest.mark.parametrize("text", ["", "CSQ", "AT\r\nAT", "AT+QIOTSEND=0,1,\x1a"])
def test_what_is_no_command(text):
    with pytest.raises(ValueError):
        asked(text)


@pytest.mark.parametrize(
    ("command", "line", "whose_it_is"),
    [
        ("AT+CEREG?", "+CEREG: 0,1", Whose.NAMED_ANSWER),
        ("AT+CEREG?", '+CEREG: 2,1,"1A2B","01020304",9', Whose.NAMED_ANSWER),
        ("AT+CEREG?", "+CEREG: 1", Whose.URC),
        ("AT+CEREG?", '+CEREG: 1,"1A2B","01020304",9', Whose.URC),
        ("AT+CEREG=?", "+CEREG: (0-5)", Whose.NAMED_ANSWER),
        ("AT+CEREG=1", "+CEREG: 1", Whose.URC),
        ("AT+CFUN?", "+CFUN: 1", Whose.NAMED_ANSWER),
        ("AT+CFUN=1", "+CFUN: 1", Whose.URC),
        ("AT+CPIN?", "+CPIN: READY", Whose.NAMED_ANSWER),
        ("AT+CSQ", "+CPIN: READY", Whose.URC),
        ("AT+CSQ", "+CSQ: 16,99", Whose.NAMED_ANSWER),
        ("AT+CSQ", "+QIOTEVT: 7,10702", Whose.URC),
        ("AT+QIOTEVT?", "+QIOTEVT: 7,10702", Whose.URC),
        ("AT+CSQ", "+QIOTEVT: 7,damaged", Whose.URC),
        ("AT+CSQ", '+QIURC: "pdpdeact",1', Whose.OTHER),
        ("ATI", "RDY", Whose.URC),
        ("ATI", "Revision: BC660KGLAAR01A04", Whose.ANSWER),
        ("AT+CGMR", "BC25_FOTA_V1_0", Whose.ANSWER),
        ("AT+QIOTSEND=0,1", "+QIOTSEND: 7", Whose.NAMED_ANSWER),
        ("AT+QIOTMCUVER?", '+QIOTMCUVER: "MCU1","1.0.0"', Whose.NAMED_ANSWER),
        ('AT+QIOTCFG="server"', '+QIOTCFG:"server",1,"mqtt://x"', Whose.NAMED_ANSWER),
    ],
)
def test_whose_a_line_is(command, line, whose_it_is):
    typed = not isinstance(urc.parse(line), urc.Unknown)
    assert whose(line, asked(command), typed) is whose_it_is


@pytest.mark.parametrize("line", ["OK", "ERROR", "+CME ERROR: 3", "+CMS ERROR: 500", "+CME ERROR:unknown", "ABORTED"])
def test_final_results(line):
    assert is_final(line)


@pytest.mark.parametrize("line", ["OKAY", "ok", "+CME: 1", "Revision: OK", ""])
def test_what_ends_no_response(line):
    assert not is_final(line)
