"""A command and its response, on a wire that is never clean."""

from __future__ import annotations

import threading
from time import monotonic, process_time

import pytest

from pytest_quecfota import urc
from pytest_quecfota.at import blocks
from pytest_quecfota.at.client import Client
from pytest_quecfota.at.exchange import Signal
from pytest_quecfota.at.response import BlockIncomplete, ModuleRestarted
from pytest_quecfota.errors import CommandError, ModuleError, ModuleSilent, PortLost

LIMIT = 5


def urcs(timeline):
    return [record["name"] for record in timeline.records("urc")]


def responses(timeline):
    return [(record["command"], record["lines"], record["final"]) for record in timeline.records("response")]


@pytest.mark.parametrize(
    "stream",
    [
        b"+CSQ: 16,99\r\n\r\nOK\r\n",
        b"\r\n+CSQ: 16,99\r\n\r\nOK\r\n",
        b"AT+CSQ\r\r\n+CSQ: 16,99\r\n\r\nOK\r\n",
        b"AT+CSQ\r\n+CSQ: 16,99\nOK\n",
        b"\0\0+CSQ: 16,99\r\r\nOK\r",
        b"+CSQ:16,99 \r\nOK\r\n",
        b"AT+CSQ+CSQ: 16,99\r\nOK\r\n",
        b"T+CSQ\r\r\n+CSQ: 16,99\r\nOK\r\n",
        b"\x1b~AT+CSQ\r\r\n+CSQ: 16,99\r\nOK\r\n",
    ],
    ids=["plain", "line end first", "echo", "line feeds", "dirt", "no space", "glued echo", "half echo", "dirty echo"],
)
def test_a_response_with_echo_or_without_and_any_line_ends(module, client, timeline, stream):
    module.answers[b"AT+CSQ"] = stream
    response = client.command("AT+CSQ")
    assert response.values == [16, 99]
    assert len(response.lines) == 1
    assert response.final == "OK"
    assert 0 < response.duration < 1
    assert response.block is None
    assert responses(timeline) == [("AT+CSQ", list(response.lines), "OK")]


def test_free_text_belongs_to_the_response_and_boot_lines_never_do(module, client, timeline):
    module.answers[b"ATI"] = (
        b"ATI\r\r\nQuectel_Ltd\r\n+CFUN: 1\r\nQuectel_BC660K-GL\r\nAPP RDY\r\nRevision: BC660K\r\n\r\nOK\r\n"
    )
    response = client.command("ATI")
    assert response.lines == ("Quectel_Ltd", "Quectel_BC660K-GL", "Revision: BC660K")
    assert response.values == []
    assert urcs(timeline) == ["Functionality", "AppReady"]


def test_a_urc_between_the_lines_of_a_response_goes_to_the_timeline(module, client, timeline):
    module.answers[b"AT+CEREG?"] = (
        b"\r\n+CEREG: 1\r\n+QIOTEVT: 7,10702\r\n+CEREG: 0,1\r\n+QIOTEVT: 7,10703\r\n\r\nOK\r\n"
    )
    assert client.command("AT+CEREG?").values == [0, 1]
    timeline.events.expect(urc.Downloaded, within=LIMIT)
    assert urcs(timeline) == ["NetworkState", "Downloading", "Downloaded"]


def test_errors_of_the_module(module, client):
    module.answers[b"AT+QIOTREG=1"] = b"\r\nERROR\r\n"
    module.answers[b"AT+CSQ?"] = b"\r\n+CME ERROR: 3\r\n"
    with pytest.raises(CommandError, match=r"AT\+QIOTREG=1 answered ERROR"):
        client.command("AT+QIOTREG=1")
    with pytest.raises(CommandError) as refused:
        client.command("AT+CSQ?")
    assert refused.value.final == "+CME ERROR: 3"


def test_several_lines_and_the_values_of_the_first(module, client):
    module.answers[b"AT+QIOTMCUVER?"] = b'+QIOTMCUVER: "A","1.0"\r\n+QIOTMCUVER: "B","2.0"\r\n\r\nOK\r\n'
    response = client.command("AT+QIOTMCUVER?")
    assert response.lines == ('+QIOTMCUVER: "A","1.0"', '+QIOTMCUVER: "B","2.0"')
    assert response.values == ["A", "1.0"]


def test_data_is_sent_when_the_module_asks_for_it_and_exactly_as_it_is(module, client, timeline):
    data = b"a\r\nOK\r\n\x00\x1a+"
    module.answers[data] = b"\r\n+QIOTSEND: 7\r\nOK\r\n"

    def prompt(_):
        module.expects_data(len(data))
        return b"AT+QIOTSEND=0,10\r\r\n> +QIOTEVT: 7,10702\r\n"

    module.answers[b"AT+QIOTSEND=0,10"] = prompt
    assert client.command("AT+QIOTSEND=0,10", prompt_data=data).values == [7]
    assert module.heard[-1] == data
    assert urcs(timeline) == ["Downloading"]


