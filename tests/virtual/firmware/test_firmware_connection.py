"""The connection: events and states in order, refusals, loss and return of the network, modes over a restart."""

from collections.abc import Callable

import pytest
from fake_platform import FakePlatform
from lab import Lab

ON_AGAIN = 'AT+QIOTCFG="productinfo","pk","ps"'


def state(lab: Lab) -> int:
    return int(lab.client.ok("AT+QIOTSTATE?").removeprefix(b"+QIOTSTATE: "))


def test_first_activation_then_registration_then_subscription(lab: Lab, platform: FakePlatform) -> None:
    lab.client.ok(ON_AGAIN)
    lab.client.ok("AT+QIOTREG=1")
    text = lab.client.until(rb"3,10200\r\n")
    assert text == b"\r\n+QIOTEVT: 1,10200\r\n\r\n+QIOTEVT: 2,10200\r\n\r\n+QIOTEVT: 3,10200\r\n"
    assert state(lab) == 8
    assert [path for path, _ in platform.calls] == ["/authenticate", "/connect"]
    told = platform.calls[1][1]
    assert (told["model"], told["module_version"], told["mcu_versions"]) == ("BC25", "V1", {})
    assert told["status"]["battery"] == 100


def test_later_connections_need_no_activation(lab: Lab) -> None:
    lab.online()
    lab.client.ok("AT+QIOTREG=0")
    assert lab.client.until(rb"6,10200\r\n") == b"\r\n+QIOTEVT: 6,10200\r\n"
    assert state(lab) == 11
    lab.client.ok("AT+QIOTREG=1")
    assert lab.client.until(rb"3,10200\r\n") == b"\r\n+QIOTEVT: 2,10200\r\n\r\n+QIOTEVT: 3,10200\r\n"


def test_the_same_mode_again_does_nothing(lab: Lab, platform: FakePlatform) -> None:
    lab.online()
    calls = len(platform.calls)
    lab.client.ok("AT+QIOTREG=1")
    lab.client.ok("AT+QIOTREG=2")
    assert lab.client.ok("AT+QIOTREG?") == b"+QIOTREG: 2"
    assert len(platform.calls) == calls


@pytest.mark.parametrize(
    ("path", "status", "code", "event", "left"),
    [
        ("/authenticate", 401, 10423, b"1,10423", 4),
        ("/authenticate", 401, 10424, b"1,10424", 4),
        ("/authenticate", 409, 10422, b"1,10422", 4),
        ("/connect", 401, 10430, b"2,10430", 7),
        ("/connect", 403, 10477, b"2,10477", 7),
        ("/connect", 404, 10438, b"2,10438", 7),
    ],
)
def test_a_refusal_is_told_with_its_code_and_ends_there(
    lab: Lab, platform: FakePlatform, path: str, status: int, code: int, event: bytes, left: int
) -> None:
    platform.refuse[path] = (status, code)
    lab.client.ok(ON_AGAIN)
    lab.client.ok("AT+QIOTREG=1")
    lab.client.until(rb"\+QIOTEVT: " + event + rb"\r\n")
    assert state(lab) == left
    calls = len(platform.calls)
    lab.step(7200)
    assert len(platform.calls) == calls


def test_a_wrong_device_secret_is_forgotten_so_that_the_next_try_activates_again(
    lab: Lab, platform: FakePlatform
) -> None:
    lab.online()
    lab.client.ok("AT+QIOTREG=0")
    lab.client.until(rb"6,10200\r\n")
    platform.refuse["/connect"] = (401, 10430)
    lab.client.ok("AT+QIOTREG=1")
    lab.client.until(rb"2,10430\r\n")
    platform.refuse.clear()
    lab.client.ok("AT+QIOTREG=0")
    lab.client.until(rb"6,10200\r\n")
    lab.client.ok("AT+QIOTREG=1")
    assert b"1,10200" in lab.client.until(rb"3,10200\r\n")


def test_changed_keys_mean_a_new_activation_and_the_same_keys_do_not(lab: Lab) -> None:
    lab.online()
    for keys, activates in (("pk", False), ("other", True)):
        lab.client.ok("AT+QIOTREG=0")
        lab.client.until(rb"6,10200\r\n")
        lab.client.ok(f'AT+QIOTCFG="productinfo","{keys}","ps"')
        lab.client.ok("AT+QIOTREG=1")
        assert (b"1,10200" in lab.client.until(rb"3,10200\r\n")) == activates


def test_settings_are_locked_while_connected_and_can_be_read(lab: Lab) -> None:
    lab.online()
    assert lab.client.command('AT+QIOTCFG="buffer",1') == b"\r\nERROR\r\n"
    assert lab.client.ok('AT+QIOTCFG="buffer"') == b'+QIOTCFG: "buffer",0'


