"""Connection to the platform: CON-01 to CON-08."""

from __future__ import annotations

import re
import uuid

import pytest

from pytest_quecfota import one_of, sequence, urc, where
from pytest_quecfota.at.client import Client
from pytest_quecfota.errors import CommandError
from pytest_quecfota.link.port import PortSpec
from pytest_quecfota.link.wire import Wire
from pytest_quecfota.rig.bench import start
from pytest_quecfota.timeline import Timeline

pytestmark = pytest.mark.needs("played")

CONNECTED = 8
OFF = {0, 1, 11}

#: A value that each setting does not have by default, by its name in AT+QIOTCFG=? (QuecThing documentation, NB and cellular).
SETTINGS = {
    "server": {"nb": '0,"coap://192.0.2.1:5683"', "cellular": '1,"mqtt://192.0.2.1:1883"'},
    "lifetime": "4321",
    "buffer": "1",
    "act": "2",
    "tsl": "1",
    "psk": '"0123456789abcdef"',
    "session_mode": "1",
    "txid_mode": "1",
}
#: Settings that are not put back by their old value: what makes the module forget them.
CLEARED = {"psk": '""'}


@pytest.mark.smoke
@pytest.mark.requirement("CON-02")
def test_module_connects_and_may_exchange_data(module, events):
    """AT+QIOTREG=1 answers OK; then the module registers and subscribes, and at its first activation authenticates before."""
    mark = events.mark()
    module.at("AT+QIOTREG=1")
    events.expect(sequence(urc.Registered, urc.Subscribed), within="90 s", since=mark)
    assert module.state() == CONNECTED
    authenticated = events.seen(urc.Authenticated, since=mark)
    assert len(authenticated) <= 1
    assert all(urc_.time <= events.seen(urc.Registered, since=mark)[0].time for urc_ in authenticated)


@pytest.mark.requirement("CON-04")
def test_deregistration_is_told_and_state_follows(module, events):
    """AT+QIOTREG=0 ends in 6,10200, and AT+QIOTSTATE shows where the module is before and after."""
    module.connect(mode=1)
    assert module.state() == CONNECTED
    mark = events.mark()
    module.at("AT+QIOTREG=0")
    events.expect(urc.Deregistered, within="30 s", since=mark)
    assert module.state() in OFF


@pytest.mark.requirement("CON-05")
@pytest.mark.parametrize(("mode", "comes_back"), [(1, False), (2, True)])
def test_only_mode_two_reconnects_after_a_reset(module, events, mode, comes_back):
    """A module connected with mode 1 stays off after a reset; with mode 2 it connects by itself."""
    module.connect(mode=mode)
    mark = events.mark()
    module.reset()
    if comes_back:
        module.wait_connected(since=mark)
        assert module.state() == CONNECTED
        assert module.at("AT+QIOTREG?").values == [2]
    else:
        events.expect_none(one_of(urc.Registered, urc.Subscribed), during="30 s")
        assert module.state() in OFF
        assert module.at("AT+QIOTREG?").values == [0]


@pytest.mark.requirement("CON-05")
@pytest.mark.needs("cuts")
@pytest.mark.parametrize(("mode", "comes_back"), [(1, False), (2, True)])
def test_only_mode_two_reconnects_after_a_power_cycle(module, events, mode, comes_back):
    """Losing its power changes nothing in that."""
    module.connect(mode=mode)
    mark = events.mark()
    module.power_cycle()
    if comes_back:
        module.wait_connected(since=mark)
    else:
        events.expect_none(one_of(urc.Registered, urc.Subscribed), during="30 s")
        assert module.state() in OFF


@pytest.fixture
def settings(module):
    """The settings this module has, each with a value of ours; all have their old value again after the test."""
    there = set(re.findall(r'"(\w+)"', " ".join(module.at("AT+QIOTCFG=?").lines)))
    flavour = module.model.flavour
    ours = {name: text if isinstance(text, str) else text[flavour] for name, text in SETTINGS.items() if name in there}
    before = {name: told(module, name) for name in ours}
    yield ours
    module.disconnect()
    for name, text in before.items():
        module.at(f'AT+QIOTCFG="{name}",{CLEARED.get(name, text)}')


def told(module, name):
    """A setting's value as AT+QIOTCFG tells it, without spaces."""
    return ";".join(
        line.partition(",")[2] for line in module.at(f'AT+QIOTCFG="{name}"').lines if line.startswith("+QIOTCFG:")
    ).replace(" ", "")


@pytest.mark.requirement("CON-06")
def test_settings_cannot_be_written_while_connected(module, settings):
    """Each AT+QIOTCFG write answers ERROR from the connection on and changes nothing; after it, it is taken."""
    key, secret = '"p0000000000000"', '"s000000000000000"'
    module.connect(mode=1)
    before = {name: told(module, name) for name in settings}
    for name, text in {**settings, "productinfo": f"{key},{secret}", "dk_ds": '"QFOTA0000000002"'}.items():
        with pytest.raises(CommandError):
            module.at(f'AT+QIOTCFG="{name}",{text}')
    assert {name: told(module, name) for name in settings} == before
    module.disconnect()
    for name, text in settings.items():
        module.at(f'AT+QIOTCFG="{name}",{text}')
    assert {name: told(module, name) for name in settings} == settings


