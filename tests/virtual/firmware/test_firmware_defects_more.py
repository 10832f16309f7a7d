"""Each of the further named defects does what its text says; and every requirement of a module has one."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from fake_platform import FakePlatform
from lab import Lab, make

from pytest_quecfota.virtual.defects import known

ERROR = b"\r\nERROR\r\n"
FILE = bytes(range(256)) * 8


def test_every_requirement_of_a_module_has_a_defect_that_breaks_it() -> None:
    table = yaml.safe_load(Path(__file__).parents[3].joinpath("hil_tests", "requirements.yaml").read_text("utf-8"))
    due = {row["id"] for row in table if row["whose"] == "module"}
    assert due - {defect.requirement for defect in known().values()} == set()
    assert {defect.requirement for defect in known().values()} <= {row["id"] for row in table}


def codes(text: bytes, kind: int = 7) -> list[int]:
    """The events of a type in `text`, without 10702."""
    return [int(code) for code in re.findall(rb"QIOTEVT: %d,(\d+)" % kind, text) if code != b"10702"]


@pytest.fixture
def faulty(make_lab: Callable[..., Lab]) -> Callable[..., Lab]:
    def make_it(defect: str, *, mode: int = 1, connect: bool = True, **settings: object) -> Lab:
        lab = make_lab(defects=[defect], **settings)
        lab.boot()
        lab.client.ok('AT+QIOTMCUVER="STM32","1"')
        if connect:
            lab.online(mode=mode)
        return lab

    return make_it


def confirm(lab: Lab) -> None:
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")


def test_the_subscription_is_not_told(faulty: Callable[..., Lab]) -> None:
    lab = faulty("skips-subscription", connect=False)
    lab.client.ok('AT+QIOTCFG="productinfo","pk","ps"')
    lab.client.ok("AT+QIOTREG=1")
    lab.client.until(rb"2,10200\r\n")
    lab.step(5)
    assert codes(lab.client.drain(), 3) == []
    assert lab.client.ok("AT+QIOTSTATE?") == b"+QIOTSTATE: 8"


def test_every_refusal_has_one_code(faulty: Callable[..., Lab], platform: FakePlatform) -> None:
    platform.refuse["/authenticate"] = (403, 10423)
    lab = faulty("one-refusal-code", connect=False)
    lab.client.ok('AT+QIOTCFG="productinfo","pk","ps"')
    lab.client.ok("AT+QIOTREG=1")
    lab.client.until(rb"1,10450\r\n")


def test_the_state_stays_after_leaving(faulty: Callable[..., Lab]) -> None:
    lab = faulty("state-never-ends")
    lab.client.ok("AT+QIOTREG=0")
    lab.client.until(rb"6,10200\r\n")
    assert lab.client.ok("AT+QIOTSTATE?") == b"+QIOTSTATE: 8"


def test_an_offer_without_a_plan(faulty: Callable[..., Lab]) -> None:
    lab = faulty("offers-without-plan")
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb'7,10700,"BC25","V1","V1"')


def test_a_deleted_version_stays(faulty: Callable[..., Lab]) -> None:
    lab = faulty("keeps-deleted-version")
    lab.client.ok('AT+QIOTMCUVER="STM32",""')
    assert b"STM32" in lab.client.ok("AT+QIOTMCUVER?")


@pytest.mark.parametrize("defect", ["sota-reads-outside", "sota-endless-blocks", "sota-waits-for-ever"])
def test_defects_of_reading(faulty: Callable[..., Lab], platform: FakePlatform, defect: str) -> None:
    platform.offer("STM32", "2", FILE, type="mcu")
    lab = faulty(defect)
    confirm(lab)
    lab.client.until(rb"7,10703[^\r]*\r\n")
    outside, further = lab.client.command("AT+QIOTOTARD=5000,4"), lab.client.command("AT+QIOTUPDATE=2")
    assert (outside != ERROR) == (defect == "sota-reads-outside")
    assert (further != ERROR) == (defect == "sota-endless-blocks")
    lab.step(70)
    assert (lab.truth().ota == "DOWNLOADED") == (defect == "sota-waits-for-ever")


@pytest.mark.parametrize("defect", ["sota-stops-after-first", "reverses-components"])
def test_defects_of_several_components(faulty: Callable[..., Lab], platform: FakePlatform, defect: str) -> None:
    platform.offer("STM32", "2", FILE, type="mcu")
    platform.offer("SENSOR", "2", FILE[::-1], type="mcu")
    lab = faulty(defect)
    lab.client.ok("AT+QIOTOTAREQ=1")
    offers = lab.client.until(rb"(?s)7,10700.*7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")
    first = lab.client.until(rb"7,10703[^\r]*\r\n")
    reversed_ = defect == "reverses-components"
    assert (offers.index(b"SENSOR") < offers.index(b"STM32")) == reversed_
    assert (b'10703,"SENSOR"' in first) == reversed_
    if not reversed_:
        lab.client.ok('AT+QIOTMCUVER="STM32","2"')
        lab.client.until(rb"7,10705\r\n")
        lab.step(5)
        assert lab.truth().ota == "NO_PLAN"


def test_an_updating_host_is_forgotten(faulty: Callable[..., Lab], platform: FakePlatform) -> None:
    platform.offer("STM32", "2", FILE, type="mcu")
    lab = faulty("sota-forgets-updating", mode=2)
    confirm(lab)
    lab.client.until(rb"7,10703[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=3")
    lab.client.until(rb"7,10704\r\n")
    lab.client.ok("AT+QRST=1")
    assert codes(lab.client.until(rb"(?s)RDY.*3,10200\r\n")) == []


def test_success_after_a_cut_whatever_runs(faulty: Callable[..., Lab], platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2", size=90_000))
    lab = faulty("success-after-cut", mode=2)
    lab.on_loop(lambda: lab.clock.set_speed(1))
    confirm(lab)
    lab.step(4)
    lab.client.until(rb"7,10702\r\n")
    lab.power(False)
    lab.client.drain()
    lab.on_loop(lambda: lab.clock.set_speed("max"))
    assert codes(lab.boot(rb"3,10200\r\n")) == [10705]
    assert lab.truth().version == "V1"


def test_success_where_the_network_was_lost(faulty: Callable[..., Lab], platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2", size=90_000))
    lab = faulty("success-after-lost-download", mode=2)
    lab.on_loop(lambda: lab.clock.set_speed(1))
    confirm(lab)
    lab.step(4)
    lab.on_loop(lambda: lab.radio.set(attached=False))
    for _ in range(15):
        lab.step(5)
    lab.client.until(rb"7,10705\r\n")
    assert lab.truth().version == "V1"


def test_a_dip_inside_the_range_restarts_it(faulty: Callable[..., Lab]) -> None:
    lab = faulty("restarts-on-dip", connect=False)
    lab.power(True, 2.8)
    lab.client.until(rb"RDY\r\n")
    assert lab.truth().boots == 2


def test_two_cuts_brick_it(faulty: Callable[..., Lab], platform: FakePlatform) -> None:
    platform.offer("STM32", "2", FILE, type="mcu")
    lab = faulty("bricks-at-second-cut", mode=2)
    for again in (True, False):
        confirm(lab)
        lab.wait_for_state("DOWNLOADED")
        lab.power(False)
        lab.client.drain()
        lab.power(True)
        if again:
            lab.client.until(rb"3,10200\r\n")
    assert lab.client.silence(0.2) == b""
    assert lab.truth().state == "bricked"
