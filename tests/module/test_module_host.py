"""The host that plays the MCU: what it decides, what it does on the wire, and what it says of how the module behaved."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, replace

import pytest
from scripted_module import BOOT, CONNECTED, ERROR, LADDER, OFFER, OK, SUCCESS, UPGRADE, V1, V2

from pytest_quecfota import models, urc
from pytest_quecfota.developer_center import Offer, Plan, PlanOrder
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.module import Host, Module
from pytest_quecfota.module.host import check_digests, check_offer
from pytest_quecfota.module.steps import step

DUE = Offer("BC25", ("", V1), V2, 30, -113, 2563)
OFFERED = urc.UpgradeOffered("BC25", V1, V2, 30, -113, 2563)


@dataclass
class Platform:
    """What stands behind a plan: it only remembers."""

    kind = "fake"
    monitoring = False
    plans = False

    def act(self, plan_id: str, action: str) -> None:
        """Taken."""


def plan(offer: Offer = DUE, **changes) -> Plan:
    plain = {
        "component": "BC25",
        "component_type": "module",
        "kind": "full",
        "source_version": V1,
        "target_version": V2,
    }
    return Plan(Platform(), "1", "plan-1", PlanOrder(**{**plain, **changes}), offer)


@pytest.fixture
def host(module: Module) -> Host:
    return Host(module)


# -- the offer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["", V1])
def test_an_offer_that_says_what_the_plan_says_is_right(source):
    check_offer(replace(OFFERED, source_version=source), plan())


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"component": "BC26"}, "component is 'BC26', due 'BC25'"),
        ({"target_version": "V9"}, f"target version is 'V9', due '{V2}'"),
        ({"source_version": "V9"}, f"source version is 'V9', due '' or '{V1}'"),
        ({"min_battery": 31}, "battery is 31, due 30"),
        ({"min_signal": -112}, "signal is -112, due -113"),
        ({"size": 2564}, "size is 2564, due 2563"),
    ],
)
def test_each_wrong_field_of_an_offer_is_named_with_what_was_due(changes, told):
    with pytest.raises(ModuleError) as caught:
        check_offer(replace(OFFERED, **changes), plan())
    assert told in str(caught.value)
    assert str(caught.value).count("due") == 1
    assert "OTA-01" in str(caught.value)


def test_all_wrong_fields_are_named_at_once():
    with pytest.raises(ModuleError, match=r"component is.*signal is.*source version is"):
        check_offer(replace(OFFERED, component="X", min_signal=0, source_version="Y"), plan())


# -- the decision ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("battery", "csq", "asks", "wanted", "confirms", "reason"),
    [
        (80, 20, (30, -113), True, True, ""),
        (30, 20, (30, -73), True, True, ""),
        (29, 20, (30, -113), True, False, "battery 29 % is below the 30 %"),
        (80, 20, (30, -72), True, False, "signal -73 dBm is below the -72 dBm"),
        (80, 99, (30, -113), True, False, "no signal"),
        (None, 20, (90, -113), True, True, ""),
        (10, 5, (30, -50), True, False, "battery"),
        (80, 20, (30, -113), False, False, "told to refuse"),
        (10, 20, (30, -113), False, False, "battery"),
    ],
)
def test_the_host_confirms_only_where_battery_and_signal_meet_the_offer(
    scripted, host, battery, csq, asks, wanted, confirms, reason
):
    scripted.replies["AT+CBC"] = [f"+CBC: 0,{'' if battery is None else battery},3300", OK]
    scripted.replies["AT+CSQ"] = [f"+CSQ: {csq},99", OK]
    decision = host.decide(replace(OFFERED, min_battery=asks[0], min_signal=asks[1]), wanted)
    assert decision.confirm is confirms
    assert reason in decision.reason


# -- the module's own firmware ---------------------------------------------------------------------


def test_an_upgrade_that_goes_as_documented_is_upgraded(scripted, host):
    run = host.upgrade(plan())
    assert (run.outcome, run.source_version, run.target_version) == ("upgraded", V1, V2)
    assert run.reboots == 1
    assert run.match is not None
    assert list(run.stages) == ["download started", "downloading", "downloaded", "updating", "restarted", "updated"]
    assert list(run.stages.values()) == sorted(run.stages.values())
    assert 0 <= run.stages["updated"] <= run.duration + 0.001
    wanted = ["AT+QIOTREG=2", "AT+QIOTOTAREQ=1", "AT+CBC", "AT+CSQ", "AT+QIOTUPDATE=1", "AT+CGMR"]
    assert [c for c in scripted.heard if c in wanted][-6:] == wanted, "decided before confirmed, compared at the end"


def test_what_the_host_does_is_told_in_steps(host, timeline):
    host.upgrade(plan())
    steps = list(timeline.records("step"))
    assert [s["name"] for s in steps if s["phase"] == "start"] == [
        "connect",
        f"ask for the upgrade of BC25 to {V2}",
        "confirm",
        "watch BC25 download, update and restart",
        "wait for the module to connect by itself",
        "compare the running version and the platform's view",
    ]
    assert not any("error" in s for s in steps)


@pytest.mark.parametrize(
    ("success_event", "after"),
    [
        ("before-restart", [*LADDER, SUCCESS, *BOOT, *CONNECTED]),
        ("after-restart", UPGRADE),
        ("after-reconnect", [*LADDER, *BOOT, *CONNECTED, SUCCESS]),
    ],
)
def test_the_success_event_is_due_where_the_models_profile_says(
    scripted, client, model, timeline, success_event, after
):
    scripted.after["AT+QIOTUPDATE=1"] = after
    module = Module(client, model.with_options({"success_event": success_event}), timeline=lambda: timeline)
    assert Host(module).upgrade(plan()).outcome == "upgraded"


@pytest.mark.parametrize("success_event", ["before-restart", "after-reconnect"])
def test_a_success_event_in_another_place_is_the_modules_fault(scripted, client, model, timeline, success_event):
    module = Module(client, model.with_options({"success_event": success_event}), timeline=lambda: timeline)
    with pytest.raises(ModuleError, match=r"Updated|Ready"):
        Host(module).upgrade(plan())


@pytest.mark.parametrize(
    ("missing", "named"), [(0, "DownloadStarted"), (3, "Downloaded"), (4, "Updating")], ids=["10701", "10703", "10704"]
)
def test_a_stage_that_is_left_out_fails_at_once_and_is_named(scripted, host, missing, named):
    code = LADDER[missing]
    scripted.after["AT+QIOTUPDATE=1"] = [line for line in UPGRADE if line != code]
    with pytest.raises(ModuleError, match=named):
        host.upgrade(plan())


def test_a_stage_that_comes_twice_is_the_modules_fault(scripted, host):
    scripted.after["AT+QIOTUPDATE=1"] = [LADDER[0], *UPGRADE]
    with pytest.raises(ModuleError, match="DownloadStarted"):
        host.upgrade(plan())


@pytest.mark.parametrize(
    "after",
    [[*LADDER, *BOOT, SUCCESS, SUCCESS, *CONNECTED], [*LADDER, *BOOT, SUCCESS, *CONNECTED[:1], SUCCESS, CONNECTED[1]]],
    ids=["at-once", "later"],
)
def test_success_told_twice_is_the_modules_fault(scripted, host, after):
    scripted.after["AT+QIOTUPDATE=1"] = after
    with pytest.raises(ModuleError, match=r"10705.*2 times|OTA-07|second time"):
        host.upgrade(plan())


def test_another_version_after_success_is_the_modules_fault(scripted, host):
    scripted.installs = "BC25_FOTA_V1_0"
    with pytest.raises(ModuleError, match=rf"10705 came, yet {V1} runs instead of {V2}"):
        host.upgrade(plan())


def test_a_platform_that_shows_no_success_is_told(module):
    host = Host(module, platform_agrees=lambda _plan: "the platform shows 'Upgrading' instead of 'Upgraded'")
    with pytest.raises(ModuleError, match="the platform shows 'Upgrading'"):
        host.upgrade(plan())


def test_a_platform_that_agrees_is_asked_once_with_the_plan(module):
    asked: list[Plan] = []
    made = plan()
    Host(module, platform_agrees=lambda p: asked.append(p)).upgrade(made)
    assert asked == [made]


def test_a_failure_the_module_tells_is_its_fault(scripted, host):
    scripted.after["AT+QIOTUPDATE=1"] = [*LADDER[:4], "+QIOTEVT: 7,10706"]
    with pytest.raises(ModuleError, match="UpdateFailed"):
        host.upgrade(plan())


def test_no_offer_is_kept(scripted, host):
    scripted.after["AT+QIOTOTAREQ=1"] = []
    run = host.upgrade(plan())
    assert (run.outcome, run.reason, run.match, run.reboots) == ("kept", "no offer came", None, 0)
    assert scripted.said("AT+QIOTUPDATE") == []


def test_told_to_refuse_it_refuses_and_the_version_is_kept(scripted, host):
    run = host.upgrade(plan(), confirm=False)
    assert run.outcome == "kept"
    assert scripted.said("AT+QIOTUPDATE") == ["AT+QIOTUPDATE=0"]


def test_below_the_offered_battery_it_refuses_and_says_why(scripted, host):
    scripted.replies["AT+CBC"] = ["+CBC: 0,12,3100", OK]
    run = host.upgrade(plan())
    assert run.outcome == "kept"
    assert "battery 12 %" in run.reason
    assert scripted.said("AT+QIOTUPDATE") == ["AT+QIOTUPDATE=0"]


def test_an_offer_that_is_not_the_plans_is_neither_confirmed_nor_refused(scripted, host):
    scripted.after["AT+QIOTOTAREQ=1"] = [OFFER.replace("2563", "2564")]
    with pytest.raises(ModuleError, match="size is 2564"):
        host.upgrade(plan())
    assert scripted.said("AT+QIOTUPDATE") == []


def test_a_refused_confirmation_is_the_modules_fault(scripted, host):
    scripted.replies["AT+QIOTUPDATE=1"] = [ERROR]
    with pytest.raises(ModuleError, match=r"AT\+QIOTUPDATE=1 answered ERROR"):
        host.upgrade(plan())


# -- the host's own firmware -----------------------------------------------------------------------

FILE = bytes(range(256)) * 20  # 5120 bytes, read in pieces of 1024
SOTA = Offer("STM32", ("", "1_0_0"), "2_0_0", 30, -113, len(FILE))


class HostFile:
    """Teaches the scripted module a file of the host, handed out in blocks."""

    def __init__(self, scripted, blocks: int = 1, served: bytes = FILE, md5: str = "", crc: int | None = None) -> None:
        self.scripted, self.served, self.length = scripted, served, -(-len(FILE) // blocks)
        digest, check = md5 or hashlib.md5(FILE).hexdigest(), zlib.crc32(FILE) if crc is None else crc
        sha256 = hashlib.sha256(FILE).hexdigest()
        scripted.after |= {
            "AT+QIOTOTAREQ=1": ['+QIOTEVT: 7,10700,"STM32","1_0_0","2_0_0",30,-113,5120'],
            "AT+QIOTUPDATE=1": [
                f'+QIOTEVT: 7,10701,"STM32",5120,"{digest}",{check},"{sha256}"',
                "+QIOTEVT: 7,10702",
                self.block(0),
            ],
            "AT+QIOTUPDATE=2": [self.block(self.length)],
            "AT+QIOTUPDATE=3": ["+QIOTEVT: 7,10704"],
            'AT+QIOTMCUVER="STM32","2_0_0"': [SUCCESS],
        }
        for begin in range(0, len(FILE), self.length):
            end = min(begin + self.length, len(FILE))
            for start in range(begin, end, 1024):
                self.serve(start, min(1024, end - start))

    def block(self, start: int) -> str:
        return f'+QIOTEVT: 7,10703,"STM32",5120,{start},{min(self.length, len(FILE) - start)}'

    def serve(self, start: int, length: int, gives: int | None = None) -> None:
        piece = self.served[start : start + (length if gives is None else gives)]
        header = f"\r\n+QIOTOTARD: {start},{len(piece)}\r\n".encode()
        self.scripted.replies[f"AT+QIOTOTARD={start},{length}"] = [header + piece, OK]


@pytest.fixture
def sota() -> Plan:
    return plan(SOTA, component="STM32", component_type="mcu", source_version="1_0_0", target_version="2_0_0")


def test_a_host_file_is_read_in_pieces_checked_and_its_new_version_told(scripted, host, sota):
    HostFile(scripted)
    run = host.upgrade(sota)
    assert (run.outcome, run.reboots) == ("upgraded", 0)
    assert [c.removeprefix("AT+QIOTOTARD=") for c in scripted.said("AT+QIOTOTARD")] == [
        f"{start},1024" for start in range(0, 5120, 1024)
    ]
    assert scripted.heard[-2:] == ["AT+QIOTUPDATE=3", 'AT+QIOTMCUVER="STM32","2_0_0"']


def test_a_file_in_two_blocks_is_asked_for_block_by_block(scripted, host, sota):
    HostFile(scripted, blocks=2)
    assert host.upgrade(sota).outcome == "upgraded"
    assert scripted.heard.count("AT+QIOTUPDATE=2") == 1
    assert "AT+QIOTOTARD=2048,512" in scripted.heard
    assert "AT+QIOTOTARD=2560,1024" in scripted.heard


def test_pieces_shorter_than_asked_for_are_put_together(scripted, host, sota):
    file = HostFile(scripted)
    file.serve(0, 1024, gives=1000)
    for start in range(1000, 5120, 1024):
        file.serve(start, min(1024, 5120 - start))
    assert host.upgrade(sota).outcome == "upgraded"


def test_a_piece_without_bytes_is_the_modules_fault_and_no_endless_loop(scripted, host, sota):
    HostFile(scripted).serve(1024, 1024, gives=0)
    with pytest.raises(ModuleError, match="offset 1024"):
        host.upgrade(sota)


def test_a_file_that_differs_from_what_was_announced_is_the_modules_fault(scripted, host, sota):
    HostFile(scripted, served=b"\x01" + FILE[1:])
    with pytest.raises(ModuleError, match=r"MD5 is .*CRC is .*SHA-256 is .*SOTA-02"):
        host.upgrade(sota)
    assert "AT+QIOTUPDATE=3" not in scripted.heard


def test_a_wrong_checksum_is_named_alone(scripted, host, sota):
    HostFile(scripted, crc=1)
    with pytest.raises(ModuleError, match=r"CRC is \d+, 10701 said 1 \(SOTA-02\)"):
        host.upgrade(sota)


def test_another_model_reads_pieces_of_its_own_length(scripted, client, timeline, sota):
    file = HostFile(scripted)
    for start in range(0, 5120, 2560):
        file.serve(start, 2560)
    module = Module(client, models.load("BC25").with_options({"otard_max": 2560}), timeline=lambda: timeline)
    Host(module).upgrade(sota)
    assert scripted.said("AT+QIOTOTARD") == ["AT+QIOTOTARD=0,2560", "AT+QIOTOTARD=2560,2560"]


STARTED = urc.DownloadStarted(
    "STM32", 5, hashlib.md5(b"hello").hexdigest(), zlib.crc32(b"hello"), hashlib.sha256(b"hello").hexdigest()
)


def test_right_digests_pass_and_those_that_were_not_told_are_not_compared():
    check_digests(STARTED, b"hello")
    check_digests(replace(STARTED, sha256=None, crc=None), b"hello")
    check_digests(urc.DownloadStarted(), b"anything")


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"size": 6}, "length"), ({"md5": "0" * 32}, "MD5"), ({"crc": 0}, "CRC"), ({"sha256": "0"}, "SHA-256")],
)
def test_each_wrong_digest_is_named_with_both_values(changes, named):
    with pytest.raises(ModuleError) as caught:
        check_digests(replace(STARTED, **changes), b"hello")
    assert f"{named} is " in str(caught.value)
    assert str(caught.value).count("10701 said") == 1


def test_digests_are_compared_without_regard_to_case():
    assert STARTED.md5 is not None
    check_digests(replace(STARTED, md5=STARTED.md5.upper()), b"hello")


# -- steps -----------------------------------------------------------------------------------------


def test_a_step_records_its_beginning_and_its_end(timeline):
    with step(timeline, "connect"):
        timeline.record("note", text="in between")
    kinds = [(r["kind"], r.get("phase")) for r in timeline.records(("step", "note"))][-3:]
    assert kinds == [("step", "start"), ("note", None), ("step", "end")]


@pytest.mark.parametrize("error", [ModuleError("first line\nsecond"), KeyboardInterrupt()])
def test_a_step_that_fails_says_so_in_one_line_and_lets_the_error_through(timeline, error):
    with pytest.raises(type(error)), step(timeline, "connect"):
        raise error
    *_, last = timeline.records("step")
    assert last["phase"] == "end"
    assert last["error"] == str(error).partition("\n")[0]