@pytest.mark.requirement("CON-06")
@pytest.mark.needs("cuts")
def test_settings_survive_a_power_cycle(module, settings):
    """What AT+QIOTCFG has taken is still there after the power was away, every setting of it."""
    for name, text in settings.items():
        module.at(f'AT+QIOTCFG="{name}",{text}')
    module.power_cycle()
    assert {name: told(module, name) for name in settings} == settings


@pytest.mark.requirement("CON-06")
def test_settings_survive_a_reset(module, settings):
    """The same after a reset by command."""
    for name, text in settings.items():
        module.at(f'AT+QIOTCFG="{name}",{text}')
    module.reset()
    assert {name: told(module, name) for name in settings} == settings


@pytest.mark.requirement("CON-01")
@pytest.mark.needs("virtual")
def test_registering_without_product_key_is_refused(fresh_module):
    """AT+QIOTREG answers ERROR on a module that was never given a ProductKey, and it stays off."""
    for mode in (1, 2):
        with pytest.raises(CommandError):
            fresh_module.command(f"AT+QIOTREG={mode}")
    assert fresh_module.command("AT+QIOTSTATE?").values[0] in OFF
    assert fresh_module.command("AT+QIOTREG=0").lines == ()


WRONG = {
    "product-key": ('"productinfo","p0000000000wrong","{secret}"', urc.AuthenticationFailed, 10423),
    "product-secret": ('"productinfo","{key}","0000000000wrong"', urc.AuthenticationFailed, 10424),
    "device-unknown": ('"dk_ds","QFOTA0000000001","{secret}"', urc.RegistrationFailed, 10438),
}


@pytest.mark.requirement("CON-03")
@pytest.mark.needs("plans")
@pytest.mark.parametrize("what", WRONG)
def test_each_wrong_credential_has_its_own_code(module, events, credentials, what):
    """A wrong ProductKey, a wrong ProductSecret and an unknown device are told apart by their event codes."""
    setting, event, code = WRONG[what]
    module.at("AT+QIOTCFG=" + setting.format(**credentials))
    mark = events.mark()
    module.at("AT+QIOTREG=1")
    refusal = events.expect(one_of(urc.AuthenticationFailed, urc.RegistrationFailed), "90 s", since=mark).urcs[-1]
    assert isinstance(refusal, event)
    assert refusal.code == code
    assert module.state() != CONNECTED
    assert not events.seen(urc.Subscribed, since=mark)


@pytest.mark.requirement("CON-03")
@pytest.mark.needs("plans")
def test_a_wrong_device_secret_is_refused_with_its_own_code(module, events, credentials):
    """A device the platform knows is refused with 2,10430 where its DeviceSecret is another; it does not try again by itself."""
    device = f"QFOTA{uuid.uuid4().hex[:9]}"
    module.at(f'AT+QIOTCFG="dk_ds","{device}"')
    module.connect(mode=1)
    module.disconnect()
    module.at(f'AT+QIOTCFG="dk_ds","{device}","00000000wrong000"')
    mark = events.mark()
    module.at("AT+QIOTREG=1")
    refusal = events.expect(one_of(urc.AuthenticationFailed, urc.RegistrationFailed), "90 s", since=mark).urcs[-1]
    assert (type(refusal), refusal.code) == (urc.RegistrationFailed, 10430)
    events.expect_none(one_of(urc.RegistrationFailed, urc.Registered, urc.Subscribed), "2 min", since=events.mark())
    assert module.state() != CONNECTED


@pytest.mark.requirement("CON-03")
@pytest.mark.needs("plans")
def test_a_disabled_device_is_sent_away_and_kept_out(module, events, developer_center):
    """Disabling a device ends its connection with 2,10477, and it is refused with the same code until it is enabled."""
    device = f"/products/{developer_center.product_key}/devices/{developer_center.device_key}"
    module.connect(mode=1)
    mark = events.mark()
    developer_center.api.post(f"{device}/disable")
    try:
        events.expect(where(urc.RegistrationFailed, code=10477), within="60 s", since=mark)
        module.disconnect()
        mark = events.mark()
        module.at("AT+QIOTREG=1")
        events.expect(where(urc.RegistrationFailed, code=10477), within="90 s", since=mark)
        module.disconnect()
    finally:
        developer_center.api.post(f"{device}/enable")
    module.connect(mode=1)


@pytest.mark.requirement("CON-07")
@pytest.mark.needs("virtual")
def test_a_lost_network_is_told_and_the_module_finds_back(rig, module, events):
    """2,10474 comes when the network goes; when it is back the module connects without help."""
    module.connect(mode=1)
    mark = events.mark()
    rig.control("/radio", "POST", {"attached": False})
    try:
        events.expect(where(urc.RegistrationFailed, code=10474), within="60 s", since=mark)
        assert module.state() != CONNECTED
    finally:
        rig.control("/radio", "POST", {"attached": True})
    module.wait_connected(since=mark)
    assert module.state() == CONNECTED


