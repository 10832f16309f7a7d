"""The reference of waveforms, compared with the code: all that are shipped, their marks and lengths, the kinds of segments."""

from __future__ import annotations

import dataclasses
import re

import pytest
import yaml
from doc_pages import PAGES, blocks, documented, tables

from pytest_quecfota.power.precision import Played
from pytest_quecfota.power.waveform_catalogue import Catalogue
from pytest_quecfota.power.waveform_files import read
from pytest_quecfota.power.waveform_scale import Scale
from pytest_quecfota.power.waveform_segments import KINDS
from pytest_quecfota.timeline import seconds

RAIL = Scale(3.3, 2.1, 3.6)


def test_waveforms():
    shown = {row[0].strip("`"): row for row in tables("waveforms")[0].rows}
    definitions = {each.name: each for each in Catalogue().definitions()}
    assert set(shown) == set(definitions)
    for name, row in shown.items():
        assert row[1] == definitions[name].mark
        assert seconds(row[3]) == pytest.approx(definitions[name].on(RAIL).duration, rel=0.03)


def test_segments():
    shown = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[2])) for row in tables("segments")[0].rows}
    assert shown == {name: set(kind.keys) for name, kind in KINDS.items()}


def test_members_of_what_was_played():
    assert set(documented("Played")) >= {field.name for field in dataclasses.fields(Played)} | {"lowest"}


def test_the_file_that_is_shown_is_right(tmp_path):
    (page,) = [page for page in PAGES if page.name == "waveforms.md"]
    (text,) = [block.text for block in blocks(page) if block.kind == "yaml" and "segments" in block.text]
    path = tmp_path / "own.yaml"
    path.write_text(text)
    (definition,) = read(path)
    assert list(yaml.safe_load(text)) == [definition.name]
    assert definition.on(RAIL).count == 3
