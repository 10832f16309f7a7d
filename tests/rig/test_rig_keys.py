"""RESET_N and PWRKEY are pressed as the rig file says, for its time or the model's, and released whatever happens."""

from __future__ import annotations

import sys
import types

import pytest
from live_bench import bench
from scripted_module import BOOT

from pytest_quecfota.errors import BenchError, PortLost
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.rig.controls import Command, GpioLine, ScpiMessages, SerialLine
from pytest_quecfota.rig.keys import pressed
from pytest_quecfota.timeline import Timeline


class FakeWire:
    """Remembers what its modem lines were set to."""

    def __init__(self):
        self.set = []

    def set_line(self, name, asserted):
        self.set.append((name, asserted))


@pytest.mark.parametrize(("inverted", "down"), [(False, True), (True, False)])
@pytest.mark.parametrize("line", ["dtr", "rts"])
def test_a_modem_line_is_pressed_and_released_also_after_an_error(line, inverted, down):
    wire = FakeWire()
    with pytest.raises(ZeroDivisionError), pressed(SerialLine(kind=line, inverted=inverted), wire):
        assert wire.set == [(line, down)]
        raise ZeroDivisionError
    assert wire.set == [(line, down), (line, not down)]


def test_a_port_with_modem_lines_sets_them_and_one_without_says_so():
    timeline = Timeline()
    with Wire(PortSpec("loop://"), timeline) as wire:
        wire.set_line("rts", True)
        wire.set_line("rts", False)
    notes = [str(r["text"]) for r in timeline.records("note")]
    assert notes[-2:] == ["RTS asserted", "RTS released"]
    timeline.close()


def test_a_pty_has_no_modem_lines(tmp_path):
    with bench(tmp_path) as parts:
        rig = parts.live()
        with pytest.raises(PortLost, match="DTR"):
            rig.wire.set_line("dtr", True)


def test_programs_press_and_release(tmp_path):
    log = tmp_path / "log"
    key = Command(kind="command", press=("sh", "-c", f"echo down >> {log}"), release=("sh", "-c", f"echo up >> {log}"))
    with pressed(key, FakeWire()):
        assert log.read_text() == "down\n"
    assert log.read_text() == "down\nup\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("sh", "-c", "echo no relay >&2; exit 3"), "ended with 3: no relay"),
        (("/no/such/program",), "No such file"),
        (("sleep", "5"), "timed out"),
    ],
)
def test_a_program_that_fails_is_the_benchs_fault(words, told):
    key = Command(kind="command", press=words, timeout=0.2)
    with pytest.raises(BenchError, match=told), pressed(key, FakeWire()):
        pytest.fail("it was not pressed")


@pytest.fixture
def chip(monkeypatch):
    """gpiod with one line, which remembers its values."""
    values = []

    class Request:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            values.append("given back")

        def set_value(self, line, value):
            values.append((line, value))

    def request_lines(path, consumer, config):
        if path != "/dev/gpiochip0":
            raise FileNotFoundError(f"no {path}")
        values.append({line: (settings.active_low) for line, settings in config.items()})
        return Request()

    line = types.SimpleNamespace(
        Direction=types.SimpleNamespace(OUTPUT="out"), Value=types.SimpleNamespace(ACTIVE=1, INACTIVE=0)
    )
    settings = lambda **given: types.SimpleNamespace(**given)  # noqa: E731
    gpiod = types.SimpleNamespace(line=line, LineSettings=settings, request_lines=request_lines)
    monkeypatch.setitem(sys.modules, "gpiod", gpiod)
    monkeypatch.setitem(sys.modules, "gpiod.line", line)
    return values


def test_a_gpio_is_pressed_released_and_given_back(chip):
    with pressed(GpioLine(kind="gpio", chip="/dev/gpiochip0", line=7, active_low=True), FakeWire()):
        assert chip == [{7: True}, (7, 1)]
    assert chip[2:] == [(7, 0), "given back"]


def test_a_gpio_that_is_not_there_is_the_benchs_fault(chip):
    key = GpioLine(kind="gpio", chip="/dev/gpiochip9", line=7)
    with pytest.raises(BenchError, match=r"line 7 of /dev/gpiochip9 cannot be set"), pressed(key, FakeWire()):
        pytest.fail("it was not pressed")


def test_an_instrument_that_is_not_there_is_the_benchs_fault():
    key = ScpiMessages(kind="scpi", visa="TCPIP::127.0.0.1::1::SOCKET", press="CLOS 1", release="OPEN 1")
    with pytest.raises(BenchError, match="CLOS 1"), pressed(key, FakeWire()):
        pytest.fail("it was not pressed")


def test_a_reset_is_pressed_for_the_time_of_the_rig_file_and_no_command_is_sent(tmp_path):
    with bench(tmp_path) as parts:
        press = f"[sh, -c, 'echo down >> {tmp_path}/log']"
        keys = f"controls: {{reset: {{kind: command, press: {press}, hold: 0.05}}}}"
        rig = parts.live(parts.load(more=keys))
        module = rig.module
        before = list(parts.module.heard)
        parts.module.replies["AT"] = ["OK"]
        rig.timeline.listen(
            lambda record: parts.module.say(*BOOT) if "pressed for" in str(record.get("text")) else None
        )
        module.reset()
        assert (tmp_path / "log").read_text() == "down\n"
        assert "AT+QRST=1" not in parts.module.heard[len(before) :]
        assert "reset pressed for 0.05 s" in [r.get("text") for r in rig.timeline.records("note")]
