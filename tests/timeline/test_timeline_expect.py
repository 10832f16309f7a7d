from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from speaking import PATIENCE, Module, Task, waits

from pytest_quecfota import urc
from pytest_quecfota.errors import BenchError, ModuleError, PortLost
from pytest_quecfota.timeline import Cause, Timeline, one_of, repeated, sequence, then, where

UPGRADE = sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, repeated(urc.Updating), urc.Updated)


def failure(error: pytest.ExceptionInfo[ModuleError]) -> Any:
    return error.value.failure  # type: ignore[attr-defined]


def test_what_is_recorded_since_the_last_command_counts(timeline: Timeline, module: Module) -> None:
    module.command()
    module.upgrades(at=0.9)
    match = timeline.events.expect(UPGRADE, within="15 min")
    assert [type(one) for one in match.urcs] == [
        urc.DownloadStarted,
        urc.Downloading,
        urc.Downloading,
        urc.Downloaded,
        urc.Updating,
        urc.Updated,
    ]
    assert match.duration == pytest.approx(50.9, abs=0.01)


def test_the_same_may_be_expected_again(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.Registered)
    first = timeline.events.expect(urc.Registered, within=0)
    assert timeline.events.expect(urc.Registered, within=0) == first


def test_what_came_before_the_last_command_does_not_count(timeline: Timeline, module: Module) -> None:
    module.says(urc.Registered)
    module.command()
    with pytest.raises(ModuleError, match="Registered"):
        timeline.events.expect(urc.Registered, within=0)


def test_data_that_is_no_command_moves_nothing(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.Registered)
    timeline.sent(b"payload", command=False)
    assert timeline.events.expect(urc.Registered, within=0).urcs


def test_since_a_mark_only_what_came_after_it_counts(timeline: Timeline, module: Module) -> None:
    module.says(urc.Downloading)
    mark = timeline.events.mark()
    module.says(urc.Downloaded)
    with pytest.raises(ModuleError):
        timeline.events.expect(urc.Downloading, within=0, since=mark)
    assert timeline.events.expect(urc.Downloaded, within=0, since=mark).urcs


def test_it_waits_for_what_comes_later(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect(UPGRADE, within="1 min"))
    waits(timeline)
    module.upgrades()
    assert len(task.result().urcs) == 6
    assert timeline.events.waiting == 0


def test_a_match_may_begin_in_the_past_and_end_in_the_future(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.DownloadStarted)
    task = Task(lambda: timeline.events.expect(sequence(urc.DownloadStarted, urc.Downloading), within="1 min"))
    waits(timeline)
    module.says(urc.Downloading)
    assert len(task.result().urcs) == 2


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        (urc.DownloadStarted, "DownloadStarted"),
        (urc.Downloading, "Downloading"),
        (urc.Downloaded, "Downloaded"),
        (urc.Updating, "Updating"),
    ],
)
def test_an_event_left_out_fails_at_once(
    timeline: Timeline, module: Module, left_out: type[urc.Urc], missing: str
) -> None:
    module.command()
    module.upgrades(left_out)
    with pytest.raises(ModuleError, match=rf"{missing} \(7,1070\d\) did not come") as error:
        timeline.events.expect(UPGRADE, within="15 min")
    assert failure(error).cause is Cause.OUT_OF_ORDER
    assert failure(error).missing == (missing,)


def test_out_of_order_ends_a_wait_that_already_sleeps(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect(UPGRADE, within="1 h"))
    waits(timeline)
    module.upgrades(urc.Downloaded)
    with pytest.raises(ModuleError, match="Downloaded"):
        task.result()


def test_an_event_that_comes_a_second_time_fails(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.DownloadStarted)
    module.says(urc.Downloading)
    module.says(urc.DownloadStarted)
    with pytest.raises(ModuleError, match=r"DownloadStarted \(7,10701\) came a second time") as error:
        timeline.events.expect(UPGRADE, within="15 min")
    assert isinstance(failure(error).instead, urc.DownloadStarted)


