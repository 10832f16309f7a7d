"""The page on supplies, compared with the profiles and with what a profile may say."""

from __future__ import annotations

import pytest
from doc_pages import all_blocks, documented, tables

from pytest_quecfota.power import load_profile, profile_names
from pytest_quecfota.power.profiles import answers, engines, protection, schema
from pytest_quecfota.rig import supply_profiles


def span(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:.10g} s"


@pytest.mark.parametrize("name", profile_names())
def test_what_a_shipped_profile_can_do(name):
    profile = load_profile(name)
    (row,) = [row for row in tables("shipped supplies")[0].rows if row[0] == f"`{name}`"]
    engine = profile.list_engine
    plays = f"{span(engine.min_dwell)} to {span(engine.max_dwell)}, {engine.max_steps} steps" if engine else "no"
    guards = [n.replace("_", "-") for n in ("over_voltage", "over_current") if getattr(profile.protection, n)]
    assert row[1:] == (
        ", ".join(profile.transport.kinds),
        plays,
        ", ".join(guards) or "none",
        "yes" if profile.battery else "no",
    )


def test_all_shipped_profiles_stand_there():
    assert documented("shipped supplies") == profile_names()


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("Profile", schema.Profile),
        ("Transport", schema.Transport),
        ("Commands", schema.Commands),
        ("Answer", answers.Answer),
        ("Engine", engines.Engine),
        ("BatteryEngine", engines.BatteryEngine),
        ("Guard", protection.Guard),
    ],
)
def test_keys_of_a_profile(name, model):
    assert set(documented(name)) == {info.alias or key for key, info in model.model_fields.items()}


@pytest.mark.parametrize("block", all_blocks("yaml supply"), ids=lambda block: block.name)
def test_profiles_that_are_shown_can_be_used(tmp_path, block):
    path = tmp_path / "my-supply.yaml"
    path.write_text(block.text)
    assert supply_profiles.read(path).message("on", channel=1)
