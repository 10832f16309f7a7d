"""What is right in a rig file becomes a Rig."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from rig_texts import HARDWARE, VIRTUAL

from pytest_quecfota import rig as rigs
from pytest_quecfota.errors import RigError

SHIPPED = Path(__file__).parents[2] / "rigs"
SECRETS = {"QUEC_PK": "p111Uv", "QUEC_PS": "eW13SkhKRUdldUEz"}

DESIGN_EXAMPLE = """\
name: bench2
module:
  model: BC25
  port: {url: /dev/serial/by-id/usb-FTDI_TTL232R-3V3_FT9ABCDE-if00-port0, baudrate: 115200}
  product_key: ${QUEC_PK}
  product_secret: ${QUEC_PS}
  imei: "866123450000017"
  tap: {url: /dev/ttyUSB3, baudrate: 115200}
  profile: {success_event: after-restart}
supply:
  visa: TCPIP::192.0.2.50::5025::SOCKET
  profile: keysight-e36300
  channel: 1
  nominal: {voltage: 3.3, current_limit: 1.0}
  limits: {min: 2.1, max: 3.6}
  safe_state: nominal
allow: [cuts]
controls: {}
developer_center:
  kind: manual
  plans:
    - {component: BC25, package_type: full, source_version: "", target_version: BC25_FOTA_V2_0, min_battery: 30,
       min_signal: -113, size: 2563}
    - {component: BC25, package_type: full, source_version: "", target_version: BC25_FOTA_V1_0, min_battery: 30,
       min_signal: -113, size: 2563}
