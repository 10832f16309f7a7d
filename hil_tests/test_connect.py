"""Connection to the platform: CON-01, CON-02, CON-04 to CON-06."""

from __future__ import annotations

import pytest

from pytest_quecfota import one_of, sequence, urc
from pytest_quecfota.errors import CommandError

CONNECTED = 8
OFF = {0, 1, 11}


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
    else:
        events.expect_none(one_of(urc.Registered, urc.Subscribed), during="30 s")
        assert module.state() in OFF


@pytest.mark.requirement("CON-06")
def test_settings_cannot_be_written_while_connected(module):
    """AT+QIOTCFG writes answer ERROR from the connection on, and work again after it."""
    module.connect(mode=1)
    with pytest.raises(CommandError):
        module.at('AT+QIOTCFG="lifetime",3600')
    module.disconnect()
    module.configure("lifetime", 3600)
    assert module.at('AT+QIOTCFG="lifetime"').values == ["lifetime", 3600]


@pytest.mark.requirement("CON-06")
@pytest.mark.needs("cuts")
def test_settings_survive_a_power_cycle(module):
    """What AT+QIOTCFG has taken is still there after the power was away."""
    module.configure("lifetime", 4321)
    module.power_cycle()
    assert module.at('AT+QIOTCFG="lifetime"').values == ["lifetime", 4321]
