"""The verbs of the module: which command each is on the wire, what its answer means, and when it is done."""

from __future__ import annotations

import pytest
from scripted_module import BOOT, CONNECTED, ERROR, OFFER, OK, V1, V2

from pytest_quecfota import models, urc
from pytest_quecfota.errors import BenchError, CommandError, ModuleBricked, ModuleError, ModuleSilent, Reason
from pytest_quecfota.module import Identity, Module


class Switch:
    """A supply's switch that remembers what it was told, and powers the scripted module."""

    def __init__(self, scripted) -> None:
        self.scripted, self.told = scripted, []
        self.boots = True

    def off(self) -> None:
        self.told.append("off")

    def on(self) -> None:
        self.told.append("on")
        if self.boots:
            self.scripted.say(*BOOT)


@pytest.fixture
def switch(scripted) -> Switch:
    return Switch(scripted)


@pytest.fixture
def powered(client, model, timeline, switch) -> Module:
    return Module(client, model, timeline=lambda: timeline, supply=switch)


# -- identity and measurements ---------------------------------------------------------------------


def test_identity_is_read_with_four_commands(scripted, module):
    assert module.identity() == Identity("Quectel", "BC25", V1, "866123450000017")
    assert scripted.heard == ["ATI", "AT+CGMI", "AT+CGMM", "AT+CGSN=1"]


@pytest.mark.parametrize(
    ("revision", "imei", "virtual"),
    [
        ("BC25PAR01A02", "866123450000017", False),
        ("BC25_VIRTUAL_V1", "866123450000017", True),
        ("BC25PAR01A02", "001234567890123", True),
    ],
)
def test_a_module_that_says_it_is_simulated_is_known_to_be(revision, imei, virtual):
    assert Identity("Quectel", "BC25", revision, imei).is_virtual is virtual


def test_the_running_version_is_the_line_as_printed(scripted, module):
    scripted.version = "BC25JAR01A08_01.002"
    assert module.firmware_version() == "BC25JAR01A08_01.002"


@pytest.mark.parametrize(("read", "dbm"), [(0, -113), (1, -111), (20, -73), (31, -51), (99, None)])
def test_signal_is_told_in_dbm(scripted, module, read, dbm):
    scripted.replies["AT+CSQ"] = [f"+CSQ: {read},99", OK]
    assert module.signal_dbm() == dbm


def test_charge_and_voltage_come_from_one_answer(module):
    assert module.battery_percent() == 80
    assert module.supply_millivolts() == 3300


@pytest.mark.parametrize("lines", [[OK], ["+CSQ:", OK], ["+CSQ: strong,99", OK], ["CSQ 20", OK]], ids=repr)
def test_a_measurement_that_is_no_number_is_the_modules_fault(scripted, module, lines):
    scripted.replies["AT+CSQ"] = lines
    with pytest.raises(ModuleError, match="CSQ"):
        module.signal_dbm()


def test_a_measurement_left_empty_is_not_known(scripted, module):
    scripted.replies["AT+CSQ"] = ["+CSQ: ,99", OK]
    assert module.signal_dbm() is None


@pytest.mark.parametrize("lines", [[OK], ["+QIOTSTATE: up", OK], ["+QIOTSTATE:", OK]], ids=repr)
def test_a_state_that_is_no_number_is_the_modules_fault(scripted, module, lines):
    scripted.replies["AT+QIOTSTATE?"] = lines
    with pytest.raises(ModuleError, match="QIOTSTATE"):
        module.state()


def test_a_refused_command_is_the_modules_fault_and_names_the_command(scripted, module):
    scripted.replies["AT+CSQ"] = ["+CME ERROR: 3"]
    with pytest.raises(CommandError, match=r"AT\+CSQ answered \+CME ERROR: 3"):
        module.signal_dbm()


def test_a_command_of_the_test_reaches_the_wire_as_it_is(scripted, module):
    scripted.replies['AT+QIOTCFG="lifetime"'] = ['+QIOTCFG: "lifetime",86400', OK]
    assert module.at('AT+QIOTCFG="lifetime"').values == ["lifetime", 86400]
    assert scripted.heard == ['AT+QIOTCFG="lifetime"']


def test_an_unknown_verb_is_the_callers_fault(module):
    with pytest.raises(ValueError, match="no verb 'fly'"):
        module.model.verb("fly")


# -- configuration ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "restored"),
    [
        ('"lifetime",86400', "86400"),
        ('"server",1,"http://iot-south.quectel.com:2883"', '1,"http://iot-south.quectel.com:2883"'),
        ('"ssl",,1', ",1"),
    ],
)
def test_what_was_configured_is_put_back_as_it_was(scripted, module, before, restored):
    name = before.split('"')[1]
    scripted.replies[f'AT+QIOTCFG="{name}"'] = [f"+QIOTCFG: {before}", OK]
    module.configure(name, 7, "x")
    module.put_back()
    assert scripted.heard[1:] == [f'AT+QIOTCFG="{name}",7,"x"', f'AT+QIOTCFG="{name}",{restored}']
    module.put_back()
    assert len(scripted.heard) == 3, "once is enough"


