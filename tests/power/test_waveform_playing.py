"""Playing: by the supply's own engine where it does best, else stepped by the host; what is demanded, promised, and reached."""

from __future__ import annotations

import pytest

from pytest_quecfota.errors import SupplyError
from pytest_quecfota.power import Supply, load_profile, profile_names
from pytest_quecfota.power.plans import HOST_STEP, Bench, plan
from pytest_quecfota.power.precision import Precision, precision
from pytest_quecfota.power.waveform import Level, Ramp, Sine, Waveform
from pytest_quecfota.power.waveform_catalogue import Catalogue
from pytest_quecfota.power.waveform_scale import Scale

DIP = Waveform("dip", (Level(2.4, 0.1),))
ANY = Precision()


def bench(name: str, speed: float = 1.0) -> Bench:
    return Bench(load_profile(name), 3.3, speed)


# -- plans -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "shape", "mode"),
    [
        ("keysight-e36300", DIP, "list"),
        ("keysight-n6705c", DIP, "list"),
        ("rs-ngx", DIP, "arb"),
        ("rs-hmp4040", DIP, "arb"),
        ("keithley-2281s", DIP, "list"),
        ("rs-hmp4040", Waveform("short", (Level(2.4, 0.03),)), "host"),
        ("siglent-spd3303x", DIP, "host"),
        ("korad-ka3005p", DIP, "host"),
        ("tti-plx", DIP, "host"),
        ("keysight-e36300", Waveform("many", tuple(Level(2.4 + k % 2, 0.1) for k in range(120))), "host"),
        ("keysight-e36300", Waveform("rounds", (Level(2.4, 0.1), Level(3.3, 0.1)), 1000), "list"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_an_engine_plays_what_it_can_and_the_host_the_rest(profile, shape, mode):
    assert plan(shape, bench(profile)).mode == mode


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("name", ["cut-2s", "dip-2.4V-5s", "iso16750_reset_12A"])
def test_every_supply_can_cut_dip_and_play_the_reset_profile(profile, name):
    shape = Catalogue().find(name, Scale(3.3, 2.1, 3.6))
    made = plan(shape, bench(profile))
    assert made.levels
    assert sum(level.dwell for level in made.levels) * made.count >= shape.duration - 2 * made.time_error


@pytest.mark.parametrize("profile", profile_names())
def test_what_is_loaded_fits_the_engine(profile):
    """Every shipped waveform, played by an engine: its levels, dwells and their number are within the engine's limits."""
    engine = load_profile(profile).list_engine
    if engine is None:
        return
    for definition in Catalogue().definitions():
        try:
            made = plan(definition.on(Scale(3.3, 2.1, 3.6)), bench(profile))
        except ValueError:
            continue
        if not made.by_host:
            assert len(made.levels) <= engine.max_steps
            dwells = [level.dwell for level in made.levels]
            assert min(dwells) >= engine.min_dwell - 1e-9
            assert max(dwells) <= engine.max_dwell + engine.dwell_resolution


def test_an_engine_that_holds_its_last_level_ends_with_the_nominal_voltage():
    assert plan(DIP, bench("rs-hmp4040")).levels[-1] == Level(3.3, 0.06)
    back = Waveform("w", (Level(2.4, 0.1), Level(3.3, 0.1)))
    assert len(plan(back, bench("rs-hmp4040")).levels) == 2


def test_a_faster_clock_makes_the_host_coarser_and_leaves_an_engine_as_it_is():
    slow, fast = (plan(DIP, bench("keysight-e36100", speed)) for speed in (1, 60))
    assert fast.time_error > 50 * slow.time_error
    assert slow.time_error >= HOST_STEP
    assert plan(DIP, bench("keysight-e36300", 60)) == plan(DIP, bench("keysight-e36300", 1))


def test_switched_off_in_a_list_is_no_volts_and_that_is_told():
    made = plan(Catalogue().find("cut-1s", Scale(3.3, 2.1, 3.6)), bench("keysight-e36300"))
    assert "0 V" in made.notes[0]
    assert plan(DIP, bench("keysight-e36300")).notes == ()


@pytest.mark.parametrize("name", ["gsm_burst_droop", "lv124_e10_short_interruptions"])
def test_what_is_too_quick_is_refused_saying_why_both_ways(name):
    shape = Catalogue().find(name, Scale(3.3, 2.1, 3.6))
    with pytest.raises(
        ValueError, match=r"cannot play .*: by its own list .* s at least.*; stepped by the host .* at least"
    ):
        plan(shape, bench("keysight-e36300"))
    assert plan(shape, bench("keysight-n6705c")).mode == "list"


# -- precision -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2 ms", Precision(0.002, None)), ("25 mV", Precision(None, 0.025)), ("25 mV, 2 ms", Precision(0.002, 0.025)),
        ("0.1 V,1 s", Precision(1.0, 0.1)), (0.5, Precision(0.5, None)), (None, ANY), (Precision(1), Precision(1)),
    ],
)  # fmt: skip
def test_a_precision_is_written_as_a_person_would(text, meant):
    assert precision(text) == meant


