"""Power cut in the middle of an upgrade: PWR-01 to PWR-05, PWR-08.

A cut is placed within a step of the upgrade by its share of the step's length, which an undisturbed upgrade of the same module
is measured for once a run: so that the same tests hit the same phases of a fast and of a slow module. Where plans cannot be
driven, none is spent on that, and typical lengths are taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_quecfota import sequence, urc
from pytest_quecfota.power.waveform import Level, Waveform

pytestmark = pytest.mark.needs("cuts")


@dataclass(frozen=True)
class Step:
    """One step of an upgrade: from which URC to which stage of `Run.stages` it goes, how long it takes where that is not
    known (module seconds), and at which shares of it the short form cuts."""

    begins: object
    ended_by: str | None
    typical: float
    shares: tuple[float, ...] = (0.5,)
    since: str | None = None


#: The boot loader writes the new image some way into `updating`, when the module has restarted: there the short form cuts most.
STEPS = {
    "offered": Step(urc.UpgradeOffered, "download started", 1.0),
    "download-started": Step(urc.DownloadStarted, "downloading", 0.5, since="download started"),
    "downloading": Step(urc.Downloading, "downloaded", 5.0, (0.2, 0.5), since="downloading"),
    "downloaded": Step(urc.Downloaded, "updating", 0.5, since="downloaded"),
    "updating": Step(urc.Updating, "restarted", 8.0, (0.2, 0.72, 0.85), since="updating"),
    "restarting": Step(sequence(urc.Updating, urc.Ready), "updated", 3.0, (0.05, 0.6), since="restarted"),
    "reporting": Step(urc.Updated, None, 1.0, (0.05, 0.5)),
}
SHORT = [(name, share) for name, step in STEPS.items() for share in step.shares]
FULL = [(name, n / 20) for name in STEPS for n in (range(1, 20) if name == "updating" else range(1, 20, 3))]
#: Rows of five cuts: at which share of `updating` they begin, and module seconds of power between them, so that they fall into the
#: boot loader's work, the boot, and what comes after it.
ROWS = [(0.85, 1.0)]
MORE_ROWS = [(share, between) for share in (0.72, 0.78, 0.85) for between in (0.3, 0.7, 1.0, 3.0)]
PACE = 20
"""Most module seconds per real second while cuts are placed: what the machine delays by 10 ms is then 0.2 s late, not 0.6 s."""
_LEAST = 0.01  # module seconds after a URC at which a cut can be told from one before it

_stages: dict[str, dict[str, float]] = {}
"""When an undisturbed upgrade of a rig's module reached its stages, by the rig's name."""


def points(cases):
    """The parameters of a test, with ids such as `updating-72%`."""
    return [pytest.param(name, share, id=f"{name}-{share:.0%}") for name, share in cases]


@pytest.fixture
def moment(rig, fota_plan, upgrade):
    """`moment(step, share)`: module seconds after the step's URC. The clock of a virtual rig is slowed down where that matters."""

    def hold_back():
        if rig.is_virtual and rig.speed > PACE:
            rig.clock.speed(PACE)  # put back after the test

    if rig.name not in _stages:
        hold_back()
        driven = "plans" in rig.capabilities()
        _stages[rig.name] = dict(upgrade(fota_plan()).stages) if driven else {}
    stages = _stages[rig.name]

    def place(name: str, share: float) -> float:
        step = STEPS[name]
        if name == "updating":
            hold_back()
        begin = stages.get(step.since, 0.0) if step.since else 0.0
        end = stages.get(step.ended_by, 0.0) if step.ended_by else 0.0
        return max(_LEAST, share * (end - begin if end > begin else step.typical))

    return place


def cut_leaves_a_module_that_can_be_upgraded(module, fota_plan, upgrade, brownout, moment, step, share):
    """After a cut there the module runs source or target version, nobody claims a false success, and an upgrade works."""
    after = moment(step, share)
    plan = fota_plan()
    source = module.firmware_version()
    with brownout(at=STEPS[step].begins, after=after, waveform="cut-500ms") as cut:
        run = upgrade(plan)
    assert cut.fired == 1, f"the step {step} was not reached: nothing was cut"
    check_bracket(cut.brackets[0])
    assert run.outcome in {"upgraded", "recovered"}, run.reason
    assert module.firmware_version() in {source, plan.target_version}


def check_bracket(bracket):
    """The cut really happened: the URC was seen, then the message sent, then acknowledged, and the module came back."""
    assert bracket.seen <= bracket.sent <= bracket.acknowledged
    assert bracket.low is None or bracket.low >= bracket.sent  # a cut of milliseconds may be over before it is measured
    assert bracket.back is not None, "no restart was seen after the cut"
    assert bracket.back > bracket.sent


@pytest.mark.requirement("PWR-02", "PWR-03", "PWR-04", "OTA-13")
@pytest.mark.module_time("120 min")
@pytest.mark.parametrize(("step", "share"), points(SHORT))
def test_cut_at_every_step_leaves_a_module_that_can_be_upgraded(
    module, fota_plan, upgrade, brownout, moment, step, share
):
    """The steps offered, download start, downloading, downloaded, updating, restarting, reporting, each cut in its middle."""
    cut_leaves_a_module_that_can_be_upgraded(module, fota_plan, upgrade, brownout, moment, step, share)


