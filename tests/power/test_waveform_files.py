"""Waveforms as data: all that are shipped are read, only what was read in a source bears its name, and what is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_quecfota.power.waveform import Decay, Level, Ramp, Sine
from pytest_quecfota.power.waveform_catalogue import FOLDER, Catalogue
from pytest_quecfota.power.waveform_files import STANDARDS, Definition, read
from pytest_quecfota.power.waveform_scale import Scale, level

RAIL = Scale(nominal=3.3, min=2.1, max=3.6)
SHIPPED = Catalogue().definitions()
HEAD = "w_one:\n  title: t\n  source: s\n  mark: own\n"


@pytest.fixture(params=SHIPPED, ids=lambda d: d.name)
def definition(request) -> Definition:
    return request.param


def test_there_are_at_least_fifteen_whose_numbers_were_read_in_a_source():
    assert sum(d.mark == "confirmed" for d in SHIPPED) >= 15


def test_every_one_can_be_put_on_a_rail(definition):
    shape = definition.on(RAIL)
    assert shape.name == definition.name
    assert 0 <= shape.lowest < shape.highest <= RAIL.max
    assert 0 < shape.duration < 3 * 3600
    assert (shape.title, shape.source, shape.mark) == (definition.title, definition.source, definition.mark)


def test_on_a_lower_rail_it_is_lower(definition):
    half = definition.on(Scale(1.65, 1.05, 1.8))
    assert half.duration == definition.on(RAIL).duration
    assert half.lowest <= definition.on(RAIL).lowest


def test_what_is_only_remembered_bears_no_standards_name(definition):
    if definition.mark != "confirmed":
        assert not [name for name in (definition.name, *definition.aliases) if STANDARDS.search(name)]
    assert len(definition.source) > 3


@pytest.mark.parametrize(
    "name",
    [
        "iso16750_reset_12A",
        "ISO16750_RESET_12b",
        "lv124_e03_undervoltage",
        "vw80000_e11_cold_normal",
        "gsm_burst_droop",
    ],
)
def test_it_is_found_by_name_and_alias_however_written(name):
    assert Catalogue().find(name, RAIL).segments


def test_the_reset_profile_goes_down_in_steps_of_five_per_cent_of_the_minimum():
    """ISO 16750-2, 4.6.2, code B: 8 V, then 7.6, 7.2, 6.8, 6.4 … 0 V, each held 5 s and followed by 10 s at the minimum."""
    shape = Catalogue().find("iso16750_reset_12B", Scale(12, 8, 16))
    held = [s for s in shape.segments if isinstance(s, Level)]
    assert [s.voltage for s in held[1:9:2]] == pytest.approx([7.6, 7.2, 6.8, 6.4])
    assert held[-2].voltage == 0
    assert len(held) == 41
    assert {s.dwell for s in held[1::2]} == {5.0}
    assert {(s.voltage, s.dwell) for s in held[0::2]} == {(8.0, 10.0)}
    assert {s.dwell for s in shape.segments if isinstance(s, Ramp)} == {0.01}


def test_the_short_interruptions_are_those_of_the_item():
    """LV 124 E-10: 10 us to 100 us by 10 us, to 1 ms by 100 us, to 10 ms by 1 ms, to 100 ms by 10 ms, to 2 s by 100 ms."""
    shape = Catalogue().find("lv124_e10_short_interruptions", RAIL)
    opened = [round(1e6 * s.dwell) for s in shape.segments if isinstance(s, Level) and s.open]
    expected = [
        *range(10, 100, 10),
        *range(100, 1000, 100),
        *range(1000, 10_000, 1000),
        *range(10_000, 100_000, 10_000),
    ]
    assert opened == [*expected, *range(100_000, 2_000_001, 100_000)]


def test_the_volts_of_a_source_are_a_share_of_its_reference():
    shape = Catalogue().find("lv124_e03_undervoltage", Scale(10.8, 6, 16))
    assert (shape.highest, shape.lowest, shape.count) == (10.8, 9.0, 3)
    assert Catalogue().find("lv124_e03_undervoltage", RAIL).lowest == pytest.approx(3.3 * 9 / 10.8, abs=1e-6)


# -- levels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "volts"),
    [
        ("2.4 V", 2.4), ("450 mV", 0.45), ("min", 2.1), ("nominal", 3.3), ("max", 3.6), ("75 % of min", 1.575),
        ("50% of nominal", 1.65), ("nominal - 0.4 V", 2.9), ("min + 100 mV", 2.2), ("0 V", 0.0), ("min - 9 V", 0.0),
    ],
)  # fmt: skip
def test_a_level_is_written_as_a_person_would(text, volts):
    assert level(text).on(RAIL) == pytest.approx(volts)


@pytest.mark.parametrize(
    "text", ["", "2.4", "2.4 A", "half", "110 %", "5 % of maximum", "-1 V", "V", 3, None, "min - 3"]
)
def test_what_is_no_level_is_told_with_what_would_be(text):
    with pytest.raises(ValueError, match=r"write 4\.5 V"):
        level(text)


# -- files of one's own ------------------------------------------------------------------------------


def write(folder: Path, text: str, name: str = "own.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def test_every_kind_of_segment_is_read(tmp_path):
    text = f"""{HEAD}  scale: {{12 V: nominal}}
  count: 2
  step: 120 mV
  aliases: [w_two]
  segments:
    - {{hold: 6 V, for: 100 ms}}
    - {{ramp: 12 V, in: 1 s}}
    - {{ramp: 0 V, in: 1 s, from: min}}
    - {{open: 50 ms}}
    - {{sine: 2 Hz, amplitude: 1 V, around: 10 V, for: 1 s}}
    - {{decay: 0 V, tau: 0.5 s, for: 2 s}}
    - {{steps: 0 V, from: 100 % of nominal, by: 50 % of nominal, for: 1 s}}
    - {{interrupt: 1 s, to: 3 s, by: 1 s, rest: 5 s}}
    - {{repeat: 2, of: [{{hold: 0 V, for: 1 s}}, {{hold: min, for: 1 s}}]}}
