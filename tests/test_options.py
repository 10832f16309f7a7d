"""The plugin's options: each is a flag, an environment variable and an ini option, and weighs in this order."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_quecfota import options

#: What may be given as text, and what it is then; another text for the place that weighs less.
SAMPLES = {
    "--rig": ("bench2, virtual", ["bench2", "virtual"], "other"),
    "--rig-dir": ("benches", Path("benches"), "other"),
    "--rig-wait": ("1.5", 1.5, "2"),
    "--rig-each": ("yes", True, "no"),
    "--rig-max-faults": ("7", 7, "8"),
    "--full": ("1", True, "0"),
    "--evidence": ("kept", Path("kept"), "other"),
    "--firmware": ("images", Path("images"), "other"),
    "--campaign-points": ("200", 200, "3"),
    "--campaign-resume": ("true", True, "false"),
    "--campaign-point": ("p17", "p17", "p18"),
    "--replay": ("old", Path("old"), "other"),
    "--defect": ("skip-10703,no-restart", ["skip-10703", "no-restart"], "other"),
    "--quecfota-seed": ("42", 42, "43"),
}
FLAGS = [option.flag for option in options.OPTIONS if option.convert is options._flag]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in options.OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


@pytest.fixture
def config(pytester: pytest.Pytester):
    """A pytest configuration with some flags and ini lines."""

    def make(*flags: str, ini: str = "") -> pytest.Config:
        pytester.makeini(f"[pytest]\n{ini}\n")
        return pytester.parseconfig(*flags)

    return make


def given(flag: str, text: str) -> list[str]:
    return [flag] if flag in FLAGS else [flag, text]


def test_every_option_has_a_sample_here():
    assert set(SAMPLES) == set(options.BY_FLAG)


@pytest.mark.parametrize("flag", SAMPLES)
def test_left_out_it_has_its_default(config, flag):
    assert options.get(config(), flag) == options.BY_FLAG[flag].default


@pytest.mark.parametrize("flag", SAMPLES)
def test_each_can_be_given_as_a_flag(config, flag):
    text, value, _ = SAMPLES[flag]
    assert options.get(config(*given(flag, text)), flag) == value


@pytest.mark.parametrize("flag", SAMPLES)
def test_each_can_be_given_in_the_environment(config, monkeypatch, flag):
    text, value, _ = SAMPLES[flag]
    monkeypatch.setenv(options.BY_FLAG[flag].variable, text)
    assert options.get(config(), flag) == value


@pytest.mark.parametrize("flag", SAMPLES)
def test_each_can_be_given_in_the_ini_file(config, flag):
    text, value, _ = SAMPLES[flag]
    assert options.get(config(ini=f"{options.BY_FLAG[flag].ini} = {text}"), flag) == value


@pytest.mark.parametrize("flag", SAMPLES)
def test_the_flag_outweighs_the_environment_and_that_the_ini_file(config, monkeypatch, flag):
    text, value, other = SAMPLES[flag]
    line = f"{options.BY_FLAG[flag].ini} = {other}"
    monkeypatch.setenv(options.BY_FLAG[flag].variable, text)
    assert options.get(config(ini=line), flag) == value
    monkeypatch.setenv(options.BY_FLAG[flag].variable, other)
    assert options.get(config(*given(flag, text), ini=line), flag) == value


def test_variables_and_ini_options_are_named_after_the_flag():
    names = {option.flag: (option.variable, option.ini) for option in options.OPTIONS}
    assert names["--rig"] == ("QUECFOTA_RIG", "quecfota_rig")
    assert names["--rig-max-faults"] == ("QUECFOTA_RIG_MAX_FAULTS", "quecfota_rig_max_faults")
    assert names["--quecfota-seed"] == ("QUECFOTA_SEED", "quecfota_seed")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_can_be_switched_off_in_the_environment(config, monkeypatch, flag):
    monkeypatch.setenv(options.BY_FLAG[flag].variable, "0")
    assert options.get(config(ini=f"{options.BY_FLAG[flag].ini} = 1"), flag) is False


def test_an_empty_variable_is_none(config, monkeypatch):
    monkeypatch.setenv("QUECFOTA_RIG", "")
    assert options.get(config(ini="quecfota_rig = bench2"), "--rig") == ["bench2"]


def test_defects_may_be_given_one_by_one(config):
    assert options.get(config("--defect", "a", "--defect", "b,c"), "--defect") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("flag", "text"),
    [("--rig-wait", "soon"), ("--rig-max-faults", "4.5"), ("--campaign-points", "many"), ("--quecfota-seed", "x")],
)
def test_what_cannot_be_converted_is_wrong_use_and_names_where_it_stands(config, monkeypatch, flag, text):
    option = options.BY_FLAG[flag]
    with pytest.raises(pytest.UsageError, match=flag):
        options.get(config(flag, text), flag)
    with pytest.raises(pytest.UsageError, match=option.ini):
        options.get(config(ini=f"{option.ini} = {text}"), flag)
    monkeypatch.setenv(option.variable, text)
    with pytest.raises(pytest.UsageError, match=option.variable):
        options.get(config(), flag)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_that_is_neither_yes_nor_no_is_wrong_use(config, monkeypatch, flag):
    monkeypatch.setenv(options.BY_FLAG[flag].variable, "maybe")
    with pytest.raises(pytest.UsageError, match=options.BY_FLAG[flag].variable):
        options.get(config(), flag)


def test_help_names_flag_variable_and_ini_option_of_each(config):
    text = config()._parser.optparser.format_help()
    for option in options.OPTIONS:
        assert option.flag in text
    described = {name: help_ for name, (help_, *_) in config()._parser._inidict.items()}
    for option in options.OPTIONS:
        assert option.flag in described[option.ini]
        assert option.variable in described[option.ini]
