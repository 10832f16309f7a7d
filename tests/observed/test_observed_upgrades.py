"""A real MCU upgrades module and itself; the rig only listens to both directions, and judges."""

from __future__ import annotations

import random

import pytest

from pytest_quecfota import urc
from pytest_quecfota.errors import HostError, HostObserved
from pytest_quecfota.rig.orders import Orders

PAYLOAD = b"\r\nOK\r\n\r\n+QIOTEVT: 7,10705\r\n> AT\r\n\x00\xff\x1a" + random.Random("observed").randbytes(20_000)


@pytest.fixture
def orders(listen):
    """Plans on the Developer Center of a rig that listens; terminated afterwards."""
    rig = listen()
    with Orders(rig).terminated_afterwards() as orders:
        yield rig, orders


def test_a_module_is_upgraded_by_its_mcu(observed, orders):
    rig, orders = orders
    observed.mcu()
    run = rig.host().upgrade(orders.fota())
    assert (run.outcome, run.reboots) == ("upgraded", 1), run.reason
    assert rig.module.firmware_version() == run.target_version
    assert list(run.stages) == ["download started", "downloading", "downloaded", "updating", "restarted", "updated"]
    sent = [r["data"].strip() for r in rig.timeline.records("tx")]
    assert "AT+QIOTUPDATE=1" in sent
    answered = [(r["command"], r["final"]) for r in rig.timeline.records("response")]
    assert ("AT+QIOTUPDATE=1", "OK") in answered


def test_a_mcu_upgrades_itself_and_every_byte_it_read_is_compared(observed, orders):
    rig, orders = orders
    observed.mcu(read_twice=True, piece=777)
    run = rig.host().upgrade(orders.sota(payload=PAYLOAD))
    assert run.outcome == "upgraded", run.reason
    read = [r for r in rig.timeline.records("response") if str(r["command"]).startswith("AT+QIOTOTARD=")]
    assert len(read) > 2 * len(PAYLOAD) / 777
    assert len(rig.timeline.events.seen(urc.Downloaded)) == 3
    steps = [r["name"] for r in rig.timeline.records("step") if r["phase"] == "start"]
    assert any(name.startswith(f"compare the {len(read)} reads") for name in steps)


@pytest.mark.parametrize(
    ("habits", "told"),
    [
        ({"leave_out": True}, r"never read the bytes 1024 to 2047 .*SOTA-03"),
        ({"no_report": True}, r"without reporting .*SOTA-06"),
        ({"report_version": "9_9_9"}, r"7,10706 came: the MCU told the version '9_9_9' .*SOTA-06"),
        ({"pause": 5.0}, r"has read nothing for \d+ s .*SOTA-07"),
    ],
)
def test_what_a_mcu_does_wrong_with_its_file_is_its_own_fault(observed, orders, habits, told):
    rig, orders = orders
    observed.mcu(**habits)
    with pytest.raises(HostError, match=told):
        rig.host().upgrade(orders.sota(payload=PAYLOAD[:5000]))


def test_a_refusal_of_the_mcu_keeps_the_version(observed, orders):
    rig, orders = orders
    observed.mcu(refuse=True)
    run = rig.host().upgrade(orders.fota())
    assert (run.outcome, run.match) == ("kept", None)
    assert "the MCU refused" in run.reason


def test_a_refusal_for_a_low_signal_says_so(observed, orders):
    rig, orders = orders
    observed.mcu()
    run = rig.host().upgrade(orders.fota(strategy={"min_signal": -60}))
    assert run.outcome == "kept"
    assert "dBm, is below the -60 dBm" in run.reason


def test_a_mcu_that_confirms_below_the_offer_is_at_fault(observed, orders):
    rig, orders = orders
    observed.mcu(confirm_anyway=True)
    with pytest.raises(HostError, match=r"confirmed although the signal, -85 dBm, is below the -60 dBm .*OTA-05"):
        rig.host().upgrade(orders.fota(strategy={"min_signal": -60}))


def test_nothing_can_be_written_and_the_error_says_why(observed, orders):
    rig, orders = orders
    module = rig.module
    plan = orders.sota()
    for verb in (
        lambda: module.at("AT+CSQ"),
        module.state,
        module.connect,
        module.signal_dbm,
        module.confirm_upgrade,
        module.reset,
        lambda: module.configure("lifetime", 120),
        lambda: rig.host().upgrade(plan, confirm=False),
    ):
        with pytest.raises(HostObserved, match="real MCU"):
            verb()
    with pytest.raises(RuntimeError, match="only listened to"):
        rig.wire.write(b"AT\r")
    assert not rig.timeline.records("tx") or all(b"CSQ" not in r["data"] for r in rig.timeline.records("tx"))
