"""Profiles of users and of other packages: beside the rig file, by entry point, by hook; wrong ones are told with their place."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from rig_texts import HARDWARE, VIRTUAL

from pytest_quecfota import rig as rigs
from pytest_quecfota.errors import RigError
from pytest_quecfota.power import load_profile, profile_names
from pytest_quecfota.power.profiles import shelf
from pytest_quecfota.rig import bench_document, supply_profiles

OWN = """\
extends: keysight-e36300
name: my-supply
title: My supply
identify: '(?i)mine'
commands:
  on: "OUTP:STAT 1,(@{channel})"
"""


@pytest.fixture(autouse=True)
def empty_shelf() -> Iterator[None]:
    supply_profiles.take_from_packages.cache_clear()
    yield
    shelf.clear()
    supply_profiles.take_from_packages.cache_clear()


@pytest.fixture
def own(rig_files) -> Path:
    """A profile beside the rig files."""
    return rig_files.write(OWN, "my-supply.yaml")


def rig_with(rig_files, profile: str, text: str = HARDWARE) -> rigs.Rig:
    return rig_files.load(text.replace("profile: keysight-e36300", f"profile: {profile}"))


def problems_of(rig_files, text: str) -> list[str]:
    path = rig_files.write(text, "my-supply.yaml")
    with pytest.raises(RigError) as caught:
        supply_profiles.read(path)
    return [line.removeprefix("rigs/my-supply.yaml:") for line in caught.value.problems]


class TestAFileBesideTheRigFile:
    def test_says_only_what_is_different(self, rig_files, own):
        rig = rig_with(rig_files, "my-supply.yaml")
        profile = supply_profiles.find(rig.supply.profile)
        assert (profile.name, profile.title) == ("my-supply", "My supply")
        assert profile.message("on", channel=2) == "OUTP:STAT 1,(@2)"
        assert profile.message("off", channel=2) == "OUTP OFF,(@2)"
        assert profile.list_engine == load_profile("keysight-e36300").list_engine

    def test_is_found_wherever_the_run_is_started(self, rig_files, own, monkeypatch, tmp_path):
        rig = rig_with(rig_files, "./my-supply.yaml")
        monkeypatch.chdir("/")
        assert supply_profiles.find(rig.supply.profile).name == "my-supply"

    def test_is_sought_beside_the_file_that_names_it(self, rig_files):
        (rig_files.root / "rigs" / "farm").mkdir(parents=True)
        rig_files.write(OWN, "farm/my-supply.yaml")
        base = (
            "supply: {profile: my-supply.yaml, nominal: {voltage: 3.3, current_limit: 1}, limits: {min: 2, max: 4}}\n"
        )
        rig_files.write(base, "farm/base.yaml")
        text = (
            "extends: farm/base.yaml\n" + HARDWARE.partition("supply:")[0] + "supply: {visa: 'TCPIP::h::1::SOCKET'}\n"
        )
        rig = rig_files.load(text + "developer_center: {kind: manual}\n")
        assert rig.supply.profile == str(Path.cwd() / "rigs/farm/my-supply.yaml")

    def test_that_is_not_there_is_told_at_the_place_that_names_it(self, rig_files):
        text = HARDWARE.replace("profile: keysight-e36300", "profile: mine.yaml")
        assert rig_files.problems(text) == [
            "bench.yaml:6:12: supply.profile: no file rigs/mine.yaml; it is sought beside the rig file"
        ]

    def test_that_is_wrong_is_told_with_its_own_place_beside_the_rigs_own_mistakes(self, rig_files):
        rig_files.write(OWN.replace("commands:", "comands:"), "my-supply.yaml")
        text = HARDWARE.replace("profile: keysight-e36300", "profile: my-supply.yaml\n  chanel: 1")
        assert rig_files.problems(text) == [
            "bench.yaml:7:3: supply.chanel: unknown key; did you mean 'channel'?",
            "my-supply.yaml:5:1: comands: unknown key; did you mean 'commands'?",
        ]

    def test_powers_a_virtual_rig_as_the_family_it_extends(self, rig_files):
        rig_files.write("extends: rs-hmp4040\ntitle: Ours\n", "my-supply.yaml")
        rig = rig_with(rig_files, "my-supply.yaml", VIRTUAL)
        assert bench_document.document(rig)["supply"]["profile"] == "rs-hmp4040"


MISTAKES = {
    # what the file says beside `extends`: where and what is told
    "colour: grey": "3:1: colour: unknown key; known: answers, battery,",
    "list: {min_dwel: 1}": "3:8: list.min_dwel: unknown key; did you mean 'min_dwell'?",
    "list: {max_steps: many}": "3:19: list.max_steps: must be a whole number, not 'many'",
    "list: {min_dwell: 0}": "3:19: list.min_dwell: must be above 0, not 0",
    "list: {min_dwell: 4000}": "3:7: list: max_dwell 3600 s is below min_dwell 4000 s",
    "list: {dwell_resolution: 1}": "3:7: list: dwell_resolution 1 s is above min_dwell 0.01 s",
    "list: {load: ['INIT']}": "3:7: list: load names no levels: it needs {voltages} and {dwells}, or {points} with `point`",
    "channels: 0": "3:11: channels: must be at least 1, not 0",
    "identify: '('": "3:11: identify: not a regular expression: missing ), unterminated subpattern at position 0",
    "commands: {voltage: 'VOLT {volts}'}": "3:21: commands.voltage: nobody fills in {volts}; there are {channel},",
    "commands: {voltage: 'VOLT {voltage'}": "3:21: commands.voltage: not a template: ",
    'commands: {voltage: "VOLT {voltage}\\n"}': "3:21: commands.voltage: a message is printable ASCII; line ends are",
    "commands: {error: null, read_output: null}": "3:11: commands: without `error` a supply proves its switch by",
    "commands: {voltage: 5}": "3:21: commands.voltage: must be text; write it in quotes",
    "answers: {read_volts: {length: 5}}": "3:23: answers.read_volts: is asked by nobody; there are read_voltage,",
    "answers: {read_output: {word: hex}}": "3:24: answers.read_output: word and bits go together",
    "answers: {read_output: {word: hx, bits: {1: 1}}}": "3:31: answers.read_output.word: must be 'decimal', 'hex' or",
    "transport: {command_gap: -1}": "3:26: transport.command_gap: must be at least 0, not -1",
    "transport: {kinds: [TCP]}": "3:21: transport.kinds.0: must be 'SOCKET', 'HISLIP',",
    "transport: {serial: {baudrate: 7}}": "3:32: transport.serial.baudrate: must be at least 300, not 7",
    "protection: {over_voltage: {set: ['VOLT:PROT {volts}']}}": "3:34: protection.over_voltage.set: nobody fills in {volts};",
    "protection: {over_power: {}}": "3:14: protection.over_power: unknown key; did you mean 'over_",
    "never: {'VOLT': because}": "never` forbids it (VOLT: because)",
    "carriers: [{pattern: 'VOLT (.*)'}]": "3:22: carriers.0.pattern: the pattern needs a group named volts: (?P<volts>…)",
    "compound: null\nlist: {start: 'INIT;*TRG'}": "4:15: list.start: two commands in one message, and `compound: null`",
    "battery: {kind: table, stop: []}": "3:10: battery: kind: table needs `point` and `max_points`",
}


@pytest.mark.parametrize("wrong", MISTAKES)
def test_a_mistake_in_a_profile_is_one_error_with_its_place_and_what_would_be_right(rig_files, wrong):
    found = problems_of(rig_files, f"extends: keysight-e36300\nname: my-supply\n{wrong}\n")
    assert len(found) == 1, found
    assert MISTAKES[wrong] in found[0]


def test_what_it_may_not_extend_is_told_with_the_nearest(rig_files):
    assert problems_of(rig_files, "extends: keysight-e3630\nname: a1\n") == [
        "1:10: extends: no file rigs/keysight-e3630; did you mean 'keysight-e36300'?"
    ]


def test_a_file_that_says_too_little_lists_all_that_is_missing(rig_files):
    missing = [line.partition(": ")[2] for line in problems_of(rig_files, "name: my-supply\n")]
    assert missing == [f"{name}: missing" for name in ("channels", "commands", "identify", "title", "transport")]


def test_an_empty_file_says_what_is_needed(rig_files):
    assert problems_of(rig_files, "") == ["1:1: is empty; a supply profile needs at least `extends:` and `name:`"]


@pytest.mark.parametrize("name", profile_names())
def test_every_shipped_profile_is_right_by_the_rules_for_rig_files_too(name):
    """YAML 1.2 and the strict reader find nothing either."""
    assert supply_profiles.read(Path(supply_profiles.FOLDER) / f"{name}.yaml") == load_profile(name)


# -- of other packages -----------------------------------------------------------------------------


class TestOtherPackages:
    def entry(self, monkeypatch, found: object) -> None:
        entry = SimpleNamespace(load=lambda: found, value="lab_supplies:profiles")
        real = importlib.metadata.entry_points
        monkeypatch.setattr(
            importlib.metadata,
            "entry_points",
            lambda **k: [entry] if k["group"] == supply_profiles.GROUP else real(**k),
        )

    @pytest.mark.parametrize("given", ["folder", "list", "function"])
    def test_bring_folders(self, rig_files, own, monkeypatch, given):
        folder = own.parent
        self.entry(monkeypatch, {"folder": folder, "list": [str(folder)], "function": lambda: folder}[given])
        rig = rig_with(rig_files, "my-supply")
        (rig_files.root / "rigs" / "bench.yaml").unlink()
        assert supply_profiles.find(rig.supply.profile).title == "My supply"

    def test_bring_mappings(self, rig_files, monkeypatch):
        whole = load_profile("korad-ka3005p").model_dump(by_alias=True)
        self.entry(monkeypatch, {"lab-korad": {**whole, "name": "lab-korad", "title": "Ours"}})
        assert supply_profiles.find("lab-korad").title == "Ours"

    def test_are_told_what_is_wrong_in_theirs(self, monkeypatch):
        whole = load_profile("korad-ka3005p").model_dump(by_alias=True)
        self.entry(monkeypatch, {"lab-korad": {**whole, "name": "lab-korad", "chanels": 1}})
        with pytest.raises(RigError) as caught:
            supply_profiles.find("lab-korad")
        (told,) = caught.value.problems
        assert told == (
            "<entry point lab_supplies:profiles: lab-korad>:1:1: chanels: unknown key; did you mean 'channels'?"
        )

    def test_are_told_that_their_folder_is_not_there(self, monkeypatch, tmp_path):
        self.entry(monkeypatch, tmp_path / "none")
        with pytest.raises(RigError, match="lab_supplies:profiles: no folder of supply profiles"):
            supply_profiles.find("korad-ka3005p")

    def test_stand_in_the_list_of_what_there_is(self, own, monkeypatch):
        self.entry(monkeypatch, own.parent)
        with pytest.raises(ValueError, match=r"did you mean 'my-supply'\?.*There are: .*keysight-e36300.*my-supply"):
            supply_profiles.find("my-suply")


HOOK = """
from pathlib import Path

