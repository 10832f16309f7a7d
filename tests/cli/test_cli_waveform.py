"""`quecfota waveform`: lists, shows, draws, tables, and the very messages; and what each exit code means."""

from __future__ import annotations

import sys

import pytest

from pytest_quecfota.power.waveform_catalogue import Catalogue
from pytest_quecfota.power.waveform_drawing import NO_PLOTS


def test_without_a_name_it_lists_all_with_their_marks(quecfota):
    said = quecfota("waveform")
    assert (said.code, said.err) == (0, "")
    for definition in Catalogue().definitions():
        assert f"{definition.name} " in said.out
    assert "iso16750_reset_24H" in said.out
    assert "cut-500ms" in said.out


def test_a_name_shows_its_source_its_segments_and_a_drawing(quecfota):
    said = quecfota("waveform", "iso16750_start_I_12")
    assert said.code == 0
    assert "ISO 16750-2:2003, 4.6.3" in said.out
    assert "nominal 3.3 V, minimum 2.1 V" in said.out
    assert "5 ms  ramp 3.300 V to 2.200 V" in said.out
    assert "10 rounds" in said.out
    assert "█" in said.out


def test_a_long_one_shows_how_many_segments_follow(quecfota):
    assert "… 58 more" in quecfota("waveform", "iso16750_reset").out


def test_a_drawing_in_the_terminal_hides_no_dip(quecfota):
    """A cut of a thousandth of the whole time is seen in its column."""
    said = quecfota("waveform", "renault_eqic04_micro_50ms")
    bottom = said.out.splitlines()[-2]
    assert " " in bottom[9:].rstrip()


@pytest.mark.parametrize(
    ("options", "lowest"),
    [
        (["--model", "BC25"], "1.575"), (["--min", "4"], "wrong"), (["--min", "3"], "2.25"),
        (["--nominal", "12", "--min", "6", "--max", "16"], "4.5"),
    ],
)  # fmt: skip
def test_it_is_scaled_to_a_model_or_to_the_volts_that_are_given(quecfota, options, lowest):
    said = quecfota("waveform", "iso16750_momentary_drop_12A", "--csv", *options)
    if lowest == "wrong":
        assert (said.code, said.out) == (2, "")
        assert "min <= nominal" in said.err
        return
    volts = [float(line.split(",")[1]) for line in said.out.splitlines()[1:]]
    assert said.out.startswith("seconds,volts\n0,")
    assert min(volts) == pytest.approx(float(lowest))


def test_the_messages_are_those_that_the_supply_gets(quecfota):
    said = quecfota("waveform", "dip-2.4V-100ms", "--scpi", "keysight-e36300", "--channel", "2")
    assert said.code == 0
    assert "by itself: 1 levels, within 50 ms" in said.out
    assert said.out.splitlines()[-1] == "*TRG"
    assert "LIST:VOLT 2.4000,(@2)" in said.out.splitlines()


def test_stepped_by_the_host_they_stand_with_their_moments(quecfota):
    said = quecfota("waveform", "cut-500ms", "--scpi", "keysight-e36100")
    rows = [line.split("  ") for line in said.out.splitlines() if not line.startswith("#")]
    assert [float(row[0]) for row in rows] == [0, 0.5, 0.5]
    assert "OFF" in rows[0][1].upper()


def test_what_that_supply_cannot_play_is_a_no(quecfota):
    for options in (["gsm_burst_droop"], ["dip-2.4V-100ms", "--precision", "1 us"]):
        said = quecfota("waveform", *options, "--scpi", "keysight-e36300")
        assert said.code == 1
        assert "cannot play" in said.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["wobble"], "no waveform 'wobble'"),
        (["iso16750_reste"], "did you mean iso16750_reset"),
        (["cut-1s", "--scpi", "keysight"], "no supply profile 'keysight'"),
        (["cut-1s", "--model", "BC26"], "BC26"),
        (["cut-1s", "--scpi", "keysight-e36300", "--precision", "fine"], "no duration"),
    ],
)
def test_wrong_use_is_told(quecfota, arguments, told):
    said = quecfota("waveform", *arguments)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


def test_own_files_are_used_and_what_is_wrong_in_them_is_told_with_its_place(quecfota, folder):
    own = folder / "rigs" / "waveforms"
    own.mkdir()
    (own / "a.yaml").write_text("w_one:\n  title: t\n  source: s\n  mark: own\n  segments: [{hold: min, for: 1 s}]\n")
    said = quecfota("waveform", "w_one", "--waveforms", own)
    assert (said.code, "hold 2.100 V" in said.out) == (0, True)
    (own / "b.yaml").write_text("w_two: 3\n")
    said = quecfota("waveform", "w_two", "--waveforms", own)
    assert said.code == 2
    assert "b.yaml:1: w_two is a map" in said.err


def test_it_is_drawn_into_a_file(quecfota, folder):
    pytest.importorskip("matplotlib")
    said = quecfota("waveform", "iso16750_start_I_12", "--draw", "start.svg")
    assert (said.code, said.out) == (0, "start.svg\n")
    assert "<svg" in (folder / "start.svg").read_text()


def test_without_matplotlib_a_hint_says_what_to_install(quecfota, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    said = quecfota("waveform", "cut-1s", "--draw", "cut.svg")
    assert said.code == 2
    assert NO_PLOTS in said.err
