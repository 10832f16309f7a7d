"""The virtual bench's line made worse by POST /line: what the client says is right or an error of the module, and it recovers."""

from __future__ import annotations

import random
from time import monotonic

import pytest

from pytest_quecfota import rig as rigs
from pytest_quecfota import urc
from pytest_quecfota.at.response import BlockIncomplete
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.rig.orders import Orders
from pytest_quecfota.timeline import Timeline

PAYLOAD = random.Random("noise").randbytes(6_000) + b"\r\nOK\r\n+QIOTEVT: 7,10705\r\n" * 9
QUIET = {"drop": 0.0, "duplicate": 0.0, "garbage": 0.0, "split": 0}
RIG = """\
name: noisy
module: {model: BC25, profile: {sota_block: 4096}}
mcu: [{component: STM32, version: "1_0_0"}]
developer_center: {kind: embedded}
virtual: {speed: 60}
"""


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noisy")
    (folder / "noisy.yaml").write_text(RIG)
    rig = LiveRig(rigs.load(folder / "noisy.yaml"), directory=folder / "run", run="noisy")
    rig.start()
    timeline = Timeline(folder / "test", speed=60)
    rig.record_to(timeline)
    _ = rig.module, rig.developer_center
    yield rig
    rig.close()
    timeline.close()


@pytest.fixture
def noise(rig):
    """Set the line's faults; quiet again afterwards, and the module must then answer at once."""
    yield lambda **faults: rig.control("/line", "POST", faults)
    rig.control("/line", "POST", QUIET)
    assert rig.client.hears(5)
    assert rig.module.at("AT+CSQ").values == [14, 99]


def tried(rig, command, times):
    """What so many tries came to: values, or the class of the error."""
    came = []
    for _ in range(times):
        began = monotonic()
        try:
            came.append(rig.module.at(command).values)
        except ModuleError as error:
            came.append(type(error))
        assert monotonic() - began < 8
    return came


@pytest.mark.parametrize("split", [1, 3])
def test_a_line_that_gives_its_bytes_one_by_one_changes_nothing(rig, noise, split):
    noise(split=split)
    assert tried(rig, "AT+CSQ", 5) == [[14, 99]] * 5
    with Orders(rig).terminated_afterwards() as orders:
        run = rig.host().upgrade(orders.sota(payload=PAYLOAD))
    assert run.outcome == "upgraded"


def test_garbage_between_the_lines_leaves_answers_right(rig, noise):
    noise(garbage=0.5)
    came = tried(rig, "AT+CSQ", 30)
    assert came.count([14, 99]) >= 10
    assert all(value == [14, 99] or isinstance(value, type) for value in came)


def test_doubled_messages_are_never_taken_for_the_next_answer(rig, noise):
    noise(duplicate=0.5)
    for command, due in (("AT+CSQ", [14, 99]), ("AT+QIOTSTATE?", None), ("AT+CSQ", [14, 99])) * 6:
        (came,) = tried(rig, command, 1)
        assert isinstance(came, type) or due is None or came == due, (command, came)


def test_bytes_lost_in_a_block_never_pass_for_the_file(rig, noise):
    """Each read is exact, or an error that keeps what came."""
    module, events = rig.module, rig.timeline.events
    with Orders(rig).terminated_afterwards() as orders:
        plan = orders.sota(payload=PAYLOAD)
        module.connect(mode=2)
        mark = events.mark()
        assert module.request_upgrade() is not None
        module.confirm_upgrade()
        events.expect(urc.Downloaded, within="15 min", since=mark)
        noise(drop=0.001)
        exact, kept = 0, []
        for start in range(0, 4000, 100):
            try:
                piece = module.read_block(start, 600)
            except BlockIncomplete as error:
                kept.append(error.received)
            except ModuleError:
                continue
            else:
                assert piece == PAYLOAD[start : min(start + 600, 4096)]
                exact += 1
        noise(**QUIET)
        assert exact
        assert kept
        assert all(kept)
        assert rig.client.hears(5)
        module.set_mcu_version(plan.component, plan.source_version)
