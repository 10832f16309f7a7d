"""The automaton against a model that shares nothing with it: derivatives of the pattern, one letter at a time."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota import urc
from pytest_quecfota.timeline.nfa import Matcher, Search, Step, compile
from pytest_quecfota.timeline.patterns import (
    Node,
    OneOf,
    Pattern,
    Repeated,
    Sequence,
    Where,
    leaves,
    node,
    one_of,
    repeated,
    sequence,
    then,
    where,
)

A, B, C, D = urc.Downloading, urc.Downloaded, urc.Updating, urc.Updated
CLASSES = {"A": A, "B": B, "C": C, "D": D}

letters = st.sampled_from("ABC").map(lambda letter: node(CLASSES[letter]))
patterns = st.recursive(
    letters,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: sequence(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: one_of(*parts)),
        st.tuples(inner, st.integers(0, 2)).map(lambda it: repeated(*it)),
    ),
    max_leaves=6,
)

EMPTY = None  # the pattern that nothing matches
NOTHING: tuple[Any, ...] = ()  # the sequence of no element


def nullable(pattern: Any) -> bool:
    if pattern is EMPTY or isinstance(pattern, Where):
        return False
    if isinstance(pattern, tuple):
        return all(map(nullable, pattern))
    if isinstance(pattern, Sequence):
        return all(map(nullable, pattern.elements))
    if isinstance(pattern, OneOf):
        return any(map(nullable, pattern.choices))
    return pattern.at_least == 0 or nullable(pattern.element)


def derivatives(pattern: Any, cls: type[urc.Urc]) -> set[tuple[Any, ...]]:
    """What may follow after one letter, as tuples of patterns in sequence (partial derivatives)."""
    if isinstance(pattern, Where):
        return {NOTHING} if pattern.cls is cls else set()
    if isinstance(pattern, OneOf):
        return set().union(*(derivatives(choice, cls) for choice in pattern.choices))
    if isinstance(pattern, Repeated):
        again = Repeated(pattern.element, max(0, pattern.at_least - 1))
        return {(*rest, again) for rest in derivatives(pattern.element, cls)}
    elements = pattern.elements if isinstance(pattern, Sequence) else pattern
    found: set[tuple[Any, ...]] = set()
    for number, element in enumerate(elements):
        found |= {(*rest, *elements[number + 1 :]) for rest in derivatives(element, cls)}
        if not nullable(element):
            break
    return found


def model(pattern: Node, word: str) -> list[Step]:
    alphabet = {leaf.cls for leaf in leaves(pattern)}
    stands: set[tuple[Any, ...]] = {(pattern,)}
    steps = []
    for letter in word:
        cls = CLASSES[letter]
        if cls not in alphabet:
            steps.append(Step.FOREIGN)
            continue
        stands = set().union(*(derivatives(stand, cls) for stand in stands))
        if not stands:
            return [*steps, Step.OUT_OF_ORDER]
        if any(map(nullable, stands)):
            return [*steps, Step.COMPLETE]
        steps.append(Step.TAKEN)
    return steps


def steps_of(pattern: Pattern, word: str) -> list[Step]:
    matcher = Matcher(compile(node(pattern)), 0.0)
    steps = []
    for letter in word:
        steps.append(matcher.step(CLASSES[letter]()))
        if steps[-1] in (Step.OUT_OF_ORDER, Step.COMPLETE):
            break
    return steps


@given(patterns, st.text("ABCD", max_size=8))
def test_a_match_goes_as_derivatives_say(pattern: Node, word: str) -> None:
    if nullable(pattern):
        with pytest.raises(ValueError, match="complete without any URC"):
            compile(pattern)
        return
    assert steps_of(pattern, word) == model(pattern, word)


@given(patterns, st.text("ABCD", max_size=8))
def test_what_is_due_is_a_shortest_way_to_the_end(pattern: Node, word: str) -> None:
    if nullable(pattern):
        return
    matcher = Matcher(compile(pattern), 0.0)
    for letter in word:
        if matcher.step(CLASSES[letter]()) in (Step.COMPLETE, Step.OUT_OF_ORDER):
            return
    rest = matcher.rest()
    assert rest
    assert matcher.due() == rest[0]
    assert all(leaf in leaves(pattern) for step in rest for leaf in step)
    for number, step in enumerate(rest):
        outcome = matcher.step(step[0].cls())
        assert (
            outcome in ((Step.COMPLETE,) if number == len(rest) - 1 else (Step.TAKEN, Step.COMPLETE)) or len(step) > 1
        )
        if outcome is not Step.TAKEN:
            return


@given(patterns, st.text("ABCD", max_size=8))
def test_a_search_finds_a_match_where_some_part_of_the_stream_is_one(pattern: Node, word: str) -> None:
    if nullable(pattern):
        return
    search = Search(compile(pattern))
    found = [number for number, letter in enumerate(word) if search.step(CLASSES[letter]()) is not None]
    ends = [
        start + len(steps)
        for start in range(len(word))
        if (steps := model(pattern, word[start:])) and steps[-1] is Step.COMPLETE and steps[0] is not Step.FOREIGN
    ]
    assert bool(found) == bool(ends)
    if ends:
        assert found[0] + 1 == min(ends)


def due(pattern: Pattern, word: str, came: type[urc.Urc]) -> list[type[urc.Urc]]:
    matcher = Matcher(compile(node(pattern)), 0.0)
    for letter in word:
        matcher.step(CLASSES[letter]())
    return [leaf.cls for leaf in matcher.due_before(came())]


def test_what_was_due_before_a_urc_out_of_order_is_what_was_left_out() -> None:
    pattern = sequence(A, repeated(B), C, D)
    assert due(pattern, "A", D) == [B]
    assert due(pattern, "AB", D) == [C]
    assert due(pattern, "ABC", A) == []
    assert due(sequence(A, one_of(B, C), D), "A", D) == [B, C]


def urcs(*stamped: tuple[type[urc.Urc], float]) -> list[urc.Urc]:
    return [cls(time=time) for cls, time in stamped]


def run(pattern: Pattern, *stamped: tuple[type[urc.Urc], float]) -> Step:
    matcher = Matcher(compile(node(pattern)), 0.0, lambda t, within: t + within)
    step = Step.FOREIGN
    for one in urcs(*stamped):
        assert step in (Step.FOREIGN, Step.TAKEN)
        step = matcher.step(one)
    return step


@pytest.mark.parametrize(
    ("pattern", "stamped", "step"),
    [
        (sequence(A, then(B, 5)), [(A, 1), (B, 6)], Step.COMPLETE),
        (sequence(A, then(B, 5)), [(A, 1), (B, 6.01)], Step.LATE),
        (sequence(A, then(B, 5), C), [(A, 1), (B, 2), (C, 99)], Step.COMPLETE),
        (sequence(A, then(sequence(B, C), 5)), [(A, 1), (B, 5), (C, 6)], Step.COMPLETE),
        (sequence(A, then(sequence(B, C), 5)), [(A, 1), (B, 5), (C, 7)], Step.LATE),
        (sequence(A, then(repeated(B), 5), C), [(A, 1), (B, 5), (B, 20), (C, 30)], Step.COMPLETE),
        (sequence(A, then(repeated(B, 2), 5), C), [(A, 1), (B, 5), (B, 20)], Step.LATE),
        (sequence(A, one_of(then(B, 5), then(C, 10))), [(A, 0), (C, 8)], Step.COMPLETE),
        (sequence(A, one_of(then(B, 5), then(C, 10))), [(A, 0), (B, 8)], Step.LATE),
        (repeated(sequence(A, then(B, 5)), 2), [(A, 0), (B, 1), (A, 50), (B, 54)], Step.COMPLETE),
        (repeated(sequence(A, then(B, 5)), 2), [(A, 0), (B, 1), (A, 50), (B, 56)], Step.LATE),
        (then(A, 5), [(A, 5)], Step.COMPLETE),
        (then(A, 5), [(A, 6)], Step.LATE),
        (sequence(A, then(then(B, 5), 2)), [(A, 0), (B, 3)], Step.LATE),
    ],
)
def test_a_deadline_of_its_own_counts_from_the_match_before(
    pattern: Pattern, stamped: list[tuple[type[urc.Urc], float]], step: Step
) -> None:
    assert run(pattern, *stamped) is step


def test_a_matcher_knows_when_waiting_is_in_vain() -> None:
    matcher = Matcher(compile(sequence(A, then(B, 5), C)), 0.0, lambda t, within: t + within)
    assert matcher.until == float("inf")
    matcher.step(A(time=3.0))
    assert (matcher.until, matcher.waiting()) == (8.0, "5 s")
    matcher.step(B(time=4.0))
    assert (matcher.until, matcher.waiting()) == (float("inf"), None)


def test_urcs_of_the_same_class_with_other_fields_are_foreign() -> None:
    pattern = where(urc.Downloaded, component="STM32")
    matcher = Matcher(compile(pattern), 0.0)
    assert matcher.step(urc.Downloaded("LPC", 1, 0, 1)) is Step.FOREIGN
    assert matcher.step(urc.Downloaded("STM32", 1, 0, 1)) is Step.COMPLETE


def test_the_base_class_means_every_urc() -> None:
    matcher = Matcher(compile(sequence(urc.Urc, urc.Urc)), 0.0)
    assert [matcher.step(A()), matcher.step(urc.Unknown())] == [Step.TAKEN, Step.COMPLETE]


def test_matches_found_by_a_search_do_not_overlap() -> None:
    search = Search(compile(repeated(A, 2)))
    found = [search.step(A(time=float(number))) for number in range(5)]
    assert [tuple(one.time for one in match) if match else None for match in found] == [
        None,
        (0.0, 1.0),
        None,
        (2.0, 3.0),
        None,
    ]


def test_a_search_does_not_grow_with_the_stream() -> None:
    search = Search(compile(sequence(repeated(A), B)))
    for _ in range(1000):
        search.step(A())
    assert len(search._attempts) <= 2
    match = search.step(B())
    assert match is not None
    assert len(match) == 1001
