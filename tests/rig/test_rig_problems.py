"""What is wrong in a rig file is told with file, line, column and what would be right, all at once."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig_texts import HARDWARE, VIRTUAL

from pytest_quecfota import rig as rigs
from pytest_quecfota.errors import RigError


def test_an_unknown_key_names_the_nearest_one(rig_files):
    text = HARDWARE.replace("  port: {url", "  prot: {url")
    assert rig_files.problems(text) == ["bench.yaml:3:3: module.prot: unknown key; did you mean 'port'?"]


VISA = "TCPIP::192.0.2.50::5025::SOCKET"
MISTAKES = {
    # what is written instead of what: where and what is told
    ("BC25", "BC26"): "2:10: module.model: must be a known model, not 'BC26'; did you mean 'BC25'?",
    ("model: BC25", "model: 25"): "2:10: module.model: must be text; write it in quotes",
    ("model: BC25", "mod: BC25"): "2:3: module.mod: unknown key; did you mean 'model'?",
    ("115200", "fast"): "3:39: module.port.baudrate: must be a whole number, not 'fast'; for example 115200",
    ("115200", "1"): "3:39: module.port.baudrate: must be at least 300, not 1; for example 115200",
    ("115200", "true"): "3:39: module.port.baudrate: must be a number, not true or false; for example 115200",
    ("url: /dev/ttyUSB9", "usb_path: COM3"): (
        "3:20: module.port.usb_path: is not written as it should be; for example 1-1.3"
    ),
    ("url: /dev/ttyUSB9, ", ""): "3:9: module.port: needs either url, or usb_path with interface",
    ("/dev/ttyUSB9", "/dev/x, interface: 2"): "3:9: module.port: interface goes with usb_path, not with url",
    ("3.3", "9"): "7:22: supply.nominal.voltage: must lie within the limits 2.1 to 3.6 V, not 9.0",
    ("3.3", "3 A"): (
        "7:22: supply.nominal.voltage: must be a voltage: a number, or text with one of the units mV, V, not '3 A';"
        " for example 3.3"
    ),
    ("min: 2.1", "min: 4"): "8:11: supply.limits: min is not below max",
    ("min: 2.1, ", ""): "8:3: supply.limits.min: missing",
    (VISA, "192.0.2.50"): f"5:9: supply.visa: is not written as it should be; for example {VISA}",
    ("manual", "manaul"): (
        "9:19: developer_center.kind: must be one of 'embedded', 'http', 'manual', not 'manaul'; did you mean 'manual'?"
    ),
    ("{kind: manual}", "{}"): "9:19: developer_center.kind: missing; one of embedded, http, manual",
    ("kind: manual", "kind: embedded"): (
        "9:26: developer_center.kind: embedded exists only on virtual rigs; say kind: http or kind: manual"
    ),
    ("kind: manual", "kind: http, url: ftp://h, token: t"): (
        "9:37: developer_center.url: is not written as it should be; for example http://127.0.0.1:8080"
    ),
    ("kind: manual", "kind: http, url: http://h"): "9:1: developer_center.token: missing",
    (f"  visa: {VISA}\n", ""): f"4:1: supply.visa: missing; for example visa: {VISA}",
    ("  port: {url: /dev/ttyUSB9, baudrate: 115200}\n", ""): (
        "1:1: module.port: missing; for example port: /dev/serial/by-path/…, or virtual: {} for a virtual bench"
    ),
    ("developer_center: {kind: manual}\n", ""): (
        "1:1: developer_center: missing; for example developer_center: {kind: manual}"
    ),
}
ADDITIONS = {
    "safe: 1": (
        "10:1: safe: unknown key; known: allow, controls, cuts_per_run, developer_center, extends, host, mcu, module,"
        " name, place, speed, supply, virtual"
    ),
    "allow: cuts": "10:8: allow: must be a list",
    "allow: [cut]": "10:9: allow.0: must be 'cuts', not 'cut'; did you mean 'cuts'?",
    "cuts_per_run: 0\nallow: [cuts]": "10:15: cuts_per_run: must be above 0, not 0; for example 50",
    "cuts_per_run: 5": "10:15: cuts_per_run: bounds what is not allowed; add allow: [cuts]",
    "host: plaid": "10:7: host: must be 'played' or 'observed', not 'plaid'; did you mean 'played'?",
    "speed: 0": "10:8: speed: must be above 0, not 0; for example 60",
    "speed: 1e999": "10:8: speed: must be a number above 0, or max; for example 60",
    "speed: true": "10:8: speed: must be a number above 0, or max; for example 60",
    f"cuts_per_run: {'9' * 5000}\nallow: [cuts]": None,
    "speed: .inf": "10:8: speed: must be a number, not '.inf'; for example 60",
    "name: two words": "10:7: name: is not written as it should be; for example bench2",
    "mcu: [{component: A, version: a}, {component: A, version: b}]": (
        "10:47: mcu.1.component: is that of mcu.0 too; they are unique"
    ),
    "mcu: [{component: STM32, version: 1.10}]": "10:35: mcu.0.version: must be text; write it in quotes",
    "place: {coordinator: farm, name: x}": (
        "10:22: place.coordinator: is not written as it should be; for example farm:20408"
    ),
    "controls: {reset: {kind: gpoi}}": (
        "10:19: controls.reset.kind: must be one of 'dtr', 'rts', 'gpio', 'command', 'scpi', not 'gpoi';"
        " did you mean 'gpio'?"
    ),
    "controls: {reset: {kind: gpio, line: 1}}": "10:12: controls.reset.chip: missing; for example /dev/gpiochip0",
    "controls: {reset: {kind: gpio, line: 1, chip: a, lime: 2}}": (
        "10:50: controls.reset.lime: unknown key; did you mean 'line'?"
    ),
    "controls: {reset: {kind: rts, hold: 5 minutes}}": (
        "10:37: controls.reset.hold: must be a duration: a number, or text with one of the units"
        " us, µs, ms, s, min, h, d, not '5 minutes'; how long it is pressed; the model's time if left out"
    ),
    "controls: {attenuator: {kind: command, set: [attenuate]}}": (
        "10:45: controls.attenuator.set: one of the words must hold {db}; for example ['attenuate', '{db}']"
    ),
    "name: bench\nname: bench": "11:1: name: stands here a second time; first in line 10",
    "name: !secret x": "10:7: the tag !secret has no meaning here",
    "name: !!python/object:os.system x": "10:7: the tag tag:yaml.org,2002:python/object:os.system has no meaning here",
    "? [a, b]\n: 1": "10:3: a name must be text",
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda pair: f"{pair[0].strip()[:12]}->{pair[1][:12]}")
def test_one_mistake_is_one_line(rig_files, mistake):
    assert mistake[0] in HARDWARE
    assert rig_files.problems(HARDWARE.replace(*mistake, 1)) == [f"bench.yaml:{MISTAKES[mistake]}"]


@pytest.mark.parametrize("added", ADDITIONS, ids=lambda text: text[:40])
def test_what_is_added_wrongly_is_one_line(rig_files, added):
    (problem,) = rig_files.problems(f"{HARDWARE}{added}\n")
    assert problem == f"bench.yaml:{ADDITIONS[added]}" or ADDITIONS[added] is None


@pytest.mark.parametrize(
    "added", ["name: a\n  b: c", "\tname: a", "name: 'a", "name: [a", "name: a: b", "a", "&a", "*a"]
)
def test_what_is_not_yaml_is_said_where_it_stands(rig_files, added):
    (problem,) = rig_files.problems(f"{HARDWARE}{added}\n")
    assert re.match(r"bench\.yaml:1[0-2]:\d+: is not YAML: ", problem)


def test_a_variable_within_braces_wants_quotes(rig_files):
    (problem,) = rig_files.problems(HARDWARE.replace("/dev/ttyUSB9", "${PORT}"))
    assert problem.endswith('inside { } and [ ] write "${NAME}" in quotes')


def test_all_problems_of_a_file_are_told_at_once(rig_files):
    text = """\
    name: bench
    module:
      model: BC29
      prot: /dev/ttyUSB0
      product_key: ${QUEC_PK}
      imei: "12"
    supply:
      visa: TCPIP::192.0.2.50::5025::SOCKET
      profile: keysight-e36300
      nominal: {voltage: 5.0, current_limit: 1.0}
      limits: {min: 2.1, max: 3.6}
    allow: [cats]
    speeed: 2
    developer_center: {kind: manual, plans: [{component: BC25, package_type: delta, target_version: B}]}
    """
    assert rig_files.problems(text) == [
        "bench.yaml:4:3: module.prot: unknown key; did you mean 'port'?",
        "bench.yaml:5:16: module.product_key: the environment variable QUEC_PK is not set; export QUEC_PK=…",
        "bench.yaml:6:9: module.imei: is not written as it should be; for example 866123450000017",
        "bench.yaml:12:9: allow.0: must be 'cuts', not 'cats'; did you mean 'cuts'?",
        "bench.yaml:13:1: speeed: unknown key; did you mean 'speed'?",
        "bench.yaml:14:42: developer_center.plans.0.source_version: missing, and a delta package applies to one version only",
    ]  # fmt: skip


def test_a_part_that_is_right_is_checked_against_others_though_a_third_is_wrong(rig_files):
    text = HARDWARE.replace("voltage: 3.3", "voltage: 5") + "host: none\n"
    assert [line.split(": ")[1] for line in rig_files.problems(text)] == ["supply.nominal.voltage", "host"]


class TestVirtualRigs:
    def test_have_no_addresses_of_their_own(self, rig_files):
        text = VIRTUAL.replace("model: BC25", "model: BC25, port: /dev/x").replace(
            "supply: {", "supply: {visa: 'TCPIP::h::1::SOCKET', "
        )
        assert [line.split(": ", 1)[1] for line in rig_files.problems(text)] == [
            "module.port: a virtual rig has no port of its own; leave it out, the plugin fills it in",
            "supply.visa: a virtual rig has no supply of its own; leave it out, the plugin fills it in",
        ]

    def test_bring_their_own_platform(self, rig_files):
        text = VIRTUAL + "developer_center: {kind: http, url: 'http://h:1', token: t}\n"
        assert rig_files.problems(text) == [
            "bench.yaml:4:26: developer_center.kind: a virtual rig brings its own;"
            " leave developer_center out, or say kind: embedded"
        ]

    def test_are_not_told_where_it_runs(self, rig_files):
        text = VIRTUAL + "developer_center: {kind: embedded, url: 'http://h:1'}\n"
        assert "the plugin fills url and token" in rig_files.problems(text)[0]

    def test_say_their_speed_in_their_own_section(self, rig_files):
        assert rig_files.problems(VIRTUAL + "speed: 2\n") == [
            "bench.yaml:4:8: speed: is for a simulated bench that is not ours; on this rig say virtual: {speed: …}"
        ]


def test_unconfirmed_limits_are_asked_for_on_hardware(rig_files):
    text = HARDWARE.replace("  limits: {min: 2.1, max: 3.6}\n", "")
    assert rig_files.problems(text) == [
        "bench.yaml:4:1: supply.limits: missing, and nobody has confirmed those of BC25: 2.1 to 3.63 V"
        " (BC26 class, from memory); look them up in its hardware design and write limits: {min: …, max: …}"
    ]


def test_a_tap_needs_an_observed_host(rig_files):
    text = HARDWARE.replace("model: BC25", "model: BC25\n  tap: /dev/ttyUSB3")
    assert "say host: observed" in rig_files.problems(text)[0]


@pytest.mark.parametrize(
    ("profile", "problem"),
    [
        ("{sucess_event: after-restart}", "unknown option; did you mean 'success_event'?"),
        ("{success_event: later}", "must be 'before-restart', 'after-restart' or 'after-reconnect'"),
    ],
)  # fmt: skip
def test_an_option_of_the_model_is_checked(rig_files, profile, problem):
    found = rig_files.problems(HARDWARE.replace("model: BC25", f"model: BC25\n  profile: {profile}"))
    assert [line.split(": ", 2)[2] for line in found] == [problem]


class TestExtends:
    def test_points_at_the_file_where_the_value_stands(self, rig_files):
        base = HARDWARE.replace("channel: 1", "").replace("voltage: 3.3", "voltage: high")
        found = rig_files.problems("name: x\nextends: base.yaml\nhots: played\n", base=base)
        assert [line.split(": ")[0] for line in found] == ["base.yaml:7:22", "bench.yaml:3:1"]

    def test_names_what_is_missing_where_its_map_stands_last(self, rig_files):
        found = rig_files.problems(
            "extends: base.yaml\nsupply: {channel: 2}\n", base=HARDWARE.replace("  profile: keysight-e36300\n", "")
        )
        assert found == ["bench.yaml:2:1: supply.profile: missing; for example keysight-e36300"]

    def test_of_a_file_that_is_not_there(self, rig_files):
        assert rig_files.problems("extends: bse.yaml\nmodule: {model: BC25}\n", base="allow: []\n") == [
            "bench.yaml:1:10: extends: no file rigs/bse.yaml; there are base.yaml, bench.yaml"
        ]

    def test_in_a_circle(self, rig_files):
        found = rig_files.problems("extends: a.yaml\n", a="extends: b.yaml\n", b="extends: a.yaml\n")
        assert found == [
            "b.yaml:1:10: extends: goes round in a circle: rigs/bench.yaml -> rigs/a.yaml -> rigs/b.yaml -> rigs/a.yaml"
        ]

    def test_of_itself(self, rig_files):
        assert "circle" in rig_files.problems("extends: bench.yaml\n")[0]

    @pytest.mark.parametrize("value", ["[a.yaml]", "3", "''", "{a: b}"])
    def test_of_what_is_no_file_name(self, rig_files, value):
        assert rig_files.problems(f"extends: {value}\n")[0].startswith("bench.yaml:1:10: extends: names one file")


class TestFiles:
    @pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
    def test_empty(self, rig_files, text):
        (problem,) = rig_files.problems(text)
        assert problem.partition(": ")[2] == "is empty; a rig needs at least `module:`"

    @pytest.mark.parametrize("text", ["- a\n", "text\n"])
    def test_that_are_no_map(self, rig_files, text):
        assert rig_files.problems(text)[0].startswith("bench.yaml:1:1: a rig file is a map of names to values")

    def test_of_nothing_else_than_an_empty_map(self, rig_files):
        assert (
            "bench.yaml:1:1: module: missing; for example module: {model: BC25, port: /dev/ttyUSB0}"
            in rig_files.problems("{}")
        )

    def test_that_are_not_text(self, rig_files):
        path = rig_files.write("")
        path.write_bytes(b"module: \xff\xfe\n")
        with pytest.raises(RigError, match=r"rigs/bench.yaml:1:1: is not UTF-8 text: byte 8 is wrong"):
            rigs.load(path, environ={})

    def test_with_control_characters(self, rig_files):
        assert "is not YAML" in rig_files.problems("module: \x07\n")[0]

    def test_that_are_nested_without_end(self, rig_files):
        assert any("nested too deeply" in line for line in rig_files.problems("module: " + "[" * 5000))

    def test_of_two_documents(self, rig_files):
        assert rig_files.problems("a: 1\n---\nb: 2\n")[0].startswith("bench.yaml:2:1: is not YAML")

    def test_that_refer_to_themselves(self, rig_files):
        assert any("refers to itself" in line for line in rig_files.problems("module: &a {model: *a}\n"))

    def test_that_unfold_without_end(self, rig_files):
        laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
        )
        assert any("far too large" in line for line in rig_files.problems(laughs))


class TestSecrets:
    SECRET = "s3cr3t-of-the-product"

    @pytest.mark.parametrize(
        "text",
        [
            HARDWARE.replace("model: BC25", "model: BC25\n  product_secret: [s3cr3t-of-the-product]"),
            HARDWARE.replace("model: BC25", "model: BC25\n  product_secrt: s3cr3t-of-the-product"),
            HARDWARE.replace("baudrate: 115200", "baudrate: '${PS}'"),
            HARDWARE.replace("model: BC25", "model: BC25\n  product_key: '${PS}${PS}${PS}${PS}'"),
            HARDWARE.replace("voltage: 3.3", "voltage: '${PS}'"),
            HARDWARE.replace("kind: manual", "kind: http, url: '${PS}', token: t"),
            HARDWARE.replace("kind: manual", "kind: '${PS}'"),
            HARDWARE.replace("model: BC25", "model: '${PS}'"),
            HARDWARE + "host: '${PS}'\n",
            HARDWARE.replace("model: BC25", "model: BC25\n  profile: {success_event: '${PS}'}"),
        ],
    )
    def test_never_stand_in_an_error(self, rig_files, text):
        assert self.SECRET not in "\n".join(rig_files.problems(text, {"PS": self.SECRET}))


KEYS = st.sampled_from(
    ["name", "module", "model", "port", "supply", "virtual", "extends", "mcu", "url", "kind", "x", "profile", "plans"]
)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=8), st.just("${X")
)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.dictionaries(KEYS, TREES, max_size=6))
def test_whatever_stands_in_a_file_is_told_in_lines(rig_files, tree):
    with pytest.raises(RigError) as caught:
        rig_files.load(json.dumps({**tree, "host": 1}))
    assert all(re.match(r"rigs/bench\.yaml:\d+:\d+: \S", line) for line in caught.value.problems)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=60))
def test_whatever_text_a_file_holds_only_a_rig_error_comes_of_it(rig_files, text):
    with pytest.raises(RigError):
        rig_files.load(text)


TAPPED = HARDWARE.replace("model: BC25", "model: BC25\n  tap: /dev/ttyUSB3") + "host: observed\n"


def test_an_observed_host_with_its_tap_is_right(rig_files):
    rig = rig_files.load(TAPPED)
    assert (rig.host, rig.module.tap.url) == ("observed", "/dev/ttyUSB3")
    assert "observed" in rig.capabilities()
    assert "played" not in rig.capabilities()


def test_an_observed_host_needs_the_line_of_its_commands(rig_files):
    (problem,) = rig_files.problems(HARDWARE + "host: observed\n")
    assert "module.tap: " in problem
    assert "host -> module" in problem
    assert "for example tap:" in problem


def test_a_virtual_bench_has_no_mcu_to_observe(rig_files):
    text = VIRTUAL.replace("model: BC25", "model: BC25, tap: /dev/ttyUSB3") + "host: observed\n"
    assert any("a virtual rig has no MCU of its own" in problem for problem in rig_files.problems(text))


def test_an_observed_device_is_named_where_the_platform_is_asked(rig_files):
    manual = TAPPED[: TAPPED.index("developer_center:")]
    center = "developer_center: {kind: http, url: 'http://127.0.0.1:1', token: t}\nhost: observed\n"
    (problem,) = rig_files.problems(manual + center)
    assert "module.imei" in problem
    assert "give its IMEI" in problem
