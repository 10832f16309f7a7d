"""The layout of labels and the decimation of curves: pure, so that it can be tried with anything."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.report import lanes
from pytest_quecfota.report.course import Event
from pytest_quecfota.report.decimation import extremes
from pytest_quecfota.report.palette import DARK, OUTCOME, STAGE, TONE
from pytest_quecfota.report.reading import DECIDED, STAGE_OF, STAGE_OF_DFOTA, TONES
from pytest_quecfota.report.verdicts import OUTCOMES

TIMES = st.floats(0, 100)
WORDS = st.sampled_from(["Ready", "Downloading", "AT+QIOTOTAREQ=1"])
EVENTS = st.lists(
    st.builds(
        Event,
        TIMES,
        st.just("module"),
        st.sampled_from(["Ready", "Downloading", "AT+QIOTOTAREQ=1"]),
        st.sampled_from(list(TONE)),
    ),
    max_size=60,
)
POINTS = st.lists(st.tuples(TIMES, st.floats(-5, 5)), max_size=400).map(sorted)


@given(EVENTS)
def test_grouping_loses_no_event(events: list[Event]) -> None:
    groups = lanes.grouped(events)
    assert sorted(t for group in groups for t in group.times) == sorted(event.t for event in events)
    assert all(one.text != other.text for one, other in itertools.pairwise(groups))


@settings(max_examples=60)
@given(EVENTS, st.integers(1, 6))
def test_no_two_labels_overlap_and_none_leaves_the_lane(events: list[Event], rows: int) -> None:
    labels = lanes.placed(lanes.grouped(events), start=0, end=100, width=900, size=9, rows=rows)
    spans = [
        (label.row, label.left, label.left + lanes.width_of(lanes.shortened(label.group.label), 9)) for label in labels
    ]
    assert all(left >= 0 and right <= 900 for _, left, right in spans)
    for number, (row, left, right) in enumerate(spans):
        assert all(row != other or right <= low or high <= left for other, low, high in spans[:number])


def test_the_telling_events_are_labelled_first() -> None:
    events = [Event(n / 100, "module", f"Indication {n}", "other") for n in range(300)]
    events.append(Event(1.503, "module", "UpdateFailed", "failure"))
    labels = lanes.placed(lanes.grouped(events), start=0, end=3, width=900, size=9, rows=2)
    assert "UpdateFailed" in [label.group.text for label in labels]
    assert 10 < len(labels) < 60


@given(POINTS, st.integers(1, 50))
def test_decimation_keeps_ends_and_extremes(points: list[tuple[float, float]], slices: int) -> None:
    kept = extremes(points, slices)
    assert len(kept) <= max(4 * slices + 4, 4)
    assert kept == sorted(kept, key=lambda point: point[0])
    assert set(kept) <= set(points)
    if points:
        values, kept_values = [v for _, v in points], [v for _, v in kept]
        assert (min(kept_values), max(kept_values)) == (min(values), max(values))
        assert (kept[0][0], kept[-1][0]) == (points[0][0], points[-1][0])


@given(st.lists(TIMES, max_size=300).map(sorted), st.integers(1, 40))
def test_thinned_marks_still_show_where_events_are(times: list[float], most: int) -> None:
    kept = lanes.thinned(times, start=0, end=100, most=most)
    assert set(kept) <= set(times)
    assert len(kept) <= max(most + 1, len(times) if len(times) <= most else 0)
    assert all(min(abs(t - k) for k in kept) <= 100 / most for t in times)


def test_every_tone_stage_and_outcome_has_a_colour_and_a_dark_one() -> None:
    assert set(TONES.values()) <= set(TONE)
    assert {*STAGE_OF.values(), *STAGE_OF_DFOTA.values(), *DECIDED} <= set(STAGE)
    assert set(OUTCOME) == set(OUTCOMES)
    assert {*TONE.values(), *STAGE.values(), *OUTCOME.values()} <= set(DARK)
