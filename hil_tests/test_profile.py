"""The module does what its model's profile says where the documents contradict each other, or say nothing: OTA-01, OTA-06, SOTA-02.

An option that is wrong for a module is found here, by name, before it makes other tests fail without saying why.
"""

from __future__ import annotations

import pytest

from pytest_quecfota import one_of, repeated, sequence, urc, where
from pytest_quecfota.errors import CommandError

pytestmark = pytest.mark.module_time("60 min")


@pytest.fixture
def options(module):
    """The options of the module's profile."""
    return module.model.options


@pytest.mark.requirement("SOTA-03")
def test_longest_read_is_the_one_the_profile_names(module, options):
    """AT+QIOTOTARD=? names `otard_max` as the end of its range."""
    shown = module.at("AT+QIOTOTARD=?").lines[0]
    assert str(options.otard_max) in shown, f"otard_max is {options.otard_max}, the module says {shown}"


@pytest.mark.requirement("OTA-05")
def test_battery_is_told_where_the_profile_says_so(module, options):
    """AT+CBC tells the charge, or `battery_source: none` stands in the profile."""
    command = module.model.verb("battery_percent").command
    if options.battery_source == "none":
        assert module.battery_percent() is None
        pytest.skip("battery_source is none: nothing tells the charge")
    assert 0 <= module.battery_percent() <= 100, f"{command} tells no charge; battery_source: none?"


@pytest.mark.requirement("SOTA-01")
def test_no_version_of_the_host_is_answered_as_the_profile_says(module, options):
    """AT+QIOTMCUVER? with no version set answers OK alone, or ERROR (`empty_mcuver`)."""
    try:
        lines = module.at("AT+QIOTMCUVER?").lines
    except CommandError:
        lines = None
    if lines:
        pytest.skip(f"versions of the host are set: {', '.join(lines)}")
    answered = "error" if lines is None else "ok"
    assert options.empty_mcuver == answered, f"empty_mcuver is {options.empty_mcuver}, the module answers {answered}"


@pytest.mark.requirement("OTA-06")
def test_events_of_a_module_component_carry_what_the_profile_says(module, fota_plan, events, upgrade):
    """7,10701 and 7,10703 name component and length for the module's own firmware, or nothing (`module_event_parameters`)."""
    plan = fota_plan()
    mark = events.mark()
    upgrade(plan)
    told = events.seen(one_of(urc.DownloadStarted, urc.Downloaded), since=mark)
    expected = {plan.component} if module.model.options.module_event_parameters else {None}
    assert {event.component for event in told} == expected


@pytest.mark.requirement("OTA-04")
def test_a_silent_plan_is_confirmed_by_whom_the_profile_names(module, events, fota_plan, options):
    """Without AT+QIOTUPDATE=1 nothing starts, or the module starts by itself (`silent_plan_confirmed_by`)."""
    plan = fota_plan()
    module.connect(mode=2)
    mark = events.mark()
    assert module.request_upgrade() is not None
    begins = sequence(urc.DownloadStarted, repeated(urc.Downloading))
    if options.silent_plan_confirmed_by == "host":
        events.expect_none(one_of(urc.DownloadStarted, urc.Downloading), during="60 s")
        module.refuse_upgrade()
        return
    events.expect(begins, within=module.model.timings.download_start, since=mark)
    events.expect(sequence(urc.Updating, urc.Ready), within="45 min", since=mark)
    module.wait_connected(since=mark)
    assert module.firmware_version() == plan.target_version


@pytest.mark.requirement("SOTA-02", "SOTA-06")
@pytest.mark.needs("mcu", "plans")
def test_a_host_is_upgraded_in_the_order_the_profile_says(module, events, sota_plan, upgrade, options):
    """One upgrade of the host: its digests, who tells 7,10704 when (`mcu_updating_event`), and END around 7,10705."""
    plan = sota_plan()
    mark = events.mark()
    run = upgrade(plan)
    assert run.outcome == "upgraded", run.reason
    started = events.seen(urc.DownloadStarted, since=mark)[0]
    assert started.sha256 is not None, "the SHA-256 was asked for: is sha256_request right?"
    end = where(urc.Dfota, stage="END", value=0)
    order = {
        "none": (urc.Updated,),
        "before-success": (end, urc.Updated),
        "after-success": (urc.Updated, end),
    }[options.mcu_end_indication]
    events.expect(sequence(urc.Updating, *order), within="1 min", since=mark)
    if options.mcu_end_indication == "none":
        assert not events.seen(end, since=mark)
    assert len(events.seen(urc.Updating, since=mark)) == 1
