"""Commands on the wire, byte for byte: echo, information, final result; types and ranges; both flavours."""

from collections.abc import Callable

import pytest
from fake_platform import FakePlatform
from lab import IMEI, Lab

from pytest_quecfota.virtual.bench import luhn
from pytest_quecfota.virtual.firmware.tables import COMMANDS

INFORMATION = [
    ("ATI", "Quectel_Ltd\r\nQuectel_BC25\r\nRevision: BC25VIRTUALR01A01"),
    ("AT+CGMI", "Quectel_Ltd"),
    ("AT+CGMM", "Quectel_BC25"),
    ("AT+CGMR", "V1"),
    ("AT+QGMR", "V1_BC25VIRTUALR01A01"),
    ("AT+CGSN", IMEI),
    ("AT+CGSN=1", f'+CGSN: "{IMEI}"'),
    ("AT+CIMI", "001010123456789"),
    ("AT+CSQ", "+CSQ: 14,99"),
    ("AT+CESQ", "+CESQ: 99,99,255,255,20,56"),
    ("AT+CFUN?", "+CFUN: 1"),
    ("AT+CPIN?", "+CPIN: READY"),
    ("AT+CMEE?", "+CMEE: 1"),
    ("AT+IPR?", "+IPR: 115200"),
    ("AT+QIOTREG?", "+QIOTREG: 0"),
    ("AT+QIOTSTATE?", "+QIOTSTATE: 1"),
    ('AT+QIOTCFG="productinfo"', '+QIOTCFG: "productinfo","","","1.0.0"'),
    ('AT+QIOTCFG="server"', '+QIOTCFG:"server",0,"coap://iot-south.quectelcn.com:5683"'),
    ('AT+QIOTCFG="lifetime"', '+QIOTCFG: "lifetime",86400'),
    ('AT+QIOTCFG="buffer"', '+QIOTCFG: "buffer",0'),
    ('AT+QIOTCFG="act"', '+QIOTCFG: "act",1'),
    ('AT+QIOTCFG="psk"', '+QIOTCFG:"psk",""'),
    ("AT+QIOTREG=?", "+QIOTREG: (0-2)"),
    ("AT+QIOTUPDATE=?", "+QIOTUPDATE: (0-3)"),
    ("AT+QIOTOTARD=?", "+QIOTOTARD: <start>,(1-1024)"),
    ("AT+QIOTINFO=?", '+QIOTINFO: "up"'),
    ("AT+CSQ;+CFUN?", "+CSQ: 14,99\r\n\r\n+CFUN: 1"),
]


def test_information_and_final_result_byte_for_byte(lab: Lab) -> None:
    for command, information in INFORMATION:
        lab.client.write(command.encode() + b"\r")
        expected = f"{command}\r\r\n{information}\r\n\r\nOK\r\n".encode()
        assert lab.client.until(rb"OK\r\n") == expected


NB_SETTINGS = ["productinfo", "server", "lifetime", "buffer", "act", "tsl", "dk_ds", "psk"]
CELLULAR_SETTINGS = ["productinfo", "server", "lifetime", "buffer", "act", "session_mode", "tsl", "dk_ds", "txid_mode"]


@pytest.mark.parametrize(("model", "names"), [("BC25", NB_SETTINGS), ("EC200U", CELLULAR_SETTINGS)])
def test_each_flavour_has_its_settings(make_lab: Callable[..., Lab], model: str, names: list[str]) -> None:
    lab = make_lab(model)
    lab.power(True, 3.8)
    lab.client.until(rb"PB DONE\r\n" if model == "EC200U" else rb"READY\r\n")
    lines = lab.client.ok("AT+QIOTCFG=?").decode().split("\r\n")
    assert [line.split('"')[1] for line in lines if line] == names
    for name in {"psk", "session_mode", "txid_mode"} - set(names):
        assert lab.client.command(f'AT+QIOTCFG="{name}"') == b"\r\nERROR\r\n"


