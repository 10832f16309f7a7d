"""Which restarts are announced, and that the default guards fire exactly where they should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from speaking import Module, Task, waits

from pytest_quecfota import urc
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.timeline import Cause, Timeline, one_of, sequence, where

MCU = '+QIOTEVT: 7,10701,"STM32",27954,"5d41402abc4b2a76b9719d911017c592",4022793929'
BLOCK = '+QIOTEVT: 7,10703,"STM32",27954,0,1024'
MCU_OFFER = '+QIOTEVT: 7,10700,"STM32","","2_0_0",30,-113,27954'
CUT = "a cut"


@pytest.mark.parametrize(
    ("story", "announced"),
    [
        ([], False),
        ([urc.DownloadStarted, urc.Downloading, urc.Downloaded], False),
        ([urc.DownloadStarted, urc.Downloaded, urc.Updating], True),
        ([urc.DownloadStarted, urc.Downloaded, urc.Updating, urc.Updated], True),
        ([urc.UpgradeOffered, urc.DownloadStarted, urc.Updating], True),
        ([urc.DownloadStarted, urc.Updating, urc.Ready], False),
        ([urc.DownloadStarted, urc.Updating, urc.Updated, urc.Ready, urc.Registered], False),
        ([urc.DownloadStarted, urc.Updating, urc.Updating, urc.Registered], True),
        ([urc.Updating], True),
        ([MCU, BLOCK, urc.Updating], False),
        ([MCU, urc.Downloading, BLOCK, urc.Updating, urc.Updated], False),
        ([BLOCK, urc.Updating], False),
        ([MCU, BLOCK, urc.Updating, urc.Updated, urc.UpgradeOffered, urc.DownloadStarted, urc.Updating], True),
        ([urc.DownloadStarted, urc.Updating, urc.Ready, urc.Updated, MCU_OFFER, MCU, BLOCK, urc.Updating], False),
        ([MCU, BLOCK, urc.Updating, urc.Updated, MCU_OFFER, urc.Updating], False),
        ([CUT], True),
        ([CUT, urc.Ready], False),
        ([CUT, urc.Registered, urc.Downloading], True),
        (["AT+CFUN=1,1"], True),
        (["at+qrst=1"], True),
        (['AT+QFOTADL="http://x"'], True),
        (["AT+CFUN=1"], False),
        (["AT+CGSN"], False),
        (['+QIND: "FOTA","HTTPSTART"'], False),
        (['+QIND: "FOTA","HTTPEND",0'], True),
        (['+QIND: "FOTA","UPDATING",20', urc.Ready, '+QIND: "FOTA","UPDATING",60'], True),
    ],
)
def test_a_restart_is_announced_as_the_module_or_the_bench_says(
    module: Module, story: list[Any], announced: bool
) -> None:
    for chapter in story:
        if chapter is CUT:
            module.timeline.announce_restart(CUT)
        elif isinstance(chapter, str) and chapter.upper().startswith("AT"):
            module.command(chapter)
        else:
            module.says(chapter)
    mark = module.timeline.events.mark()
    module.says(urc.Ready)
    module.says(urc.Subscribed)
    expect = lambda: module.timeline.events.expect(urc.Subscribed, within=0, since=mark)  # noqa: E731
    if announced:
        assert expect().urcs
    else:
        with pytest.raises(ModuleError, match=r"restarted unannounced: Ready \(RDY\)") as error:
            expect()
        assert error.value.failure.cause is Cause.GUARD  # type: ignore[attr-defined]


@pytest.mark.parametrize("guarded", [urc.UpdateFailed, urc.Ready])
@pytest.mark.parametrize(
    "pattern",
    [
        lambda cls: cls,
        lambda cls: where(cls),
        lambda cls: one_of(urc.Updated, cls),
        lambda cls: sequence(cls, urc.Subscribed),
        lambda _: urc.Urc,
    ],
)
def test_no_guard_fires_for_what_the_pattern_waits_for(
    module: Module, guarded: type[urc.Urc], pattern: Callable[[Any], Any]
) -> None:
    module.command()
    module.says(guarded)
    module.says(urc.Subscribed)
    assert module.timeline.events.expect(pattern(guarded), within=0).urcs


def test_a_failed_update_ends_a_wait_for_something_else(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect(urc.Updated, within="1 h"))
    waits(timeline)
    module.says(urc.UpdateFailed)
    with pytest.raises(ModuleError, match=r"UpdateFailed \(7,10706\) came") as error:
        task.result()
    assert "the upgrade failed" in str(error.value)


def test_guards_can_be_switched_off(module: Module) -> None:
    module.command()
    module.says(urc.UpdateFailed)
    module.says(urc.Ready)
    module.says(urc.Updated)
    assert module.timeline.events.expect(urc.Updated, within=0, guards=False).urcs


def test_what_was_awaited_is_not_guarded_against_afterwards(module: Module) -> None:
    module.command()
    module.says(urc.UpdateFailed)
    module.says(urc.Ready)
    module.says(urc.Subscribed)
    module.timeline.events.expect(sequence(urc.UpdateFailed, urc.Ready), within=0)
    assert module.timeline.events.expect(urc.Subscribed, within=0).urcs


def test_expecting_nothing_is_ended_by_an_unannounced_restart(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect_none(urc.Updated, during="1 h"))
    waits(timeline)
    module.says(urc.UpdateFailed)
    module.says(urc.Ready)
    with pytest.raises(ModuleError, match="restarted unannounced"):
        task.result()


def test_what_guards_found_is_read_back_from_disk(new: Callable[..., Timeline]) -> None:
    module = Module(new(window=3))
    module.command()
    module.says(urc.Ready)
    for _ in range(10):
        module.says(urc.Downloading)
    with pytest.raises(ModuleError, match="restarted unannounced"):
        module.timeline.events.expect(urc.Updated, within=0)


def test_what_was_awaited_while_it_came_is_not_guarded_against_afterwards(timeline: Timeline, module: Module) -> None:
    module.command()
    task = Task(lambda: timeline.events.expect(urc.UpdateFailed, within="1 min"))
    waits(timeline)
    module.says(urc.UpdateFailed)
    module.says(urc.Subscribed)
    assert task.result().urcs
    assert timeline.events.expect(urc.Subscribed, within=0).urcs


def test_a_restart_before_the_call_is_no_matter_of_expecting_nothing(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.Ready)
    timeline.events.expect_none(urc.Updated, during="1 ms")