def test_an_error_instead_of_the_prompt(module, client):
    module.answers[b"AT+QIOTSEND=0,10"] = b"\r\nERROR\r\n"
    with pytest.raises(CommandError):
        client.command("AT+QIOTSEND=0,10", prompt_data=b"x" * 10)
    assert module.heard == [b"AT+QIOTSEND=0,10"]


PAYLOAD = bytes(range(256)) + b"\r\nOK\r\n+QIOTEVT: 7,10705\r\n> "


def test_a_block_is_read_by_its_length_whatever_is_in_it(module, client, timeline):
    answer = b"AT+QIOTOTARD=0,1024\r+QIOTEVT: 7,10703\r\n+QIOTOTARD: 0,%d\r\n%b\r\n\r\nOK\r\n" % (len(PAYLOAD), PAYLOAD)
    module.answers[b"AT+QIOTOTARD=0,1024"] = [answer[i : i + 7] for i in range(0, len(answer), 7)]
    response = client.command("AT+QIOTOTARD=0,1024", block=blocks.OTA)
    assert response.block == PAYLOAD
    assert response.values == [0, len(PAYLOAD)]
    assert urcs(timeline) == ["Downloaded"]


@pytest.mark.parametrize(
    ("command", "rule", "header"),
    [
        ("AT+QIOTRD=9", blocks.PASSTHROUGH, b"+QIOTRD: 2,0,0"),
        ("AT+QIOTMODELRD=9", blocks.MODEL, b"+QIOTMODELRD: 2,0,0"),
    ],
)
def test_blocks_of_received_data(module, client, command, rule, header):
    module.answers[command.encode()] = header + b"\r\nOK\r\n\r\nOK\r\n"
    assert client.command(command, block=rule).block == b"OK"


def test_bytes_lost_in_a_block_are_told_with_what_came(module, client):
    module.answers[b"AT+QIOTOTARD=0,10"] = b"+QIOTOTARD: 0,20\r\n0123456789\r\n\r\nOK\r\n"
    with pytest.raises(BlockIncomplete, match=r"\+QIOTOTARD: 0,20 announced data of which 18 bytes came") as incomplete:
        client.command("AT+QIOTOTARD=0,10", block=blocks.OTA)
    assert incomplete.value.received == b"0123456789\r\n\r\nOK\r\n"
    assert client.command("AT+CSQ").final == "OK"


def test_a_block_that_takes_longer_than_the_time_out_is_waited_for_while_its_bytes_come(module, client, monkeypatch):
    monkeypatch.setattr("pytest_quecfota.at.client._BLOCK_STALL", LIMIT)
    time_is_up = threading.Event()
    wait = Signal.wait

    def told(signal, seconds):
        return wait(signal, seconds) or time_is_up.set()

    def slowly(_):
        yield b"+QIOTOTARD: 0,6\r\nabc"
        time_is_up.wait(LIMIT)
        yield b"def\r\n\r\nOK\r\n"

    monkeypatch.setattr(Signal, "wait", told)
    module.answers[b"AT+QIOTOTARD=0,10"] = slowly
    assert client.command("AT+QIOTOTARD=0,10", timeout=0.5, block=blocks.OTA).block == b"abcdef"
    assert time_is_up.is_set()


def test_silence_says_what_was_waited_for(module, patient_client, timeline):
    module.answers[b"AT+QIOTSTATE?"] = b"AT+QIOTSTATE?\r\n+QIOTSTATE: 8\r\n"
    began = monotonic()
    with pytest.raises(
        ModuleSilent, match=r"AT\+QIOTSTATE\?: a final result .* did not come within 0\.3 s of module time"
    ) as silent:
        patient_client.command("AT+QIOTSTATE?")
    assert 0.9 < monotonic() - began < 2
    assert isinstance(silent.value, TimeoutError)
    assert "its echo and 1 lines, the last: +QIOTSTATE: 8" in str(silent.value)
    assert responses(timeline) == [("AT+QIOTSTATE?", ["+QIOTSTATE: 8"], "")]


def test_a_silent_module_is_silent_for_every_command_and_not_for_ever(module, client):
    module.answers = {b"AT": b"", b"AT+CSQ": b""}
    for _ in range(2):
        began = monotonic()
        with pytest.raises(ModuleSilent):
            client.command("AT+CSQ")
        assert monotonic() - began < 2
    assert module.heard.count(b"AT+CSQ") == 1
    module.answers = {b"AT+CSQ": b"+CSQ: 1,99\r\nOK\r\n"}
    assert client.command("AT+CSQ").values == [1, 99]


