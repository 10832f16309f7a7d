"""Every profile against a strict instrument of its family: nothing is sent that the family does not know, everything works.

The instruments' tables (`strict_families`) are written from the makers' command lists and share nothing with the profiles. After
each test it must hold that nothing unknown was sent, that every message ended, and that none came too soon.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from strict_families import FAMILIES
from strict_supply import Output, StrictSupply

from pytest_quecfota.errors import Reason, SupplyError
from pytest_quecfota.power import Profile, Supply, load_profile, profile_names
from pytest_quecfota.power.instrument import Instrument
from pytest_quecfota.power.supply import Limits, Setting
from pytest_quecfota.rig import supply_profiles

OWN = Path(__file__).parent / "my-2230.yaml"
NAMES = [*profile_names(), "keithley-2230"]
NOMINAL, LIMITS = Setting(3.3, 1.0), Limits(2.1, 3.6)


def profile_of(name: str) -> Profile:
    return supply_profiles.read(OWN) if name == "keithley-2230" else load_profile(name)


@pytest.fixture(params=NAMES)
def profile(request: pytest.FixtureRequest) -> Profile:
    """As it is, but in a hurry; that it keeps its gap is proven below."""
    profile = profile_of(request.param)
    quick = {"command_gap": 0.0, "quiet": 0.03}
    return profile.model_copy(update={"transport": profile.transport.model_copy(update=quick)})


@pytest.fixture
def strict(profile: Profile) -> Iterator[StrictSupply]:
    """An instrument of the profile's family, held to its manners when the test is over."""
    instrument = StrictSupply(FAMILIES[profile.name])
    yield instrument
    instrument.close()
    assert instrument.unknown == []
    assert instrument.rude == []
    others = [o for n, o in instrument.outputs.items() if n != channel_of(profile)]
    assert others == [Output()] * len(others), "another output was touched"


def channel_of(profile: Profile) -> int:
    """The last output that all of the family have: a forgotten channel is seen."""
    return min(2, profile.channels)


@pytest.fixture
def output(strict: StrictSupply, profile: Profile) -> Output:
    """The output of the instrument that powers the module."""
    return strict.outputs[channel_of(profile)]


@pytest.fixture
def make(strict: StrictSupply, profile: Profile) -> Iterator[Callable[..., Supply]]:
    made: list[Supply] = []

    def supply(*, may_cut: bool = True) -> Supply:
        channel = channel_of(profile)
        instrument = Instrument(
            strict.address, transport=profile.transport, setup=profile.setup_messages(channel), limit=0.6
        )
        made.append(Supply(instrument, profile, channel=channel, nominal=NOMINAL, limits=LIMITS, may_cut=may_cut))
        return made[-1]

    yield supply
    for each in made:
        each.close()


@pytest.fixture
def supply(make: Callable[..., Supply]) -> Supply:
    made = make()
    made.restore()
    return made


def test_there_is_a_strict_instrument_for_every_profile():
    assert set(FAMILIES) == set(NAMES)


def test_it_is_recognised_and_no_other_is(strict, make):
    supply = make()
    begins = b"*IDN?" + supply.profile.transport.write_termination.encode()
    assert bytes(strict.raw).startswith(begins)
    for other in NAMES:
        matches = re.search(supply.profile.identify, FAMILIES[other].identity) is not None
        assert matches is (other == supply.profile.name), other
    supply.output()  # has an answer: what was sent before it has been taken
    assert strict.remote is (supply.profile.name == "rs-hmp4040"), "SYST:REM where it is needed"


def test_it_is_set_and_read_back(supply, output):
    supply.set(voltage=2.5, current_limit=0.75)
    assert (output.voltage, output.current, output.on) == (2.5, 0.75, True)
    assert supply.setting() == Setting(2.5, 0.75)
    supply.set(voltage=3.29)
    assert (output.voltage, output.current) == (3.29, 0.75)


def test_it_is_switched_and_tells_its_switch(supply, output):
    assert supply.output() is output.on is True
    supply.off()
    assert supply.output() is output.on is False
    supply.on()
    assert supply.output() is output.on is True


def test_it_measures(supply, output):
    output.voltage = 3.21
    reading = supply.measure()
    assert reading.voltage == pytest.approx(3.21, abs=0.006)
    assert reading.current == pytest.approx(0.123)
    supply.off()
    assert supply.measure().voltage == 0


def test_what_it_refuses_is_an_error_with_its_own_words(make, strict, profile):
    supply = make()
    instrument, most = supply.instrument, strict.family.most_volts
    instrument.censor = lambda _message: None
    with pytest.raises(SupplyError) as caught:
        supply.dialogue.tell("voltage", voltage=most + 1, current=1.0)
    assert caught.value.reason is Reason.SUPPLY_SCPI
    told = {"tti-plx": "EER. 100", "korad-ka3005p": "says"}.get(profile.name, "-222.*out of range")
    assert re.search(told, str(caught.value)), caught.value
    supply.on()


