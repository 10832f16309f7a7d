"""The journal of values: what was set is there, whatever happens in between."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_quecfota.virtual.flash import Flash, PowerCut, immediately
from pytest_quecfota.virtual.nvm import Nvm, NvmFull

SIZE = 8 * 256
UPDATES: list[dict[str, Any]] = [{f"k{i % 3}": i, "text": "x" * (i % 17)} for i in range(30)]


def fresh() -> Flash:
    return Flash(None, SIZE, sector=256, page=32)


def mounted(flash: Flash) -> Nvm:
    return Nvm(flash, 0, SIZE)


def test_values_come_back_as_they_were_set() -> None:
    flash = fresh()
    nvm = mounted(flash)
    values = {"text": "ü", "number": -3, "none": None, "list": [1, {"a": True}], "float": 0.5}
    immediately(nvm.update(values))
    assert dict(mounted(flash).items()) == values


def test_a_deleted_key_is_gone_after_a_mount() -> None:
    flash = fresh()
    nvm = mounted(flash)
    immediately(nvm.update({"a": 1, "b": 2}))
    immediately(nvm.delete("a"))
    assert dict(mounted(flash).items()) == {"b": 2}
    assert nvm.get("a", "default") == "default"


def test_what_does_not_change_is_not_written() -> None:
    flash = fresh()
    nvm = mounted(flash)
    immediately(nvm.set("a", 1))
    before = flash.operations
    immediately(nvm.set("a", 1))
    immediately(nvm.delete("b"))
    assert flash.operations == before


def test_more_than_a_bank_holds_is_refused_and_nothing_is_lost() -> None:
    flash = fresh()
    nvm = mounted(flash)
    immediately(nvm.set("a", 1))
    with pytest.raises(NvmFull):
        immediately(nvm.set("b", "x" * SIZE))
    assert dict(mounted(flash).items()) == {"a": 1}


def test_garbage_in_flash_mounts_as_empty() -> None:
    flash = fresh()
    flash.load(bytes(range(256)) * (SIZE // 256))
    nvm = mounted(flash)
    assert dict(nvm.items()) == {}
    immediately(nvm.set("a", 1))
    assert mounted(flash).get("a") == 1


def _run(nvm: Nvm, done: list[int]) -> None:
    for update in UPDATES:
        immediately(nvm.update(update))
        done.append(1)


def _states() -> tuple[list[dict[str, Any]], int]:
    flash = fresh()
    nvm = mounted(flash)
    states = [dict(nvm.items())]
    for update in UPDATES:
        immediately(nvm.update(update))
        states.append(dict(nvm.items()))
    return states, flash.operations


@pytest.mark.parametrize("tear", [None, 0.0, 0.2, 0.6, 1.0])
def test_a_cut_at_any_operation_leaves_the_old_or_the_new_values(tear: float | None) -> None:
    states, operations = _states()
    for operation in range(operations):
        flash = Flash(None, SIZE, sector=256, page=32, seed=operation)
        flash.plan_cut(operation, tear)
        done: list[int] = []
        with pytest.raises(PowerCut):
            _run(mounted(flash), done)
        again = mounted(flash)
        assert dict(again.items()) in (states[len(done)], states[len(done) + 1])
        _run(again, [])
        assert dict(mounted(flash).items()) == states[-1]


@given(
    cuts=st.lists(st.tuples(st.integers(0, 40), st.one_of(st.none(), st.floats(0, 1))), max_size=6), seed=st.integers()
)
@settings(max_examples=25, deadline=None)
def test_any_number_of_cuts_leaves_values_that_were_set(cuts: list[tuple[int, float | None]], seed: int) -> None:
    flash = Flash(None, SIZE, sector=256, page=32, seed=seed)
    for operation, tear in cuts:
        before = dict(mounted(flash).items())
        flash.plan_cut(flash.operations + operation, tear)
        done: list[int] = []
        try:
            _run(mounted(flash), done)
        except PowerCut:
            old = _after(before, len(done))
            assert dict(mounted(flash).items()) in (old, _after(before, len(done) + 1))
        flash.plan_cut(None)
    _run(mounted(flash), [])
    assert dict(mounted(flash).items()) == _after({}, len(UPDATES))


def _after(values: dict[str, Any], updates: int) -> dict[str, Any]:
    merged = dict(values)
    for update in UPDATES[:updates]:
        merged.update(update)
    return merged
