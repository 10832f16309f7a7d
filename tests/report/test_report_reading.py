"""From records to the course of a test."""

from __future__ import annotations

import json
from pathlib import Path

import made_evidence as made
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.report import power_table, reading
from pytest_quecfota.report.course import Span

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = [
    "name",
    "raw",
    "fields",
    "data",
    "command",
    "final",
    "action",
    "voltage",
    "current",
    "disturbance",
    "waveform",
    "phase",
]
KINDS = st.sampled_from(["rx", "tx", "urc", "response", "supply", "sample", "platform", "step", "note", "fault"])
RECORDS = st.fixed_dictionaries(
    {"t": st.floats(0, 100) | JSON, "kind": KINDS | JSON},
    optional=dict.fromkeys(KEYS, JSON),
)


def test_an_upgrade_goes_through_its_stages() -> None:
    course = reading.of(made.upgrade())
    assert [span.name for span in course.stages] == [
        "offered", "downloading", "downloaded", "updating", "restarted", "upgraded",
    ]  # fmt: skip
    assert all(span.end >= span.start for span in course.stages)
    assert course.stages[-1].end == course.end


def test_success_before_the_restart_stays_success() -> None:
    told = ["UpgradeOffered", "Updating", "Updated", "Ready", "Subscribed"]
    course = reading.of(made.urc(float(n), name) for n, name in enumerate(told))
    assert [span.name for span in course.stages] == ["offered", "updating", "upgraded"]


def test_classic_dfota_has_stages_too() -> None:
    told = [("START", None), ("UPDATING", 20), ("UPDATING", 90), ("END", 504)]
    course = reading.of(made.urc(n, "Dfota", stage=stage, value=value) for n, (stage, value) in enumerate(told))
    assert [span.name for span in course.stages] == ["updating", "failed"]


def test_a_boot_without_an_upgrade_is_no_stage() -> None:
    assert reading.of([made.urc(0, "Ready"), made.urc(1, "AppReady")]).stages == []


def test_a_refused_command_is_one_red_event() -> None:
    events = [event for event in reading.of(made.failure()).events if "QIOTUPDATE=7" in event.text]
    assert [(event.text, event.tone) for event in events] == [("AT+QIOTUPDATE=7 → ERROR", "failure")]


def test_steps_nest_and_unfinished_ones_reach_to_the_end() -> None:
    found = [*made.step(0, 5, "upgrade"), *made.step(1, 2, "confirm"), {"t": 6.0, "kind": "step", "name": "open"}]
    course = reading.of([*sorted(found, key=lambda record: record["t"]), {"t": 9.0, "kind": "note", "text": "x"}])
    assert course.steps == [Span("upgrade", 0, 5), Span("confirm", 1, 2), Span("open", 6, 9)]


def test_a_disturbance_is_read_as_a_bracket() -> None:
    played = reading.of(made.brownout()).disturbances
    assert len(played) == 1
    cut = played[0]
    assert (cut.name, cut.fired, cut.trigger, cut.start, cut.end) == ("cut-500ms", True, 3.2001, 3.2006, 3.2124)
    assert cut.last == 3.2421


def test_an_armed_disturbance_whose_moment_never_came_did_not_fire() -> None:
    played = reading.of([{"t": 1.0, "kind": "supply", "action": "armed", "disturbance": "cut"}]).disturbances
    assert [(cut.fired, cut.start) for cut in played] == [(False, 1.0)]


def test_the_same_disturbance_twice_is_two() -> None:
    marks = ["armed", "seen", "sent", "armed", "seen", "sent"]
    records = [{"t": float(n), "kind": "supply", "action": mark, "disturbance": "cut"} for n, mark in enumerate(marks)]
    assert [cut.trigger for cut in reading.of(records).disturbances] == [1.0, 4.0]


def test_a_supply_that_is_off_is_at_no_volts() -> None:
    course = reading.of(
        [
            {"t": 0.0, "kind": "supply", "action": "set", "voltage": 3.3, "output": True},
            {"t": 1.0, "kind": "supply", "action": "off", "voltage": 3.3, "output": False},
        ]
    )
    assert course.settings == [(0.0, 3.3), (1.0, 0.0)]


def test_received_bytes_are_skipped_but_say_how_long_it_took(tmp_path: Path) -> None:
    lines = [{"t": 0.5, "kind": "tx", "data": "AT\r"}, {"t": 7.0, "kind": "rx", "data": "x" * 1000}]
    (tmp_path / "timeline.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    course = reading.read(tmp_path)
    assert (len(course.events), course.end) == (1, 7.0)


def test_a_torn_last_line_is_tolerated(tmp_path: Path) -> None:
    made.write(tmp_path, made.upgrade())
    whole = reading.read(tmp_path)
    with (tmp_path / "timeline.jsonl").open("a") as file:
        file.write('{"t": 9.9, "kind": "urc", "na')
    assert reading.read(tmp_path) == whole


def test_the_first_record_gives_the_speed_and_is_no_event() -> None:
    course = reading.of([{"t": 0.0, "kind": "note", "text": "timeline of …", "started": 1.8e9, "speed": 60.0}])
    assert (course.speed, course.events) == (60.0, [])


def test_what_the_platform_answered_is_told() -> None:
    course = reading.of([{"t": 0.7, "kind": "platform", "action": "asked", "plan": "p", "status": "Upgraded"}])
    assert [event.text for event in course.events] == ["asked: Upgraded"]


def test_samples_become_a_table_once(tmp_path: Path) -> None:
    made.write(tmp_path, [{"t": 0.5, "kind": "sample", "voltage": 3.3, "current": 0.182}])
    path = power_table.write(tmp_path)
    assert path is not None
    assert path.read_text() == "time_s,voltage_v,current_a\n0.500000,3.3000,0.182000\n"
    path.write_text("mine")
    assert power_table.write(tmp_path) == path
    assert path.read_text() == "mine"
    assert power_table.write(made.write(tmp_path / "other", [])) is None


def test_no_timeline_is_an_empty_course(tmp_path: Path) -> None:
    assert reading.read(tmp_path).is_empty


@settings(max_examples=60)
@given(st.lists(RECORDS, max_size=8))
def test_no_record_whatever_is_in_it_stops_the_reading(records: list[dict[str, object]]) -> None:
    course = reading.of(records)
    assert course.end >= 0
    assert all(span.end >= span.start for span in course.stages)
