"""Restarts while the power goes several times, and what is said of a disturbance once it is over."""

from __future__ import annotations

from pytest_quecfota.timeline.context import Surroundings
from pytest_quecfota.timeline.guards import Restarts
from pytest_quecfota.urc import Ready, Updating

READY = Ready(raw="RDY", time=0.0)


def test_as_many_restarts_as_come_are_expected_until_it_is_over_and_then_one_more():
    restarts = Restarts()
    restarts.announce_many("waveform")
    assert [restarts.step(READY) for _ in range(5)] == [False] * 5
    restarts.announce_many(None)
    assert [restarts.step(READY) for _ in range(2)] == [False, True]


def test_that_it_is_over_announces_nothing_where_there_was_nothing():
    restarts = Restarts()
    restarts.announce_many(None)
    assert restarts.step(READY)


def test_what_else_is_announced_meanwhile_does_not_end_it():
    restarts = Restarts()
    restarts.announce_many("waveform")
    restarts.step(Updating(raw="+QIOTEVT: 7,10704", time=0.0))
    assert [restarts.step(READY) for _ in range(3)] == [False] * 3


def test_once_the_supply_is_restored_no_disturbance_is_told_any_more():
    around = Surroundings()
    around.recorded("supply", {"action": "sent", "disturbance": "cut-1s"})
    assert around.supply["disturbance"] == "cut-1s"
    around.recorded("supply", {"action": "restored", "disturbance": "cut-1s"})
    assert around.supply["disturbance"] is None
