"""A virtual bench whose module a real MCU talks to: three processes, and a rig file that only knows two taps."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import strict_mcu

from pytest_quecfota import rig as rigs
from pytest_quecfota.rig.bench import Bench, start
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.timeline import Timeline

HERE = Path(__file__).parent

VIRTUAL = """\
name: virtual
module: {model: BC25, profile: {sota_block: 8192}}
supply: {profile: keysight-e36300, channel: 1, nominal: {voltage: 3.3, current_limit: 1.0}, limits: {min: 2.1, max: 3.6}}
allow: [cuts]
mcu: [{component: STM32, version: "1_0_0"}]
developer_center: {kind: embedded}
virtual: {speed: 60}
"""

OBSERVED = """\
name: observed
module:
  model: BC25
  port: {{url: "socket://127.0.0.1:{module}"}}
  tap: {{url: "socket://127.0.0.1:{host}"}}
  product_key: {product_key}
  product_secret: {product_secret}
  imei: "{device_key}"
host: observed
supply:
  visa: {supply}
  profile: keysight-e36300
  channel: 1
  nominal: {{voltage: 3.3, current_limit: 1.0}}
  limits: {{min: 2.1, max: 3.6}}
allow: [cuts]
mcu: [{{component: STM32, version: "1_0_0"}}]
developer_center: {{kind: http, url: "{developer_center}", token: {token}}}
speed: 60
"""


class ObservedBench:
    """The processes; `mcu(**habits)` plugs one MCU in, in place of the one before."""

    def __init__(self, folder: Path, bench: Bench) -> None:
        self.folder = folder
        self.bench = bench
        self._link = folder / "mcu"
        tee = [sys.executable, str(HERE / "tee.py"), bench.ready["at"], str(self._link)]
        self._tee = subprocess.Popen(tee, stdout=subprocess.PIPE, text=True)
        assert self._tee.stdout is not None
        taps = json.loads(self._tee.stdout.readline())
        self.rig_file = folder / "observed.yaml"
        self.rig_file.write_text(OBSERVED.format(**bench.ready, **taps))
        self._mcu: subprocess.Popen[bytes] | None = None

    def mcu(self, **habits: Any) -> None:
        """A MCU starts."""
        self.unplug()
        habits = {"key": self.bench.ready["product_key"], "secret": self.bench.ready["product_secret"], **habits}
        program = [sys.executable, str(Path(strict_mcu.__file__)), str(self._link.readlink()), json.dumps(habits)]
        self.complaints = (self.folder / "mcu.log").open("wb")
        self._mcu = subprocess.Popen(program, stderr=self.complaints)

    def unplug(self) -> None:
        """The MCU ends."""
        if self._mcu is not None:
            self._mcu.terminate()
            self._mcu.wait(5)
            self.complaints.close()
            self._mcu = None

    @property
    def died_of(self) -> str:
        """What the MCU did not like, if it is dead."""
        return (self.folder / "mcu.log").read_text()

    def close(self) -> None:
        """Everything ends."""
        self.unplug()
        self._tee.terminate()
        self._tee.wait(5)
        assert self._tee.stdout is not None
        self._tee.stdout.close()


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedBench]:
    """The bench without a MCU, once for a file of tests."""
    folder = tmp_path_factory.mktemp("observed")
    (folder / "virtual.yaml").write_text(VIRTUAL)
    with contextlib.ExitStack() as stack:
        bench = stack.enter_context(start(rigs.load(folder / "virtual.yaml")))
        made = ObservedBench(folder, bench)
        stack.callback(made.close)
        yield made


@pytest.fixture
def listen(observed: ObservedBench, tmp_path: Path) -> Iterator[Callable[[], LiveRig]]:
    """The rig as tests of a run get it, recording to a timeline of its own; `listen()` makes it."""
    with contextlib.ExitStack() as stack:

        def make() -> LiveRig:
            rig = LiveRig(rigs.load(observed.rig_file), directory=tmp_path / "run", run=f"run-{tmp_path.name}")
            stack.callback(rig.close)
            rig.start()
            timeline = Timeline(tmp_path / "test", speed=60)
            stack.callback(timeline.close)
            stack.callback(rig.record_to, None)
            rig.record_to(timeline)
            rig.open_lines()
            return rig

        yield make
        observed.unplug()
