"""Which answer belongs to which command of a real MCU, whichever of the two lines is read first."""

from __future__ import annotations

import pytest

from pytest_quecfota import urc
from pytest_quecfota.at.overheard import Overhearing
from pytest_quecfota.errors import HostObserved
from pytest_quecfota.link.frames import Line
from pytest_quecfota.link.framing import Framer, is_candidate
from pytest_quecfota.link.tap import CommandFramer
from pytest_quecfota.timeline import Timeline


class Lines:
    """Both lines without ports and threads: what `module` and `host` say is cut and handed on at once."""

    def __init__(self, timeline):
        self.timeline = timeline
        self.framer = CommandFramer()
        self._module = Framer()
        self._hosts = None
        self.overhearing = Overhearing(self, self)

    def arm(self, arm):
        self._module.arm = arm

    def attach(self, consumer):
        if isinstance(consumer, Overhearing):
            self._modules = consumer
        elif consumer is not None:
            self._hosts = consumer

    def module(self, data):
        for frame in self._module.feed(data):
            self._pass_on(frame)

    def _pass_on(self, frame):
        typed = urc.parse(frame.text) if isinstance(frame, Line) and is_candidate(frame.text) else None
        if not self._modules.claims(frame, typed) and typed is not None:
            self.timeline.urc(typed)
            self._modules.passed(typed)

    def host(self, data):
        for frame in self.framer.feed(data):
            self._hosts.claims(frame, None)

    def idle(self):
        for frame in self._module.expire():
            self._pass_on(frame)
        for frame in self.framer.expire():
            self._hosts.claims(frame, None)

    def heard(self):
        return [(h.command, h.final, list(h.lines), h.block) for h in self.overhearing.after(0)[0]]


@pytest.fixture
def lines():
    timeline = Timeline()
    yield Lines(timeline)
    timeline.close()


READ = b"\r\n+QIOTOTARD: 0,8\r\n\r\nOK\r\n\r\n\r\n\r\nOK\r\n"


@pytest.mark.parametrize("echo", [True, False], ids=["echo", "no-echo"])
@pytest.mark.parametrize("first", ["command", "answer"])
def test_an_answer_finds_its_command_whichever_line_is_read_first(lines, echo, first):
    said = [(b"AT+CSQ\r", b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n"), (b"AT+QIOTOTARD=0,8\r", READ), (b"AT\r", b"\r\nERROR\r\n")]
    for command, answer in said:
        steps = [lambda c=command: lines.host(c), lambda c=command, a=answer: lines.module((c if echo else b"") + a)]
        for step in steps if first == "command" else reversed(steps):
            step()
    assert lines.heard() == [
        ("AT+CSQ", "OK", ["+CSQ: 20,99"], None),
        ("AT+QIOTOTARD=0,8", "OK", ["+QIOTOTARD: 0,8"], b"\r\nOK\r\n\r\n"),
        ("AT", "ERROR", [], None),
    ]
    assert [r["final"] for r in lines.timeline.records("response")] == ["OK", "OK", "ERROR"]


@pytest.mark.parametrize("echo", [True, False], ids=["echo", "no-echo"])
def test_answers_to_several_commands_may_all_be_seen_before_them(lines, echo):
    for start in (0, 8):
        command = b"AT+QIOTOTARD=%d,8\r" % start
        lines.module((command if echo else b"") + READ.replace(b"0,8", b"%d,8" % start))
    for start in (0, 8):
        lines.host(b"AT+QIOTOTARD=%d,8\r" % start)
    assert [(command, block) for command, _, _, block in lines.heard()] == [
        ("AT+QIOTOTARD=0,8", b"\r\nOK\r\n\r\n"),
        ("AT+QIOTOTARD=8,8", b"\r\nOK\r\n\r\n"),
    ]


def test_a_command_that_was_not_answered_does_not_take_the_next_ones_answer(lines):
    lines.host(b"AT+QIOTSTATE?\r")
    lines.host(b"AT+CSQ\r")
    lines.module(b"AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
    lines.host(b"AT+QIOTOTARD=0,8\r")
    lines.host(b"AT+QIOTOTARD=8,8\r")
    lines.module(READ.replace(b"0,8", b"8,8"))
    assert [(command, final) for command, final, _, _ in lines.heard()] == [
        ("AT+QIOTSTATE?", ""), ("AT+CSQ", "OK"), ("AT+QIOTOTARD=0,8", ""), ("AT+QIOTOTARD=8,8", "OK"),
    ]  # fmt: skip


def test_urcs_between_the_lines_go_to_the_timeline_and_a_restart_leaves_commands_unanswered(lines):
    lines.host(b"AT+CSQ\r")
    lines.module(b"\r\n+QIOTEVT: 7,10702\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n")
    lines.host(b"AT+CBC\r")
    lines.module(b"\r\nRDY\r\n")
    assert [type(u) for u in lines.timeline.events.seen(urc.Urc)] == [urc.Downloading, urc.Ready]
    assert [final for _, final, _, _ in lines.heard()] == ["OK", ""]
    assert lines.overhearing.restarted > 0


def test_data_behind_a_prompt_is_no_command_and_a_slow_typist_is_understood(lines):
    lines.host(b"AT+QIOTSEND=0,10\r")
    lines.module(b"\r\n> ")
    lines.host(b"AT+CSQ\rab\r")
    lines.module(b"\r\nOK\r\n")
    for key in b"AT+CBC":
        lines.host(bytes([key]))
        lines.idle()
    lines.host(b"\r\n")
    lines.module(b"AT+CBC\r\r\n+CBC: 0,80,3300\r\n\r\nOK\r\n")
    assert [(command, final) for command, final, _, _ in lines.heard()] == [
        ("AT+QIOTSEND=0,10", "OK"),
        ("AT+CBC", "OK"),
    ]
    sent = "".join(str(r["data"]) for r in lines.timeline.records("tx"))
    assert sent == "AT+QIOTSEND=0,10\rAT+CSQ\rab\rAT+CBC\r\n"


def test_bytes_lost_in_a_block_are_kept_as_far_as_they_came(lines):
    lines.host(b"AT+QIOTOTARD=0,100\r")
    lines.module(b"\r\n+QIOTOTARD: 0,100\r\nonly this\r\n\r\nOK\r\n")
    lines.idle()
    lines.host(b"AT+QIOTOTARD=0,100\r")
    lines.module(b"AT+QIOTOTARD=0,100\r\r\n+QIOTOTARD: 0,100\r\n" + bytes(100) + b"\r\n\r\nOK\r\n")
    first, second = lines.heard()
    assert first[3] == b"only this\r\n\r\nOK\r\n"
    assert (second[1], second[3]) == ("OK", bytes(100))


def test_nothing_can_be_sent(lines):
    with pytest.raises(HostObserved, match=r"AT\+CSQ was not sent: a real MCU"):
        lines.overhearing.command("AT+CSQ")


def test_what_was_answered_last_is_remembered_by_command(lines):
    for answer in (b"\r\n+CSQ: 20,99\r\n\r\nOK\r\n", b"\r\n+CSQ: 21,99\r\n\r\nOK\r\n", b"\r\nERROR\r\n"):
        lines.host(b"AT+CSQ\r")
        lines.module(answer)
    heard = lines.overhearing.last("AT+CSQ")
    assert heard is not None
    assert heard.values == (21, 99)
    assert lines.overhearing.last("AT+CBC") is None
