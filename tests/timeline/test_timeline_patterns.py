from __future__ import annotations

from typing import Any

import pytest

from pytest_quecfota import urc
from pytest_quecfota.timeline.patterns import Pattern, describe, leaves, node, one_of, repeated, sequence, then, where

UPGRADE = sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, repeated(urc.Updating), urc.Updated)


def over_a_limit(value: int) -> bool:
    return value > 30


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (urc.Downloaded, "Downloaded"),
        (UPGRADE, "DownloadStarted, Downloading…, Downloaded, Updating…, Updated"),
        (sequence(urc.Ready, then(urc.Registered, within="30 s")), "Ready, Registered within 30 s"),
        (sequence(urc.Ready, then(repeated(urc.Event), within=0.5)), "Ready, Event… within 0.5 s"),
        (one_of(urc.Updated, urc.UpdateFailed), "Updated or UpdateFailed"),
        (sequence(urc.Ready, one_of(urc.Updated, urc.UpdateFailed)), "Ready, (Updated or UpdateFailed)"),
        (one_of(sequence(urc.Ready, urc.Updated), urc.UpdateFailed), "(Ready, Updated) or UpdateFailed"),
        (repeated(sequence(urc.Ready, urc.Updated), 3), "(Ready, Updated)… at least 3 times"),
        (repeated(urc.Downloading, at_least=0), "Downloading… or none"),
        (where(urc.Event, type=5, code=10210), "Event(type=5, code=10210)"),
        (where(urc.Event, code=lambda code: code > 3), "Event(code=a predicate)"),
        (where(urc.UpgradeOffered, min_battery=over_a_limit), "UpgradeOffered(min_battery=over_a_limit(…))"),
        (where(urc.Ready), "Ready"),
    ],
)
def test_a_pattern_reads_as_a_person_would_say_it(pattern: Pattern, text: str) -> None:
    assert describe(node(pattern)) == text


def test_the_alphabet_has_each_leaf_once_in_the_order_written() -> None:
    pattern = sequence(urc.Ready, repeated(urc.Updating), one_of(urc.Ready, then(urc.Updated, 5)))
    assert [leaf.cls for leaf in leaves(pattern)] == [urc.Ready, urc.Updating, urc.Updated]


def test_where_compares_values_and_asks_predicates() -> None:
    offer = urc.UpgradeOffered("BC25", "", "V2", 30, -113, 2563)
    assert where(urc.UpgradeOffered, component="BC25", min_battery=lambda level: level <= 30).matches(offer)
    assert not where(urc.UpgradeOffered, component="STM32").matches(offer)
    assert not where(urc.DownloadStarted).matches(offer)
    assert where(urc.Urc, raw=lambda raw: "x" in raw).matches(urc.Ready(raw="xx"))


def test_differences_name_what_is_and_what_was_wanted() -> None:
    pattern = where(urc.Downloaded, component="STM32", size=10)
    assert pattern.differences(urc.Downloaded("BC25", 10, 0, 10)) == ["component='BC25' (wanted 'STM32')"]


@pytest.mark.parametrize(
    "nonsense", [None, "Downloaded", 7, int, str, [urc.Ready], (urc.Ready,), lambda: None, object()]
)
def test_what_is_no_pattern_is_a_type_error(nonsense: Any) -> None:
    for make in (node, sequence, repeated, one_of, lambda it: then(it, 1), where):
        with pytest.raises(TypeError, match="is no pattern"):
            make(nonsense)


def test_a_urc_instead_of_its_class_is_refused_with_a_hint() -> None:
    with pytest.raises(TypeError, match=r"write Ready, the class, or where\(Ready, …\)"):
        sequence(urc.Ready())  # type: ignore[arg-type]


def test_an_unknown_field_is_a_type_error_that_names_the_fields() -> None:
    with pytest.raises(
        TypeError, match="Downloaded has no field 'name'; it has raw, time, component, size, start, length"
    ):
        where(urc.Downloaded, name="x")


def test_empty_patterns_are_type_errors() -> None:
    for make in (sequence, one_of):
        with pytest.raises(TypeError, match="at least one pattern"):
            make()


@pytest.mark.parametrize(
    ("at_least", "error"), [(-1, ValueError), (1.5, TypeError), ("2", TypeError), (True, TypeError)]
)
def test_at_least_is_a_number_of_times(at_least: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="at_least"):
        repeated(urc.Ready, at_least=at_least)


def test_then_takes_durations_only() -> None:
    with pytest.raises(ValueError, match="has no unit"):
        then(urc.Ready, within="5")
