"""Every model file is complete, consistent and says what it does not know."""

from __future__ import annotations

import re
import string
from importlib import resources

import pytest
import yaml

from pytest_quecfota import models
from pytest_quecfota.models import facts

VERBS_OF_THE_API = {
    "connect",
    "disconnect",
    "state",
    "identity",
    "firmware_version",
    "signal_dbm",
    "battery_percent",
    "supply_millivolts",
    "configure",
    "request_upgrade",
    "confirm_upgrade",
    "refuse_upgrade",
    "next_block",
    "report_updating",
    "read_block",
    "set_mcu_version",
    "reset",
}


def test_the_models_of_the_design_are_there():
    assert set(models.names()) == {"BC25", "BC660K-GL", "BG95-M3", "EC200U", "EC800K", "EC25", "EG91"}


@pytest.mark.parametrize("name", models.names())
class TestEachModel:
    def test_spells_every_verb(self, name):
        model = models.load(name)
        assert set(model.verbs) >= VERBS_OF_THE_API
        for verb in model.verbs.values():
            assert verb.command.startswith("AT")
            assert all(
                field is None or field.isidentifier() for _, field, _, _ in string.Formatter().parse(verb.command)
            )

    def test_has_expressions_that_compile(self, name):
        identity = models.load(name).identity
        assert re.compile(identity.manufacturer)
        assert re.fullmatch(identity.product, name)

    def test_begins_every_start_with_a_line_it_lists(self, name):
        boot = models.load(name).boot
        assert boot.first == boot.lines[0]

    def test_answers_qiot_commands_within_their_documented_time(self, name):
        assert models.load(name).timings.response == 0.3

    def test_never_calls_a_supply_limit_confirmed_that_is_only_remembered(self, name):
        model = models.load(name)
        marks = [model.facts[f"supply.{key}"].mark for key in ("min", "nominal", "max")]
        assert model.supply.confirmed is all(mark.confirmed for mark in marks)

    def test_gives_a_source_for_every_fact_that_is_not_our_choice(self, name):
        model = models.load(name)
        assert [path for path, fact in model.facts.items() if fact.mark.value != "chosen" and not fact.source] == []

    def test_says_how_sure_every_number_and_option_is(self, name):
        model = models.load(name)
        numbers = {f"timings.{key}" for key in models.Timings.model_fields}
        options = {f"options.{key}" for key in models.Options.model_fields if key != "sota_block"}
        assert numbers | options <= set(model.facts)

    def test_cannot_be_changed(self, name):
        model = models.load(name)
        with pytest.raises(ValueError):
            model.flavour = "nb"
        with pytest.raises(TypeError):
            model.verbs["at"] = models.Verb(command="AT")  # type: ignore[index]


def test_a_module_component_is_offered_under_the_name_of_its_model_unless_told_otherwise():
    assert models.load("BC25").component == "BC25"


def test_an_unknown_model_names_the_nearest_one():
    with pytest.raises(models.UnknownModel, match="did you mean 'BC660K-GL'"):
        models.load("BC660K")


def test_a_name_like_no_other_lists_them_all():
    with pytest.raises(ValueError, match="one of BC25, BC660K-GL"):
        models.load("toaster")


@pytest.mark.parametrize("name", ["layers/nb", "../rig", "", "bc25"])
def test_a_name_is_never_taken_for_a_path(name):
    with pytest.raises(models.UnknownModel):
        models.load(name)


def test_an_option_can_be_overridden_and_the_model_stays_as_it_was():
    model = models.load("BC25")
    changed = model.with_options({"success_event": "before-restart"})
    assert (changed.options.success_event, model.options.success_event) == ("before-restart", "after-restart")


@pytest.mark.parametrize("override", [{"success_event": "never"}, {"sucess_event": "after-restart"}])
def test_an_option_that_does_not_exist_is_refused(override):
    with pytest.raises(ValueError):
        models.load("BC25").with_options(override)


def test_a_verb_that_does_not_exist_lists_those_that_do():
    with pytest.raises(ValueError, match=r"no verb 'fly'; it has attached"):
        models.load("BC25").verb("fly")


def test_no_model_file_repeats_what_its_layers_say():
    folder = resources.files("pytest_quecfota.models")

    def read(file):
        return yaml.safe_load(folder.joinpath(file).read_text(encoding="utf-8"))

    common = read("layers/quecthing.yaml")
    for name in models.names():
        own = read(f"{name}.yaml")
        layer = read(f"layers/{own['flavour']}.yaml")
        for section in ("timings", "options", "verbs"):
            below = {**common.get(section, {}), **layer.get(section, {})}
            repeated = [key for key, value in own.get(section, {}).items() if below.get(key) == value]
            assert repeated == [], name


def test_a_marked_fact_becomes_a_plain_value_with_its_source_beside_it():
    plain, found = facts.split({"a": {"b": {"value": 1, "mark": "chosen"}, "c": 2}})
    assert plain == {"a": {"b": 1, "c": 2}}
    assert found == {"a.b": {"value": 1, "mark": "chosen"}}


@pytest.mark.parametrize("name", models.names())
def test_a_model_with_the_classic_upgrade_has_a_family_with_a_source(name):
    model = models.load(name)
    assert (model.classic is None) == (name == "BC25"), "nothing public tells of AT+QFOTADL on BC25 alone"
    if model.classic is not None:
        assert model.classic.source
        assert model.facts["classic"].value == model.classic.family
        assert model.classic.ways
        assert "END" in model.classic.stages or not model.classic.results


def test_every_family_of_the_classic_upgrade_is_that_of_a_model():
    folder = resources.files("pytest_quecfota.models")
    families = yaml.safe_load(folder.joinpath("layers/classic.yaml").read_text(encoding="utf-8"))
    assert set(families) == {model.classic.family for model in map(models.load, models.names()) if model.classic}
