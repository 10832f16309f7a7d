"""Upgrade of the host's own firmware through the module: SOTA-01 to SOTA-09."""

from __future__ import annotations

import hashlib
import random
import zlib

import pytest

from pytest_quecfota import repeated, sequence, urc, where
from pytest_quecfota.errors import CommandError

pytestmark = [pytest.mark.needs("mcu"), pytest.mark.module_time("60 min")]
PLAYED = pytest.mark.needs("played")  # where we are the host; a real MCU is watched by the tests without it

#: What a byte stream must not be mistaken for: results, events, prompts, restarts, noise.
AWKWARD = (
    b"\r\nOK\r\n\r\nERROR\r\n\r\n+QIOTEVT: 7,10705\r\n\r\nRDY\r\n> AT\r\n\x00\xff\x1a\x1b+QIOTOTARD: 0,9\r\n"
    + bytes(range(256))
)
PAYLOAD = AWKWARD + random.Random("SOTA").randbytes(20_000) + AWKWARD
FETCHED = sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded)
WAIT = 60.0  # module seconds: how long the module waits for a read (QuecThing SDK 2.9.0)
LONG_WAIT = 20 * 60.0  # the same for the host's new version


@pytest.fixture
def fetch(module, events, sota_plan):
    """Have a file offered and confirmed; returns the plan and, once the first block is in the module, its announcement."""

    def begin(**request):
        plan = sota_plan(payload=PAYLOAD)
        module.connect(mode=2)
        assert module.request_upgrade(**request) is not None, "no offer (7,10700) came although a plan is active"
        mark = events.mark()
        module.confirm_upgrade()
        found = events.expect(FETCHED, within="15 min", since=mark).urcs
        return plan, found[0], found[-1]

    return begin


@pytest.fixture
def give_up(module, events):
    """End an upgrade that a test has seen enough of: another version than the target fails it (SOTA-06)."""

    def end(plan):
        mark = events.mark()
        module.set_mcu_version(plan.component, plan.source_version)
        events.expect(urc.UpdateFailed, within="30 s", since=mark, never=urc.Updated)

    return end


@pytest.fixture
def let_pass(rig, events):
    """Let module seconds pass without a word to the module: a virtual rig's clock is stepped."""

    def wait(seconds):
        if rig.is_virtual:
            rig.clock.step(seconds)
        else:
            events.pause(seconds)

    return wait


def read(module, start, length):
    """`length` bytes of the file from `start`, in as many reads as that takes."""
    content = b""
    while len(content) < length:
        content += module.read_block(start + len(content), min(module.model.block_length, length - len(content)))
    return content


def refused(module, start, length):
    """Whether a read answers ERROR."""
    try:
        module.read_block(start, length)
    except CommandError:
        return True
    return False


def to_last_block(module, events, block):
    """Ask for block after block; returns the last."""
    while block.start + block.length < block.size:
        mark = events.mark()
        module.next_block()
        block = events.expect(urc.Downloaded, within="15 min", since=mark).urcs[-1]
    return block


@PLAYED
@pytest.mark.requirement("SOTA-01")
@pytest.mark.needs("plans")
def test_component_is_offered_only_after_its_version_was_set(module, events, sota_plan):
    """Without AT+QIOTMCUVER no plan matches; with it the offer comes."""
    plan = sota_plan(payload=PAYLOAD)
    module.at(f'AT+QIOTMCUVER="{plan.component}",""')
    module.connect(mode=1)
    assert module.request_upgrade() is None, "an offer (7,10700) came although the component has no version"
    module.set_mcu_version(plan.component, plan.source_version)
    offer = module.request_upgrade()
    assert offer is not None, "no offer (7,10700) came although the component's version is set"
    assert (offer.component, offer.source_version) == (plan.component, "")
    assert (offer.target_version, offer.size) == (plan.target_version, len(PAYLOAD))


