"""What the platform waits for the device for, however fast its clock runs: never less than three real seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hand_clock import HandClock

from pytest_quecfota.cloud import fleet, tables, ticking, verification
from pytest_quecfota.cloud.center import Center
from pytest_quecfota.cloud.live import ONLINE_SECONDS, Session


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    center = Center(tmp_path, HandClock())
    with center.transaction() as tx:
        tx.insert(tables.products, {"name": "m", "product_key": "pk", "product_secret": "s", "created": 0.0})
        fleet.register(tx, 0.0, "pk", "dev0", secret="s", module_version="V1")
        package = {"name": "p", "component_type": "module", "package_type": "full", "source_version": ""}
        package |= {"target_version": "V2", "remarks": "", "state": "Not Verified"}
        file = {"name": "a.bin", "size": 1, "sha256": "0", "md5": "0", "crc": 0}
        tx.insert(tables.packages, {**package, "files": [file], "created": 0.0})
    yield center
    center.close()


def state(center: Center, key: int) -> str:
    with center.transaction() as tx:
        return str(verification.one(tx, key)["state"])


def test_a_verification_fails_after_an_hour_of_platform_time_and_three_real_seconds(center: Center) -> None:
    center.sessions.open("pk", "dev0", 1)
    key = verification.start(center, 1, "dev0", "BC25", None)
    center.clock.set(None, 3599.0)
    ticking.end_plans(center)
    assert state(center, key) == "Verifying"
    center.clock.set(None, 2.0)
    ticking.end_plans(center)
    assert state(center, key) == "Verifying", "the device had no three real seconds yet"
    for plan in center.begun:
        center.begun[plan] -= verification.LEAST_REAL_SECONDS
    ticking.end_plans(center)
    assert state(center, key) == "Failed"


def test_an_unanswered_offer_is_not_pushed_again_within_three_real_seconds() -> None:
    session = Session("t", "pk", "dev0", 1)
    assert session.answer_due() == 0.0
    session.unanswered_since = time.monotonic()
    assert 2.5 < session.answer_due() <= 3.0
    session.unanswered_since -= 3.0
    assert session.answer_due() == 0.0


def test_a_device_is_online_while_it_polls_or_for_a_minute_after_its_last_call() -> None:
    session = Session("t", "pk", "dev0", 1)
    assert session.online()
    session.last_call -= ONLINE_SECONDS
    assert not session.online()
    session.polls = 1
    assert session.online()
    session.dismissed = 10477
    assert not session.online()
