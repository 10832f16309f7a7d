"""The upgrade of the module itself: its events byte for byte, what is reported, and what must never be installed."""

from collections.abc import Callable

import pytest
from fake_platform import FakePlatform
from lab import IMEI, Lab, make

from pytest_quecfota.virtual import delta

OFFER = b'\r\n+QIOTEVT: 7,10700,"BC25","","V2",30,-113,20000\r\n'


def event(code: int) -> bytes:
    return f"\r\n+QIOTEVT: 7,{code}\r\n".encode()


BOOT = b"\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n"
CONNECTED = b"\r\n+QIOTEVT: 2,10200\r\n\r\n+QIOTEVT: 3,10200\r\n"


def offered(lab: Lab) -> None:
    """Ask, and take the offer from the wire."""
    lab.client.ok("AT+QIOTOTAREQ=1")
    assert lab.client.until(rb"7,10700[^\r]*\r\n") == OFFER


def repeated_once(text: bytes, code: int) -> bytes:
    """The text with the repetitions of one event taken out."""
    first = event(code)
    head, _, tail = text.partition(first)
    return head + first + tail.replace(first, b"")


@pytest.mark.parametrize(
    ("profile", "after_updating"),
    [
        ("before-restart", event(10705) + BOOT + CONNECTED),
        ("after-restart", BOOT + event(10705) + CONNECTED),
        ("after-reconnect", BOOT + CONNECTED + event(10705)),
    ],
)
def test_a_full_package_is_installed_and_told_where_the_profile_says(
    make_lab: Callable[..., Lab], platform: FakePlatform, profile: str, after_updating: bytes
) -> None:
    lab = make_lab(profile={"success_event": profile})
    lab.boot()
    platform.offer("BC25", "V2", make("V2"))
    lab.online(mode=2)
    offered(lab)
    lab.client.ok("AT+QIOTUPDATE=1")
    text = lab.client.until(after_updating[-20:].replace(b"+", rb"\+") + b"$")
    assert repeated_once(text, 10702) == event(10701) + event(10702) + event(10703) + event(10704) + after_updating
    platform.wait_for("/ota/status", status=11, module_version="V2")
    assert platform.statuses() == [1, 2, 4, 5, 8, 9, 11]
    assert lab.client.ok("AT+CGMR") == b"V2"
    truth = lab.truth()
    assert (truth.boots, truth.upgrades, truth.version, truth.ota) == (2, 1, "V2", "NO_PLAN")


def test_connected_by_hand_the_result_is_told_after_connecting_again(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2"))
    lab.online(mode=1)
    offered(lab)
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.client.until(rb"7,10705\r\n")
    assert platform.statuses()[-1] == 9
    lab.client.ok("AT+QIOTREG=1")
    lab.client.until(rb"3,10200\r\n")
    platform.wait_for("/ota/status", status=11)


def test_progress_never_goes_back(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2", size=100_000))
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.client.until(rb"7,10705\r\n")
    shown = [body["progress"] for path, body in platform.calls if path == "/ota/status" and body["status"] == 5]
    assert len(shown) > 2
    assert shown == sorted(shown)


def test_without_a_plan_there_is_only_ok(lab: Lab) -> None:
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.ok("AT+QIOTOTAREQ")
    assert lab.client.silence(0.1) == b""


def test_a_mode_that_is_none_asks_all_the_same_and_answers_error(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2"))
    lab.online()
    assert lab.client.command("AT+QIOTOTAREQ=2") == b"\r\nERROR\r\n"
    lab.client.until(rb"7,10700")


def test_a_refusal_ends_the_offer(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2"))
    lab.online()
    offered(lab)
    lab.client.ok("AT+QIOTUPDATE=0")
    platform.wait_for("/ota/status", status=3)
    assert lab.client.command("AT+QIOTUPDATE=1") == b"\r\nERROR\r\n"
    assert lab.client.command("AT+QIOTUPDATE=0") == b"\r\nERROR\r\n"
    offered(lab)


def test_confirming_twice_is_harmless_and_a_second_plan_is_left_alone(lab: Lab, platform: FakePlatform) -> None:
    lab.on_loop(lambda: lab.clock.set_speed(1))
    platform.offer("BC25", "V2", make("V2"))
    lab.client.ok('AT+QIOTCFG="productinfo","pk","ps"')
    lab.client.ok("AT+QIOTREG=1")
    lab.step(10)
    lab.client.until(rb"3,10200\r\n")
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.step(2)
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.client.ok("AT+QIOTUPDATE=1")
    platform.push({"type": "plan", "tasks": [{**platform.tasks[0], "task": "t9"}]})
    lab.step(60)
    text = lab.client.until(rb"7,10705\r\n")
    assert b"10700" not in text
    assert text.count(b"10701") == 1


def test_a_plan_is_pushed_too(lab: Lab, platform: FakePlatform) -> None:
    task = platform.offer("BC25", "V2", make("V2"))
    lab.online()
    platform.push({"type": "plan", "tasks": [task]})
    assert lab.client.until(rb"7,10700[^\r]*\r\n") == OFFER


def test_a_delta_ends_in_exactly_the_target(lab: Lab, platform: FakePlatform) -> None:
    import hashlib

    target = make("V2")
    platform.offer("BC25", "V2", delta.make(make("V1"), target), source_version="V1", package_type="delta")
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb'7,10700,"BC25","V1","V2"')
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.client.until(rb"7,10705\r\n")
    assert lab.truth().image_digest == hashlib.sha256(target).hexdigest()


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (make("V3"), {}),
        (make("V2", "EC25"), {}),
        (b"not an image" * 100, {}),
        (make("V2")[:-1] + b"?", {}),
        (delta.make(make("V0"), make("V2")), {"package_type": "delta"}),
        (make("V2", size=600_000), {}),
    ],
    ids=["wrong-version", "other-model", "no-image", "damaged", "wrong-source", "too-large"],
)
def test_what_is_no_package_for_it_fails_and_the_old_version_runs_on(
    lab: Lab, platform: FakePlatform, data: bytes, fields: dict[str, str]
) -> None:
    platform.offer("BC25", "V2", data, **fields)
    lab.online()
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"7,10700")
    lab.client.ok("AT+QIOTUPDATE=1")
    text = lab.client.until(rb"7,10706\r\n")
    assert b"10705" not in text
    platform.wait_for("/ota/status", status=12)
    assert lab.client.ok("AT+CGMR") == b"V1"


