"""Planned time, push period and refusals in the plan's time zone, on the days when clocks are put forward and back too."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hand_clock import HandClock

from pytest_quecfota.cloud import cases, fleet, planning, tables, ticking
from pytest_quecfota.cloud.center import Center
from pytest_quecfota.cloud.domain.states import Event
from pytest_quecfota.cloud.domain.windows import PUSH_EVERY, within_hours, zone
from pytest_quecfota.cloud.live import Session
from pytest_quecfota.cloud.upgrading import DeviceUpgrades

PK, DK = "pktimes", "dev0"
MINUTE = 60.0


def moment(text: str) -> float:
    """`2026-03-29 03:00 Europe/Berlin` in Unix seconds; `+02:00` and the like are understood too."""
    day, time, name = text.split()
    return datetime.datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone(name)).timestamp()


class Line:
    """One device that stays connected; `pushed` tells what a push brings it."""

    def __init__(self, center: Center) -> None:
        self.center = center
        self.session: Session = center.sessions.open(PK, DK, 1)

    def at(self, text: str) -> None:
        self.center.clock.set(None, moment(text) - self.center.clock.now())
        ticking.end_plans(self.center)

    def upgrades(self, act: Any) -> Any:
        with self.center.transaction() as tx:
            row = fleet.row_of(tx, PK, DK)
            assert row is not None
            found = DeviceUpgrades(self.center, tx, fleet.device_of(row))
            answer = act(found)
            found.close()
        if answer and isinstance(answer, list):
            self.session.offered(self.center.clock.now())
        return answer

    def asks(self) -> bool:
        return bool(self.upgrades(lambda upgrades: upgrades.offer(asked=True)))

    def pushed(self, text: str) -> bool:
        """Whether the round of this moment brings the plan."""
        self.at(text)
        self.session.offer_due = False
        ticking.push(self.center)
        return self.session.offer_due and bool(self.upgrades(lambda upgrades: upgrades.offer(asked=False)))

    def refuses(self, text: str) -> None:
        self.at(text)
        with self.center.transaction() as tx:
            plan = self.center.plans.in_force(tx, PK)[0]
            case = cases.load(tx, plan, DK)
        assert case is not None
        assert self.upgrades(lambda upgrades: upgrades.status(case.tasks[0].id, Event.REFUSED)).refusal is None


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    center = Center(tmp_path, HandClock())
    with center.transaction() as tx:
        tx.insert(tables.products, {"name": "m", "product_key": PK, "product_secret": "s", "created": 0.0})
        fleet.register(tx, 0.0, PK, DK, secret="s", module_version="V1")
        row = {"name": "V2", "component_type": "module", "package_type": "full", "source_version": "", "remarks": ""}
        file = {"name": "a.bin", "size": 1, "sha256": "0", "md5": "0", "crc": 0}
        row |= {"target_version": "V2", "state": "Not Verified", "created": 0.0}
        tx.insert(tables.packages, {**row, "files": [file]})
    yield Line(center)
    center.close()


def planned(line: Line, made: str, **fields: Any) -> None:
    """A plan made and activated at this moment."""
    line.at(made)
    with line.center.transaction() as tx:
        component = planning.resolve(tx, planning.ComponentWish("BC25", package=1))
        now = line.center.clock.now()
        definition = planning.Definition(
            name="plan", product_key=PK, components=(component,), **{"start": now, "end": now + 30 * 86400.0, **fields}
        )
        planning.activate(line.center, tx, planning.insert(line.center, tx, definition))


def test_a_period_that_is_over_for_today_begins_tomorrow(line: Line) -> None:
    """The documented example: period 00:00-02:00, plan made at 10:00, first push at 00:00 of the next day."""
    planned(line, "2026-06-01 10:00 Asia/Shanghai", time_zone="Asia/Shanghai", push_period="00:00-02:00")
    rounds = [
        f"2026-06-01 {hour:02}:{minute:02} Asia/Shanghai" for hour in range(10, 24) for minute in range(0, 60, 10)
    ]
    assert not any(line.pushed(each) for each in rounds)
    assert line.pushed("2026-06-02 00:00 Asia/Shanghai")


def test_the_documented_refusal_ends_where_the_example_says(line: Line) -> None:
    """Rejection time 50 min, plan received 10:00, refused 10:10: the next push is at 11:00."""
    planned(line, "2026-06-01 09:50 UTC", rejection_minutes=50)
    assert line.pushed("2026-06-01 10:00 UTC")
    line.refuses("2026-06-01 10:10 UTC")
    assert [line.pushed(f"2026-06-01 10:{minute} UTC") for minute in (20, 30, 40, 50)] == [False] * 4
    assert line.pushed("2026-06-01 11:00 UTC")


def test_the_default_rejection_time_is_two_hours_also_where_the_clock_is_stepped(line: Line) -> None:
    planned(line, "2026-06-01 09:50 UTC")
    assert line.pushed("2026-06-01 10:00 UTC")
    line.refuses("2026-06-01 10:00 UTC")
    assert not line.pushed("2026-06-01 11:50 UTC")
    assert not line.asks(), "a refusal holds for requests as well"
    assert line.pushed("2026-06-01 12:00 UTC")


def test_an_unanswered_offer_is_pushed_again_about_every_ten_minutes(line: Line) -> None:
    planned(line, "2026-06-01 09:50 UTC")
    assert [line.pushed(f"2026-06-01 10:{minute:02} UTC") for minute in (0, 10, 20)] == [True] * 3


@pytest.mark.parametrize(("asked", "next_round"), [("09:59", False), ("09:56", False), ("09:54", True)])
def test_a_round_leaves_out_who_has_just_been_offered_the_plan(line: Line, asked: str, next_round: bool) -> None:
    planned(line, "2026-06-01 09:40 UTC")
    line.at(f"2026-06-01 {asked} UTC")
    assert line.asks()
    assert line.pushed("2026-06-01 10:00 UTC") is next_round
    assert line.pushed("2026-06-01 10:10 UTC")


def test_a_retry_is_offered_at_once_however_young_the_last_offer_is(line: Line) -> None:
    planned(line, "2026-06-01 09:40 UTC")
    line.at("2026-06-01 09:59 UTC")
    assert line.asks()
    with line.center.transaction() as tx:
        planning.issue_at_once(line.center, tx, 1, DK)
    assert line.pushed("2026-06-01 10:00 UTC")


def test_the_planned_time_keeps_its_hours_over_the_change_of_the_clocks(line: Line) -> None:
    """Berlin puts its clocks forward on 29 March 2026: a plan from 28 to 30 March, 12:00 to 12:00, lasts 47 hours."""
    start, end = moment("2026-03-28 12:00 Europe/Berlin"), moment("2026-03-30 12:00 Europe/Berlin")
    assert end - start == 47 * 3600
    planned(line, "2026-03-28 11:00 Europe/Berlin", time_zone="Europe/Berlin", start=start, end=end)
    assert not line.asks()
    line.at("2026-03-28 12:00 Europe/Berlin")
    assert line.asks()
    line.at("2026-03-30 11:59 Europe/Berlin")
    assert line.asks()
    line.at("2026-03-30 12:00 Europe/Berlin")
    assert not line.asks()


SPRING, AUTUMN = "2026-03-29", "2026-10-25"


@pytest.mark.parametrize(
    ("day", "period", "hours"),
    [
        (SPRING, (1, 4), 2),  # 02:00 to 03:00 does not exist
        (SPRING, (2, 3), 0),
        (SPRING, (0, 24), 23),
        (AUTUMN, (1, 4), 4),  # 02:00 to 03:00 comes twice
        (AUTUMN, (2, 3), 2),
        (AUTUMN, (0, 24), 25),
        ("2026-06-01", (1, 4), 3),
        ("2026-06-01", (22, 2), 4),
    ],
)
def test_a_push_period_goes_by_what_the_clock_on_the_wall_shows(day: str, period: tuple[int, int], hours: int) -> None:
    berlin = zone("Europe/Berlin")
    first = moment(f"{day} 00:00 Europe/Berlin")
    length = (moment(f"{day} 23:59 Europe/Berlin") - first) / 3600
    rounds = [first + n * PUSH_EVERY for n in range(round(length * 6 + 0.1))]
    assert sum(within_hours(each, berlin, period) for each in rounds) == hours * 6