def test_an_answer_that_comes_after_its_time_out_is_not_taken_for_the_next(module, client):
    module.answers[b"AT+QIOTSTATE?"] = b""
    with pytest.raises(ModuleSilent):
        client.command("AT+QIOTSTATE?")
    module.answers[b"AT"] = b"+QIOTSTATE: 8\r\n\r\nOK\r\n\r\nOK\r\n"
    module.answers[b"AT+CSQ"] = b"+CSQ: 16,99\r\n\r\nOK\r\n"
    response = client.command("AT+CSQ")
    assert response.lines == ("+CSQ: 16,99",)
    assert module.heard == [b"AT+QIOTSTATE?", b"AT", b"AT+CSQ"]


def test_an_answer_that_comes_even_later_is_told_from_that_of_a_query(module, client):
    module.answers[b"AT+QIOTSTATE?"] = b""
    with pytest.raises(ModuleSilent):
        client.command("AT+QIOTSTATE?")
    module.answers[b"AT+QIOTREG?"] = b"+QIOTSTATE: 8\r\n\r\nOK\r\n+QIOTREG: 2\r\n\r\nOK\r\n"
    assert client.command("AT+QIOTREG?").lines == ("+QIOTREG: 2",)
    module.answers[b"AT+QIOTREG?"] = b"\r\nOK\r\n"
    assert client.command("AT+QIOTREG?").lines == ()


def test_an_answer_that_comes_even_later_is_told_by_the_echo(module, client):
    module.answers[b"AT+QIOTREG=1"] = b"AT+QIOTREG=1\r"
    module.answers[b"AT"] = b"AT\r\r\nOK\r\n"
    with pytest.raises(ModuleSilent):
        client.command("AT+QIOTREG=1")
    module.answers[b"AT+QIOTREG=2"] = b"\r\nERROR\r\nAT+QIOTREG=2\r\r\nOK\r\n"
    assert client.command("AT+QIOTREG=2").final == "OK"


def test_a_query_that_answers_with_ok_only_is_believed_in_the_end(module, client):
    module.answers[b"AT+CSQ"] = b""
    with pytest.raises(ModuleSilent):
        client.command("AT+CSQ")
    assert client.command("AT+QIOTMCUVER?").lines == ()
    assert client.command("AT+QIOTMCUVER?").lines == ()


def test_a_module_that_still_waits_for_data_is_brought_back(module, client):
    module.answers = {b"AT+QIOTSEND=0,4": b"\r\n> ", b"abc": b""}
    with pytest.raises(ModuleSilent):
        client.command("AT+QIOTSEND=0,4", prompt_data=b"abc\r")
    client.command("AT+CSQ")
    assert module.heard == [b"AT+QIOTSEND=0,4", b"abc", b"\x1bAT", b"AT+CSQ"]


def test_no_prompt_says_so(module, client):
    module.answers[b"AT+QIOTSEND=0,4"] = b"AT+QIOTSEND=0,4\r\r\n"
    with pytest.raises(ModuleSilent, match="the prompt did not come"):
        client.command("AT+QIOTSEND=0,4", prompt_data=b"abcd")
    assert module.heard == [b"AT+QIOTSEND=0,4"]


def test_a_restart_in_the_middle_of_a_command_ends_it_at_once(module, client, timeline):
    module.answers[b"AT+QIOTOTARD=0,9"] = b"AT+QIOTOTARD=0,9\r+QIOTOTRDY\r\n"
    began = monotonic()
    with pytest.raises(ModuleRestarted, match=r"restarted before it had answered AT\+QIOTOTARD=0,9: RDY"):
        client.command("AT+QIOTOTARD=0,9", timeout=60)
    assert monotonic() - began < 1
    assert issubclass(ModuleRestarted, ModuleError)
    assert urcs(timeline) == ["Ready"]
    assert client.command("AT+CSQ").final == "OK"


@pytest.mark.parametrize(
    ("stream", "final"),
    [(b"F1: 0000 0000\r\nRDY\r\n", "RDY"), (b"\r\nPOWERED DOWN\r\n", "POWERED DOWN"), (b"\r\nOK\r\n", "OK")],
)
def test_a_command_that_restarts_the_module_is_answered_by_that(module, client, stream, final):
    module.answers[b"AT+QRST=1"] = stream
    assert client.command("AT+QRST=1", restarts=True).final == final


def test_a_port_that_vanishes_is_the_bench_and_not_the_module(module, client):
    module.answers[b"AT+CSQ"] = lambda _: module.hang_up()
    with pytest.raises(PortLost):
        client.command("AT+CSQ", timeout=3)


def test_the_default_since_moves_with_commands_only(module, client, timeline):
    module.answers[b"AT+CSQ"] = b""
    with pytest.raises(ModuleSilent):
        client.command("AT+CSQ")
    mark = timeline.last_command
    client._get_in_step(client._quarantine.out_of_step)
    assert timeline.last_command == mark