REFUSED = [
    "AT+NOSUCH",
    "AT+QIOTSTATE",
    "AT+QIOTSTATE=1",
    "AT+QIOTREG=3",
    'AT+QIOTREG="1"',
    "AT+QIOTREG=1,1",
    "AT+QIOTREG=",
    "AT+QIOTREG=1",
    "AT+QIOTCFG=buffer",
    'AT+QIOTCFG="buffer",2',
    'AT+QIOTCFG="buffer","1"',
    'AT+QIOTCFG="buffer",1,1',
    'AT+QIOTCFG="productinfo","pk"',
    'AT+QIOTCFG="productinfo","","ps"',
    'AT+QIOTCFG="productinfo","' + "p" * 33 + '","ps"',
    'AT+QIOTCFG="server",1,"mqtt://x"',
    'AT+QIOTCFG="lifetime",0',
    'AT+QIOTCFG="lifetime",864001',
    'AT+QIOTCFG="act",16',
    f'AT+QIOTCFG="dk_ds","{IMEI}"',
    'AT+QIOTCFG="nosuch"',
    'AT+QIOTMCUVER="",""',
    'AT+QIOTMCUVER="a:b","1"',
    'AT+QIOTMCUVER="' + "n" * 33 + '","1"',
    'AT+QIOTMCUVER="unknown"',
    "AT+QIOTMCUVER=1,2",
    "AT+QIOTOTAREQ",
    "AT+QIOTOTAREQ=1",
    "AT+QIOTUPDATE=0",
    "AT+QIOTUPDATE=1",
    "AT+QIOTUPDATE=2",
    "AT+QIOTUPDATE=3",
    "AT+QIOTUPDATE=4",
    "AT+QIOTUPDATE",
    "AT+QIOTOTARD=0,1024",
    "AT+QIOTOTARD=0",
    "AT+QIOTOTARD=0,0",
    'AT+QIOTINFO="up"',
]


def test_wrong_types_ranges_counts_and_moments_are_refused_with_error(lab: Lab) -> None:
    for command in REFUSED:
        assert lab.client.command(command) == b"\r\nERROR\r\n", command


def test_a_refused_network_command_names_its_cme_error_as_asked_for(lab: Lab) -> None:
    assert lab.client.command("AT+CFUN=9") == b"\r\n+CME ERROR: 50\r\n"
    lab.client.ok("AT+CMEE=2")
    assert lab.client.command("AT+CFUN=9") == b"\r\n+CME ERROR: incorrect parameters\r\n"
    lab.client.ok("AT+CMEE=0")
    assert lab.client.command("AT+CFUN=9") == b"\r\nERROR\r\n"


def test_echo_can_be_switched_off_and_on(lab: Lab) -> None:
    lab.client.ok("ATE0")
    lab.client.write(b"AT\r")
    assert lab.client.until(rb"OK\r\n") == b"\r\nOK\r\n"
    lab.client.write(b"ATE1\r")
    lab.client.until(rb"OK\r\n")
    lab.client.ok("AT")


def test_line_feeds_are_ignored_and_a_slash_repeats(lab: Lab) -> None:
    lab.client.write(b"\nAT+CSQ\r\n")
    assert lab.client.until(rb"OK\r\n").endswith(b"+CSQ: 14,99\r\n\r\nOK\r\n")
    lab.client.write(b"A/")
    assert lab.client.until(rb"OK\r\n").endswith(b"+CSQ: 14,99\r\n\r\nOK\r\n")


def test_noise_before_a_command_is_skipped_and_a_mistake_can_be_erased(lab: Lab) -> None:
    lab.client.write(b"\x00\xffAT+CX\x08SQ\r")
    assert lab.client.until(rb"OK\r\n").endswith(b"+CSQ: 14,99\r\n\r\nOK\r\n")


def test_commands_in_one_write_are_answered_in_order(lab: Lab) -> None:
    lab.client.write(b"AT+CGMR\rAT+NOSUCH\rAT+CSQ\r")
    text = lab.client.until(rb"CSQ: 14,99\r\n\r\nOK\r\n")
    assert text.index(b"V1") < text.index(b"ERROR") < text.index(b"14,99")


def test_numeric_and_quiet_results(lab: Lab) -> None:
    lab.client.write(b"ATE0V0\r")
    lab.client.until(rb"\r0\r")
    lab.client.write(b"AT+NOSUCH\r")
    assert lab.client.until(rb"\r") == b"4\r"
    lab.client.write(b"ATQ1V1\rAT+CSQ\rATQ0\r")
    assert lab.client.until(rb"OK\r\n") == b"\r\n+CSQ: 14,99\r\n\r\nOK\r\n"