mcu: [{component: STM32, version: "1_0_0"}]
host: observed
speed: 1
extends: base.yaml
place: {coordinator: "farm:20408", name: bench2}
"""


def test_the_example_of_the_design_loads(rig_files):
    rig = rig_files.load(DESIGN_EXAMPLE, SECRETS, base="cuts_per_run: 20\n")
    assert rig.name == "bench2"
    assert rig.module.port.url.endswith("if00-port0")
    assert rig.module.product_secret.get_secret_value() == "eW13SkhKRUdldUEz"
    assert rig.product() == ("p111Uv", "eW13SkhKRUdldUEz")
    assert (rig.supply.nominal.voltage, rig.supply.limits.max, rig.supply.safe_state) == (3.3, 3.6, "nominal")
    assert [plan.target_version for plan in rig.developer_center.plans] == ["BC25_FOTA_V2_0", "BC25_FOTA_V1_0"]
    assert (rig.mcu[0].component, rig.mcu[0].version) == ("STM32", "1_0_0")
    assert (rig.cuts_per_run, rig.allow, rig.place.name) == (20, ("cuts",), "bench2")
    assert (rig.is_virtual, rig.is_hardware, rig.needs_bench) == (False, True, False)


@pytest.mark.parametrize("name", ["virtual", "virtual-cellular"])
def test_a_shipped_virtual_rig_loads_without_any_environment(name):
    rig = rigs.load(name, SHIPPED, environ={})
    assert (rig.name, rig.is_virtual, rig.needs_bench, rig.is_hardware) == (name, True, True, False)
    assert rig.capabilities() >= {"supply", "cuts", "battery", "mcu", "monitoring", "plans", "virtual"}
    assert rig.speed == 60


def test_the_shipped_bench_loads_when_its_variables_are_set():
    rig = rigs.load("bench2", SHIPPED, environ=SECRETS)
    assert rig.capabilities() == {"supply", "cuts", "battery", "mcu", "hardware", "played"}


def test_the_shipped_bench_names_the_variables_it_wants():
    with pytest.raises(RigError) as caught:
        rigs.load("bench2", SHIPPED, environ={})
    assert [line.partition("module.")[2] for line in caught.value.problems] == [
        "product_key: the environment variable QUEC_PK is not set; export QUEC_PK=…",
        "product_secret: the environment variable QUEC_PS is not set; export QUEC_PS=…",
    ]


def test_the_stem_is_the_name_where_none_is_given(rig_files):
    assert rig_files.load(HARDWARE).name == "bench"


def test_a_rig_is_found_by_stem_and_by_path(rig_files):
    path = rig_files.write(HARDWARE, "a.yaml")
    assert rigs.load("a", environ={}) == rigs.load(path, environ={}) == rigs.load(path.absolute(), environ={})


def test_secrets_show_nowhere(rig_files):
    rig = rig_files.load(DESIGN_EXAMPLE, SECRETS, base="allow: []\n")
    for text in (repr(rig), str(rig), rig.model_dump_json(), repr(rig.model_dump())):
        assert not any(secret in text for secret in SECRETS.values())
    assert sorted(rig.secrets()) == sorted(SECRETS.values())


def test_a_rig_cannot_be_changed(rig_files):
    rig = rig_files.load(HARDWARE)
    with pytest.raises(ValueError, match="frozen"):
        rig.supply.nominal.voltage = 9.0


@pytest.mark.parametrize(("written", "speed"), [("60", 60), ("0.5", 0.5), ("max", math.inf)])
def test_the_speed_of_a_virtual_bench_is_the_rigs(rig_files, written, speed):
    assert rig_files.load(VIRTUAL.replace("speed: 60", f"speed: {written}")).speed == speed


def test_a_simulated_bench_of_somebody_else_runs_faster_and_is_no_hardware(rig_files):
    rig = rig_files.load(HARDWARE + "speed: 10\n")
    assert (rig.speed, rig.is_virtual, rig.is_hardware) == (10, False, False)


def test_a_virtual_rig_takes_the_limits_of_its_model(rig_files):
    assert rig_files.load(VIRTUAL).supply.limits.model_dump() == {"min": 2.1, "max": 3.63}


@pytest.mark.parametrize("written", ["off", '"off"'])
def test_off_means_off_and_not_false(rig_files, written):
    rig = rig_files.load(HARDWARE + "extends: base.yaml\n", base=f"supply: {{safe_state: {written}}}\n")
    assert rig.supply.safe_state == "off"


@pytest.mark.parametrize(
    ("written", "value"),
    [("3.3", 3.3), ("3", 3.0), ('"3.3 V"', 3.3), ("3300 mV", 3.3), ('"3.3"', 3.3)],
)
def test_a_voltage_may_carry_its_unit(rig_files, written, value):
    rig = rig_files.load(HARDWARE.replace("voltage: 3.3", f"voltage: {written}"))
    assert rig.supply.nominal.voltage == pytest.approx(value)


@pytest.mark.parametrize("version", ["1_0_0", "1.2.3", '"01"', "0x", "yes", "2026-11-01", "v2"])
def test_a_version_that_yaml_takes_for_something_else_stays_text(rig_files, version):
    rig = rig_files.load(HARDWARE + f"mcu: [{{component: STM32, version: {version}}}]\n")
    assert rig.mcu[0].version == version.strip('"')


@pytest.mark.parametrize(
    ("port", "shown"),
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("{url: 'rfc2217://farm:4011?ign_set_control'}", "rfc2217://farm:4011?ign_set_control"),
        ('{usb_path: "1-1.3", interface: 2}', "usb 1-1.3 interface 2"),
    ],
)
def test_a_port_is_a_path_a_url_or_a_place_on_a_hub(rig_files, port, shown):
    rig = rig_files.load(HARDWARE.replace("{url: /dev/ttyUSB9, baudrate: 115200}", port))
    assert str(rig.module.port) == shown
    assert rig.module.port.baudrate == 115200


class TestExtends:
    def test_merges_maps_and_replaces_lists(self, rig_files):
        base = (
            HARDWARE.replace("kind: manual", "kind: http, url: http://a:1, token: t")
            + "allow: [cuts]\nmcu: [{component: A, version: a}]\n"
        )
        rig = rig_files.load("extends: base.yaml\nsupply: {channel: 2}\nmcu: [{component: B, version: b}]\n", base=base)
        assert (rig.supply.channel, rig.supply.profile) == (2, "keysight-e36300")
        assert [part.component for part in rig.mcu] == ["B"]
        assert rig.allow == ("cuts",)

    def test_goes_over_several_files(self, rig_files):
        rig = rig_files.load(
            "extends: b.yaml\nname: top\n", b="extends: c.yaml\nname: middle\n", c=HARDWARE + "host: played\n"
        )
        assert (rig.name, rig.host) == ("top", "played")

    def test_needs_no_variable_that_the_rig_overrides(self, rig_files):
        base = HARDWARE.replace("model: BC25", "model: BC25\n  product_key: ${UNSET}")
        assert rig_files.load("extends: base.yaml\nmodule: {product_key: pk}\n", base=base).product()[0] == "pk"


class TestVariables:
    def test_may_have_a_default(self, rig_files):
        text = HARDWARE.replace("/dev/ttyUSB9", "'${PORT:-/dev/ttyUSB7}'")
        assert rig_files.load(text).module.port.url == "/dev/ttyUSB7"
        assert rig_files.load(text, {"PORT": ""}).module.port.url == "/dev/ttyUSB7"
        assert rig_files.load(text, {"PORT": "/dev/ttyS1"}).module.port.url == "/dev/ttyS1"

    def test_may_stand_within_text_and_for_numbers(self, rig_files):
        text = HARDWARE.replace("192.0.2.50::5025", "${HOST}::${PORT}").replace(
            "baudrate: 115200", "baudrate: '${BAUD}'"
        )
        rig = rig_files.load(text, {"HOST": "10.0.0.1", "PORT": "5025", "BAUD": "9600"})
        assert (rig.supply.visa, rig.module.port.baudrate) == ("TCPIP::10.0.0.1::5025::SOCKET", 9600)

    def test_can_be_escaped(self, rig_files):
        rig = rig_files.load(HARDWARE.replace("model: BC25", "model: BC25\n  product_key: a$${X}$b"))
        assert rig.product()[0] == "a${X}$b"

    def test_cannot_smuggle_yaml_in(self, rig_files):
        rig = rig_files.load(HARDWARE.replace("/dev/ttyUSB9", "'${PORT}'"), {"PORT": "x, baudrate: 1}"})
        assert rig.module.port.url == "x, baudrate: 1}"


class TestCapabilities:
    def test_come_from_what_the_rig_has(self, rig_files):
        assert rig_files.load(HARDWARE).capabilities() == {"supply", "hardware", "played"}
        bare = "module: {model: BC25, port: /dev/x}\ndeveloper_center: {kind: http, url: 'http://h:1', token: t}\n"
        assert rig_files.load(bare).capabilities() == {"monitoring", "plans", "hardware", "played"}

    def test_a_cut_needs_the_rigs_word(self, rig_files):
        assert "cuts" in rig_files.load(HARDWARE + "allow: [cuts]\n").capabilities()

    def test_controls_count(self, rig_files):
        controls = """\
