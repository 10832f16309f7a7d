"""From a URC on the wire to the cut's command at the supply's socket, on a quiet line: what a disturbance needs to begin.

Our side is what a test has: the rig's wire and supply, and a disturbance as `brownout` makes it. The URC is written by `relay`,
which also stands before the virtual supply and sees the command come. The bare loop reads the port and sends a prepared message.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import targets
from benchmarks.live import rig_at
from benchmarks.runs import NotFinished, median, percentile
from benchmarks.table import Row, judged, problems
from pytest_quecfota import urc
from pytest_quecfota.errors import BenchError
from pytest_quecfota.rig import load
from pytest_quecfota.rig.live import LiveRig
from pytest_quecfota.timeline import Timeline

WHAT = "URC on the wire -> command at the supply's socket"
START = "*TRG"  # with which the list engine of this supply begins (Keysight E36300 programming guide)
_RIG = """\
name: trigger
module: {{model: BC25, port: {{url: {port}}}}}
supply:
  visa: {supply}
  profile: keysight-e36300
  channel: 1
  nominal: {{voltage: 3.3, current_limit: 1.0}}
  limits: {{min: 2.1, max: 3.6}}
allow: [cuts]
developer_center: {{kind: manual}}
speed: 60
"""
Ask = Callable[[], float]


@dataclass(frozen=True)
class Ends:
    """The names of both lines, and `ask`: has one URC written and gives the seconds until the command came."""

    port: str
    supply: str
    ask: Ask


@contextlib.contextmanager
def relayed(supply: str, message: str) -> Iterator[Ends]:
    """The relay before a supply at `supply` (host:port)."""
    command = [sys.executable, str(Path(__file__).with_name("relay.py")), "--supply", supply, "--message", message]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        said, orders = process.stdout, process.stdin

        def ask() -> float:
            orders.write("GO\n")
            delay = json.loads(said.readline())["delay"]
            if delay is None:
                raise NotFinished("the command did not come")
            return float(delay)

        try:
            words: dict[str, Any] = json.loads(said.readline())
            yield Ends(words["port"], words["supply"], ask)
        finally:
            orders.close()


def ours(count: int) -> list[float]:
    """Seconds of `count` cuts."""
    with rig_at("60") as up, tempfile.TemporaryDirectory(prefix="bench-quecfota-") as name:
        assert up.rig.config.supply is not None
        _, host, port, _ = str(up.rig.config.supply.visa).split("::")
        with relayed(f"{host}:{port}", START) as ends, contextlib.ExitStack() as stack:
            folder = Path(name)
            (folder / "trigger.yaml").write_text(_RIG.format(port=ends.port, supply=ends.supply))
            rig = LiveRig(load(folder / "trigger.yaml"), directory=folder / "run", run="trigger")
            stack.callback(rig.close)
            timeline = Timeline(folder / "timeline", speed=rig.speed)
            stack.callback(timeline.close)
            rig.record_to(timeline)
            return [_one(rig, ends.ask) for _ in range(count)]


def _one(rig: LiveRig, ask: Ask) -> float:
    with rig.disturb(at=urc.Downloading, waveform="cut-500ms"):
        return ask()


def bare(count: int) -> list[float]:
    """Seconds that a loop of `os.read` and `sendall` needs."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taker = threading.Thread(target=_swallow, args=(server,), daemon=True)
        taker.start()
        with relayed(f"127.0.0.1:{server.getsockname()[1]}", START) as ends:
            _, host, port, _ = ends.supply.split("::")
            with socket.create_connection((host, int(port))) as link:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = os.open(ends.port, os.O_RDWR | os.O_NOCTTY)
                tty.setraw(line)
                loop = threading.Thread(target=_answer, args=(line, link, count), daemon=True)
                loop.start()
                found = [ends.ask() for _ in range(count)]
                loop.join(5)
                os.close(line)
        taker.join(5)
    return found


def _answer(line: int, link: socket.socket, count: int) -> None:
    for _ in range(count):
        while b"7,10702\r\n" not in os.read(line, 4096):
            pass
        link.sendall(f"{START}\n".encode())


def _swallow(server: socket.socket) -> None:
    link, _ = server.accept()
    with link:
        while link.recv(4096):
            pass


def rows(*, count: int = 5, cuts: int = 100) -> list[Row]:
    """p99 of ours against its target, and the medians against each other."""
    try:
        found = [ours(cuts) for _ in range(count)]
        least = [bare(cuts) for _ in range(count)]
    except (BenchError, NotFinished) as error:
        return problems(WHAT, {"ours": str(error)})
    (mine, worst), (theirs, their_worst) = (
        (1000 * median(median(one) for one in runs), 1000 * median(percentile(one, 0.99) for one in runs))
        for runs in (found, least)
    )
    return [
        judged(WHAT, "ours", f"{mine:.3f} ms, p99 {worst:.2f} ms", worst, targets.TRIGGER_P99_MS, "ms", of="p99"),
        Row(WHAT, "bare", f"{theirs:.3f} ms, p99 {their_worst:.2f} ms", f"{mine / theirs:.3g}"),
    ]
