"""What a host says is cut into commands and data, and every byte of it is kept."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.link.frames import Block, Line
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.tap import CommandFramer, Tap

PIECES = st.sampled_from(
    [
        b"AT\r",
        b"AT+CSQ\r",
        b"AT+QIOTUPDATE=1\r\n",
        b"\n",
        b"\r",
        b"AT+QIOTSEND=0,6\r",
        b"AT\rOK\r",
        b"\x1b",
        b"\x00\xff",
        b"half",
    ]
)
STREAMS = st.lists(st.one_of(PIECES, st.binary(max_size=5)), max_size=20).map(b"".join)


def said(frame):
    return frame.text if isinstance(frame, Line) else frame.payload


def commands(frames):
    return [f.text.strip() for f in frames if isinstance(f, Line) and not f.cut and f.text.strip()]


def data(frames):
    return b"".join(f.payload for f in frames if isinstance(f, Block))


@given(stream=STREAMS, places=st.lists(st.integers(0, 100), max_size=10))
@settings(max_examples=300, deadline=None)
def test_commands_and_data_do_not_depend_on_how_the_stream_is_cut(stream, places):
    whole = CommandFramer()
    expected = whole.feed(stream)
    cuts = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
    framer = CommandFramer()
    frames = [f for start, end in pairwise(cuts) for f in framer.feed(stream[start:end])]
    assert commands(frames) == commands(expected)
    assert data(frames) == data(expected)
    assert b"".join(map(said, frames + framer.reset())) == stream


def test_data_behind_a_prompt_is_not_read_as_commands():
    frames = CommandFramer().feed(b"AT+QIOTSEND=0,9\rAT+CSQ\rOKAT\r")
    assert frames == [Line(b"AT+QIOTSEND=0,9\r"), Block(b"", b"AT+CSQ\rOK"), Line(b"AT\r")]


def test_the_line_feed_of_a_command_is_not_its_data_wherever_it_is_cut():
    for chunks in ([b"AT+QIOTSEND=0,2\r\nabAT\r"], [b"AT+QIOTSEND=0,2\r", b"\nabAT\r"]):
        framer = CommandFramer()
        frames = [frame for chunk in chunks for frame in framer.feed(chunk)]
        assert (data(frames), commands(frames)) == (b"ab", [b"AT+QIOTSEND=0,2", b"AT"])


def test_after_a_refused_prompt_commands_are_commands():
    framer = CommandFramer()
    framer.feed(b"AT+QIOTMODELTD=1,5\r")
    framer.no_data()
    assert framer.feed(b"AT+CSQ\r") == [Line(b"AT+CSQ\r")]


def test_half_a_command_is_kept_when_no_more_comes():
    framer = CommandFramer()
    assert framer.patience is None
    assert framer.feed(b"AT+C") == []
    assert framer.patience is not None
    assert framer.expire() == [Line(b"AT+C", cut=True)]
    assert framer.patience is None


def test_memory_does_not_grow_with_a_host_that_never_ends_its_line():
    framer = CommandFramer()
    kept = b"".join(said(frame) for _ in range(100) for frame in framer.feed(b"z" * 1000))
    assert len(kept) + len(framer._tail) == 100_000
    assert len(framer._tail) <= 5000


def test_a_tap_sends_nothing_and_records_nothing_as_received(peer, record):
    class Frames:
        def claims(self, frame, unsolicited):
            record.record("note", text=repr(said(frame)))
            return True

    tap = Tap(PortSpec(peer.path), record)
    try:
        tap.attach(Frames())
        peer.say(b"AT+CSQ\rRDY\r\n+QI")
        record.wait(lambda r: len(r.notes()) == 3)
        assert record.notes() == ["b'AT+CSQ\\r'", "b'RDY\\r\\n'", "b'+QI'"]
        assert (bytes(record.raw), record.urcs) == (b"", [])
    finally:
        tap.close()