def test_commands_of_several_threads_take_turns(module, client):
    for number in range(20):
        module.answers[b"AT+X%d?" % number] = b"+X%d: %d\r\n\r\nOK\r\n" % (number, number)
    found = {}
    threads = [
        threading.Thread(target=lambda n=number: found.update({n: client.command(f"AT+X{n}?").values}))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert found == {number: [number] for number in range(20)}


def test_durations_are_module_seconds_and_waits_have_slack_on_a_fast_bench(wire):
    client = Client(wire, speed=60)
    try:
        assert client.real_seconds(0.3) > 1
        assert client.real_seconds(600) > 10
        client.speed = float("inf")
        assert 1 <= client.real_seconds(600) < 10
        client.speed = 1
        assert client.real_seconds(30) == 30
        assert client.command("AT", timeout="500 ms").duration < 1
    finally:
        client.close()


def test_one_wire_has_one_client(wire, client):
    with pytest.raises(RuntimeError):
        Client(wire)


def test_a_command_must_be_one_line(client, module):
    with pytest.raises(ValueError):
        client.command("AT+CSQ\rAT+QRST=1")
    assert not module.heard


@pytest.mark.parametrize("lost", range(1, 9))
def test_a_few_bytes_lost_in_a_block_are_told_with_what_came(module, client, lost):
    """What follows the data is taken for the missing bytes: the blank lines, at last the final result itself."""
    module.answers[b"AT+QIOTOTARD=0,10"] = b"+QIOTOTARD: 0,10\r\n0123456789\r\n\r\nOK\r\n"
    assert client.command("AT+QIOTOTARD=0,10", block=blocks.OTA).block == b"0123456789"
    sent = b"0123456789"[lost:] + b"\r\n\r\nOK\r\n"
    module.answers[b"AT+QIOTOTARD=0,10"] = b"+QIOTOTARD: 0,10\r\n" + sent
    with pytest.raises(BlockIncomplete, match=r"\+QIOTOTARD: 0,10 .* bytes of it were lost|of which") as incomplete:
        client.command("AT+QIOTOTARD=0,10", block=blocks.OTA)
    assert incomplete.value.received == sent[:10]
    assert client.command("AT+CSQ").final == "OK"


@pytest.mark.parametrize("end", [b"\r\nOK\r\n", b"\r\n\r\nOK\r\n", b"\r\n+QIOTEVT: 7,10702\r\n\r\nOK\r\n"])
def test_a_block_may_end_in_line_ends_of_its_own(module, client, end):
    module.answers[b"AT+QIOTOTARD=0,6"] = b"+QIOTOTARD: 0,6\r\nab\r\n\r\n" + end
    for _ in range(2):
        assert client.command("AT+QIOTOTARD=0,6", block=blocks.OTA).block == b"ab\r\n\r\n"


def test_a_flood_of_100000_lines_while_a_command_waits_is_no_answer_and_no_delay(module, client, timeline):
    flood = b"".join(b"[%6d] mdm: some log line of a module that talks too much\r\n" % n for n in range(100_000))
    pieces = [
        flood[at : at + 65_536] for at in range(0, len(flood), 65_536)
    ]  # each must be taken within the module's limit
    module.answers[b"AT+CSQ"] = [*pieces, b"+QIOTEVT: 7,10702\r\n", b"\r\n+CSQ: 16,99\r\n\r\nOK\r\n"]
    began = process_time()
    response = client.command("AT+CSQ", timeout=120)
    assert response.values == [16, 99]
    assert process_time() - began < 10
    assert len(timeline.events.seen(urc.Downloading)) == 1


def test_a_doubled_result_does_not_end_the_next_command_of_a_module_that_echoes(module, client):
    module.otherwise = lambda item: item + b"\r\nOK\r\n"
    client.command("AT")
    module.answers[b"AT+CSQ"] = b"\r\nOK\r\nAT+CSQ\r\r\n+CSQ: 16,99\r\n\r\nOK\r\n"
    assert client.command("AT+CSQ").values == [16, 99]


def test_a_module_whose_echo_was_switched_off_is_believed_at_once(module, client):
    module.otherwise = lambda item: item + b"\r\nOK\r\n"
    client.command("ATE0")
    module.otherwise = b"\r\nOK\r\n"
    assert client.command("AT").duration < 0.2


def test_a_line_of_64_kib_in_a_response_is_whole(module, client):
    module.answers[b"AT+QIOTINFO?"] = b"\r\n+QIOTINFO: " + b"y" * 65_536 + b"\r\n\r\nOK\r\n"
    assert len(client.command("AT+QIOTINFO?").lines[0]) == 65_536 + len("+QIOTINFO: ")