@pytest.mark.smoke
@pytest.mark.requirement("SOTA-02", "SOTA-05", "SOTA-06", "MON-01")
def test_whole_upgrade(module, events, sota_plan, upgrade):
    """A host reads its file, finds length and digests as announced, reports its version, and success is told once."""
    plan = sota_plan(payload=PAYLOAD)
    run = upgrade(plan)
    assert run.outcome == "upgraded"
    assert len(events.seen(urc.Updated)) == 1
    if plan.monitored:
        assert plan.device().status == "Upgraded"


@PLAYED
@pytest.mark.requirement("SOTA-02", "OTA-11")
@pytest.mark.parametrize("asked", [True, False], ids=["sha256", "no-sha256"])
def test_announcement_names_length_and_digests(module, fetch, give_up, asked):
    """7,10701 has length, MD5 and CRC of the file, and its SHA-256 only where that was asked for."""
    plan, started, _ = fetch(sha256=asked)
    assert (started.component, started.size) == (plan.component, len(PAYLOAD))
    assert started.md5 == hashlib.md5(PAYLOAD).hexdigest()
    if module.model.options.crc == "zlib":
        assert started.crc == zlib.crc32(PAYLOAD)
    assert started.sha256 == (hashlib.sha256(PAYLOAD).hexdigest() if asked else None)
    give_up(plan)


@PLAYED
@pytest.mark.requirement("SOTA-03")
def test_reads_are_exact_at_any_offset_and_length(module, fetch, give_up):
    """Any piece of the block at hand comes byte for byte, whatever it looks like; one that goes beyond its end is cut there."""
    plan, _, block = fetch()
    assert block.start == 0
    longest = min(module.model.block_length, block.length)
    for start, length in (
        (0, 1),
        (0, longest),
        (1, longest - 1),
        (17, 33),
        (4, 2),
        (longest - 1, 2),
        (block.length - 1, 1),
    ):
        piece = module.read_block(start, length)
        assert piece == PAYLOAD[start : min(start + length, block.length)], f"AT+QIOTOTARD={start},{length}"
    beyond = module.read_block(block.length - 5, 10)
    assert beyond == PAYLOAD[block.length - 5 : block.length]
    give_up(plan)


@PLAYED
@pytest.mark.requirement("SOTA-04", "SOTA-05")
def test_reads_outside_the_block_or_at_the_wrong_time_are_refused(module, fetch, give_up):
    """Before the block is there, of nothing, behind the block, and after the upgrade AT+QIOTOTARD answers ERROR."""
    assert refused(module, 0, 1), "a read was answered although no upgrade is under way"
    plan, _, block = fetch()
    assert refused(module, 0, 0), "a read of no bytes was answered"
    assert refused(module, block.length, 1), "a read behind the block was answered"
    assert refused(module, len(PAYLOAD) + 1, 1), "a read behind the file was answered"
    assert read(module, 0, 10) == PAYLOAD[:10], "a refused read spoilt the next one"
    give_up(plan)
    assert refused(module, 0, 1), "a read was answered although the upgrade has failed"


@PLAYED
@pytest.mark.requirement("SOTA-03", "SOTA-05")
def test_blocks_follow_one_another_to_the_end_of_the_file(module, events, fetch, give_up):
    """AT+QIOTUPDATE=2 brings the next block, right behind the one before, up to the end of the file, and then answers ERROR."""
    plan, _, block = fetch()
    if block.length == block.size:
        pytest.skip(f"the module holds the whole file of {block.size} bytes at once")
    begin, content = events.mark(), b""
    while True:
        assert (block.component, block.size, block.start) == (plan.component, len(PAYLOAD), len(content))
        content += read(module, block.start, block.length)
        if len(content) >= block.size:
            break
        with pytest.raises(CommandError):
            module.report_updating()
        mark = events.mark()
        module.next_block()
        block = events.expect(sequence(repeated(urc.Downloading), urc.Downloaded), "15 min", since=mark).urcs[-1]
        assert refused(module, 0, 1), "a block before the one at hand can still be read"
    assert content == PAYLOAD
    with pytest.raises(CommandError):
        module.next_block()
    assert not events.seen(urc.DownloadStarted, since=begin), "7,10701 was repeated for a further block"
    give_up(plan)


