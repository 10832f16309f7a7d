"""Whatever a module says, however it is cut: an answer or none, and no growth. `test_fuzz` goes on for longer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota import urc
from pytest_quecfota.at import blocks, ownership
from pytest_quecfota.at.exchange import MOST_LINES, Exchange
from pytest_quecfota.at.quarantine import Probe, Quarantine
from pytest_quecfota.link.frames import Arm, Line
from pytest_quecfota.link.framing import Framer, is_candidate

PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b"OK\r\n", b"\r\nOK\r\n", b"ERROR\r\n", b"\r\n+CME ERROR: 3\r\n", b"> ", b"AT", b"RDY\r\n",
    b"+CSQ: 16,99\r\n", b"+QIOTEVT: 7,10702\r\n", b"+QIOTEVT: 5,10200,5\r\n", b"+QIOTEVT: 7,107", b"+QIOTOTARD: 0,9\r\n",
    b"+CEREG: 0,1\r\n", b"+CEREG: 1\r\n", b"Quectel\r\n", b"CONNECT\r\n", b"POWERED DOWN\r\n", b"\xff\xfe\x80", b"x" * 300,
    b'+QIND: "FOTA","END",0\r\n', b"AT+CSQ\r", b"AT+QIOTOTARD=0,9\r\r\n", b"123456789",
]  # fmt: skip
COMMANDS = {
    "AT+CSQ": {},
    "AT+CEREG?": {},
    "ATI": {},
    "AT+QIOTOTARD=0,9": {"block": blocks.OTA},
    "AT+QIOTSEND=0,3": {"prompt_data": b"a>b"},
}


def typed(frame):
    if isinstance(frame, Line):
        return urc.parse(frame.text) if is_candidate(frame.text) else None
    return None


@given(
    pieces=st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8)), max_size=30),
    command=st.sampled_from(sorted(COMMANDS)),
    late=st.sampled_from([(), (ownership.asked("AT+QIOTSTATE?"),)]),
    echo=st.sampled_from([None, True, False]),
    step=st.integers(1, 50),
)
@settings(max_examples=300, deadline=None)
def test_an_exchange_takes_anything(pieces, command, late, echo, step):
    answered = []
    framer = Framer()
    framer.arm = Arm(prompt=True, block=blocks.OTA)
    exchange = Exchange(ownership.asked(command), answered.append, data=b"a", late=late, echo=echo)
    probe, quarantine = Probe(), Quarantine()
    quarantine.add(ownership.asked("AT"), in_data=False)
    stream = b"".join(pieces)
    for start in range(0, len(stream), step):
        for frame in framer.feed(stream[start : start + step]):
            unsolicited = typed(frame)
            for consumer in (exchange, probe, quarantine):
                assert consumer.take(frame, unsolicited) in (True, False)
            if unsolicited is not None:
                exchange.passed(unsolicited)
                probe.passed(unsolicited)
    assert len(answered) == (exchange.final is not None)


def test_a_flood_of_lines_in_a_response_does_not_grow_for_ever():
    exchange = Exchange(ownership.asked("ATI"), lambda _: None)
    for number in range(MOST_LINES + 100):
        exchange.take(Line(b"line %d" % number), None)
    assert len(exchange.lines) == MOST_LINES