def test_foreign_urcs_are_skipped(timeline: Timeline, module: Module) -> None:
    module.command()
    for what in (urc.Registered, urc.DownloadStarted, "+CFUN: 1", urc.Downloading, "nonsense", urc.Downloaded):
        module.says(what)
    pattern = sequence(urc.DownloadStarted, urc.Downloading, urc.Downloaded)
    assert len(timeline.events.expect(pattern, within=0).urcs) == 3


def test_one_of_takes_what_comes_first(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.UpdateFailed)
    module.says(urc.Updated)
    match = timeline.events.expect(one_of(urc.Updated, urc.UpdateFailed), within=0)
    assert isinstance(match.urcs[0], urc.UpdateFailed)


def test_other_fields_than_wanted_are_a_near_miss(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.UpgradeOffered)
    with pytest.raises(ModuleError, match=r"target_version='BC25_FOTA_V2_0' \(wanted 'V3'\)"):
        timeline.events.expect(where(urc.UpgradeOffered, target_version="V3"), within=0)


def test_nothing_for_the_time_allowed_fails(timeline: Timeline, module: Module) -> None:
    module.command()
    began = timeline.now()
    with pytest.raises(ModuleError, match=r"Updated \(7,10705\) did not come within 50 ms") as error:
        timeline.events.expect(urc.Updated, within="50 ms")
    assert timeline.now() - began >= 0.05
    assert failure(error).cause is Cause.TIMED_OUT
    assert failure(error).waited == pytest.approx(0.05, abs=0.001)


def test_what_arrived_in_time_counts_however_late_the_thread_wakes(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect(urc.Updated, within="30 s"))
    waits(timeline)
    module.says(urc.Updated, at=29.9)  # as if the stamp had been made just before the end
    assert task.result().duration == pytest.approx(29.9, abs=0.01)


def test_what_arrived_too_late_does_not_count_however_early_it_is_shown(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect(urc.Updated, within="30 s"))
    waits(timeline)
    module.says(urc.Updated, at=32.0)
    with pytest.raises(ModuleError, match="did not come within 30 s") as error:
        task.result()
    assert failure(error).cause is Cause.TIMED_OUT


def test_an_element_has_a_deadline_of_its_own(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.Downloaded, at=1.0)
    module.says(urc.Updating, at=8.0)
    with pytest.raises(ModuleError, match=r"Updating .*came too late") as error:
        timeline.events.expect(sequence(urc.Downloaded, then(urc.Updating, within="5 s")), within="15 min")
    assert failure(error).cause is Cause.LATE


def test_a_deadline_of_its_own_ends_a_sleeping_wait(timeline: Timeline, module: Module) -> None:
    module.command()
    pattern = sequence(urc.Downloaded, then(urc.Updating, within="60 ms"))
    task = Task(lambda: timeline.events.expect(pattern, within="15 min"))
    waits(timeline)
    module.says(urc.Downloaded)
    with pytest.raises(ModuleError, match=r"Updating \(7,10704\) did not come within 60 ms after Downloaded"):
        task.result()


@pytest.mark.parametrize("never", [urc.Deregistered, (urc.Ready, urc.Deregistered), [where(urc.Deregistered)]])
def test_what_must_never_come_fails_at_once(timeline: Timeline, module: Module, never: Any) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect(urc.Updated, within="1 h", never=never))
    waits(timeline)
    module.says("+QIOTEVT: 6,10200")
    with pytest.raises(ModuleError, match=r"Deregistered \(6,10200\) came") as error:
        task.result()
    assert failure(error).cause is Cause.FORBIDDEN


def test_a_pattern_may_be_forbidden_as_a_whole(timeline: Timeline, module: Module) -> None:
    module.command()
    forbidden = sequence(urc.Downloaded, urc.Downloading)
    module.says(urc.Downloading)
    module.says(urc.Downloaded)
    module.says(urc.Downloading)
    with pytest.raises(ModuleError, match=r"Downloading \(7,10702\) came"):
        timeline.events.expect(urc.Updated, within=0, never=forbidden)


def test_what_an_expectation_has_returned_is_not_held_against_the_next(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.UpdateFailed)
    module.says(urc.Registered)
    timeline.events.expect(urc.UpdateFailed, within=0)
    assert timeline.events.expect(urc.Registered, within=0, never=urc.UpdateFailed).urcs