@PLAYED
@pytest.mark.requirement("SOTA-06")
@pytest.mark.parametrize("right", [True, False], ids=["target-version", "another-version"])
def test_the_version_set_after_updating_decides(module, events, fetch, right):
    """AT+QIOTUPDATE=3 gives 10704; then the target version gives 10705 and any other 10706."""
    plan, _, block = fetch()
    to_last_block(module, events, block)
    mark = events.mark()
    module.report_updating()
    events.expect(urc.Updating, within="10 s", since=mark)
    module.set_mcu_version("another-component", "7")
    assert not events.seen(where(urc.Updated), since=mark), "the version of another component ended the upgrade"
    module.set_mcu_version(plan.component, plan.target_version if right else "9_9_9")
    due, never = (urc.Updated, urc.UpdateFailed) if right else (urc.UpdateFailed, urc.Updated)
    events.expect(due, within="30 s", since=mark, never=never)
    module.at('AT+QIOTMCUVER="another-component",""')
    if plan.monitored:
        shown = "Upgraded" if right else "Upgrade Failed"
        assert plan.wait_status(shown, within=120).status == shown


@PLAYED
@pytest.mark.requirement("SOTA-07")
def test_a_host_that_stops_reading_makes_it_fail(module, events, fetch, let_pass):
    """60 s without a read end the upgrade; each read begins them anew."""
    _, _, block = fetch()
    begin = events.mark()
    for _ in range(2):
        let_pass(WAIT - 20)
        assert read(module, block.start, 10) == PAYLOAD[:10]
    assert not events.seen(urc.UpdateFailed, since=begin), "the upgrade failed although the host goes on reading"
    let_pass(WAIT + 5)
    events.expect(urc.UpdateFailed, within="10 s", since=begin, never=urc.Updated)
    assert refused(module, block.start, 10)


@PLAYED
@pytest.mark.requirement("SOTA-07")
def test_a_host_that_never_sets_its_version_makes_it_fail(module, events, fetch, let_pass):
    """20 min after AT+QIOTUPDATE=3 without the new version the upgrade has failed."""
    plan, _, block = fetch()
    to_last_block(module, events, block)
    begin = events.mark()
    module.report_updating()
    events.expect(urc.Updating, within="10 s", since=begin)
    let_pass(LONG_WAIT - 60)
    assert not events.seen(urc.UpdateFailed, since=begin), "the upgrade failed before 20 min were over"
    let_pass(90)
    events.expect(urc.UpdateFailed, within="30 s", since=begin, never=urc.Updated)
    if plan.monitored:
        assert plan.wait_status("Upgrade Failed", within=120).status == "Upgrade Failed"


@PLAYED
@pytest.mark.requirement("SOTA-08")
def test_a_reset_while_updating_can_still_be_finished(module, events, fetch):
    """After a reset 10704 comes again by itself, and setting the target version ends the upgrade well."""
    plan, _, block = fetch()
    to_last_block(module, events, block)
    mark = events.mark()
    module.report_updating()
    events.expect(urc.Updating, within="10 s", since=mark)
    mark = events.mark()
    module.reset()
    events.expect(sequence(urc.Ready, urc.Updating), within="60 s", since=mark)
    module.set_mcu_version(plan.component, plan.target_version)
    events.expect(urc.Updated, within="30 s", since=mark, never=urc.UpdateFailed)
    module.connect(mode=2)
    if plan.monitored:
        assert plan.wait_status("Upgraded", within=120).status == "Upgraded"


