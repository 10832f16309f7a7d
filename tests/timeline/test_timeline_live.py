from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from speaking import Module

from pytest_quecfota import urc
from pytest_quecfota.timeline import Timeline
from pytest_quecfota.timeline.live import STAGES, Progress
from pytest_quecfota.urc import Urc


@pytest.fixture
def progress(timeline: Timeline) -> Iterator[Progress]:
    progress = Progress(timeline)
    yield progress
    progress.close()


def test_before_anything_happens_it_waits(progress: Progress) -> None:
    assert progress.text() == "waiting  0 s"


def test_stages_follow_the_events(progress: Progress, module: Module) -> None:
    said = []
    for cls in (
        urc.Registered,
        urc.UpgradeOffered,
        urc.DownloadStarted,
        urc.Downloaded,
        urc.Updating,
        urc.Ready,
        urc.Updated,
    ):
        module.says(cls)
        said.append(progress.text().split("  ")[0])
    assert said == ["connected", "offered", "downloading", "downloaded", "updating", "restarted", "updated"]


def test_without_per_cent_events_are_counted(progress: Progress, module: Module) -> None:
    module.says(urc.DownloadStarted)
    module.says(urc.Downloading)
    module.says(urc.Downloading)
    assert progress.text() == "downloading x3  0 s"


def test_the_platform_knows_per_cent_and_the_supply_volts(progress: Progress, module: Module) -> None:
    module.says(urc.Downloading)
    module.timeline.record("platform", action="asked", status="Downloading", progress=42)
    module.timeline.record("supply", voltage=3.3, output=True)
    module.timeline.record("sample", voltage=3.287, current=0.1)
    assert progress.text() == "downloading 42 %  0 s  3.29 V"
    module.says(urc.Downloading)
    assert progress.percent == 42
    module.says(urc.Downloaded)
    assert progress.percent is None
    module.timeline.record("supply", action="off", output=False)
    assert progress.text().endswith("0.00 V")


def test_reading_blocks_of_an_mcu_gives_per_cent(progress: Progress, module: Module) -> None:
    module.says('+QIOTEVT: 7,10701,"STM32",2000,"5d41402abc4b2a76b9719d911017c592",4022793929')
    module.says('+QIOTEVT: 7,10703,"STM32",2000,0,1000')
    module.timeline.response("AT+QIOTOTARD=512,488", [], "OK", 0.1)
    assert progress.text() == "reading 50 %  0 s"
    module.timeline.response("AT+QIOTOTARD=1000,512", [], "ERROR", 0.1)
    assert progress.percent == 50


def test_the_classic_way_prints_its_own_per_cent(progress: Progress, module: Module) -> None:
    module.says('+QIND: "FOTA","UPDATING",20')
    assert progress.text() == "updating 20 %  0 s"
    module.says('+QIND: "FOTA","HTTPSTART"')
    assert progress.text() == "httpstart  0 s"


def test_seconds_are_those_of_the_module_since_the_upgrade_began(new: Callable[..., Timeline]) -> None:
    module = Module(new(speed=1000))
    progress = Progress(module.timeline)
    module.timeline.stepped(500)
    module.says(urc.UpgradeOffered)
    began = module.timeline.now()
    text = progress.text()
    assert int(text.split()[1]) <= (module.timeline.now() - began + 0.1) * 1000
    progress.close()


def test_after_closing_it_does_not_listen(progress: Progress, module: Module) -> None:
    progress.close()
    module.says(urc.Downloading)
    assert progress.stage == "waiting"


def test_every_stage_belongs_to_a_urc_class() -> None:
    assert set(STAGES) <= {cls.__name__ for cls in vars(urc).values() if isinstance(cls, type) and issubclass(cls, Urc)}
