"""Nonsense for the AT client, the listener of an observed host, and the decoder: no exception, no hang, no growth.

How long and how a failed round is played again: see `fuzzing`.
"""

from __future__ import annotations

import io
import json
from time import monotonic, process_time

import fuzzing
import pytest

from pytest_quecfota import urc
from pytest_quecfota.at import blocks, ownership
from pytest_quecfota.at.exchange import Exchange
from pytest_quecfota.at.overheard import Overhearing
from pytest_quecfota.at.quarantine import Probe, Quarantine
from pytest_quecfota.errors import BenchError, ModuleError
from pytest_quecfota.link.frames import Arm, Block, Line
from pytest_quecfota.link.framing import Framer, is_candidate
from pytest_quecfota.link.tap import CommandFramer
from pytest_quecfota.timeline import Timeline
from pytest_quecfota.urc.transcript import decode_stream

LONGEST_ROUND = 3.0  # seconds of processor time: a round is a few kilobytes
GROWTH = 24 << 20
ARMS = [None, Arm(), Arm(prompt=True), Arm(block=blocks.OTA), Arm(prompt=True, block=blocks.ANY, repeats=True)]


def typed(frame):
    """What `link.wire` makes of a frame."""
    if isinstance(frame, Line):
        return urc.parse(frame.text) if is_candidate(frame.text) else None
    if isinstance(frame, Block) and frame.announced:
        event = urc.parse(frame.header)
        return event if isinstance(event, urc.Unknown) else urc.with_payload(event, frame.payload)
    return None


def client_takes(chance, data):
    """The chain of `link` and `at.client`, without port and threads."""
    framer = Framer(max_line=chance.choice((30, 1000, 256 * 1024)))
    command = ownership.asked(chance.choice(fuzzing.COMMANDS))
    late = [ownership.asked(chance.choice(fuzzing.COMMANDS))] if chance.random() < 0.3 else []
    exchange = Exchange(command, lambda _: None, data=b"a>b", late=late, echo=chance.choice((None, True, False)))
    probe, quarantine = Probe(), Quarantine()
    quarantine.add(command, in_data=False)
    for chunk in fuzzing.chunks(chance, data):
        if chance.random() < 0.1:
            framer.arm = chance.choice(ARMS)
        frames = framer.feed(chunk)
        if chance.random() < 0.02:
            frames += framer.expire() + framer.reset()
        for frame in frames:
            unsolicited = typed(frame)
            for consumer in (exchange, probe, quarantine):
                assert consumer.take(frame, unsolicited) in (True, False)
            if unsolicited is not None:
                assert isinstance(unsolicited.raw, str)
                exchange.passed(unsolicited)
                probe.passed(unsolicited)


class Silent:
    """A wire and a tap for `Overhearing`, whose frames come from the round."""

    def __init__(self, timeline):
        self.timeline, self.framer, self.armed = timeline, CommandFramer(), None
        self.consumers = []

    def arm(self, arm):
        self.armed = arm

    def attach(self, consumer):
        self.consumers.append(consumer)


def listener_takes(chance, data, timeline):
    """What an observed host's rig hears of both lines."""
    lines = Silent(timeline)
    overhearing = Overhearing(lines, lines)
    module, host = Framer(), lines.framer
    module.arm = lines.armed
    for chunk in fuzzing.chunks(chance, data):
        if chance.random() < 0.4:
            for frame in host.feed(chunk) + (host.expire() if chance.random() < 0.1 else []):
                lines.consumers[1].claims(frame, None)
        else:
            for frame in module.feed(chunk) + (module.expire() if chance.random() < 0.1 else []):
                unsolicited = typed(frame)
                if not overhearing.claims(frame, unsolicited) and unsolicited is not None:
                    overhearing.passed(unsolicited)
    assert len(overhearing.after(0)[0]) <= overhearing.after(0)[1]


def decoder_takes(chance, data):
    """`quecfota decode`, whatever the file holds: every line of its output is JSON."""
    out = io.StringIO()
    decode_stream(io.BytesIO(data), out, all=chance.random() < 0.5, explain=chance.random() < 0.5)
    for line in out.getvalue().splitlines():
        assert json.loads(line)["line"] >= 1


def test_nothing_a_module_says_raises_hangs_or_makes_it_grow(capsys):
    timeline = Timeline()
    before, count, seed = None, 0, 0
    began = monotonic()
    try:
        for seed, chance in fuzzing.rounds(0.8):
            used = process_time()
            try:
                client_takes(chance, fuzzing.stream(chance))
                listener_takes(chance, fuzzing.stream(chance), timeline)
                decoder_takes(chance, fuzzing.stream(chance))
            except BaseException:
                print(f"fuzz: play it again by QUECFOTA_FUZZ_SEED={seed}")
                raise
            assert process_time() - used < LONGEST_ROUND, f"slow: QUECFOTA_FUZZ_SEED={seed}"
            count += 1
            if before is None and monotonic() - began > 0.2 * fuzzing.SECONDS:
                before = fuzzing.resident()
    finally:
        timeline.close()
    grown = fuzzing.resident() - (before or 0)
    with capsys.disabled():
        print(
            f"\nfuzz: {count} rounds, the last with seed {seed}; memory grew by {grown / 2**20:.1f} MiB since a fifth of them"
        )
    assert before is None or grown < GROWTH


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr("pytest_quecfota.at.client.SHORTEST_WAIT", 0.02)
    monkeypatch.setattr("pytest_quecfota.at.client._BLOCK_STALL", 0.02)


ASKED = {
    "AT+CSQ": {},
    "AT+CEREG?": {},
    "ATI": {},
    "AT+QIOTOTARD=0,9": {"block": blocks.OTA},
    "AT+QIOTSEND=0,3": {"prompt_data": b"a>b"},
}


def test_on_a_port_nothing_but_our_errors_and_never_for_long(module, client, hasty):
    outcomes = {"answered": 0, "module": 0}
    for seed, chance in fuzzing.rounds(0.2):

        def answer(_, chance=chance):
            data = fuzzing.stream(chance, most=6) + (b"\r\nOK\r\n" if chance.random() < 0.7 else b"")
            return fuzzing.chunks(chance, data)

        module.otherwise = answer
        command = chance.choice(sorted(ASKED))
        began = monotonic()
        try:
            client.command(command, timeout=0.02, **ASKED[command])
            outcomes["answered"] += 1
        except ModuleError:
            outcomes["module"] += 1
        except BenchError as error:
            pytest.fail(f"a module's nonsense is no fault of the bench: {error!r}; QUECFOTA_FUZZ_SEED={seed}")
        assert monotonic() - began < 3, f"QUECFOTA_FUZZ_SEED={seed}"
    if fuzzing.SEED is None:
        assert min(outcomes.values()) > 0
    assert len(client._quarantine.due()) <= 8