#: Every AT+QIOT command but AT+QIOTRST (it takes the device away) and AT+QIOTNTPREQ (30 s), with what it is answered offline:
#: at once is due in any case, also where it is ERROR (QuecThing documentation, maximum response time).
OFFLINE = [
    "AT+QIOTCFG=?", *(f'AT+QIOTCFG="{name}"' for name in ("productinfo", "dk_ds", *SETTINGS)), 'AT+QIOTCFG="lifetime",3600',
    "AT+QIOTREG=?", "AT+QIOTREG?", "AT+QIOTSTATE?", "AT+QIOTMCUVER=?", 'AT+QIOTMCUVER="RESPONSE","1"', "AT+QIOTMCUVER?",
    'AT+QIOTMCUVER="RESPONSE"', 'AT+QIOTMCUVER="RESPONSE",""', "AT+QIOTOTAREQ=?", "AT+QIOTOTAREQ", "AT+QIOTOTAREQ=1",
    "AT+QIOTUPDATE=?", "AT+QIOTUPDATE=0", "AT+QIOTUPDATE=1", "AT+QIOTUPDATE=2", "AT+QIOTUPDATE=3", "AT+QIOTOTARD=?",
    "AT+QIOTOTARD=0,1", "AT+QIOTINFO=?", "AT+QIOTINFO?", 'AT+QIOTINFO="up"', "AT+QIOTSEND=?", "AT+QIOTSEND=9,9", "AT+QIOTRD=?",
    "AT+QIOTRD?", "AT+QIOTRD=1", "AT+QIOTMODELTD=?", "AT+QIOTMODELTD=9,9", "AT+QIOTMODELRD=?", "AT+QIOTMODELRD?",
    "AT+QIOTMODELRD=1", "AT+QIOTLOCIN=?", "AT+QIOTLOCIN?", "AT+QIOTLOCEXT=?", "AT+QIOTBINDCODE?", "AT+QIOTNONSENSE=1",
    "AT+QIOTREG=1",
]  # fmt: skip
ONLINE = [
    "AT+QIOTSTATE?", "AT+QIOTREG?", "AT+QIOTREG=1", "AT+QIOTOTAREQ=0", "AT+QIOTOTAREQ=1", "AT+QIOTUPDATE=1", "AT+QIOTOTARD=0,1",
    'AT+QIOTMCUVER="RESPONSE","1"', 'AT+QIOTMCUVER="RESPONSE",""', 'AT+QIOTCFG="lifetime",3600', 'AT+QIOTCFG="lifetime"',
    'AT+QIOTINFO="up"', "AT+QIOTINFO?", "AT+QIOTRD?", "AT+QIOTREG=0",
]  # fmt: skip


@pytest.mark.requirement("CON-08")
def test_no_command_exceeds_its_response_time(rig, module):
    """Every AT+QIOT command is answered within the 300 ms of the documentation, connected or not, at speed 1."""
    module.configure("lifetime", 3601)
    if not rig.is_virtual and rig.speed != 1:
        pytest.skip("response times mean something at speed 1 only")
    limit = module.model.timings.response
    took = times(rig, module, OFFLINE)
    module.connect(mode=1)
    took += times(rig, module, ONLINE)
    slow = {command: seconds for command, seconds in took if seconds > limit}
    assert not slow, f"longer than {limit:g} s: {slow}"
    assert len(took) == len(OFFLINE) + len(ONLINE)


def times(rig, module, commands):
    """How many seconds each command took to its final result, whichever that was; at speed 1, which a virtual rig is set to."""
    mark = module.timeline.events.mark()
    if rig.is_virtual:
        rig.clock.speed(1)
    for command in commands:
        try:
            module.at(command, timeout=5)
        except CommandError:
            continue  # it was answered, and is in the record
    if rig.is_virtual:
        rig.clock.restore()
    return [(str(r["command"]), float(r["duration"])) for r in module.timeline.records("response", since=mark)]


@pytest.fixture
def credentials(rig, module, developer_center):
    """The rig's ProductKey and ProductSecret; written again after the test, and the device activated anew."""
    key, secret = rig.config.product()
    yield {"key": key, "secret": secret}
    module.disconnect()
    module.at('AT+QIOTCFG="dk_ds",""')
    module.at(f'AT+QIOTCFG="productinfo","{key}","{secret}"')
    developer_center.api.post(f"/products/{key}/devices/{developer_center.device_key}/reset")


@pytest.fixture
def fresh_module(rig):
    """The AT client of another virtual module, as it left the factory: nothing was ever configured."""
    bench = start(rig.config, defects=rig.defects)
    timeline = Timeline(speed=rig.speed)
    mark = timeline.events.mark()
    wire = Wire(PortSpec(bench.ready["at"], rig.model.baudrate), timeline)
    try:
        timeline.announce_restart("power on")
        client = Client(wire, speed=rig.speed)
        timeline.events.expect(urc.Ready, within="30 s", since=mark)
        client.command("AT", timeout=10)
        yield client
    finally:
        wire.close()
        timeline.close()
        bench.stop()