controls:
  pwrkey: {kind: dtr, hold: 700 ms}
  reset: {kind: gpio, chip: /dev/gpiochip0, line: 4, active_low: true}
  power: {kind: command, press: [usbrelay, R_1=1], release: [usbrelay, R_1=0]}
  attenuator: {kind: scpi, visa: "TCPIP::192.0.2.9::23::SOCKET", set: ":SETATT={db}", max_db: 90}
"""
        rig = rig_files.load(HARDWARE + controls)
        assert rig.capabilities() >= {"pwrkey", "reset", "attenuator"}
        assert rig.controls.pwrkey.hold == pytest.approx(0.7)

    def test_are_all_known_by_name(self, rig_files):
        assert rig_files.load(HARDWARE).capabilities() <= set(rigs.CAPABILITIES)


class TestFinding:
    def test_lists_rigs_and_leaves_out_bases(self, rig_files):
        rig_files.write(HARDWARE, "b.yaml")
        rig_files.write("extends: b.yaml\n", "a.yml")
        rig_files.write("allow: [cuts]\n", "base.yaml")
        rig_files.write("no rig", "notes.txt")
        assert [path.name for path in rigs.find()] == ["a.yml", "b.yaml"]

    def test_an_unknown_name_lists_the_rigs_with_their_descriptions(self, rig_files):
        rig_files.write(VIRTUAL, "sim.yaml")
        rig_files.write(HARDWARE.replace("model: BC25", "model: BC25\n  product_key: ${QUEC_PK}"), "bench.yaml")
        with pytest.raises(RigError) as caught:
            rigs.load("bensh")
        assert str(caught.value).splitlines() == [
            "no rig called 'bensh'; did you mean 'bench'?",
            "rigs in rigs:",
            "  bench  BC25, on /dev/ttyUSB9, keysight-e36300, Developer Center manual",
            "  sim    BC25, virtual, speed 60, keysight-e36300, Developer Center embedded",
        ]

    def test_a_folder_that_is_not_there_is_said(self, rig_files):
        with pytest.raises(RigError, match="no rig files in nowhere"):
            rigs.load("bench", "nowhere")

    def test_a_path_that_is_not_there_is_said(self, rig_files):
        rig_files.write(HARDWARE)
        with pytest.raises(RigError, match=r"no rig file rigs/other.yaml\nrigs in rigs:\n  bench"):
            rigs.load("rigs/other.yaml")

    def test_a_broken_file_is_described_too(self, rig_files):
        path = rig_files.write("module: [1, 2]\nvirtual: 3\n")
        assert rigs.describe(path) == "no model, without a port, no supply, Developer Center embedded"


class TestJsonSchema:
    def test_names_every_key_of_a_rig_file(self):
        schema = rigs.json_schema()
        assert set(schema["properties"]) == {*rigs.Rig.model_fields, "extends"}
        assert schema["required"] == ["module"]
        json.dumps(schema)

    def test_hides_what_the_plugin_fills_in(self):
        embedded = rigs.json_schema()["$defs"]["Embedded"]["properties"]
        assert set(embedded) == {"kind"}
