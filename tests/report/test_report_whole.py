"""Files that are there whole or not at all, and the room that is kept for the last of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_quecfota.report import whole


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    whole.write(tmp_path / "a", "first")
    whole.write(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("when", ["write_bytes", "replace"])
def test_what_cannot_be_written_leaves_the_file_as_it_was_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    whole.write(tmp_path / "a", "first")
    monkeypatch.setattr(Path, when, full)
    with pytest.raises(OSError, match="No space left"):
        whole.write(tmp_path / "a", "second")
    assert (tmp_path / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_reserve_takes_room_without_a_name_and_gives_it_back(tmp_path: Path) -> None:
    reserve = whole.Reserve(tmp_path, 8192)
    assert reserve.size == 8192
    assert list(tmp_path.iterdir()) == []
    reserve.release()
    reserve.release()
    assert reserve.size == 0


def test_a_reserve_that_nobody_holds_is_closed(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    reserve = whole.Reserve(tmp_path)
    del reserve
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("name", ["open", "posix_fallocate", "fstatvfs"])
def test_where_no_room_can_be_kept_none_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(os, name, full)
    assert whole.Reserve(tmp_path).size == 0
    assert list(tmp_path.iterdir()) == []
