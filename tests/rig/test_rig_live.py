"""A rig that is up: parts opened when first asked for, put back after each test, recovered, and let go of whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from live_bench import Bench, bench
from scripted_instrument import connected_to
from scripted_module import OFFER, OK

from pytest_quecfota import urc
from pytest_quecfota.errors import BenchError, ModuleBricked, Reason, RigHeld, SupplyError
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.timeline import Timeline

SHORT = {"boot": 0.2, "ready": 0.2, "off": 0.01, "offer": 0.2}  # seconds, so that silence is found out soon


@pytest.fixture(autouse=True)
def leases_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("QUECFOTA_RUN_DIR", str(tmp_path / "leases"))


@pytest.fixture
def parts(tmp_path):
    with bench(tmp_path) as made:
        yield made


@pytest.fixture
def live(parts: Bench) -> LiveRig:
    return parts.live()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("pytest_quecfota.at.client.SHORTEST_WAIT", 0.1)


def hurry(rig: LiveRig) -> LiveRig:
    """The same rig, with a model that gives silence up soon."""
    model = rig.model
    rig.__dict__["model"] = model.model_copy(update={"timings": model.timings.model_copy(update=SHORT)})
    return rig


def during(rig: LiveRig, folder: Path) -> Timeline:
    """What a test does: a timeline of its own."""
    timeline = Timeline(folder / "test", secrets=rig.secrets())
    rig.record_to(timeline)
    return timeline


# -- life ------------------------------------------------------------------------------------------


def test_started_it_holds_the_rig_and_opens_nothing(parts, live):
    assert parts.module.heard == []
    assert parts.instrument.messages == []
    with pytest.raises(RigHeld, match=f"process {os.getpid()}|pid {os.getpid()}|bench"):
        parts.live(parts.load())


def test_closed_the_rig_is_free_and_nothing_is_open(parts):
    first = parts.live()
    first.open_lines()
    first.close()
    with connected_to(parts.instrument.port) as sockets:
        assert sockets == []
    parts.live().open_lines()


def test_starting_twice_is_harmless_and_so_is_closing(live):
    live.start()
    live.close()
    live.close()


def test_what_fails_while_closing_does_not_keep_the_rest_open_and_is_told(parts):
    class Center:
        kind, monitoring, plans = "fake", False, False

        def open(self):
            """Fine."""

        def close(self):
            raise BenchError("will not close", reason=Reason.PLATFORM_UNREACHABLE)

    rig = parts.live(make_center=lambda _rig: Center())
    rig.open_lines()
    assert rig.developer_center.kind == "fake"
    with pytest.raises(BenchError, match="will not close"):
        rig.close()
    parts.live().open_lines()


@pytest.mark.parametrize("state", ["nominal", "off"])
def test_the_end_of_a_run_leaves_the_safe_state(parts, state):
    config = parts.load()
    config = config.model_copy(update={"supply": config.supply.model_copy(update={"safe_state": state})})
    rig = parts.live(config)
    rig.supply.set(voltage=2.5)
    if state == "nominal":
        rig.supply.off()
    rig.close()
    assert parts.instrument.state["output"] == ("OFF" if state == "off" else "ON")
    assert state == "off" or parts.instrument.state["voltage"] == "3.3000"


def test_a_supply_that_is_not_there_is_a_bench_fault(parts, live):
    parts.instrument.stop_listening()
    with pytest.raises(SupplyError):
        live.open_lines()


def test_a_rig_without_a_supply_has_none(parts):
    rig = parts.live(parts.load(supply=False))
    rig.open_lines()
    assert rig.supply is None
    assert rig.module.firmware_version() == "BC25_FOTA_V1_0"


def test_hardware_has_no_clock_and_no_control_interface(live):
    for ask in (
        lambda: live.clock.step(1),
        lambda: live.clock.speed(2),
        lambda: live.control,
        lambda: live.bench_process,
    ):
        with pytest.raises(ValueError, match=r"not virtual|only a virtual rig"):
            ask()


# -- bringing the module up ------------------------------------------------------------------------


def test_the_module_is_powered_awake_and_identified_before_a_test_gets_it(parts, live):
    assert live.module.firmware_version() == "BC25_FOTA_V1_0"
    asked = [message.partition(";:SYST")[0] for message in parts.instrument.messages]
    assert asked.index("VOLT:PROT 3.850,(@1)") < asked.index("VOLT 3.3000,(@1);:CURR 1.0000,(@1);:OUTP ON,(@1)")
    assert parts.module.heard[:5] == ["AT", "ATI", "AT+CGMI", "AT+CGMM", "AT+CGSN=1"]
    assert live.identity.imei == "866123450000017"


def test_a_product_that_is_set_already_is_left_alone(parts, live):
    assert live.module
    assert parts.module.said('AT+QIOTCFG="productinfo",') == []


def test_another_product_is_replaced_by_the_rigs_and_stays(parts, live):
    parts.module.replies['AT+QIOTCFG="productinfo"'] = ['+QIOTCFG: "productinfo","p99","x"', OK]
    live.module.put_back()
    assert parts.module.said('AT+QIOTCFG="productinfo",') == ['AT+QIOTCFG="productinfo","p11key","t0p-secret"']


def test_another_module_than_the_rig_file_asks_for_is_refused(parts):
    rig = parts.live(parts.load(module=', imei: "866999990000000"'))
    with pytest.raises(BenchError, match=r"866123450000017.*866999990000000") as caught:
        _ = rig.module
    assert caught.value.reason is Reason.WRONG_MODULE


@pytest.mark.usefixtures("impatient")
def test_a_module_that_sleeps_is_woken_by_its_power(parts, live):
    parts.module.replies["AT"] = None

    def power(on: bool) -> None:
        if on:
            parts.module.replies["AT"] = [OK]
            parts.module.say("RDY")

    parts.instrument.switched = lambda on: power(on) if parts.module.heard else None
    assert hurry(live).module.firmware_version()
    assert [m for m in parts.instrument.messages if m.startswith("OUTP")] == [
        "OUTP OFF,(@1);:SYST:ERR?",
        "OUTP ON,(@1);:SYST:ERR?",
    ]


@pytest.mark.usefixtures("impatient")
def test_a_module_that_stays_silent_is_the_modules_fault(parts, live):
    parts.module.replies["AT"] = None
    with pytest.raises(ModuleBricked):
        _ = hurry(live).module


# -- around a test ---------------------------------------------------------------------------------


def test_a_healthy_module_is_asked_once_and_left_alone(parts, live):
    _ = live.module
    before, messages = len(parts.module.heard), len(parts.instrument.messages)
    live.check_health()
    assert parts.module.heard[before:] == ["AT"]
    assert parts.instrument.since(messages) == []


@pytest.mark.usefixtures("impatient")
def test_a_module_found_silent_before_a_test_is_power_cycled(parts, live):
    _ = hurry(live).module
    parts.module.replies["AT"] = None
    parts.instrument.switched = lambda on: (
        parts.module.replies.pop("AT", None) or parts.module.say("RDY") if on else None
    )
    live.check_health()
    assert any(message.startswith("OUTP OFF") for message in parts.instrument.messages)


@pytest.mark.usefixtures("impatient")
def test_a_module_that_stays_silent_after_its_power_cycle_is_bricked(parts, live):
    _ = hurry(live).module
    parts.module.replies["AT"] = None
    with pytest.raises(ModuleBricked):
        live.check_health()


def test_a_poisoned_rig_is_recovered_before_its_next_test_and_told(parts, live, tmp_path):
    _ = hurry(live).module
    live.uses("supply")
    parts.instrument.errors.append('-222,"Data out of range"')
    assert live.put_back()
    timeline = during(live, tmp_path)
    live.check_health()
    assert any("-222" in str(record.get("text")) for record in timeline.records("note"))
    assert any(message.startswith("OUTP OFF") for message in parts.instrument.messages)
    before = len(parts.instrument.messages)
    live.check_health()
    assert parts.instrument.since(before) == [], "once is enough"
    live.record_to(None)
    timeline.close()


def test_without_leave_to_cut_a_poisoned_rig_is_reset_and_never_switched_off(parts):
    rig = parts.live(parts.load(allow="[]"))
    _ = rig.module
    rig.uses("supply")
    parts.instrument.errors.append('-222,"Data out of range"')
    assert rig.put_back()
    rig.check_health()
    assert parts.module.said("AT+QRST=1")
    assert not any("OFF" in message for message in parts.instrument.messages)


def test_what_happens_is_recorded_where_it_belongs(live, tmp_path):
    _ = live.module
    timeline = during(live, tmp_path)
    live.module.at("AT+CSQ")
    live.supply.set(voltage=3.0)
    live.record_to(None)
    timeline.close()
    live.module.at("AT+CBC")
    live.close()
    told = (tmp_path / "test" / "timeline.jsonl").read_text()
    between = (tmp_path / "run" / "between-tests" / "timeline.jsonl").read_text()
    assert ("AT+CSQ" in told, "AT+CBC" in told) == (True, False)
    assert ("AT+CSQ" in between, "AT+CBC" in between) == (False, True)
    kinds = [json.loads(line) for line in told.splitlines()]
    assert [r["voltage"] for r in kinds if r["kind"] == "supply"] == [3.3, 3.0]


def test_secrets_reach_no_file(parts, live, tmp_path):
    parts.module.replies['AT+QIOTCFG="productinfo"'] = ['+QIOTCFG: "productinfo","p11key","other"', OK]
    _ = live.module
    timeline = during(live, tmp_path)
    live.module.at('AT+QIOTCFG="productinfo","p11key","t0p-secret"')
    live.record_to(None)
    timeline.close()
    live.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".yaml"]
    assert len(files) >= 4
    assert [path for path in files if b"t0p-secret" in path.read_bytes()] == []


@pytest.mark.parametrize(("used", "restored"), [(["module", "supply"], True), (["module"], False)])
def test_the_supply_is_put_back_where_the_test_was_given_it(parts, live, used, restored):
    _ = live.module
    for part in used:
        live.uses(part)
    before = len(parts.instrument.messages)
    live.supply.set(voltage=2.5)
    assert live.put_back() == []
    assert any(message.startswith("VOLT 3.3") for message in parts.instrument.since(before)) is restored


def test_the_modules_settings_and_connection_are_put_back(parts, live):
    _ = live.module
    live.uses("module")
    parts.module.replies['AT+QIOTCFG="lifetime"'] = ['+QIOTCFG: "lifetime",86400', OK]
    live.module.configure("lifetime", 120)
    live.module.connect()
    assert live.put_back() == []
    assert parts.module.heard[-1] == 'AT+QIOTCFG="lifetime",86400'
    assert parts.module.state == 1, "disconnected, since settings cannot be written while connected"


def test_a_test_that_was_not_given_the_module_leaves_it_alone(parts, live):
    _ = live.module
    before = len(parts.module.heard)
    assert live.put_back() == []
    assert parts.module.heard[before:] == []


def test_an_offer_left_open_is_forgotten_by_a_restart_where_a_person_prepared_the_plan(parts, live, tmp_path):
    """A refusal would last for hours there."""
    _ = hurry(live).module
    timeline = during(live, tmp_path)
    live.uses("module")
    live.module.connect()
    assert live.module.request_upgrade() is not None
    assert live.put_back() == []
    assert parts.module.said("AT+QIOTUPDATE") == []
    assert any(message.startswith("OUTP OFF") for message in parts.instrument.messages)
    live.record_to(None)
    timeline.close()


def test_an_offer_left_open_is_refused_where_plans_can_be_driven(parts, tmp_path):
    class Center:
        kind, monitoring, plans = "fake", False, True

        def open(self):
            """Fine."""

        close = open

    rig = parts.live(make_center=lambda _rig: Center())
    _ = rig.module, rig.developer_center
    timeline = during(rig, tmp_path)
    rig.uses("module")
    parts.module.say(OFFER)
    timeline.events.expect(urc.UpgradeOffered, within=5, since=timeline.start)
    assert rig.put_back() == []
    assert parts.module.said("AT+QIOTUPDATE") == ["AT+QIOTUPDATE=0"]
    rig.record_to(None)
    timeline.close()


def test_all_that_cannot_be_put_back_is_returned(parts, live):
    _ = live.module
    live.uses("module")
    live.uses("supply")
    parts.module.replies["AT+QIOTREG=0"] = ["ERROR"]
    parts.instrument.errors.append('-222,"Data out of range"')
    problems = [str(problem) for problem in live.put_back()]
    assert len(problems) == 2
    assert "-222" in problems[0]
    assert "AT+QIOTREG=0" in problems[1]


# -- what it is asked for --------------------------------------------------------------------------


def test_the_hosts_components_are_those_of_the_rig_file(live):
    assert live.mcu() == live.mcu("STM32") == ("STM32", "1_0_0")
    with pytest.raises(ValueError, match=r"no component 'ESP32' of the host; mcu: lists \['STM32'\]"):
        live.mcu("ESP32")


def test_disturbances_need_leave(parts):
    for config in (parts.load(allow="[]"), parts.load(supply=False)):
        rig = parts.live(config)
        with pytest.raises(ValueError, match=r"allow: \[cuts\]"):
            rig.disturb(urc.Updating)
        rig.close()


def test_disturbances_are_bounded_for_the_run(parts):
    rig = parts.live(parts.load(more="cuts_per_run: 3"))
    rig.disturb(urc.Updating, times=2)
    rig.disturb(urc.Updating)
    with pytest.raises(ValueError, match="allows 3 disturbances a run"):
        rig.disturb(urc.Updating)


def test_a_waveform_nobody_knows_is_the_callers_fault_and_costs_no_disturbance(parts):
    rig = parts.live(parts.load(more="cuts_per_run: 1"))
    with pytest.raises(ValueError, match="cut-500ms"):
        rig.disturb(urc.Updating, waveform="wobble")
    rig.disturb(urc.Updating)


def test_a_supply_and_a_center_of_another_package_come_before_those_of_the_rig_file(parts):
    class Their:
        kind, monitoring, plans, record = "theirs", False, False, None

        def open(self):
            """Fine."""

        close = open

        def safe_messages(self, _state):
            return []

    supply, center = Their(), Their()
    rig = parts.live(make_supply=lambda _rig: supply, make_center=lambda _rig: center)
    assert rig.supply is supply
    assert rig.developer_center is center
    assert parts.instrument.messages == []
