from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.timeline.durations import seconds, spell


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (0.2, 0.2),
        (0, 0.0),
        (90, 90.0),
        ("500 ms", 0.5),
        ("500ms", 0.5),
        ("1.5 s", 1.5),
        (" 15  min ", 900.0),
        ("2 h", 7200.0),
        ("1 d", 86400.0),
        (".5 s", 0.5),
        ("250 us", 0.00025),
    ],
)
def test_numbers_and_texts_with_a_unit_are_durations(written: float | str, meant: float) -> None:
    assert seconds(written) == pytest.approx(meant)


@pytest.mark.parametrize("written", ["", "5", "min", "5 m", "5 minutes", "-1 s", "1,5 s", "1 s 2 s", "1e3 s", "٣ x"])
def test_other_texts_are_refused_with_a_hint(written: str) -> None:
    with pytest.raises(ValueError, match=r"duration"):
        seconds(written)


@pytest.mark.parametrize("written", [-1, math.inf, math.nan, -0.001])
def test_impossible_numbers_are_refused(written: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        seconds(written)


@pytest.mark.parametrize("written", [None, True, b"5 s", [1], (5, "s")])
def test_other_types_are_refused(written: object) -> None:
    with pytest.raises(TypeError, match="a duration is a number"):
        seconds(written)  # type: ignore[arg-type]


def test_a_missing_unit_is_named() -> None:
    with pytest.raises(ValueError, match="'15' has no unit; the units are us, µs, ms, s, min, h, d"):
        seconds("15")


@given(st.one_of(st.floats(min_value=0, max_value=1e7), st.integers(min_value=0, max_value=10**7)))
def test_a_spelt_duration_is_the_same_duration(value: float) -> None:
    assert seconds(spell(float(value))) == pytest.approx(value, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(
    ("value", "text"), [(900, "15 min"), (0.05, "50 ms"), (41.25, "41.25 s"), (7200, "2 h"), ("5  s", "5 s")]
)
def test_durations_are_spelt_as_people_do(value: float | str, text: str) -> None:
    assert spell(value) == text