def pytest_quecfota_supply_profiles():
    return Path(__file__).parent / "supplies"
"""


def test_what_a_hook_brings_is_read_before_a_test_runs_and_told_where_it_is_wrong(pytester):
    pytester.makeconftest(HOOK)
    folder = pytester.mkdir("supplies")
    pytester.mkdir("rigs")
    rig = VIRTUAL.replace("keysight-e36300", "my-supply")
    (pytester.path / "rigs" / "one.yaml").write_text(rig)
    (folder / "my-supply.yaml").write_text(OWN.replace("title", "titel"))
    result = pytester.runpytest_subprocess("--rig", "one")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*my-supply.yaml:3:1: titel: unknown key; did you mean 'title'?*"])


def test_what_a_hook_brings_is_found_by_name(own):
    supply_profiles.take([own.parent], "a hook")
    assert supply_profiles.find("my-supply").title == "My supply"


# -- what the rig file says of protections -------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            "over_voltage: 3.6",
            "supply.over_voltage: must lie above the upper limit of 3.6 V, or it switches off in the middle of a test, "
            "not 3.6; leave it out for 5 % above",
        ),
        (
            "over_current: 1",
            "supply.over_current: must lie above the nominal current limit of 1 A, not 1.0; leave it out for 10 % above",
        ),
        ("over_voltage: 0", "supply.over_voltage: must be above 0, not 0"),
        ("over_current: much", "supply.over_current: must be a current: a number, or text with one of the units mA, A"),
    ],
)
def test_protections_below_what_they_protect_are_told(rig_files, more, told):
    (line,) = rig_files.problems(HARDWARE.replace("  nominal:", f"  {more}\n  nominal:"))
    assert line.startswith(f"bench.yaml:7:{line.split(':')[2]}: {told}"), line


def test_protections_may_stand_in_a_rig_file(rig_files):
    rig = rig_files.load(HARDWARE.replace("  nominal:", "  over_voltage: 3900 mV\n  over_current: 1.5\n  nominal:"))
    assert (rig.supply.over_voltage, rig.supply.over_current) == (3.9, 1.5)


def test_a_query_that_an_instrument_does_not_know_is_taken_away_by_null(rig_files):
    text = "extends: keysight-n6705c\nname: ours-1\nprotection: {over_voltage: {tripped: null}}\n"
    guard = supply_profiles.read(rig_files.write(text, "ours.yaml")).protection.over_voltage
    assert guard.tripped is None
    assert guard.set == load_profile("keysight-n6705c").protection.over_voltage.set
