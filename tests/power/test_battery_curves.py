"""Battery chemistries as data: those shipped are sound and say where they are from; a user's own is checked as they are."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_quecfota.power.battery_curves import (
    FOLDER,
    Curve,
    ampere_hours,
    curve_names,
    load_curve,
    suitable_curve,
)

CHARGES = st.floats(0, 1)


def shipped(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def test_the_three_chemistries_of_such_modules_are_shipped():
    assert curve_names() == ["li-ion", "li-mno2", "li-socl2"]


@pytest.mark.parametrize("name", curve_names())
def test_every_shipped_number_says_where_it_is_from(name):
    curve = load_curve(name)
    raw = shipped(name)
    assert curve.name == name
    for part in ("open_circuit", "resistance", "internal_resistance", "slow", "capacity", "cut_off"):
        assert raw[part]["mark"] in ("confirmed", "remembered")
        assert len(raw[part]["source"]) > 10
    told = {text.partition(":")[0] for text in curve.remembered()}
    assert told == {part for part in raw if isinstance(raw[part], dict) and raw[part]["mark"] == "remembered"}


@pytest.mark.parametrize("name", curve_names())
@given(low=CHARGES, high=CHARGES)
def test_voltage_rises_with_charge_and_resistance_falls(name, low, high):
    curve = load_curve(name)
    low, high = sorted((low, high))
    assert curve.empty <= curve.voltage(low) <= curve.voltage(high) <= curve.full
    assert curve.factor(low) >= curve.factor(high) >= 1


@pytest.mark.parametrize("name", curve_names())
@given(charge=CHARGES)
def test_the_charge_is_found_again_from_the_voltage(name, charge):
    curve = load_curve(name)
    assert curve.voltage(curve.charge_at(curve.voltage(charge))) == pytest.approx(curve.voltage(charge))


@pytest.mark.parametrize("spelt", ["li-ion", "Li-ion", "LiIon", "LI_ION"])
def test_a_name_may_be_spelt_as_people_do(spelt):
    assert load_curve(spelt).name == "li-ion"


def test_an_unknown_name_tells_those_there_are():
    with pytest.raises(ValueError, match=r"li-socl3.*did you mean 'li-socl2'.*li-ion, li-mno2, li-socl2"):
        load_curve("li-socl3")


@pytest.mark.parametrize(
    ("least", "most", "name"), [(2.1, 3.6, "li-mno2"), (3.3, 4.3, "li-ion"), (3.3, 4.6, "li-ion"), (2.2, 4.3, "li-ion")]
)
def test_the_chemistry_that_suits_a_rig_stays_below_its_upper_limit(least, most, name):
    assert suitable_curve(least, most).name == name
    assert suitable_curve(least, most).full <= most


def test_a_curve_of_your_own_comes_from_a_file_or_as_an_object(tmp_path):
    own = shipped("li-mno2") | {"name": "my-cell"}
    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(own), encoding="utf-8")
    curve = load_curve(path)
    assert load_curve(str(path)) == curve
    assert load_curve(curve) is curve
    assert curve.name == "my-cell"


WRONG = {
    "a key nobody knows": (lambda raw: raw.update(colour="red"), "colour"),
    "a charge that does not start at 0": (
        lambda raw: raw["open_circuit"]["points"].pop(0),
        "from charge 0 to charge 1",
    ),
    "charges that do not rise": (lambda raw: raw["open_circuit"]["points"].insert(1, [0.0, 2.2]), "rise from point"),
    "volts that fall as the charge rises": (
        lambda raw: raw["open_circuit"]["points"].insert(1, [0.01, 1.0]),
        "volts that",
    ),
    "resistance that rises with the charge": (
        lambda raw: raw["resistance"]["points"].insert(1, [0.01, 9.0]),
        "resistance",
    ),
    "no volts": (lambda raw: raw["open_circuit"]["points"].__setitem__(0, [0.0, 0.0]), "values above 0"),
    "infinite volts": (lambda raw: raw["open_circuit"]["points"].__setitem__(0, [0.0, float("inf")]), "open_circuit"),
    "a mark nobody knows": (lambda raw: raw["capacity"].update(mark="sure"), "capacity.mark"),
    "no source": (lambda raw: raw["capacity"].pop("source"), "capacity.source"),
    "a cut-off above a full cell": (lambda raw: raw["cut_off"].update(volts=3.2), "cut_off"),
    "a share above 1": (lambda raw: raw["slow"].update(share=1.5), "slow.share"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_curve_is_one_error_that_names_file_and_place(tmp_path, wrong):
    raw = copy.deepcopy(shipped("li-mno2"))
    spoil, told = WRONG[wrong]
    spoil(raw)
    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    with pytest.raises(ValueError, match=told) as caught:
        load_curve(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_or_no_yaml_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.yaml: No such file"):
        load_curve(tmp_path / "nowhere.yaml")
    (tmp_path / "torn.yaml").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"torn\.yaml is no YAML"):
        load_curve(tmp_path / "torn.yaml")


@pytest.mark.parametrize(("value", "hours"), [(2.4, 2.4), (1, 1.0), ("500 mAh", 0.5), ("2.4Ah", 2.4)])
def test_a_capacity_is_a_number_or_text_with_a_unit(value, hours):
    assert ampere_hours(value) == pytest.approx(hours)


@pytest.mark.parametrize("value", ["500", "0.5 A", "", 0, -1, float("nan"), float("inf"), True])
def test_anything_else_is_no_capacity(value):
    with pytest.raises(ValueError, match="a capacity is"):
        ampere_hours(value)


def test_a_curve_needs_no_slow_part():
    raw = shipped("li-ion")
    del raw["slow"]
    assert Curve.model_validate(raw).slow is None
