"""How a failure reads. The texts are compared whole, apart from times of day and folders."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from speaking import Module

from pytest_quecfota import urc
from pytest_quecfota.errors import ModuleError
from pytest_quecfota.timeline import Cause, Timeline, one_of, reasons, repeated, sequence, then, where
from pytest_quecfota.timeline.story import ROWS
from pytest_quecfota.urc import Urc

UPGRADE = sequence(urc.DownloadStarted, repeated(urc.Downloading), urc.Downloaded, repeated(urc.Updating), urc.Updated)


def text(call: Callable[[], Any]) -> str:
    with pytest.raises(ModuleError) as error:
        call()
    told = re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "HH:MM:SS.mmm", str(error.value))
    told = re.sub(r"\+0\.\d\d  < OK", "+0.00  < OK", told)  # however long the machine took
    return re.sub(r"/\S+/", "…/", told)


@pytest.fixture
def powered(timeline: Timeline) -> Timeline:
    timeline.record("supply", voltage=3.3, output=True, action="on")
    timeline.record("sample", voltage=3.301, current=0.1824)
    return timeline


SKIPPED = """\
Downloaded (7,10703) did not come
  expected  DownloadStarted, Downloading…, Downloaded, Updating…, Updated    within 15 min, never UpdateFailed
  reached   DownloadStarted +0.9 s, Downloading x3, last +41.2 s
  missing   Downloaded; instead: Updating +43.0 s
  since     AT+QIOTUPDATE=1 (HH:MM:SS.mmm)                      supply 3.30 V, 182 mA, no disturbance
    +0.00  > AT+QIOTUPDATE=1
    +0.00  < OK
    +0.90  * DownloadStarted
        …  * Downloading x3 (+6.1 … +41.2)
   +43.00  * Updating                                           <- Downloaded was due before this
  why       the module went on without telling that the package is complete (OTA-06)
  files     …/timeline.jsonl  …/uart.log"""


def test_a_module_that_skips_10703_is_told_so(powered: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.DownloadStarted, at=0.9)
    for at in (6.1, 20.0, 41.2):
        module.says(urc.Downloading, at=at)
    module.says(urc.Updating, at=43.0)
    assert text(lambda: powered.events.expect(UPGRADE, within="15 min", never=urc.UpdateFailed)) == SKIPPED


TIMED_OUT = """\
Updating (7,10704) did not come within 5 ms after Downloaded
  expected  Downloaded, Updating within 5 ms, Updated    within 15 min
  reached   Downloaded +0.000 s
  missing   Updating, then Updated
  waited    N; the last URC was Downloaded +0.000 s, 0 s before the end
  since     AT+QIOTUPDATE=1 (HH:MM:SS.mmm)                      supply 3.30 V, 182 mA, no disturbance
    +0.00  > AT+QIOTUPDATE=1
    +0.00  < OK
    +0.00  * Downloaded
    +0.01  .                                                    <- time is up, Updating is missing
  why       the module has the package but did not tell that it installs it (OTA-06)
  files     …/timeline.jsonl  …/uart.log"""


def test_an_element_that_is_late_names_its_own_limit(powered: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.Downloaded, at=0.0)
    pattern = sequence(urc.Downloaded, then(urc.Updating, within="5 ms"), urc.Updated)
    told = text(lambda: powered.events.expect(pattern, within="15 min"))
    assert re.sub(r"waited    [^;]+;", "waited    N;", told) == TIMED_OUT


def test_silence_is_called_silence(timeline: Timeline, module: Module) -> None:
    timeline.sent(b"AT+QIOTUPDATE=1\r\n")
    told = text(lambda: timeline.events.expect(urc.DownloadStarted, within="1 ms"))
    assert "DownloadStarted (7,10701) did not come within 1 ms" in told
    assert "reached   nothing of it" in told
    assert "not one byte came" in told
    assert "is it powered, is the baud rate right" in told
    assert "supply unknown" in told


def test_silence_after_a_command_is_silence_whatever_came_before(timeline: Timeline, module: Module) -> None:
    module.says(urc.Registered)
    timeline.sent(b"AT+QIOTUPDATE=1\r\n")
    told = text(lambda: timeline.events.expect(urc.DownloadStarted, within="1 ms"))
    assert "is it powered, is the baud rate right" in told


def test_bytes_that_are_no_urcs_are_shown(timeline: Timeline, module: Module) -> None:
    timeline.sent(b"AT\r\n")
    timeline.received(b"\x00\xf8\x80garbage", timeline.now())
    told = text(lambda: timeline.events.expect(urc.Ready, within="1 ms"))
    assert r"the last bytes were b'\x00\xf8\x80garbage'" in told
    assert "its port at another baud rate" in told


def test_the_nearest_miss_shows_the_difference(timeline: Timeline, module: Module) -> None:
    module.command()
    module.says(urc.UpgradeOffered, at=1.0)
    pattern = where(urc.UpgradeOffered, component="STM32", min_battery=lambda level: level > 50)
    told = text(lambda: timeline.events.expect(pattern, within=0))
    assert (
        "nearest   UpgradeOffered +1.0 s has component='BC25' (wanted 'STM32'), min_battery=30 (wanted a predicate)"
        in told
    )


def test_a_second_time_is_called_so(timeline: Timeline, module: Module) -> None:
    module.command()
    module.upgrades()
    module.says(urc.Updated, at=60.0)
    told = text(lambda: timeline.events.expect(sequence(urc.Updated, urc.Registered), within=0))
    assert "Updated (7,10705) came a second time" in told
    assert "missing   Registered; instead: Updated +60.0 s" in told
    assert "<- came a second time" in told
    assert "there is exactly one 10705 (OTA-07)" in told


def test_alternatives_are_named_together(timeline: Timeline, module: Module) -> None:
    module.command()
    told = text(lambda: timeline.events.expect(one_of(urc.Updated, urc.Registered), within="1 ms"))
    assert "Updated (7,10705) or Registered (2,10200) did not come within 1 ms" in told


def test_codes_of_failures_are_in_the_summary(timeline: Timeline, module: Module) -> None:
    module.command("AT+QIOTREG=1")
    module.says("+QIOTEVT: 1,10424")
    told = text(lambda: timeline.events.expect(urc.Registered, within=0, never=urc.AuthenticationFailed))
    assert told.startswith("AuthenticationFailed (1,10424) came\n")
    module.says("+QIOTEVT: 4,10300")
    told = text(lambda: timeline.events.expect_none(where(urc.Event, type=4), during=0))
    assert told.startswith("Event (4,10300) came although it must not\n")
    assert "expected  no Event(type=4)    during 0 s" in told


def test_what_happened_beside_the_wire_is_in_the_table(timeline: Timeline, module: Module) -> None:
    module.command()
    timeline.record("step", name="confirm the upgrade", phase="start")
    timeline.record("supply", action="play", disturbance="cut-500ms", voltage=0.0)
    timeline.record("sample", voltage=0.01, current=0.0)
    timeline.record("platform", action="asked", status="Upgrading")
    timeline.response("AT+CSQ", ["+CSQ: 16,99"], "OK", 0.01)
    told = text(lambda: timeline.events.expect(urc.Updated, within=0))
    assert "supply 0.01 V, 0 mA, disturbance cut-500ms" in told
    assert "  # step: confirm the upgrade phase start" in told
    assert "  # supply: play disturbance cut-500ms, voltage 0.0" in told
    assert "  # platform: asked status Upgrading" in told
    assert re.search(r"  < \+CSQ: 16,99\n .*  < OK", told)
    assert "sample" not in told


def test_a_supply_that_is_off_is_called_off(timeline: Timeline, module: Module) -> None:
    timeline.record("supply", action="off", voltage=0.0, output=False)
    assert "supply off, no disturbance" in text(lambda: timeline.events.expect(urc.Ready, within=0))


def test_a_long_story_is_cut_to_its_end(timeline: Timeline, module: Module) -> None:
    module.command()
    for number in range(300):
        module.says(f"+CEREG: {number % 5}", at=number / 10)
        module.says(urc.Downloading, at=number / 10)
    told = text(lambda: timeline.events.expect(urc.Updated, within=0))
    assert len(told.splitlines()) < ROWS + 12
    assert "earlier lines are in the files" in told


def test_times_are_module_seconds(new: Callable[..., Timeline]) -> None:
    module = Module(new(speed=60))
    module.command()
    module.says(urc.Downloading, at=0.5)
    assert "   +30.00  * Downloading" in text(
        lambda: module.timeline.events.expect(urc.Downloaded, within=0, never=urc.Urc)
    )


def test_where_it_looked_from_is_told(timeline: Timeline, module: Module) -> None:
    assert "since     the start of the test" in text(lambda: timeline.events.expect(urc.Ready, within=0))
    module.command()
    mark = timeline.events.mark()
    assert "since     a mark after AT+QIOTUPDATE=1" in text(lambda: timeline.events.expect(urc.Ready, 0, since=mark))


def test_secrets_are_not_told(new: Callable[..., Timeline]) -> None:
    module = Module(new(secrets=["p1Secret"]))
    module.command('AT+QIOTCFG="productinfo","p1Secret"')
    module.timeline.response("AT+QIOTCFG?", ['+QIOTCFG: "p1Secret"'], "OK", 0.1)
    module.says("+X: p1Secret")
    told = text(lambda: module.timeline.events.expect(where(urc.Unknown, raw="p1Secret?"), within=0))
    assert "p1Secret" not in told
    assert 'AT+QIOTCFG="productinfo","***"' in told


def test_the_finding_is_there_as_data(powered: Timeline, module: Module) -> None:
    module.command()
    module.upgrades(urc.Downloaded)
    with pytest.raises(ModuleError) as raised:
        powered.events.expect(UPGRADE, within="15 min")
    error: Any = raised.value
    assert error.summary == "Downloaded (7,10703) did not come"
    assert error.failure.cause is Cause.OUT_OF_ORDER
    assert error.missing == ("Downloaded",)
    assert [type(one) for one in error.reached] == [urc.DownloadStarted, urc.Downloading, urc.Downloading]
    assert isinstance(error.failure.instead, urc.Updating)
    assert error.why.endswith("(OTA-06)")
    assert error.failure.files[0].endswith("timeline.jsonl")


def test_the_error_survives_a_process_border(timeline: Timeline) -> None:
    with pytest.raises(ModuleError) as error:
        timeline.events.expect(urc.Ready, within=0)
    back = pickle.loads(pickle.dumps(error.value))
    assert back.failure == error.value.failure  # type: ignore[attr-defined]


def test_every_reason_belongs_to_a_urc_class() -> None:
    tables = dict(reasons.tables())
    assert isinstance(tables.pop("silence"), str)
    codes = tables.pop("codes")
    names = {cls.__name__ for cls in vars(urc).values() if isinstance(cls, type) and issubclass(cls, Urc)}
    assert set(codes) <= names
    for cause, table in tables.items():
        assert set(table) - {"default"} <= names, cause
        assert "default" in table, cause


@pytest.mark.parametrize(
    "line", ["+QIOTEVT: 7,10703", "+QIOTEVT: 2,10200", "+QIOTEVT: 3,10200", "+QIOTEVT: 6,10200", "RDY"]
)
def test_codes_are_those_on_the_wire(line: str) -> None:
    assert f"({line.removeprefix('+QIOTEVT: ')})" in reasons.title(urc.parse(line))