def test_a_bench_fault_ends_every_wait(timeline: Timeline, module: Module) -> None:
    module.command()
    tasks = [
        Task(lambda: timeline.events.expect(urc.Updated, within="1 h")),
        Task(lambda: timeline.events.expect_none(urc.Updated, during="1 h")),
    ]
    waits(timeline, 2)
    timeline.fault(PortLost("the port vanished"))
    for task in tasks:
        with pytest.raises(PortLost, match="the port vanished"):
            task.result()


def test_after_a_bench_fault_only_what_is_recorded_counts(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.Registered)
    timeline.fault(PortLost("the port vanished"))
    assert timeline.events.expect(urc.Registered, within="1 h").urcs
    with pytest.raises(BenchError):
        timeline.events.expect(urc.Updated, within="1 h")


def test_a_predicate_that_raises_fails_the_expectation_not_the_reader(timeline: Timeline, module: Module) -> None:
    module.command()
    pattern = where(urc.UpgradeOffered, size=lambda size: size > "2563")  # type: ignore[operator]
    task = Task(lambda: timeline.events.expect(pattern, within="1 h"))
    waits(timeline)
    module.says(urc.UpgradeOffered)
    with pytest.raises(TypeError, match="'>' not supported"):
        task.result()


def test_a_predicate_may_look_at_the_timeline(timeline: Timeline, module: Module) -> None:
    module.command()
    pattern = where(urc.Downloaded, raw=lambda _: len(timeline.events.seen(urc.Downloading)) == 2)
    task = Task(lambda: timeline.events.expect(pattern, within="1 min"))
    waits(timeline)
    module.upgrades()
    assert task.result().urcs


def test_several_threads_may_wait_for_different_things(timeline: Timeline, module: Module) -> None:
    module.command()
    wanted = [urc.DownloadStarted, urc.Downloaded, urc.Updating, urc.Updated] * 5
    tasks = [Task(lambda cls=cls: timeline.events.expect(cls, within="1 min")) for cls in wanted]
    waits(timeline, len(wanted))
    module.upgrades()
    assert [type(task.result().urcs[0]) for task in tasks] == wanted


def test_commands_and_urcs_from_many_threads_are_all_recorded(timeline: Timeline, module: Module) -> None:
    def speak() -> None:
        for _ in range(200):
            module.says(urc.Downloading)

    def command() -> None:
        for _ in range(200):
            timeline.sent(b"AT\r\n", command=False)

    mark = timeline.events.mark()
    tasks = [Task(speak) for _ in range(3)] + [Task(command) for _ in range(2)]
    tasks.append(Task(lambda: timeline.events.expect(repeated(urc.Downloading, 600), within="1 min", since=mark)))
    assert [task.result() for task in tasks][-1].urcs
    assert len(timeline.events.seen(urc.Downloading)) == 600
    assert len(list(timeline.records("tx"))) == 400
    assert len(list(timeline.records("rx"))) == 600


def test_a_faster_clock_shortens_a_wait_that_sleeps(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect_none(urc.Updated, during="1 min"))
    waits(timeline)
    timeline.speed = 1000
    task.result()


def test_durations_are_module_seconds(new: Callable[..., Timeline]) -> None:
    module = Module(new(speed=60))
    module.command()
    module.says(urc.Updated, at=0.5)
    assert module.timeline.events.expect(urc.Updated, within="1 min").duration == pytest.approx(30, abs=0.1)


def test_a_sped_up_bench_is_given_real_slack(new: Callable[..., Timeline]) -> None:
    module = Module(new(speed=1000))
    module.command()
    task = Task(lambda: module.timeline.events.expect(urc.Updated, within="1 s"))
    waits(module.timeline)
    module.says(urc.Updated, at=0.9)
    assert task.result().urcs


def test_closing_ends_waits(new: Callable[..., Timeline]) -> None:
    timeline = new()
    task = Task(lambda: timeline.events.expect(urc.Updated, within="1 h"))
    waits(timeline)
    timeline.close()
    with pytest.raises(RuntimeError, match="closed"):
        task.result()


def test_expecting_nothing_passes_when_the_time_is_over(timeline: Timeline, module: Module) -> None:
    module.command()
    began = timeline.now()
    timeline.events.expect_none(urc.UpgradeOffered, during="50 ms")
    assert timeline.now() - began >= 0.05


