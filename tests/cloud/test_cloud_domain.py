"""The rules alone: states, lists, matching, time windows, names."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.cloud.domain import matching, rules, windows
from pytest_quecfota.cloud.domain.case import Task
from pytest_quecfota.cloud.domain.model import PlanComponent, Reported
from pytest_quecfota.cloud.domain.states import (
    DONE,
    OPEN,
    PLAN_TRANSITIONS,
    RUNNING,
    TRANSITIONS,
    WAITING,
    ComponentStatus,
    DeviceStatus,
    Event,
    NotAllowed,
    PlanEvent,
    PlanStatus,
    component_after,
    device_status,
    plan_after,
)

UTC = datetime.timezone.utc
C, E = ComponentStatus, Event
ORDER = [C.NOT_RECEIVED, C.RECEIVED, C.CONFIRMED, C.READY, C.DOWNLOADING, C.DOWNLOADED, C.UPGRADING]
BEGINNINGS = {E.NEW_TRY, E.RETRIED, E.NEEDED}


def component(**fields: object) -> PlanComponent:
    values = {"position": 0, "identifier": "BC25", "type": "module", "package": 1, "package_type": "full"}
    return PlanComponent(**{**values, "target_version": "V2", **fields})  # type: ignore[arg-type]


# -- states ---------------------------------------------------------------------------------------------------------


def test_the_sets_of_states_divide_all_states() -> None:
    assert RUNNING | WAITING == OPEN
    assert set(C) == OPEN | DONE
    assert not RUNNING & WAITING
    assert not OPEN & DONE


@pytest.mark.parametrize(("event", "status"), list(itertools.product(Event, ComponentStatus)))
def test_only_a_new_try_goes_back(event: Event, status: ComponentStatus) -> None:
    try:
        after = component_after(status, event)
    except NotAllowed:
        assert status not in TRANSITIONS[event]
        return
    if event not in BEGINNINGS and status in ORDER and after in ORDER:
        assert ORDER.index(after) >= ORDER.index(status)
    if status in DONE and event not in BEGINNINGS:
        assert after is status


def test_what_has_ended_takes_no_report_but_its_own_result_again() -> None:
    reports = [event for event in Event if isinstance(event.value, int)]
    taken = {(s, e) for s in DONE for e in reports if s in TRANSITIONS[e]}
    assert taken == {
        (C.SUCCEEDED, E.CLAIMED),
        (C.NOT_NEEDED, E.CLAIMED),
        (C.SUCCEEDED, E.FAILED),
        (C.FAILED, E.FAILED),
    }


def test_no_event_but_the_target_version_makes_a_success() -> None:
    sources = {event for event, moves in TRANSITIONS.items() for s, a in moves.items() if a is C.SUCCEEDED is not s}
    assert sources == {E.TARGET_SEEN}


def test_an_upgrade_that_is_being_installed_cannot_be_called_back() -> None:
    assert C.UPGRADING not in TRANSITIONS[E.CANCELLED]
    assert C.UPGRADING not in TRANSITIONS[E.TERMINATED]
    assert TRANSITIONS[E.EXPIRED][C.UPGRADING] is C.FAILED


@pytest.mark.parametrize(("event", "status"), list(itertools.product(PlanEvent, PlanStatus)))
def test_a_plan_that_is_over_stays_over_and_none_is_deactivated(event: PlanEvent, status: PlanStatus) -> None:
    try:
        after = plan_after(status, event)
    except NotAllowed:
        assert status not in PLAN_TRANSITIONS[event]
        return
    assert status not in {PlanStatus.TERMINATED, PlanStatus.ENDED}
    assert after is not PlanStatus.INACTIVATED


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        ([C.NOT_RECEIVED], DeviceStatus.NOT_UPGRADED),
        ([C.RECEIVED, C.NOT_NEEDED], DeviceStatus.NOT_UPGRADED),
        ([C.CONFIRMED, C.NOT_RECEIVED], DeviceStatus.UPGRADING),
        ([C.DOWNLOAD_FAILED], DeviceStatus.UPGRADING),
        ([C.SUCCEEDED, C.NOT_RECEIVED], DeviceStatus.UPGRADING),
        ([C.SUCCEEDED, C.FAILED], DeviceStatus.FAILED),
        ([C.UPGRADING, C.FAILED], DeviceStatus.FAILED),
        ([C.SUCCEEDED, C.NOT_NEEDED], DeviceStatus.UPGRADED),
        ([C.NOT_NEEDED, C.NOT_NEEDED], DeviceStatus.NOT_NEEDED),
    ],
)
def test_a_device_is_what_its_components_are(components: list[ComponentStatus], expected: DeviceStatus) -> None:
    assert device_status(components) is expected


@given(st.lists(st.tuples(st.sampled_from(list(Event)), st.one_of(st.none(), st.integers(-50, 150)))))
def test_progress_stays_in_bounds_and_goes_back_only_with_a_new_try(events: list[tuple[Event, int | None]]) -> None:
    task = Task(1, component())
    for event, progress in events:
        before = task.progress
        try:
            task.apply(event, progress)
        except NotAllowed:
            assert task.progress == before
            continue
        assert 0 <= task.progress <= 100
        assert task.progress >= before or event in BEGINNINGS
        assert task.status is not C.SUCCEEDED or task.progress == 100


# -- scope and matching ---------------------------------------------------------------------------------------------

LISTS = [frozenset(s) for n in range(4) for s in itertools.combinations("abc", n)]


@pytest.mark.parametrize(("white", "black"), list(itertools.product(LISTS, LISTS)))
def test_white_minus_black_is_in_scope_and_no_white_list_means_all(
    white: frozenset[str], black: frozenset[str]
) -> None:
    expected = ((set(white) or set("abc")) - black) if white else set("abc") - black
    assert {dk for dk in "abc" if matching.in_scope(dk, white, black)} == expected


@pytest.mark.parametrize(
    ("fields", "reported", "expected"),
    [
        ({}, Reported("V1"), matching.Match.OFFER),
        ({}, Reported("V2"), matching.Match.NOT_NEEDED),
        ({}, Reported(None), matching.Match.NOT_REPORTED),
        ({}, Reported(""), matching.Match.NOT_REPORTED),
        ({"package_type": "delta", "source_version": "V1"}, Reported("V1"), matching.Match.OFFER),
        ({"package_type": "delta", "source_version": "V1"}, Reported("V0"), matching.Match.OTHER_SOURCE),
        ({"package_type": "delta", "source_version": "V1"}, Reported("V2"), matching.Match.NOT_NEEDED),
        ({"specified_versions": frozenset({"V1"})}, Reported("V1"), matching.Match.OFFER),
        ({"specified_versions": frozenset({"V1"})}, Reported("V0"), matching.Match.NOT_SPECIFIED),
        ({"type": "mcu"}, Reported("V1", {"BC25": "1"}), matching.Match.OFFER),
        ({"type": "mcu"}, Reported("V1", {"other": "1"}), matching.Match.NOT_REPORTED),
        ({"type": "mcu"}, Reported("V1", {"BC25": "V2"}), matching.Match.NOT_NEEDED),
    ],
)
def test_a_component_matches_by_kind_and_version(
    fields: dict[str, object], reported: Reported, expected: matching.Match
) -> None:
    assert matching.match(component(**fields), reported) is expected


# -- time -----------------------------------------------------------------------------------------------------------


def at(hour: int, minute: int = 0, tz: datetime.tzinfo = UTC) -> float:
    return datetime.datetime(2026, 3, 1, hour, minute, tzinfo=tz).timestamp()


@pytest.mark.parametrize("period", [(0, 24), (0, 2), (22, 2), (9, 17), (23, 24), (1, 0)])
@pytest.mark.parametrize("zone_name", ["UTC", "+08:00", "-03:30"])
def test_a_push_period_is_the_hours_from_first_to_last_in_the_zone_of_the_plan(
    period: tuple[int, int], zone_name: str
) -> None:
    zone = windows.zone(zone_name)
    first, last = period
    inside = {h % 24 for h in range(first, last if first < last else last + 24)}
    for hour in range(24):
        assert windows.within_hours(at(hour, 59, zone), zone, period) is (hour in inside)


@pytest.mark.parametrize("bad", ["0:00-2:00", "00:30-02:00", "02:00-02:00", "24:00-01:00", "", "00:00-25:00"])
def test_a_period_of_other_than_whole_hours_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"period|hour"):
        windows.hours(bad)


@pytest.mark.parametrize(
    ("name", "hours"), [("UTC", 0), ("GMT", 0), ("+08:00", 8), ("UTC+8", 8), ("UTC-03:00", -3), ("Asia/Shanghai", 8)]
)
def test_time_zones_by_name_and_by_offset(name: str, hours: int) -> None:
    moment = datetime.datetime(2026, 3, 1, tzinfo=windows.zone(name))
    assert moment.utcoffset() == datetime.timedelta(hours=hours)


@pytest.mark.parametrize("bad", ["", "Nowhere/Land", "+15:00", "../etc/passwd", "/etc/passwd", "\x00", "UTC+99"])
def test_what_is_no_time_zone_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        windows.zone(bad)


def test_push_rounds_begin_every_ten_minutes() -> None:
    rounds = [windows.push_round(at(10, minute)) for minute in (0, 9, 10, 19, 20)]
    assert [r - rounds[0] for r in rounds] == [0, 0, 1, 1, 2]


@given(st.floats(0, 1e15))
def test_any_moment_of_a_fast_clock_can_be_shown(seconds: float) -> None:
    assert datetime.datetime.fromisoformat(windows.iso(seconds)).tzinfo is not None


# -- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("good", ["V1", "BC25_FOTA_V1_0", "1.0-rc", "a" * 64])
def test_versions_of_letters_digits_and_three_signs_are_taken(good: str) -> None:
    assert rules.version_problem(good, "target_version") is None


@pytest.mark.parametrize("bad", ["", "V 1", "V1\n", "ä", "V1;V2", "a" * 65, '"', "../x"])
def test_other_versions_are_refused_saying_why(bad: str) -> None:
    assert "target_version" in (rules.version_problem(bad, "target_version") or "")


@pytest.mark.parametrize("suffix", rules.SUFFIXES)
def test_the_documented_formats_are_taken(suffix: str) -> None:
    assert rules.file_name_problem(f"image{suffix}") is None
    assert rules.file_name_problem(f"IMAGE{suffix.upper()}") is None


@pytest.mark.parametrize("name", ["image", "image.exe", "image.bin.exe", "bin", "image.gz", ""])
def test_other_formats_are_refused(name: str) -> None:
    assert "accepted formats" in (rules.file_name_problem(name) or "")


@given(st.text())
def test_a_file_name_never_leads_elsewhere(name: str) -> None:
    plain = rules.plain_file_name(name)
    assert "/" not in plain
    assert "\\" not in plain
    assert "\x00" not in plain


def test_a_path_keeps_only_its_last_part() -> None:
    assert rules.plain_file_name("../../etc/fw.bin") == "fw.bin"
    assert rules.plain_file_name("C:\\temp\\fw.bin") == "fw.bin"
