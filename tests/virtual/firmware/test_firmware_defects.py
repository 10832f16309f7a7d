"""Each named defect does what its text says, on the wire or in what is reported."""

from collections.abc import Callable

import pytest
from fake_platform import FakePlatform
from lab import Lab, make

MAIN = (10701, 10703, 10704, 10705, 10706)


def upgrade(lab: Lab, platform: FakePlatform, last: bytes) -> bytes:
    """A whole upgrade with the module's own events as the result, up to `last`."""
    platform.offer("BC25", "V2", make("V2"))
    lab.boot()
    lab.online(mode=2)
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")
    return lab.client.until(last)


def events(text: bytes) -> list[int]:
    return [int(line.rpartition(b",")[2]) for line in text.split(b"\r\n") if b": 7," in line and b"10702" not in line]


@pytest.mark.parametrize(
    ("defect", "expected", "version"),
    [
        ("skip-10703", [10701, 10704, 10705], "V2"),
        ("wrong-order", [10701, 10704, 10703, 10705], "V2"),
        ("duplicate-10705", [10701, 10703, 10704, 10705, 10705], "V2"),
        ("success-before-version", [10701, 10703, 10704, 10705], "V1"),
    ],
)
def test_defects_of_the_events(
    make_lab: Callable[..., Lab], platform: FakePlatform, defect: str, expected: list[int], version: str
) -> None:
    lab = make_lab(defects=[defect])
    assert events(upgrade(lab, platform, rb"3,10200\r\n")) == expected
    assert lab.client.ok("AT+CGMR") == version.encode()


