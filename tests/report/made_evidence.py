"""Timelines and evidence as a run leaves them, made up: nothing here was measured."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pytest_quecfota.report.evidence import Run
from pytest_quecfota.report.verdicts import RigFacts, Verdict

CATALOGUE = Path(__file__).parents[2] / "hil_tests" / "requirements.yaml"
RIG = RigFacts("virtual", virtual=True, speed=60, model="BC25", developer_center="embedded")
BENCH = RigFacts("bench2", model="BC25", developer_center="manual")
STARTED = datetime(2026, 11, 23, 12, 3, 44, tzinfo=timezone.utc)

Record = dict[str, Any]


def urc(t: float, name: str, raw: str = "", **fields: Any) -> Record:
    return {"t": t, "kind": "urc", "name": name, "raw": raw, "fields": fields}


def command(t: float, text: str, final: str = "OK", took: float = 0.02) -> list[Record]:
    return [
        {"t": t, "kind": "tx", "data": text + "\r"},
        {"t": t + took, "kind": "response", "command": text, "lines": [], "final": final, "duration": took},
    ]


def samples(start: float, end: float, step: float = 0.05, volts: float = 3.3) -> list[Record]:
    count = int((end - start) / step)
    moments = [start + n * step for n in range(count)]
    return [
        {
            "t": round(t, 4),
            "kind": "sample",
            "voltage": round(volts - 0.01 * math.sin(7 * t), 4),
            "current": round(0.06 + 0.05 * math.sin(3 * t) ** 2, 4),
        }
        for t in moments
    ]


def step(start: float, end: float, name: str) -> list[Record]:
    return [
        {"t": start, "kind": "step", "name": name, "phase": "start"},
        {"t": end, "kind": "step", "name": name, "phase": "end"},
    ]


def opening() -> list[Record]:
    return [
        {"t": 0.0, "kind": "supply", "action": "set", "voltage": 3.3, "current_limit": 1.0, "output": True},
        *step(0.02, 0.4, "connect"),
        *command(0.05, 'AT+QIOTCFG="productinfo","***","***"'),
        *command(0.1, "AT+QIOTREG=1"),
        urc(0.2, "Authenticated", "+QIOTEVT: 1,10200"),
        urc(0.3, "Registered", "+QIOTEVT: 2,10200"),
        urc(0.38, "Subscribed", "+QIOTEVT: 3,10200"),
        *step(0.45, 0.7, "request upgrade"),
        *command(0.5, "AT+QIOTOTAREQ=1"),
        {"t": 0.55, "kind": "platform", "text": "plan ota-7f3 is active"},
        urc(0.66, "UpgradeOffered", '+QIOTEVT: 7,10700,"BC25","BC25_FOTA_V1_0","BC25_FOTA_V2_0",30,-113,2563'),
        *command(0.8, "AT+QIOTUPDATE=1"),
    ]


def upgrade() -> list[Record]:
    """A full upgrade on a rig of speed 60, nothing unusual."""
    loading = [urc(1.0 + 0.11 * n, "Downloading", "+QIOTEVT: 7,10702") for n in range(17)]
    updating = [urc(3.2 + 0.15 * n, "Updating", "+QIOTEVT: 7,10704") for n in range(5)]
    return [
        *opening(),
        urc(0.9, "DownloadStarted", "+QIOTEVT: 7,10701"),
        *loading,
        urc(3.0, "Downloaded", "+QIOTEVT: 7,10703"),
        *updating,
        urc(4.4, "Ready", "RDY"),
        urc(4.45, "Functionality", "+CFUN: 1", level=1),
        urc(4.5, "SimState", "+CPIN: READY", text="READY"),
        urc(5.2, "NetworkState", "+CEREG: 1", command="+CEREG", fields=[1]),
        urc(5.6, "Registered", "+QIOTEVT: 2,10200"),
        urc(5.7, "Subscribed", "+QIOTEVT: 3,10200"),
        urc(5.8, "Updated", "+QIOTEVT: 7,10705"),
        *command(6.0, "AT+CGMR"),
        {"t": 6.1, "kind": "platform", "text": "device: Upgraded"},
        *samples(0, 6.3),
    ]


def brownout() -> list[Record]:
    """The same, cut for 500 module ms (8.3 real ms) 0.2 module seconds after the first Updating."""
    cut = {"disturbance": "cut-500ms"}
    return [
        *opening(),
        urc(0.9, "DownloadStarted", "+QIOTEVT: 7,10701"),
        *[urc(1.0 + 0.11 * n, "Downloading", "+QIOTEVT: 7,10702") for n in range(17)],
        urc(3.0, "Downloaded", "+QIOTEVT: 7,10703"),
        {"t": 0.81, "kind": "supply", "action": "armed", **cut},
        urc(3.2, "Updating", "+QIOTEVT: 7,10704"),
        {"t": 3.2001, "kind": "note", "action": "seen", **cut},
        {
            "t": 3.2006,
            "kind": "supply",
            "action": "sent",
            "waveform": [[0.0, 3.3], [0.0033, 3.3], [0.0034, 0.0], [0.0117, 0.0], [0.0118, 3.3]],
            **cut,
        },
        {"t": 3.2041, "kind": "supply", "action": "acknowledged", **cut},
        {"t": 3.2048, "kind": "note", "action": "low", **cut},
        {"t": 3.2055, "kind": "note", "action": "gone", **cut},
        {"t": 3.2124, "kind": "supply", "action": "ended", **cut},
        urc(3.242, "Ready", "RDY"),
        {"t": 3.2421, "kind": "note", "action": "back", **cut},
        urc(3.26, "Functionality", "+CFUN: 1", level=1),
        *[urc(3.5 + 0.15 * n, "Updating", "+QIOTEVT: 7,10704") for n in range(4)],
        urc(4.6, "Ready", "RDY"),
        urc(5.5, "Subscribed", "+QIOTEVT: 3,10200"),
        urc(5.6, "Updated", "+QIOTEVT: 7,10705"),
        *command(5.9, "AT+CGMR"),
        *samples(0, 3.2),
        {"t": 3.2046, "kind": "sample", "voltage": 0.9, "current": 0.0},
        {"t": 3.208, "kind": "sample", "voltage": 0.02, "current": 0.0},
        {"t": 3.2126, "kind": "sample", "voltage": 3.28, "current": 0.21},
        {"t": 3.22, "kind": "sample", "voltage": 3.29, "current": 0.12},
        *samples(3.23, 6.2),
    ]


def failure() -> list[Record]:
    """A module that leaves out 10703."""
    return [
        *opening(),
        urc(0.9, "DownloadStarted", "+QIOTEVT: 7,10701"),
        *[urc(1.0 + 0.2 * n, "Downloading", "+QIOTEVT: 7,10702") for n in range(3)],
        urc(1.9, "Updating", "+QIOTEVT: 7,10704"),
        *command(2.0, "AT+QIOTUPDATE=7", final="ERROR"),
        *samples(0, 2.3),
    ]


def crowd(count: int = 500) -> list[Record]:
    """More events than a picture has room for."""
    names = ("Downloading", "NetworkState", "Indication", "Event", "Unknown", "Updating")
    return [
        *opening(),
        *[urc(1 + n * 0.02, names[n % len(names)], f"line {n}") for n in range(count)],
        *[entry for n in range(count // 5) for entry in command(1 + n * 0.1, f"AT+QCFG={n}")],
        *samples(0, 1 + count * 0.02, 0.002),
    ]


def write(folder: Path, found: Iterable[Record]) -> Path:
    """`timeline.jsonl` and `uart.log` of a test, records in order of time."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(found, key=lambda record: record["t"])
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in ordered]
    (folder / "timeline.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "uart.log").write_text("12:03:44.118 > AT+QIOTREG=1\n12:03:44.138 < OK\n", encoding="utf-8")
    return folder


FAILURE = """\
ModuleError: Downloaded (7,10703) did not come
  expected  DownloadStarted, Downloading…, Downloaded, Updating…, Updated    within 15 min, never UpdateFailed
  reached   DownloadStarted +0.9 s, Downloading x3, last +41.2 s
  missing   Downloaded; instead: Updating +43.0 s
  why       the module went on without telling that the package is complete (OTA-06)"""

TESTS: Sequence[tuple[Verdict, list[Record], str]] = (
    (Verdict("hil_tests/test_upgrade.py::test_full_package", "passed", ("OTA-07", "OTA-06"), 6.3), upgrade(), ""),
    (Verdict("hil_tests/test_power.py::test_brownout[cut-500ms]", "passed", ("PWR-02", "PWR-04"), 6.2), brownout(), ""),
    (
        Verdict(
            "hil_tests/test_upgrade.py::test_step_by_step",
            "failed",
            ("OTA-06",),
            2.3,
            message="Downloaded (7,10703) did not come",
        ),
        failure(),
        FAILURE,
    ),
    (
        Verdict(
            "hil_tests/test_connect.py::test_wrong_key[secret]",
            "broken",
            ("CON-03",),
            1.0,
            message="supply TCPIP::127.0.0.1::40123::SOCKET gave no answer to '*IDN?' within 1.0 s",
            reason="supply timeout",
            phase="setup",
        ),
        [{"t": 0.1, "kind": "fault", "message": "supply gave no answer", "reason": "supply timeout"}],
        "SupplyError: supply gave no answer <b>& more</b>",
    ),
    (
        Verdict("hil_tests/test_sota.py::test_blocks", "skipped", ("SOTA-05",), message="needs mcu: the rig has none"),
        [],
        "",
    ),
)


def run(root: Path, *, rig: RigFacts = RIG, finish: bool = True, tests: Sequence[Any] = TESTS) -> Run:
    """A whole run's evidence below `root`."""
    command_line = ["pytest", "--rig", rig.name, "--token=hunter2"]
    kept = Run(root, [rig], STARTED, command=command_line, secrets=["hunter2"], requirements=CATALOGUE)
    kept.module({"model": "BC25", "revision": "BC25_FOTA_V1_0", "imei": "866123450000017"})
    for verdict, found, text in tests:
        if found:
            write(kept.test_directory(verdict.nodeid, rig=rig.name), found)
        kept.record(Verdict(**{**verdict.__dict__, "rig": rig.name}), text)
    if finish:
        kept.finish(exit_status=1)
    return kept
