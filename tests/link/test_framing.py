"""Any cutting of any stream gives the same frames."""

from __future__ import annotations

import re
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.link.frames import Arm, Block, BlockRule, Line, Prompt
from pytest_quecfota.link.framing import Framer, is_candidate, seams

OTA = BlockRule(re.compile(rb"\+QIOTOTARD: (\d+),(\d+)"), length=2)

PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b"\0", b"\r\r\n", b"OK\r\n", b"\r\nOK\r\n", b"> ", b">", b"ERROR", b"RDY\r\n", b" ",
        b"+QIOTEVT: 7,10702\r\n", b"\r\n+QIOTEVT: 7,10705\r\n", b"+QIOTEVT: 7,107", b"+QIOTEVT: 5,10210,7\r\nab\r\nOK\r",
        b"+QIOTOTARD: 0,12\r\n", b"+QIOTOTARD: 0,0\r\n", b"[12.3] a log line\r\n", b"AT+QIOTOTARD=0,12\r", b"+CEREG: 1\r\n",
        b'+QIND: "FOTA","END",0\r\n', b"\xfe\x00\x80RDY\r\n", b"+QIOTEVT: 5,10200,3\r", b"x" * 40,
    ]
)  # fmt: skip
STREAMS = st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=25).map(b"".join)


def fed(chunks, arm, **options):
    framer = Framer(**options)
    framer.arm = arm
    return [frame for chunk in chunks for frame in framer.feed(chunk)]


def cut(stream, places):
    places = sorted({place % (len(stream) + 1) for place in places})
    return [stream[start:end] for start, end in zip([0, *places], [*places, len(stream)], strict=True)]


ARMS = {
    "nothing": lambda: None,
    "every line": Arm,
    "a prompt": lambda: Arm(prompt=True),
    "a block": lambda: Arm(block=OTA),
    "both": lambda: Arm(prompt=True, block=OTA),
    "what others ask": lambda: Arm(block=OTA, repeats=True),
}


@pytest.mark.parametrize("arm", ARMS.values(), ids=ARMS)
@given(stream=STREAMS, places=st.lists(st.integers(min_value=0, max_value=400), max_size=12))
@settings(max_examples=150, deadline=None)
def test_frames_do_not_depend_on_how_the_stream_is_cut(arm, stream, places):
    whole = fed([stream], arm(), max_line=30)
    assert fed(cut(stream, places), arm(), max_line=30) == whole
    assert fed([stream[i : i + 1] for i in range(len(stream))], arm(), max_line=30) == whole


@given(stream=STREAMS)
@settings(max_examples=200, deadline=None)
def test_searching_finds_what_splitting_finds(stream):
    every_line = fed([stream], Arm(), max_line=30)
    candidates = [frame for frame in every_line if not isinstance(frame, Line) or is_candidate(frame.text)]
    assert fed([stream], None, max_line=30) == candidates