def test_one_that_takes_nothing_is_found_out_where_the_family_tells_no_errors(supply, strict, profile):
    if not profile.reads_back:
        assert profile.commands.error is not None
        return
    strict.deaf = True
    with pytest.raises(SupplyError, match=r"was told 2\.5 and says 3\.3"):
        supply.set(voltage=2.5)
    with pytest.raises(SupplyError, match="was told output off and says output on"):
        supply.off()


def test_its_protections_lie_above_the_limits_and_are_told_when_they_trip(supply, strict, output, profile):
    supply.protect()
    levels = supply.protections.levels
    assert set(levels) == {
        name for name in ("over_voltage", "over_current") if getattr(profile.protection, name) is not None
    }
    if "over_voltage" in levels:
        assert LIMITS.max < output.over_voltage == levels["over_voltage"] <= LIMITS.max * 1.12
        assert output.over_voltage_on is bool(profile.protection.over_voltage.enable)
    if "over_current" in levels:
        assert NOMINAL.current_limit < output.over_current == levels["over_current"] <= 1.2
    for name in levels:
        guard = getattr(profile.protection, name)
        if guard.tripped is None:
            continue
        strict.trip(supply.channel, name)
        with pytest.raises(SupplyError, match=name.replace("_", "-")) as caught:
            supply.measure()
        assert caught.value.reason is Reason.SUPPLY_PROTECTION
        if guard.clear:
            with pytest.raises(SupplyError, match=name.replace("_", "-")):
                supply.restore()
            assert not output.tripped
            assert (output.voltage, output.on, output.woken) == (3.3, True, []), (
                "powered only when all is as it should be"
            )
            supply.restore()


def test_its_own_engine_is_loaded_started_and_ended(supply, output, profile):
    engine = profile.list_engine
    if engine is None:
        assert profile.name in {"keysight-e36100", "tti-plx", "korad-ka3005p", "keithley-2230"}
        return
    dwell = max(0.5, engine.min_dwell)
    rows = [(3.3, dwell), (0.0, 2 * dwell), (2.4, engine.min_dwell)]
    channel = supply.channel
    supply.dialogue.say(*engine.load_messages(rows, channel=channel, current=1.0, count=2))
    levels = [(v, d) for v, d in zip(output.volts, output.dwells, strict=True) if d]
    assert levels == [pytest.approx(row) for row in rows]
    assert not output.playing
    supply.instrument.send_at_once(supply.instrument.line(engine.start_message(channel)))
    supply.dialogue.check("the start")
    assert output.playing
    assert output.count in (2, 1 if "{count}" not in "".join(engine.load) else 2)
    supply.dialogue.say(*engine.disarm_messages(channel))
    assert not output.playing


def test_no_step_of_an_earlier_waveform_is_left_in_its_engine(supply, output, profile):
    engine = profile.list_engine
    if engine is None:
        return
    for rows in ([(3.0, engine.min_dwell)] * 4, [(2.5, engine.min_dwell)] * 2):
        supply.dialogue.say(*engine.load_messages(rows, channel=supply.channel, current=1.0))
    assert [d for d in output.dwells if d] == pytest.approx([engine.min_dwell] * 2)


def test_it_emulates_a_battery_where_it_can(supply, output, profile):
    engine = profile.battery
    if engine is None:
        assert profile.name not in {"rs-ngx", "keithley-2281s", "keysight-n6705c"}
        return
    places = {
        "channel": supply.channel,
        "number": 1,
        "capacity": 1.2,
        "charge": 80.0,
        "resistance": 0.2,
        "voltage": 3.4,
        "current": 1.0,
        "full": 3.5,
        "empty": 2.5,
    }
    point = engine.point.format(index=1, **places) if engine.point else ""
    texts = (*engine.mode, *engine.load, *engine.start)
    supply.dialogue.say(*(text.format(points=f"{point},{point}", **places) for text in texts))
    assert output.emulating
    if engine.soc is not None:
        supply.dialogue.say(engine.charge.format(**{**places, "charge": 40.0}))
        assert supply.dialogue.number_of(engine.soc.format(**places), profile.answer("charge")) == 40
    else:
        assert output.battery == {"resistance": 0.2}
    supply.dialogue.say(*(text.format(**places) for text in engine.stop))
    assert not output.emulating