def test_a_setting_changed_twice_goes_back_to_what_it_was_first(scripted, module):
    scripted.replies['AT+QIOTCFG="lifetime"'] = ['+QIOTCFG: "lifetime",86400', OK]
    module.configure("lifetime", 1)
    scripted.replies['AT+QIOTCFG="lifetime"'] = ['+QIOTCFG: "lifetime",1', OK]
    module.configure("lifetime", 2)
    module.put_back()
    assert scripted.said('AT+QIOTCFG="lifetime",') == [f'AT+QIOTCFG="lifetime",{n}' for n in (1, 2, 86400)]


def test_what_could_not_be_put_back_is_put_back_by_the_next_try(scripted, module):
    scripted.replies['AT+QIOTCFG="lifetime"'] = ['+QIOTCFG: "lifetime",86400', OK]
    module.configure("lifetime", 120)
    scripted.replies['AT+QIOTCFG="lifetime",86400'] = [ERROR]
    with pytest.raises(CommandError):
        module.put_back()
    scripted.replies['AT+QIOTCFG="lifetime",86400'] = [OK]
    module.put_back()
    assert len(scripted.said('AT+QIOTCFG="lifetime",86400')) == 2


def test_what_is_configured_before_the_first_test_is_the_baseline(scripted, module):
    scripted.replies['AT+QIOTCFG="lifetime"'] = ['+QIOTCFG: "lifetime",86400', OK]
    module.configure("lifetime", 120)
    module.forget_changes()
    module.put_back()
    assert len(scripted.heard) == 2


def test_the_version_of_a_host_component_is_told_with_its_name(scripted, module):
    module.set_mcu_version("STM32", "1_0_0")
    assert scripted.heard == ['AT+QIOTMCUVER="STM32","1_0_0"']


# -- connection ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [1, 2])
def test_connecting_is_done_when_data_may_be_exchanged(scripted, module, mode):
    scripted.after[f"AT+QIOTREG={mode}"] = []
    told = []

    def state():
        if not told:
            told.append(True)
            return ["+QIOTSTATE: 3", OK]
        return ["+QIOTSTATE: 8", OK]

    scripted.replies["AT+QIOTSTATE?"] = state
    scripted.after["AT+QIOTSTATE?"] = ["+QIOTEVT: 1,10200", *CONNECTED]
    match = module.connect(mode=mode)
    assert match is not None
    assert [type(u) for u in match.urcs] == [urc.Registered, urc.Subscribed]
    assert scripted.heard[0] == f"AT+QIOTREG={mode}"


def test_connecting_when_connected_waits_for_nothing(scripted, module):
    scripted.state, scripted.after["AT+QIOTREG=2"] = 8, []
    assert module.connect() is None


@pytest.mark.parametrize("event", ["1,10423", "2,10430", "3,10466"])
def test_a_refused_connection_is_told_at_once_with_the_event(scripted, module, event):
    scripted.after["AT+QIOTREG=2"] = [f"+QIOTEVT: {event}"]
    with pytest.raises(ModuleError, match="Failed"):
        module.connect()


def test_disconnecting_is_done_when_the_platform_was_left(scripted, module, timeline):
    scripted.state = 8
    module.disconnect()
    assert scripted.state == 1
    assert scripted.heard.count("AT+QIOTREG=0") == 1


def test_disconnecting_when_disconnected_waits_for_nothing(scripted, module):
    scripted.after["AT+QIOTREG=0"] = []
    module.disconnect()


# -- upgrade ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sha256", "command"), [(True, "AT+QIOTOTAREQ=1"), (False, "AT+QIOTOTAREQ=0")])
def test_asking_for_an_upgrade_gives_the_offer(scripted, module, sha256, command):
    scripted.after["AT+QIOTOTAREQ=0"] = [OFFER]
    assert module.request_upgrade(sha256=sha256) == urc.UpgradeOffered("BC25", V1, V2, 30, -113, 2563)
    assert scripted.heard == [command]


def test_an_offer_that_comes_before_the_ok_counts(scripted, module):
    scripted.replies["AT+QIOTOTAREQ=1"] = [OFFER, OK]
    scripted.after["AT+QIOTOTAREQ=1"] = []
    assert module.request_upgrade() is not None


def test_where_no_offer_comes_there_is_none(scripted, module):
    scripted.after["AT+QIOTOTAREQ=1"] = []
    assert module.request_upgrade() is None


def test_an_offer_of_before_does_not_count(scripted, module):
    scripted.say(OFFER)
    scripted.after["AT+QIOTOTAREQ=1"] = []
    module.at("AT")
    assert module.request_upgrade() is None


