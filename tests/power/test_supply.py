"""The supply as tests see it, byte by byte on the wire: one message an action, never above the limit, no wrong number."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_instrument import connected_to

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power import Reading, Supply
from pytest_quecfota.power.supply import Setting

ERROR = ";:SYST:ERR?"


@pytest.fixture
def records(supply: Supply) -> list[tuple[str, dict[str, object]]]:
    kept: list[tuple[str, dict[str, object]]] = []
    supply.record = lambda kind, **fields: kept.append((kind, fields))
    return kept


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda s: s.set(voltage=3.2), "VOLT 3.2000,(@1)"),
        (lambda s: s.set(current_limit=0.5), "CURR 0.5000,(@1)"),
        (lambda s: s.set(voltage=2.1, current_limit=0.5), "VOLT 2.1000,(@1);:CURR 0.5000,(@1)"),
        (lambda s: s.on(), "OUTP ON,(@1)"),
        (lambda s: s.off(), "OUTP OFF,(@1)"),
        (lambda s: s.restore(), "VOLT 3.3000,(@1);:CURR 1.0000,(@1);:OUTP ON,(@1)"),
    ],
    ids=["volts", "amperes", "both", "on", "off", "restore"],
)
def test_each_action_is_one_message_that_asks_whether_it_was_taken(scripted, supply, action, message):
    action(supply)
    assert bytes(scripted.raw) == f"*IDN?\n{message}{ERROR}\n".encode()


def test_readings_are_what_the_instrument_measured(scripted, supply):
    reading = supply.measure()
    assert isinstance(reading, Reading)
    assert 3.1 <= reading.voltage < 3.2
    assert 0.5 <= reading.current < 0.6
    assert scripted.since(1) == ["MEAS:VOLT? (@1)", "MEAS:CURR? (@1)", "SYST:ERR?"]


def test_it_reads_back_what_it_is_set_to(scripted, supply):
    supply.set(voltage=2.5, current_limit=0.75)
    assert supply.setting() == Setting(2.5, 0.75)
    assert supply.output()
    supply.off()
    assert not supply.output()


@given(
    voltage=st.none() | st.floats() | st.floats(2.0, 3.7),
    current=st.none() | st.floats() | st.floats(0.01, 2.0),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_outside_the_limits_is_ever_sent(scripted, patient_supply, voltage, current):
    before = len(scripted.messages)
    allowed = (voltage is None or 2.1 <= voltage <= 3.6) and (current is None or 0 < current < math.inf)
    if allowed and (voltage, current) != (None, None):
        patient_supply.set(voltage=voltage, current_limit=current)
        assert len(scripted.messages) == before + 1
    else:
        with pytest.raises(ValueError):
            patient_supply.set(voltage=voltage, current_limit=current)
        assert len(scripted.messages) == before
    assert scripted.highest <= 3.6
    assert scripted.errors == []


def test_the_text_of_a_refused_voltage_names_the_limits(supply):
    with pytest.raises(ValueError, match=r"3\.7 V is outside the limits of this rig, 2\.1 to 3\.6 V"):
        supply.set(voltage=3.7)


def test_it_is_never_switched_off_where_the_rig_does_not_allow_cuts(scripted, make_supply):
    supply = make_supply(may_cut=False)
    with pytest.raises(ValueError, match=r"allow: \[cuts\]"):
        supply.off()
    assert scripted.messages == ["*IDN?"]


def test_a_setting_the_supply_refuses_is_a_bench_fault_and_does_not_count(scripted, supply, records):
    scripted.errors.append('-222,"Data out of range"')
    with pytest.raises(SupplyError, match="-222") as caught:
        supply.set(voltage=3.0)
    assert caught.value.reason is Reason.SUPPLY_SCPI
    assert records == []
    supply.set(current_limit=0.5)
    assert records[-1][1]["voltage"] == 3.3, "the refused voltage is not what it is set to"


def test_an_old_error_in_the_queue_does_not_spoil_the_next_run(scripted, make_supply):
    """What somebody else left in the error queue before this run is not our message's fault for ever."""
    scripted.errors.append('-113,"Undefined header"')
    supply = make_supply()
    with pytest.raises(SupplyError):
        supply.on()
    supply.on()


