"""What `quecfota decode --all --explain` says of commands and answers, and of what stands in the transcripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_quecfota.urc import command_table
from pytest_quecfota.urc.transcript import decode
from pytest_quecfota.virtual.firmware.tables import COMMANDS

FILES = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))
SAID = {
    "AT": "is anybody there?",
    "at": "is anybody there?",
    "AT+QIOTREG=1": "connect to the platform, until the next start",
    "AT+QIOTREG?": "asks: the connection to the platform",
    "AT+QIOTREG=?": "which values are taken: the connection to the platform",
    'AT+QIOTCFG="productinfo","p","s"': "ProductKey and ProductSecret",
    "AT+CFUN=1,1": "restart",
    "AT+QIOTUPDATE=3": "the host has its file and updates itself",
    'AT+QIOTMCUVER="STM32","2"': "the version of a component of the host",
    "AT+NOSUCH=1": "",
    "": "",
}
ANSWERED = {
    "OK": "done",
    "ERROR": "refused: unknown, wrong values, or not now",
    "+CME ERROR: 50": "refused, with the reason 50",
    "+CSQ: 16,99": "signal strength -81 dBm",
    "+CSQ: 99,99": "no signal",
    "+QIOTSTATE: 8": "connection state 8: subscribed: data can be exchanged",
    "+QIOTSTATE: 77": "the connection state",
    "+QIOTOTARD: 0,1024": "1024 bytes from offset 0 follow",
    "+QIOTRD: 6,0,2": "6 bytes follow; 0 left of this piece, 2 further pieces",
    "+QIOTRD: 1": "1 pieces wait",
    "+CGATT: 1": "attached to the network",
    "+NOSUCH: 1": "",
    "EG18": "",
}


@pytest.mark.parametrize("command", SAID)
def test_a_command_is_explained_by_what_it_does(command: str) -> None:
    assert command_table.of_command(command).startswith(SAID[command])
    assert bool(command_table.of_command(command)) == bool(SAID[command])


@pytest.mark.parametrize("answer", ANSWERED)
def test_an_answer_is_explained_by_its_values(answer: str) -> None:
    assert command_table.of_answer(answer) == ANSWERED[answer]


def test_every_quecthing_command_of_the_virtual_module_is_known() -> None:
    named = {name[1:] for name in COMMANDS if name.startswith(("+QIOT", "+QF"))} - {"QFOTAUP"}
    assert named <= set(command_table.COMMANDS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_urc_and_every_quecthing_command_of_a_transcript_is_explained(file: Path) -> None:
    for item in decode(file.read_text("utf-8").splitlines(), all=True, explain=True):
        urc, command = item["kind"] == "urc", item["kind"] in ("command", "final")
        if urc or (command and "QIOT" in item["raw"]):
            assert item.get("explanation"), item


EXPLAINED = {
    '+QIOTEVT: 7,10700,"STM32","","2_0_0",30,-113,27954': "STM32 to 2_0_0; it needs 30 % battery, -113 dBm signal, 27954 bytes",
    '+QIOTEVT: 7,10700,"app","A01","A03",30,-113,698000': "app A01 -> A03; it needs",
    '+QIOTEVT: 7,10703,"STM32",27954,1024,2048': "bytes 1024 to 3072 of 27954",
    "+QIOTEVT: 5,10200,6": "6 bytes",
    "+QIOTEVT: 4,10200,17": "transfer 17",
    '+QIOTSUBEVT: "pk","123",2,10200': "SubDeviceEvent of pk/123 (2,10200)",
    '+QIND: "FOTA","DOWNLOADING",57%': "57 %",
    '+QIND: "FOTA","DOWNLOADING",50': "50 (per cent; LTE Standard(A) modules count their lines)",
    "+CPIN: SIM PUK": "the SIM is blocked",
    "+QUSIM: 1": "the card is a USIM",
    "+QIND: PB DONE": "the start is over",
    '+QIND: "vbatt",-2': "the supply is too low: the module switches itself off",
}


@pytest.mark.parametrize("line", EXPLAINED)
def test_an_explanation_says_what_the_values_mean(line: str) -> None:
    (item,) = decode([line], explain=True)
    assert EXPLAINED[line] in item["explanation"]