def test_an_md5_that_does_not_match_falls_back_silently_five_times_and_is_told_then(
    lab: Lab, platform: FakePlatform
) -> None:
    platform.offer("BC25", "V2", make("V2"))
    platform.md5 = "0" * 32
    lab.online()
    for _ in range(5):
        offered(lab)
        lab.client.ok("AT+QIOTUPDATE=1")
        lab.client.until(rb"7,10702\r\n")
        platform.wait_for("/ota/status", status=6)
        platform.calls.clear()
    offered(lab)
    lab.client.ok("AT+QIOTUPDATE=1")
    assert b"10703" not in lab.client.until(rb"7,10706\r\n")
    platform.md5 = None
    offered(lab)
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.client.until(rb"7,10705\r\n")


def test_no_address_of_the_file_within_thirty_seconds_is_a_failure(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2"))
    platform.refuse["/ota/status"] = (409, 10404)
    lab.online()
    offered(lab)
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.step(28)
    assert lab.client.silence(0.05) == b""
    lab.step(4)
    assert lab.client.until(rb"7,10706\r\n") == event(10706)


def test_a_plan_taken_back_before_the_update_ends_it(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2"))
    platform.refuse["/ota/status"] = (409, 10404)
    lab.online()
    offered(lab)
    lab.client.ok("AT+QIOTUPDATE=1")
    platform.push({"type": "cancel", "task": "t1"})
    lab.client.until(rb"7,10706\r\n")


def test_a_network_that_stays_away_ends_the_download_silently(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2", size=200_000))
    lab.on_loop(lambda: lab.clock.set_speed(1))
    lab.client.ok('AT+QIOTCFG="productinfo","pk","ps"')
    lab.client.ok("AT+QIOTREG=1")
    lab.step(10)
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.step(2)
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.step(4)
    lab.client.until(rb"7,10702\r\n")
    lab.on_loop(lambda: lab.radio.set(attached=False))
    lab.step(120)
    assert b"10706" not in lab.client.until(rb"2,10474\r\n")
    assert lab.truth().ota == "NO_PLAN"
    lab.on_loop(lambda: lab.radio.set(attached=True))
    lab.step(30)
    lab.client.until(rb"3,10200\r\n")
    platform.wait_for("/ota/status", status=6)


def test_a_short_loss_of_the_network_is_bridged(lab: Lab, platform: FakePlatform) -> None:
    platform.offer("BC25", "V2", make("V2", size=200_000))
    lab.online()
    lab.on_loop(lambda: lab.clock.set_speed(1))
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.step(2)
    lab.client.until(rb"7,10700[^\r]*\r\n")
    lab.client.ok("AT+QIOTUPDATE=1")
    lab.step(4)
    lab.client.until(rb"7,10702\r\n")
    lab.on_loop(lambda: lab.radio.set(attached=False))
    lab.step(5)
    lab.on_loop(lambda: lab.radio.set(attached=True))
    lab.step(120)
    text = lab.client.until(rb"7,10705\r\n")
    assert b"10706" not in text
    assert text.count(b"10701") == 0


def test_the_offer_names_the_module_by_its_imei(lab: Lab, platform: FakePlatform) -> None:
    lab.online()
    assert platform.calls[0][1]["device_key"] == IMEI