def test_no_restart(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab(defects=["no-restart"])
    upgrade(lab, platform, rb"7,10704\r\n")
    lab.step(600)
    assert (lab.truth().boots, lab.truth().ota) == (1, "UPDATING")


def test_a_package_with_a_wrong_md5_is_installed(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab(defects=["installs-damaged-package"])
    platform.md5 = "0" * 32
    upgrade(lab, platform, rb"7,10705\r\n")
    assert lab.truth().version == "V2"


def test_a_damaged_image_is_installed_and_bricks(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab(defects=["installs-damaged-package"])
    platform.offer("BC25", "V2", make("V2")[:-1] + b"?")
    upgrade(lab, platform, rb"7,10704\r\n")
    lab.step(30)
    assert lab.truth().state == "bricked"
    lab.client.drain()
    lab.client.write(b"AT\r")
    assert lab.client.silence(0.05) == b""


def test_a_refusal_is_ignored(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab(defects=["ignores-refusal"])
    platform.offer("BC25", "V2", make("V2"))
    lab.boot()
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=0")
    lab.client.until(rb"7,10705\r\n")


def test_a_refused_offer_is_shown_again(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab(defects=["offers-after-refusal"])
    platform.offer("BC25", "V2", make("V2"))
    lab.boot()
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=0")
    lab.client.until(rb"7,10700[^\r]*\r\n")


def test_small_defects_of_commands(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab()
    lab.boot()
    lab.on_loop(lambda: lab.defects.replace(["confirms-without-offer"]))
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.on_loop(lambda: lab.defects.replace(["connects-without-keys"]))
    lab.client.ok("AT+QIOTREG=1")
    assert lab.client.command('AT+QIOTCFG="buffer",1') == b"\r\nERROR\r\n"
    lab.on_loop(lambda: lab.defects.replace(["writes-while-connected"]))
    lab.client.ok('AT+QIOTCFG="buffer",1')
    lab.on_loop(lambda: lab.defects.replace(["forgets-configuration"]))
    lab.client.ok("AT+QRST=1")
    lab.client.until(rb"READY\r\n")
    assert lab.client.ok('AT+QIOTCFG="buffer"') == b'+QIOTCFG: "buffer",0'
    lab.on_loop(lambda: lab.defects.replace(["slow-answers"]))
    before = lab.on_loop(lab.clock.now)
    lab.client.ok("AT+QIOTSTATE?")
    assert lab.on_loop(lab.clock.now) - before >= 0.9


def test_a_silent_module_boots_and_answers_nothing(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(defects=["silent"])
    lab.boot()
    lab.client.write(b"AT\r")
    assert lab.client.silence(0.05) == b""


@pytest.mark.parametrize(("defect", "connects"), [("reconnects-in-mode-1", True), ("stays-offline", False)])
def test_defects_of_the_mode(make_lab: Callable[..., Lab], defect: str, connects: bool) -> None:
    lab = make_lab(defects=[defect], nvm={"pk": "pk", "ps": "ps", "secret": "s", "reg": 1 if connects else 2})
    lab.boot(rb"3,10200\r\n" if connects else rb"READY\r\n")
    lab.step(60)
    assert lab.truth().connection == (8 if connects else 1)


def test_a_lost_network_that_is_not_told(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(defects=["lost-network-unseen"])
    lab.boot()
    lab.online()
    lab.on_loop(lambda: lab.radio.set(attached=False))
    lab.step(5)
    assert lab.client.drain() == b""
    assert lab.truth().connection == 7


def test_results_that_are_never_reported(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab(defects=["never-reports"])
    upgrade(lab, platform, rb"RDY[\s\S]*3,10200\r\n")
    lab.step(10)
    assert 11 not in platform.statuses()


@pytest.mark.parametrize(("defect", "told"), [("silent-failure", False), ("stuck-after-failure", True)])
def test_defects_of_a_failure(make_lab: Callable[..., Lab], platform: FakePlatform, defect: str, told: bool) -> None:
    lab = make_lab(defects=[defect])
    platform.offer("BC25", "V2", make("V3"))
    lab.boot()
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")
    platform.wait_for("/ota/status", status=12)
    assert (b"10706" in lab.client.drain()) == told
    lab.client.ok("AT+QIOTOTAREQ=1")
    if defect == "stuck-after-failure":
        assert lab.client.silence(0.1) == b""
    else:
        lab.client.until(rb"7,10700")


@pytest.mark.parametrize(
    "defect", ["sota-wrong-crc", "sota-shifted-read", "sota-any-version", "offer-without-strategy"]
)
def test_defects_of_a_sota(make_lab: Callable[..., Lab], platform: FakePlatform, defect: str) -> None:
    import zlib

    data = bytes(range(256)) * 8
    lab = make_lab(defects=[defect])
    platform.offer("STM32", "2", data, type="mcu")
    lab.boot()
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    offer = lab.client.until(rb"7,10700[^\r]*\r\n")
    assert (b",0,0," in offer) == (defect == "offer-without-strategy")
    lab.client.ok("AT+QIOTUPDATE=1")
    announced = lab.client.until(rb"7,10701[^\r]*\r\n")
    assert (str(zlib.crc32(data)).encode() in announced) == (defect != "sota-wrong-crc")
    lab.client.until(rb"7,10703[^\r]*\r\n")
    block = lab.client.ok("AT+QIOTOTARD=0,8")
    assert block.endswith(bytes(range(1, 9)) if defect == "sota-shifted-read" else bytes(range(8)))
    lab.client.ok('AT+QIOTMCUVER="STM32","3"')
    lab.client.until(rb"7,10705\r\n" if defect == "sota-any-version" else rb"7,10706\r\n")


def test_the_battery_reads_full(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(defects=["battery-reads-full"])
    lab.power(True, volts=2.4)
    lab.client.until(rb"READY\r\n")
    assert b"+CBC: 0,100,2" in lab.client.ok("AT+CBC")
    lab.on_loop(lambda: lab.defects.replace([]))
    assert b"+CBC: 0,27,2" in lab.client.ok("AT+CBC")


def test_a_download_that_lost_its_power_ends_in_a_success(make_lab: Callable[..., Lab], platform: FakePlatform) -> None:
    lab = make_lab(defects=["half-done-success"])
    upgrade(lab, platform, rb"7,10701\r\n")
    lab.power(False)
    lab.power(True)
    lab.client.until(rb"7,10705\r\n")
    assert lab.client.ok("AT+CGMR") == b"V1"
