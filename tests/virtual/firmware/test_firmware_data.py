"""The data files of the virtual module, the document it is built from, and its defects: read all, refuse what is wrong."""

import json
import math
import subprocess
import sys
from typing import Any

import pytest
from bench_process import DOCUMENT

from pytest_quecfota.virtual import models
from pytest_quecfota.virtual.boot import DEFECTS as BOOT_DEFECTS
from pytest_quecfota.virtual.defects import Defects, UnknownDefect, known
from pytest_quecfota.virtual.document import DocumentError, parse
from pytest_quecfota.virtual.power import ACTIVITIES

EXPECTED = {"BC25", "BC660K-GL", "BG95-M3", "EC200U", "EC800K", "EG91", "EC25"}


def test_every_model_of_the_project_can_be_played() -> None:
    assert set(models.names()) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_each_model_is_complete_and_says_that_it_is_virtual(name: str) -> None:
    data = models.load(name)
    assert data.model == name
    assert "VIRTUAL" in data.identity.revision
    assert set(data.currents) == set(ACTIVITIES)
    assert data.boot.lines[0] == (0.0, "RDY")
    assert [delay for delay, _ in data.boot.lines] == sorted(delay for delay, _ in data.boot.lines)
    assert set(data.rail) == {"threshold", "hysteresis", "line_resistance_ohm", "capacitance_uf"}
    assert data.rail["threshold"] < data.battery["empty"] < data.battery["full"]
    assert data.options.success_event in models.SUCCESS_EVENTS


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"success_evnt": "x"}, "success_event"),
        ({"success_event": "never"}, "before-restart"),
        ({"leading_crlf": 1}, "bool"),
        ({"otard_first_offset": 2}, "0, 1"),
    ],
)
def test_an_option_that_is_none_is_refused_saying_what_is_right(overrides: dict[str, Any], words: str) -> None:
    with pytest.raises(models.ModelError, match=words):
        models.load("BC25", overrides=overrides)


def test_an_unknown_model_or_flavour_is_refused() -> None:
    with pytest.raises(models.ModelError, match="BC25"):
        models.load("BC99")
    with pytest.raises(models.ModelError, match="cellular"):
        models.load("BC25", flavour="wifi")


def test_a_document_is_typed_and_has_defaults() -> None:
    document = parse(json.dumps({**DOCUMENT, "speed": "max"}))
    assert document.speed == math.inf
    assert document.module.model == "BC25"
    assert document.supply.nominal.voltage == 3.3
    assert parse('{"module": {"model": "EC25"}}').module.initial_version == "EC25_FOTA_V1_0"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "JSON"),
        ("[]", "object"),
        ('{"schema": 2}', "schema"),
        ('{"sped": 1}', "sped: unknown"),
        ('{"speed": 0}', "above 0, or max"),
        ('{"speed": "fast"}', "above 0, or max"),
        ('{"module": {"model": 25}}', "module.model"),
        ('{"module": {"mcu": [{"name": "x"}]}}', r"module.mcu\[\].name"),
        ('{"supply": {"nominal": {"voltage": "3.3"}}}', "supply.nominal.voltage"),
        ('{"seed": true}', "seed"),
        ('{"module": []}', "module"),
    ],
)
def test_a_wrong_document_is_one_error_naming_the_place(text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        parse(text)


def test_a_wrong_document_ends_the_process_with_2_and_one_line() -> None:
    command = [sys.executable, "-m", "pytest_quecfota.virtual", "--document", "-"]
    done = subprocess.run(command, input='{"speed": 0}', capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "bench: speed: 0; a number above 0, or max\n"


def test_the_process_lists_the_defects() -> None:
    command = [sys.executable, "-m", "pytest_quecfota.virtual", "defects"]
    rows = json.loads(subprocess.run(command, capture_output=True, timeout=20, check=True).stdout)
    assert [row["name"] for row in rows] == list(known())
    assert all(set(row) == {"name", "requirement", "text"} for row in rows)


def test_defects_are_replaced_as_a_whole_or_not_at_all() -> None:
    defects = Defects(["silent"])
    with pytest.raises(UnknownDefect, match="skip-10703"):
        defects.replace(["skip-10703", "nosuch"])
    assert defects.names == ("silent",)
    defects.replace(["skip-10703"])
    assert defects.active("skip-10703")
    assert not defects.active("silent")


def test_what_the_boot_loader_can_get_wrong_is_a_defect_of_the_module_too() -> None:
    assert set(BOOT_DEFECTS) <= set(known())