"""
    (definition,) = read(write(tmp_path, text))
    shape = definition.on(RAIL)
    assert (shape.name, shape.count, definition.aliases) == ("w_one", 2, ("w_two",))
    assert shape.step == pytest.approx(0.033)
    assert shape.segments[:6] == (
        Level(1.65, 0.1),
        Ramp(1.65, 3.3, 1.0),
        Ramp(2.1, 0.0, 1.0),
        Level(0.0, 0.05, open=True),
        Sine(2.75, 0.275, 2.0, 1.0),
        Decay(pytest.approx(2.75), 0.0, 0.5, 2.0),
    )
    assert [s.first for s in shape.segments[6:]] == pytest.approx([3.3, 1.65, 0, *[0, 3.3] * 3, 0, 2.1, 0, 2.1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("w_one: [", r"own.yaml:\d+: not YAML"),
        ("- a", r"own.yaml:1: a waveform file maps names"),
        ("w_one: 3", r"own.yaml:1: w_one is a map with title, source"),
        ("w_one: {title: t}", r"own.yaml:1: w_one needs source"),
        (HEAD + "  segmnts: []", r"own.yaml:5: unknown key 'segmnts'; did you mean 'segments'\?"),
        (HEAD + "  title: u\n  segments: []", r"own.yaml:5: title stands here twice"),
        (HEAD + "  segments: []", r"own.yaml:5: segments is a list"),
        (HEAD + "  segments:\n    - hold", r"own.yaml:6: a segment is a map"),
        (HEAD + "  segments:\n    - {hodl: 1 V, for: 1 s}", r"own.yaml:6: no segment 'hodl'; did you mean 'hold'\?"),
        (HEAD + "  segments:\n    - {hold: 1 V, fro: 1 s}", r"own.yaml:6: hold has no 'fro'; did you mean 'for'\?"),
        (HEAD + "  segments:\n    - {hold: 1 V}", r"own.yaml:6: hold needs for: \{hold: 4.5 V"),
        (HEAD + "  segments:\n    - {hold: 1 V, for: 5}", r"own.yaml:6: for: .*has no unit"),
        (HEAD + "  segments:\n    - {hold: 1 V, for: 5 weeks}", r"own.yaml:6: for: .*unknown unit 'weeks'"),
        (HEAD + "  segments:\n    - {hold: 1 V, for: 0 s}", r"own.yaml:6: for: '0 s': must be longer"),
        (HEAD + "  segments:\n    - {hold: 1 A, for: 1 s}", r"own.yaml:6: hold: .*unknown unit 'A'"),
        (HEAD + "  segments:\n    - {repeat: 0, of: []}", r"own.yaml:6: repeat: '0': must be a whole number"),
        (HEAD + "  segments:\n    - {repeat: 2, of: 3}", r"own.yaml:6: of is a list of segments"),
        (HEAD + "  scale: {6 V: least}\n  segments: [{hold: 1 V, for: 1 s}]", r"own.yaml:5: scale: scale says"),
        (HEAD + "  count: 1.5\n  segments: [{hold: 1 V, for: 1 s}]", r"own.yaml:5: count: '1.5': must be a whole"),
        (HEAD.replace("own", "sure") + "  segments: []", r"own.yaml:4: mark: 'sure': must be confirmed or"),
        (
            HEAD.replace("w_one", "iso_1") + "  segments: [{open: 1 s}]",
            r"own.yaml:1: iso_1 bears the name of a standard",
        ),
        (HEAD.replace("w_one", "a b") + "  segments: [{open: 1 s}]", r"own.yaml:1: 'a b' is no name"),
        (HEAD + "  segments:\n    - {interrupt: 2 s, to: 1 s, by: 1 s, rest: 1 s}", r"own.yaml:6: interrupt"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place_and_what_would_be_right(tmp_path, text, told):
    with pytest.raises(ValueError, match=told) as caught:
        read(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_what_cannot_be_on_this_rail_is_told_with_its_place(tmp_path):
    text = HEAD + "  segments: [{sine: 2 Hz, amplitude: 2 V, around: 1 V, for: 1 s}]"
    (definition,) = read(write(tmp_path, text))
    with pytest.raises(ValueError, match=r"own.yaml:1: .*below 0 V"):
        definition.on(RAIL)


def test_own_waveforms_are_found_beside_those_that_are_shipped(tmp_path):
    write(tmp_path, HEAD + "  segments: [{hold: min, for: 1 s}]")
    catalogue = Catalogue(tmp_path)
    assert catalogue.find("w_one", RAIL).lowest == 2.1
    assert catalogue.find("gsm_burst_droop", RAIL).count == 216
    assert {"w_one", "iso16750_reset_24H"} <= set(catalogue.names())
    assert Catalogue(tmp_path / "missing").find("cut-1s", RAIL)


def test_a_name_that_is_taken_is_told_with_both_places(tmp_path):
    write(tmp_path, HEAD.replace("w_one", "Gsm_burst_droop") + "  segments: [{hold: min, for: 1 s}]")
    with pytest.raises(ValueError, match=r"own.yaml:1: Gsm_burst_droop is taken: it stands in .*cellular.yaml:\d+"):
        Catalogue(tmp_path).names()


def test_a_broken_file_of_ones_own_does_not_hide_the_others(tmp_path):
    write(tmp_path, "w_one: 3")
    assert Catalogue(tmp_path).find("iso16750_reset", RAIL)
    with pytest.raises(ValueError, match=r"own.yaml:1"):
        Catalogue(tmp_path).find("w_one", RAIL)


def test_all_files_that_are_shipped_are_read():
    assert {Path(d.place.rpartition(":")[0]).name for d in SHIPPED} == {path.name for path in FOLDER.glob("*")}