@pytest.mark.parametrize("state", ["off", "nominal"])
def test_the_guardians_messages_make_it_safe_whatever_was_going_on(supply, strict, output, profile, state):
    engine = profile.list_engine
    if engine is not None:
        rows = [(3.3, engine.min_dwell), (2.2, engine.min_dwell)]
        supply.dialogue.say(*engine.load_messages(rows, channel=supply.channel, current=1.0))
        supply.dialogue.say(engine.start_message(supply.channel))
    else:
        supply.set(voltage=2.2)
        supply.off()
    messages = supply.safe_messages(state)
    supply.close()
    strict.take(messages)
    assert not output.playing
    assert output.on is (state == "nominal")
    if state == "nominal":
        assert (output.voltage, output.current) == (3.3, 1.0)


def test_what_is_never_to_be_sent_is_refused_by_name_and_rule(supply, strict, profile):
    before = bytes(strict.raw)
    assert profile.never
    for message in strict.family.forbidden:
        with pytest.raises(ValueError, match=rf"never sent to a {re.escape(profile.title)}: .*{profile.name}, never: "):
            supply.instrument.write(message)
        with pytest.raises(ValueError, match="never sent"):
            supply.instrument.query(message)
        with pytest.raises(ValueError, match="never sent"):
            supply.instrument.send_at_once(supply.instrument.line(message))
    for rule in profile.never:
        assert any(re.search(rule, message) for message in (*strict.family.forbidden, "CURR:PROT:CLE", "*RCL 1")), rule
    assert bytes(strict.raw) == before


def carrying_messages(profile: Profile, volts: float) -> Iterator[str]:
    """Every message of a profile that carries a voltage, with `volts` in it."""
    places = {"channel": 1, "voltage": volts, "current": 1.0, "nominal": volts}
    yield profile.single("voltage", **places)
    if profile.list_engine is not None:
        for text in profile.list_engine.load_messages([(3.3, 1.0), (volts, 1.0)], channel=1, current=1.0):
            if f"{volts:g}" in text:
                yield text
    if profile.battery is not None:
        battery = profile.battery
        values = {
            **places,
            "capacity": 1.0,
            "charge": 50.0,
            "resistance": 0.1,
            "full": volts,
            "empty": volts,
            "number": 1,
        }
        rows = [battery.point.format(index=n, **values) for n in range(2)] if battery.point else []
        for text in battery.load:
            if {"{points}", "{full", "{empty"} & set(re.findall(r"\{points\}|\{full|\{empty", text)):
                yield text.format(points=",".join(rows), **values)


def test_no_message_carries_more_than_the_rig_allows(supply, strict, profile):
    before = bytes(strict.raw)
    messages = list(carrying_messages(profile, 9.5))
    assert messages
    for message in messages:
        with pytest.raises(ValueError, match=r"would give 9\.5 V, above this rig's limit of 3\.6 V"):
            supply.instrument.write(message)
    assert bytes(strict.raw) == before


def test_nothing_goes_below_the_lower_limit_on_a_rig_that_allows_no_cuts(make, strict, profile):
    supply = make(may_cut=False)
    before = bytes(strict.raw)
    for message in carrying_messages(profile, 1.5):
        with pytest.raises(ValueError, match=r"would give 1\.5 V, below this rig's limit of 2\.1 V"):
            supply.instrument.write(message)
    assert bytes(strict.raw) == before


@pytest.mark.parametrize("name", [family.name for family in FAMILIES.values() if family.gap])
def test_between_two_messages_lies_the_gap_the_family_needs(name):
    profile = profile_of(name)
    strict = StrictSupply(FAMILIES[name])
    strict.gap = FAMILIES[name].gap
    try:
        instrument = Instrument(strict.address, transport=profile.transport)
        supply = Supply(instrument, profile, channel=1, nominal=NOMINAL, limits=LIMITS, may_cut=True)
        supply.set(voltage=3.0)
        supply.measure()
        supply.close()
    finally:
        strict.close()
    assert 0 < strict.gap <= profile.transport.command_gap
    assert strict.rude == []
    assert len(strict.units) > 4


def test_four_threads_hammering_one_supply_get_no_wrong_answer(supply, strict):
    wrong: list[object] = []
    errors: list[BaseException] = []

    def work(action: Callable[[], object], right: Callable[[object], bool]) -> None:
        try:
            wrong.extend(found for found in (action() for _ in range(12)) if not right(found))
        except BaseException as error:
            errors.append(error)

    def measured(found: object) -> bool:
        return abs(found.voltage - 3.3) < 0.3 and abs(found.current - 0.123) < 0.001

    jobs: list[tuple[Callable[[], object], Callable[[object], bool]]] = [
        (supply.measure, measured),
        (supply.setting, lambda found: found in (Setting(3.3, 1.0), Setting(3.1, 1.0))),
        (supply.output, lambda found: found is True),
        (lambda: (supply.set(voltage=3.1), supply.set(voltage=3.3)), lambda found: found == (None, None)),
    ]
    threads = [threading.Thread(target=work, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert errors == []
    assert wrong == []
