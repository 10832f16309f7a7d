"""The test side's facts of each model, tried on the virtual module of that model: no data is shared, and the wire must agree.

What is compared is only what the bytes show: boot lines, identity, verbs and where their values stand, ranges, options, the words
of the classic upgrade, the supply range. A difference is a mistake on one of the two sides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from pytest_quecfota import models, urc
from pytest_quecfota.at import values
from pytest_quecfota.virtual import models as played

FINAL = re.compile(rb"\r\n(?:OK|ERROR|\+CME ERROR: [^\r]*)\r\n")
#: What a verb's places are filled with; verbs that are not here take none, change too much, or need a connection.
PLACES: dict[str, dict[str, Any]] = {"configuration": {"name": "lifetime"}, "functionality": {"level": 1}}
READING = (
    "attention",
    "identity",
    "manufacturer",
    "product",
    "firmware_version",
    "full_version",
    "imei",
    "signal_dbm",
    "battery_percent",
    "supply_millivolts",
    "attached",
    "registration",
    "product_info",
    "configuration",
    "connection_mode",
    "state",
    "mcu_versions",
    "functionality",
)


def boot(powered: Callable[..., Any], model: models.Model, **profile: Any) -> tuple[Any, bytes]:
    """A module that has printed its last boot line, and all it printed."""
    lab = powered(model.name, model.supply.nominal, **profile)
    text = lab.client.until(re.escape(model.boot.lines[-1].encode()) + rb"\r\n")
    lab.step(8)
    lab.client.drain()
    return lab, text


def ask(lab: Any, model: models.Model, verb: str) -> list[str]:
    """The information lines of a verb's answer, which must be OK."""
    spelt = model.verb(verb).command.format(**PLACES.get(verb, {}))
    lab.client.write(spelt.encode() + b"\r")
    answer = lab.client.until(FINAL).decode()
    assert answer.endswith("\r\nOK\r\n"), (verb, answer)
    return [line for line in answer.split("\r\n") if line.strip("\r") not in ("", "OK", spelt)]


@pytest.mark.parametrize("name", models.names())
def test_both_sides_agree_on_what_a_model_prints_and_answers(powered: Callable[..., Any], name: str) -> None:
    model = models.load(name)
    lab, text = boot(powered, model)
    shown = [line.decode("latin-1") for line in text.split(b"\r\n") if line]
    rom = shown[: shown.index(model.boot.first)]
    assert shown[len(rom) :] == list(model.boot.lines)
    assert not rom, "the virtual module prints its boot ROM only where the profile says so"
    for verb in READING:
        lines, pick = ask(lab, model, verb), model.verb(verb).pick
        if pick.kind == "line":
            assert len(lines) == 1, verb
        if pick.kind in ("field", "fields"):
            assert lines[0].startswith(pick.prefix + ":"), (verb, lines)
            fields = values.parse(lines[0].partition(":")[2])
            assert pick.kind == "fields" or isinstance(fields[pick.field], (int, str)), (verb, fields)
    manufacturer, product = ask(lab, model, "identity")[:2]
    assert re.fullmatch(model.identity.manufacturer, manufacturer)
    assert re.fullmatch(model.identity.product, product)
    assert "VIRTUAL" in ask(lab, model, "identity")[2]
    assert lab.client.ok("AT+IPR?").decode() == f"+IPR: {model.baudrate}"
    assert f"(1-{model.options.otard_max})" in lab.client.ok("AT+QIOTOTARD=?").decode()


@pytest.mark.parametrize("name", models.names())
def test_both_sides_have_the_same_options_with_the_same_defaults(name: str) -> None:
    ours, theirs = models.load(name).options.model_dump(), played.load(name)
    known = vars(theirs.options)
    assert set(ours) == set(known)
    bench_only = {"sota_block", "sdk"}  # an own size; a version the module tells by itself
    bench_uart = {"port_vanishes", "boot_rom"}  # a pty stays, and prints no boot ROM, unless a rig's profile says so
    differing = {key for key in ours if ours[key] != known[key]} - bench_only - bench_uart
    assert differing == set()


@pytest.mark.parametrize("name", models.names())
def test_the_classic_upgrade_is_known_to_both_or_to_none(powered: Callable[..., Any], name: str) -> None:
    model = models.load(name)
    lab, _ = boot(powered, model)
    answered = lab.client.command("AT+QFOTADL=?").endswith(b"\r\nOK\r\n")
    assert answered == (model.classic is not None) == ("classic_update" in model.verbs)
    if model.classic is None:
        return
    ways = {"http": '"http://127.0.0.1:9/x"', "https": '"https://127.0.0.1:9/x"', "ftp": '"ftp://127.0.0.1:9/x"'}
    for way, source in ways.items():
        taken = lab.client.command(f"AT+QFOTADL={source}").endswith(b"\r\nOK\r\n")
        assert taken == (way in model.classic.ways), way
        if taken:
            told = [urc.parse(line) for line in lab.client.until(rb"END\",\d+\r\n").split(b"\r\n") if line]
            assert all(isinstance(line, urc.Dfota) for line in told)
    upload = lab.client.command('AT+QFOTADL="FILE:100",2').endswith(b"\r\nOK\r\n")
    assert upload == ("upload" in model.classic.ways)
    files = lab.client.command("AT+QFLST").endswith(b"\r\nOK\r\n")
    assert files == bool({"path", "fixed"} & set(model.classic.ways))
    too_long = '"http://' + "x" * (model.classic.longest_url - 6) + '"'
    assert not lab.client.command(f"AT+QFOTADL={too_long}").endswith(b"\r\nOK\r\n")


@pytest.mark.parametrize("name", models.names())
def test_inside_the_supply_range_the_module_runs_and_far_below_it_not(powered: Callable[..., Any], name: str) -> None:
    model = models.load(name)
    lab, _ = boot(powered, model)
    for volts in (model.supply.min, model.supply.max):
        lab.power(True, volts)
        lab.step(2)
        assert lab.truth().boots == 1, volts
    lab.power(True, 0.8 * model.supply.min)
    lab.step(2)
    assert not lab.truth().powered


@pytest.mark.parametrize("name", ["BC25", "EC200U"])
def test_the_options_of_the_wire_show_on_it(powered: Callable[..., Any], name: str) -> None:
    model = models.load(name)
    lab, text = boot(
        powered, model, leading_crlf=False, echo=False, empty_mcuver="error", battery_source="none", otard_max=77
    )
    assert b"\r\n\r\n" not in text
    lab.client.write(b"AT\r")
    assert lab.client.until(FINAL) == b"\r\nOK\r\n"
    for command in (b"AT+QIOTMCUVER?", b"AT+CBC"):
        lab.client.write(command + b"\r")
        assert b"ERROR" in lab.client.until(FINAL)
    lab.client.write(b"AT+QIOTOTARD=?\r")
    assert b"(1-77)" in lab.client.until(FINAL)
