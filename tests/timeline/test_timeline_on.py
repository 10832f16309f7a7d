from __future__ import annotations

import threading
from typing import Any

import pytest
from speaking import PATIENCE, Module, Task, until, waits

from pytest_quecfota import urc
from pytest_quecfota.timeline import Match, Timeline, one_of, sequence, where


def test_an_action_runs_each_time_with_the_urc_in_a_thread_of_its_own(timeline: Timeline, module: Module) -> None:
    got: list[Any] = []
    timeline.events.on(urc.Downloading, lambda one: got.append((one, threading.current_thread())))
    said = [module.says(urc.Downloading), module.says(urc.Downloaded), module.says(urc.Downloading)]
    until(lambda: len(got) == 2)
    assert [one for one, _ in got] == [said[0], said[2]]
    assert all(thread is not threading.current_thread() for _, thread in got)


def test_a_pattern_of_several_gives_the_match(timeline: Timeline, module: Module) -> None:
    got: list[Any] = []
    timeline.events.on(sequence(urc.Downloaded, urc.Updating), got.append)
    module.upgrades()
    until(lambda: bool(got))
    assert isinstance(got[0], Match)
    assert [type(one) for one in got[0].urcs] == [urc.Downloaded, urc.Updating]
    assert got[0].duration == pytest.approx(10.0, abs=0.01)


def test_what_was_recorded_before_does_not_count(timeline: Timeline, module: Module) -> None:
    module.says(urc.Downloading)
    handle = timeline.events.on(urc.Downloading, lambda _: None)
    module.says(urc.Downloading)
    assert handle.count == 1


def test_an_action_may_wait_for_events_and_send(timeline: Timeline, module: Module) -> None:
    got: list[Any] = []

    def confirm(_: urc.Urc) -> None:
        module.command("AT+QIOTUPDATE=1")
        got.append(timeline.events.expect(urc.DownloadStarted, within="1 min"))

    timeline.events.on(urc.UpgradeOffered, confirm)
    module.says(urc.UpgradeOffered)
    waits(timeline)
    module.says(urc.DownloadStarted)
    until(lambda: bool(got))


def test_after_cancel_no_action_starts(timeline: Timeline, module: Module) -> None:
    got: list[Any] = []
    with timeline.events.on(urc.Downloading, got.append) as handle:
        module.says(urc.Downloading)
        until(lambda: len(got) == 1)
    module.says(urc.Downloading)
    assert handle.count == 1
    timeline.close()
    assert len(got) == 1


def test_an_action_may_cancel_itself(timeline: Timeline, module: Module) -> None:
    got: list[Any] = []
    handle = timeline.events.on(urc.Downloading, lambda one: (got.append(one), handle.cancel()))
    module.says(urc.Downloading)
    until(lambda: len(got) == 1)
    module.says(urc.Downloading)
    timeline.close()
    assert len(got) == 1


def fails(_: object) -> None:
    raise ZeroDivisionError("in the action")


def test_what_an_action_raises_is_raised_by_the_next_expectation_once(timeline: Timeline, module: Module) -> None:
    handle = timeline.events.on(urc.Downloading, fails)
    module.says(urc.Downloading)
    module.says(urc.Downloaded)
    handle.finish(PATIENCE)
    with pytest.raises(ZeroDivisionError, match="in the action"):
        timeline.events.expect(urc.Downloaded, within=0)
    assert timeline.events.expect(urc.Downloaded, within=0).urcs
    timeline.events.check()


def test_what_an_action_raises_ends_a_wait(timeline: Timeline, module: Module) -> None:
    timeline.events.on(urc.Downloading, fails)
    task = Task(lambda: timeline.events.expect(urc.Updated, within="1 h"))
    waits(timeline)
    module.says(urc.Downloading)
    with pytest.raises(ZeroDivisionError):
        task.result()


def test_what_an_action_raised_is_told_at_the_end_of_the_test(timeline: Timeline, module: Module) -> None:
    timeline.events.on(urc.Downloading, fails)
    module.says(urc.Downloading)
    with pytest.raises(ZeroDivisionError):
        timeline.events.check()


def test_a_predicate_that_raises_is_told_and_ends_the_subscription(timeline: Timeline, module: Module) -> None:
    handle = timeline.events.on(where(urc.UpgradeOffered, size=lambda size: size / 0), lambda _: None)
    module.says(urc.UpgradeOffered)
    module.says(urc.UpgradeOffered)
    with pytest.raises(ZeroDivisionError):
        timeline.events.check()
    timeline.events.check()
    assert handle.count == 0


def test_actions_of_what_came_last_are_not_lost_at_the_end(timeline: Timeline, module: Module) -> None:
    got: list[Any] = []
    timeline.events.on(urc.Downloading, got.append)
    for _ in range(100):
        module.says(urc.Downloading)
    timeline.events.check()
    assert len(got) == 100


def test_closing_ends_the_threads(timeline: Timeline, module: Module) -> None:
    handle = timeline.events.on(one_of(urc.Downloading, urc.Downloaded), lambda _: None)
    module.upgrades()
    timeline.close()
    assert not handle._thread.is_alive()


def test_closing_cuts_an_action_that_waits(timeline: Timeline, module: Module) -> None:
    handle = timeline.events.on(urc.Downloading, lambda _: timeline.events.expect(urc.Updated, within="1 h"))
    module.says(urc.Downloading)
    waits(timeline)
    timeline.close()
    assert not handle._thread.is_alive()


def test_an_action_is_something_to_call(timeline: Timeline) -> None:
    with pytest.raises(TypeError, match="an action is something to call"):
        timeline.events.on(urc.Ready, None)  # type: ignore[arg-type]