@given(stream=STREAMS, modes=st.lists(st.booleans(), min_size=1, max_size=12), step=st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_a_switch_between_the_modes_loses_and_doubles_nothing(stream, modes, step):
    framer, frames, expected = Framer(max_line=30), [], []
    reference = Framer(max_line=30)
    reference.arm = Arm()
    for index, start in enumerate(range(0, len(stream), step)):
        armed = modes[index % len(modes)]
        framer.arm = Arm() if armed else None
        chunk = stream[start : start + step]
        frames += framer.feed(chunk)
        expected += [
            frame for frame in reference.feed(chunk) if armed or not isinstance(frame, Line) or is_candidate(frame.text)
        ]
    assert frames == expected


@given(payload=st.binary(min_size=1, max_size=80), step=st.integers(1, 30))
@settings(deadline=None)
def test_a_block_is_read_by_length_whatever_it_contains(payload, step):
    stream = (
        b"AT+QIOTOTARD=0,99\r\r\n+QIOTEVT: 7,10702\r\n"
        + b"+QIOTOTARD: 0,%d\r\n" % len(payload)
        + payload
        + b"\r\n\r\nOK\r\n+QIOTEVT: 7,10703\r\n"
    )
    chunks = [stream[i : i + step] for i in range(0, len(stream), step)]
    assert fed(chunks, Arm(block=OTA)) == [
        Line(b"AT+QIOTOTARD=0,99"),
        Line(b"+QIOTEVT: 7,10702"),
        Block(b"+QIOTOTARD: 0,%d" % len(payload), payload),
        Line(b"OK"),
        Line(b"+QIOTEVT: 7,10703"),
    ]


@pytest.mark.parametrize("payload", [b"\r\nOK\r\n", b"+QIOTEVT: 7,10705\r\n", b"\n\n\n", b"\r", b"> ", b"\0\0"])
def test_a_payload_is_never_taken_for_lines(payload):
    stream = b"+QIOTOTARD: 5,%d\r\n%b+QIOTEVT: 7,10703\r\n" % (len(payload), payload)
    frames = fed([stream], Arm(block=OTA))
    assert frames == [Block(b"+QIOTOTARD: 5,%d" % len(payload), payload), Line(b"+QIOTEVT: 7,10703")]


def test_a_payload_that_a_urc_announces_is_a_block_with_and_without_a_command():
    stream = b"+QIOTEVT: 5,10210,4\r\nOK\r\n\r\n+QIOTEVT: 7,10702\r\n"
    for arm in (None, Arm()):
        assert fed([stream], arm) == [
            Block(b"+QIOTEVT: 5,10210,4", b"OK\r\n", announced=True),
            Line(b"+QIOTEVT: 7,10702"),
        ]


def test_a_damaged_length_swallows_nothing():
    stream = b"+QIOTEVT: 5,10210,99999999\r\n+QIOTEVT: 7,10702\r\n"
    assert fed([stream], None) == [Line(b"+QIOTEVT: 5,10210,99999999"), Line(b"+QIOTEVT: 7,10702")]
    rule = BlockRule(OTA.header, length=2, limit=100)
    assert fed([b"+QIOTOTARD: 0,101\r\nOK\r\n"], Arm(block=rule)) == [Line(b"+QIOTOTARD: 0,101"), Line(b"OK")]


def test_only_one_block_and_one_prompt_per_arm():
    stream = b"> > \r\n+QIOTOTARD: 0,1\r\na\r\n+QIOTOTARD: 0,1\r\n"
    assert fed([stream], Arm(prompt=True, block=OTA)) == [
        Prompt(), Line(b"> "), Block(b"+QIOTOTARD: 0,1", b"a"), Line(b"+QIOTOTARD: 0,1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "chunks", [[b"> +QIOTEVT: 7,10702\r\n"], [b">", b" +QIOTEVT: 7,10702\r\n"], [b"\r\n> ", b"+QIOTEVT: 7,10702\r"]]
)
def test_a_urc_right_behind_a_prompt_is_whole(chunks):
    assert fed(chunks, Arm(prompt=True)) == [Prompt(), Line(b"+QIOTEVT: 7,10702")]


def test_without_a_waiting_command_there_is_no_prompt():
    assert fed([b"> \r\n"], Arm()) == [Line(b"> ")]


@pytest.mark.parametrize(
    ("stream", "lines"),
    [
        (b"+CSQ: 16,99\r\n\r\nOK\r\n", [b"+CSQ: 16,99", b"OK"]),
        (b"\r\r\n\r\nOK\r\r\n\n", [b"OK"]),
        (b"AT\rOK\r", [b"AT", b"OK"]),
        (b"\0\0OK\0\r\n", [b"OK"]),
        (b"+QIOTEVT: 7,10702\n+QIOTEVT: 7,10703\r\nhalf", [b"+QIOTEVT: 7,10702", b"+QIOTEVT: 7,10703"]),
    ],
)
def test_line_ends_of_any_kind(stream, lines):
    assert [frame.text for frame in fed([stream], Arm())] == lines


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        (b"+QIOTEVT: 7,107RDY", [Line(b"+QIOTEVT: 7,107", cut=True), Line(b"RDY")]),
        (b"\xfe\x80\x03RDY", [Line(b"\xfe\x80\x03", cut=True), Line(b"RDY")]),
        (b"AT+QIOTOTARRDY", [Line(b"AT+QIOTOTAR", cut=True), Line(b"RDY")]),
        (b"OK+QIOTEVT: 2,10200", [Line(b"OK"), Line(b"+QIOTEVT: 2,10200")]),
        (b"+QIOTEVT: 2,10200+QIOTEVT: 3,10200", [Line(b"+QIOTEVT: 2,10200"), Line(b"+QIOTEVT: 3,10200")]),
        (b"[3.1] host saw +QIOTEVT: 7,10705", [Line(b"[3.1] host saw +QIOTEVT: 7,10705")]),
        (b"BEREADY: STANDRDY", [Line(b"BEREADY: STANDRDY")]),
        (b"OK", [Line(b"OK")]),
    ],
)
def test_seams_of_lost_line_ends(line, pieces):
    assert seams(line) == pieces
    candidates = [piece for piece in pieces if is_candidate(piece.text)]
    assert fed([b"\n" + line + b"\r\n"], None) == candidates


def test_a_line_of_64_kib_is_whole_and_a_longer_one_than_allowed_is_cut_and_marked():
    long = b"+QIND: " + b"y" * 65536
    assert fed([long[:9000], long[9000:], b"\r\n"], None) == [Line(long)]
    frames = fed([b"+QIND: " + b"y" * 50, b"y" * 50, b"\r\nRDY\r\n"], None, max_line=20)
    assert frames == [Line(b"+QIND: " + b"y" * 13, cut=True), Line(b"RDY")]


def test_an_aborted_block_gives_what_came_and_lines_go_on():
    framer = Framer()
    framer.arm = Arm(block=OTA)
    assert framer.feed(b"+QIOTOTARD: 0,9\r\nabc") == []
    assert framer.received_of_block > 0
    assert framer.abort_block() == Block(b"+QIOTOTARD: 0,9", b"abc")
    assert framer.abort_block() is None
    assert framer.feed(b"\r\nOK\r\n") == [Line(b"OK")]


def test_a_new_stream_does_not_continue_the_half_line_of_the_old():
    framer = Framer()
    framer.feed(b"+QIOTEVT: 7,107")
    assert framer.reset() == [Line(b"+QIOTEVT: 7,107", cut=True)]
    assert framer.feed(b"02\r\nRDY\r\n") == [Line(b"RDY")]


def test_memory_does_not_grow_with_a_stream_without_line_ends():
    framer = Framer(max_line=1000)
    for _ in range(1000):
        framer.feed(b"z" * 1000)
    assert len(framer._tail) <= 2000


def test_a_line_that_comes_byte_by_byte_costs_no_more_than_its_length():
    framer = Framer()
    framer.arm = Arm()
    began = process_time()
    for _ in range(50_000):
        framer.feed(b"q")
    assert framer.feed(b"\n") == [Line(b"q" * 50_000)]
    assert process_time() - began < 1.0
