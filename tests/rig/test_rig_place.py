"""A labgrid place gives a rig its port and power, through labgrid's own command."""

from __future__ import annotations

import stat
import textwrap

import pytest
from rig_texts import HARDWARE

from pytest_quecfota.errors import BenchError, Reason
from pytest_quecfota.rig import place as places

PLACE = 'place: {coordinator: "farm:20408", name: bench2}\n'
SHOWN = """\
Place 'bench2':
  matches:
    farm/bench2/*
  acquired: host/user
Acquired resource 'NetworkSerialPort' (farm/bench2/NetworkSerialPort/USBSerialPort):
  {'acquired': 'bench2',
   'avail': True,
   'cls': 'NetworkSerialPort',
   'params': {'extra': {'path': '/dev/ttyUSB4'},
              'host': 'farm',
              'port': 41001,
              'speed': 921600}}
Acquired resource 'power' (farm/bench2/NetworkPowerPort/NetworkPowerPort):
  {'acquired': 'bench2', 'avail': True, 'cls': 'NetworkPowerPort', 'params': {'host': 'pdu', 'index': 3, 'model': 'x'}}
"""


@pytest.fixture
def labgrid_client(tmp_path, monkeypatch):
    """A made-up labgrid-client on PATH; it notes its calls and prints what a test asks for."""
    calls, shown = tmp_path / "calls", tmp_path / "shown"
    program = tmp_path / "bin" / "labgrid-client"
    program.parent.mkdir()
    program.write_text(
        textwrap.dedent(f"""\
        #!/bin/sh
        echo "$LG_COORDINATOR $*" >> {calls}
        case "$5" in
          show) cat {shown} ;;
          acquire) test ! -e {tmp_path}/taken || {{ echo "place is already acquired by bob" >&2; exit 1; }} ;;
        esac
        """)
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    calls.touch()
    shown.write_text(SHOWN)
    return tmp_path


@pytest.fixture
def rig(rig_files):
    return rig_files.load(HARDWARE.replace("  port: {url: /dev/ttyUSB9, baudrate: 115200}\n", "") + PLACE)


def test_port_and_power_come_from_the_place(rig, labgrid_client):
    with places.acquired(rig) as filled:
        assert filled.module.port.url == "rfc2217://farm:41001?ign_set_control"
        assert filled.module.port.baudrate == 921600
        assert filled.controls.power.press == ("labgrid-client", "-x", "farm:20408", "-p", "bench2", "power", "on")
        assert filled.controls.power.release[-1] == "off"
    start = "farm:20408 -x farm:20408 -p bench2"
    assert (labgrid_client / "calls").read_text().splitlines() == [
        f"{start} {do}" for do in ("acquire", "show", "release")
    ]


def test_what_the_rig_file_says_itself_stays(rig_files, labgrid_client):
    with places.acquired(rig_files.load(HARDWARE + PLACE)) as filled:
        assert filled.module.port.url == "/dev/ttyUSB9"


def test_a_raw_port_is_a_socket(rig, labgrid_client):
    shown = labgrid_client / "shown"
    shown.write_text(SHOWN.replace("'speed'", "'protocol': 'raw', 'speed'"))
    with places.acquired(rig) as filled:
        assert filled.module.port.url == "socket://farm:41001"


def test_the_place_is_released_whatever_happens(rig, labgrid_client):
    with pytest.raises(ZeroDivisionError), places.acquired(rig):
        raise ZeroDivisionError
    assert "release" in (labgrid_client / "calls").read_text()


def test_a_place_without_a_port_says_what_it_has(rig, labgrid_client):
    (labgrid_client / "shown").write_text(SHOWN.replace("NetworkSerialPort", "NetworkUSBVideo"))
    with (
        pytest.raises(BenchError, match="has no NetworkSerialPort, but NetworkUSBVideo, NetworkPowerPort"),
        places.acquired(rig),
    ):
        pass
    assert "release" in (labgrid_client / "calls").read_text()


def test_a_place_of_somebody_else_says_whose_it_is(rig, labgrid_client):
    (labgrid_client / "taken").touch()
    with pytest.raises(BenchError, match="acquired by bob") as caught, places.acquired(rig):
        pass
    assert caught.value.reason is Reason.CONFIGURATION
    assert "release" not in (labgrid_client / "calls").read_text()


def test_a_missing_program_says_how_to_get_it(rig, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match="environment of its own"), places.acquired(rig):
        pass


def test_a_rig_without_a_place_is_left_alone(rig_files):
    rig = rig_files.load(HARDWARE)
    with places.acquired(rig) as same:
        assert same is rig