@pytest.mark.nightly
@pytest.mark.requirement("PWR-02", "PWR-03", "PWR-04", "OTA-13")
@pytest.mark.module_time("120 min")
@pytest.mark.parametrize(("step", "share"), points(FULL))
def test_cut_at_many_moments_of_every_step(module, fota_plan, upgrade, brownout, moment, step, share):
    """The same at seven moments of each step, nineteen of the one in which the new firmware is written."""
    cut_leaves_a_module_that_can_be_upgraded(module, fota_plan, upgrade, brownout, moment, step, share)


@pytest.mark.requirement("PWR-02", "PWR-08")
@pytest.mark.module_time("180 min")
def test_two_cuts_in_one_upgrade(module, fota_plan, upgrade, brownout):
    """A second cut while the module recovers from the first does no more harm than the first."""
    with brownout(at=urc.Downloading, after=1.0, waveform="cut-500ms", times=2) as cut:
        run = upgrade(fota_plan())
    assert cut.fired >= 1
    assert run.outcome in {"upgraded", "recovered"}, run.reason


@pytest.mark.nightly
@pytest.mark.requirement("PWR-02", "PWR-03", "PWR-04", "PWR-08")
@pytest.mark.module_time("300 min")
@pytest.mark.parametrize("step", ["download-started", "downloading"])
def test_five_cuts_in_a_row_leave_a_module_that_works(rig, module, fota_plan, upgrade, brownout, moment, step):
    """Power that goes again and again, each time when the module has come as far, leaves a module that can be upgraded."""
    after = moment(step, 0.75)
    with brownout(at=STEPS[step].begins, after=after, waveform="cut-500ms", times=5) as cut:
        run = upgrade(fota_plan())
    assert cut.fired >= (5 if rig.is_virtual else 2)  # a real module may give a download up
    assert run.outcome in {"upgraded", "recovered"}, run.reason
    again = upgrade(fota_plan())
    assert again.outcome == "upgraded", again.reason


@pytest.mark.requirement("PWR-02", "PWR-03", "PWR-04", "PWR-08")
@pytest.mark.module_time("300 min")
@pytest.mark.parametrize(
    ("share", "between"),
    [*ROWS, *[pytest.param(*row, marks=pytest.mark.nightly) for row in MORE_ROWS if row not in ROWS]],
)
def test_five_cuts_in_a_row_while_the_module_comes_back(
    rig, module, fota_plan, upgrade, brownout, supply, moment, share, between
):
    """Power that fails again so long after it has come back, five times, from the restart into the new firmware on: whatever
    boot loader and firmware are doing by then is begun again and ends well."""
    row = five_cuts(supply, between)
    starts = boots(rig)
    with brownout(at=urc.Updating, after=moment("updating", share), waveform=row) as cut:
        run = upgrade(fota_plan())
    assert cut.fired == 1
    assert starts is None or boots(rig) - starts >= 5
    assert run.outcome in {"upgraded", "recovered"}, run.reason
    again = upgrade(fota_plan())
    assert again.outcome == "upgraded", again.reason


def five_cuts(supply, between):
    """Five cuts of half a second; of two seconds, and as far apart, where the supply is too slow for that; else skipped."""
    why = ""
    for low, high in ((0.5, between), (2.0, max(between, 2.0))):
        row = Waveform(f"five-cuts-{between:g}s", (Level(0.0, low), Level(supply.nominal.voltage, high)), count=5)
        try:
            supply.player.plan(row)
        except ValueError as error:
            why = str(error)
            continue
        return row
    return pytest.skip(why)


def boots(rig):
    """How often the module has started, where that can be told."""
    return rig.control("/truth")["boots"] if rig.is_virtual else None


@pytest.mark.requirement("PWR-01")
@pytest.mark.needs("plans")
@pytest.mark.module_time("60 min")
def test_battery_decides_whether_an_upgrade_starts(module, events, supply, fota_plan, upgrade):
    """A battery below the offered level prevents the start; the same offer is taken where the battery is above it."""
    full = module.battery_percent()
    supply.set(voltage=round(supply.nominal.voltage - 0.4 * (supply.nominal.voltage - supply.limits.min), 3))
    low = module.battery_percent()
    if low is None or full is None or low >= full:
        pytest.skip(
            f"the battery reads {full} % at the nominal voltage and {low} % below it: it does not follow the supply"
        )
    plan = fota_plan(strategy={"min_battery": low + 1})
    assert upgrade(plan).outcome == "kept"
    assert not events.seen(urc.DownloadStarted)
    plan.terminate()
    supply.restore()
    assert upgrade(fota_plan(strategy={"min_battery": low + 1})).outcome == "upgraded"


@pytest.mark.requirement("PWR-05")
@pytest.mark.module_time("60 min")
def test_dip_inside_the_supply_range_changes_nothing(module, fota_plan, upgrade, brownout, supply):
    """A dip that stays above the module's lower limit leaves the upgrade as it is."""
    level = round((supply.limits.min + supply.nominal.voltage) / 2, 2)
    with brownout(at=urc.Downloading, waveform=f"dip-{level}V-200ms"):
        run = upgrade(fota_plan())
    assert run.outcome == "upgraded"
    assert run.reboots == 1
