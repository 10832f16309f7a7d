"""Devices: authentication, connection, being online, being sent away."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest
from shop import Shop


def test_the_first_authentication_makes_the_device_known(shop: Shop) -> None:
    product = shop.product()
    device = shop.device(product).authenticate()
    shown = shop.ok("GET", f"/products/{product['product_key']}/devices/{device.dk}")
    assert (shown["status"], shown["online"], shown["versions"]) == ("Activated", False, {"module": None, "mcu": {}})


def test_a_device_can_be_listed_before_it_comes(shop: Shop) -> None:
    product = shop.product()
    device = shop.device(product)
    path = f"/products/{product['product_key']}/devices"
    assert shop.ok("POST", path, json={"dk": device.dk})["status"] == "Not Activated"
    shop.refused(409, "POST", path, json={"dk": device.dk})
    device.up()
    assert shop.ok("GET", f"{path}/{device.dk}")["status"] == "Activated"
    assert shop.ok("GET", path)["total"] == 1


def test_what_a_device_reports_is_shown(shop: Shop) -> None:
    product = shop.product()
    device = shop.device(product)
    device.mcu = {"STM32": "1_0_0"}
    device.up()
    device.readings |= {"battery": 42, "signal": -101}
    device.report()
    shown = shop.ok("GET", f"/products/{product['product_key']}/devices/{device.dk}")
    assert shown["online"] is True
    assert shown["versions"] == {"module": "V1", "mcu": {"STM32": "1_0_0"}}
    assert (shown["battery"], shown["signal"], shown["voltage_mv"]) == (42, -101, 3300)


@pytest.mark.parametrize(
    ("case", "status", "code"),
    [
        ("wrong product key", 401, 10423),
        ("wrong product secret", 401, 10424),
        ("illegal device key", 400, 10431),
        ("second time", 409, 10422),
    ],
)
def test_authentications_are_refused_with_the_code_the_module_prints(
    shop: Shop, case: str, status: int, code: int
) -> None:
    product = shop.product()
    if case == "wrong product key":
        product["product_key"] += "x"
    if case == "wrong product secret":
        product["product_secret"] += "x"
    device = shop.device(product, dk="no!" if case == "illegal device key" else None)
    if case == "second time":
        device.authenticate()
    answer = device.call("POST", "/authenticate", device.signed(product["product_secret"]))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_each_device_has_a_secret_of_its_own_which_is_good_for_no_other(shop: Shop) -> None:
    product = shop.product()
    one, other = (shop.device(product).authenticate() for _ in range(2))
    assert one.secret != other.secret
    for wrong in (other.secret, product["product_secret"]):
        answer = one.call("POST", "/connect", {**one.signed(wrong), **one.versions})
        assert (answer.status_code, answer.json()["code"]) == (401, 10430)
    assert one.connect().session != other.connect().session


def test_a_repeated_authentication_gets_the_same_secret(shop: Shop) -> None:
    device = shop.device(shop.product())
    signed = device.signed(device.product["product_secret"])
    one, two = (device.call("POST", "/authenticate", signed).json() for _ in range(2))
    assert one == two


def test_a_reset_device_authenticates_anew(shop: Shop) -> None:
    product = shop.product()
    device = shop.device(product).up()
    old = device.secret
    shop.ok("POST", f"/products/{product['product_key']}/devices/{device.dk}/reset")
    assert device.poll() == [{"type": "disconnect", "code": 10473}]
    refused = device.call("POST", "/connect", {**device.signed(old), **device.versions})
    assert refused.json()["code"] == 10430
    device.up()
    assert device.secret != old


@pytest.mark.parametrize(
    ("case", "status", "code"), [("wrong secret", 401, 10430), ("unknown device", 404, 10438), ("product", 401, 10423)]
)
def test_connections_are_refused_with_the_code_the_module_prints(shop: Shop, case: str, status: int, code: int) -> None:
    device = shop.device(shop.product()).authenticate()
    if case == "wrong secret":
        device.secret = "0" * 32
    elif case == "unknown device":
        device.dk += "x"
    else:
        device.product["product_key"] += "x"
    answer = device.call("POST", "/connect", {**device.signed(device.secret), **device.versions})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_disabled_device_is_told_to_go_and_kept_out(shop: Shop) -> None:
    product = shop.product()
    device = shop.device(product).up()
    path = f"/products/{product['product_key']}/devices/{device.dk}"
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(device.poll, 30)
        assert shop.ok("POST", f"{path}/disable")["status"] == "Disabled"
        assert poll.result(timeout=10) == [{"type": "disconnect", "code": 10477}]
    refused = device.call("POST", "/ota/request", {})
    assert (refused.status_code, refused.json()["code"]) == (403, 10477)
    again = device.call("POST", "/connect", {**device.signed(device.secret), **device.versions})
    assert (again.status_code, again.json()["code"]) == (403, 10477)
    assert shop.ok("POST", f"{path}/enable")["status"] == "Activated"
    device.connect().report()


def test_a_lost_session_is_told_so(shop: Shop) -> None:
    device = shop.device(shop.product()).up()
    old = device.session
    device.connect()
    fresh, device.session = device.session, old
    answer = device.call("POST", "/report", {})
    assert (answer.status_code, answer.json()["code"]) == (401, 10473)
    device.session = fresh
    device.report()


def test_a_device_is_offline_after_it_said_goodbye(shop: Shop) -> None:
    product = shop.product()
    device = shop.device(product).up()
    assert device.call("POST", "/disconnect").status_code == 204
    assert not shop.ok("GET", f"/products/{product['product_key']}/devices/{device.dk}")["online"]


def test_of_two_open_polls_only_one_goes_on(shop: Shop) -> None:
    device = shop.device(shop.product()).up()
    with ThreadPoolExecutor(2) as pool:
        polls = [pool.submit(device.poll, 30) for _ in range(2)]
        ended, open_ones = wait(polls, timeout=10, return_when=FIRST_COMPLETED)
        assert [poll.result() for poll in ended] == [[]]
        assert device.call("POST", "/disconnect").status_code == 204
        assert [poll.result(timeout=10) for poll in open_ones] == [[]]