@pytest.mark.parametrize("text", ["", "2", "2 A", "0 V", "0 s", "fine", "2 ms 3 mV"])
def test_what_is_no_precision_is_told(text):
    with pytest.raises(ValueError, match=r"duration|more than nothing"):
        precision(text)


@pytest.mark.parametrize(
    ("shape", "demanded", "told"),
    [
        (DIP, "1 ms", r"with a precision of 1 ms: by its own list it is 50 ms and"),
        (Waveform("w", (Ramp(3.3, 0, 0.2),)), "1 mV", r"with a precision of 1 mV"),
        (Waveform("w", (Sine(2.7, 0.5, 5, 1),)), "10 mV", r"list it is .* mV exact; stepped by the host it is"),
    ],
)
def test_a_precision_that_cannot_be_had_is_refused_before_anything_is_sent(scripted, supply, shape, demanded, told):
    before = len(scripted.messages)
    for call in (supply.play, supply.arm):
        with pytest.raises(ValueError, match=told):
            call(shape, demanded)
    assert len(scripted.messages) == before
    assert not supply.armed


def test_stairs_are_as_fine_as_is_demanded_and_never_coarser_than_usual():
    ramp = Waveform("w", (Ramp(3.3, 2.3, 10),))
    usual = len(plan(ramp, bench("keysight-e36300")).levels)
    assert len(plan(ramp, bench("keysight-e36300"), precision("51 mV")).levels) == usual == 61
    assert len(plan(ramp, bench("keysight-e36300"), precision("6 mV")).levels) == 91
    assert plan(ramp, bench("keysight-e36300"), precision("3 mV")).mode == "host"


# -- played ----------------------------------------------------------------------------------------


@pytest.fixture
def measuring(scripted):
    """The instrument measures what `volts` says now."""
    volts = [3.3]
    scripted.script = lambda query: f"{volts[0]}\n".encode() if query.startswith("MEAS:VOLT?") else (
        b"0.05\n" if query.startswith("MEAS:CURR?") else None
    )  # fmt: skip
    return volts


def test_what_was_played_is_told(scripted, supply: Supply, measuring):
    measuring[0] = 2.4
    told: list[dict[str, object]] = []
    supply.record = lambda kind, **fields: told.append(fields) if kind == "supply" else None
    played = supply.play(DIP, "60 ms")
    assert (played.waveform, played.mode, played.steps, played.count) == ("dip", "list", 1, 1)
    assert 0.1 <= played.duration < 1
    assert played.claimed == Precision(0.05, 0.0005)
    assert played.time_error <= 0.06
    assert played.measured
    assert played.lowest == 2.4
    assert [fields["action"] for fields in told] == ["sent", "ended", "restore", "restored", "played"]
    assert told[0]["waveform"] == [[0, 3.3], [0, 3.3], [0, 2.4], [0.1, 2.4], [0.1, 3.3]]
    assert "*TRG" in scripted.messages
    assert scripted.state["output"] == "ON"


def test_a_supply_that_does_not_do_what_it_promised_is_a_bench_fault(scripted, supply: Supply, measuring):
    """It measures 3.3 V all the while it should give 2.4 V."""
    with pytest.raises(SupplyError, match=r"was played within .*; 25 mV was demanded"):
        supply.play(Waveform("dip", (Level(2.4, 0.3),)), "25 mV")
    assert supply.play(Waveform("dip", (Level(2.4, 0.3),))).voltage_error == pytest.approx(0.9)


def test_played_by_the_host_each_level_was_acknowledged(scripted, supply: Supply, measuring):
    supply.profile = supply.profile.model_copy(update={"list_engine": None, "slew": None})
    played = supply.play(Waveform("w", (Level(3.0, 0.05), Level(2.5, 0.05))), "500 ms")
    assert (played.mode, played.steps) == ("host", 2)
    assert played.measured == (), "there was no time for it"
    assert 0 < played.time_error < 0.5
    assert played.claimed.time == pytest.approx(HOST_STEP)