def test_expecting_nothing_fails_as_soon_as_it_comes(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect_none(urc.UpgradeOffered, during="1 h"))
    waits(timeline)
    module.says(urc.UpgradeOffered)
    with pytest.raises(ModuleError, match=r"UpgradeOffered \(7,10700\) came although it must not") as error:
        task.result()
    assert failure(error).cause is Cause.UNEXPECTED


def test_what_came_between_the_command_and_the_call_is_not_overlooked(timeline: Timeline, module: Module) -> None:
    module.command("AT+QIOTOTAREQ=1")
    module.says(urc.UpgradeOffered)
    with pytest.raises(ModuleError, match="UpgradeOffered"):
        timeline.events.expect_none(urc.UpgradeOffered, during=0)


def test_what_was_expected_may_not_come_again(timeline: Timeline, module: Module) -> None:
    module.command()
    module.upgrades()
    timeline.events.expect(UPGRADE, within=0)
    timeline.events.expect_none(urc.Updated, during="10 ms")
    module.says(urc.Updated)
    with pytest.raises(ModuleError, match="Updated"):
        timeline.events.expect_none(urc.Updated, during=0)


def test_what_arrives_after_the_time_is_not_judged(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect_none(urc.Updated, during="20 s"))
    waits(timeline)
    module.says(urc.Updated, at=21.0)
    task.result()


def test_expecting_nothing_has_no_slack_on_a_sped_up_bench(new: Callable[..., Timeline]) -> None:
    module = Module(new(speed=60))
    module.command()
    began = module.timeline.now()
    module.timeline.events.expect_none(urc.Updated, during="3 s")
    assert module.timeline.now() - began < 1.0


def test_seen_gives_all_since_the_start_in_order(timeline: Timeline, module: Module) -> None:
    module.upgrades()
    module.command()
    module.says(urc.Downloading)
    assert len(timeline.events.seen(urc.Downloading)) == 3
    assert len(timeline.events.seen(urc.Downloading, since=timeline.last_command)) == 1
    both = timeline.events.seen(one_of(urc.Downloaded, urc.Updated))
    assert [type(one) for one in both] == [urc.Downloaded, urc.Updated]
    assert len(timeline.events.seen(sequence(urc.Downloaded, urc.Updating))) == 2
    assert timeline.events.seen(urc.Ready) == []


@pytest.mark.parametrize("window", [1, 5, 20_000])
def test_what_is_out_of_memory_is_read_back(new: Callable[..., Timeline], window: int) -> None:
    module = Module(new(window=window))
    module.command()
    mark = module.timeline.events.mark()
    module.says(urc.UpgradeOffered)
    module.upgrades()
    module.says('+QIOTEVT: 5,10428,"x"')
    match = module.timeline.events.expect(sequence(urc.UpgradeOffered, UPGRADE), within=0, since=mark)
    assert match.urcs[0] == urc.UpgradeOffered("BC25", "BC25_FOTA_V1_0", "BC25_FOTA_V2_0", 30, -113, 2563)
    assert len(match.urcs) == 7
    assert len(module.timeline.events.seen(urc.Urc)) == 8


def test_an_upgrade_in_a_flood_is_found_with_a_small_window(new: Callable[..., Timeline]) -> None:
    module = Module(new(window=10))
    module.command()
    task = Task(lambda: module.timeline.events.expect(UPGRADE, within="1 min"))
    waits(module.timeline)
    for cls in (urc.DownloadStarted, urc.Downloading, urc.Downloaded, urc.Updating, urc.Updated):
        module.says(cls)
        for _ in range(20):
            module.says("+CEREG: 1")
    assert len(task.result().urcs) == 5