def test_loss_of_the_network_is_told_and_mended(lab: Lab) -> None:
    lab.online()
    lab.on_loop(lambda: lab.radio.set(attached=False))
    assert lab.client.until(rb"10474\r\n") == b"\r\n+QIOTEVT: 2,10474\r\n"
    assert state(lab) == 7
    lab.step(600)
    assert b"10474" not in lab.client.seen[-40:].split(b"10474\r\n")[-1]
    lab.on_loop(lambda: lab.radio.set(attached=True))
    lab.step(30)
    assert lab.client.until(rb"3,10200\r\n").endswith(b"\r\n+QIOTEVT: 2,10200\r\n\r\n+QIOTEVT: 3,10200\r\n")


def test_a_signal_too_weak_is_no_network(lab: Lab) -> None:
    lab.online()
    lab.on_loop(lambda: lab.radio.set(signal_dbm=-125))
    lab.client.until(rb"2,10474\r\n")
    assert lab.client.ok("AT+CSQ") == b"+CSQ: 99,99"


def test_a_device_that_gets_disabled_is_told(lab: Lab, platform: FakePlatform) -> None:
    lab.online()
    platform.push({"type": "disconnect", "code": 10477})
    lab.client.until(rb"\+QIOTEVT: 2,10477\r\n")
    assert state(lab) == 7


def test_an_unreachable_platform_is_a_network_error(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(nvm={"pk": "pk", "ps": "ps", "secret": "s", "reg": 2})
    lab.south.base_url = "http://127.0.0.1:9"
    lab.boot()
    lab.client.until(rb"\+QIOTEVT: 2,10474\r\n")


def test_mode_1_is_0_after_a_reset_and_mode_2_connects_by_itself(lab: Lab) -> None:
    lab.online(mode=1)
    lab.client.ok("AT+QRST=1")
    lab.client.until(rb"CPIN: READY\r\n")
    assert lab.client.ok("AT+QIOTREG?") == b"+QIOTREG: 0"
    assert state(lab) == 1
    lab.client.ok("AT+QIOTREG=2")
    lab.client.until(rb"3,10200\r\n")
    lab.client.ok("AT+QRST=1")
    text = lab.client.until(rb"3,10200\r\n")
    assert text.endswith(b"+CPIN: READY\r\n\r\n+QIOTEVT: 2,10200\r\n\r\n+QIOTEVT: 3,10200\r\n")


def test_a_lost_session_is_renewed(lab: Lab, platform: FakePlatform) -> None:
    lab.online()
    platform.refuse["/ota/request"] = (401, 10473)
    lab.client.ok("AT+QIOTOTAREQ=1")
    lab.client.until(rb"2,10473\r\n")
    lab.step(30)
    lab.client.until(rb"3,10200\r\n")


def test_device_information_is_sent_on_request(lab: Lab, platform: FakePlatform) -> None:
    lab.online()
    lab.client.ok('AT+QIOTINFO="up"')
    lab.client.until(rb"\+QIOTEVT: 4,10240\r\n")
    platform.wait_for("/report", module_version="V1")


CLASSES = [(10474, 1.0), (10476, 1.0), (10500, 30.0), (10404, 30.0), (10475, 300.0), (10471, 600.0)]


@pytest.mark.parametrize(("code", "base"), CLASSES)
def test_the_pause_grows_with_each_failure_and_depends_on_the_class_of_the_error(
    lab: Lab, code: int, base: float
) -> None:
    connection = lab.on_loop(lambda: lab.module.firmware.connection)  # type: ignore[union-attr]
    for failures in range(1, 7):
        assert base * failures - 0.5 <= connection._pause(code, failures) <= base * failures + 1.5
    assert connection._pause(code, 7) == 1800


@pytest.mark.parametrize("code", [10423, 10424, 10430, 10431, 10477])
def test_what_trying_again_cannot_mend_is_not_tried_again(lab: Lab, code: int) -> None:
    assert lab.on_loop(lambda: lab.module.firmware.connection._pause(code, 1)) is None  # type: ignore[union-attr]


def test_after_six_failures_the_network_is_restarted_and_half_an_hour_waited(lab: Lab, platform: FakePlatform) -> None:
    lab.client.ok('AT+QIOTCFG="productinfo","pk","ps"')
    lab.client.ok("AT+CEREG=1")
    platform.refuse["/connect"] = (500, 10500)
    lab.client.ok("AT+QIOTREG=1")
    lab.client.until(rb"2,10500\r\n")
    lab.on_loop(lambda: lab.clock.set_speed(1))
    for failures in range(1, 7):
        began = lab.on_loop(lab.clock.now)
        while b"10500" not in lab.client.drain():
            lab.step(2)
            assert lab.on_loop(lab.clock.now) - began < 30 * failures + 10, failures
        assert lab.on_loop(lab.clock.now) - began > 30 * failures - 4, failures
    lab.step(10)
    assert lab.client.silence(0.02).endswith(b"+CEREG: 1\r\n")
    assert lab.client.seen.rindex(b"+CEREG: 2") > lab.client.seen.index(b"2,10500")
    lab.step(1700)
    assert b"10500" not in lab.client.drain()
    platform.refuse.clear()
    lab.step(110)
    lab.client.until(rb"3,10200\r\n")
