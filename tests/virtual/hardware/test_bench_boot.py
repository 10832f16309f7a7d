"""The update survives any cut, and the planted bugs do not pass."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pytest_quecfota.virtual import delta, loop
from pytest_quecfota.virtual.boot import DEFECTS, Bricked, PackageError, Updater
from pytest_quecfota.virtual.clock import Clock
from pytest_quecfota.virtual.flash import Flash, immediately
from pytest_quecfota.virtual.image import build
from pytest_quecfota.virtual.layout import divide
from pytest_quecfota.virtual.proof import TEARS, UpdateLife, damaged, prove
from pytest_quecfota.virtual.staging import StagingError

V1, V2, V3 = (build("BC25", version, size=1900) for version in ("V1", "V2", "V3"))


def small_updater(flash: Flash | None = None, **options: Any) -> Updater:
    flash = flash or Flash(None, 20 * 512, sector=512, page=64)
    layout = divide(flash, state_sectors=4, nvm_sectors=0, slot_size=4 * 512)
    return Updater(flash, layout, **{"model": "BC25", "journal_every": 1, **options})


def with_v1(**options: Any) -> Updater:
    updater = small_updater(**options)
    immediately(updater.install_factory(V1))
    return updater


async def stage(updater: Updater, package: bytes, name: str = "") -> None:
    offset = await updater.stage_begin(len(package), name)
    await updater.stage_write(offset, package[offset:])


# -- every cut ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["full", "delta"])
def test_an_update_survives_a_cut_at_any_flash_operation(kind: Any) -> None:
    proof = prove(UpdateLife(kind=kind), second_cuts=80, depth=5, seed=1)
    assert proof.findings == ()
    assert proof.operations > 80
    assert proof.cuts > len(TEARS) * proof.operations


def test_a_damaged_package_never_gets_in_whatever_is_cut() -> None:
    proof = prove(UpdateLife(package=damaged(V2)), tears=(None, 0.5), second_cuts=20)
    assert proof.findings == ()


WRONG_SOURCE = delta.make(V3, V2)


@pytest.mark.parametrize(
    ("defect", "life"),
    [
        ("flag-before-data", {}),
        ("flag-before-data", {"kind": "delta"}),
        ("verify-skipped", {}),
        ("verify-skipped", {"package": damaged(V2)}),
        ("delta-any-source", {"kind": "delta", "package": WRONG_SOURCE}),
        ("resume-ahead", {}),
    ],
)
def test_a_planted_bug_is_found(defect: str, life: dict[str, Any]) -> None:
    proof = prove(UpdateLife(defects=[defect], **life), tears=(None, 0.5, 1.0), first_finding_only=True)
    assert len(proof.findings) == 1


def test_a_delta_from_another_source_is_refused_without_the_bug() -> None:
    assert prove(UpdateLife(kind="delta", package=WRONG_SOURCE), tears=(None, 0.5)).findings == ()


def test_an_unknown_defect_is_refused() -> None:
    with pytest.raises(ValueError, match="flag-before-data"):
        small_updater(defects=["no-such"])
    assert all(text for text in DEFECTS.values())


# -- booting ------------------------------------------------------------------------------------------------------------


def test_an_empty_flash_is_bricked() -> None:
    with pytest.raises(Bricked):
        immediately(small_updater().boot())


def test_an_update_is_on_trial_until_it_is_confirmed() -> None:
    updater = with_v1()
    immediately(stage(updater, V2))
    immediately(updater.commit_staged("full"))
    booted = immediately(updater.boot())
    assert (booted.image.version, booted.slot, booted.trial) == ("V2", "B", True)
    assert [(event.kind, event.version) for event in booted.events] == [("installed", "V2")]
    immediately(updater.confirm())
    immediately(updater.acknowledge())
    booted = immediately(updater.boot())
    assert (booted.image.version, booted.trial, booted.events) == ("V2", False, ())


def test_an_image_that_is_never_confirmed_is_rolled_back() -> None:
    updater = with_v1(trial_boots=3)
    immediately(stage(updater, V2))
    immediately(updater.commit_staged("full"))
    versions = [immediately(updater.boot()).image.version for _ in range(4)]
    assert versions == ["V2", "V2", "V2", "V1"]
    booted = immediately(updater.boot())
    assert [event.kind for event in booted.events] == ["rolled-back"]
    assert booted.image.version == "V1"


def test_without_a_trial_the_bad_image_stays() -> None:
    updater = with_v1(defects=["no-trial"])
    immediately(stage(updater, V2))
    immediately(updater.commit_staged("full"))
    assert [immediately(updater.boot()).image.version for _ in range(5)] == ["V2"] * 5


def test_a_damaged_slot_falls_back_to_the_other_one() -> None:
    flash = Flash(None, 20 * 512, sector=512, page=64)
    updater = small_updater(flash)
    immediately(updater.install_factory(V1))
    immediately(stage(updater, V2))
    immediately(updater.commit_staged("full"))
    immediately(updater.boot())
    immediately(updater.confirm())
    immediately(flash.program(updater.layout.slots[1].base + 800, b"\x00" * 8))
    booted = immediately(updater.boot())
    assert booted.image.version == "V1"
    assert booted.events[0].kind == "fell-back"


@pytest.mark.parametrize(
    ("package", "kind", "problem"),
    [
        (damaged(V2), "full", "payload is damaged"),
        (build("EC25", "V2", size=1900), "full", "for EC25"),
        (build("BC25", "V2", size=2049), "full", "does not fit into a slot"),
        (V2, "delta", "not a delta package"),
        (delta.make(V1, V2), "full", "not a firmware image"),
        (WRONG_SOURCE, "delta", "another image"),
    ],
)
def test_a_wrong_package_is_refused_saying_why(package: bytes, kind: Any, problem: str) -> None:
    updater = with_v1()
    immediately(stage(updater, package))
    with pytest.raises(PackageError, match=problem):
        updater.staged_target(kind)
    immediately(updater.commit_staged(kind))
    booted = immediately(updater.boot())
    assert booted.image.version == "V1"
    assert (booted.events[0].kind, problem in booted.events[0].reason) == ("refused", True)
    assert not updater.pending


def test_progress_of_an_update_goes_to_100() -> None:
    seen: list[int] = []
    updater = with_v1(progress=seen.append)
    seen.clear()
    immediately(stage(updater, V2))
    immediately(updater.commit_staged("full"))
    immediately(updater.boot())
    assert seen == sorted(seen)
    assert seen[-1] == 100


# -- staging ------------------------------------------------------------------------------------------------------------


def test_an_interrupted_download_resumes_where_it_is_sound() -> None:
    flash = Flash(None, 20 * 512, sector=512, page=64)
    updater = small_updater(flash)
    immediately(updater.install_factory(V1))
    immediately(updater.stage_begin(len(V2), "two"))
    immediately(updater.stage_write(0, V2[:1300]))
    again = small_updater(flash)
    assert immediately(again.boot()).image.version == "V1"
    assert again.resume_point == 1024
    assert immediately(again.stage_begin(len(V2), "two")) == 1024
    immediately(again.stage_write(1024, V2[1024:]))
    assert again.staged() == V2


def test_another_package_begins_anew() -> None:
    updater = with_v1()
    immediately(updater.stage_begin(len(V2), "two"))
    immediately(updater.stage_write(0, V2[:1300]))
    assert immediately(updater.stage_begin(len(V3), "three")) == 0
    immediately(updater.stage_write(0, V3))
    assert updater.staged() == V3


def test_resuming_another_package_is_a_bug_that_shows() -> None:
    updater = with_v1(defects=["resume-any"])
    immediately(updater.stage_begin(len(V2), "two"))
    immediately(updater.stage_write(0, V2[:1024]))
    assert immediately(updater.stage_begin(len(V3), "three")) == 1024


def test_an_incomplete_package_can_be_neither_read_nor_committed() -> None:
    updater = with_v1()
    immediately(updater.stage_begin(len(V2)))
    immediately(updater.stage_write(0, V2[:-1]))
    for use in (updater.staged, lambda: immediately(updater.commit_staged("full"))):
        with pytest.raises(StagingError):
            use()


def test_bytes_must_come_in_order_and_fit() -> None:
    updater = with_v1()
    with pytest.raises(StagingError, match="does not fit"):
        immediately(updater.stage_begin(updater.free_staging + 1))
    immediately(updater.stage_begin(1000))
    for offset, length in ((1, 10), (0, 1001)):
        with pytest.raises(StagingError):
            immediately(updater.stage_write(offset, bytes(length)))


def test_discarding_forgets_a_committed_update() -> None:
    updater = with_v1()
    immediately(stage(updater, V2))
    immediately(updater.commit_staged("full"))
    immediately(updater.stage_discard())
    assert immediately(updater.boot()).image.version == "V1"


# -- on the clock -------------------------------------------------------------------------------------------------------


def test_a_whole_update_costs_little_processor_time_at_full_speed() -> None:
    old, new = (build("BC25", version) for version in ("V1", "V2"))
    clock = Clock("max")

    async def body() -> tuple[str, float]:
        import time

        updater = Updater(Flash(None, 1 << 20, clock=clock), model="BC25")
        await updater.install_factory(old)
        before = time.process_time()
        await stage(updater, new)
        await updater.commit_staged("full")
        booted = await updater.boot()
        return booted.image.version, time.process_time() - before

    version, cost = loop.run(body(), clock)
    assert version == "V2"
    assert cost < 0.06


@pytest.mark.parametrize("moment", [0.02, 0.3, 0.61, 1.0])
def test_a_cut_on_the_clock_is_survived(moment: float) -> None:
    clock = Clock("max")

    async def body() -> str:
        flash = Flash(None, 20 * 512, sector=512, page=64, clock=clock)
        updater = small_updater(flash)
        await updater.install_factory(V1)
        await stage(updater, V2)
        await updater.commit_staged("full")
        booting = asyncio.ensure_future(updater.boot())
        await clock.sleep(moment * 0.2)
        flash.cut()
        booting.cancel()
        await asyncio.wait({booting})
        return (await small_updater(flash).boot()).image.version

    assert loop.run(body(), clock) == "V2"