@pytest.mark.parametrize(
    ("verb", "command"),
    [
        ("confirm_upgrade", "AT+QIOTUPDATE=1"),
        ("refuse_upgrade", "AT+QIOTUPDATE=0"),
        ("next_block", "AT+QIOTUPDATE=2"),
        ("report_updating", "AT+QIOTUPDATE=3"),
    ],
)
def test_each_answer_to_an_offer_is_one_command(scripted, module, verb, command):
    scripted.after.clear()
    getattr(module, verb)()
    assert scripted.heard == [command]


@pytest.mark.parametrize("content", [b"OK\r\n\r\nERROR\r\n", bytes(range(256)), b"\r\n+QIOTEVT: 7,10706\r\n", b"\x00"])
def test_a_block_is_read_exactly_whatever_its_bytes_are(scripted, module, content):
    header = f"\r\n+QIOTOTARD: 16,{len(content)}\r\n".encode()
    scripted.replies[f"AT+QIOTOTARD=16,{len(content)}"] = [header + content, OK]
    assert module.read_block(16, len(content)) == content


def test_a_block_without_data_is_the_modules_fault(scripted, module):
    with pytest.raises(ModuleError, match="without any"):
        module.read_block(0, 4)


def test_a_model_that_calls_the_first_byte_one_is_asked_for_it_so(scripted, client, timeline):
    model = models.load("BC25").with_options({"otard_first_offset": 1})
    module = Module(client, model, timeline=lambda: timeline)
    scripted.replies["AT+QIOTOTARD=1,4"] = [b"\r\n+QIOTOTARD: 1,4\r\nabcd", OK]
    assert module.read_block(0, 4) == b"abcd"


# -- power and restart -----------------------------------------------------------------------------


def test_a_reset_is_done_when_the_module_answers_again(scripted, module, timeline):
    module.reset()
    assert scripted.heard[0] == "AT+QRST=1"
    assert scripted.heard[-1] == "AT"
    assert timeline.events.seen(urc.Ready)


def test_a_module_that_restarts_instead_of_answering_its_reset_is_reset_all_the_same(scripted, module):
    scripted.replies["AT+QRST=1"] = lambda: scripted.say(*BOOT)
    module.reset()


def test_a_module_that_prints_no_ready_but_answers_is_up(scripted, module):
    scripted.after["AT+QRST=1"] = []
    module.reset()


@pytest.mark.usefixtures("impatient")
def test_a_module_that_does_not_come_back_from_its_reset_is_silent(scripted, module):
    scripted.after["AT+QRST=1"] = []
    scripted.replies["AT"] = None
    with pytest.raises(ModuleSilent, match="no RDY and no answer to AT"):
        module.reset()


@pytest.mark.usefixtures("impatient")
def test_a_module_that_says_ready_and_nothing_more_is_silent(scripted, module):
    scripted.replies["AT"] = None
    with pytest.raises(ModuleSilent, match=r"no answer to AT within .* after RDY"):
        module.reset()


def test_a_power_cycle_takes_the_power_away_and_gives_it_back(scripted, powered, switch, timeline):
    powered.power_cycle()
    assert switch.told == ["off", "on"]
    assert timeline.events.seen(urc.Ready)


def test_a_restart_after_a_power_cycle_is_no_surprise(scripted, powered, timeline):
    powered.power_cycle()
    timeline.events.expect_none(urc.Updated, during=0.05)


def test_a_restart_nobody_asked_for_is(scripted, module, timeline):
    mark = timeline.events.mark()
    scripted.say("RDY")
    with pytest.raises(ModuleError):
        timeline.events.expect(urc.Updated, within=2, since=mark)


@pytest.mark.usefixtures("impatient")
def test_a_module_that_stays_silent_with_power_is_bricked(scripted, powered, switch):
    switch.boots = False
    scripted.replies["AT"] = None
    with pytest.raises(ModuleBricked, match="silent after a power cycle"):
        powered.power_cycle()


def test_the_power_comes_back_also_where_the_bench_breaks_while_it_is_off(powered, switch, timeline):
    timeline.fault(BenchError("the port is gone", reason=Reason.PORT_LOST))
    with pytest.raises(BenchError):
        powered.power_cycle()
    assert switch.told[-1:] != ["off"]


def test_without_a_supply_there_is_no_power_cycle(module):
    with pytest.raises(BenchError, match="needs a supply") as caught:
        module.power_cycle()
    assert caught.value.reason is Reason.CONFIGURATION


def test_a_module_that_answers_late_is_given_another_chance(scripted, module):
    replies = iter([[ERROR], [OK]])
    scripted.replies["AT"] = lambda: next(replies)
    assert module.answers()


@pytest.mark.usefixtures("impatient")
def test_a_module_that_never_answers_is_not_waited_for_for_ever(scripted, module):
    scripted.replies["AT"] = None
    assert not module.answers()