@pytest.mark.parametrize(
    "answer", [b"ON FIRE\n", b"\n", b"\xff\xfe\n", b'+0,"No error"\n', b"3.3.3\n", b"nan\n", b"9.91E37\n"]
)
def test_garbage_is_a_bench_fault_and_no_number(scripted, supply, answer):
    scripted.script = lambda query: answer if query == "MEAS:VOLT? (@1)" else None
    with pytest.raises(SupplyError):
        supply.measure()
    scripted.script = lambda _query: None
    assert 3.1 <= supply.measure().voltage < 3.2


@pytest.mark.parametrize(
    ("answer", "volts"), [(b"+3.30000000E+00\n", 3.3), (b" 3.3 \n", 3.3), (b"3.3V\n", 3.3), (b".5\r\n", 0.5)]
)
def test_numbers_are_read_in_every_form_instruments_use(scripted, supply, answer, volts):
    scripted.script = lambda query: answer if query == "MEAS:VOLT? (@1)" else None
    assert supply.measure().voltage == pytest.approx(volts)


def test_another_instrument_at_that_address_is_refused_and_let_go(scripted, make_supply):
    scripted.identity = "RIGOL TECHNOLOGIES,DP832,DP8A000000,00.01.16"
    with pytest.raises(SupplyError, match=r"DP832.*supply\.profile") as caught:
        make_supply()
    assert caught.value.reason is Reason.CONFIGURATION
    del caught
    with connected_to(scripted.port) as sockets:
        assert sockets == []


def test_every_change_is_recorded_with_what_it_was(scripted, supply, records):
    supply.tell()
    supply.set(voltage=2.5)
    supply.off()
    supply.on()
    supply.measure()
    supply.restore()
    assert [(kind, fields.get("action"), fields.get("voltage")) for kind, fields in records if kind == "supply"] == [
        ("supply", "is", 3.3),
        ("supply", "set", 2.5),
        ("supply", "off", 0.0),
        ("supply", "on", 2.5),
        ("supply", "restore", 3.3),
    ]
    assert [kind for kind, _ in records].count("sample") == 1


def test_what_could_not_be_sent_is_not_recorded(scripted, supply, records):
    scripted.hang_up()
    with pytest.raises(SupplyError):
        supply.off()
    assert records == []


@pytest.mark.parametrize(
    ("state", "messages"),
    [("nominal", ["VOLT 3.3000,(@1)", "CURR 1.0000,(@1)", "OUTP ON,(@1)"]), ("off", ["OUTP OFF,(@1)"])],
)
def test_the_safe_state_ends_a_waveform_first(supply, state, messages):
    assert supply.safe_messages(state) == ["ABOR (@1)", "VOLT:MODE FIX,(@1)", *messages]


def test_four_threads_hammering_one_supply_get_no_wrong_answer(scripted, patient_supply):
    supply, wrong = patient_supply, []

    def measure() -> None:
        reading = supply.measure()
        if not (3.1 <= reading.voltage < 3.2 and 0.5 <= reading.current < 0.6):
            wrong.append(reading)

    def read_back() -> None:
        found = supply.setting()
        if not (2.1 <= found.voltage <= 3.6 and 0 < found.current_limit <= 1):
            wrong.append(found)

    def switch() -> None:
        supply.on()
        if not supply.output():
            wrong.append("output")

    levels = iter([2.5, 3.0, 3.3, 3.5] * 10)
    errors: list[BaseException] = []

    def work(action) -> None:
        try:
            for _ in range(40):
                action()
        except BaseException as error:
            errors.append(error)

    actions = [measure, read_back, switch, lambda: supply.set(voltage=next(levels))]
    threads = [threading.Thread(target=work, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert errors == []
    assert wrong == []
    assert scripted.errors == [], "no message was torn by another"


def test_a_pair_of_readings_is_not_torn_apart_by_another_thread(scripted, patient_supply):
    """Volts and amperes of one reading are asked for one right after the other."""
    busy = threading.Thread(target=lambda: [patient_supply.on() for _ in range(30)])
    busy.start()
    for _ in range(30):
        patient_supply.measure()
    busy.join(10)
    asked = scripted.messages
    pairs = [asked[n + 1] for n, message in enumerate(asked) if message.startswith("MEAS:VOLT?")]
    assert set(pairs) == {"MEAS:CURR? (@1)"}