def test_settings_survive_a_power_cycle(lab: Lab) -> None:
    lab.client.ok('AT+QIOTCFG="productinfo","pk1","ps1"')
    lab.client.ok('AT+QIOTCFG="lifetime",300')
    lab.client.ok('AT+QIOTCFG="dk_ds","12345678","secret"')
    lab.client.ok('AT+QIOTMCUVER="STM32","1_0_0"')
    lab.power(False)
    lab.boot()
    assert lab.client.ok('AT+QIOTCFG="productinfo"') == b'+QIOTCFG: "productinfo","pk1","ps1","1.0.0"'
    assert lab.client.ok('AT+QIOTCFG="lifetime"') == b'+QIOTCFG: "lifetime",300'
    assert lab.client.ok('AT+QIOTCFG="dk_ds"') == b'+QIOTCFG:"dk_ds","12345678","secret"'
    assert lab.client.ok("AT+QIOTMCUVER?") == b'+QIOTMCUVER: "STM32","1_0_0"'
    assert lab.client.ok('AT+QIOTMCUVER="STM32"') == b'+QIOTMCUVER: "STM32","1_0_0"'
    lab.client.ok('AT+QIOTMCUVER="STM32",""')
    assert lab.client.ok("AT+QIOTMCUVER?") == b""


def test_battery_and_voltage_follow_the_rail(lab: Lab) -> None:
    lab.power(True, 2.65)
    lab.step(1)
    answer = lab.client.ok("AT+CBC").decode()
    percent, millivolts = (int(value) for value in answer.removeprefix("+CBC: 0,").split(","))
    assert 40 <= percent <= 60
    assert 2600 <= millivolts <= 2650


def test_registration_is_told_where_it_was_asked_for(lab: Lab, platform: FakePlatform) -> None:
    del platform
    lab.client.ok("AT+CEREG=1")
    lab.step(5)
    assert lab.client.ok("AT+CEREG?").endswith(b"+CEREG: 1,1")
    assert lab.client.ok("AT+CGATT?") == b"+CGATT: 1"
    lab.on_loop(lambda: lab.radio.set(attached=False))
    lab.client.until(rb"\r\n\+CEREG: 2\r\n")
    assert lab.client.ok("AT+CSQ") == b"+CSQ: 99,99"


@pytest.mark.parametrize("command", ["AT+QRST=1", "AT+CFUN=1,1"])
def test_a_reset_by_command_answers_and_boots_again(lab: Lab, command: str) -> None:
    lab.client.ok(command)
    assert lab.client.until(rb"READY\r\n") == b"\r\nRDY\r\n\r\n+CFUN: 1\r\n\r\n+CPIN: READY\r\n"
    assert lab.truth().boots == 2


def test_powered_down_by_command_it_is_deaf_until_the_power_cycles(lab: Lab) -> None:
    lab.client.ok("AT+QPOWD=1")
    lab.client.until(rb"\r\nPOWERED DOWN\r\n")
    lab.client.write(b"AT\r")
    assert lab.client.silence(0.1) == b""
    assert lab.truth().state == "down"
    lab.power(False)
    lab.boot()


def test_every_command_says_how_it_is_used() -> None:
    for name, command in COMMANDS.items():
        assert command.name == name
        assert any((command.read, command.write, command.execute)), name
        assert bool(command.write) or not command.parameters, name


def test_the_test_imei_has_a_valid_check_digit() -> None:
    assert IMEI[:14] + str(luhn(IMEI[:14])) == IMEI
    assert luhn("49015420323751") == 8


@pytest.mark.parametrize(
    ("model", "sdk", "refused"), [("BC25", "2.2.2", True), ("BC25", "2.2.1", False), ("EC200U", "2.10.5", False)]
)
def test_an_over_long_key_is_refused_or_not_stored_by_version(
    make_lab: Callable[..., Lab], model: str, sdk: str, refused: bool
) -> None:
    lab = make_lab(model, profile={"sdk": sdk})
    lab.power(True, 3.3 if model == "BC25" else 3.8)
    lab.client.until(rb"READY\r\n")
    answer = lab.client.command(f'AT+QIOTCFG="productinfo","{"p" * 33}","ps"')
    assert answer == (b"\r\nERROR\r\n" if refused else b"\r\nOK\r\n")
    assert b'"productinfo","",""' in lab.client.ok('AT+QIOTCFG="productinfo"')


@pytest.mark.parametrize(("sdk", "kept"), [("2.10.3", False), ("2.10.4", True)])
def test_another_server_forgets_the_device_secret_up_to_a_version(
    make_lab: Callable[..., Lab], sdk: str, kept: bool
) -> None:
    lab = make_lab("EC200U", profile={"sdk": sdk}, nvm={"pk": "pk", "ps": "ps", "secret": "s"})
    lab.power(True, 3.8)
    lab.client.until(rb"PB DONE\r\n")
    lab.client.ok('AT+QIOTCFG="server",1,"mqtt://192.0.2.1:1883"')
    lab.client.ok("AT+QIOTREG=1")
    assert (b"1,10200" not in lab.client.until(rb"2,10200\r\n")) == kept
