"""What a module says of its supply, in each spelling, and how it switches itself off."""

from collections.abc import Callable

import pytest
from lab import Lab

from pytest_quecfota.virtual.models import load, names

LINES = {
    "text": [
        "UNDER_VOLTAGE WARNING",
        "UNDER_VOLTAGE POWER DOWN",
        "OVER_VOLTAGE WARNING",
        "OVER_VOLTAGE POWER DOWN",
        "NORMAL POWER DOWN",
    ],
    "vbatt": ['+QIND: "vbatt",-1', '+QIND: "vbatt",-2', '+QIND: "vbatt",1', '+QIND: "vbatt",2', "POWERED DOWN"],
}


def up(make_lab: Callable[..., Lab], spelling: str, **settings: object) -> Lab:
    lab = make_lab("EC200U", profile={"voltage_lines": spelling}, **settings)
    lab.power(True, 3.8)
    lab.client.until(rb"PB DONE\r\n")
    lab.step(1)
    lab.client.drain()
    return lab


@pytest.mark.parametrize("spelling", LINES)
@pytest.mark.parametrize(("warning", "down", "volts"), [(0, 1, (3.4, 3.25)), (2, 3, (4.55, 4.7))])
def test_a_supply_out_of_range_is_warned_of_then_the_module_switches_itself_off(
    make_lab: Callable[..., Lab], spelling: str, warning: int, down: int, volts: tuple[float, float]
) -> None:
    lab = up(make_lab, spelling)
    lab.power(True, volts[0])
    lab.step(1)
    assert lab.client.drain() == f"\r\n{LINES[spelling][warning]}\r\n".encode()
    lab.client.ok("AT")
    lab.power(True, volts[1])
    lab.step(1)
    assert lab.client.drain() == f"\r\n{LINES[spelling][down]}\r\n".encode()
    assert lab.truth().state == "down"
    lab.power(False)
    lab.power(True, 3.8)
    lab.client.until(rb"PB DONE\r\n")


@pytest.mark.parametrize("spelling", LINES)
def test_a_cut_and_a_short_dip_are_too_short_to_be_told(make_lab: Callable[..., Lab], spelling: str) -> None:
    lab = up(make_lab, spelling)
    lab.on_loop(lambda: lab.clock.set_speed(1))
    lab.power(True, 3.4)
    lab.step(0.02)
    lab.power(True, 3.8)
    lab.step(1)
    lab.power(False)
    assert lab.client.drain() == b""
    assert lab.truth().state == "off"


def test_a_module_that_says_nothing_just_browns_out(lab: Lab) -> None:
    lab.power(True, 2.4)
    lab.step(1)
    lab.power(True, 2.2)
    lab.step(1)
    assert lab.client.drain() == b""
    lab.client.ok("AT")
    lab.power(True, 1.9)
    lab.step(1)
    assert lab.truth().state == "off"


@pytest.mark.parametrize("spelling", LINES)
def test_a_normal_shutdown_is_spelt_alike(make_lab: Callable[..., Lab], spelling: str) -> None:
    lab = up(make_lab, spelling)
    lab.client.ok("AT+QPOWD=1")
    assert lab.client.until(rb"DOWN\r\n") == f"\r\n{LINES[spelling][4]}\r\n".encode()


def test_a_bg95_says_nothing_of_a_normal_shutdown(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab("BG95-M3")
    lab.power(True, 3.8)
    lab.client.until(rb"SMS DONE\r\n")
    lab.client.ok("AT+QPOWD=1")
    lab.step(5)
    assert lab.client.drain() == b""
    assert lab.truth().state == "down"


def test_the_defect_tells_nothing(make_lab: Callable[..., Lab]) -> None:
    lab = up(make_lab, "text", defects=["voltage-untold"])
    lab.power(True, 3.25)
    lab.step(1)
    assert lab.client.drain() == b""
    assert lab.truth().state == "running"


@pytest.mark.parametrize("name", names())
def test_the_levels_lie_above_the_brown_out_and_in_order(name: str) -> None:
    data = load(name)
    levels = [data.voltage_levels[key] for key in ("under_down", "under_warning", "over_warning", "over_down")]
    assert data.rail["threshold"] + data.rail["hysteresis"] < levels[0]
    assert levels == sorted(levels)