@PLAYED
@pytest.mark.requirement("SOTA-04", "OTA-13")
@pytest.mark.needs("plans")
def test_a_reset_while_the_file_is_read_loses_the_block_and_not_the_upgrade(module, events, fetch, upgrade):
    """The block is gone after a reset: a read answers ERROR, no success is told, and the next try succeeds."""
    plan, _, block = fetch()
    assert read(module, block.start, 100) == PAYLOAD[:100]
    mark = events.mark()
    module.reset()
    module.wait_connected(since=mark)
    assert refused(module, block.start, 100), "a block was still there after a reset"
    assert not events.seen(urc.Updated, since=mark)
    assert upgrade(plan).outcome == "upgraded"


@PLAYED
@pytest.mark.requirement("SOTA-08", "PWR-02", "PWR-03")
@pytest.mark.needs("cuts", "plans")
@pytest.mark.parametrize("at", [urc.DownloadStarted, urc.Downloaded, urc.Updating], ids=lambda cls: cls.__name__)
def test_a_cut_in_an_upgrade_of_the_host_can_be_made_up_for(sota_plan, upgrade, brownout, at):
    """Power goes while the file is fetched, lies there, or the host updates itself: the upgrade is completed all the same."""
    plan = sota_plan(payload=PAYLOAD)
    with brownout(at=at, after=0.2, waveform="cut-500ms") as disturbance:
        run = upgrade(plan)
    assert disturbance.fired == 1
    assert run.outcome in {"upgraded", "recovered"}, run.reason
    if plan.monitored:
        assert plan.wait_status("Upgraded", within=120).status == "Upgraded"


@PLAYED
@pytest.mark.requirement("SOTA-09", "OTA-14")
@pytest.mark.needs("plans")
def test_several_components_follow_one_another_in_plan_order(rig, module, events, sota_plan, packaged):
    """One plan, one confirmation: the second component is fetched once the first has reported its new version."""
    if len(rig.config.mcu) < 2:
        pytest.skip("the rig file lists fewer than two components of the host under mcu")
    names = [part.component for part in rig.config.mcu[:2]]
    contents = [PAYLOAD, PAYLOAD[::-1]]
    plan = sota_plan(names[0], "2_0_0", payload=PAYLOAD, components=[*map(packaged, names, contents)])
    module.set_mcu_version(names[1], "1_0_0")
    module.connect(mode=2)
    begin = events.mark()
    assert module.request_upgrade() is not None
    events.expect(sequence(*(where(urc.UpgradeOffered, component=name) for name in names)), "10 s", since=begin)
    module.confirm_upgrade()
    for name, content in zip(names, contents, strict=True):
        found = events.expect(FETCHED, within="15 min", since=begin).urcs
        assert (found[0].component, found[0].size) == (name, len(content))
        block = to_last_block(module, events, found[-1])
        assert read(module, block.start, 100) == content[block.start : block.start + 100]
        module.report_updating()
        begin = events.mark()
        module.set_mcu_version(name, "2_0_0")
        events.expect(urc.Updated, within="30 s", since=begin, never=urc.UpdateFailed)
    if plan.monitored:
        device = plan.wait_status("Upgraded", within=120)
        assert [component.status for component in device.components] == ["Upgrade Succeeded"] * 2


@pytest.fixture
def packaged(developer_center):
    """Upload the package of one component of the host; returns the component's part of a plan."""
    api = developer_center.api

    def upload(name, content, version="2_0_0"):
        if name not in {item["identifier"] for item in api.get("/components")["items"]}:
            api.post("/components", {"name": name, "identifier": name, "type": "mcu"})
        form = {"component_type": "mcu", "package_type": "full", "source_version": "", "target_version": version}
        unique = f"{name}-{hashlib.sha256(content).hexdigest()[:6]}-{random.randrange(10**9)}"
        package = api.upload("/packages", {"name": unique, "remarks": "", **form}, [(f"{name}.bin", content)])
        part = {"identifier": name, "package": package["id"], "package_type": "full", "source_version": ""}
        return {**part, "target_version": version}

    return upload