def test_a_host_that_comes_too_late_is_a_bench_fault(scripted, supply: Supply, measuring):
    """The supply takes its time over one level: later than what was demanded."""
    import threading

    supply.profile = supply.profile.model_copy(update={"list_engine": None, "slew": None})
    slow = threading.Event()

    def script(query: str) -> bytes | None:
        if query == "SYST:ERR?" and scripted.state["voltage"] == "2.5000":
            slow.wait(0.08)
        return None

    scripted.script = script
    with pytest.raises(SupplyError, match=r"was played within .* ms, .*; 50 ms was demanded and 20 ms"):
        supply.play(Waveform("w", (Level(3.0, 0.05), Level(2.5, 0.2))), "50 ms")
    assert scripted.state["voltage"] == "3.3000"


def test_names_are_looked_up_where_the_rig_says(scripted, supply: Supply, measuring, tmp_path):
    (tmp_path / "own.yaml").write_text(
        "w_one:\n  title: t\n  source: s\n  mark: own\n  segments: [{hold: 80 % of nominal, for: 20 ms}]\n"
    )
    supply.player.catalogue = Catalogue(tmp_path)
    measuring[0] = 2.64
    assert supply.play("w_one").waveform == "w_one"
    assert "LIST:VOLT 2.6400,(@1)" in scripted.messages


def test_restarts_are_announced_only_for_what_goes_below_the_range(supply: Supply, measuring):
    told: list[str | None] = []
    supply.player.announce = told.append
    supply.play(DIP)
    assert told == [None]
    supply.play(Waveform("deep", (Level(1.0, 0.05),)))
    assert told == [None, "waveform deep", None]


@pytest.mark.parametrize(("name", "speed"), [("wobble", 1), ("cut-1ms", 1)])
def test_what_cannot_be_played_is_the_callers_fault_and_nothing_is_sent(scripted, supply: Supply, name, speed):
    before = len(scripted.messages)
    with pytest.raises(ValueError):
        supply.play(name)
    assert len(scripted.messages) == before


def test_one_that_goes_above_the_upper_limit_is_refused(scripted, supply: Supply):
    before = len(scripted.messages)
    with pytest.raises(ValueError, match=r"reaches 3\.7 V, above this rig's limit of 3\.6 V"):
        supply.play(Waveform("high", (Level(3.7, 1),)))
    assert len(scripted.messages) == before


def test_the_host_measures_where_its_next_level_is_far_enough_away(scripted, supply: Supply, measuring):
    supply.profile = supply.profile.model_copy(update={"list_engine": None, "slew": None})
    measuring[0] = 2.5
    played = supply.play(Waveform("w", (Level(2.5, 0.9), Level(2.5, 0.05))), "400 ms")
    assert 1 <= len(played.measured) <= 3
    assert all(0 < each.t < 0.5 for each in played.measured)


def test_one_waveform_at_a_time(scripted, supply: Supply, measuring):
    supply.arm(DIP)
    before = len(scripted.messages)
    with pytest.raises(ValueError, match="dip is armed: one waveform is played at a time"):
        supply.play("cut-50ms")
    assert len(scripted.messages) == before
    assert supply.armed
    supply.disarm()
    measuring[0] = 2.4
    assert supply.play(DIP).waveform == "dip"


def test_a_supply_that_fails_in_the_middle_is_still_put_back(scripted, supply: Supply, measuring):
    """It refuses to end the waveform: the nominal setting is sent all the same."""
    told: list[object] = []

    def note(_kind: str, **fields: object) -> None:
        told.append(fields.get("action"))
        if fields.get("action") == "ended":
            scripted.errors.append('-221,"Settings conflict"')

    supply.record = note
    measuring[0] = 2.4
    with pytest.raises(SupplyError, match="-221"):
        supply.play(DIP)
    assert told[-1] == "restored"
    assert scripted.messages[-1].startswith("VOLT 3.3000,(@1);:CURR 1.0000,(@1);:OUTP ON,(@1)")


def test_steps_no_larger_than_its_source_allows_are_taken_where_they_can_be_had():
    """ISO 16750-2, 4.5: steps of 25 mV at most, of 6 V. A list of a hundred levels is too coarse for that."""
    shape = Catalogue().find("iso16750_slow_12A", Scale(3.3, 2.1, 3.6))
    assert shape.step == pytest.approx(0.00875)
    made = plan(shape, bench("keysight-e36300"))
    assert (made.mode, made.notes) == ("host", ())
    assert made.voltage_error <= 0.00875 / 2 + 0.001
    coarse = Waveform("w", (Ramp(3.3, 0.3, 0.5),), step=0.001)
    assert plan(coarse, bench("keysight-e36300")).notes == ("its steps are larger than the 1 mV of its source",)