def test_without_a_directory_the_newest_records_are_there(new: Callable[..., Timeline]) -> None:
    module = Module(new(directory=None, window=5))
    for _ in range(20):
        module.says(urc.Downloading)
    assert len(module.timeline.events.seen(urc.Downloading)) == 5


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("Updated", 1), TypeError),
        ((urc.Updated, "soon"), ValueError),
        ((urc.Updated, -1), ValueError),
        ((urc.Updated, None), TypeError),
        ((urc.Updated, 1, 3.5), TypeError),
        ((urc.Updated, 1, None, "x"), TypeError),
        ((repeated(urc.Updated, at_least=0), 1), ValueError),
    ],
)
def test_wrong_arguments_are_the_callers_fault(timeline: Timeline, arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        timeline.events.expect(*arguments)


def test_waiting_costs_no_cpu(timeline: Timeline) -> None:
    import resource

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_THREAD)
        return usage.ru_utime + usage.ru_stime

    before = used()
    timeline.events.expect_none(urc.Updated, during="300 ms")
    assert used() - before < 0.03


def test_no_thread_is_needed_to_wait(timeline: Timeline) -> None:
    before = threading.active_count()
    timeline.events.expect_none(urc.Updated, during="1 ms")
    assert threading.active_count() == before


def test_what_may_come_and_need_not_is_waited_for(timeline: Timeline, module: Module) -> None:
    module.command("AT+QIOTOTAREQ=1")
    assert timeline.events.wait(urc.UpgradeOffered, within="10 ms") is None
    module.says(urc.UpgradeOffered)
    match = timeline.events.wait(urc.UpgradeOffered, within="1 min")
    assert match is not None
    module.says(urc.UpdateFailed)
    with pytest.raises(ModuleError, match="UpdateFailed"):
        timeline.events.wait(urc.Updated, within="1 min")


def test_a_pause_lasts_as_long_as_asked_and_ends_with_a_bench_fault(timeline: Timeline, module: Module) -> None:
    began = timeline.now()
    timeline.events.pause("20 ms")
    assert timeline.now() - began >= 0.02
    task = Task(lambda: timeline.events.pause("1 h"))
    waits(timeline)
    module.says(urc.UpdateFailed)
    module.says(urc.Ready)
    timeline.fault(PortLost("gone"))
    with pytest.raises(PortLost):
        task.result()


def test_the_line_of_the_test_is_shown_not_ours(timeline: Timeline) -> None:
    with pytest.raises(ModuleError) as error:
        timeline.events.expect(urc.Updated, within=0)
    shown = [entry.name for entry in error.traceback.filter(error)]
    assert shown == ["test_the_line_of_the_test_is_shown_not_ours"]


def test_what_comes_while_the_past_is_read_back_is_seen_once(new: Callable[..., Timeline]) -> None:
    module = Module(new(window=3))
    times = [module.says(urc.Downloading).time for _ in range(10)]

    def flood(_: str) -> bool:
        if len(times) < 30:  # pushes what has not been looked at yet out of memory
            times.extend(module.says(urc.Downloading).time for _ in range(10))
        return True

    seen = module.timeline.events.seen(where(urc.Downloading, raw=flood))
    assert [one.time for one in seen] == pytest.approx(times, abs=1e-5)


def test_what_comes_right_after_the_past_was_read_back_is_not_lost(
    new: Callable[..., Timeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Module(new(window=3))
    times = [module.says(urc.Downloading).time for _ in range(10)]
    history = module.timeline.history
    recall = history.recall

    def and_then_a_flood(number: int, position: int) -> Any:
        yield from recall(number, position)
        if len(times) < 20:
            times.extend(module.says(urc.Downloading).time for _ in range(10))

    monkeypatch.setattr(history, "recall", and_then_a_flood)
    assert [one.time for one in module.timeline.events.seen(urc.Downloading)] == pytest.approx(times, abs=1e-5)


def test_nobody_waits_after_an_expectation_however_it_ended(timeline: Timeline, module: Module) -> None:
    module.command()
    timeline.events.expect_none(urc.Updated, during="1 ms")
    with pytest.raises(ModuleError):
        timeline.events.expect(urc.Updated, within="1 ms")
    for call in (timeline.events.expect, timeline.events.expect_none):
        task = Task(lambda call=call: call(urc.Updated, "1 h", timeline.events.mark()))
        waits(timeline)
        module.says(urc.Updated)
        task.thread.join(PATIENCE)
        assert timeline.events.waiting == 0
    task = Task(lambda: timeline.events.expect(urc.Ready, "1 h"))
    waits(timeline)
    timeline.fault(PortLost("gone"))
    task.thread.join(PATIENCE)
    assert timeline.events.waiting == 0
