"""Supplies as data: every profile loads, says messages, and a wrong name or file is told."""

from __future__ import annotations

import re
import string

import pytest
import yaml
from pydantic import ValidationError

from pytest_quecfota.power import Profile, load_profile, profile_names
from pytest_quecfota.power.profiles import FOLDER

PLACES = {"channel": 1, "voltage": 3.3, "current": 1.0}


@pytest.fixture(params=profile_names())
def profile(request) -> Profile:
    return load_profile(request.param)


def test_there_is_the_supply_of_the_first_rig():
    assert "keysight-e36300" in profile_names()


def test_a_profile_is_named_as_its_file(profile):
    assert (FOLDER / f"{profile.name}.yaml").exists()


def test_every_template_is_filled_in_completely(profile):
    for name in profile.commands.model_dump(exclude_none=True):
        text = profile.message(name, **PLACES)
        assert text
        assert not set(text) & set("{}"), text
        assert text.isascii()
        assert "\n" not in text


def test_volts_and_amperes_reach_the_message_as_finely_as_the_supply_takes_them(profile):
    for name, value in (("voltage", 3.299), ("current", 0.051)):
        (told,) = re.findall(r"\d+\.\d+", profile.message(name, **{**PLACES, name: value}))
        assert abs(float(told) - value) <= getattr(profile.resolution, name) / 2


def test_only_known_places_stand_in_templates(profile):
    for template in profile.commands.model_dump(exclude_none=True).values():
        places = {field for _, field, _, _ in string.Formatter().parse(template) if field}
        assert places <= {"channel", "voltage", "current"}


def test_no_error_is_told_from_an_error(profile):
    word = profile.answer("error").word is not None
    assert profile.is_clean("0" if word else '+0,"No error"') is True
    assert profile.is_clean("16" if word else '-222,"Data out of range"') is False
    for reading in ("0.500001", "+0.00000000E+00", "3.3000", ""):
        assert profile.is_clean(reading) is None, "a reading is no word on errors"
    assert profile.is_clean("on fire") is None


def test_an_unknown_name_is_told_with_the_nearest_and_all_there_are():
    with pytest.raises(ValueError, match=r"did you mean 'keysight-e36300'\?.*There are: .*keysight-e36300"):
        load_profile("keysight-e3630")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"identify": "("}, "not a regular expression"),
        ({"channels": 0}, "channels"),
        ({"colour": "grey"}, "colour"),
        ({"commands": {}}, "voltage"),
    ],
)
def test_a_wrong_profile_is_refused(change, told):
    good = yaml.safe_load((FOLDER / "keysight-e36300.yaml").read_text())
    with pytest.raises(ValidationError, match=told):
        Profile.model_validate({**good, **change})


def test_a_supply_that_takes_one_command_a_message_is_not_given_two():
    good = yaml.safe_load((FOLDER / "keysight-e36300.yaml").read_text())
    profile = Profile.model_validate({**good, "compound": None})
    assert profile.message("on", **PLACES) == "OUTP ON,(@1)"
    with pytest.raises(ValueError, match="one command a message"):
        profile.message("voltage", "on", **PLACES)
